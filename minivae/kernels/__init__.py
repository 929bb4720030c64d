"""The compute core: pure functions on arrays, each backward directly beneath its forward.

Every backward is a vector-Jacobian product: given the gradient of the loss with respect to the forward's output (the
upstream gradient), it returns the gradients with respect to the forward's arguments, in their order. It takes the
upstream gradient first, then what the forward knew. Nothing here imports more than NumPy.

Every kernel raises a ValueError if an argument is not an array of floats or its shape does not fit the others; shapes
are never broadcast. ``out`` is an array to write the result to, and the result is then that array; a kernel without it
returns a new one. Values are not checked: where a result is beyond the range of its dtype it is infinite.

Read ``plain`` first, each kernel as the one line of NumPy that it means; then dense, activations, gaussian, bernoulli,
density, samples.
"""

from .activations import *
from .bernoulli import *
from .dense import *
from .density import *
from .gaussian import *
from .pairs import *
from .samples import *
