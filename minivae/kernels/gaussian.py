"""The Gaussian q(z|x): its standard deviation, a draw from it, and its KL divergence from the prior.

q(z|x) = N(mu, sigma**2) with diagonal covariance; the prior p(z) is N(0, I). The encoder yields mu and log_var =
log(sigma**2), never log(sigma). Equations 3.3, 3.7, 3.9, 3.10, 4.5 and 4.8. The divergence is in nats and summed over
the latents: one number per example. Shapes: B batch, K latent.
"""

import numpy as np

from .shapes import check_shapes

__all__ = [
    "standard_deviation", "standard_deviation_backward", "reparameterize", "reparameterize_backward",
    "kl_divergence", "kl_divergence_backward",
]


def standard_deviation(log_var):
    """Turn the encoder's log-variance into sigma = exp(log_var / 2).

    Parameters
    ----------
    log_var : ndarray, shape (B, K)
        log(sigma**2), any real number.

    Returns
    -------
    sigma : ndarray, shape (B, K)
        Positive. In float32 it overflows to infinity above log_var = 177.4, in float64 above 1419.5.

    Notes
    -----
    Equation 3.3. The only place where sigma is computed.
    """
    check_shapes(log_var=(log_var, "BK"))
    return np.exp(0.5 * log_var)


def standard_deviation_backward(dsigma, sigma):
    """Carry the gradient of the loss from sigma to log_var.

    Parameters
    ----------
    dsigma : ndarray, shape (B, K)
        Upstream gradient, dloss/dsigma.
    sigma : ndarray, shape (B, K)
        The forward's output.

    Returns
    -------
    dlog_var : ndarray, shape (B, K)

    Notes
    -----
    Equation 3.10: an exponential is its own derivative, and the half comes from the exponent.
    """
    check_shapes(dsigma=(dsigma, "BK"), sigma=(sigma, "BK"))
    # forward: sigma = exp(0.5 * log_var)
    return 0.5 * sigma * dsigma


def reparameterize(mu, sigma, eps):
    """Draw z from N(mu, sigma**2) by shifting and scaling standard normal noise: z = mu + sigma eps.

    Parameters
    ----------
    mu, sigma : ndarray, shape (B, K)
        Mean and standard deviation of q(z|x).
    eps : ndarray, shape (B, K)
        Noise drawn from N(0, I) by the caller. With eps held fixed, z is an ordinary differentiable
        function of mu and sigma.

    Returns
    -------
    z : ndarray, shape (B, K)

    Notes
    -----
    Equation 4.5.

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, section 2.4.
    """
    check_shapes(mu=(mu, "BK"), sigma=(sigma, "BK"), eps=(eps, "BK"))
    return mu + sigma * eps


def reparameterize_backward(dz, eps):
    """Carry the gradient of the loss from z to mu and sigma.

    Parameters
    ----------
    dz : ndarray, shape (B, K)
        Upstream gradient, dloss/dz.
    eps : ndarray, shape (B, K)
        The same noise that the forward used.

    Returns
    -------
    dmu, dsigma : ndarray, shape (B, K)

    Notes
    -----
    Equation 4.8. There is no gradient for eps: it is noise, not a function of anything we learn.
    """
    check_shapes(dz=(dz, "BK"), eps=(eps, "BK"))
    # forward: z = mu + sigma * eps
    dmu = dz.copy()
    dsigma = dz * eps
    return dmu, dsigma


def kl_divergence(mu, log_var):
    """KL divergence of N(mu, sigma**2) from the prior N(0, I), in closed form, in nats.

    Parameters
    ----------
    mu, log_var : ndarray, shape (B, K)
        Mean and log-variance of q(z|x).

    Returns
    -------
    kl : ndarray, shape (B,)
        Summed over the latents. At least 0, up to rounding; 0 only for mu = 0, log_var = 0.

    Notes
    -----
    Equation 3.7. ``expm1(log_var)`` is exp(log_var) - 1 without the cancellation near log_var = 0, where
    unused latents lie. In float32 it overflows to infinity above log_var = 88.7, in float64 above
    709.7.

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, appendix B.
    """
    check_shapes(mu=(mu, "BK"), log_var=(log_var, "BK"))
    return 0.5 * (mu**2 + np.expm1(log_var) - log_var).sum(axis=1)


def kl_divergence_backward(dkl, mu, log_var):
    """Carry the gradient of the loss from the KL divergence to mu and log_var.

    Parameters
    ----------
    dkl : ndarray, shape (B,)
        Upstream gradient, dloss/dkl, one number per example.
    mu, log_var : ndarray, shape (B, K)
        What the forward was given.

    Returns
    -------
    dmu, dlog_var : ndarray, shape (B, K)

    Notes
    -----
    Equation 3.9.
    """
    check_shapes(dkl=(dkl, "B"), mu=(mu, "BK"), log_var=(log_var, "BK"))
    # forward: kl = 0.5 * sum(mu**2 + exp(log_var) - 1 - log_var)
    dkl = dkl[:, None]  # (B, 1): one upstream number serves all K latents of its example
    dmu = dkl * mu
    dlog_var = dkl * (0.5 * np.expm1(log_var))
    return dmu, dlog_var
