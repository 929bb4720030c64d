"""Annealing against models whose log p(x) is known: both runs are unbiased, and together they bracket the answer."""

import numpy as np
import pytest
from checks import Z_SCORE
from linear_case import linear_model

import minivae as mv
from minivae.evaluation import (
    annealed_estimate, annealed_log_evidence, bracket, exact_log_evidence, exact_posterior, quadrature_log_evidence,
    temperature_schedule,
)
from minivae.evaluation.hmc import Chains, Target


def z_score(sample, expected):
    return abs(sample.mean() - expected) / (sample.std(ddof=1) / np.sqrt(len(sample)))


@pytest.mark.parametrize("noise_variance", [0.4, "learned"])
def test_both_runs_are_unbiased(noise_variance):
    """E[w] = p(x) and E[1/w] = 1/p(x), at so few temperatures that a wrong weight or move would show."""
    model = linear_model(1, noise_variance=noise_variance)
    found = bracket(model, 400, chains=16, temperatures=20, rng=np.random.default_rng(0))
    exact = exact_log_evidence(model, found.x)
    assert z_score(np.exp(found.lower.log_px - exact), 1) < Z_SCORE
    assert z_score(np.exp(exact - found.upper.log_px), 1) < Z_SCORE
    assert (found.lower.log_px - exact).mean() < 0 < (found.upper.log_px - exact).mean()
    assert 0.5 < found.lower.acceptance.mean() < 0.9


def test_the_moves_keep_the_posterior():
    """Chains that start at exact draws of p(z|x) and take their moves at temperature 1 alone still have its moments."""
    model, rng = linear_model(2, K=2), np.random.default_rng(1)
    x = model.generate(1, rng=rng, draw=True)
    mean, covariance = exact_posterior(model, x)
    z = rng.multivariate_normal(mean[0], covariance, size=20_000)
    chains = Chains(Target(model, x), z)
    for _ in range(3):
        chains.move(1.0, np.full((len(z), 1), 0.25), 5, rng)
    errors = np.sqrt(np.diag(covariance) / len(z))
    assert (np.abs(chains.z.mean(axis=0) - mean[0]) < Z_SCORE * errors).all()
    variance_error = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / len(z))
    assert (np.abs(np.cov(chains.z.T) - covariance) < Z_SCORE * variance_error).all()


def test_it_agrees_with_quadrature_on_binary_pixels():
    model, x, _ = mv.toy()
    found = annealed_estimate(model, x, chains=400, temperatures=50, rng=np.random.default_rng(0))
    exact = quadrature_log_evidence(model, x)
    assert (np.abs(found.log_px - exact) < Z_SCORE * found.standard_error).all()
    assert (found.standard_error < 0.05).all()


def test_more_temperatures_narrow_the_bracket():
    model = linear_model(3, D=8, K=3)
    gaps = []
    for temperatures in (10, 100):
        found = bracket(model, 50, chains=8, temperatures=temperatures, rng=np.random.default_rng(0))
        gaps.append((found.upper.log_px - found.lower.log_px).mean())
    assert 0 < gaps[1] < gaps[0] / 3


def test_the_slope_is_that_of_the_log_likelihood():
    model, x, _ = mv.toy()
    for model, x in ((model, x), (mv.ConditionalVAE(4, (3,), 2, "tanh", dtype="float64", classes=2),
                                  mv.join_labels(x, [0, 1, 1], 2))):
        target, h = Target(model, x), 1e-5
        z = np.random.default_rng(0).standard_normal((6, model.latent_dim))
        _, slope = target(z)
        for k in range(model.latent_dim):
            step = h * (np.arange(model.latent_dim) == k)
            np.testing.assert_allclose(slope[:, k], (target(z + step)[0] - target(z - step)[0]) / (2 * h), atol=1e-8)


def test_a_conditional_model_is_bracketed_given_its_labels():
    model = mv.ConditionalVAE(5, (), 2, likelihood="gaussian", noise_variance=0.5, dtype="float64", classes=3)
    rng = np.random.default_rng(0)
    model.parameters.flat[:] = 0.5 * rng.standard_normal(model.parameters.flat.size)
    found = bracket(model, 30, chains=16, temperatures=100, rng=rng, labels=np.arange(30) % 3)
    W, b = model.parameters["decoder.0.W"], model.parameters["decoder.0.b"]
    mean = b + found.x[:, 5:] @ W[2:]                      # (B, D): p(x|y) is Gaussian around it
    covariance = W[:2].T @ W[:2] + 0.5 * np.eye(5)
    r = found.x[:, :5] - mean
    exact = -0.5 * ((r * np.linalg.solve(covariance, r.T).T).sum(axis=1)
                    + np.linalg.slogdet(2 * np.pi * covariance).logabsdet)
    assert z_score(np.exp(found.lower.log_px - exact), 1) < Z_SCORE
    assert np.abs(found.upper.log_px - exact).max() < 0.5


def test_the_schedule_rises_from_0_to_1():
    schedule = temperature_schedule(7)
    assert len(schedule) == 8 and schedule[0] == 0 and schedule[-1] == 1 and (np.diff(schedule) > 0).all()
    assert np.allclose(schedule + schedule[::-1], 1) and np.diff(schedule)[0] < np.diff(schedule)[3]


def test_the_same_seed_gives_the_same_numbers_in_float32_too():
    model = mv.VAE(6, (4,), 2, seed=3)
    x = (np.random.default_rng(0).random((20, 6)) < 0.5).astype("float32")
    once, again = (annealed_log_evidence(model, x, 8, 20, rng=np.random.default_rng(5)) for _ in range(2))
    assert once.dtype == np.float64 and once.shape == (20,)
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("arguments, words", [({"chains": 0}, "chains"), ({"temperatures": 1.5}, "temperatures"),
                                              ({"leapfrog_steps": -1}, "leapfrog_steps"), ({"rng": 3}, "rng")])
def test_what_does_not_fit_is_named(arguments, words):
    model, x, _ = mv.toy()
    with pytest.raises(ValueError, match=words):
        annealed_log_evidence(model, x, **{"rng": np.random.default_rng(0)} | arguments)
    with pytest.raises(ValueError, match="Divide by 255"):
        annealed_log_evidence(model, x * 255, rng=np.random.default_rng(0))


def test_parameters_that_are_not_finite_are_told():
    model, x, _ = mv.toy()
    model.parameters["decoder.1.b"] = np.full(4, np.nan)
    with pytest.raises(ArithmeticError, match="parameters"):
        annealed_log_evidence(model, x, 2, 5, rng=np.random.default_rng(0))


def test_a_step_that_flies_off_is_refused():
    model = linear_model(1, noise_variance=1e-3, dtype="float32")
    x = model.generate(2, rng=np.random.default_rng(0), draw=True)
    chains = Chains(Target(model, x), np.zeros((4, 2), "float32"))
    assert (chains.move(1.0, np.full((4, 1), 1e4), 10, np.random.default_rng(0)) == 0).all()
    assert (chains.z == 0).all() and not chains.accepted.any()


def test_the_command_line_measures_the_first_images_twice(tmp_path, capsys):
    """Both estimates are for the same images, as JSON and as text, and differ by no more than chance."""
    import json

    from minivae.cli.main import main

    model = mv.VAE(784, (4,), 2, seed=1)
    model.save(tmp_path / "model.npz")
    words = ["evaluate", str(tmp_path / "model.npz"), "--samples", "2", "--annealed", "2"]
    mnist = mv.load_mnist()
    few = mnist._replace(test_images=mnist.test_images[:3], test_labels=mnist.test_labels[:3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivae.cli.run.load_mnist", lambda: few)
        patch.setattr("minivae.evaluation.annealed.TEMPERATURES", 30)
        assert not main([*words, "--json"])
        told = capsys.readouterr()
        found = json.loads(told.out)["annealed"]
        assert found["images"] == 2 and found["temperatures"] == 30 and abs(found["difference"]) < 40
        assert "takes" in told.err
        assert not main(words)
        assert "by annealing" in capsys.readouterr().out
        assert main([*words[:-1], "0"]) == 1
        assert "--annealed" in capsys.readouterr().err
