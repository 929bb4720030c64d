"""Reading folders of IDX files: every way they come, and every way they come broken."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minivae.data import load_idx

NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def idx_bytes(array, element_type=8):
    """The IDX file that holds the array, written from the format's definition."""
    return struct.pack(f">HBB{array.ndim}I", 0, element_type, array.ndim, *array.shape) + array.tobytes()


def make_arrays(train=7, test=3, size=(5, 4), seed=0):
    rng = np.random.default_rng(seed)
    return {
        "train_images": rng.integers(0, 256, (train, *size), dtype=np.uint8),
        "train_labels": rng.integers(0, 10, train, dtype=np.uint8),
        "test_images": rng.integers(0, 256, (test, *size), dtype=np.uint8),
        "test_labels": rng.integers(0, 10, test, dtype=np.uint8),
    }


def write_folder(folder, arrays, end="", mark="-", pack=lambda contents: contents):
    for name, array in arrays.items():
        file_name = NAMES[name].replace("-idx", f"{mark}idx") + end
        (folder / file_name).write_bytes(pack(idx_bytes(array)))


def assert_holds(dataset, arrays):
    assert dataset._fields == tuple(arrays)
    for name, array in arrays.items():
        got = getattr(dataset, name)
        assert got.dtype == np.uint8
        assert got.flags.writeable and got.flags.c_contiguous
        np.testing.assert_array_equal(got, array)


@pytest.fixture
def folder(tmp_path):
    """A folder in good order, for a test to spoil."""
    write_folder(tmp_path, make_arrays())
    return tmp_path


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("end, pack", [("", bytes), (".gz", gzip.compress), (".gz", bytes), ("", gzip.compress)])
def test_raw_and_gzipped_under_both_spellings(tmp_path, mark, end, pack):
    """What a file is, its bytes say: a browser may unpack a .gz and leave its name."""
    arrays = make_arrays()
    write_folder(tmp_path, arrays, end, mark, pack)
    assert_holds(load_idx(tmp_path), arrays)
    assert_holds(load_idx(str(tmp_path)), arrays)


@given(train=st.integers(1, 9), test=st.integers(1, 9), rows=st.integers(1, 40), columns=st.integers(1, 40),
       seed=st.integers(0, 99))
def test_any_image_size(tmp_path_factory, train, test, rows, columns, seed):
    folder = tmp_path_factory.mktemp("idx")
    arrays = make_arrays(train, test, (rows, columns), seed)
    write_folder(folder, arrays, ".gz", pack=gzip.compress)
    assert_holds(load_idx(folder), arrays)


def test_raw_is_read_before_gzipped(folder):
    write_folder(folder, make_arrays(seed=1), ".gz", pack=gzip.compress)
    assert_holds(load_idx(folder), make_arrays())


def test_folder_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; a folder of four IDX files is needed"):
        load_idx(tmp_path / "nowhere")


def test_folder_is_a_file(folder):
    with pytest.raises(FileNotFoundError, match="ubyte is a file"):
        load_idx(folder / NAMES["train_labels"])


def test_files_missing(folder):
    (folder / NAMES["train_labels"]).unlink()
    (folder / NAMES["test_images"]).rename(folder / "test.idx")
    (folder / NAMES["train_labels"]).mkdir()  # a folder by that name is no file
    with pytest.raises(FileNotFoundError) as caught:
        load_idx(folder)
    message = str(caught.value)
    assert "lacks 2 of the four" in message
    for looked_for in (NAMES["train_labels"], NAMES["test_images"], ".gz"):
        assert looked_for in message
    holds = message[message.index("The folder holds"):]
    assert "test.idx" in holds and NAMES["train_images"] in holds and NAMES["train_labels"] + "/" in holds


def test_folder_of_other_things(tmp_path):
    with pytest.raises(FileNotFoundError, match="lacks 4 .* holds nothing"):
        load_idx(tmp_path)
    for number in range(40):
        (tmp_path / f"{number:02}.png").touch()
    with pytest.raises(FileNotFoundError, match="11.png and 28 more"):
        load_idx(tmp_path)


GOOD = idx_bytes(make_arrays()["train_images"])
PACKED = gzip.compress(GOOD)

BROKEN = {
    "empty": (b"", "is empty"),
    "empty inside": (gzip.compress(b""), "is empty"),
    "html": (b"<!DOCTYPE html>\n<html><body>Not found</body></html>", "is an HTML page"),
    "html after blanks": (b"\xef\xbb\xbf\r\n  <html>", "is an HTML page"),
    "html, packed": (gzip.compress(b"<html></html>"), "is an HTML page"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a git-lfs pointer"),
    "zip": (b"PK\x03\x04" + b"\0" * 40, "is a zip archive"),
    "another format": (b"\x93NUMPY" + GOOD, "is not an IDX file: it must begin with two zero bytes"),
    "a stub": (b"\0\0\x08", "is cut short: it must begin with 4 bytes"),
    "header cut": (GOOD[:9], "is cut short"),
    "header alone": (GOOD[:16], "is cut short: .* promises 156 bytes; got 16"),
    "truncated": (GOOD[:-1], "is cut short: .* promises 156 bytes; got 155"),
    "too long": (GOOD + b"\0", "is too long: .* promises 156 bytes; got 157"),
    "absurd length": (GOOD[:4] + b"\xff" * 12 + GOOD[16:], "is cut short"),
    "float elements": (idx_bytes(np.ones((7, 5, 4), ">f4"), 13), "must hold uint8 .* got float32"),
    "unknown elements": (idx_bytes(np.ones((7, 5, 4), np.uint8), 99), "must hold uint8 .* got the unknown type 99"),
    "labels for images": (idx_bytes(np.ones(7, np.uint8)), "must hold an array of 3 axes; got 1"),
    "colour": (idx_bytes(np.ones((7, 5, 4, 3), np.uint8)), "must hold an array of 3 axes; got 4.*colour"),
    "no images": (idx_bytes(np.ones((0, 5, 4), np.uint8)), r"holds nothing: its shape is \(0, 5, 4\)"),
    "no pixels": (idx_bytes(np.ones((7, 0, 4), np.uint8)), "holds nothing"),
    "gzip cut": (PACKED[:-20], "is damaged gzip"),
    "gzip flipped": (PACKED[:40] + bytes([PACKED[40] ^ 255]) + PACKED[41:], "is damaged gzip"),
    "gzip header": (PACKED[:2] + b"\xff" * 20, "is damaged gzip"),
}


@pytest.mark.parametrize("contents, message", BROKEN.values(), ids=BROKEN)
def test_broken_file(folder, contents, message):
    path = folder / NAMES["train_images"]
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=message) as caught:
        load_idx(folder)
    assert str(path) in str(caught.value)


@given(cut=st.integers(0, len(PACKED) - 1), flip=st.integers(0, len(PACKED) - 1), bit=st.integers(0, 7))
def test_no_damage_goes_unnoticed(tmp_path_factory, cut, flip, bit):
    """Cut or flipped anywhere, gzip is refused in words, or (header fields it ignores) read in full."""
    arrays = make_arrays()
    flipped = bytearray(PACKED)
    flipped[flip] ^= 1 << bit
    for contents in (PACKED[:cut], bytes(flipped)):
        folder = tmp_path_factory.mktemp("idx")
        write_folder(folder, arrays)
        (folder / NAMES["train_images"]).write_bytes(contents)
        try:
            assert_holds(load_idx(folder), arrays)
        except ValueError as error:
            assert NAMES["train_images"] in str(error)


@pytest.mark.parametrize("part", ["train", "test"])
def test_counts_differ(tmp_path, part):
    arrays = make_arrays()
    arrays[f"{part}_labels"] = arrays[f"{part}_labels"][1:]
    write_folder(tmp_path, arrays)
    with pytest.raises(ValueError, match=f"one label for every image; got .* images and .* labels to {part}"):
        load_idx(tmp_path)


def test_image_sizes_differ(tmp_path):
    write_folder(tmp_path, {**make_arrays(size=(5, 4)), "test_images": make_arrays(size=(4, 5))["test_images"]})
    with pytest.raises(ValueError, match=r"images of one size; got \(5, 4\) to train on and \(4, 5\) to test on"):
        load_idx(tmp_path)
