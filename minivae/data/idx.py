"""Reading IDX files, the format of MNIST, Fashion-MNIST, KMNIST, QMNIST, EMNIST and others.

An IDX file is a header and then the numbers of one array. The header has two zero bytes, a byte for the element type, a
byte for the number of axes, and four bytes, the highest first, for the length of each axis. The four headers of a data
set are read and compared before any array is read.
"""

import contextlib
import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Dataset", "load_idx"]

# The arrays of a data set: the name of each, how its file's name begins, and the number of its axes.
FILES = {"train_images": ("train-images", 3), "train_labels": ("train-labels", 1),
         "test_images": ("t10k-images", 3), "test_labels": ("t10k-labels", 1)}

# How published files are named: MNIST's train-images-idx3-ubyte.gz, EMNIST's emnist-letters-test-images-idx3-ubyte.gz,
# QMNIST's qmnist-train-labels-idx2-int.gz.
FILE_NAME = re.compile(r"((?P<set>.+?)-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)"
                       r"(?P<mark>[-.])idx\d-(ubyte|int)(?P<packed>\.gz)?")

ELEMENT_TYPES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}
WHOLE_NUMBERS = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4"}

# The header of a small gzipped file can promise any size, so the promise is checked before anything is unpacked.
MOST_RATIO = 1100            # gzip packs 1032 zeros into one byte, and nothing better
LARGE, LARGE_RATIO = 2**28, 100  # for more bytes than this, a ratio too high for images (MNIST has 5)

# What a failed download or an unfinished setup leaves behind, recognized by its first bytes.
IMPOSTORS = [
    (b"<", "an HTML page, not data", "The download went wrong; fetch the file itself and not the page about it."),
    (b"version https://git-lfs", "a git-lfs pointer, not data", "Run `git lfs pull` where it came from."),
    (b"PK\x03\x04", "a zip archive", "Unpack it."),
]


class Dataset(NamedTuple):
    """Images and their labels, to train on and to test on.

    Attributes
    ----------
    train_images : ndarray of uint8, shape (N, rows, columns)
        Grey levels, 0 to 255.
    train_labels : ndarray of uint8, shape (N,)
    test_images : ndarray of uint8, shape (M, rows, columns)
    test_labels : ndarray of uint8, shape (M,)
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_idx(folder):
    """Load a data set from a folder of four IDX files, raw or gzipped, under the names in which they were published.

    Parameters
    ----------
    folder : str or path
        Holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each
        perhaps with .gz. Also accepted are a dot before idx, "test" for "t10k", and the name of the data set in front,
        as in emnist-letters-train-images-idx3-ubyte. If a folder holds several data sets, name one, as in
        "gzip/emnist-letters". If a file is there both raw and gzipped, the raw one is read.

    Returns
    -------
    dataset : Dataset
        Images as uint8, all of the same size. The arrays are the caller's own and may be changed.

    Raises
    ------
    FileNotFoundError
        If the folder or one of the four files is not there.
    ValueError
        If a file is damaged or empty, does not hold what its name says, or does not fit the others.

    Notes
    -----
    EMNIST stores its images transposed; files whose names begin with "emnist" are transposed back. Labels are whole
    numbers of any type from 0 to 255; where they have two axes, as in QMNIST, the first column is the class.
    """
    folder = Path(folder)
    data_set, paths = _find_files(folder)
    headers = {name: _read_header(path, *FILES[name]) for name, path in paths.items()}
    for part in ("train", "test"):
        images, labels = headers[f"{part}_images"].shape, headers[f"{part}_labels"].shape
        if images[0] != labels[0]:
            raise ValueError(f"folder {folder} must hold one label for every image; got {images[0]} images and "
                             f"{labels[0]} labels to {part}. Do the files come from one data set?")
    train_size, test_size = (headers[f"{part}_images"].shape[1:] for part in ("train", "test"))
    if train_size != test_size:
        raise ValueError(f"folder {folder} must hold images of one size; got {train_size} to train on and {test_size} "
                         "to test on. Do the files come from one data set?")
    arrays = {name: _read_array(path, headers[name]) for name, path in paths.items()}
    for name, array in arrays.items():
        if name.endswith("labels"):
            arrays[name] = _as_labels(paths[name], array)
        elif data_set.lower().startswith("emnist"):
            arrays[name] = np.ascontiguousarray(array.transpose(0, 2, 1))
    return Dataset(**arrays)


def _find_files(folder):
    """Return the name of the data set in the folder ("" if it has none) and a path for each of its arrays."""
    chosen = None
    if not folder.is_dir() and folder.parent.is_dir() and _data_sets(folder.parent).get(folder.name):
        folder, chosen = folder.parent, folder.name
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise FileNotFoundError(f"{folder} {what}; a folder of four IDX files is needed.")
    data_sets = _data_sets(folder)
    whole = sorted(name for name, paths in data_sets.items() if len(paths) == len(FILES))
    if chosen is None and "" not in whole and len(whole) > 1:
        raise ValueError(f"folder {folder} holds {len(whole)} data sets: {', '.join(whole)}. Name one, such as "
                         f"{folder / whole[0]}.")
    if chosen is None:  # MNIST's own names if complete, else the data set that is most nearly complete
        chosen = "" if "" in whole else max(data_sets, key=lambda name: len(data_sets[name]), default="")
    paths = data_sets.get(chosen, {})
    prefix = f"{chosen}-" if chosen else ""
    missing = [f"{prefix}{stem}-idx{axes}-ubyte" for name, (stem, axes) in FILES.items() if name not in paths]
    if missing:
        held = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
        shown = ", ".join(held[:12]) + (f" and {len(held) - 12} more" if len(held) > 12 else "")
        raise FileNotFoundError(f"folder {folder} lacks {len(missing)} of the four IDX files. Looked for "
                                f"{', '.join(missing)} (as they are, or with .gz). The folder holds "
                                f"{shown or 'nothing'}.")
    return chosen, {name: paths[name] for name in FILES}


def _data_sets(folder):
    """Map the name of each data set in a folder to its files, by array; a raw file is preferred to a gzipped one."""
    found = {}
    for path in folder.iterdir():
        match = FILE_NAME.fullmatch(path.name)
        if match and path.is_file():
            name = f"{'train' if match['part'] == 'train' else 'test'}_{match['kind']}"
            order = bool(match["packed"]), match["mark"] != "-", match["part"] == "test"
            found.setdefault(match["set"] or "", {}).setdefault(name, []).append((order, path))
    return {data_set: {name: min(paths)[1] for name, paths in files.items()} for data_set, files in found.items()}


class _Header(NamedTuple):
    dtype: np.dtype
    shape: tuple
    size: int  # in bytes

    @property
    def total(self):
        """The number of bytes that the whole file must have."""
        return self.size + math.prod(self.shape) * self.dtype.itemsize


def _read_header(path, stem, axes):
    """Read the header of an IDX file of images or labels, and check that the promised size is possible."""
    packed, head = _head(path)
    if len(head) < 4:
        raise ValueError(f"{path} is cut short: it must begin with 4 bytes of type and axes; got {len(head)}. Copy it "
                         "again?")
    if head[:2] != b"\0\0":
        raise ValueError(f"{path} is not an IDX file: it must begin with two zero bytes; got {head[:4]!r}.")
    element_type, got_axes = head[2], head[3]
    labels = stem.endswith("labels")
    if element_type not in (WHOLE_NUMBERS if labels else [8]):
        got = ELEMENT_TYPES.get(element_type, f"the unknown type {element_type}")
        raise ValueError(f"{path} must hold {'whole numbers' if labels else 'uint8 (element type 8)'}; got {got}. "
                         "Write it again as uint8?")
    if got_axes != axes and not (labels and got_axes == 2):
        raise ValueError(f"{path} must hold an array of {axes} axes; got {got_axes}. "
                         "Were images and labels exchanged, or are the images in colour?")
    size = 4 + 4 * got_axes
    if len(head) < size:
        raise ValueError(f"{path} is cut short: its header must have {size} bytes; got {len(head)}. Copy it again?")
    header = _Header(np.dtype(WHOLE_NUMBERS[element_type]), struct.unpack(f">{got_axes}I", head[4:size]), size)
    if 0 in header.shape:
        raise ValueError(f"{path} holds nothing: its shape is {header.shape}.")
    there = path.stat().st_size
    if not packed and there != header.total:
        raise _wrong_size(path, header, there)
    if packed and header.total > MOST_RATIO * there:
        raise _wrong_size(path, header, f"only {there:,} gzipped")
    if packed and header.total > max(LARGE, LARGE_RATIO * there):
        raise ValueError(f"{path} is gzipped to {there:,} bytes and would unpack to {header.total:,}, shape "
                         f"{header.shape}: that is unusual for images. If it is right, unpack it yourself (gunzip).")
    return header


def _head(path):
    """Return whether a file is gzipped, by its first bytes, and its first 512 bytes unpacked."""
    with open(path, "rb") as file:
        head = file.read(512)
    packed = head[:2] == b"\x1f\x8b"
    if packed:
        with _clear_error(path), gzip.open(path) as file:
            head = file.read(512)
    if not head:
        raise ValueError(f"{path} is empty. Download it again.")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()  # past a byte order mark and blanks
    for prefix, what, remedy in IMPOSTORS:
        if start.startswith(prefix):
            raise ValueError(f"{path} is {what}. {remedy}")
    return packed, head


def _read_array(path, header):
    """Read the array after a header, and check that nothing follows it."""
    array = np.empty(header.shape, header.dtype)
    left = memoryview(array).cast("B")
    packed, _ = _head(path)
    with _clear_error(path), gzip.open(path) if packed else open(path, "rb") as file:
        file.read(header.size)
        while left and (count := file.readinto(left)):
            left = left[count:]
        if left or file.read(1):  # the last read, at the end of the file, also checks gzip's checksum
            raise _wrong_size(path, header, header.total - len(left) if left else "more")
    return array


@contextlib.contextmanager
def _clear_error(path):
    """Turn the errors that gzip raises within a ``with`` block into one clear error."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged gzip ({error}). Download it again.") from error


def _wrong_size(path, header, got):
    number = isinstance(got, int)
    fault = "too long" if got == "more" or number and got > header.total else "cut short"
    return ValueError(f"{path} is {fault}: its header, shape {header.shape}, promises {header.total:,} bytes; got "
                      f"{f'{got:,}' if number else got}. Download it again.")


def _as_labels(path, labels):
    """Return labels of any whole-number type as uint8, shape (N,)."""
    labels = labels.reshape(len(labels), -1)[:, 0]
    if labels.min() < 0 or labels.max() > 255:
        raise ValueError(f"{path} must hold labels from 0 to 255; got labels from {labels.min()} to {labels.max()}. "
                         "Number the classes from 0?")
    return labels.astype(np.uint8)
