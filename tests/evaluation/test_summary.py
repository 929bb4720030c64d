"""The numbers of ``evaluate``, the curve of the bound, and active units."""

import itertools

import numpy as np
import pytest
from checks import Z_SCORE
from linear_case import at_true_posterior, linear_model

import minivae as mv
from minivae.evaluation import (
    active_units, as_text, bound_curve, doubt, evaluate, exact_log_evidence, importance_estimate, unit_activity,
)
from minivae.evaluation.curve import bound_in_groups, mean_curve, sample_sizes
from minivae.evaluation.importance import evidence_of

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 2, 2), dtype=np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_numbers_are_the_exact_ones_within_their_errors():
    model = at_true_posterior(linear_model(5, K=2), spread=1.4)
    x = model.generate(200, rng=rng(1), draw=True)
    numbers = evaluate(model, x, binarize="none", rng=rng(2), samples=400)
    exact = exact_log_evidence(model, x)
    assert abs(numbers["log_px"] - exact.mean()) < Z_SCORE * numbers["log_px_draws_se"] + 1 / 400
    assert numbers["log_px_se"] == pytest.approx(exact.std(ddof=1) / np.sqrt(200), rel=0.01)
    expected = np.mean([model.forward(x, np.tile(np.array(eps, float), (200, 1))).log_likelihood.mean()
                        for eps in itertools.product([-1, 1], repeat=2)])  # exact: see test_exact.py
    spread = numbers["bound_draws_se"][1]
    assert abs(numbers["log_likelihood"] - expected) < Z_SCORE * 2 * spread
    assert numbers["elbo"] == pytest.approx(numbers["log_likelihood"] - numbers["kl"])
    assert numbers["gap"] == pytest.approx(numbers["log_px"] - numbers["elbo"]) and numbers["gap"] > 0
    assert numbers["bound"][400] == pytest.approx(numbers["log_px"])
    assert numbers["log_px_draws_se"] == pytest.approx(spread_of_means(model, x), rel=0.25)
    assert abs(numbers["bound"][1] - numbers["elbo"]) < Z_SCORE * 2 * spread
    assert list(numbers["bound"]) == [1, 2, 5, 10, 20, 50, 100, 200, 400]
    assert numbers["active_units"] == numbers["latents"] == 2 and numbers["images"] == 200


def spread_of_means(model, x):
    """How far the mean of log p(x) over the same examples is spread in 40 repetitions, to 11 % at one sigma."""
    return np.std([mv.log_evidence(model, x, 400, rng=rng(seed)).mean() for seed in range(40)], ddof=1)


def test_the_same_pixels_serve_every_number():
    """With one draw, the bound is log p(x|z) - log q + log p of the draw whose log p(x|z) is reported."""
    model = mv.VAE(4, (3,), 2)
    numbers = evaluate(model, IMAGES, binarize="dynamic", rng=rng(3), samples=50)
    again = rng(3)
    x = mv.data.binarize(IMAGES.reshape(30, 4), "dynamic", rng=again)
    assert numbers["log_px"] == importance_estimate(model, x, 50, rng=again).log_px.mean()
    assert numbers == evaluate(model, IMAGES, binarize="dynamic", rng=rng(3), samples=50)
    assert numbers != evaluate(model, IMAGES, binarize="dynamic", rng=rng(4), samples=50)


def test_what_one_image_or_one_draw_cannot_tell_is_none():
    one_image = evaluate(mv.VAE(4, (3,), 2), IMAGES[:1], binarize="none", rng=rng(), samples=5)
    assert one_image["elbo_se"] is one_image["log_px_se"] is one_image["active_units"] is None
    one_draw = evaluate(mv.VAE(4, (3,), 2), IMAGES, binarize="none", rng=rng(), samples=1)
    assert one_draw["log_px_draws_se"] is one_draw["bound_draws_se"][1] is None
    assert one_draw["bound"] == {1: one_draw["log_px"]}
    for numbers in (one_image, one_draw):
        assert "None" not in as_text(numbers) and "nan" not in as_text(numbers)


def test_doubt_is_raised_when_few_draws_count_and_not_when_many_do():
    good = at_true_posterior(linear_model(5, K=2), spread=1.2)
    x = good.generate(20, rng=rng(1), draw=True)
    assert doubt(evaluate(good, x, binarize="none", rng=rng(), samples=200)) is None
    assert "effective sample size of 1.0" in doubt(evaluate(good, x, binarize="none", rng=rng(), samples=1))
    bad = at_true_posterior(linear_model(5, K=2))
    bad.parameters["encoder.0.b"][:2] += 5  # q misses the posterior
    numbers = evaluate(bad, x, binarize="none", rng=rng(), samples=200)
    assert numbers["few_effective"] > 0.5
    assert "not to be trusted yet" in doubt(numbers) and "--samples 5000." in doubt(numbers)
    climbing = numbers | {"effective_samples": 30.0, "bound": {2000: -90.0, 5000: -89.75}}
    assert "rose by 0.25 nats from 2,000 draws to 5,000. Try --samples 50000." in doubt(climbing)
    assert doubt(climbing | {"bound": {2000: -89.87, 5000: -89.75}}) is None  # 0.09 a doubling
    assert "rose by 0.12 nats" in doubt(climbing | {"bound": {2000: -89.87, 4000: -89.75}})
    assert "from 500 draws to 1,001." in doubt(climbing | {"bound": {500: -90.0, 1000: -89.8, 1001: -89.8}})


@pytest.mark.parametrize("arguments, message", [
    ({"samples": 0}, "samples must be a positive integer; got 0"), ({"rng": 1}, "rng must be"),
    ({"binarize": "half"}, "one of"), ({"images": IMAGES[:, :1]}, "images must have 4 pixels"),
    ({"images": np.full((2, 4), np.nan)}, "images must be finite"),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate(mv.VAE(4, (3,), 2), **{"images": IMAGES, "binarize": "dynamic", "rng": rng()} | arguments)


def test_the_bound_in_groups_is_what_it_says():
    log_weight = rng(1).standard_normal(20)
    bound, variance = bound_in_groups(log_weight, [1, 3, 20])
    threes = np.log(np.exp(log_weight[:18].reshape(6, 3)).mean(axis=1))
    np.testing.assert_allclose(bound, [log_weight.mean(), threes.mean(), np.log(np.exp(log_weight).mean())])
    halves = np.log(np.exp(log_weight.reshape(2, 10)).mean(axis=1))
    np.testing.assert_allclose(variance,
                               [log_weight.var(ddof=1) / 20, threes.var(ddof=1) / 6, (halves[0] - halves[1]) ** 2 / 4])
    # 5 are left out
    np.testing.assert_allclose(bound_in_groups(log_weight[:15], [10]), bound_in_groups(log_weight[:10], [10]))


def test_of_uneven_weights_the_halves_tell_more_of_the_error_than_the_spread_does():
    """400 examples of one log p(x): their estimates' own spread, known to 4 %, is what both stand for."""
    log_weight = 3 * rng(1).standard_normal((400, 100))
    estimate = evidence_of(log_weight)
    actual = estimate.log_px.std(ddof=1)
    halves = mean_curve([100], [bound_in_groups(row, [100]) for row in log_weight]).standard_error[0] * np.sqrt(400)
    by_spread = np.sqrt((estimate.standard_error**2).mean())
    assert by_spread < 0.65 * actual < 0.7 * actual < halves < 1.1 * actual


def test_where_log_px_is_in_doubt_it_has_no_error_bar():
    """A model for which 100 draws are 0.8 nats too low must not get an error of 0.01."""
    bad = at_true_posterior(linear_model(5, K=2))
    bad.parameters["encoder.0.b"][:2] += 5  # q misses the posterior
    x = bad.generate(40, rng=rng(1), draw=True)
    numbers = evaluate(bad, x, binarize="none", rng=rng(), samples=200)
    assert numbers["log_px"] < exact_log_evidence(bad, x).mean() - 1 and numbers["log_px_draws_se"] is None
    words = as_text(numbers)
    assert "over draws" not in words and "a lower bound: more draws would raise it" in words
    good = evaluate(at_true_posterior(linear_model(5, K=2), spread=1.2), x, binarize="none", rng=rng(), samples=200)
    assert "over draws" in as_text(good) and "lower bound" not in as_text(good)
    for explained in ("latents: those whose mean varies from image to image, by a variance over 0.01",
                      "of 200 draws, for the median image: how many draws of equal "
                      "weight", "It is below 10, too few, for"):
        assert explained in as_text(good)


def test_the_larger_of_two_errors_is_reported(monkeypatch):
    """The halves give the larger error for 60 uneven examples; for one whose halves agree by chance, equation 10.6."""
    monkeypatch.setattr("minivae.evaluation.summary.doubt", lambda numbers: None)  # which would leave the error out
    model = at_true_posterior(linear_model(5, K=2))
    model.parameters["encoder.0.b"][:2] += 1  # q beside the posterior
    x = model.generate(60, rng=rng(1), draw=True)
    numbers = evaluate(model, x, binarize="none", rng=rng(2), samples=100)
    assert numbers["log_px_draws_se"] == numbers["bound_draws_se"][100]
    larger = [one["log_px_draws_se"] > one["bound_draws_se"][100] for one in (
        evaluate(model, x[:1], binarize="none", rng=rng(seed), samples=100) for seed in range(10))]
    assert any(larger) and not all(larger)


def test_the_curve_rises_to_the_estimate_and_its_errors_are_right():
    """The spread of 60 repetitions gives the curve's standard errors to within a tenth."""
    model = at_true_posterior(linear_model(5, K=2), spread=1.5)
    x = model.generate(10, rng=rng(1), draw=True)
    curves = [bound_curve(model, x, 100, rng=rng(seed)) for seed in range(60)]
    np.testing.assert_array_equal(curves[0].samples, [1, 2, 5, 10, 20, 50, 100])
    bounds = np.array([curve.bound for curve in curves])
    assert np.all(np.diff(bounds.mean(axis=0)) > 0)
    promised = np.mean([curve.standard_error for curve in curves], axis=0)
    np.testing.assert_allclose(bounds.std(axis=0, ddof=1) / promised, 1, atol=Z_SCORE * 0.1)
    assert curves[3].bound[-1] == pytest.approx(mv.log_evidence(model, x, 100, rng=rng(3)).mean())
    assert abs(bounds[:, -1].mean() - exact_log_evidence(model, x).mean()) < 0.01


@pytest.mark.parametrize("most, sizes", [(1, [1]), (2, [1, 2]), (7, [1, 2, 5, 7]), (100, [1, 2, 5, 10, 20, 50, 100])])
def test_sample_sizes(most, sizes):
    assert sample_sizes(most) == sizes


def test_active_units_are_those_whose_mean_moves_with_the_data():
    model = mv.VAE(4, (), 3, likelihood="gaussian", dtype="float64")
    model.parameters.flat[:] = 0
    model.parameters["encoder.0.W"][0, :3] = [2.0, 0.05, 0.0]
    model.parameters["encoder.0.b"][:3] = [0, 5, 5]  # far from the prior's mean, and yet not active
    x = rng(1).standard_normal((2500, 4))
    np.testing.assert_allclose(unit_activity(model, x), x[:, 0].var() * np.array([4, 0.0025, 0]), atol=1e-12)
    assert active_units(model, x) == 1
    assert active_units(model, x, threshold=0.001) == active_units(model, x, threshold=0) == 2
    with pytest.raises(ValueError, match="at least two examples"):
        active_units(model, x[:1])
    with pytest.raises(ValueError, match="threshold must be"):
        active_units(model, x, threshold=-1)
