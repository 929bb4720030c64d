"""The objectives over several samples: their gradients, and their values as bounds."""

import itertools
import math

import numpy as np
import pytest
from checks import Z_SCORE, check_model_gradient, expected_elbo, log_evidence_by_quadrature, model_example
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st
from strategies import SEEDS, a_part, model_settings

import minivae as mv
from minivae.gradcheck import check_model

BOTH = pytest.mark.parametrize("kind", [mv.MonteCarloELBO, mv.IWAE])
SMALL = dict(data_dim=3, hidden=(4,), latent_dim=1, activation="tanh", dtype="float64", noise_variance=0.5)


@BOTH
@given(arguments=model_settings(), batch=st.integers(1, 3), samples=st.integers(1, 4), seed=SEEDS)
@a_part(0.4, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_parameter_and_symbol(kind, arguments, batch, samples, seed):
    def example(*which):
        return model_example(*which, kind, samples)

    assume(check_model_gradient(arguments, batch, seed, d_loss=-1.3, example=example))


@BOTH
def test_the_ladder_passes_and_shows_the_whole_chain(kind):
    model, x, eps = model_example(SMALL | {"latent_dim": 2}, 3, 0, kind, samples=4)
    report = check_model(model, x, eps)
    assert report.verdict == "pass", report
    shown = report.picture().replace("→", " ").split()
    assert set(shown) >= set(model.symbols) - {"x", "eps"} | set(model.parameters)


def test_the_ladder_finds_a_gradient_that_forgets_the_score_of_q():
    class Forgetful(mv.IWAE):
        def backward(self, trace, d_loss=1.0, out=None):
            d, grads = super().backward(trace, d_loss, out)
            d.mu = d.mu + 0.1
            return d, grads

    model, x, eps = model_example(SMALL, 3, 0, Forgetful, samples=4)
    report = check_model(model, x, eps)
    assert report.verdict == "fail" and report.first_wrong == "mu"


def test_with_one_sample_both_are_the_same_to_the_bit():
    for seed in range(3):
        one, x, eps = model_example(SMALL, 4, seed, mv.MonteCarloELBO)
        other, _, _ = model_example(SMALL, 4, seed, mv.IWAE)
        trace, twin = one.forward(x, eps), other.forward(x, eps)
        assert trace.loss == twin.loss
        np.testing.assert_array_equal(one.backward(trace)[1].flat, other.backward(twin)[1].flat)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_expectations_lie_in_order_between_elbo_and_evidence(likelihood):
    """ELBO = E[L_1] < E[L_2] < log p(x), with E[L_2] by quadrature over both draws (Burda et al. 2016, theorem 1)."""
    nodes = np.linspace(-7, 7, 57)
    weights = np.exp(-0.5 * nodes**2) / np.exp(-0.5 * nodes**2).sum()
    plain, x, _ = model_example(SMALL | {"likelihood": likelihood}, 3, 1)
    x = np.round(x) if likelihood == "bernoulli" else x
    elbo, (log_px, _, _) = expected_elbo(plain, x), log_evidence_by_quadrature(plain, x)
    sampled = mv.MonteCarloELBO(**plain.settings)
    iwae = mv.IWAE(**plain.settings)
    for model in (sampled, iwae):
        model.parameters.flat[:] = plain.parameters.flat
    pairs = list(itertools.product(range(57), repeat=2))
    eps = np.tile(np.array([[nodes[i], nodes[j]] for i, j in pairs]).reshape(-1, 1), (1, 1))
    both = np.array([weights[i] * weights[j] for i, j in pairs])
    for n in range(len(x)):
        rows = np.repeat(x[n:n + 1], len(pairs), axis=0)
        mean = both @ sampled.forward(rows, eps).objective
        bound = both @ iwae.forward(rows, eps).objective
        assert math.isclose(mean, elbo[n], rel_tol=1e-9)  # the drawn KL is unbiased
        assert elbo[n] + 1e-6 < bound < log_px[n] - 1e-6


def test_many_samples_reach_the_evidence():
    model, x, _ = model_example(SMALL, 2, 3, mv.IWAE)
    x, S, rounds = np.round(x), 2000, 40
    log_px, _, _ = log_evidence_by_quadrature(model, x)
    rng = np.random.default_rng(4)
    weights = np.concatenate([  # the mean weight, unlike its logarithm, is unbiased
        np.exp(model.forward(x, rng.standard_normal((2 * S, 1))).log_weight.reshape(2, S) - log_px[:, None])
        for _ in range(rounds)], axis=1)
    error = weights.std(axis=1) / math.sqrt(S * rounds)
    assert np.all(error < 0.01) and np.all(np.abs(weights.mean(axis=1) - 1) < Z_SCORE * error)


@BOTH
def test_at_the_true_posterior_every_weight_is_the_evidence(kind):
    """A linear model whose q is p(z|x): p(x, z) / q(z|x) = p(x) for every z, so no draw matters."""
    W, b, v = np.array([[1.2, -0.7, 0.4]]), np.array([0.1, 0.2, -0.3]), 0.6
    model = kind(3, (), 1, likelihood="gaussian", noise_variance=v, dtype="float64")
    precision = 1 + (W**2).sum() / v
    p = model.parameters
    p["decoder.0.W"], p["decoder.0.b"] = W, b
    to_mu = W.T / v / precision
    p["encoder.0.W"] = np.concatenate([to_mu, np.zeros((3, 1))], axis=1)
    p["encoder.0.b"] = np.array([(-b @ to_mu).item(), -math.log(precision)])
    rng = np.random.default_rng(5)
    x = rng.standard_normal((4, 3))
    covariance = W.T @ W + v * np.eye(3)
    exact = -0.5 * (3 * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1]
                    + ((x - b) * np.linalg.solve(covariance, (x - b).T).T).sum(axis=1))
    trace = model.forward(x, 3 * rng.standard_normal((4 * 5, 1)))
    np.testing.assert_allclose(trace.log_weight.reshape(4, 5), exact[:, None].repeat(5, 1), rtol=1e-12)
    np.testing.assert_allclose(trace.objective, exact, rtol=1e-12)


def test_the_gradient_is_the_weighted_mean_of_single_samples_gradients():
    """sum_s w_s grad(log w_s) / sum_r w_r, each grad(log w_s) from a pass with that sample alone."""
    model, x, eps = model_example(SMALL | {"latent_dim": 2}, 1, 6, mv.IWAE, samples=5)
    trace = model.forward(x, eps)
    share = np.exp(trace.log_weight - trace.log_weight.max())
    share /= share.sum()
    singles = [model.backward(model.forward(x, eps[s:s + 1]))[1].flat for s in range(5)]
    np.testing.assert_allclose(model.backward(trace)[1].flat, share @ singles, rtol=1e-10, atol=1e-14)


@BOTH
def test_out_agrees_with_pure_and_noise_of_another_length_is_named(kind):
    model, x, eps = model_example(SMALL, 2, 7, kind, samples=3)
    pure, used = model.forward(x, eps), model.forward(1 - x, -eps)
    gradients = model.backward(used)
    d, grads = model.backward(model.forward(x, eps, out=used), out=gradients)
    np.testing.assert_array_equal(grads.flat, model.backward(pure)[1].flat)
    np.testing.assert_array_equal(d.mu, model.backward(pure)[0].mu)
    for rows in (eps[:5], eps[:0], eps[:1]):
        with pytest.raises(ValueError, match="eps"):
            model.forward(x, rows)
