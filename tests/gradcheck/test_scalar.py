"""check_gradient: right gradients of any size pass, wrong ones are caught and named, what cannot be told is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.nets import MAKERS, logistic_regression, network
from gradcheck.vae_case import vae_case
from minivae.gradcheck import check_gradient
from strategies import a_part, in_turn

SEEDS = st.integers(0, 10**6)
SCALES = st.sampled_from([1e-6, 4e-5, 1.0, 1e3, 1e6])


@pytest.mark.parametrize("name", MAKERS)
@a_part(0.2)
@given(seed=SEEDS, scale=SCALES, dtype=st.sampled_from([np.float64, np.float32]))
def test_right_gradients_pass(name, seed, scale, dtype):
    f, grads, at = MAKERS[name](np.random.default_rng(seed), scale=scale, dtype=dtype)
    report = check_gradient(f, grads, at)
    assert report.verdict != "fail", str(report)
    assert report.verdict == "pass" or name.startswith("relu"), str(report)


@a_part(0.12)
@given(seed=SEEDS, activation=st.sampled_from(["relu", "tanh"]))
def test_the_verdict_does_not_depend_on_the_scale_of_the_loss(seed, activation):
    for factor in (1.0, 1.1):
        verdicts = set()
        for scale in (1e-6, 7.3, 1e6):
            f, grads, at = network(np.random.default_rng(seed), scale=scale, activation=activation)
            verdicts.add(check_gradient(f, {name: factor * g for name, g in grads.items()}, at).verdict)
        assert len(verdicts) == 1


@pytest.mark.parametrize("unit", [1e-9, 1e-6, 1e-3, 1e3, 1e6])
def test_the_verdict_does_not_depend_on_the_scale_of_the_parameters(unit):
    f, grads, at = logistic_regression(np.random.default_rng(0), unit=unit)
    assert check_gradient(f, grads, at).verdict == "pass"
    assert check_gradient(f, {name: 2 * g for name, g in grads.items()}, at).verdict == "fail"


@pytest.mark.parametrize("offset, verdict",
                         [(0, "pass"), (1e4, "pass"), (1e10, "pass"), (1e13, "inconclusive"), (1e16, "inconclusive")])
def test_a_large_constant_in_the_loss_is_honestly_said_to_hide_the_rest(offset, verdict):
    f, grads, at = logistic_regression(np.random.default_rng(0))
    report = check_gradient(lambda at: f(at) + offset, grads, at)
    assert report.verdict == verdict
    turned = check_gradient(lambda at: f(at) + offset, {name: -g for name, g in grads.items()}, at)
    assert turned.verdict != "pass"


@a_part(0.08)
@given(seed=SEEDS, activation=st.sampled_from(["relu", "tanh"]))
def test_a_function_in_float32_never_makes_a_right_gradient_wrong(seed, activation):
    f, grads, at = network(np.random.default_rng(seed), activation=activation, computed_in=np.float32, batch=8)
    assert check_gradient(f, grads, at).verdict != "fail"
    assert check_gradient(f, {name: -g for name, g in grads.items()}, at).verdict in ("fail", "inconclusive")


def test_float32_still_shows_a_gross_mistake():
    f, grads, at = network(np.random.default_rng(0), activation="tanh", computed_in=np.float32)
    report = check_gradient(f, {name: 2 * g for name, g in grads.items()}, at)
    assert report.verdict == "fail" and "factor 2" in report.diagnosis[0]


MISTAKES = {
    "sign": (lambda g: {k: -v for k, v in g.items()}, "every tensor: sign flipped"),
    "half": (lambda g: {k: v / 2 for k, v in g.items()}, "every tensor: factor 0.5000 = 1/2"),
    # 3 there
    "a third": (lambda g: {k: v / 3 for k, v in g.items()}, "every tensor: factor 0.3333 = 1/target.shape[1]"),
    "zero": (lambda g: {**g, "W1": 0 * g["W1"]}, "W1: all zero"),
    "transposed": (lambda g: {**g, "W1": g["W1"].T}, "W1: transposed"),
    "first row only": (lambda g: {**g, "W1": g["W1"] * (np.arange(len(g["W1"])) == 0)[:, None]},
                       "W1: right at index 0 of axis 0"),
    "one column lost": (lambda g: {**g, "W1": g["W1"] * (np.arange(len(g["W1"])) != 2)},
                        "W1: zero at index 2 of axis 1"),
    "reversed": (lambda g: {**g, "b1": g["b1"][::-1]}, "b1: reversed along axis 0"),
    "rolled": (lambda g: {**g, "W1": np.roll(g["W1"], 1, axis=0)}, "W1: shifted by 1 along axis 0"),
    "wrong axis": (lambda g: {**g, "b1": np.random.default_rng(0).permutation(g["b1"])},
                   "b1: the right numbers in the wrong order"),
    "swapped": (lambda g: {**g, "b0": g["b1"], "b1": g["b0"]}, "swapped"),
    "clipped": (lambda g: {k: np.clip(v, -0.05, 0.05) for k, v in g.items()}, "clipped at 0.05000"),
    "absolute": (lambda g: {k: abs(v) for k, v in g.items()}, "the sign is lost"),
    "halved precision": (lambda g: {k: v.astype(np.float16).astype(float) for k, v in g.items()}, "half precision"),
    "one number": (lambda g: {**g, "W1": g["W1"] * (1 + 0.001 * (np.arange(g["W1"].size) == 4).reshape(g["W1"].shape))},
                   "W1: wrong at ["),
    "spread mean": (lambda g: {**g, "W1": np.broadcast_to(g["W1"].mean(axis=0), g["W1"].shape)},
                    "the mean over axis 0"),
    "missing": (lambda g: {k: v for k, v in g.items() if k != "b0"}, "b0: the gradient is missing"),
    "surplus": (lambda g: {**g, "c": np.ones(2)}, "c: a gradient was given for it"),
    "not summed": (lambda g: {**g, "b1": np.outer(np.ones(3) / 3, g["b1"])}, "b1: the sum over axis 0 is missing"),
    "column": (lambda g: {**g, "b1": g["b1"][:, None]}, "another shape"),
    "nan": (lambda g: {**g, "b1": g["b1"] * np.nan}, "not finite"),
}


@pytest.mark.parametrize("name, scale", in_turn(MISTAKES, [1e-6, 1.0, 1e6]))
def test_mistakes_fail_and_are_named(name, scale):
    spoil, words = MISTAKES[name]
    f, grads, at = network(np.random.default_rng(4), scale=1.0, activation="tanh", depth=2, batch=7)
    spoiled = {key: scale * g for key, g in spoil(grads).items()}
    report = check_gradient(lambda at: scale * f(at), spoiled, at)
    assert report.verdict == "fail"
    assert any(words.replace("0.05000", f"{0.05 * scale:#.4g}") in sentence
               for sentence in report.diagnosis), report.diagnosis


def test_a_factor_is_traced_to_the_batch_that_the_function_closes_over():
    X, y = np.random.default_rng(0).standard_normal((9, 4)), np.arange(9.0)
    w = np.ones(4)

    def f(at):
        return ((X @ at["w"] - y) ** 2).mean()

    right = 2 * X.T @ (X @ w - y) / len(y)
    assert "factor 9.000 = B, B = 9" in check_gradient(f, {"w": 9 * right}, {"w": w}).diagnosis[0]
    assert "factor 0.1111 = 1/B" in check_gradient(f, {"w": right / 9}, {"w": w}).diagnosis[0]
    decayed = check_gradient(lambda at: f(at) + 0.0, {"w": right + 0.1 * w}, {"w": w}).diagnosis[0]
    assert "too much by 0.1000" in decayed


TERM_MISTAKES = {
    "no kl": ({"kl": 0.0}, "the KL term is missing"),
    "no reconstruction": ({"reconstruction": 0.0}, "the reconstruction term is missing"),
    "twice the kl": ({"kl": 2.0}, "in the KL term: factor 2.000 = 2"),
    "half the kl": ({"kl": 0.5}, "in the KL term: factor 0.5000 = 1/2"),
    "kl's sign": ({"kl": -1.0}, "in the KL term: sign flipped"),
    "kl averaged over the batch again": ({"kl": 0.2}, "factor 0.2000 = 1/B"),
    "kl averaged over latents": ({"kl": 1 / 3}, "factor 0.3333"),
}


@pytest.mark.parametrize("name, scale", in_turn(TERM_MISTAKES, [4e-5, 1.0, 1e6]))
def test_terms_name_the_mistake(name, scale):
    weights, words = TERM_MISTAKES[name]
    f, grads, at, terms = vae_case(1, scale)
    wrong = {key: g.copy() for key, g in grads.items()}
    parts = {term: _numeric(terms[term], at, ("encoder.1.W", "encoder.1.b")) for term in weights}
    for term, weight in weights.items():
        for key in parts[term]:
            wrong[key] += (weight - 1) * parts[term][key]
    report = check_gradient(f, wrong, at, terms, sizes={"B": 5})
    assert report.verdict == "fail"
    assert any(words in sentence and "encoder.1.W" in sentence for sentence in report.diagnosis), report.diagnosis


def _numeric(f, at, names):
    """Gradients by fourth-order differences, exact enough to build a wrong gradient from."""
    grads = {}
    for name in names:
        grads[name] = np.empty_like(at[name])
        for index in np.ndindex(at[name].shape):
            values = []
            for step in (-2e-3, -1e-3, 1e-3, 2e-3):
                moved = at[name].copy()
                moved[index] += step
                values.append(f({**at, name: moved}))
            grads[name][index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / 12e-3
    return grads


EDGES = {
    "zero against zero": (lambda x: 3.0, np.zeros(3), np.ones(3), "pass"),
    "a gradient where there is none": (lambda x: 3.0, np.ones(3), np.ones(3), "fail"),
    "all at a corner": (lambda x: np.abs(x).sum(), np.zeros(4), np.zeros(4), "pass"),
    "one at a corner": (lambda x: np.abs(x).sum(), np.array([0.0, 1, 1, -1]), np.array([0.0, 1, 2, -3]), "pass"),
    "at the end of the domain": (lambda x: np.sqrt(x).sum(), np.full(2, 1e9), np.zeros(2), "inconclusive"),
    "close to the end of it": (lambda x: np.log(x).sum(), np.array([1e9, 1, 1e-5]), np.array([1e-9, 1, 1e5]), "pass"),
    "a jump": (lambda x: np.floor(x).sum(), np.zeros(3), np.array([1.0, 2, 3]), "inconclusive"),
    "not finite": (lambda x: np.inf, np.zeros(3), np.ones(3), "inconclusive"),
    "an exception": (lambda x: 1 / 0, np.zeros(3), np.ones(3), "fail"),
    "no number at all": (lambda x: x.sum(), np.zeros((0, 3)), np.zeros((0, 3)), "inconclusive"),
    "whole numbers": (lambda x: (x**2).sum(), np.array([2, 4, 6]), np.array([1, 2, 3]), "pass"),
    "one number": (lambda x: x**3, 12.0, 2.0, "pass"),
    "tiny": (lambda x: 1e-300 * (x**2).sum(), 2e-300 * np.arange(3.0), np.arange(3.0), "pass"),
    "tiny and wrong": (lambda x: 1e-300 * (x**2).sum(), 3e-300 * np.arange(3.0), np.arange(3.0), "fail"),
    "huge": (lambda x: 1e300 * (x**2).sum(), 2e300 * np.arange(3.0), np.arange(3.0), "pass"),
    "one entry above all": (lambda x: x @ np.array([1e9, 1, 2]), np.array([1e9, 1, 2]), np.ones(3), "pass"),
    "small ones wrong beside it": (lambda x: x @ np.array([1e9, 1, 2]), np.array([1e9, -1, 2]), np.ones(3), "fail"),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    f, gradient, at, verdict = EDGES[name]
    report = check_gradient(f, gradient, at)
    assert report.verdict == verdict, str(report)
    assert isinstance(str(report), str) and report._repr_html_().startswith("<p")


@pytest.mark.parametrize("w", [[-281416.69, -281427.25], [-353093.73, -353093.65, -353091.0], [1e4, 9997.0, 9980.0]])
def test_a_bend_much_shorter_than_the_numbers_is_no_noise(w):
    def f(w):
        return w.max() + np.log(np.exp(w - w.max()).mean())

    w = np.array(w)
    share = np.exp(w - w.max()) / np.exp(w - w.max()).sum()
    assert check_gradient(f, share, w).verdict == "pass"
    assert check_gradient(f, share[::-1], w).verdict == "fail"


def test_a_function_that_draws_noise_or_writes_is_named():
    rng = np.random.default_rng(0)
    report = check_gradient(lambda x: x.sum() + rng.standard_normal(), np.ones(3), np.ones(3))
    assert report.verdict == "inconclusive" and "fresh noise" in str(report)

    def writes(x):
        x *= 2
        return x.sum()

    report = check_gradient(writes, np.full(3, 2.0), np.ones(3))
    assert report.verdict == "fail" and "f changes x in place" in report.diagnosis


@pytest.mark.parametrize("arguments, words", [
    ((lambda at: 0.0, [1], {"w": np.ones(2)}), "grads must be a dict with the names of at"),
    ((lambda at: 0.0, {}, {}), "at must be a dict of arrays"),
    ((lambda at: 0.0, {}, {"w": np.array(["a"])}), "must be an array of real numbers"),
    ((lambda at: 0.0, {}, {"w": np.array([np.nan])}), "must be finite"),
    ((lambda x: x, np.ones(3), np.ones(3)), "f must return one number"),
    ((lambda x: None, np.ones(3), np.ones(3)), "got None. Is there a return"),
    ((lambda x: 1j * x[0], np.ones(3), np.ones(3)), "got complex128. Return its real part"),
    ((lambda x: "1", np.ones(3), np.ones(3)), "got a string"),
    ((lambda x: object(), np.ones(3), np.ones(3)), "got type object"),
])
def test_errors_say_what_was_expected(arguments, words):
    with pytest.raises(ValueError, match=words):
        check_gradient(*arguments)


def test_two_students_with_correct_gradients_read_the_same():
    f, grads, at = network(np.random.default_rng(0), activation="tanh")
    other = {name: g * (1 + 3e-16) + 1e-17 for name, g in grads.items()}
    assert str(check_gradient(f, grads, at)) == str(check_gradient(f, other, at))


@pytest.mark.parametrize("wrong", [0.0, 2.0, -1.0])
def test_one_wrong_entry_among_thousands_of_a_float32_gradient(wrong):
    """A direction goes wrong by less than a float32 claim could excuse in a sum: then the number itself decides."""
    x = np.random.default_rng(0).standard_normal((70, 80)).astype(np.float32)
    claim = np.exp(x)
    assert check_gradient(lambda x: np.exp(x).sum(), claim, x).verdict == "pass"
    claim[13, 17] *= wrong
    report = check_gradient(lambda x: np.exp(x).sum(), claim, x)
    assert report.verdict == "fail" and "[13, 17]" in str(report)
