"""The ELBO of a data set and its two parts, in nats per example.

This is equation 2.9 averaged over the examples, with one draw of z for each. The estimate is unbiased and comes with a
standard error. Shapes: N examples, D data.
"""

import numpy as np

from ..data import prepare
from ..data.binarize import binarize_checked
from ..model.arguments import generator, positive_integer
from .cores import one_blas_thread

__all__ = ["evaluate_elbo", "mean_elbo"]


def evaluate_elbo(model, images, *, binarize, rng, samples=1, batch_size=500):
    """Estimate the mean ELBO over a data set.

    Parameters
    ----------
    model : VAE
    images : ndarray, shape (N, rows, columns) or (N, D)
        uint8 grey levels, or floats.
    binarize : {"dynamic", "fixed", "threshold", "none"}
        How grey levels become pixels; "dynamic" draws them from ``rng``.
    rng : numpy.random.Generator
        For pixels and latents. The same seed gives the same pixels and noise, so two epochs or two models can be
        compared on the same draws.
    samples : int, optional
        S, draws of z per example, for a model whose objective uses several.
    batch_size : int, optional
        Examples at a time. Pixels and noise are drawn in turn, so another size gives other draws.

    Returns
    -------
    means : dict of str to float
        "elbo", "log_likelihood" and "kl"; "objective" where that is made from several draws; and "elbo_se", the
        standard error of "elbo" (None for one example).
    """
    images, rng = prepare(images, binarize, data_dim=model.input_dim, classes=model.conditions), generator(rng)
    return mean_elbo(model, images, binarize, rng, samples, positive_integer("batch_size", batch_size))


@one_blas_thread()
def mean_elbo(model, images, binarize, rng, samples=1, batch_size=500):
    """Do the work of ``evaluate_elbo``, without checks, on images that ``prepare`` has returned."""
    columns = {name: [] for name in model.reported}
    for start in range(0, len(images), batch_size):
        x = binarize_checked(images[start:start + batch_size], binarize, rng, model.dtype)
        trace = model.forward(x, rng.standard_normal((len(x) * samples, model.latent_dim)))
        for name, column in columns.items():
            column.append(trace[name].reshape(len(x), -1).mean(axis=1))
    columns = {name: np.concatenate(column).astype(np.float64) for name, column in columns.items()}
    means = {name: float(column.mean()) for name, column in columns.items()}
    if len(images) == 1:
        return means | {"elbo_se": None}
    return means | {"elbo_se": float(columns["elbo"].std(ddof=1) / np.sqrt(len(images)))}
