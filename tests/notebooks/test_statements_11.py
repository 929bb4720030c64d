"""What notebook 11 says, tried beyond its own cases: gradients along the path, moves, and weights of chains."""

import numpy as np
import pytest
from linear_case import linear_model

import minivae as mv
from minivae.evaluation import exact_log_evidence, exact_posterior


def gradients(kind, model, x, eps):
    """The objective's gradient with respect to mu at every row of eps, for one picture."""
    twin = kind(**model.settings)
    twin.parameters.flat = model.parameters.flat
    d, _ = twin.backward(twin.forward(np.tile(x, (len(eps), 1)), eps), d_loss=-len(eps))
    return d.mu


@pytest.mark.parametrize("ratio", [0.2, 0.5, 1.0, 3.0])
def test_variances_of_path_and_sum_for_a_gaussian_posterior(ratio):
    """11.5: both are linear in eps, so eps = ±1 gives the variance exactly."""
    model = linear_model(3, D=4, K=1)
    x = model.generate(1, rng=np.random.default_rng(0), draw=True)
    v = exact_posterior(model, x)[1][0, 0]
    model.parameters["encoder.0.W"] = np.zeros((4, 2))
    model.parameters["encoder.0.b"] = np.array([0.3, np.log(ratio * v)])
    eps = np.array([[-1.0], [1.0]])
    path, whole = (gradients(kind, model, x, eps).var() for kind in (mv.PathMonteCarloELBO, mv.MonteCarloELBO))
    np.testing.assert_allclose([path, whole], [ratio * v * (1 / (ratio * v) - 1 / v) ** 2, ratio / v], atol=1e-12)
    assert (path < whole - 1e-9) == (ratio > 0.5)


def test_at_the_best_diagonal_q_the_score_s_variance_is_all_that_is_saved():
    """11.2: for each latent exactly 1/sigma²; the gradient is linear in eps, so corners ±1 are exact."""
    model = linear_model(4, D=6, K=2)
    x = model.generate(1, rng=np.random.default_rng(0), draw=True)
    mean, covariance = exact_posterior(model, x)
    precision = np.diag(np.linalg.inv(covariance))
    model.parameters["encoder.0.W"] = np.zeros((6, 4))
    model.parameters["encoder.0.b"] = np.concatenate([mean[0], -np.log(precision)])
    eps = np.array([[a, b] for a in (-1.0, 1.0) for b in (-1.0, 1.0)])
    path, whole = (gradients(kind, model, x, eps).var(axis=0) for kind in (mv.PathMonteCarloELBO, mv.MonteCarloELBO))
    np.testing.assert_allclose(whole - path, precision, rtol=1e-10)


@pytest.mark.parametrize("h", [0.3, 1.0, 1.7])
def test_what_a_leapfrog_step_keeps_on_a_parabola(h):
    """11.7: r² + (1 - h²/4) z², so that without the test z settles at the variance 1 / (1 - h²/4)."""
    z, r = np.random.default_rng(0).standard_normal((2, 50))
    kept = r**2 + (1 - h**2 / 4) * z**2
    for _ in range(20):
        r = r - 0.5 * h * z
        z = z + h * r
        r = r - 0.5 * h * z
    np.testing.assert_allclose(r**2 + (1 - h**2 / 4) * z**2, kept, rtol=1e-10)


def test_the_weight_is_the_ratio_of_two_densities_of_chains():
    """11.9: w = p(x) R / F, for moves that are reversible: here z' = m_t + a (z - m_t) + noise, on a Gaussian."""
    model, rng, a = linear_model(2, D=3, K=1), np.random.default_rng(1), 0.6
    x = model.generate(1, rng=rng, draw=True)
    W, b, noise = model.parameters["decoder.0.W"], model.parameters["decoder.0.b"], 0.4
    t = np.array([0, 0.2, 0.5, 1.0])
    precision = 1 + t * (W @ W.T / noise)[0, 0]
    center = t * ((x - b) @ W.T / noise)[0, 0] / precision

    def log_normal(z, m, v):
        return -0.5 * ((z - m) ** 2 / v + np.log(2 * np.pi * v))

    def log_move(i, start, end):
        return log_normal(end, center[i] + a * (start - center[i]), (1 - a**2) / precision[i])

    z = rng.standard_normal(4)   # the identity holds at any states
    log_likelihood = -0.5 * (((x - b - z[:, None] @ W) ** 2).sum(axis=1) / noise + 3 * np.log(2 * np.pi * noise))
    log_weight = (np.diff(t) * log_likelihood[:3]).sum()
    forward = log_normal(z[0], 0, 1) + sum(log_move(i, z[i - 1], z[i]) for i in (1, 2, 3))
    reverse = log_normal(z[3], center[3], 1 / precision[3]) + sum(log_move(i, z[i], z[i - 1]) for i in (1, 2, 3))
    np.testing.assert_allclose(log_weight, exact_log_evidence(model, x)[0] + reverse - forward, rtol=1e-12)


def test_a_score_in_front_of_a_function_is_a_path_through_it():
    """11.4: for a function with a bend and a bounded one, with respect to mu and to log_var, by quadrature."""
    mu, log_var, eps = 0.4, -0.7, np.linspace(-12, 12, 200_001)
    sigma = np.exp(log_var / 2)
    z, weight = mu + sigma * eps, np.exp(-0.5 * eps**2) / np.exp(-0.5 * eps**2).sum()
    scores, paths = (eps / sigma, 0.5 * (eps**2 - 1)), (1, 0.5 * sigma * eps)
    for f, slope in ((np.abs(z), np.sign(z)), (1 / (1 + np.exp(-z)), 1 / (2 + np.exp(z) + np.exp(-z)))):
        for score, path in zip(scores, paths):
            np.testing.assert_allclose(weight @ (f * score), weight @ (slope * path), atol=1e-4)
