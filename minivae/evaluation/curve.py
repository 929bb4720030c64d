"""The importance-weighted bound against the number of samples: whether an estimate of log p(x) has converged.

The bound with S samples rises with S from the ELBO, at S = 1, towards log p(x). Where its curve still rises at the end,
the last value is a lower bound and not yet log p(x). Equation 10.23. Shapes: B batch, S samples per example.
"""

from typing import NamedTuple

import numpy as np

from ..kernels import log_mean_exp
from ..model.arguments import positive_integer
from .importance import over_examples

__all__ = ["BoundCurve", "bound_curve", "bound_in_groups", "sample_sizes"]


class BoundCurve(NamedTuple):
    """The bound for several numbers of samples, averaged over examples, in nats.

    Attributes
    ----------
    samples : ndarray of int, shape (n,)
    bound : ndarray, shape (n,)
    standard_error : ndarray, shape (n,)
        Of the bound for these examples over other draws, from the spread between groups of draws; where there is only
        one group, from its two halves, which is rough for a few examples. NaN for a single sample.
    """

    samples: np.ndarray
    bound: np.ndarray
    standard_error: np.ndarray


def bound_curve(model, x, samples=5000, *, rng, progress=False):
    """Estimate the bound of 1, 2, 5, 10, ... samples, up to ``samples``, from one set of draws.

    Parameters
    ----------
    model, x, samples, rng, progress
        As for ``log_evidence``.

    Returns
    -------
    BoundCurve

    Raises
    ------
    ValueError
        If an argument does not fit.

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, theorem 1: the bound rises with S, towards
    log p(x).
    """
    sizes = sample_sizes(samples)
    parts = over_examples(lambda draws: bound_in_groups(draws.log_weight[0], sizes), model, x, samples, rng=rng,
                          progress=progress)
    return mean_curve(sizes, parts)


def mean_curve(sizes, parts):
    """Average the curves of all examples, as ``bound_in_groups`` returns them, into one BoundCurve."""
    bound, variance = np.moveaxis(np.array(parts), 0, 1)  # each (B, n)
    return BoundCurve(np.array(sizes), bound.mean(axis=0), np.sqrt(variance.sum(axis=0)) / len(parts))


def bound_in_groups(log_weight, sizes):
    """Estimate the bound at each size from disjoint groups of one example's draws.

    Parameters
    ----------
    log_weight : ndarray, shape (S,)
    sizes : sequence of int
        Each at most S.

    Returns
    -------
    bound, variance : ndarray, shape (n,)
        The mean over the groups, which is unbiased for the bound with that many samples, and the square of its standard
        error. A single group has no spread, so that of its two halves is used. For one example this is an estimate with
        one degree of freedom. On average over many, and with weights as uneven as those of images, it is nearer to the
        truth than equation 10.6, and still too small.
    """
    bounds, variances = [], []
    for size in sizes:
        values = log_means(log_weight, size)
        bounds.append(values.mean())
        if len(values) == 1 and size > 1:
            values = log_means(log_weight[:size], size // 2)
        variances.append(values.var(ddof=1) / len(values) if len(values) > 1 else np.nan)
    return np.array([bounds, variances])


def log_means(log_weight, size):
    """Return the log of the mean weight of each group of that size; leave out the rest."""
    return log_mean_exp(log_weight[:len(log_weight) // size * size].reshape(-1, size))


def sample_sizes(most):
    """Return 1, 2, 5, 10, 20, 50, ... below ``most``, and then ``most`` itself."""
    most = positive_integer("samples", most)
    steps = (step * 10**power for power in range(len(str(most))) for step in (1, 2, 5))
    return [*(size for size in steps if size < most), most]
