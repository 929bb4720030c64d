"""Linear-Gaussian models whose q(z|x) is the true posterior, or is wider than it, so that answers are known."""

import numpy as np

import minivae as mv
from minivae.evaluation import exact_posterior


def linear_model(seed, D=5, K=2, noise_variance=0.4, orthogonal=False, dtype="float64"):
    """A random linear-Gaussian model; with orthogonal rows of W its posterior is diagonal."""
    rng = np.random.default_rng(seed)
    model = mv.VAE(D, (), K, likelihood="gaussian", noise_variance=noise_variance, dtype=dtype)
    W = rng.standard_normal((K, D))
    model.parameters["decoder.0.W"] = np.linalg.qr(W.T)[0].T * rng.uniform(0.5, 2, (K, 1)) if orthogonal else W
    model.parameters["decoder.0.b"] = rng.standard_normal(D)
    if noise_variance == "learned":
        model.parameters["decoder.log_var"] = rng.uniform(-1.5, 0.5)
    return model


def at_true_posterior(model, spread=1.0):
    """Set the encoder to the posterior's mean and, on the diagonal, to ``spread`` times its largest variance or its own.

    With a spread of 1 and orthogonal W, q is the posterior. A larger one makes q wider than it in every direction, so that
    the importance weights are bounded.
    """
    zero = np.zeros((1, model.data_dim))
    offset, covariance = exact_posterior(model, zero)
    slope = exact_posterior(model, np.eye(model.data_dim))[0] - offset  # (D, K)
    variances = np.diag(covariance) if spread == 1 else spread * np.full(len(covariance), np.linalg.eigvalsh(covariance)[-1])
    model.parameters["encoder.0.W"] = np.concatenate([slope, np.zeros_like(slope)], axis=1)
    model.parameters["encoder.0.b"] = np.concatenate([offset[0], np.log(variances)])
    return model
