"""The aggregate posterior and the two parts of the mean KL, against quadrature, closed forms and the bound log N."""

import numpy as np
import pytest

from minivae.evaluation import aggregate_log_density, kl_parts
from minivae.kernels import gaussian_log_density, kl_divergence


def codes(N, K, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, K)), rng.uniform(-3, 0, (N, K))


def test_the_density_is_the_mean_of_the_densities():
    mu, log_var = codes(7, 3)
    z = np.random.default_rng(1).standard_normal((5, 3))
    plain = [np.log(np.mean([np.exp(gaussian_log_density(point[None], m[None], v[None])[0])
                             for m, v in zip(mu, log_var)]))
             for point in z]
    np.testing.assert_allclose(aggregate_log_density(z, mu, log_var), plain, rtol=1e-12)


@pytest.mark.parametrize("lowest", [-10, -20, -32, -40, -100, -300, -700, -1500])
def test_narrow_posteriors_do_not_cancel(lowest):
    """Against the square without expansion, in a wider float; some latents are narrow, others not."""
    mu, log_var = codes(6, 3)
    log_var[::2, 1], log_var[:, 2] = lowest, lowest / 2
    z = np.concatenate([mu + np.exp(0.5 * log_var), mu, mu[:, ::-1], 3 * mu])
    wide = np.longdouble
    with np.errstate(over="ignore"):
        square = (z[:, None].astype(wide) - mu) ** 2 / np.exp(log_var.astype(wide))
        plain = np.logaddexp.reduce(-0.5 * (np.log(2 * np.pi) + log_var + square).sum(axis=2), axis=1) - np.log(len(mu))
    found = aggregate_log_density(z, mu, log_var)
    near = np.arange(12)  # where a density is not as good as zero
    np.testing.assert_allclose(found[near], plain[near].astype(float), rtol=1e-12, atol=1e-8)
    assert not np.isnan(found).any()


def test_blocks_make_no_difference(monkeypatch):
    mu, log_var = codes(7, 2)
    whole = aggregate_log_density(mu, mu, log_var)
    monkeypatch.setattr("minivae.evaluation.aggregate.NUMBERS", 20)  # two rows at a time
    np.testing.assert_allclose(aggregate_log_density(mu, mu, log_var), whole, rtol=1e-13)


def test_the_parts_are_those_of_quadrature():
    mu, log_var = codes(20, 1)
    z = np.linspace(-9, 9, 6001)[:, None]
    log_q = aggregate_log_density(z, mu, log_var)
    mismatch = (np.exp(log_q) * (log_q + 0.5 * (np.log(2 * np.pi) + z[:, 0] ** 2))).sum() * (z[1, 0] - z[0, 0])
    parts = kl_parts(mu, log_var, rng=np.random.default_rng(2), draws=500)
    assert abs(parts.mismatch - mismatch) < 4.5 * parts.standard_error < 0.05
    assert parts.kl == pytest.approx(kl_divergence(mu, log_var).mean())
    assert parts.kl == pytest.approx(parts.information + parts.mismatch)


def test_the_standard_error_is_the_spread_over_repetitions():
    mu, log_var = codes(20, 2)
    parts = [kl_parts(mu, log_var, rng=np.random.default_rng(seed), draws=5) for seed in range(300)]
    spread = np.std([part.information for part in parts], ddof=1)
    assert spread == pytest.approx(np.mean([part.standard_error for part in parts]),
                                   rel=0.2)  # of 300: 4 % at one sigma


def test_the_information_stops_at_log_n_and_vanishes_with_the_codes():
    far = 100.0 * np.arange(30.0)[:, None]
    parts = kl_parts(far, np.zeros_like(far), rng=np.random.default_rng(0))
    assert parts.information == pytest.approx(np.log(30)) and parts.standard_error < 1e-9
    same = kl_parts(np.ones((30, 2)), np.zeros((30, 2)), rng=np.random.default_rng(0))
    assert abs(same.information) < 1e-12 and same.mismatch == pytest.approx(1.0)


def test_what_does_not_fit_is_said():
    mu, log_var = codes(4, 2)
    with pytest.raises(ValueError, match="log_var must have shape"):
        aggregate_log_density(mu, mu, log_var[:, :1])
    for wrong in (mu[0], mu[0, 0], mu[:, :0], mu[:0], mu[None], mu.astype(int)):
        with pytest.raises(ValueError, match="mu must|mu is empty"):
            aggregate_log_density(mu, wrong, log_var)
    with pytest.raises(ValueError, match="z must have shape"):
        aggregate_log_density(mu[:, :1], mu, log_var)
    with pytest.raises(ValueError, match="draws must be at least 2"):
        kl_parts(mu, log_var, rng=np.random.default_rng(0), draws=1)
