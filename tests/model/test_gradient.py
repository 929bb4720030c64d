"""The gradient of the whole model is the gradient of its loss."""

import numpy as np
import pytest
from checks import check_model_gradient, model_example
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import SEEDS, model_settings

import minivae as mv


@given(model_settings(), st.integers(1, 4), SEEDS)
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_every_parameter_and_symbol(model, batch, seed):
    assume(check_model_gradient(model, batch, seed))


@given(model_settings(), st.floats(-5, 5), SEEDS)
def test_linear_in_the_upstream_gradient(arguments, d_loss, seed):
    model, x, eps = model_example(arguments, 3, seed)
    trace = model.forward(x, eps)
    _, unit = model.backward(trace)
    _, scaled = model.backward(trace, d_loss=d_loss)
    np.testing.assert_allclose(scaled.flat, d_loss * unit.flat, atol=1e-13 * (1 + np.abs(unit.flat).max()))


@given(model_settings(), SEEDS)
def test_a_duplicated_batch_changes_nothing(arguments, seed):
    model, x, eps = model_example(arguments, 3, seed)
    once, twice = model.forward(x, eps), model.forward(np.tile(x, (2, 1)), np.tile(eps, (2, 1)))
    np.testing.assert_allclose(twice.loss, once.loss, rtol=1e-13)
    np.testing.assert_allclose(model.backward(twice)[1].flat, model.backward(once)[1].flat, rtol=1e-10, atol=1e-13)


@given(model_settings(), SEEDS)
def test_out_agrees_with_pure(arguments, seed):
    model, x, eps = model_example(arguments, 3, seed)
    used = model.forward(1 - x, -eps)
    used_d, used_grads = model.backward(used)
    pure = model.forward(x, eps)
    pure_d, pure_grads = model.backward(pure)
    trace = model.forward(x, eps, out=used)
    d, grads = model.backward(trace, out=(used_d, used_grads))
    assert trace is used and d is used_d and grads is used_grads and d.forward is trace
    _, _ = model.backward(pure, out=(d, grads))
    assert d.forward is pure
    for symbol in pure:
        np.testing.assert_array_equal(trace[symbol], pure[symbol])
        np.testing.assert_array_equal(d[symbol], pure_d[symbol])
    np.testing.assert_array_equal(grads.flat, pure_grads.flat)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_float32_agrees_with_float64(likelihood, activation):
    arguments = dict(data_dim=30, hidden=(20, 10), latent_dim=5, activation=activation, likelihood=likelihood)
    single = mv.VAE(**arguments, dtype="float32")
    double = single.copy(dtype="float64")
    rng = np.random.default_rng(0)
    x, eps = rng.random((8, 30)).astype(np.float32), rng.standard_normal((8, 5)).astype(np.float32)
    one, two = single.forward(x, eps), double.forward(x, eps)
    for symbol in two:
        assert one[symbol].dtype == np.float32
        np.testing.assert_allclose(one[symbol], two[symbol], rtol=1e-4, atol=1e-5)
    scale = np.abs(double.backward(two)[1].flat).max()
    np.testing.assert_allclose(single.backward(one)[1].flat, double.backward(two)[1].flat, rtol=1e-4, atol=1e-5 * scale)


def test_no_two_gradients_share_memory():
    model, x, eps = model_example(dict(data_dim=4, hidden=(3,), latent_dim=2, dtype="float64"), 3, 0)
    trace = model.forward(x, eps)
    d, grads = model.backward(trace)
    held = [array for array in d.values() if isinstance(array, np.ndarray)] + [grads.flat] + [
        array for array in trace.values() if isinstance(array, np.ndarray)]
    for index, array in enumerate(held):
        assert not any(np.shares_memory(array, other) for other in held[index + 1:])
