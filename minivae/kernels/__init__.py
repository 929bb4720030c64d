"""The compute core: pure functions on arrays, each backward directly beneath its forward.

Every backward is a vector-Jacobian product. It takes the upstream gradient first, then what the forward
knew, and returns gradients in the order of the forward's arguments. Nothing here imports more than NumPy.
Read in this order: dense, activations, gaussian, bernoulli, density.
"""

from .activations import *
from .bernoulli import *
from .dense import *
from .density import *
from .gaussian import *
from .pairs import *
