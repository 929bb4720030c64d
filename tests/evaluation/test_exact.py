"""The exact answers agree with one another, with Bayes' rule, and with what training reaches."""

import itertools
import math

import numpy as np
import pytest
from checks import binary_images, log_evidence_by_quadrature, model_example
from linear_case import at_true_posterior, linear_model

import minivae as mv
from minivae.evaluation import exact_log_evidence, exact_posterior, ppca, quadrature_log_evidence
from minivae.kernels import gaussian_log_likelihood


@pytest.mark.parametrize("K", [1, 2])
@pytest.mark.parametrize("noise_variance", [0.4, "learned"])
def test_a_linear_models_evidence_is_what_quadrature_gives(K, noise_variance):
    for seed in range(5):
        model = linear_model(seed, K=K, noise_variance=noise_variance)
        x = model.generate(4, rng=np.random.default_rng(seed), draw=True)
        np.testing.assert_allclose(exact_log_evidence(model, x), quadrature_log_evidence(model, x, nodes=400),
                                   rtol=1e-10)


@pytest.mark.parametrize("K", [1, 3])
def test_evidence_and_posterior_obey_bayes_rule_at_every_z(K):
    model = linear_model(1, K=K)
    rng = np.random.default_rng(2)
    x, z = rng.standard_normal((6, 5)), 2 * rng.standard_normal((6, K))
    mean, covariance = exact_posterior(model, x)
    residual = z - mean
    log_posterior = -0.5 * (K * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
                            + (residual @ np.linalg.inv(covariance) * residual).sum(axis=1))
    log_prior = -0.5 * (K * np.log(2 * np.pi) + (z**2).sum(axis=1))
    log_likelihood = gaussian_log_likelihood(model.decode(z), x, 0.4)
    np.testing.assert_allclose(log_likelihood + log_prior - log_posterior, exact_log_evidence(model, x), rtol=1e-12)


@pytest.mark.parametrize("K, noise_variance", [(1, 0.4), (2, "learned"), (3, 1.7)])
def test_at_the_true_posterior_the_expected_elbo_is_the_evidence(K, noise_variance):
    """The log-likelihood is quadratic in eps, so two Gauss-Hermite nodes an axis, -1 and 1, integrate it exactly."""
    model = at_true_posterior(linear_model(3, K=K, noise_variance=noise_variance, orthogonal=True))
    x = np.random.default_rng(4).standard_normal((3, 5))
    elbo = np.mean([model.forward(x, np.tile(np.array(eps, float), (3, 1))).elbo
                    for eps in itertools.product([-1, 1], repeat=K)], axis=0)
    np.testing.assert_allclose(elbo, exact_log_evidence(model, x), rtol=1e-12)


def test_a_float32_model_gets_a_float64_answer():
    model = linear_model(0, dtype="float32")
    twin = model.copy(dtype="float64")
    x = np.random.default_rng(1).standard_normal((3, 5))
    for function in (exact_log_evidence, quadrature_log_evidence):
        assert function(model, x, **{"tolerance": 1} if function is quadrature_log_evidence else {}).dtype == np.float64
        np.testing.assert_allclose(exact_log_evidence(model, x), exact_log_evidence(twin, x), rtol=1e-6)


@pytest.mark.parametrize("K", [1, 2])
@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_probabilities_of_all_binary_images_sum_to_one(K, hidden, dtype):
    model, _, _ = model_example(dict(data_dim=7, hidden=hidden, latent_dim=K, activation="tanh", dtype=dtype), 1, K)
    log_px = quadrature_log_evidence(model, binary_images(7))
    assert math.isclose(np.exp(log_px).sum(), 1, rel_tol=1e-12)


def test_quadrature_agrees_with_a_fine_sum_over_the_line():
    for seed, likelihood in itertools.product(range(3), ("bernoulli", "gaussian")):
        model, x, _ = model_example(dict(data_dim=3, hidden=(4,), latent_dim=1, activation="tanh",
                                         likelihood=likelihood,
                                         noise_variance=0.5, dtype="float64"), 4, seed)
        np.testing.assert_allclose(quadrature_log_evidence(model, x, nodes=400),
                                   log_evidence_by_quadrature(model, x)[0], rtol=1e-10)


def test_quadrature_says_when_it_has_not_settled():
    model, _, _ = model_example(dict(data_dim=40, hidden=(4,), latent_dim=1, dtype="float64"), 1, 0)
    model.parameters["decoder.1.W"] = 30 * model.parameters["decoder.1.W"]
    with pytest.raises(ArithmeticError,
                       match="quadrature has not settled: 16 nodes and 8 differ by .* nats. Take more nodes"):
        quadrature_log_evidence(model, np.eye(3, 40), nodes=16)
    assert np.isfinite(quadrature_log_evidence(model, np.eye(3, 40), nodes=16, tolerance=np.inf)).all()


def data_of_two_factors():
    rng = np.random.default_rng(3)
    W = np.linalg.qr(rng.standard_normal((6, 2)))[0].T * [[1.6], [1.0]]
    return rng.standard_normal((300, 2)) @ W + rng.standard_normal(6) + 0.6 * rng.standard_normal((300, 6))


def as_model(best, turn=None):
    """A linear VAE with the parameters of a PPCA, its latents turned by a rotation."""
    K, D = best.W.shape
    model = mv.VAE(D, (), K, likelihood="gaussian", noise_variance=best.noise_variance, dtype="float64")
    model.parameters["decoder.0.W"] = best.W if turn is None else turn @ best.W
    model.parameters["decoder.0.b"] = best.b
    return model


@pytest.mark.parametrize("K", [1, 2, 5])
def test_nothing_near_the_ppca_maximum_is_better(K):
    x = data_of_two_factors()
    best = ppca(x, K)
    assert math.isclose(exact_log_evidence(as_model(best), x).mean(), best.log_px, rel_tol=1e-12)
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.standard_normal((K, K)))[0]
    assert math.isclose(exact_log_evidence(as_model(best, turn), x).mean(), best.log_px, rel_tol=1e-12)
    for _ in range(50):
        size = rng.choice([1e-3, 1e-1])
        near = best._replace(W=best.W + size * rng.standard_normal(best.W.shape),
                             b=best.b + size * rng.standard_normal(6),
                             noise_variance=best.noise_variance * np.exp(size * rng.standard_normal()))
        assert exact_log_evidence(as_model(near), x).mean() < best.log_px


def test_more_latents_are_never_worse_and_one_fewer_than_pixels_is_a_free_covariance():
    x = data_of_two_factors()
    values = [ppca(x, K).log_px for K in range(1, 6)]
    assert values == sorted(values)
    covariance = np.cov(x.T, bias=True)  # K = D - 1 leaves the last eigenvalue to the noise: nothing is constrained
    assert math.isclose(values[-1], -0.5 * (6 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + 6),
                        rel_tol=1e-12)


def test_a_trained_linear_vae_reaches_the_maximum_likelihood():
    """Adam with a step that falls to zero, the noise variance too; W W' becomes diagonal, as Lucas et al. prove."""
    x = data_of_two_factors()
    best = ppca(x, 2)
    model = mv.VAE(6, (), 2, likelihood="gaussian", noise_variance="learned", dtype="float64")
    mv.train(model, x, epochs=600, batch_size=50, learning_rate=0.02, schedule="cosine", progress=False)
    shortfall = best.log_px - exact_log_evidence(model, x).mean()
    assert -1e-12 < shortfall < 2e-4  # nats per example, of 7.07
    W = model.parameters["decoder.0.W"]
    np.testing.assert_allclose(W.T @ W, best.W.T @ best.W, atol=0.05)
    assert math.isclose(np.exp(model.parameters["decoder.log_var"]), best.noise_variance, rel_tol=5e-3)
    assert abs((W @ W.T)[0, 1]) < 0.05


@pytest.mark.parametrize("call, message", [
    (lambda: exact_log_evidence(mv.VAE(4, (3,), 2, likelihood="gaussian"), np.ones((1, 4))),
     r"linear-Gaussian.* got hidden=\(3,\)"),
    (lambda: exact_posterior(mv.VAE(4, (), 2), np.ones((1, 4))), "got hidden=.* likelihood='bernoulli'"),
    (lambda: exact_posterior(mv.ConditionalVAE(4, (), 2, classes=2, likelihood="gaussian"), np.ones((1, 6))),
     "and no label"),
    (lambda: exact_log_evidence(linear_model(0), np.ones((1, 4))), r"x must have shape \(B, D\) = \(any, 5\)"),
    (lambda: exact_log_evidence(linear_model(0), np.full((1, 5), np.nan)), "x must be finite"),
    (lambda: quadrature_log_evidence(mv.VAE(4, (3,), 3), np.ones((1, 4))), "one or two latents and no label; got 3"),
    (lambda: quadrature_log_evidence(mv.VAE(4, (3,), 1), np.ones((1, 4)), nodes=7), "nodes must be at least 8; got 7"),
    (lambda: quadrature_log_evidence(mv.VAE(4, (3,), 1), np.ones((1, 4)), nodes=64.0),
     "nodes must be a positive integer"),
    (lambda: quadrature_log_evidence(mv.VAE(4, (3,), 1), np.full((1, 4), 2.0)), r"x must lie in \[0, 1\]"),
    (lambda: ppca(np.eye(4), 4), "latent_dim must be below the number of pixels, 4; got 4"),
    (lambda: ppca(np.eye(4), 0), "latent_dim must be a positive integer"),
    (lambda: ppca(np.eye(3, 6), 2), "x must spread in more than 2 dimensions"),
    (lambda: ppca(np.ones((1, 6)), 2), "x must spread in more than 2 dimensions"),
    (lambda: ppca(np.ones(6), 2), r"x must have shape \(N, D\)"), (lambda: ppca(1.0, 2), "x must have shape"),
])
def test_what_is_not_of_the_kind_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
