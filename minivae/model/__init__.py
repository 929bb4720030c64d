"""The model: its parameters, its two stacks of layers, the trace of one pass, and the VAE that is made of them."""

from .bounds import IWAE, MonteCarloELBO
from .conditional import ConditionalVAE
from .labels import join_labels
from .parameters import Parameters
from .path import PathIWAE, PathMonteCarloELBO
from .trace import Trace
from .vae import VAE

__all__ = ["ConditionalVAE", "IWAE", "MonteCarloELBO", "Parameters", "PathIWAE", "PathMonteCarloELBO", "Trace", "VAE",
           "join_labels"]
