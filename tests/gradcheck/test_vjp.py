"""check_vjp: kernels and peers' functions pass; wrong derivatives and bad behaviour are caught and named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.behaviours import behaviours
from minivae.gradcheck import check_vjp
from minivae.kernels import PAIRS
from gradcheck.peers import PEERS
from strategies import LAYOUTS, SCALES, SEEDS, a_part, arrays, sizes_of

LETTERS = "BDHIKOS"
WRONG = [(name, mistake) for name, peer in PEERS.items() for mistake in peer.wrong]


@pytest.mark.parametrize("name", PAIRS)
@a_part(0.4)
@given(sizes=sizes_of(LETTERS), scale=SCALES, seed=SEEDS, layout=LAYOUTS)
def test_kernel_pairs_pass(name, sizes, scale, seed, layout):
    pair = PAIRS[name]
    report = check_vjp(pair.forward, pair.backward, *arrays(pair.shapes.values(), sizes, scale, seed, layout))
    assert report.verdict == "pass", str(report)


@pytest.mark.parametrize("name", PEERS)
def test_peers_functions_pass(name):
    peer = PEERS[name]
    for seed in range(6):
        report = check_vjp(peer.forward, peer.backward, *peer.make(np.random.default_rng(seed)))
        assert report.verdict == "pass", str(report)


@pytest.mark.parametrize("name, mistake", WRONG)
def test_peers_mistakes_fail_and_are_named(name, mistake):
    peer = PEERS[name]
    backward, words = peer.wrong[mistake]
    for seed in range(2):
        report = check_vjp(peer.forward, backward, *peer.make(np.random.default_rng(seed)))
        assert report.verdict == "fail", str(report)
        assert not words or any(words in sentence for sentence in report.diagnosis), report.diagnosis


@pytest.mark.parametrize("name", behaviours())
def test_behaviour_is_caught_and_named(name):
    forward, backward, words = behaviours()[name]
    report = check_vjp(forward, backward, np.random.default_rng(0).standard_normal((4, 3)))
    assert report.verdict == "fail", str(report)
    assert words in report.diagnosis[0] or words in " ".join(report.diagnosis), report.diagnosis


def test_a_gradient_left_off_is_noted_and_one_that_is_asked_for_is_a_fault():
    pair = PAIRS["dense"]
    args = arrays(pair.shapes.values(), dict(B=3, I=4, O=2), 1.0, 0)
    left_off = lambda dy, x, W, b: pair.backward(dy, x, W, b)[:2]   # noqa: E731
    report = check_vjp(pair.forward, left_off, *args)
    assert report.verdict == "pass" and report.notes == ["not differentiated: b"]
    report = check_vjp(pair.forward, left_off, *args, wrt=[0, 1, 2])
    assert report.verdict == "fail" and report.diagnosis == ["b: the gradient is missing"]
    report = check_vjp(pair.forward, lambda *a: (None, *pair.backward(*a)[1:]), *args)
    assert report.verdict == "pass" and report.notes == ["not differentiated: x"]


def test_integers_and_options_are_passed_on():
    def pick(table, rows, axis):
        return np.take(table, rows, axis=axis)

    def pick_backward(dy, table, rows, axis):
        dtable = np.zeros_like(table)
        np.add.at(dtable, rows, dy)
        return dtable

    args = np.random.default_rng(0).standard_normal((5, 3)), np.array([1, 1, 4]), 0
    assert check_vjp(pick, pick_backward, *args).verdict == "pass"
    report = check_vjp(pick, lambda *a: (pick_backward(*a), np.ones(3)), *args)
    assert report.verdict == "fail" and "rows" in report.diagnosis[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_either_precision_passes_and_a_mistake_fails_in_both(dtype):
    a = np.random.default_rng(0).standard_normal((4, 3)).astype(dtype)
    assert check_vjp(np.tanh, lambda dy, a: dy * (1 - np.tanh(a) ** 2), a).verdict == "pass"
    assert check_vjp(np.tanh, lambda dy, a: dy * (1 - np.tanh(a)), a).verdict == "fail"
    report = check_vjp(np.tanh, lambda dy, a: 2 * dy * (1 - np.tanh(a) ** 2), a)
    assert "factor 2.000 = 2" in report.diagnosis[0]
    report = check_vjp(np.tanh, lambda dy, a: dy * (1 - np.tanh(a)), a)
    assert "multiplied by 1 - the forward's output" in report.diagnosis[0]


def test_what_float32_cannot_hold_is_judged_in_float64():
    def spread(x):
        return ((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=1) ** 0.5

    def spread_backward(d, x, factor=1.0):
        return factor * d[:, None] * (x - x.mean(axis=1, keepdims=True)) / (x.shape[1] * spread(x)[:, None])

    x = (np.random.default_rng(0).standard_normal((4, 6)) + 1000).astype(np.float32)
    report = check_vjp(spread, spread_backward, x)
    assert report.verdict == "pass" and "in float64" in report.notes[0]
    assert check_vjp(spread, lambda d, x: spread_backward(d, x, 1.01), x).verdict == "fail"

    def shifted(x, mean):   # mean is not differentiated, and must stay float32
        if mean.dtype != np.float32:
            raise TypeError("float32 is expected")
        return spread(x + mean)

    report = check_vjp(shifted, lambda d, x, mean: spread_backward(d, x + np.asarray(mean)), x, np.float32([[1.0]]))
    assert report.verdict != "pass" and "raised" not in str(report)


def test_a_function_that_wants_a_list_or_a_number():
    assert check_vjp(lambda x: x**3, lambda dy, x: dy * 3 * x**2, 1.7).verdict == "pass"
    assert check_vjp(lambda x: x**3, lambda dy, x: [dy * 3 * x**2], [1.0, 2.0]).verdict == "pass"
    assert check_vjp(lambda x: x.sum(), lambda dy, x: dy * np.ones_like(x), np.ones((2, 3))).verdict == "pass"


def test_a_unit_exactly_at_zero_is_no_bug():
    a = np.array([[0.0, 1.0, -1.0, 2.0, -0.5], [0.3, -2.0, 1.5, 0.7, -1.0]])
    report = check_vjp(lambda a: np.maximum(a, 0), lambda dy, a: dy * (a > 0), a)
    assert report.verdict == "pass" and report.covered == 10
    report = check_vjp(lambda a: np.maximum(a, 0), lambda dy, a: dy * np.where(a == 0, 7, a > 0), a)
    assert report.verdict == "fail" and report.worst.index == (0, 0)
    report = check_vjp(lambda a: np.maximum(a, 0), lambda dy, a: dy * (a > 0), np.zeros((2, 3)))
    assert report.verdict == "pass" and "6 of 6 numbers lie at a corner" in str(report)


def test_one_wrong_number_in_a_large_tensor_is_found():
    W = np.random.default_rng(0).standard_normal((200, 100))

    def backward(dy, W):
        dW = 2 * W * dy
        dW[123, 45] *= 1.01
        return dW

    report = check_vjp(lambda W: W**2, backward, W)
    assert report.verdict == "fail" and report.worst.index == (123, 45)


def test_an_argument_that_cannot_be_differentiated_is_an_error():
    with pytest.raises(ValueError, match="args must hold an array of floats"):
        check_vjp(np.tanh, np.tanh, 3)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_the_same_input_gives_the_same_report(seed):
    a = np.random.default_rng(seed).standard_normal((3, 2))
    one, two = (str(check_vjp(np.tanh, lambda dy, a: dy * (1 - np.tanh(a) ** 2), a)) for _ in range(2))
    three = str(check_vjp(np.tanh, lambda dy, a: dy / np.cosh(a) ** 2, a))   # another correct form
    assert one == two == three
