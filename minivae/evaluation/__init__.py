"""How good a model is: the ELBO and its parts on data that it has not seen."""

from .elbo import evaluate_elbo

__all__ = ["evaluate_elbo"]
