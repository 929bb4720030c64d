"""minivae: a variational autoencoder in pure NumPy whose every gradient is written by hand.

Read it in this order: ``derivation`` (the equations by number), ``kernels`` (each forward with its backward beneath
it), ``model`` (the chain from data to loss and back), ``training``, ``evaluation``. README.md has a map of all modules.
"""

import os
import sys
from importlib import import_module

if sys.argv[:1] == ["-m"] and sys.path and os.path.abspath(sys.path[0]) == os.getcwd() \
        and os.path.dirname(os.path.dirname(os.path.abspath(__file__))) != os.getcwd():
    del sys.path[0]   # python -m minivae in a folder of students' files must not import their random.py

__version__ = "0.1.0"

_HOMES = {  # names are imported when first used, so ``import minivae`` and ``--help`` do not wait for NumPy
    "VAE": "model", "IWAE": "model", "MonteCarloELBO": "model", "ConditionalVAE": "model",
    "PathIWAE": "model", "PathMonteCarloELBO": "model", "join_labels": "model", "Parameters": "model", "Trace": "model",
    "CheckpointError": "files",
    "load_mnist": "data", "load_idx": "data", "evaluate_elbo": "evaluation", "log_evidence": "evaluation",
    "annealed_log_evidence": "evaluation",
    "load_pretrained": "model.pretrained",
    "train": "training", "Adam": "training", "SGD": "training", "NonFiniteError": "training",
    "equation": "derivation", "show_source": "derivation", "show": "lesson", "step_through": "lesson", "toy": "lesson",
    "explore": "lesson", "formula_sheet": "lesson",
}
_MODULES = ("data", "derivation", "evaluation", "exercises", "gradcheck", "grading", "kernels",
            "lesson", "model", "plots", "training")

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*__all__, "__version__"]
