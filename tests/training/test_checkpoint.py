"""Model files and checkpoints: written whole or not at all, read with an explanation when damaged."""

import json
import os

import numpy as np
import pytest

import minivae as mv
from minivae.files import whole_file, write_arrays
from minivae.training import load_checkpoint

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 2, 2), dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of a small run, and its bytes."""
    path = tmp_path / "model.npz"
    model = mv.VAE(4, (3,), 2, activation="tanh", beta=0.5)
    mv.train(model, IMAGES, epochs=2, batch_size=8, checkpoint=path, progress=False, notes={"data": "toy"})
    return path, model, path.read_bytes()


@pytest.mark.parametrize("settings", [
    {}, {"hidden": ()}, {"hidden": [5, 3], "dtype": "float64"}, {"likelihood": "gaussian", "noise_variance": 0.3},
    {"likelihood": "gaussian", "noise_variance": "learned"},
    {"dtype": np.float64, "seed": np.int64(3)},
])
def test_save_and_load(tmp_path, settings):
    model = mv.VAE(**{"data_dim": 4, "hidden": (3,), "latent_dim": 2} | settings)
    model.save(tmp_path / "m.npz")
    loaded = mv.VAE.load(tmp_path / "m.npz")
    assert loaded.settings == model.settings
    np.testing.assert_array_equal(loaded.parameters.flat, model.parameters.flat)
    assert loaded.parameters.flat.dtype == model.parameters.flat.dtype
    x, eps = np.full((2, 4), 0.5), np.ones((2, 2))
    assert loaded.forward(x, eps).loss == model.forward(x, eps).loss
    assert [file.name for file in tmp_path.iterdir()] == ["m.npz"]


def test_a_checkpoint_is_a_model_file_and_more(saved):
    path, model, _ = saved
    np.testing.assert_array_equal(mv.VAE.load(path).parameters.flat, model.parameters.flat)
    checkpoint = load_checkpoint(path)
    assert checkpoint.notes == {"data": "toy"} and len(checkpoint.history) == 2
    assert set(checkpoint.optimizer) == {"sum_g", "sum_g2", "t"}


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(mv.CheckpointError, match="is a folder. Name the model in it"):
        mv.VAE.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        mv.VAE(4).save(tmp_path / "nowhere" / "model.npz")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        mv.VAE.load(tmp_path / "none.npz")


@pytest.mark.parametrize("content, remedy", [
    (b"", "is empty"), (b"<!DOCTYPE html><html>", "HTML page"), (b"\n <html>404", "HTML page"),
    (b"\xef\xbb\xbf" + b" " * 90 + b"<!-- a page -->", "HTML page"),
    (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"), (b"\x93NUMPY", "not begin as an npz"),
    (b"PK and then something else", "not begin as an npz"), (b"\nPK\x03\x04", "not begin as an npz"),
    (b"PK\x03\x04 and no more", "damaged"), (b"\x80\x04pickle", "not begin as an npz"),
])
def test_files_that_are_no_models(tmp_path, content, remedy):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    for load in (mv.VAE.load, load_checkpoint):
        with pytest.raises(mv.CheckpointError, match=remedy) as caught:
            load(path)
        assert str(path) in str(caught.value)
    assert issubclass(mv.CheckpointError, ValueError)


def test_every_truncation_is_noticed(saved):
    path, _, whole = saved
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(mv.CheckpointError):
            mv.VAE.load(path)


def test_a_flipped_bit_is_noticed_or_harmless(saved):
    path, model, whole = saved
    rng = np.random.default_rng(0)
    noticed, run = 0, load_checkpoint(path)
    for place in rng.choice(len(whole), 300, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            loaded = load_checkpoint(path)
        except mv.CheckpointError:
            noticed += 1
        else:  # in a date, a padding or an attribute
            np.testing.assert_array_equal(loaded.model.parameters.flat, model.parameters.flat)
            assert loaded.model.settings == model.settings and loaded.history == run.history
            assert all(np.array_equal(array, run.optimizer[name]) for name, array in loaded.optimizer.items())
    assert noticed > 150


def altered(path, **changes):
    with np.load(path) as arrays:
        arrays = dict(arrays) | changes
    write_arrays(path, {name: array for name, array in arrays.items() if array is not None})


@pytest.mark.parametrize("changes, message", [
    ({"format": np.array(99)}, "has format 99, and this minivae reads formats up to 1. Update minivae"),
    ({"format": np.array(2)}, "has format 2, and this minivae reads formats up to 1"),
    ({"format": np.array(np.inf)}, "format must be one short text"),
    ({"settings": np.array(json.dumps({"data_dim": 10**13}))}, "settings that make no model"),
    ({"format": np.array("one")}, "settings that make no model"),
    ({"parameters": np.zeros(3, np.float32)}, "must have shape"),
    ({"parameters": np.zeros((33, 1), np.float32)}, "must have shape"),
    ({"parameters": np.zeros(mv.VAE(4, (3,), 2).parameters.flat.size)},
     "and dtype float32, .* got .* and float64|got .* float64"),
    ({"parameters": np.full(mv.VAE(4, (3,), 2).parameters.flat.size, np.nan, np.float32)},
     "parameters that are not finite"),
    ({"parameters": None}, "it has no parameters"), ({"settings": None}, "it has no settings"),
    ({"settings": np.array("{")}, "settings that make no model"),
    ({"settings": np.array("[]")}, "settings that make no model"),
    ({"settings": np.array(json.dumps({"data_dim": -1}))}, "settings that make no model"),
    ({"settings": np.array(json.dumps({"flavour": 1}))}, "settings that make no model"),
])
def test_contents_that_make_no_model(saved, changes, message):
    path, _, _ = saved
    altered(path, **changes)
    with pytest.raises(mv.CheckpointError, match=message):
        mv.VAE.load(path)


@pytest.mark.parametrize("changes, message", [
    ({"run": None}, "no run to resume"), ({"run": np.array("{}")}, "cannot be read"),
    ({"run": np.array("?")}, "cannot be read"),
    ({"optimizer.sum_g": np.zeros(2, np.float32)}, "optimizer.sum_g must have shape"),
    ({"optimizer.sum_g": np.zeros(mv.VAE(4, (3,), 2).parameters.flat.size)},
     "and dtype float32, .* got .* and float64"),
    ({"optimizer.sum_g": None}, r"state must be \['sum_g', 'sum_g2', 't'\]; got \['sum_g2', 't'\]"),
    ({"optimizer.t": None}, "state must be"),
    ({"optimizer.t": np.zeros(3, int)}, "optimizer.t must have shape"),
    ({"optimizer.sum_g": np.array(1.0)}, "optimizer.sum_g must have"),
    *(({"run": np.array(json.dumps(dict(settings={}, history=[],
                                        random_state=np.random.default_rng().bit_generator.state,
                                        notes={}) | change))}, "cannot be read")
      for change in ({"settings": 5}, {"history": 5}, {"history": "ab"}, {"history": [3]}, {"notes": 5}, {"work": 5},
                     {"work": {"threads": 0}}, {"random_state": 5},
                     {"random_state": {}}, {"random_state": {"bit_generator": "PCG64", "state": {"state": -1, "inc": 1},
                                                             "has_uint32": 0, "uinteger": 0}})),
])
def test_contents_that_make_no_run(saved, changes, message):
    path, _, _ = saved
    altered(path, **changes)
    mv.VAE.load(path)  # the model itself is whole
    with pytest.raises(mv.CheckpointError, match=message):
        load_checkpoint(path)


def test_an_object_array_is_never_unpickled(tmp_path):
    path = tmp_path / "model.npz"

    class Trap:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    np.savez(path, parameters=np.array([Trap()], object))
    with pytest.raises(mv.CheckpointError, match="no format, settings"):
        mv.VAE.load(path)
    for name in ("format", "settings", "parameters", "run"):
        mv.VAE(4, (3,), 2).save(path)
        altered(path)
        with np.load(path) as arrays:
            np.savez(path, **{**arrays, name: np.array(Trap(), object)})
        with pytest.raises(mv.CheckpointError,
                           match=f"{name} holds Python objects, which minivae never reads|no run|") as caught:
            load_checkpoint(path)
        assert name in str(caught.value) and "can run code" in str(caught.value)


def test_a_failed_move_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="cannot write it: Invalid cross-device link.*file"), whole_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_writing_fails_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for error in (RuntimeError, KeyboardInterrupt, OSError):
        with pytest.raises(error), whole_file(path) as file:
            file.write(b"half of the n")
            raise error
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
