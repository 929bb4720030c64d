"""The model: parameters, the two stacks of layers, the trace, and the VAE that ties them together."""

from .bounds import IWAE, MonteCarloELBO
from .conditional import ConditionalVAE
from .labels import join_labels
from .parameters import Parameters
from .path import PathIWAE, PathMonteCarloELBO
from .trace import Trace
from .vae import VAE

__all__ = ["ConditionalVAE", "IWAE", "MonteCarloELBO", "Parameters", "PathIWAE", "PathMonteCarloELBO", "Trace", "VAE",
           "join_labels"]
