"""Checks of shapes, one line in each kernel: every axis has a letter, and a letter has one size.

The letters are those of the whole project: B batch, D data (pixels), H hidden, K latent, S samples per example; a dense
layer on its own maps I inputs to O outputs. Values are not checked here; the model checks them once, in
``model/arguments.py``.
"""

import numpy as np

__all__ = ["check_shapes"]


def check_shapes(**arrays):
    """Raise a ValueError unless every array holds floats and has the axes that its letters say.

    Parameters
    ----------
    **arrays : (ndarray or None, str)
        Under the argument's name, the array and its axes, such as ``W=(W, "IO")``; "" is one number. The first
        array that uses a letter sets its size. None, for an ``out`` that was not given, is skipped.

    Raises
    ------
    ValueError
        Naming the argument, the shape it has and the shape it should have.
    """
    sizes = {}
    for name, (array, letters) in arrays.items():
        if array is None:
            continue
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise ValueError(_not_floats(name, array))
        if array.ndim != len(letters):
            raise ValueError(_wrong_shape(name, array, letters, sizes))
        for letter, size in zip(letters, array.shape):
            if sizes.setdefault(letter, size) != size:
                raise ValueError(_wrong_shape(name, array, letters, sizes))


def _not_floats(name, array):
    kind = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
    return f"{name} must be a NumPy array of floats; got {kind}. Convert it with np.asarray({name}, dtype=float)?"


def _wrong_shape(name, array, letters, sizes):
    comma = "," if len(letters) == 1 else ""
    known = ", ".join(f"{letter} = {sizes[letter]}" for letter in letters if letter in sizes)
    where = f" with {known}" if known else ""
    return f"{name} must have shape ({', '.join(letters)}{comma}){where}; got {array.shape}."
