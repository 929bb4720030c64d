"""Writing files whole or not at all, and reading npz files with a clear error if they are damaged.

A file is first written beside its target, under a name that ends in .tmp, and then moved into place. The operating
system does this in one step, so the target is always either the old file or the new one.
"""

import contextlib
import math
import os
import pathlib
import zipfile

import numpy as np

__all__ = ["CheckpointError", "remove_writable", "whole_file", "write_arrays", "open_arrays", "Archive"]

MOST_TEXT = 2**26  # the longest text that is read, in bytes: far more than the record of any run


class CheckpointError(ValueError):
    """A model file cannot be used: the message names the path, what is wrong, and the remedy."""


@contextlib.contextmanager
def whole_file(path):
    """Open a binary file that replaces ``path`` if the ``with`` block ends without an error, and only then.

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
        with contextlib.suppress(OSError):  # it may be a folder
            temporary.unlink()
        raise type(error)(error.errno, f"cannot write it: {error.strerror}", str(path)) from error
    except BaseException:  # Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise


def remove_writable(path):
    """Remove ``path``, if it exists, after a trial that a file can be written in its place.

    Raises
    ------
    OSError
        If no file can be written there: at once, and not after an hour of work. An existing file then stays.
    """
    with contextlib.suppress(_TrialEnds), whole_file(path) as file:
        file.write(b"\0" * 4096)
        raise _TrialEnds  # so that the trial file is dropped
    pathlib.Path(path).unlink(missing_ok=True)


class _TrialEnds(Exception):
    """Ends a trial of writing; it is not an error."""


def write_arrays(path, arrays):
    """Write named arrays to ``path`` as an uncompressed npz, whole or not at all.

    Parameters
    ----------
    path : str or path-like
    arrays : dict of str to ndarray
        Arrays of Python objects are refused: nothing is ever pickled.
    """
    objects = [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]
    if objects:  # np.savez refuses them itself only from NumPy 2.2 on
        raise ValueError(f"arrays must hold numbers or text; got Python objects in {', '.join(objects)}.")
    with whole_file(path) as file:
        np.savez(file, **arrays)


@contextlib.contextmanager
def open_arrays(path):
    """Open an npz file, from which single arrays can then be read.

    Parameters
    ----------
    path : str or path-like

    Yields
    ------
    archive : Archive

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is not a complete npz file: empty, cut short, altered, or another kind of file.
    """
    if pathlib.Path(path).is_dir():
        raise CheckpointError(f"{path} is a folder. Name the model in it, such as {pathlib.Path(path) / 'model.npz'}.")
    with open(path, "rb") as file:
        head = file.read(512)
        if not head.startswith(b"PK\x03\x04"):
            raise CheckpointError(f"{path} is not a minivae model: {_what_it_is(head)}")
        with _damage(path):
            archive = zipfile.ZipFile(file)
        yield Archive(path, archive)


class Archive:
    """The arrays of an npz file. The header of each array is checked before the array is unpacked.

    So a small file can neither fill the memory nor run code.
    """

    def __init__(self, path, archive):
        self.path, self._archive = path, archive
        self.names = [member.removesuffix(".npy") for member in archive.namelist()]

    def text(self, name):
        """Return a text, or a single whole number, as a str."""
        shape, dtype = self.header(name)
        if shape != () or dtype.kind not in "Ui" or dtype.itemsize > MOST_TEXT:
            raise CheckpointError(f"{self.path}: {name} must be one short text; got shape {shape} and dtype {dtype}. "
                                  "Train again, or restore a copy.")
        return str(self._read(name))

    def array(self, name, shape, dtype):
        """Return an array, which must have this shape and dtype."""
        found, found_dtype = self.header(name)
        if found != shape or found_dtype != dtype:
            raise CheckpointError(f"{self.path}: {name} must have shape {shape} and dtype {np.dtype(dtype)}, by the "
                                  f"model's settings; got {found} and {found_dtype}. Train again, or restore a copy.")
        return self._read(name)

    def header(self, name):
        """Return an array's shape and dtype from its header, without unpacking it."""
        with _damage(self.path), self._archive.open(name + ".npy") as member:
            version = np.lib.format.read_magic(member)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(member)
            length = self._archive.getinfo(name + ".npy").file_size
            numbers = dtype.itemsize * math.prod(shape)
        if dtype.hasobject:
            raise CheckpointError(f"{self.path}: {name} holds Python objects, which minivae never reads, because "
                                  "reading them can run code. Is it the file that model.save or train wrote?")
        if not numbers < length:
            raise CheckpointError(f"{self.path} is damaged: {name} has {length} bytes, and {numbers} are expected "
                                  "after its header. Copy it again, or train again.")
        return shape, dtype

    def _read(self, name):
        with _damage(self.path), self._archive.open(name + ".npy") as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):
                raise ValueError("more follows than the header says")
            return array


@contextlib.contextmanager
def _damage(path):
    """Turn what zipfile, zlib, struct and NumPy raise for a damaged file into a CheckpointError."""
    try:
        yield
    except Exception as error:
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
