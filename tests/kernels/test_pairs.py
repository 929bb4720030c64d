"""Each kernel's backward is the vector-Jacobian product of its forward."""

import numpy as np
import pytest
from checks import check_pair
from hypothesis import given
from strategies import LAYOUTS, SCALES, SEEDS, arrays, sizes_of

import minivae.kernels
from minivae.kernels import PAIRS


@pytest.mark.parametrize("name", PAIRS)
@given(sizes=sizes_of("BIOHKDS"), scale=SCALES, seed=SEEDS, layout=LAYOUTS)
def test_backward_matches_differences(name, sizes, scale, seed, layout):
    check_pair(name, sizes, scale, seed, layout)


@pytest.mark.parametrize("name", PAIRS)
@given(sizes=sizes_of("BIOHKDS"), seed=SEEDS)
def test_backward_is_linear_in_its_upstream_gradient(name, sizes, seed):
    pair = PAIRS[name]
    arguments = arrays(pair.shapes.values(), sizes, 1.0, seed)
    rng = np.random.default_rng(seed)
    u, v = rng.standard_normal((2, *pair.forward(*arguments).shape))
    both = pair.backward(2 * u - 3 * v, *arguments)
    for whole, one, other in zip(both, pair.backward(u, *arguments), pair.backward(v, *arguments)):
        np.testing.assert_allclose(whole, 2 * one - 3 * other, atol=1e-12 * (1 + np.abs(whole).max()))


@pytest.mark.parametrize("name", PAIRS)
@given(sizes=sizes_of("BIOHKDS"), seed=SEEDS, layout=LAYOUTS)
def test_inputs_stay_as_they_are_and_gradients_share_no_memory(name, sizes, seed, layout):
    pair = PAIRS[name]
    arguments = arrays(pair.shapes.values(), sizes, 1.0, seed, layout)
    copies = [argument.copy() for argument in arguments]
    dy = np.ones_like(pair.forward(*arguments))
    gradients = pair.backward(dy, *arguments)
    for argument, copy in zip(arguments, copies):
        np.testing.assert_array_equal(argument, copy)
    np.testing.assert_array_equal(dy, 1)
    held = [*gradients, dy, *arguments]
    for index, gradient in enumerate(gradients):
        assert not any(np.shares_memory(gradient, other) for other in held[index + 1:])


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    pair = PAIRS[name]
    arguments = arrays(pair.shapes.values(), dict(zip("BIOHKDS", range(2, 9))), 1.0, 0, dtype=dtype)
    y = pair.forward(*arguments)
    assert y.dtype == dtype
    assert all(gradient.dtype == dtype for gradient in pair.backward(y, *arguments))


@pytest.mark.parametrize("name", PAIRS)
@given(sizes=sizes_of("BIOHKDS"), scale=SCALES, seed=SEEDS)
def test_float32_agrees_with_float64(name, sizes, scale, seed):
    pair = PAIRS[name]
    single = arrays(pair.shapes.values(), sizes, scale, seed, dtype=np.float32)
    double = [argument.astype(np.float64) for argument in single]
    y = pair.forward(*double)
    terms = 1 + max(np.abs(argument).max() for argument in double) ** 2 * np.exp(np.abs(double[-1]).max())
    np.testing.assert_allclose(pair.forward(*single), y, rtol=1e-5, atol=1e-6 * terms)
    dy = np.random.default_rng(seed).standard_normal(y.shape)
    for one, two in zip(pair.backward(dy.astype(np.float32), *single), pair.backward(dy, *double)):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6 * (terms + np.abs(two).max()))


def test_the_table_lists_every_pair():
    backwards = {name.removesuffix("_backward") for name in dir(minivae.kernels) if name.endswith("_backward")}
    assert backwards == set(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("which", range(3))
def test_a_wrong_shape_is_named_and_never_broadcast(name, which):
    pair = PAIRS[name]
    if which >= len(pair.shapes):
        return
    sizes = dict(zip("BIOHKDS", (2, 3, 4, 5, 6, 7, 8)))
    good = arrays(pair.shapes.values(), sizes, 1.0, 0)
    array = good[which]
    turned = array.T if array.ndim == 2 and len(good) > 1 else array[..., None]
    single = [array[..., :1]] if which > 0 and array.ndim else []  # an axis of 1, which NumPy would stretch
    for bad in (*single, turned, array[None], array.astype(int), array.tolist(), np.float64(1.0)):
        arguments = [bad if index == which else argument for index, argument in enumerate(good)]
        with pytest.raises(ValueError, match="must"):
            pair.forward(*arguments)
    dy = pair.forward(*good)
    for bad in (dy[:1] if dy.ndim > 1 else dy[:, None], dy[None], 1.0):
        with pytest.raises(ValueError, match="must"):
            pair.backward(bad, *good)
