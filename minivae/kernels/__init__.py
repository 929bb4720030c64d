"""The compute core: pure functions on arrays, each backward directly beneath its forward.

Every backward is a vector-Jacobian product: given the gradient of the loss with respect to the forward's output (the
upstream gradient), it returns the gradients with respect to the forward's arguments, in their order. It takes the
upstream gradient first, then what the forward knew. Nothing here imports more than NumPy.
Read in this order: dense, activations, gaussian, bernoulli, density, samples.
"""

from .activations import *
from .bernoulli import *
from .dense import *
from .density import *
from .gaussian import *
from .pairs import *
from .samples import *
