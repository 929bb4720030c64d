"""Files that are written whole or not at all, and read with an explanation when they are damaged.

A file is first written beside its target under a name ending in .tmp and then moved into place, which the
operating system does in one step: whatever happens, the target is the old file or the new one.
"""

import contextlib
import os
import pathlib

import numpy as np

__all__ = ["CheckpointError", "whole_file", "write_arrays", "read_arrays"]


class CheckpointError(ValueError):
    """A model file cannot be used: the message names the path, what is wrong, and the remedy."""


@contextlib.contextmanager
def whole_file(path):
    """Open a binary file that replaces ``path`` when the block ends without an error, and not otherwise.

    Parameters
    ----------
    path : str or path-like
        The target. Its folder must exist.

    Yields
    ------
    file : binary file object
        Open for writing and reading, under the target's name with ``.tmp`` added.

    Raises
    ------
    OSError
        If the file cannot be written. The target is then as it was.
    """
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the folder {path.parent} does not exist. Make it first.")
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # on the disk before the old file goes
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise type(error)(error.errno, f"cannot write it: {error.strerror}", str(path)) from error
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


def write_arrays(path, arrays):
    """Write named arrays to ``path`` as an uncompressed npz, whole or not at all.

    Parameters
    ----------
    path : str or path-like
    arrays : dict of str to ndarray
        No object arrays: nothing is ever pickled.
    """
    objects = [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]
    if objects:  # np.savez refuses them itself only from NumPy 2.2 on
        raise ValueError(f"arrays must hold numbers or text; got Python objects in {', '.join(objects)}.")
    with whole_file(path) as file:
        np.savez(file, **arrays)


def read_arrays(path):
    """Read every array of an npz file into memory.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is not a whole npz of plain arrays: empty, cut short, altered, or something else altogether.
    """
    if pathlib.Path(path).is_dir():
        raise CheckpointError(f"{path} is a folder. Name the model in it, such as {pathlib.Path(path) / 'model.npz'}.")
    with open(path, "rb") as file:
        head = file.read(512)
    if not head.startswith(b"PK\x03\x04"):  # NumPy would take anything else for a pickle
        raise CheckpointError(f"{path} is not a minivae model: {_what_it_is(head)}")
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile, zlib, struct and NumPy each have their own for a damaged file
        raise CheckpointError(
            f"{path} is damaged ({type(error).__name__}: {error}). Copy it again, or train again."
        ) from error


def _what_it_is(head):
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n")  # past a byte order mark and blanks
    if not head:
        return "the file is empty. Train again, or restore it from a copy."
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer; the model itself was not fetched. Run git lfs pull?"
    if head.startswith(b"<"):
        return "it is an HTML page. Was a web page saved in place of the download?"
    return "it does not begin as an npz file does. Is it the file that model.save or train wrote?"
