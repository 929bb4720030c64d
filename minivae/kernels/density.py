"""Gaussian log densities: of a latent under any diagonal Gaussian, and of the data under a Gaussian decoder.

The first is for objectives that sample log q(z|x) and log p(z). The second is the likelihood of real-valued pixels,
with a variance that is fixed or learned. Equations 3.4, 3.11, 5.20, 5.21, 5.22 and 5.23. In nats, log(2 pi) included,
summed over latents or pixels: one number per example. Shapes: B batch, K latent, D data.
"""

import math

import numpy as np

from .shapes import check_shapes

__all__ = ["gaussian_log_density", "gaussian_log_density_backward", "gaussian_log_likelihood",
           "gaussian_log_likelihood_backward", "learned_variance_log_likelihood",
           "learned_variance_log_likelihood_backward"]

LOG_2PI = math.log(2 * math.pi)


def gaussian_log_density(z, mu, log_var):
    """Log density of N(mu, sigma**2) at z, in nats.

    Parameters
    ----------
    z : ndarray, shape (B, K)
        Where to evaluate it.
    mu, log_var : ndarray, shape (B, K)
        Mean and log-variance.

    Returns
    -------
    log_density : ndarray, shape (B,)
        Summed over the latents.

    Notes
    -----
    Equation 3.4. Accurate for every log_var, however small sigma is.
    """
    check_shapes(z=(z, "BK"), mu=(mu, "BK"), log_var=(log_var, "BK"))
    distance = over_sigma(z - mu, inverse_root(log_var))  # (B, K)
    return -0.5 * (LOG_2PI + log_var + distance**2).sum(axis=1)


def gaussian_log_density_backward(dlog_density, z, mu, log_var):
    """Carry the gradient of the loss from a Gaussian's log density to z, mu and log_var.

    Parameters
    ----------
    dlog_density : ndarray, shape (B,)
        Upstream gradient, one number per example.
    z, mu, log_var : ndarray, shape (B, K)
        What the forward was given.

    Returns
    -------
    dz, dmu, dlog_var : ndarray, shape (B, K)

    Notes
    -----
    Equation 3.11.
    """
    check_shapes(dlog_density=(dlog_density, "B"), z=(z, "BK"), mu=(mu, "BK"), log_var=(log_var, "BK"))
    # forward: log_density = -0.5 * sum(log(2 pi) + log_var + ((z - mu) / sigma)**2)
    root = inverse_root(log_var)
    dlog_density = dlog_density[:, None]  # (B, 1)
    distance = over_sigma(z - mu, root)   # (B, K)
    dmu = over_sigma(dlog_density * distance, root)
    dz = -dmu
    dlog_var = dlog_density * (0.5 * (distance**2 - 1))
    return dz, dmu, dlog_var


def gaussian_log_likelihood(mean, x, noise_variance=1.0):
    """Log density of the data under a Gaussian decoder with one fixed noise variance, in nats.

    Parameters
    ----------
    mean : ndarray, shape (B, D)
        The decoder's output, E[x|z].
    x : ndarray, shape (B, D)
        Data, any real numbers.
    noise_variance : float, optional
        Variance of each pixel about its mean.

    Returns
    -------
    log_likelihood : ndarray, shape (B,)
        log p(x|z), summed over the pixels, log(2 pi) included.

    Notes
    -----
    Equation 5.20.
    """
    check_shapes(mean=(mean, "BD"), x=(x, "BD"))
    root = min(noise_variance**-0.25, float(np.finfo(x.dtype).max) / 2)
    return -0.5 * (over_sigma(x - mean, root) ** 2 + (LOG_2PI + math.log(noise_variance))).sum(axis=1)


def gaussian_log_likelihood_backward(dll, mean, x, noise_variance=1.0, out=None):
    """Carry the gradient of the loss from a Gaussian log-likelihood to the decoder's output.

    Parameters
    ----------
    dll : ndarray, shape (B,)
        Upstream gradient, dloss/dlog_likelihood, one number per example.
    mean, x : ndarray, shape (B, D)
        What the forward was given.
    noise_variance : float, optional
        What the forward was given.
    out : ndarray, shape (B, D), optional
        Where to write dmean. Must not overlap mean or x.

    Returns
    -------
    dmean : ndarray, shape (B, D)

    Notes
    -----
    Equation 5.21. There is no gradient for x: it is data.
    """
    check_shapes(dll=(dll, "B"), mean=(mean, "BD"), x=(x, "BD"), out=(out, "BD"))
    # forward: log_likelihood = -0.5 * sum(((x - mean) / sigma)**2 + log(2 pi sigma**2)), sigma**2 = noise_variance
    root = min(noise_variance**-0.25, float(np.finfo(x.dtype).max) / 2)
    dmean = over_sigma(np.subtract(x, mean, out=out), root)  # (B, D)
    dmean *= dll[:, None]
    return over_sigma(dmean, root)


def learned_variance_log_likelihood(mean, log_var, x):
    """Log density of the data under a Gaussian decoder whose noise variance is a learned parameter, in nats.

    Parameters
    ----------
    mean : ndarray, shape (B, D)
        The decoder's output, E[x|z].
    log_var : ndarray, shape ()
        Log-variance of each pixel about its mean: one number for all pixels and examples.
    x : ndarray, shape (B, D)
        Data, any real numbers.

    Returns
    -------
    log_likelihood : ndarray, shape (B,)
        log p(x|z), summed over the pixels, log(2 pi) included.

    Notes
    -----
    Equation 5.22: 5.20 with the variance exp(log_var), which is positive whatever log_var is.
    """
    check_shapes(mean=(mean, "BD"), log_var=(log_var, ""), x=(x, "BD"))
    distance = over_sigma(x - mean, inverse_root(log_var))  # (B, D)
    return -0.5 * (distance**2 + (LOG_2PI + log_var)).sum(axis=1)


def learned_variance_log_likelihood_backward(dll, mean, log_var, x, out=None):
    """Carry the gradient of the loss from this log-likelihood to the decoder's output and to log_var.

    Parameters
    ----------
    dll : ndarray, shape (B,)
        Upstream gradient, dloss/dlog_likelihood, one number per example.
    mean, log_var, x : ndarray, shapes (B, D), () and (B, D)
        What the forward was given.
    out : ndarray, shape (B, D), optional
        Where to write dmean. Must not overlap mean or x.

    Returns
    -------
    dmean : ndarray, shape (B, D)
    dlog_var : ndarray, shape ()
        Summed over the batch: every example shares the variance.

    Notes
    -----
    Equations 5.21 and 5.23. There is no gradient for x: it is data.
    """
    check_shapes(dll=(dll, "B"), mean=(mean, "BD"), log_var=(log_var, ""), x=(x, "BD"), out=(out, "BD"))
    # forward: log_likelihood = -0.5 * sum(((x - mean) / sigma)**2 + log(2 pi) + log_var)
    root = inverse_root(log_var)
    dmean = over_sigma(np.subtract(x, mean, out=out), root)                  # (x - mean) / sigma, (B, D)
    squares = np.square(dmean).sum(axis=1)                                   # (B,)
    dlog_var = np.asarray(0.5 * np.sum(dll * (squares - dmean.shape[1])))    # ()
    dmean *= dll[:, None]
    return over_sigma(dmean, root), dlog_var


# The precision exp(-log_var) overflows below log_var = -88.7 in float32 and -709.7 in float64; at z = mu the result
# would then be infinity times zero, NaN. So a residual is multiplied twice by the root of 1 / sigma, and this root is
# kept finite. Where that changes it, the square of any residual other than zero is still infinity, as it should be.

def inverse_root(log_var):
    """Return sigma**-0.5 for sigma = exp(log_var / 2), at most a little less than the largest number of the dtype."""
    return np.exp(np.minimum(-0.25 * log_var, np.floor(np.log(np.finfo(log_var.dtype).max))))


def over_sigma(a, root):
    """Divide by sigma in place, given root = sigma**-0.5, and return the quotient."""
    a *= root
    a *= root
    return a
