"""Parameters: one vector, and views of it."""

import copy
import pickle

import numpy as np
import pytest

import minivae as mv
from minivae import Parameters

SHAPES = {"encoder.0.W": (3, 2), "encoder.0.b": (2,), "decoder.0.W": (2, 5)}


@pytest.mark.parametrize("copied", [lambda p: p, copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_names_are_views_of_the_vector(copied):
    parameters = copied(Parameters(SHAPES))
    assert parameters.flat.shape == (18,)
    for number, name in enumerate(SHAPES):
        parameters[name][...] = number
        assert parameters[name].shape == SHAPES[name]
    np.testing.assert_array_equal(parameters.flat, [0] * 6 + [1] * 2 + [2] * 10)
    parameters.flat[6:8] = [7, 8]
    np.testing.assert_array_equal(parameters["encoder.0.b"], [7, 8])


def test_assignment_copies_and_never_broadcasts():
    parameters = Parameters(SHAPES)
    b = np.array([1.0, 2.0])
    parameters["encoder.0.b"] = b
    b[0] = 99
    np.testing.assert_array_equal(parameters["encoder.0.b"], [1, 2])
    with pytest.raises(ValueError, match=r"encoder.0.b has shape \(2,\); got \(1, 2\)"):
        parameters["encoder.0.b"] = np.ones((1, 2))
    with pytest.raises(ValueError, match="encoder.0.W"):
        parameters["encoder.0.W"] = 1.0


def test_the_vector_can_be_assigned_to_and_stays_itself():
    parameters = Parameters(SHAPES)
    flat = parameters.flat
    parameters.flat += 1
    parameters.flat = parameters.flat * 2
    assert parameters.flat is flat and (flat == 2).all() and (parameters["encoder.0.b"] == 2).all()
    with pytest.raises(ValueError, match=r"flat has shape \(18,\); got \(\)"):
        parameters.flat = 1.0
    with pytest.raises(KeyError, match="no parameter 'encoder.9.W'; there are encoder.0.W"):
        parameters["encoder.9.W"]


def test_a_deep_copy_is_apart():
    model = mv.VAE(4, (3,), 2)
    twin = copy.deepcopy(model)
    twin.parameters.flat[:] = 0
    assert model.parameters.flat.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_sees_any_one_change(dtype):
    parameters = Parameters({"a": (3, 3)}, dtype)
    parameters.flat[:] = np.random.default_rng(0).standard_normal(9)
    parameters.flat[0] = np.nan
    before = parameters.flat.copy()
    assert parameters.same_bits(before)
    for place in range(1, 9):
        value = parameters.flat[place]
        parameters.flat[place] = np.nextafter(value, 2 * value)
        assert not parameters.same_bits(before)
        parameters.flat[place] = value
    assert parameters.same_bits(before)
    parameters.flat[1] = 0.0
    zero = parameters.flat.copy()
    parameters.flat[1] = -0.0
    assert not parameters.same_bits(zero)


def test_names_and_repr():
    parameters = mv.VAE(784, (400,), 20).parameters
    assert list(parameters) == [f"{stack}.{layer}.{kind}" for stack in ("encoder", "decoder") for layer in (0, 1)
                                for kind in "Wb"]
    assert parameters["encoder.0.W"].shape == (784, 400) and parameters["encoder.1.W"].shape == (400, 40)
    assert parameters["decoder.0.W"].shape == (20, 400) and parameters["decoder.1.b"].shape == (784,)
    assert "encoder.0.W  (784, 400)" in repr(parameters)
    assert dict(parameters.items()).keys() == parameters.keys()
