"""A model file says which class it holds; copies and loaded models are complete and independent."""

import json

import numpy as np
import pytest

import minivae as mv
from minivae.files import write_arrays

SETTINGS = dict(data_dim=4, hidden=(3,), latent_dim=2)
KINDS = {"VAE": mv.VAE, "IWAE": mv.IWAE, "MonteCarloELBO": mv.MonteCarloELBO, "ConditionalVAE": mv.ConditionalVAE}


def model_of(name, **more):
    model = KINDS[name](**SETTINGS | ({"classes": 3} if name == "ConditionalVAE" else {}) | more)
    model.parameters.flat[:] = np.arange(model.parameters.flat.size)
    return model


@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("held", KINDS)
def test_the_right_object_or_a_clear_error(tmp_path, held, asked):
    path, model = tmp_path / "m.npz", model_of(held, seed=7)
    model.save(path)
    if not issubclass(KINDS[held], KINDS[asked]):
        with pytest.raises(mv.CheckpointError, match=f"m.npz holds a model of class {held}, which is not {asked} or "
                                                     f"made from it. Load it with {held}.load"):
            KINDS[asked].load(path)
        return
    loaded = KINDS[asked].load(path)
    assert type(loaded) is KINDS[held] and loaded.settings == model.settings
    np.testing.assert_array_equal(loaded.parameters.flat, model.parameters.flat)


def without_class(path, **more):
    with np.load(path) as arrays:
        arrays = {name: array for name, array in arrays.items() if name != "class"} | more
    write_arrays(path, arrays)


def test_files_of_older_versions_load(tmp_path):
    """They do not name the class; it follows from a conditional model's settings, or from the record of a run."""
    path = tmp_path / "m.npz"
    for held, asked, run in (("VAE", "VAE", None), ("ConditionalVAE", "VAE", None),
                             ("ConditionalVAE", "ConditionalVAE", None),
                             ("IWAE", "IWAE", None), ("IWAE", "VAE", "IWAE"), ("VAE", "VAE", "VAE")):
        model_of(held).save(path)
        record = {"run": np.array(json.dumps({"settings": {"objective": run}}))} if run else {}
        without_class(path, **record)
        assert type(KINDS[asked].load(path)) is KINDS[held]
    model_of("ConditionalVAE").save(path)
    without_class(path)
    with pytest.raises(mv.CheckpointError, match="holds a model of class ConditionalVAE, which is not IWAE"):
        mv.IWAE.load(path)
    model_of("VAE").save(path)
    for record in ("{}", "?", "[]", '{"settings": 5}'):  # no record at all
        without_class(path, run=np.array(record))
        assert type(mv.VAE.load(path)) is mv.VAE


def test_a_class_of_ones_own(tmp_path):
    path = tmp_path / "m.npz"

    class Mine(mv.VAE):
        def __init__(self, *arguments, **more):
            super().__init__(*arguments, **more)
            self.made = True

    class VAE(mv.VAE):  # a student's own, of the same name
        pass

    Mine(**SETTINGS).save(path)
    assert type(mv.VAE.load(path)) is Mine and mv.VAE.load(path).made
    mv.VAE(**SETTINGS).save(path)
    assert type(mv.VAE.load(path)) is mv.VAE
    assert type(VAE.load(path)) is VAE
    with np.load(path) as arrays:
        arrays = {**arrays, "class": np.array("Elsewhere")}
    write_arrays(path, arrays)
    with pytest.raises(mv.CheckpointError, match="class 'Elsewhere', and no such class of VAE is defined here. Import"):
        mv.VAE.load(path)


@pytest.mark.parametrize("data_dim", [10**6, 10**9])
def test_settings_far_larger_than_the_parameters_cost_nothing(tmp_path, data_dim):
    path = tmp_path / "m.npz"
    model_of("VAE").save(path)
    with np.load(path) as arrays:
        arrays = {**arrays, "settings": np.array(json.dumps(SETTINGS | {"data_dim": data_dim, "hidden": [10**3]}))}
    write_arrays(path, arrays)
    with pytest.raises(mv.CheckpointError, match="parameters must have shape|settings that make no model"):
        mv.VAE.load(path)


@pytest.mark.parametrize("held", KINDS)
def test_a_copy_is_a_model_of_its_own(held):
    model = model_of(held, seed=5, beta=0.5, likelihood="gaussian", noise_variance="learned")
    for dtype in (None, "float32", "float64", np.float64):
        twin = model.copy() if dtype is None else model.copy(dtype=dtype)
        assert type(twin) is type(model)
        assert twin.settings == model.settings | {"dtype": np.dtype(dtype or "float32").name}
        assert twin.parameters.flat.dtype == (dtype or np.float32)
        np.testing.assert_array_equal(twin.parameters.flat, model.parameters.flat)
        twin.parameters.flat[:] = 0
        assert model.parameters.flat[1:].all()
    with pytest.raises(ValueError, match="dtype must be one of 'float32', 'float64'"):
        model.copy(dtype="float16")


def test_a_seed_of_none_starts_at_zero(tmp_path):
    model = mv.VAE(**SETTINGS, seed=None)
    assert not model.parameters.flat.any() and model.settings["seed"] is None
    model.save(tmp_path / "m.npz")
    assert mv.VAE.load(tmp_path / "m.npz").settings == model.copy().settings == model.settings
