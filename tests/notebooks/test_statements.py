"""What notebooks 1 to 5 state of bias, variance, bounds and digits, each on the smallest case where it can be evaluated."""

import numpy as np
import pytest

# Notebook 1, section 1.8: x = z + tau eps, at x_k = sqrt(1 + tau²)


def normal(x, variance):
    return np.exp(-x**2 / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def second_moment(tau):
    """ρ of equation 1.6 for one latent."""
    x = np.sqrt(1 + tau**2)
    return normal(x, 1 + tau**2 / 2) / (2 * tau * np.sqrt(np.pi)) / normal(x, 1 + tau**2) ** 2


def divergence(tau):
    """KL(posterior ‖ prior) of one latent."""
    mean, variance = 1 / np.sqrt(1 + tau**2), tau**2 / (1 + tau**2)
    return 0.5 * (mean**2 + variance - 1 - np.log(variance))


@pytest.mark.parametrize("tau", (0.3, 1.0, 3.0))
def test_the_second_moment_and_the_divergence_are_those_of_the_integrals(tau):
    z, x = np.linspace(-9, 9, 3601), np.sqrt(1 + tau**2)
    prior, likelihood = normal(z, 1), normal(x - z, tau**2)
    step, evidence = z[1] - z[0], normal(x, 1 + tau**2)
    posterior = likelihood * prior / evidence
    assert posterior.sum() * step == pytest.approx(1, abs=1e-10)
    assert (likelihood**2 * prior).sum() * step / evidence**2 == pytest.approx(second_moment(tau), rel=1e-9)
    assert (posterior * np.log(likelihood / evidence)).sum() * step == pytest.approx(divergence(tau), rel=1e-9)
    assert np.log(second_moment(tau)) > divergence(tau)


def test_the_cost_of_naive_draws_follows_the_divergence_and_not_the_number_of_latents():
    assert 50 * divergence(3.0) < 5 * divergence(0.3) and second_moment(3.0) ** 50 < second_moment(0.3) ** 5


def test_naive_draws_are_unbiased_for_the_evidence_and_too_low_for_its_logarithm():
    tau, rng, repeats = 0.3, np.random.default_rng(0), 2000
    x = np.sqrt(1 + tau**2)
    ratio = normal(x - rng.standard_normal((repeats, 100)), tau**2).mean(axis=1) / normal(x, 1 + tau**2)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(repeats)
    logs, leading = np.log(ratio), -(second_moment(tau) - 1) / 200
    error = logs.std() / np.sqrt(repeats)
    assert logs.mean() < -3 * error and abs(logs.mean() - leading) < 4 * error + 0.3 * abs(leading)
    assert np.median(logs[:1999]) == np.log(np.median(ratio[:1999]))      # a median knows nothing of Jensen


def test_where_exponentials_vanish():
    assert np.exp(np.float32(-103.9)) > 0 == np.exp(np.float32(-104.1))
    assert np.exp(-745.0) > 0 == np.exp(-745.2)
