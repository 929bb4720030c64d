"""The model: parameters, the two stacks of layers, the trace, and the VAE that ties them together."""

from .parameters import Parameters
from .trace import Trace
from .vae import VAE

__all__ = ["Parameters", "Trace", "VAE"]
