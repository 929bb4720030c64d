"""check_unbiased: three ways to one gradient agree, a bias is found, and false alarms stay away."""

import numpy as np
import pytest

from minivae.gradcheck import check_unbiased
from linear_case import linear_gaussian_case


def test_reparameterized_and_score_function_agree_with_the_closed_form():
    report = check_unbiased(*linear_gaussian_case())
    assert report.verdict == "pass" and bool(report)
    reparameterized, score = report.estimators
    assert score.variance > 5 * reparameterized.variance
    assert "times the least" in str(report) and "score function" in report._repr_html_()


def test_no_false_alarm_in_a_hundred_seeds():
    estimators, reference = linear_gaussian_case()
    verdicts = [check_unbiased(estimators, reference, draws=400, rng=np.random.default_rng(seed)).verdict
                for seed in range(100)]
    assert "fail" not in verdicts


@pytest.mark.parametrize("spoil", [lambda g: -g, lambda g: g * [1, 2], lambda g: g * [1, 0], lambda g: g + 0.2])
def test_a_bias_is_found(spoil):
    estimators, reference = linear_gaussian_case()
    report = check_unbiased({"spoilt": lambda rng: spoil(estimators["reparameterized"](rng))}, reference)
    assert report.verdict == "fail" and "spoilt: biased" in report.diagnosis[0]


def test_too_much_noise_is_said_to_be_too_much():
    report = check_unbiased({"noisy": lambda rng: 1 + 1000 * rng.standard_normal(2)}, np.ones(2))
    assert report.verdict == "inconclusive" and "more draws" in report.diagnosis[0]


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="draws must be at least 100"):
        check_unbiased({"e": lambda rng: np.ones(2)}, np.ones(2), draws=10)
    with pytest.raises(ValueError, match="estimators must be a dict with at least one"):
        check_unbiased({}, np.ones(2))
    for reference in ([1.0, np.nan], [np.inf, 0.0]):
        with pytest.raises(ValueError, match="reference must be finite"):
            check_unbiased({"e": lambda rng: np.ones(2)}, reference)
    with pytest.raises(ValueError, match=r"estimators\['e'\] must return shape \(2,\)"):
        check_unbiased({"e": lambda rng: np.ones(3)}, np.ones(2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_draws_that_are_not_finite_never_pass(value):
    def estimator(rng):
        return np.where(rng.random(2) < 0.01, value, 1.0)

    report = check_unbiased({"broken": estimator, "right": lambda rng: np.ones(2)}, np.ones(2), draws=400)
    assert report.verdict == "fail" and "of its draws are not finite" in report.diagnosis[0] and "broken" in str(report)


def test_a_zero_gradient_can_pass_and_a_bias_beside_it_cannot():
    noisy = {"noisy": lambda rng: rng.standard_normal(3)}
    assert check_unbiased(noisy, np.zeros(3)).verdict == "pass"
    assert check_unbiased(noisy, np.zeros(3), draws=100).verdict == "inconclusive"
    assert check_unbiased({"off": lambda rng: 0.2 + rng.standard_normal(3)}, np.zeros(3)).verdict == "fail"
    assert check_unbiased({"exact": lambda rng: np.zeros(3)}, np.zeros(3)).verdict == "pass"


@pytest.mark.parametrize("estimator, words", [(lambda rng: np.ones(2) * 1j, "real numbers"), (lambda rng: "1", "real"),
                                              (lambda rng: np.ones(3), "shape")])
def test_what_an_estimator_may_return(estimator, words):
    with pytest.raises(ValueError, match=words):
        check_unbiased({"foreign": estimator}, np.ones(2), draws=100)


def test_a_large_bias_without_noise_is_told_in_a_short_line_and_an_overflow_is_no_agreement():
    report = check_unbiased({"constant": lambda rng: np.zeros(2)}, np.ones(2), draws=100)
    assert report.verdict == "fail" and max(map(len, str(report).splitlines())) < 100
    overflows = check_unbiased({"huge": lambda rng: 1e200 * rng.standard_normal(2)}, np.zeros(2), draws=100)
    assert overflows.verdict == "inconclusive"
