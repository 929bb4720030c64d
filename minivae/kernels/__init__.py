"""The compute core: pure functions on arrays, each backward directly beneath its forward.

Every backward is a vector-Jacobian product: given the gradient of the loss with respect to the forward's output (the
upstream gradient), it returns the gradients with respect to the forward's arguments, in their order. It takes the
upstream gradient first, then what the forward knew. Nothing here imports more than NumPy.

Every kernel raises a ValueError if an argument is not an array of floats or its shape does not fit the others; shapes
are never broadcast. A kernel given ``out`` writes its result into that array and returns it; otherwise it returns a new
array. Values are not checked: a result beyond the range of its dtype is infinite.

Read ``plain`` first, which has each kernel as one line of NumPy; then dense, activations, gaussian, bernoulli, density
and samples.
"""

from .activations import *
from .bernoulli import *
from .dense import *
from .density import *
from .gaussian import *
from .pairs import *
from .samples import *
