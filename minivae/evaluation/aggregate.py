"""The aggregate posterior, the mean of q(z|x) over a data set, and the two parts of the mean KL.

New images are generated from draws of the prior, but the codes of real images follow the aggregate posterior. The mean
KL to the prior is the information that a code holds about its image, plus the KL of the aggregate posterior from the
prior. Equations 3.13, 9.2 and 9.3. In nats. Shapes: N examples, M points, K latent.
"""

from typing import NamedTuple

import numpy as np

from ..kernels import gaussian_log_density, kl_divergence, log_mean_exp, reparameterize, standard_deviation
from ..kernels.density import LOG_2PI, inverse_root, over_sigma
from ..model.arguments import float_matrix, generator, positive_integer

__all__ = ["KLParts", "aggregate_log_density", "kl_parts"]

NUMBERS = 2_000_000  # of points times examples at a time


class KLParts(NamedTuple):
    """The mean KL and its two parts, in nats.

    Attributes
    ----------
    kl : float
        The mean of KL(q(z|x_n) || p(z)), in closed form.
    information : float
        Estimated mutual information between the index of an example and its code; at most log N.
    mismatch : float
        KL of the aggregate posterior from the prior, kl minus information.
    standard_error : float
        Of information, and so of mismatch.
    """

    kl: float
    information: float
    mismatch: float
    standard_error: float


def aggregate_log_density(z, mu, log_var):
    """Log density of the aggregate posterior, the mean of N Gaussians, at M points.

    Parameters
    ----------
    z : ndarray, shape (M, K)
        Where to evaluate it.
    mu, log_var : ndarray, shape (N, K)
        Of q(z|x_n), as ``model.encode`` returns them.

    Returns
    -------
    log_density : ndarray, shape (M,)
        float64, in nats.

    Raises
    ------
    ValueError
        If a shape does not fit, or values are not finite.

    Notes
    -----
    Equation 9.2. For each point all N densities are averaged, without sampling, for a block of points at a time. The
    square in equation 3.4 is expanded, so that matrix products do the work. Its three terms cancel where sigma is small
    beside z and mu; for a latent in which this could cost more than 1e-10 nats, the square is not expanded.
    """
    z, mu, log_var = _codes(z, mu, log_var)
    root = inverse_root(log_var)                                              # (N, K), sigma**-0.5
    expanded = _expansion_is_safe(z, mu, log_var)                             # (K,)
    precision, wide_mu = np.exp(-log_var[:, expanded]), mu[:, expanded]
    constant = -0.5 * ((LOG_2PI + log_var).sum(axis=1) + (wide_mu**2 * precision).sum(axis=1))  # (N,)
    result, rows = np.empty(len(z)), max(1, NUMBERS // len(mu))
    for start in range(0, len(z), rows):
        block = z[start:start + rows]
        wide = block[:, expanded]
        log_q = wide @ (wide_mu * precision).T - 0.5 * wide**2 @ precision.T + constant         # (rows, N)
        with np.errstate(over="ignore"):  # points so far away that the density is 0
            for k in np.flatnonzero(~expanded):
                log_q -= 0.5 * over_sigma(block[:, [k]] - mu[:, k], root[:, k]) ** 2
        result[start:start + rows] = log_mean_exp(np.maximum(log_q, np.finfo(np.float64).min))
    return result


def _expansion_is_safe(z, mu, log_var):
    """Return whether each latent's expanded square, with terms up to (largest / sigma)**2, is right to 1e-10 nats."""
    largest = np.maximum(np.abs(z).max(axis=0), np.abs(mu).max(axis=0))
    return np.finfo(np.float64).eps * (largest * np.exp(-0.5 * np.maximum(log_var.min(axis=0), -200))) ** 2 < 1e-10


def kl_parts(mu, log_var, *, rng, draws=2):
    """Divide the mean KL into the information in the codes and the aggregate posterior's distance from the prior.

    Parameters
    ----------
    mu, log_var : ndarray, shape (N, K)
        Of q(z|x_n), for the N examples of the data set.
    rng : numpy.random.Generator
    draws : int, optional
        Draws of z for each example, at least 2: their spread gives the standard error.

    Returns
    -------
    KLParts

    Raises
    ------
    ValueError
        If an argument does not fit.

    Notes
    -----
    Equations 3.13 and 9.3. The estimate is unbiased for the aggregate of these N, because each draw is compared with
    all of them. Where the information is near log N, its largest possible value, it says little about a larger
    population.

    References
    ----------
    Hoffman & Johnson, ELBO surgery: yet another way to carve up the variational evidence lower bound, 2016.
    """
    _, mu, log_var = _codes(mu, mu, log_var)
    if positive_integer("draws", draws) < 2:
        raise ValueError(f"draws must be at least 2, for a standard error; got {draws}.")
    rng, sigma = generator(rng), standard_deviation(log_var)
    information = np.empty((draws, len(mu)))
    for s in range(draws):
        z = reparameterize(mu, sigma, rng.standard_normal(mu.shape))
        information[s] = gaussian_log_density(z, mu, log_var) - aggregate_log_density(z, mu, log_var)
    kl, mean = float(kl_divergence(mu, log_var).mean()), float(information.mean())
    error = np.sqrt(information.var(axis=0, ddof=1).mean() / information.size)  # only the draws vary
    return KLParts(kl, mean, kl - mean, float(error))


def _codes(z, mu, log_var):
    """Check latents z and the codes of a data set, and return all three in float64."""
    columns = np.shape(mu)[-1] if np.ndim(mu) else 1
    mu = float_matrix("mu", mu, "(N, K)", columns, np.float64)
    return (float_matrix("z", z, "(M, K)", columns, np.float64), mu,
            float_matrix("log_var", log_var, "(N, K)", columns, np.float64, rows=len(mu)))
