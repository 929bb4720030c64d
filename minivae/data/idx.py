"""Reads the IDX files in which MNIST was published, and after it Fashion-MNIST, KMNIST and others.

An IDX file is a header and then the bytes of one array. The header: two zero bytes, a byte for the element
type, a byte for the number of axes, and four bytes, the highest first, for the length of each axis.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Dataset", "load_idx"]

# What each array is called on disk: the array's name, the file's stem, the number of its axes.
FILES = [
    ("train_images", "train-images", 3),
    ("train_labels", "train-labels", 1),
    ("test_images", "t10k-images", 3),
    ("test_labels", "t10k-labels", 1),
]

ELEMENT_TYPES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}

# What a failed download or a half-finished setup leaves behind, known by its first bytes.
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
    """Load a data set from a folder of four IDX files, raw or gzipped, under MNIST's usual names.

    Parameters
    ----------
    folder : str or path
        Holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
        t10k-labels-idx1-ubyte, each perhaps with .gz; a dot before idx does as well. Where a file is there
        raw and gzipped, the raw one is read.

    Returns
    -------
    dataset : Dataset
        Images of any one size, as uint8. The arrays are the caller's own and may be written to.

    Raises
    ------
    FileNotFoundError
        If the folder or one of the four files is not there.
    ValueError
        If a file is not what its name says, is damaged or holds nothing, or if the four do not fit together.
    """
    folder = Path(folder)
    paths = _find_files(folder)
    dataset = Dataset(**{name: _read_idx(paths[name], axes) for name, _, axes in FILES})
    for part in ("train", "test"):
        images, labels = getattr(dataset, f"{part}_images"), getattr(dataset, f"{part}_labels")
        if len(images) != len(labels):
            raise ValueError(f"folder {folder} must hold one label for every image; got {len(images)} images and "
                             f"{len(labels)} labels to {part}. Do the files come from one data set?")
    train_size, test_size = dataset.train_images.shape[1:], dataset.test_images.shape[1:]
    if train_size != test_size:
        raise ValueError(f"folder {folder} must hold images of one size; got {train_size} to train on and "
                         f"{test_size} to test on. Do the files come from one data set?")
    return dataset


def _find_files(folder):
    """Map each array's name to its path in the folder; say all that is missing at once."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise FileNotFoundError(f"{folder} {what}; a folder of four IDX files is needed.")
    paths, missing = {}, []
    for name, stem, axes in FILES:
        spellings = [f"{stem}{mark}idx{axes}-ubyte{end}" for end in ("", ".gz") for mark in "-."]
        found = [folder / spelling for spelling in spellings if (folder / spelling).is_file()]
        if found:
            paths[name] = found[0]
        else:
            missing.append(spellings[0])
    if missing:
        held = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
        shown = ", ".join(held[:12]) + (f" and {len(held) - 12} more" if len(held) > 12 else "")
        raise FileNotFoundError(f"folder {folder} lacks {len(missing)} of the four IDX files. Looked for "
                                f"{', '.join(missing)} (as they are, or with .gz). The folder holds {shown or 'nothing'}.")
    return paths


def _read_idx(path, axes):
    """Read one IDX file of uint8 as an array with so many axes."""
    contents = _read_bytes(path)
    header = 4 + 4 * axes
    if len(contents) < 4:
        raise ValueError(f"{path} is cut short: it must begin with 4 bytes of type and axes; got {len(contents)}. Copy it again?")
    if contents[:2] != b"\0\0":
        raise ValueError(f"{path} is not an IDX file: it must begin with two zero bytes; got {contents[:4]!r}.")
    element_type, got_axes = contents[2], contents[3]
    if element_type != 8:
        got = ELEMENT_TYPES.get(element_type, f"the unknown type {element_type}")
        raise ValueError(f"{path} must hold uint8 (element type 8); got {got}.")
    if got_axes != axes:
        raise ValueError(f"{path} must hold an array of {axes} axes; got {got_axes}. "
                         "Were images and labels interchanged, or are the images in colour?")
    if len(contents) < header:
        raise ValueError(f"{path} is cut short: its header must have {header} bytes; got {len(contents)}. Copy it again?")
    shape = struct.unpack(f">{axes}I", contents[4:header])
    expected = header + math.prod(shape)
    if len(contents) != expected:
        fault = "too long" if len(contents) > expected else "cut short"
        raise ValueError(f"{path} is {fault}: its header, shape {shape}, promises {expected:,} bytes; got "
                         f"{len(contents):,}{' unpacked' * (path.suffix == '.gz')}. Download it again.")
    if 0 in shape:
        raise ValueError(f"{path} holds nothing: its shape is {shape}.")
    return np.frombuffer(contents, np.uint8, offset=header).reshape(shape).copy()


def _read_bytes(path):
    """Read a whole file, unpacked if it is gzip (which its first bytes tell, whatever its name)."""
    contents = path.read_bytes()
    if contents[:2] == b"\x1f\x8b":
        try:
            contents = gzip.decompress(contents)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged gzip ({error}). Download it again.") from error
    if not contents:
        raise ValueError(f"{path} is empty. Download it again.")
    start = contents[:512].removeprefix(b"\xef\xbb\xbf").lstrip()  # past a byte order mark and blanks
    for prefix, what, remedy in IMPOSTORS:
        if start.startswith(prefix):
            raise ValueError(f"{path} is {what}. {remedy}")
    return contents
