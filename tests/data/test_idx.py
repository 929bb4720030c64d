"""Reading folders of IDX files in all their forms, whole and damaged."""

import gzip
import struct
import tracemalloc

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
    """A correct folder, for a test to damage."""
    write_folder(tmp_path, make_arrays())
    return tmp_path


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("end, pack", [("", bytes), (".gz", gzip.compress), (".gz", bytes), ("", gzip.compress)])
def test_raw_and_gzipped_under_both_spellings(tmp_path, mark, end, pack):
    """The bytes of a file decide, not its name: a browser may unpack a .gz and keep the name."""
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


# --- other data sets in this format ----------------------------------------------------------------------------

def write_named(folder, arrays, names, element_types=None, pack=gzip.compress):
    for name, array in arrays.items():
        (folder / names[name]).write_bytes(pack(idx_bytes(array, (element_types or {}).get(name, 8))))


def test_qmnist_under_its_own_names_with_its_int32_labels(tmp_path):
    """The labels have eight columns, of which the first is the class."""
    arrays = make_arrays()
    raw = dict(arrays)
    for part in ("train", "test"):
        labels = np.random.default_rng(1).integers(-5, 10**6, (len(arrays[f"{part}_labels"]), 8)).astype(">i4")
        labels[:, 0] = arrays[f"{part}_labels"]
        raw[f"{part}_labels"] = labels
    write_named(tmp_path, raw, {
        "train_images": "qmnist-train-images-idx3-ubyte.gz", "train_labels": "qmnist-train-labels-idx2-int.gz",
        "test_images": "qmnist-test-images-idx3-ubyte.gz", "test_labels": "qmnist-test-labels-idx2-int.gz",
    }, {"train_labels": 12, "test_labels": 12})
    (tmp_path / "qmnist-test-labels.tsv.gz").touch()
    assert_holds(load_idx(tmp_path), arrays)


@pytest.mark.parametrize("element_type, dtype", [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4")])
def test_labels_of_any_whole_numbers(folder, element_type, dtype):
    labels = make_arrays()["train_labels"]
    path = folder / NAMES["train_labels"]
    path.write_bytes(idx_bytes(labels.astype(dtype), element_type))
    assert_holds(load_idx(folder), make_arrays())
    if element_type > 8:
        path.write_bytes(idx_bytes((labels - 100.0).astype(dtype), element_type))
        with pytest.raises(ValueError, match="must hold labels from 0 to 255; got labels from -100 to"):
            load_idx(folder)
    path.write_bytes(idx_bytes(labels.astype(">f4"), 13))
    with pytest.raises(ValueError, match="must hold whole numbers; got float32. Write it again as uint8"):
        load_idx(folder)


def emnist_names(data_set, end=".gz"):
    return {name: f"emnist-{data_set}-{part}-{kind}-ubyte{end}" for name, part, kind in (
        ("train_images", "train", "images-idx3"), ("train_labels", "train", "labels-idx1"),
        ("test_images", "test", "images-idx3"), ("test_labels", "test", "labels-idx1"))}


def test_emnist_stands_upright_and_is_named_where_there_are_several(tmp_path):
    """As published: all data sets in one folder, their images transposed."""
    digits, letters = make_arrays(seed=1), make_arrays(train=9, seed=2)
    lying = lambda arrays: {name: array.transpose(0, 2, 1) if array.ndim == 3 else array
                            for name, array in arrays.items()}
    write_named(tmp_path, lying(digits), emnist_names("digits"))
    assert_holds(load_idx(tmp_path), digits)
    write_named(tmp_path, lying(letters), emnist_names("letters", ""), pack=bytes)
    assert_holds(load_idx(tmp_path / "emnist-letters"), letters)
    assert_holds(load_idx(str(tmp_path / "emnist-digits")), digits)
    with pytest.raises(ValueError, match="holds 2 data sets: emnist-digits, emnist-letters. Name one, such as "
                                         ".*emnist-digits"):
        load_idx(tmp_path)
    write_folder(tmp_path, make_arrays(seed=3))
    assert_holds(load_idx(tmp_path), make_arrays(seed=3))  # MNIST's own names go first
    (tmp_path / emnist_names("letters", "")["test_images"]).unlink()
    with pytest.raises(FileNotFoundError, match="lacks 1 of the four .* Looked for "
                                                "emnist-letters-t10k-images-idx3-ubyte "):
        load_idx(tmp_path / "emnist-letters")
    with pytest.raises(FileNotFoundError, match="emnist-bymerge does not exist"):
        load_idx(tmp_path / "emnist-bymerge")


class Unpacked(Exception):
    """What a test raises where a file would be unpacked."""


@pytest.fixture
def nothing_is_unpacked(monkeypatch):
    def refuse(path, header):
        raise Unpacked(path)
    monkeypatch.setattr("minivae.data.idx._read_array", refuse)


@pytest.mark.parametrize("shape, message", [
    ((2**32 - 1,) * 3, "is cut short: .* got only .* gzipped"), ((7, 4000, 4000), "is cut short"), ((7, 5, 4), None),
])
def test_what_a_header_promises_is_judged_before_anything_is_unpacked(folder, nothing_is_unpacked, shape, message):
    (folder / NAMES["train_images"]).write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, *shape) + bytes(140)))
    with pytest.raises(ValueError if message else Unpacked, match=message):
        load_idx(folder)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(folder, nothing_is_unpacked):
    """2**20 bytes of gzip, which could really hold 2**30 zeros; here only the size of the file is so large."""
    path = folder / NAMES["train_images"]
    path.write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 7, 12000, 12000)) + bytes(2**20))
    with pytest.raises(ValueError, match="gzipped to 1,048,.* bytes and would unpack to 1,008,000,016, .* unpack it "
                                         "yourself"):
        load_idx(folder)


def test_headers_are_compared_with_one_another_before_anything_is_unpacked(folder, nothing_is_unpacked):
    write_folder(folder, make_arrays(train=8) | {"train_labels": make_arrays()["train_labels"]})
    with pytest.raises(ValueError, match="one label for every image"):
        load_idx(folder)


def test_more_than_the_header_promises_is_not_read(folder):
    """A small header before 64 MB of zeros, 63 kB packed."""
    path = folder / NAMES["train_images"]
    path.write_bytes(gzip.compress(GOOD + bytes(2**26), compresslevel=1))
    tracemalloc.start()
    with pytest.raises(ValueError, match="is too long: .* promises 156 bytes; got more"):
        load_idx(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6
