"""Files are written whole or not at all, and hold plain arrays only."""

import tracemalloc
import zipfile

import numpy as np
import pytest

from minivae import files
from minivae.files import CheckpointError, open_arrays, remove_writable, write_arrays


def test_what_was_written_is_read_and_can_be_written_again(tmp_path):
    path, arrays = tmp_path / "a.npz", {"x": np.arange(3.0), "words": np.array("as text")}
    for _ in range(2):
        write_arrays(path, arrays)
        with open_arrays(path) as archive:
            assert archive.names == list(arrays)  # no stray array, as of an argument that this NumPy does not know
            assert archive.text("words") == "as text"
            again = {"x": archive.array("x", (3,), np.float64), "words": np.array(archive.text("words"))}
        for name, array in arrays.items():
            np.testing.assert_array_equal(again[name], array)
        arrays = again


def test_python_objects_are_never_written(tmp_path):
    path = tmp_path / "a.npz"
    for objects in (np.array([None]), np.array([{}, 1], dtype=object), np.zeros(2, [("a", int), ("b", object)])):
        with pytest.raises(ValueError, match="arrays must hold numbers or text; got Python objects in bad"):
            write_arrays(path, {"good": np.zeros(2), "bad": objects})
    assert not list(tmp_path.iterdir())


def test_what_a_header_says_is_checked_before_anything_is_unpacked(tmp_path, monkeypatch):
    path, bomb = tmp_path / "a.npz", np.zeros(10**6)  # 8 MB of zeros, which 8 kB hold
    monkeypatch.setattr(files, "MOST_TEXT", 2000)
    np.savez_compressed(path, bomb=bomb, words=np.zeros((), "<U2000"), good=np.arange(3.0), objects=np.array([None]))
    assert path.stat().st_size < 30_000
    tracemalloc.start()
    with open_arrays(path) as archive:
        with pytest.raises(CheckpointError,
                           match=r"bomb must have shape \(3,\) and dtype float32, .* got \(1000000,\) and float64"):
            archive.array("bomb", (3,), np.float32)
        with pytest.raises(CheckpointError, match="words must be one short text; got shape .* <U2000"):
            archive.text("words")
        with pytest.raises(CheckpointError, match="objects holds Python objects, which minivae never reads"):
            archive.array("objects", (1,), np.dtype(object))
        np.testing.assert_array_equal(archive.array("good", (3,), np.float64), np.arange(3.0))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("shape", ["(5,)", "(2,)", "(10**12,)", "(-3,)", "3"])
def test_a_header_that_does_not_fit_what_follows_it_is_damage(tmp_path, shape):
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(3.0)})
    with zipfile.ZipFile(path) as archive:
        content = archive.read("x.npy")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        old = b"'shape': (3,), }"
        assert old in content
        new = f"'shape': {shape}, }}".encode()
        archive.writestr("x.npy", content.replace(old + b" " * (len(new) - len(old)), new.ljust(len(old))))
    with pytest.raises(CheckpointError, match="damaged"), open_arrays(path) as archive:
        archive.array("x", eval(shape) if "*" not in shape else (10**12,), np.float64)


def test_what_is_there_goes_only_where_something_can_be_written(tmp_path):
    path = tmp_path / "a.npz"
    remove_writable(path)  # nothing is there
    path.write_bytes(b"old")
    (tmp_path / "a.npz.tmp").mkdir()  # so that nothing can be written
    with pytest.raises(OSError, match="cannot write it"):
        remove_writable(path)
    assert path.read_bytes() == b"old"
    (tmp_path / "a.npz.tmp").rmdir()
    remove_writable(path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        remove_writable(tmp_path / "nowhere" / "a.npz")
