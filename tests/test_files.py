"""Files are written whole or not at all, and hold plain arrays only."""

import numpy as np
import pytest

from minivae.files import read_arrays, write_arrays


def test_what_was_written_is_read_and_can_be_written_again(tmp_path):
    path, arrays = tmp_path / "a.npz", {"x": np.arange(3.0), "words": np.array("as text")}
    for _ in range(2):
        write_arrays(path, arrays)
        again = read_arrays(path)
        assert list(again) == list(arrays)  # no stray array, as of an argument that this NumPy does not know
        for name, array in arrays.items():
            np.testing.assert_array_equal(again[name], array)
        arrays = again


def test_python_objects_are_never_written(tmp_path):
    path = tmp_path / "a.npz"
    for objects in (np.array([None]), np.array([{}, 1], dtype=object), np.zeros(2, [("a", int), ("b", object)])):
        with pytest.raises(ValueError, match="arrays must hold numbers or text; got Python objects in bad"):
            write_arrays(path, {"good": np.zeros(2), "bad": objects})
    assert not list(tmp_path.iterdir())
