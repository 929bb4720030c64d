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
    """Set the encoder to the posterior's mean, and to its variances or ``spread`` times the largest of them.

    With a spread of 1 and orthogonal W, q is the posterior. A larger one makes q wider in every direction, so that
    the importance weights are bounded.
    """
    zero = np.zeros((1, model.data_dim))
    offset, covariance = exact_posterior(model, zero)
    slope = exact_posterior(model, np.eye(model.data_dim))[0] - offset  # (D, K)
    variances = np.diag(covariance) if spread == 1 else spread * np.full(len(covariance),
                                                                         np.linalg.eigvalsh(covariance)[-1])
    model.parameters["encoder.0.W"] = np.concatenate([slope, np.zeros_like(slope)], axis=1)
    model.parameters["encoder.0.b"] = np.concatenate([offset[0], np.log(variances)])
    return model


def linear_gaussian_case(mu=0.3, log_var=-0.5, x=1.2, w=0.8):
    """Return two estimators of one gradient, and its closed form: the smallest VAE there is.

    Parameters
    ----------
    mu, log_var : float, optional
        Of q(z|x).
    x, w : float, optional
        A data point, and the weight of the decoder p(x|z) = N(w z, 1).

    Returns
    -------
    estimators : dict of str to callable
        "reparameterized" and "score function", each a draw of d E_q[log p(x|z)] / d(mu, log_var).
    reference : ndarray, shape (2,)

    Notes
    -----
    E_q[log p(x|z)] = -((x - w mu)**2 + w**2 exp(log_var)) / 2 up to a constant. Reparameterized: the draw
    z = mu + sigma eps is differentiated through. Score function: log p(x|z) times the slope of log q(z|x).

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, section 2.4. Williams, Simple statistical
    gradient-following algorithms, Machine Learning 8, 1992.
    """
    sigma = np.exp(0.5 * log_var)

    def reparameterized(rng):
        eps = rng.standard_normal()
        dz = w * (x - w * (mu + sigma * eps))
        return np.array([dz, dz * eps * 0.5 * sigma])

    def score_function(rng):
        eps = rng.standard_normal()
        log_likelihood = -0.5 * (x - w * (mu + sigma * eps)) ** 2
        return log_likelihood * np.array([eps / sigma, 0.5 * (eps**2 - 1)])

    reference = np.array([w * (x - w * mu), -0.5 * w**2 * sigma**2])
    return {"reparameterized": reparameterized, "score function": score_function}, reference
