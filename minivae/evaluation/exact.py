"""Models whose log p(x) is known, with which the ELBO, the importance estimate and training are compared.

With a linear decoder and Gaussian noise, p(x) and p(z|x) have closed forms, and the best such model for given data is
known too: it is probabilistic PCA. With one or two latents, quadrature over z gives log p(x) for any decoder. All is
computed in float64, whatever the model's dtype. Equations 10.8 to 10.10 and 10.16. In nats, one number per example.
Shapes: N, B examples, D data (pixels), K latent, Q nodes.
"""

import math
from typing import NamedTuple

import numpy as np

from ..kernels import gaussian_log_density, log_mean_exp
from ..kernels.density import LOG_2PI
from ..model.arguments import float_matrix, positive_integer

__all__ = ["exact_log_evidence", "exact_posterior", "PPCA", "ppca", "quadrature_log_evidence"]


def exact_log_evidence(model, x):
    """log p(x) of a linear-Gaussian model, in which x is Gaussian too.

    Parameters
    ----------
    model : VAE
        With ``hidden=()`` and ``likelihood="gaussian"``.
    x : array-like, shape (B, D)

    Returns
    -------
    log_px : ndarray, shape (B,)

    Raises
    ------
    ValueError
        If the model is of another kind, or x does not fit it.

    Notes
    -----
    Equation 10.9.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, 2006, equations 12.35 and 12.36.
    """
    W, b, variance = _linear_decoder(model)
    D = len(b)
    covariance = W.T @ W + variance * np.eye(D)
    residual = float_matrix("x", x, "(B, D)", D, np.float64) - b
    distance = (residual * np.linalg.solve(covariance, residual.T).T).sum(axis=1)  # (B,)
    return -0.5 * (D * LOG_2PI + np.linalg.slogdet(covariance).logabsdet + distance)


def exact_posterior(model, x):
    """p(z|x) of a linear-Gaussian model: a Gaussian whose covariance is the same for every x.

    Parameters
    ----------
    model, x
        As for ``exact_log_evidence``.

    Returns
    -------
    mean : ndarray, shape (B, K)
    covariance : ndarray, shape (K, K)
        Diagonal, as that of q(z|x) is, only if the rows of ``decoder.0.W`` are orthogonal.

    Raises
    ------
    ValueError
        As for ``exact_log_evidence``.

    Notes
    -----
    Equation 10.10.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, 2006, equations 12.41 and 12.42.
    """
    W, b, variance = _linear_decoder(model)
    covariance = np.linalg.inv(np.eye(len(W)) + W @ W.T / variance)
    residual = float_matrix("x", x, "(B, D)", len(b), np.float64) - b
    return residual @ W.T / variance @ covariance, covariance


def _linear_decoder(model):
    """Return W (K, D), b (D,) and the noise variance of a linear-Gaussian model, in float64."""
    hidden, likelihood = model.settings["hidden"], model.settings["likelihood"]
    if hidden or likelihood != "gaussian" or model.conditions:
        label = ", and no label" if model.conditions else ""
        raise ValueError(f'model must be linear-Gaussian, hidden=() and likelihood="gaussian"{label}; got '
                         f"hidden={hidden} and likelihood={likelihood!r}. For one or two latents there is "
                         "quadrature_log_evidence, for all others log_evidence.")
    W, b = (model.parameters[name].astype(np.float64) for name in ("decoder.0.W", "decoder.0.b"))
    return W, b, float(model.likelihood.variance(model.parameters))


class PPCA(NamedTuple):
    """The linear-Gaussian model with the largest likelihood.

    Attributes
    ----------
    W : ndarray, shape (K, D)
        The same as ``decoder.0.W``. For any rotation R of the latents, R @ W is as good.
    b : ndarray, shape (D,)
    noise_variance : float
    log_px : float
        The mean of log p(x) over the data; no linear VAE with K latents has a higher one.
    """

    W: np.ndarray
    b: np.ndarray
    noise_variance: float
    log_px: float


def ppca(x, latent_dim):
    """Maximize the mean log p(x) of a linear-Gaussian model over W, b and the noise variance, in closed form.

    Parameters
    ----------
    x : array-like, shape (N, D)
    latent_dim : int
        K, less than D.

    Returns
    -------
    PPCA

    Raises
    ------
    ValueError
        If K is not below D, or if the data lie in K or fewer dimensions: the noise variance is then zero and the
        likelihood infinite.

    Notes
    -----
    Equation 10.16, with the eigenvalues of the data's covariance. The likelihood has its maximum with the factor 1/N,
    not 1/(N - 1).

    References
    ----------
    Tipping & Bishop, Probabilistic Principal Component Analysis, Journal of the Royal Statistical Society B 61, 1999,
    section 3.2. Lucas, Tucker, Grosse & Norouzi, Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse,
    2019: a linear VAE's ELBO has its maximum there, and no local maximum that the likelihood lacks.
    """
    x = float_matrix("x", x, "(N, D)", np.shape(x)[-1] if np.ndim(x) else 0, np.float64)
    K, D = positive_integer("latent_dim", latent_dim), x.shape[1]
    if K >= D:
        raise ValueError(f"latent_dim must be below the number of pixels, {D}; got {K}.")
    b = x.mean(axis=0)
    eigenvalues, axes = np.linalg.eigh(np.cov(x.T, bias=True).reshape(D, D))  # (D,) rising; the axes are columns
    eigenvalues, axes = eigenvalues[::-1], axes.T[::-1]                       # falling; rows
    variance = eigenvalues[K:].mean()
    if variance <= D * np.finfo(np.float64).eps * eigenvalues[0]:
        raise ValueError(f"x must spread in more than {K} dimensions; its covariance has eigenvalues "
                         f"{eigenvalues[:K + 1]}. Take fewer latents, or more examples.")
    W = np.sqrt(eigenvalues[:K] - variance)[:, None] * axes[:K]
    log_determinant = np.log(eigenvalues[:K]).sum() + (D - K) * math.log(variance)
    return PPCA(W, b, float(variance), float(-0.5 * (D * LOG_2PI + log_determinant + D)))


def quadrature_log_evidence(model, x, nodes=160, tolerance=1e-6):
    """log p(x) of a model with one or two latents, by a sum of p(x, z) over an even grid of z.

    Parameters
    ----------
    model : VAE
        Any likelihood and any decoder.
    x : array-like, shape (B, D)
    nodes : int, optional
        Q, along each latent, from -10 to 10 standard deviations of the prior; at least 8.
    tolerance : float, optional
        In nats.

    Returns
    -------
    log_px : ndarray, shape (B,)

    Raises
    ------
    ValueError
        If the model has more than two latents, or an argument does not fit.
    ArithmeticError
        If a coarser and narrower grid gives an answer that differs by more than the tolerance. With many pixels the
        peak may be too narrow for the nodes, and a relu has corners.

    Notes
    -----
    Equation 10.8. For a smooth integrand that vanishes at both ends, the sum over an even grid converges exponentially.
    It is more accurate here than Gauss-Hermite nodes, which spread farther than the posterior.

    References
    ----------
    Trefethen & Weideman, The Exponentially Convergent Trapezoidal Rule, SIAM Review 56, 2014, section 5.
    """
    if model.latent_dim > 2 or model.conditions:
        raise ValueError(f"model must have one or two latents and no label; got {model.latent_dim} and "
                         f"{model.conditions} classes. log_evidence estimates any model's.")
    if positive_integer("nodes", nodes) < 8:
        raise ValueError(f"nodes must be at least 8; got {nodes}.")
    model = model.copy(dtype="float64")
    x = float_matrix("x", x, "(B, D)", model.data_dim, np.float64, unit_interval=model.likelihood.unit_interval)
    coarser, log_px = _sum_over_grid(model, x, nodes // 2, 8.0), _sum_over_grid(model, x, nodes, 10.0)
    change = np.abs(log_px - coarser).max()
    if not change <= tolerance:
        raise ArithmeticError(f"quadrature has not settled: {nodes} nodes and {nodes // 2} differ by {change:.1g} "
                              "nats. Take more nodes or a wider tolerance, or use log_evidence.")
    return log_px


def _sum_over_grid(model, x, nodes, reach):
    points, spacing = np.linspace(-reach, reach, nodes, retstep=True)
    K, p = model.latent_dim, model.parameters
    z = np.stack(np.meshgrid(*[points] * K), axis=-1).reshape(-1, K)                  # (Q**K, K)
    log_prior = gaussian_log_density(z, np.zeros_like(z), np.zeros_like(z))
    y = model.decoder.forward(z, p, {})                                               # (Q**K, D)
    log_joint = (model.likelihood.log_likelihood(y, np.broadcast_to(row, y.shape), p) + log_prior for row in x)
    log_mean = np.concatenate([log_mean_exp(row[None]) for row in log_joint])         # (B,)
    return log_mean + math.log(len(z) * spacing**K)
