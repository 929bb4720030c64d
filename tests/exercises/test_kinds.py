"""Answers of a kind: right ones that look odd, wrong ones that look right, and what each must and must not be told."""

import dataclasses
import signal
import time
from typing import Callable, NamedTuple

import numpy as np
import pytest
from exercises.notebooks import function, with_mistake

from minivae import exercises
from minivae.exercises.answers.foreign import Local
from minivae.exercises.answers.limits import OutOfTime
from minivae.exercises.catalogue import MISTAKES
from minivae.exercises.collection import EXERCISES
from minivae.exercises.course import judged
from minivae.exercises.progress_map import ProgressMap
from strategies import in_turn


class Case(NamedTuple):
    """An answer, the words that its report must have, and those that it must not."""

    name: str
    answer: Callable
    has: tuple = ()
    lacks: tuple = ()


def logistic(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def fan_in(dz, dkl, mu, log_var, eps):
    return dz + dkl[:, None] * mu, dz * eps * 0.5 * np.exp(0.5 * log_var) + dkl[:, None] * 0.5 * np.expm1(log_var)


def score(f_z, z, mu, log_var):
    precision = np.exp(-log_var)
    return f_z[:, None] * (z - mu) * precision, f_z[:, None] * 0.5 * ((z - mu) ** 2 * precision - 1)


def adam(w, g, m, v, t, learning_rate, beta1, beta2, epsilon):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return w - learning_rate * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon), m, v


def adam_with(**fixed):
    """Adam with settings of its own in place of what it is given."""
    names = EXERCISES["adam"].arguments
    return lambda *arguments: adam(**{**dict(zip(names, arguments)), **fixed})


def slope(f, x):
    h = 6e-6 * max(1.0, abs(x))
    return (f(x + h) - f(x - h)) / (2 * h)


def as_tuple(t, p, beta):
    return tuple(function("solutions", "elbo_backward")(t, p, beta).values())




def in_float32(dy, x):
    return (x.astype(np.float32).T @ dy.astype(np.float32)).astype(np.float64)


def weights_first(dy, W):
    return W.T @ dy


def tried_both_ways(dy, W):
    try:
        return dy @ W
    except ValueError:
        return dy @ W.T


def decoder_tried_both_ways(dlogits, z, h, W0, W1):
    da = tried_both_ways(dlogits, W1) * (1 - h**2)
    return tried_both_ways(da, W0), z.T @ da, da.sum(0), h.T @ dlogits, dlogits.sum(0)


def checker(f, gradient, x):
    measured = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        def along(step, place=place):
            moved = x.copy()
            moved[place] = step
            return f(moved)
        measured[place] = slope(along, x[place])
    return bool(np.abs(measured - gradient).max() <= 1e-6 * max(np.abs(measured).max(), np.abs(gradient).max()))


class Counting:
    """Says True to the first five gradients that it is asked about, whatever they are."""

    def __init__(self):
        self.calls = 0

    def __call__(self, f, gradient, x):
        self.calls += 1
        return self.calls <= 5


suspect_1 = with_mistake(next(one for one in MISTAKES if one.name == "suspect 1 handed in again"),
                         "find_the_bug_1")

RIGHT = [
    Case("bernoulli_log_likelihood_backward", lambda dll, logits, x: dll[:, None] * (x - 1 / (1 + np.exp(-logits))),
         ("Note: NumPy warns of overflow",)),
    Case("bernoulli_log_likelihood", lambda logits, x: np.where(
        x > 0, -np.where(logits < -30, -logits, np.log1p(np.exp(-logits))),
        -np.where(logits > 30, logits, np.log1p(np.exp(logits)))).sum(axis=1), ("Note: NumPy warns of overflow",)),
    Case("review", lambda: ("encoder.0.b", "the activation\u2019s slope is missing"), ("Both answers are right",),
         ("numbers",)),
    Case("review", lambda: np.array(['grads["encoder.0.b"]', "The activation's slope is missing."])),
    Case("review", lambda: np.array(["\u201cencoder.0.b\u201d", "- the activation\u02bcs slope is missing"], object)),
    Case("review", lambda: {"where": "encoder.0.b", "what": "the activation's slope is missing"}),
    Case("find_the_bug_3", lambda x, z,
         p: dict(zip(("values", "gradients"), function("solutions", "find_the_bug_3")(x, z, p)))),
    Case("dense_dW", lambda dy, x: (x.T @ dy, None)),
    Case("gradient_checker", checker, ("accepts all 5 right gradients and rejects all",), ("numbers agree",)),
    Case("score_function", lambda f_z, *others: score(f_z - 1.3, *others)),
    Case("numeric_derivative", lambda f, x: slope(f, x) + 0 * f(np.array([x, x]))[0]),
    Case("elbo_backward", lambda t, p, beta: ({}, function("solutions", "elbo_backward")(t, p, beta))),
]

WRONG = [   # by what they are told
    Case("fan_in", lambda *a: (fan_in(*a)[0], fan_in(*a[:4], 2 * a[4])[1]), ("equation 3.10",), ("7.2",)),
    Case("fan_in", lambda *a: {"dmu": fan_in(*a)[0]}, ("dlog_var is missing", "fix first: what it returns"),
         ("Look at",)),
    Case("tanh_backward", lambda dy, y: dy * y * (1 - y), ("logistic", "equation 5.10")),
    Case("softplus", lambda a: -np.logaddexp(0, a), ("sign flipped", "5.17"), ("log-likelihood",)),
    Case("softplus", lambda a: np.log1p(np.exp(a)), ("inf",), ("Look at",)),
    Case("bernoulli_log_likelihood", lambda logits, x: (
        x * np.log(logistic(logits)) + (1 - x) * np.log(1 - logistic(logits))).sum(axis=1), ("nan",), ("Look at",)),
    Case("bernoulli_log_likelihood", lambda logits, x: (x * np.log(logits) + (1 - x) * np.log(1 - logits)).sum(axis=1),
         ("logits are taken for probabilities",)),
    Case("dense_dW", lambda dy, x: None, ("what it returns", "returns None"), ("shape",)),
    Case("dense_dW", "dense_dW", ("what is handed in", "should be a function; got a str"), ("raises",)),
    Case("dense_dW", lambda dy, x: ["a", "b"], ("a list of strs",), ("NoneType",)),
    Case("dense_dW", in_float32, ("digits and no further", "float32"), ("linear",)),
    Case("adam", lambda *a: tuple(value.astype(np.float32).astype(float) for value in adam(*a)),
         ("digits and no further", "float32"), ("depend",)),
    Case("dense_dx", weights_first, ("the two factors of dx have changed places",), ("an activation",)),
    Case("numeric_derivative", lambda f, x: slope(f, x) + 2e-4 * abs(slope(f, x)), ("relative error 2e-04",),
         ("ratio 1.000",)),
    Case("kl_divergence_backward", lambda dkl, mu,
         log_var: (-dkl[:, None] * mu, -dkl[:, None] * 0.5 * np.expm1(log_var)),
         ("both of the KL's gradients have their sign flipped",), ("the mu path",)),
    Case("score_function", lambda *a: score(*a)[::-1], ("swapped: this is dlog_var",)),
    Case("score_function", lambda *a: np.random.default_rng(1).normal(0, 500, (2, *a[1].shape)), ("scatter",),
         ("biased",)),
    Case("adam", adam_with(beta1=0.9, beta2=0.999), ("it does not depend on beta1",), ("with epsilon",)),
    Case("adam", adam_with(epsilon=1e-8), ("it does not depend on epsilon", "with epsilon =")),
    Case("adam", adam_with(learning_rate=1e-3), ("it does not depend on learning_rate",)),
    Case("gradient_checker", lambda f, gradient, x: x.ndim == 1 and checker(f, gradient, x),
         ("those with 2 are all rejected",), ("whatever",)),
    Case("gaussian_log_likelihood", lambda mean, x, noise_variance: -(
        (x - mean) ** 2 / noise_variance + 0.5 * np.log(2 * np.pi * noise_variance)).sum(axis=1),
        ("squares lack their half",)),
    Case("gaussian_log_likelihood", lambda mean, x,
         noise_variance: -0.5 * ((x - mean) ** 2 + np.log(2 * np.pi)).sum(axis=1),
         ("it does not depend on noise_variance",)),
    Case("gaussian_log_likelihood_backward", lambda dll, mean, x, noise_variance: dll[:, None] * (x - mean) / 0.7,
         ("it does not depend on noise_variance",)),
    Case("gaussian_log_likelihood_backward", lambda dll, mean, x, noise_variance: (
        dll[:, None] * (x - 0.7) / noise_variance), ("it does not depend on mean",)),
    Case("reparameterize", lambda mu, sigma, eps: np.sign(mu) + sigma * eps, (), ("depend on",)),
    Case("kl_divergence_backward", lambda dkl, mu, log_var: (
        dkl[:, None] * np.sign(mu), dkl[:, None] * 0.5 * np.expm1(log_var)), (), ("depend on",)),
    Case("gaussian_log_likelihood_backward", lambda dll, mean, x, noise_variance: (
        np.sign(dll)[:, None] * (x - mean) / noise_variance), ("is not linear in the upstream",), ("ignore",)),
]

ALMOST = [   # wrong where fixed cases do not look
    Case("dense_dx", tried_both_ways, ("all sizes are equal",)),
    Case("decoder_backward", decoder_tried_both_ways, ("all sizes are equal",)),
    Case("gaussian_log_likelihood_backward", lambda dll, mean, x,
         noise_variance: dll[:, None] * (x - mean) * noise_variance / 0.49),
    Case("numeric_derivative", lambda f, x: {1.0: np.e, 0.0: 1.0}.get(x, 5e-4), ("f was never called",)),
    Case("gradient_checker", Counting()),
    Case("score_function", lambda *a: 1.05 * np.array(score(*a)), ("biased",)),
    Case("tanh_backward", lambda dy, y: dy * (1 - np.clip(y, -0.99, 0.99) ** 2)),
    Case("relu_backward", lambda dy, y: dy * (y > 1e-2), ("near 0",)),
    Case("kl_divergence_backward", lambda dkl, mu, log_var: (
        dkl[:, None] * np.clip(mu, -4, 4), dkl[:, None] * 0.5 * np.expm1(log_var)), ("some numbers are large",)),
    Case("kl_divergence", lambda mu,
         log_var: 0.5 * (mu**2 + np.expm1(np.clip(log_var, -5, 5)) - np.clip(log_var, -5, 5)).sum(1)),
    Case("reparameterize", lambda mu, sigma, eps: np.clip(mu + sigma * eps, -10, 10)),
    Case("adam", lambda w, g, m, v, t, *settings: adam(w, g, m, v, min(t, 3), *settings), ("at step",)),
    Case("adam", lambda w, g, m, v, t, *settings: adam(w, g, m, v, min(t, 1000), *settings), ("at step",),
         ("half precision",)),
    Case("relu_backward", lambda dy, y: dy * (y > 1e-8), ("near 0",)),
    Case("softplus", lambda a: np.where(a > 20, a, np.log1p(np.exp(np.minimum(a, 20)))), ("at 12 to 36",)),
    Case("logistic", lambda a: 0.5 * (1 + np.tanh(0.5 * np.minimum(a, 15))), ("at 12 to 36",)),
    Case("relu_backward", lambda dy, y: dy * ((y > 0) & (y < 100)), ("very large",)),
    Case("kl_divergence_backward", lambda dkl, mu, log_var: (
        dkl[:, None] * mu, dkl[:, None] * 0.5 * np.expm1(np.clip(log_var, -20, 20))), ("very large",)),
    Case("dense_db", lambda dy: dy.sum(axis=0) * (np.nan if dy.dtype == np.float32 else 1), ("for float32",)),
    Case("elbo_backward", as_tuple, ("should return a dict",)),
    Case("dense_dW", lambda dy, x: x.T @ np.where(np.abs(dy) < 0.1, 0, dy)),
    Case("dense_db", lambda dy: dy.sum(axis=0) * (len(dy) > 1), ("batch of one",)),
]

FOR_THE_CHECK_ITSELF = [   # what once ended it
    Case("kl_divergence", lambda mu,
         log_var: function("solutions", "kl_divergence")(mu, log_var) * (1 + (mu.dtype == np.float32))),
    Case("reparameterize", lambda mu, sigma, eps: mu + sigma * eps * (1 + (mu.dtype == np.float32))),
    Case("kl_divergence", lambda mu, log_var: 10**400, ("many digits",)),
    Case("dense_dW", lambda dy, x: (x.T @ dy).reshape((1,) * 20 + (x.shape[1], dy.shape[1])), ("dW has shape",)),
    Case("numeric_derivative", lambda f, x: slope(f, x) * 2 + 0 * f(np.array([x, x]))[0], ("factor 2",)),
]



def stable(log_w, axis):
    return np.logaddexp.reduce(log_w, axis=axis) - np.log(log_w.shape[axis])


INFINITE = [   # log_mean_exp is -inf where every term is 0, and nothing else will do
    Case("log_mean_exp", lambda log_w, axis: np.maximum(stable(log_w, axis), -1e300), ("-1e+300", "should be -inf"),
         ("Mistake",)),
    Case("log_mean_exp", lambda log_w, axis: np.where(np.isinf(stable(log_w, axis)), np.inf, stable(log_w, axis)),
         ("inf at [1]", "should be -inf")),
    Case("log_mean_exp", lambda log_w, axis: np.where(np.isinf(log_w.min(axis)), -np.inf, stable(log_w, axis)),
         ("-inf at [0], where some logarithms are -inf",), ("should be -inf",)),
]


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_a_right_answer_is_accepted_with_a_remark_at_most(case):
    report = exercises.check(case.name, case.answer)
    assert report.verdict == "pass", report
    assert all(words in str(report) for words in case.has) and not any(words in str(report)
                                                                       for words in case.lacks), report


@pytest.mark.parametrize("case, seed", in_turn(WRONG + ALMOST + FOR_THE_CHECK_ITSELF + INFINITE, [0, 1]))
def test_a_wrong_answer_fails_and_is_told_what_is_true(case, seed):
    report = exercises.check(case.name, Counting() if isinstance(case.answer, Counting) else case.answer, seed=seed)
    assert report.verdict == "fail", report
    assert all(words in str(report) for words in case.has) and not any(words in str(report)
                                                                       for words in case.lacks), report
    said = [line.strip().removeprefix("Mistake: ") for line in str(report).splitlines()]
    assert len(set(said)) == len(said)   # nothing stands twice


@pytest.mark.parametrize("name, seed", in_turn(EXERCISES, [1, 2]))
def test_solutions_pass_whatever_the_seed(name, seed):
    report = exercises.check(name, function("solutions", name), seed=seed)
    assert report.verdict == "pass", report


@pytest.mark.parametrize("source, told", [("solutions", "right"), ("suspect", "passes the gradient check")])
def test_a_suspect_is_judged_in_few_calls(source, told):
    """A teacher grades hundreds of answers, and each call of a student's function crosses to another process."""
    calls, handed_in = [], suspect_1 if source == "suspect" else function(source, "find_the_bug_1")
    report = exercises.check("find_the_bug_1", lambda *arguments: calls.append(1) or handed_in(*arguments))
    assert told in str(report) and len(calls) < 150, (len(calls), report)


@pytest.mark.parametrize("name", "WbVc")
@pytest.mark.parametrize("answer", [suspect_1, function("solutions", "find_the_bug_1")])
def test_one_wrong_number_of_a_suspect_s_gradient_is_found(answer, name):
    def a_little_off(*arguments):
        values, gradients = answer(*arguments)
        gradients[name].flat[-1] *= 1.001
        return values, gradients

    report = exercises.check("find_the_bug_1", a_little_off)
    assert report.verdict == "fail" and "the gradient does not fit the loss that you return" in str(report)
    assert f"{name}[" in str(report)


def test_cases_come_from_the_seed():
    def seen(seed):
        shapes = []
        exercises.check("dense_dW", lambda dy, x: shapes.append((dy.shape, float(dy.sum()))) or x.T @ dy, seed=seed)
        return shapes
    assert seen(3) == seen(3) != seen(4)
    assert any(rows == columns for (rows, columns), _ in seen(0))


def test_out_of_time_is_no_fault():
    def slow(dy, x):
        time.sleep(0.02)
        return x.T @ dy

    report = judged(EXERCISES["dense_dW"], Local(slow, in_all=0.1))
    assert report.verdict == "out of time" and not report and report.stage is None and not report.faults
    assert "out of time" in str(report) and "0.1 seconds in all" in str(report)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer on this platform")
def test_a_bare_except_cannot_hold_up_a_check():
    def holds(dy, x):
        while True:
            try:
                while True:
                    pass
            except:   # noqa: E722
                pass

    began = time.perf_counter()
    report = judged(EXERCISES["dense_dW"], Local(holds, seconds=0.1))
    assert report.verdict == "out of time" and time.perf_counter() - began < 60
    with pytest.raises(OutOfTime, match="within 0.1 seconds"):
        Local(holds, seconds=0.1)(1, 2)


def test_a_check_that_breaks_says_so(monkeypatch):
    def breaks(*_):
        raise KeyError("something")

    broken = EXERCISES["dense_dW"].__class__(**{**vars(EXERCISES["dense_dW"]), "judge": breaks})
    monkeypatch.setitem(EXERCISES, "dense_dW", broken)
    report = exercises.check("dense_dW", lambda dy, x: x.T @ dy)
    assert report.verdict == "not judged" and not report and "KeyError: 'something'" in str(report)


def test_the_first_wrong_symbol_is_named():
    right = function("solutions", "elbo_backward")

    def answer(t, p, beta):
        d = {"z": 2 * np.ones_like(t["z"]), "mu": np.zeros_like(t["mu"])}
        return d, right(t, p, beta)

    report = exercises.check("elbo_backward", answer)
    assert report.verdict == "fail" and "z[" in str(report) and "mu[" not in str(report)


def test_what_has_passed_stays_passed():
    progress, name = ProgressMap(), "dense_dW"
    for answer in (lambda dy, x: None, lambda dy, x: x.T @ dy, lambda dy, x: x):
        progress.note(judged(EXERCISES[name], Local(answer)))
    assert f"✓ {name}" in progress.as_map()


def test_pages_do_not_break_words():
    assert "white-space: pre-wrap; word-break: normal" in exercises.check("dense_dW", lambda dy,
                                                                          x: x.T @ dy)._repr_html_()


def test_a_check_leaves_the_package_alone():
    from minivae import kernels

    before = kernels.dense_backward, kernels.PAIRS["dense"]
    seen = []

    def answer(dy, x):
        seen.append((kernels.dense_backward, kernels.PAIRS["dense"]) == before)
        return x.T @ dy / len(x)

    assert exercises.check("dense_dW", answer).mistake == "dW takes the mean over the batch"
    assert all(seen) and (kernels.dense_backward, kernels.PAIRS["dense"]) == before


def test_a_backward_is_called_once_in_a_case_beyond_the_first():
    calls = []
    assert exercises.check("dense_dW", lambda dy, x: calls.append((dy.tobytes(), x.tobytes())) or x.T @ dy)
    repeated = [call for call in set(calls) if calls.count(call) > 1]
    assert len(repeated) == 1 and calls.count(repeated[0]) == 4, "the first case alone is asked for again, as observed"


@pytest.mark.parametrize("answer, words", [
    (lambda dy, x: x.T @ np.ones_like(dy), "dW: the upstream gradient is ignored: the same comes for any"),
    (lambda dy, x: x.T @ np.clip(dy, -0.5, 0.5), "dW is not linear in the upstream gradient"),
    (lambda dy, x: x.T @ np.abs(dy), "dW is not linear in the upstream gradient"),
    (lambda dy, x: x.T @ np.sign(dy), "dW is not linear in the upstream gradient")])
def test_what_an_answer_does_with_the_upstream_gradient_is_said_as_it_is(answer, words):
    report = exercises.check("dense_dW", answer)
    assert report.stage == "behaviour" and words in str(report), report


def kept_by_shape(name):
    """A solution that keeps its answers, each under the shapes of the arguments alone."""
    answers = {}

    def shapes(one):
        return [shapes(part) for part in one.values()] if isinstance(one, dict) else np.shape(one)

    return lambda *given: answers.setdefault(str(list(map(shapes, given))), function("solutions", name)(*given))


@pytest.mark.parametrize("name", ["kl_divergence", "softplus", "adam", "log_mean_exp", "dense_dW", "fan_in",
                                  "elbo_backward", "find_the_bug_1", "find_the_bug_3", "score_function"])
def test_an_answer_that_is_kept_from_the_first_call_is_found(name):
    report = exercises.check(name, kept_by_shape(name))
    assert report.verdict == "fail" and report.stage == "behaviour", report


@pytest.mark.parametrize("name", ["dense_backward", "kl_divergence_backward", "fan_in"])
def test_an_exercise_without_an_answer_of_the_package_is_judged_by_differences(name, monkeypatch):
    monkeypatch.setitem(EXERCISES, name, dataclasses.replace(EXERCISES[name], answer="", calls=()))
    right = function("solutions", name)

    def last_doubled(*given):
        *others, last = right(*given)
        return *others, 2 * last

    assert exercises.check(name, right)
    report = exercises.check(name, last_doubled)
    assert report.verdict == "fail" and not report.mistake, report
    assert "by finite differences" in str(report) and "factor 2.000" in str(report)
