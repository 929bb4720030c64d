"""Where a function is not smooth, not exact, or not known: corners, ends of its domain, stairs, tolerances, symmetries.

Whatever is known of the slopes there decides: a claim outside them fails, one between them passes, and where nothing is
known nothing is claimed.
"""

import numpy as np
import pytest

from minivae.gradcheck import check_gradient, check_vjp

RELU, ABS = lambda x: np.maximum(x, 0).sum(), lambda x: np.abs(x).sum()   # noqa: E731
SORT, PAIR = lambda x: np.sort(x) @ np.arange(1.0, 5), lambda x: abs(x[0] - x[1]) + x[2] ** 2   # noqa: E731
NORM, CLIP = lambda x: np.sqrt((x**2).sum()), lambda x: np.clip(x, 0, 1).sum()   # noqa: E731
TIE = np.array([2.0, 2, 2, 1])

CORNERS = [
    *[(RELU, [claim, 1, 0], [0, 1, -1], verdict) for claim, verdict in
      ((0, "pass"), (1, "pass"), (0.5, "pass"), (7, "fail"), (-50, "fail"), (1e9, "fail"), (-0.1, "fail"))],
    *[(ABS, [claim], [0], verdict) for claim, verdict in ((0, "pass"), (-1, "pass"), (3, "fail"), (-1.5, "fail"))],
    (np.max, [0, 1, 0, 0], TIE, "pass"), (np.max, [1 / 3] * 3 + [0], TIE, "pass"), (np.max, [0, 2, 0, 0], TIE, "fail"),
    (np.max, [4, -3, 0], [2, 2, 1], "fail"), (np.max, [1, 1, 0], [2, 2, 1], "fail"),
    (np.min, [1, 0, 0], [1, 1, 3], "pass"), (np.min, [-1, 0, 0], [1, 1, 3], "fail"),
    (CLIP, [0, 1, 0], [1, 0.5, 2], "pass"), (CLIP, [1, 1, 0], [1, 0.5, 2], "pass"),
    (CLIP, [9, 1, 0], [1, 0.5, 2], "fail"),
    (lambda x: np.maximum(1 - x, 0).sum(), [0.5, -1, 0], [1, 0.5, 2], "fail"),
    (SORT, [2, 3, 1, 4], [1, 1, 0, 2], "pass"), (SORT, [7, 3, 1, 4], [1, 1, 0, 2], "fail"),
    (NORM, [0, 0, 0], [0, 0, 0], "pass"), (NORM, [2, 0, 0], [0, 0, 0], "fail"),
    (NORM, [1, 1, 1], [0, 0, 0], "inconclusive"),
    (PAIR, [0, 0, 2], [1, 1, 1], "pass"), (PAIR, [3, -3, 2], [1, 1, 1], "fail"),
    (np.median, [1, 0, 0, 0, 0], [1, 1, 1, 0, 2], "inconclusive"),
    (np.median, [0] * 5, [1, 1, 1, 0, 2], "inconclusive"),
]
LEAKY = lambda x: np.where(x > 0, x, 0.01 * x).sum()   # noqa: E731
CORNERS += [
    *[(LEAKY, [slope, 1, 0.01], [0, 1, -1], verdict) for slope, verdict in
      ((0, "fail"), (0.01, "pass"), (0.5, "pass"), (1, "pass"), (2, "fail"))],
    (LEAKY, [0], [0], "fail"), (LEAKY, [0, 0, 0], [0, 0, 0], "fail"),
    (lambda x: LEAKY(x @ np.array([1.0, -2, 3])), [0, 0, 0], [0, 0, 0], "fail"),   # one corner, which three share
    (lambda x: np.maximum(x @ np.array([[1.0, -1], [0.3, -2], [-1.2, 1.5]]), 0) @ np.array([1, -0.5]), [0, 0, 0],
     [0, 0, 0],
     "inconclusive"),   # two of them: zero is what the chain rule gives
]
SUM, HINGE = lambda x: abs(x[0] + x[1]), lambda x: max(2 * x[0] - x[1], 0.0)   # noqa: E731
# where several numbers leave a corner together there is one slope, whatever each may claim by itself
CORNERS += [(f, claim, at, verdict) for f, at, claims in [
    (np.max, [2, 2, 1], {"fail": [[0, 0, 0], [0.3, 0.3, 0]], "pass": [[1, 0, 0], [0.3, 0.7, 0]]}),
    (np.max, [2, 2, 2], {"fail": [[0, 0, 0], [0.5, 0.5, 0.5]], "pass": [[0, 1, 0], [0.2, 0.3, 0.5]]}),
    (np.min, [1, 1], {"fail": [[0, 0], [1, 1]], "pass": [[0.5, 0.5]]}),
    (np.ptp, [2, 2, 1], {"fail": [[0, 0, -1]], "pass": [[1, 0, -1]]}),
    (SUM, [1, -1], {"fail": [[1, -1], [1, 0]], "pass": [[0, 0], [1, 1], [-0.5, -0.5]]}),
    (HINGE, [1, 2], {"fail": [[2, 0], [0, -1]], "pass": [[0, 0], [2, -1], [1, -0.5]]}),
    (CLIP, [0, 1], {"fail": [[2, 0]], "pass": [[0, 0], [1, 1], [1, 0], [0, 1]]}),
    (np.median, [1, 1, 0, 2], {"fail": [[0, 0, 0, 0]], "pass": [[0.5, 0.5, 0, 0]]}),
    (SORT, [1, 1, 0, 2], {"fail": [[2, 2, 1, 4]], "pass": [[2.5, 2.5, 1, 4]]}),
] for verdict in claims for claim in claims[verdict]]
MIXED = lambda x: np.median(x[:5]) + (x[5:] ** 2).sum()   # noqa: E731
# what is apart from the tie is known
CORNERS += [(MIXED, [1, 0, 0, 0, 0, 2, wrong, 6], [1, 1, 1, 0, 2, 1, 2, 3], verdict)
            for wrong, verdict in ((4, "inconclusive"), (5, "fail"))]
CORNERS += [(RELU, claim, [0, 1, -1, 2], "fail") for claim in ([1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 0, 2])]
EDGES = [
    (lambda x: np.where(x[0] >= 1, x[0] ** 2, np.nan) + x[1], [2, 1], [1, 2], "pass"),
    (lambda x: np.where(x[0] >= 1, x[0] ** 2, np.nan) + x[1], [5, 1], [1, 2], "fail"),
    (lambda x: np.sqrt(x).sum(), [1e9, *(0.5 / np.sqrt(np.arange(1.0, 20)))], np.arange(20.0), "inconclusive"),
]


@pytest.mark.parametrize("f, claim, at, verdict", CORNERS + EDGES)
def test_corners_and_edges(f, claim, at, verdict):
    report = check_gradient(f, np.array(claim, float), np.array(at, float))
    assert report.verdict == verdict, str(report)


def test_a_root_at_zero_does_not_blur_its_neighbours():
    x = np.arange(20.0)
    report = check_gradient(lambda x: np.sqrt(x).sum(), np.r_[1e9, 0.5 / np.sqrt(x[1:])], x)
    assert np.all(report.tensors[0].states[1:] == "agree") and report.tensors[0].error[1:].max() < 1e-4


def test_pixels_that_are_exactly_zero():
    rng = np.random.default_rng(0)
    image = rng.standard_normal((4, 6)) * (rng.random((4, 6)) > 0.5)
    for slope, verdict in ((0, "pass"), (1, "pass"), (100, "fail"), (-0.01, "fail")):
        report = check_vjp(lambda x: np.maximum(x, 0), lambda dy, x: dy * np.where(x == 0, slope, x > 0), image)
        assert report.verdict == verdict, str(report)


def black_image_network(seed):
    """A relu layer with biases of zero, of which one example is all black: every unit lies at its corner there."""
    rng = np.random.default_rng(seed)
    x, W, v = rng.random((6, 4)), rng.standard_normal((4, 5)), rng.standard_normal((5, 1))
    x[0] = 0

    def f(at):
        y = np.maximum(x @ at["W"] + at["b"], 0) @ v
        return (y**2 + y).mean()

    h = np.maximum(x @ W, 0)
    da = (2 * h @ v + 1) / len(x) @ v.T * (h > 0)
    return f, {"W": x.T @ da, "b": da.sum(axis=0)}, {"W": W, "b": np.zeros(5)}


@pytest.mark.parametrize("seed", range(4))
def test_a_black_image(seed):
    f, grads, at = black_image_network(seed)
    assert check_gradient(f, grads, at).verdict == "pass"
    assert check_gradient(f, {**grads, "b": grads["b"] + 100}, at).verdict == "fail"


def coarse_network(seed, rounded):
    rng = np.random.default_rng(seed)
    x, W, b, y = (rng.standard_normal(shape) for shape in ((20, 3), (3, 2), (2,), (20, 2)))
    kind = rounded if isinstance(rounded, type) else np.float64

    def f(at):
        h = np.tanh(x.astype(kind) @ at["W"].astype(kind) + at["b"].astype(kind))
        loss = float(((h - y.astype(kind)) ** 2).mean())
        return loss if isinstance(rounded, type) else round(loss, rounded)

    h = np.tanh(x @ W + b)
    da = 2 * (h - y) / y.size * (1 - h**2)
    return f, {"W": x.T @ da, "b": da.sum(axis=0)}, {"W": W, "b": b}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rounded", [np.float32, np.float16, 4, 2])
def test_stairs_neither_fail_what_is_right_nor_pass_what_is_zero(seed, rounded):
    f, grads, at = coarse_network(seed, rounded)
    assert check_gradient(f, grads, at).verdict != "fail"
    for factor in (0, -1):
        assert check_gradient(f, {name: factor * g for name, g in grads.items()}, at).verdict != "pass"


def test_a_function_that_moves_in_stairs_is_said_to_be_too_coarse():
    f, grads, at = coarse_network(0, 2)
    assert "moves in stairs" in str(check_gradient(f, grads, at))
    f, grads, at = coarse_network(0, np.float32)
    assert "the digits of float32 alone" in str(check_gradient(f, grads, at))


def root(a, tolerance):
    """The root of x**3 + x = a by bisection."""
    low, high = 0.0, 10.0
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (middle, high) if middle**3 + middle < a else (low, middle)
    return (low + high) / 2


def descent(a, tolerance):
    """The minimum of (x - a0)**2 + x**4 / 10 + a1 x by gradient descent."""
    x = 0.0
    for _ in range(300):
        slope = 2 * (x - a[0]) + 0.4 * x**3 + a[1]
        x -= 0.1 * slope
        if abs(slope) < tolerance:
            break
    return x


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_a_root_found_to_a_tolerance(tolerance):
    a = np.array([1.3, 3.1, 4.2])
    slopes = 1 / (3 * np.array([root(t, 1e-15) for t in a]) ** 2 + 1)

    def f(a):
        return sum(root(t, tolerance) for t in a) + (a**2).sum()

    assert check_gradient(f, slopes + 2 * a, a).verdict != "fail"
    assert check_gradient(f, 2 * a, a).verdict != "pass"   # the root's own slope is missing


@pytest.mark.parametrize("tolerance", [1e-10, 1e-7, 1e-4])
def test_an_inner_optimiser(tolerance):
    a = np.array([0.8, -0.4])
    x = descent(a, 1e-15)
    gradient = 2 * x * np.array([2.0, -1.0]) / (2 + 1.2 * x**2)
    assert check_gradient(lambda a: descent(a, tolerance) ** 2, gradient, a).verdict != "fail"
    assert check_gradient(lambda a: descent(a, tolerance) ** 2, -gradient, a).verdict == "fail"


def adaptive(slope, y, end, tolerance):
    """The solution of y' = slope(y) at the end, by Bogacki and Shampine's pair, which chooses its steps."""
    t, h = 0.0, 0.05
    for _ in range(1000):
        if t == end:
            return y
        h = min(h, end - t)
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + 3 * h / 4 * k2)
        new = y + h / 9 * (2 * k1 + 3 * k2 + 4 * k3)
        error = abs(h / 72 * (-5 * k1 + 6 * k2 + 8 * k3 - 9 * slope(new)))
        if error <= tolerance:
            t, y = (end if t + h >= end else t + h), new
        h *= min(5.0, max(0.2, 0.9 * (tolerance / max(error, 1e-300)) ** (1 / 3)))
    raise ArithmeticError("too many steps")


@pytest.mark.parametrize("tolerance", [1e-6, 1e-5])
def test_an_adaptive_solver(tolerance):
    a = np.array([1.3, 0.6])   # y' = a0 y (1 - y), y(0) = a1
    growth = np.exp(2 * a[0])
    y = a[1] * growth / (1 - a[1] + a[1] * growth)
    gradient = np.array([2 * y * (1 - y), growth / (1 - a[1] + a[1] * growth) ** 2])

    def f(a):
        return adaptive(lambda y: a[0] * y * (1 - y), float(a[1]), 2.0, tolerance)

    report = check_gradient(f, gradient, a)
    assert report.verdict != "fail", str(report)
    assert "noise=" in str(report)
    assert check_gradient(f, gradient * np.array([2, 1]), a).verdict == "fail"


def power_method(a, tolerance):
    """The largest eigenvalue of diag(1, 2, 3) + a a^T / 5, by an iteration that stops at a tolerance."""
    matrix, v, before = np.diag([1.0, 2, 3]) + np.outer(a, a) / 5, np.ones(3), 0.0
    while True:
        v = matrix @ v
        value = np.linalg.norm(v)
        v /= value
        if abs(value - before) < tolerance:
            return value
        before = value


@pytest.mark.parametrize("tolerance", [1e-9, 1e-7, 1e-5])
def test_an_iteration_whose_jumps_are_far_apart(tolerance):
    a = np.random.default_rng(2).standard_normal(3)
    v = np.linalg.eigh(np.diag([1.0, 2, 3]) + np.outer(a, a) / 5)[1][:, -1]
    gradient = 2 / 5 * (a @ v) * v
    assert check_gradient(lambda a: power_method(a, tolerance), gradient, a).verdict != "fail"
    assert check_gradient(lambda a: power_method(a, tolerance), 1.1 * gradient, a).verdict == "fail"


def test_noise_may_be_stated():
    x = np.arange(1.0, 4)
    off = 2 * x + 1e-5
    assert check_gradient(lambda x: (x**2).sum(), off, x).verdict == "fail"
    assert check_gradient(lambda x: (x**2).sum(), off, x, noise=1e-5).verdict != "fail"
    assert check_gradient(lambda x: (x**2).sum(), 3 * x, x, noise=1e-5).verdict == "fail"
    with pytest.raises(ValueError, match="noise must be a number of at least 0"):
        check_gradient(lambda x: (x**2).sum(), off, x, noise=-1)


def test_noise_may_be_stated_of_a_forward():
    x = np.arange(1.0, 4)
    for factor, noise, failed in ((2, 0, False), (2 + 1e-5, 0, True), (2 + 1e-5, 1e-5, False), (3, 1e-5, True)):
        report = check_vjp(np.square, lambda dy, x: factor * dy * x, x, noise=noise)
        assert (report.verdict == "fail") == failed, str(report)
    with pytest.raises(ValueError, match="noise must be a number of at least 0"):
        check_vjp(np.square, lambda dy, x: 2 * dy * x, x, noise="1e-5")


def normalized(at):
    a = np.arange(24.0).reshape(8, 3) ** 1.3 % 7 + at["b"]
    return (np.cos(np.arange(24.0)).reshape(8, 3) * (a - a.mean(axis=0)) / a.std(axis=0)).sum() + (at["w"] ** 2).sum()


@pytest.mark.parametrize("size, verdict", [(0, "pass"), (1e-16, "pass"), (1e-3, "fail")])
def test_a_gradient_that_is_zero_by_symmetry(size, verdict):
    at = {"b": np.array([0.3, -1.0, 2.0]), "w": np.ones(2)}
    claims = {"b": size * np.array([1.0, -2, 3]), "w": 2 * np.ones(2)}
    assert check_gradient(normalized, claims, at).verdict == verdict
    report = check_gradient(lambda b: normalized({"b": b, "w": np.zeros(1)}), claims["b"], at["b"])
    assert report.verdict == verdict


def shifted(c, dtype):
    """A cross-entropy whose logits are shifted all by c, and its gradient, computed in a dtype."""
    logits, target = np.array([0.3, -1.2, 0.8, 0.1]), 2

    def f(at):
        shifted = at["logits"] + at["c"]
        return np.log(np.exp(shifted - shifted.max()).sum()) + shifted.max() - shifted[target]

    at = {"logits": logits.astype(dtype), "c": np.asarray(c, dtype)}
    shifted = at["logits"] + at["c"]
    share = np.exp(shifted - shifted.max())
    d = share / share.sum() - (np.arange(4) == target).astype(dtype)
    return f, {"logits": d, "c": d.sum()}, at


@pytest.mark.parametrize("c, dtype", [(0.7, np.float64), (-0.7, np.float32), (300.0, np.float64), (-2345.0, np.float64),
                                      (1.1e5, np.float64), (3.3e6, np.float64), (1e3, np.float32)])
def test_the_shift_of_a_softmax(c, dtype):
    f, grads, at = shifted(c, dtype)
    for claim in (grads["c"], np.zeros((), dtype)):
        assert check_gradient(f, {**grads, "c": claim}, at).verdict == "pass"
    assert check_gradient(f, {**grads, "c": grads["c"] + dtype(1e-3)}, at).verdict == "fail"
    assert check_gradient(lambda at: f(at) + 1e-9 * at["c"] ** 3 / c**2, grads, at).verdict == "fail"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(3))
def test_the_bias_of_the_keys_of_attention(seed, dtype):
    rng = np.random.default_rng(seed)
    x, weight = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    at = {"W": rng.standard_normal((3, 3)).astype(dtype), "b": rng.standard_normal(3).astype(dtype)}

    def f(at, grads=False):
        rows, out = x.astype(at["W"].dtype), weight.astype(at["W"].dtype)
        keys = rows @ at["W"] + at["b"]
        share = np.exp(rows @ keys.T)
        share /= share.sum(axis=1, keepdims=True)
        d_share = out @ rows.T
        d_keys = (share * (d_share - (share * d_share).sum(axis=1, keepdims=True))).T @ rows
        return {"W": rows.T @ d_keys, "b": d_keys.sum(axis=0)} if grads else (share @ rows * out).sum()

    grads = f(at, grads=True)
    assert np.abs(grads["b"]).max() < 1e-6
    assert check_gradient(f, grads, at).verdict == "pass"
    assert check_gradient(f, {**grads, "b": grads["b"] + dtype(1e-3)}, at).verdict == "fail"


class Tensor:
    """What another library hands over."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


class Odd:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("nothing here")


@pytest.mark.parametrize("forward, backward, words", [
    (lambda x: x**2, lambda dy, x: Tensor(), "requires grad"), (lambda x: x**2, lambda dy, x: Odd(), "KeyError"),
    (lambda x: x * 1j, lambda dy, x: dy, "real numbers"), (lambda x: Tensor(), lambda dy, x: dy, "one array"),
    (lambda x: x**2, lambda dy, x: "text", "real numbers"),
    (lambda x: x**2, lambda dy, x: np.array([None, {}, 3], object), "real numbers"),
])
def test_foreign_objects_are_reported(forward, backward, words):
    report = check_vjp(forward, backward, np.ones(3))
    assert report.verdict == "fail" and words in " ".join(report.diagnosis)


def test_half_precision_is_reported():
    a = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float16)
    assert check_vjp(np.tanh, lambda dy, a: dy * (1 - np.tanh(a)), a).verdict == "fail"
    assert check_vjp(np.square, lambda dy, a: dy * a, a).verdict == "fail"


@pytest.mark.parametrize("at, words", [
    ([np.ones((2, 3)), np.ones(3)], "a dict"), ({"x": Tensor()}, "detach"), (Tensor(), "detach"),
])
def test_points_that_are_no_arrays(at, words):
    with pytest.raises(ValueError, match=words):
        check_gradient(lambda at: 0.0, at if isinstance(at, dict) else np.ones(3), at)


def many(tensors, size):
    rng = np.random.default_rng(0)
    at = {f"t{k}": rng.standard_normal(size) for k in range(tensors)}
    calls = []

    def f(at):
        calls.append(1)
        return sum((np.sin(x) ** 2).sum() for x in at.values())

    return f, {name: np.sin(2 * x) for name, x in at.items()}, at, calls


@pytest.mark.parametrize("tensors, size", [(1, 200), (3, 333), (1, 5000), (40, 50)])
def test_large_gradients_cost_few_evaluations(tensors, size):
    f, grads, at, calls = many(tensors, size)
    assert check_gradient(f, grads, at).verdict == "pass" and len(calls) <= 500
    last = f"t{tensors - 1}"
    wrong = {**grads, last: grads[last].copy()}
    wrong[last][5] += 1e-3 * np.abs(grads[last]).max()
    report = check_gradient(f, wrong, at)
    assert report.verdict == "fail" and report.worst.tensor == last and report.worst.index == (5,)


def test_a_small_tensor_beside_large_ones_is_heard():
    f, grads, at, _ = many(4, 500)
    at, grads = {**at, "small": np.ones(4)}, {**grads, "small": 2e-9 * np.ones(4)}
    assert check_gradient(lambda at: f({k: x for k, x in at.items() if k != "small"}) + 1e-9 * (at["small"] ** 2).sum(),
                          {**grads, "small": -grads["small"]}, at).verdict == "fail"


@pytest.mark.parametrize("used", [[500], [17, 300, 301]])
def test_a_table_of_which_few_rows_are_used(used):
    """Nearly all numbers of its gradient are zero, as a sample of them is; a direction shows those that are not."""
    table = np.random.default_rng(0).standard_normal((1000, 2))
    right = np.zeros_like(table)
    right[used] = np.cos(table[used])
    for factor, verdict in ((1, "pass"), (0, "fail"), (0.5, "fail")):
        report = check_gradient(lambda table: np.sin(table[used]).sum(), factor * right, table)
        assert report.verdict == verdict, str(report)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1e-20, 1e-10])
def test_numbers_that_are_tiny_beside_those_they_are_added_to(size, kind):
    """By their own size they move nothing but rounding; a step of unit length tells a wrong slope from no slope."""
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((6, 5)), size * rng.standard_normal(5)
    right = A.T @ (1 - np.tanh(A @ (x + 0.3)) ** 2)

    def f(x):
        return float(np.tanh(A.astype(kind) @ (x + 0.3).astype(kind)).sum())

    assert check_gradient(f, right, x).verdict == ("pass" if kind is np.float64 else "inconclusive")
    for factor in (1.1, 0, -1):
        assert check_gradient(f, factor * right, x).verdict == "fail"
