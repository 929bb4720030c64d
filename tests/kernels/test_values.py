"""The value of each kernel: against its plain form, against what it must mean, and at the extremes."""

import inspect
import itertools
import math

import checks
import numpy as np
import pytest
from hypothesis import given
from finite_differences import relative_error
from strategies import LAYOUTS, SEEDS, arrays, sizes_of

from minivae import kernels
from minivae.kernels import PAIRS, plain


@pytest.mark.parametrize("name", PAIRS)
@given(sizes=sizes_of("BIOHKDS"), seed=SEEDS, layout=LAYOUTS)
def test_the_plain_expression(name, sizes, seed, layout):
    arguments = arrays(PAIRS[name].shapes.values(), sizes, 1.0, seed, layout)
    arguments += [3] if name == "repeat" else []
    expected = getattr(plain, name)(*arguments)
    assert relative_error(getattr(kernels, name)(*arguments), expected, 1 + np.abs(expected).max()) < 1e-12


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


@pytest.mark.parametrize("name", [name for name in vars(plain) if name.endswith("_backward")])
@given(sizes=sizes_of("BIOHKDS"), seed=SEEDS)
def test_the_plain_backward(name, sizes, seed):
    rng = np.random.default_rng(seed)
    pair = PAIRS[name.removesuffix("_backward")]
    arguments = arrays(pair.shapes.values(), sizes, 1.0, seed)
    dy = rng.standard_normal(pair.forward(*arguments).shape)
    known = {"tanh_backward": [np.tanh(arguments[0])], "relu_backward": [np.maximum(arguments[0], 0)],
             "standard_deviation_backward": [np.exp(arguments[0] / 2)], "reparameterize_backward": arguments[-1:],
             "dense_backward": arguments[:2], "repeat_backward": [3]}.get(name, arguments)
    written, meant = getattr(kernels, name)(dy, *known), getattr(plain, name)(dy, *known)
    for one, two in zip(as_tuple(written), as_tuple(meant)):
        assert relative_error(one, two, 1 + np.abs(two).max()) < 1e-12


def test_every_kernel_has_its_plain_form_with_the_same_arguments():
    kernel_names = [name for name, kernel in vars(kernels).items() if inspect.isfunction(kernel)]
    assert set(kernel_names) == {name for name, function in vars(plain).items() if inspect.isfunction(function)}
    for name in kernel_names:
        tuned = [argument for argument in inspect.signature(getattr(kernels, name)).parameters
                 if argument not in ("out", "needs_dx", "needs_dW")]
        assert list(inspect.signature(getattr(plain, name)).parameters) == tuned, name


@pytest.mark.parametrize("check", checks.MEANING_CHECKS, ids=lambda check: check.__name__)
def test_meaning(check):
    check()


@given(sizes=sizes_of("BK"), seed=SEEDS)
def test_kl_is_never_negative(sizes, seed):
    for scale in (1e-6, 1.0, 5.0):
        mu, log_var = arrays(["BK", "BK"], sizes, scale, seed)
        assert np.all(kernels.kl_divergence(mu, log_var) > -1e-15)


def test_kl_is_zero_at_the_prior_only():
    assert kernels.kl_divergence(np.zeros((1, 3)), np.zeros((1, 3)))[0] == 0
    for small in (1e-3, 1e-6):
        nudge = np.array([[small]])
        assert math.isclose(kernels.kl_divergence(nudge, 0 * nudge)[0], small**2 / 2, rel_tol=1e-9)
        assert math.isclose(kernels.kl_divergence(0 * nudge, nudge)[0], small**2 / 4 * (1 + small / 3), rel_tol=1e-6)
        _, slope = kernels.kl_divergence_backward(np.ones(1), nudge, nudge)  # the pull towards the prior, however near
        assert math.isclose(slope[0, 0], small / 2 + small**2 / 4 + small**3 / 12 + small**4 / 48, rel_tol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("log_var", [-80.0, 80.0])
def test_log_var_at_80_stays_finite(dtype, log_var):
    log_var = np.full((1, 1), log_var, dtype)
    sigma = kernels.standard_deviation(log_var)
    assert np.isfinite(sigma).all() and (sigma > 0).all()
    np.testing.assert_allclose(sigma, math.exp(float(log_var[0, 0]) / 2), rtol=1e-5)
    kl = kernels.kl_divergence(0 * log_var, log_var)
    np.testing.assert_allclose(kl, (math.exp(float(log_var[0, 0])) - 1 - float(log_var[0, 0])) / 2, rtol=1e-5)
    one = np.ones(1, dtype)
    assert all(np.isfinite(gradient).all() for gradient in kernels.kl_divergence_backward(one, log_var, log_var))


@pytest.mark.parametrize("dtype, above, below", [(np.float32, 89, 88), (np.float64, 710, 709)])
def test_kl_overflows_where_it_says(dtype, above, below):
    def kl(log_var):
        return kernels.kl_divergence(np.zeros((1, 1), dtype), np.full((1, 1), log_var, dtype))

    with np.errstate(over="ignore"):
        assert np.isfinite(kl(below)).all() and np.isinf(kl(above)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("logit", [1e-3, 1.0, 20.0, 80.0, 1e3, 1e4])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_bernoulli_is_finite_and_exact_at_large_logits(dtype, logit, sign, pixel):
    a = sign * logit
    agrees = (a > 0) == (pixel == 1)  # log p = -log1p(exp(-|a|)), and -|a| more where the pixel disagrees
    expected = -math.log1p(math.exp(-logit)) - (0 if agrees else logit)
    logits, x = np.full((1, 1), a, dtype), np.full((1, 1), pixel, dtype)
    value = kernels.bernoulli_log_likelihood(logits, x)[0]
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=np.finfo(dtype).tiny)
    slope = kernels.bernoulli_log_likelihood_backward(np.ones(1, dtype), logits, x)[0, 0]
    exact = pixel - (1 / (1 + math.exp(-a)) if a > -700 else 0.0)
    np.testing.assert_allclose(slope, exact, atol=2 * np.finfo(dtype).eps)


def test_logistic_is_what_the_docstring_says():
    a = np.linspace(-40, 40, 1001, dtype=np.float32)[None]
    exact = 1 / (1 + np.exp(-a.astype(np.float64)))
    p = kernels.logistic(a)
    assert np.all((p >= 0) & (p <= 1))
    assert np.abs(p - exact).max() < 1e-7
    assert kernels.logistic(np.full((1, 1), -20, np.float32))[0, 0] == 0


@pytest.mark.parametrize("name", ["dense", "tanh", "relu", "logistic"])
def test_forward_out_is_the_pure_result(name):
    rng = np.random.default_rng(0)
    arguments = arrays(PAIRS[name].shapes.values(), dict(zip("BIOH", (3, 4, 5, 6))), 1, 0) if name in PAIRS else [
        rng.standard_normal((3, 4))]
    kernel = getattr(kernels, name)
    pure = kernel(*arguments)
    out = np.full_like(pure, np.nan)
    assert kernel(*arguments, out=out) is out
    np.testing.assert_array_equal(out, pure)
    with pytest.raises(ValueError, match="out must have shape"):
        kernel(*arguments, out=np.empty((3, 99)))


@pytest.mark.parametrize("name", ["tanh", "relu", "bernoulli_log_likelihood", "gaussian_log_likelihood",
                                  "learned_variance_log_likelihood"])
def test_backward_out_is_the_pure_result(name):
    sizes = dict(zip("BHD", (3, 6, 7)))
    arguments = arrays(PAIRS[name].shapes.values(), sizes, 1, 0)
    y = PAIRS[name].forward(*arguments)
    known = [y] if name in ("tanh", "relu") else arguments
    backward = getattr(kernels, name + "_backward")
    dy = np.random.default_rng(1).standard_normal(y.shape)
    pure, *others = as_tuple(backward(dy, *known))
    out = np.full_like(pure, np.nan)
    written, *again = as_tuple(backward(dy, *known, out=out))
    assert written is out
    np.testing.assert_array_equal(out, pure)
    np.testing.assert_array_equal(again, others)
    with pytest.raises(ValueError, match="out must have shape"):
        backward(dy, *known, out=np.empty((3, 99)))


def test_dense_backward_out_and_needs_dx():
    dy, x, W = arrays(["BO", "BI", "IO"], dict(zip("BIO", (3, 4, 5))), 1, 0)
    pure = kernels.dense_backward(dy, x, W)
    out = tuple(np.full_like(gradient, np.nan) for gradient in pure)
    for written, place, expected in zip(kernels.dense_backward(dy, x, W, out=out), out, pure):
        assert written is place
        np.testing.assert_array_equal(written, expected)
    dx, dW, db = kernels.dense_backward(dy, x, W, needs_dx=False)
    assert dx is None
    np.testing.assert_array_equal(dW, pure[1])
    with pytest.raises(ValueError, match=r"out_dW must have shape \(I, O\) with I = 4, O = 5; got \(5, 4\)"):
        kernels.dense_backward(dy, x, W, out=(None, np.empty((5, 4)), None))


def test_messages_name_the_argument_and_the_sizes():
    x, W = np.ones((2, 3)), np.ones((4, 5))
    with pytest.raises(ValueError, match=r"W must have shape \(I, O\) with I = 3; got \(4, 5\)"):
        kernels.dense(x, W, np.ones(5))
    with pytest.raises(ValueError, match=r"b must have shape \(O,\) with O = 5; got \(1, 5\)"):
        kernels.dense(x, np.ones((3, 5)), np.ones((1, 5)))
    with pytest.raises(ValueError, match="x must be a NumPy array of floats; got dtype int64"):
        kernels.dense(np.ones((2, 3), np.int64), np.ones((3, 5)), np.ones(5))


def test_log_mean_exp_of_weights_that_no_float_holds():
    for far in (-1e4, 0.0, 1e4):
        log_weight = far + np.array([[0.0, np.log(3.0)], [-700.0, 700.0]])
        np.testing.assert_allclose(kernels.log_mean_exp(log_weight) - far, [np.log(2), 700 - np.log(2)], rtol=1e-12)
        share = kernels.log_mean_exp_backward(np.ones(2), log_weight)
        np.testing.assert_allclose(share, [[0.25, 0.75], [0, 1]], atol=1e-12)


@given(sizes=sizes_of("BS"), seed=SEEDS)
def test_log_mean_exp_is_at_least_the_mean_and_at_most_the_maximum(sizes, seed):
    (log_weight,) = arrays(["BS"], sizes, 3.0, seed)
    value = kernels.log_mean_exp(log_weight)
    assert np.all(value >= kernels.mean_over_samples(log_weight) - 1e-14)  # Jensen
    assert np.all(value <= log_weight.max(axis=1) + 1e-14)
    np.testing.assert_allclose(kernels.log_mean_exp(log_weight[:, :1]), log_weight[:, 0], rtol=1e-15)


def test_repeat_keeps_an_example_and_its_samples_together():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(kernels.repeat(a, 2), [[1, 2], [1, 2], [3, 4], [3, 4]])
    np.testing.assert_array_equal(kernels.repeat(a, 2).reshape(2, 2, 2)[1], [[3, 4], [3, 4]])


WIDE = np.finfo(np.longdouble).max > np.finfo(np.float64).max
ENDS = {np.float32: (88.0, 89.0, 180.0, 400.0, 3e4, 1e19, 1e37),
        np.float64: (709.0, 710.0, 1430.0, 3e3, 3e4, 1e153, 1e307)}
TINY = {np.float32: (1e-44, 1e-37, 1e-20), np.float64: (5e-324, 1e-307, 1e-160)}


@pytest.mark.skipif(not WIDE, reason="no float has a wider range than float64 here")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [name for name in PAIRS if name not in ("dense", "repeat", "log_mean_exp")])
def test_at_the_ends_of_the_range_the_number_or_its_limit(name, dtype):
    """Where the plain form in a wider float is in range, the kernel agrees; out of range it gives infinity or 0."""
    values = [0.0, 1.0, *TINY[dtype], *ENDS[dtype]]
    values = np.array([sign * value for value in values for sign in (1, -1)], dtype)
    letters = list(PAIRS[name].shapes.items())
    grids = np.meshgrid(*[[0.0, 0.5, 1.0] if key == "x" and name.startswith("bernoulli") else
                          np.abs(values[:-2]) if key == "noise" else values for key, _ in letters], indexing="ij")
    columns = [grid.reshape(-1, 1).astype(dtype) for grid in grids]
    if "log_var" in dict(letters) and dict(letters)["log_var"] == "":  # one number for all
        place = list(dict(letters)).index("log_var")
        for log_var in values:
            rows = columns[place][:, 0] == log_var
            compare(name, [column[rows] if i != place else np.array(log_var) for i, column in enumerate(columns)])
    else:
        compare(name, columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_mean_exp_at_the_ends_of_the_range(dtype):
    values = [sign * value for value in (0.0, *TINY[dtype], *ENDS[dtype]) for sign in (1, -1)]
    log_weight = np.array(list(itertools.product(values, repeat=2)), dtype)
    a, b = log_weight.astype(np.longdouble).T
    with np.errstate(all="ignore"):
        got, share = kernels.log_mean_exp(log_weight), kernels.log_mean_exp_backward(np.ones(len(a), dtype), log_weight)
        np.testing.assert_allclose(got, np.logaddexp(a, b) - np.log(2), rtol=8 * np.finfo(dtype).eps,
                                   atol=8 * np.finfo(dtype).eps)
        np.testing.assert_allclose(share[:, 0], 1 / (1 + np.exp(b - a)), rtol=1e3 * np.finfo(dtype).eps, atol=1e-30)


@pytest.mark.skipif(not WIDE, reason="no float has a wider range than float64 here")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("noise_variance", [1e-300, 1e-80, 1e-50, 1e-40, 1e-30, 1e30, 1e40, 1e80, 1e300])
def test_a_noise_variance_beyond_the_range_of_the_dtype(noise_variance, dtype):
    values = np.array([0.0, 1.0, 1e-40, 1e-20, -1e-10, 1e10, -1e18], dtype)
    compare("gaussian_log_likelihood", [grid.reshape(-1, 1) for grid in np.meshgrid(values, values)], noise_variance)


def compare(name, arguments, *more):
    """Compare a kernel and its backward, for upstream gradients of 1, with the plain form in longdouble."""
    dtype, wide = arguments[0].dtype, [argument.astype(np.longdouble) for argument in arguments]
    more_wide = [np.longdouble(number) for number in more]
    with np.errstate(all="ignore"):
        y, expected = getattr(kernels, name)(*arguments, *more), getattr(plain, name)(*wide, *more_wide)
        if name.startswith("bernoulli"):  # the plain form overflows at 11356 even here
            a, x = wide
            expected = (x * a - np.maximum(a, 0) - np.log1p(np.exp(-np.abs(a))))[:, 0]
        pairs = [(y, expected)]
        known, known_wide = {"tanh": ([y], [expected]), "relu": ([y], [expected]),
                             "standard_deviation": ([y], [expected]),
                             "reparameterize": (arguments[-1:], wide[-1:])}.get(name, (arguments, wide))
        if not (name == "bernoulli_log_likelihood"):
            pairs += zip(as_tuple(getattr(kernels, name + "_backward")(np.ones_like(y), *known, *more)),
                         as_tuple(getattr(plain, name + "_backward")(np.ones_like(expected), *known_wide, *more_wide)))
        if name == "kl_divergence":  # whose plain form cancels near 0
            pairs[0] = y, 0.5 * (wide[0] ** 2 + np.expm1(wide[1]) - wide[1])[:, 0]
            pairs[2] = pairs[2][0], 0.5 * np.expm1(wide[1])
        for number, (got, truth) in enumerate(pairs):
            got, truth = np.ravel(got), np.ravel(truth)
            info = np.finfo(dtype)
            largest = [np.abs(argument).max(axis=tuple(range(1, argument.ndim))) for argument in wide]
            terms = np.ravel(sum(largest)) if got.size > 1 else np.zeros(1)
            terms = terms if terms.size == got.size else 0
            near = np.abs(got - truth) <= 16 * info.eps * (np.abs(truth) + terms) + 16 * info.smallest_subnormal
            out_of_range = (np.abs(truth) > info.max / 16) & np.isinf(got) & (np.sign(got) == np.sign(truth))
            unknown = np.isnan(truth)
            wrong = ~(near | out_of_range | unknown)
            assert not wrong.any(), (name, number,
                                     [argument.ravel()[wrong][:3] if argument.size == got.size else argument
                                                    for argument in arguments], got[wrong][:3], truth[wrong][:3])
