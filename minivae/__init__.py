"""minivae: a variational autoencoder in pure NumPy whose every gradient is written by hand.

Read it in this order: ``derivation`` (the equations by number), ``kernels`` (each forward with its backward beneath
it), ``model`` (the chain from data to loss and back), ``training``, ``evaluation``.
"""

from importlib import import_module

from .data import load_idx, load_mnist
from .evaluation import evaluate_elbo
from .files import CheckpointError
from .model import VAE, Parameters, Trace

__version__ = "0.1.0"

_LATER = {  # imported when first asked for: they bring tqdm or matplotlib, which importing minivae need not
    "train": "training", "Adam": "training", "SGD": "training", "NonFiniteError": "training",
    "plots": None, "derivation": None, "kernels": None,
}

__all__ = ["VAE", "Parameters", "Trace", "CheckpointError", "evaluate_elbo", "load_idx", "load_mnist", *_LATER]


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_LATER[name] or name}", __name__)
    return getattr(module, name) if _LATER[name] else module


def __dir__():
    return __all__
