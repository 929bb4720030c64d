"""The settings of a model: its arguments, checked, as plain numbers and words that JSON can hold."""

from .arguments import finite_number, one_of, positive_integer, whole_number
from .mlp import ACTIVATIONS

__all__ = ["architecture"]


def architecture(*, data_dim, hidden, latent_dim, activation, likelihood, beta, dtype, seed, noise_variance):
    """Return the arguments of a VAE as a dictionary, or raise a ValueError that names the wrong one."""
    if isinstance(hidden, str) or not hasattr(hidden, "__iter__"):
        raise ValueError(f"hidden must be a sequence of layer sizes, such as (400,); got {hidden!r}.")
    return {
        "data_dim": positive_integer("data_dim", data_dim),
        "hidden": tuple(positive_integer("each size in hidden", size) for size in hidden),
        "latent_dim": positive_integer("latent_dim", latent_dim),
        "activation": one_of("activation", activation, tuple(ACTIVATIONS)),
        "likelihood": one_of("likelihood", likelihood, ("bernoulli", "gaussian")),
        "beta": finite_number("beta", beta),
        "dtype": one_of("dtype", getattr(dtype, "__name__", str(dtype)), ("float32", "float64")),
        "seed": None if seed is None else whole_number("seed", seed),
        "noise_variance": _noise_variance(noise_variance, likelihood),
    }


def _noise_variance(value, likelihood):
    if not isinstance(value, str):
        return finite_number("noise_variance", value, positive=True)
    if value != "learned":
        raise ValueError(f'noise_variance must be a finite number above 0, or "learned"; got {value!r}.')
    if likelihood != "gaussian":
        raise ValueError('noise_variance is for the gaussian likelihood only; got "learned" for a '
                         f'{likelihood} one. Say likelihood="gaussian" too?')
    return value
