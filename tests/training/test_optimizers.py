"""Adam and SGD: each step against the plain algorithm, and the contract of working in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minivae as mv
from minivae.training.optimizers import adam_step


def algorithm_1(parameters, gradients, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Algorithm 1 of Kingma & Ba, line by line; return the parameters after a step on each of the gradients."""
    m = v = np.zeros_like(parameters)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        parameters = parameters - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return parameters


@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 999), st.sampled_from([1e-3, 0.1]),
       st.sampled_from([(0.9, 0.999, 1e-8), (0.0, 0.5, 1e-4), (0.5, 0.9, 0.1)]))
def test_adam_is_algorithm_1(size, steps, seed, learning_rate, constants):
    rng = np.random.default_rng(seed)
    start, gradients = rng.standard_normal(size), rng.standard_normal((steps, size)) * 10.0 ** rng.integers(-6, 3, size)
    adam, parameters = mv.Adam(learning_rate, *constants), start.copy()
    for gradient in gradients:
        kept = gradient.copy()
        adam.step(parameters, gradient)
        np.testing.assert_array_equal(gradient, kept)
    np.testing.assert_allclose(parameters, algorithm_1(start, gradients, learning_rate, *constants), rtol=1e-9,
                               atol=1e-12)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 999), st.sampled_from([np.float32, np.float64]))
def test_the_step_in_place_is_the_step_of_the_textbook(size, steps, seed, dtype):
    rng, constants = np.random.default_rng(seed), dict(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8)
    expected, m, v = rng.standard_normal(size).astype(dtype), 0, 0
    adam, parameters = mv.Adam(**constants), expected.copy()
    for t in range(1, steps + 1):
        gradient = rng.standard_normal(size).astype(dtype)
        adam.step(parameters, gradient)
        expected, m, v = adam_step(expected, gradient, m, v, t, **constants)
        np.testing.assert_allclose(parameters, expected, rtol=1e-12, atol=200 * np.finfo(dtype).eps)


@pytest.mark.parametrize("make", [mv.Adam, lambda: mv.SGD(momentum=0.5)])
def test_a_step_in_slices_is_the_step_to_the_last_bit(make):
    rng = np.random.default_rng(0)
    whole, parts, parameters = make(), make(), rng.standard_normal(11).astype(np.float32)
    in_slices = parameters.copy()
    for gradient in rng.standard_normal((3, 11)).astype(np.float32):
        whole.step(parameters, gradient)
        parts.begin(in_slices, gradient)
        for part in (slice(7, 11), slice(0, 4), slice(4, 7)):
            parts.move(in_slices, gradient, part)
        np.testing.assert_array_equal(in_slices, parameters)


def test_adams_first_step_is_the_learning_rate_against_the_sign():
    parameters = np.zeros(3)
    mv.Adam(0.01).step(parameters, np.array([5.0, -1e-3, 0.0]))
    np.testing.assert_allclose(parameters, [-0.01, 0.01, 0.0], rtol=1e-4)


@given(st.floats(0, 0.99), st.integers(0, 999))
def test_sgd_with_momentum(momentum, seed):
    rng = np.random.default_rng(seed)
    parameters, gradients = rng.standard_normal(4), rng.standard_normal((5, 4))
    expected, velocity = parameters.copy(), np.zeros(4)
    sgd = mv.SGD(0.1, momentum=momentum)
    for gradient in gradients:
        sgd.step(parameters, gradient)
        velocity = momentum * velocity + gradient
        expected = expected - 0.1 * velocity
    np.testing.assert_allclose(parameters, expected, rtol=1e-12)


@pytest.mark.parametrize("make", [lambda: mv.Adam(0.05), lambda: mv.SGD(0.05, momentum=0.9)])
def test_state_and_restore_continue_bit_for_bit(make):
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((6, 5)).astype(np.float32)
    whole, parameters = make(), np.ones(5, np.float32)
    for gradient in gradients[:3]:
        whole.step(parameters, gradient)
    resumed, copy = make(), parameters.copy()
    resumed.restore({name: array.copy() for name, array in whole.state().items()})
    for gradient in gradients[3:]:
        whole.step(parameters, gradient)
        resumed.step(copy, gradient)
    np.testing.assert_array_equal(parameters, copy)


def test_defaults_are_the_papers():
    assert mv.Adam().settings() == {"optimizer": "Adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    assert mv.Adam().learning_rate == 1e-3


@pytest.mark.parametrize("optimizer", [mv.Adam(), mv.SGD()])
def test_restoring_nothing_starts_again(optimizer):
    first, again = np.ones(3), np.ones(3)
    optimizer.step(first, np.array([1.0, -2.0, 3.0]))
    optimizer.restore({})
    optimizer.step(again, np.array([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("optimizer", [mv.Adam(), mv.SGD()])
def test_in_place_in_float32(optimizer):
    model = mv.VAE(4, (3,), 2)
    flat = model.parameters.flat
    optimizer.step(flat, np.ones_like(flat))
    assert model.parameters.flat is flat and flat.dtype == np.float32


@pytest.mark.parametrize("optimizer", [mv.Adam, mv.SGD])
def test_bad_arguments(optimizer):
    for rate in (0, -1, float("nan"), "1e-3"):
        with pytest.raises(ValueError, match="learning_rate"):
            optimizer(rate)
    with pytest.raises(ValueError, match="must be two vectors of floats of one length"):
        optimizer().step(np.zeros(3), np.zeros(1))
    with pytest.raises(ValueError, match="got a Parameters of shape .* Pass model.parameters.flat"):
        optimizer().step(mv.VAE(4).parameters, np.zeros(3))
    used = optimizer()
    used.step(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="Make a new optimizer"):
        used.step(np.zeros(4), np.zeros(4))
    with pytest.raises(ValueError, match="beta1 must be below 1"):
        mv.Adam(beta1=1.0)
    with pytest.raises(ValueError, match="momentum"):
        mv.SGD(momentum=-0.1)
