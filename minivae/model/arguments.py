"""Checks of what a caller gives: numbers, words, random generators and arrays, each with a message that names it.

Values are checked here once, where they enter the package. An array is returned as a copy in the model's dtype.
"""

import math
import numbers

import numpy as np

from ..data.images import range_hint

__all__ = ["positive_integer", "whole_number", "finite_number", "one_of", "generator", "float_matrix"]


def positive_integer(name, value):
    """Return value as an int of at least 1, or raise a ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer; got {value!r}.")
    return int(value)


def whole_number(name, value):
    """Return value as an int of at least 0, or raise a ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        raise ValueError(f"{name} must be a whole number of at least 0; got {value!r}.")
    return int(value)


def finite_number(name, value, *, least=0, positive=False):
    """Return value as a float that is at least ``least``, and above 0 if ``positive``; or raise a ValueError."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < least or (positive and value == 0):
        range_ = " above 0" if positive else f" of at least {least}" if math.isfinite(least) else ""
        raise ValueError(f"{name} must be a finite number{range_}; got {value!r}.")
    return float(value)


def one_of(name, value, choices):
    """Return value, or raise a ValueError that lists the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}.")
    return value


def generator(rng):
    """Return rng if it is a NumPy generator, or raise a ValueError that says how to make one."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a np.random.Generator; got {rng!r}. Try np.random.default_rng(0).")
    return rng


def float_matrix(name, array, axes, columns, dtype, *, rows=None, classes=0, unit_interval=False):
    """Return a new copy of an array of two axes, in the model's dtype.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    array : array-like of floats, shape (rows, columns), or (rows, columns + classes)
    axes : str
        How the message writes the shape, such as ``"(B, D)"``.
    columns : int
    dtype : dtype
    rows : int, optional
        How many rows there must be; by default at least one.
    classes : int, optional
        C, for a conditional model, whose rows are joined with a label of C columns.
    unit_interval : bool, optional
        Whether every value must lie in [0, 1].

    Raises
    ------
    ValueError
        Naming the argument, what it is, what was expected, and what to try.
    """
    axes = axes.replace(")", " + C)") if classes else axes
    array = _floats(name, array, axes)
    if array.ndim != 2 or array.shape[1] != columns + classes or array.shape[0] != (rows or array.shape[0]):
        expected = f"{axes} = ({rows or 'any'}, {columns + classes})"
        hint = f" Flatten each image, as in {name}.reshape(len({name}), -1)?" if array.ndim > 2 else ""
        if rows is None and array.size == columns + classes and array.ndim < 3:
            hint = f" Is it one example? Then {name}.reshape(1, -1)."
        if classes and array.ndim == 2 and array.shape[1] == columns:
            hint = f" Join it with its labels: join_labels({name}, labels, {classes})."
        raise ValueError(f"{name} must have shape {expected}; got {array.shape}.{hint}")
    if array.size == 0:
        raise ValueError(f"{name} is empty; got shape {array.shape}.")
    with np.errstate(over="ignore"):
        array = np.array(array, dtype=dtype)
    low, high = array.min(), array.max()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} must be finite in {array.dtype}; got values from {low} to {high}.")
    if unit_interval and not (low >= 0 and high <= 1):
        worst, value = ("minimum", low) if low < 0 else ("maximum", high)
        raise ValueError(f"{name} must lie in [0, 1]; got a {worst} of {value}. {range_hint(low, high)}")
    return array


def _floats(name, given, axes):
    """Return the argument as an array of floats, or raise a ValueError that says what it is instead."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        uneven = f"a {type(given).__name__} of uneven rows"
        raise ValueError(f"{name} must be an array of floats of shape {axes}; got {uneven}.") from error
    if array.dtype.kind not in "biuf":
        got = f"dtype {array.dtype}" if isinstance(given, np.ndarray) else f"a {type(given).__name__}"
        raise ValueError(f"{name} must be an array of floats of shape {axes}; got {got}.")
    if array.dtype.kind != "f":
        grey = array.dtype == np.uint8
        convert = "Divide by 255 and convert to floats?" if grey else "Convert it with .astype(float)?"
        raise ValueError(f"{name} must be an array of floats; got dtype {array.dtype}. {convert}")
    return array
