"""Gaussian log densities: of a latent under any diagonal Gaussian, and of the data under a Gaussian decoder.

The first serves objectives that draw log q(z|x) and log p(z); the second is the likelihood of real-valued pixels, with
a fixed variance or with a learned one. Equations 3.7, 3.8, 5.13, 5.14, 5.17 and 5.18. In nats, log(2 pi) included,
summed over latents or pixels: one number per example. Shapes: B batch, K latent, D data.
"""

import math

import numpy as np

from .shapes import check_shapes

__all__ = ["gaussian_log_density", "gaussian_log_density_backward", "gaussian_log_likelihood",
           "gaussian_log_likelihood_backward", "learned_variance_log_likelihood", "learned_variance_log_likelihood_backward"]

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

    Raises
    ------
    ValueError
        If a shape does not fit, or an array is not of floats.

    Notes
    -----
    Equation 3.7. exp(-log_var) overflows where log_var is below -88.7 in float32, -709.7 in float64.
    """
    check_shapes(z=(z, "BK"), mu=(mu, "BK"), log_var=(log_var, "BK"))
    return -0.5 * (LOG_2PI + log_var + (z - mu) ** 2 * np.exp(-log_var)).sum(axis=1)


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

    Raises
    ------
    ValueError
        If a shape does not fit, or an array is not of floats.

    Notes
    -----
    Equation 3.8.
    """
    check_shapes(dlog_density=(dlog_density, "B"), z=(z, "BK"), mu=(mu, "BK"), log_var=(log_var, "BK"))
    # forward: log_density = -0.5 * sum(log(2 pi) + log_var + (z - mu)**2 * exp(-log_var))
    dlog_density = dlog_density[:, None]  # (B, 1)
    slope = (z - mu) * np.exp(-log_var)   # (B, K)
    dmu = dlog_density * slope
    dz = -dmu
    dlog_var = dlog_density * (0.5 * ((z - mu) * slope - 1))
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

    Raises
    ------
    ValueError
        If a shape does not fit, or an array is not of floats.

    Notes
    -----
    Equation 5.13.
    """
    check_shapes(mean=(mean, "BD"), x=(x, "BD"))
    constant = LOG_2PI + math.log(noise_variance)
    return -0.5 * ((x - mean) ** 2 / noise_variance + constant).sum(axis=1)


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

    Raises
    ------
    ValueError
        If a shape does not fit, or an array is not of floats.

    Notes
    -----
    Equation 5.14. There is no gradient for x: it is data.
    """
    check_shapes(dll=(dll, "B"), mean=(mean, "BD"), x=(x, "BD"), out=(out, "BD"))
    # forward: log_likelihood = -0.5 * sum((x - mean)**2 / noise_variance + log(2 pi noise_variance))
    dmean = np.subtract(x, mean, out=out)
    dmean *= dll[:, None] / noise_variance
    return dmean


def learned_variance_log_likelihood(mean, log_var, x):
    """Log density of the data under a Gaussian decoder whose one noise variance is a parameter, in nats.

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

    Raises
    ------
    ValueError
        If a shape does not fit, or an array is not of floats.

    Notes
    -----
    Equation 5.17: 5.13 with the variance exp(log_var), which is positive whatever log_var is.
    """
    check_shapes(mean=(mean, "BD"), log_var=(log_var, ""), x=(x, "BD"))
    return -0.5 * ((x - mean) ** 2 * np.exp(-log_var) + (LOG_2PI + log_var)).sum(axis=1)


def learned_variance_log_likelihood_backward(dll, mean, log_var, x, out=None):
    """Carry the gradient of the loss from that log-likelihood to the decoder's output and to log_var.

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

    Raises
    ------
    ValueError
        If a shape does not fit, or an array is not of floats.

    Notes
    -----
    Equations 5.14 and 5.18. There is no gradient for x: it is data.
    """
    check_shapes(dll=(dll, "B"), mean=(mean, "BD"), log_var=(log_var, ""), x=(x, "BD"), out=(out, "BD"))
    # forward: log_likelihood = -0.5 * sum((x - mean)**2 * exp(-log_var) + log(2 pi) + log_var)
    precision = np.exp(-log_var)
    dmean = np.subtract(x, mean, out=out)                                    # the residual, (B, D)
    squares = precision * np.square(dmean).sum(axis=1)                       # (B,)
    dlog_var = np.asarray(0.5 * np.sum(dll * (squares - dmean.shape[1])))    # ()
    dmean *= precision * dll[:, None]
    return dmean, dlog_var
