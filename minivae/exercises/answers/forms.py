"""What a function returned, made into one array for each thing that was asked for, or the first reason why not.

Taken: a tuple or a list, an array that unpacks into as many, a dict with the names; for one thing the thing itself, or
it alone in a tuple. Nested lists are arrays.
"""

import numpy as np

from .foreign import NUMBERS, Failed, Other

__all__ = ["as_arrays", "as_number", "shown_shape"]


def as_arrays(result, shapes, dtype=np.float64, mapping=False, truth=None):
    """Return the arrays that were asked for.

    Parameters
    ----------
    result : object
        Plain, as ``plain`` makes it.
    shapes : dict of str to tuple of int
        Name and shape of each thing to return, in order.
    dtype : dtype, optional
        Of the arguments: less precision than that is a fault.
    mapping : bool, optional
        Whether it must be a dict.
    truth : dict of str to ndarray, optional
        The right values. Where one is infinite, it is what must be returned; anywhere else a finite number.

    Returns
    -------
    arrays : dict of str to ndarray

    Raises
    ------
    Failed
        The first thing wrong: how many, then the shapes, then the dtypes.
    """
    names = list(shapes)
    arrays = {name: _array(name, part) for name, part in _parts(result, names, shapes, mapping).items()}
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            order = sorted(a.shape for a in arrays.values()) == sorted(shapes.values())
            raise Failed("shape", f"{name} has shape {shown_shape(array.shape)}; it should have "
                                  f"{shown_shape(shapes[name])}"
                         + f". The order is {_list(names)}" * order, name, array if array.size <= NUMBERS else None)
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise Failed("dtype", f"{name} is of {_kind(array)}; floats are expected", name)
        if array.dtype.itemsize < np.dtype(dtype).itemsize:
            raise Failed("dtype", f"{name} is {array.dtype} where what came in is {np.dtype(dtype)}: digits are lost. "
                                  "Keep the dtype of the arguments", name)
    for name, array in arrays.items():
        right = np.zeros(shapes[name]) if truth is None else truth[name]
        bad = (~np.isfinite(array) | np.isinf(right)) & (array != right)
        if bad.any():
            should = f"; it should be {right[bad].flat[0]}" if np.isinf(right[bad].flat[0]) else ""
            raise Failed("not finite", f"{name} is {array[bad].flat[0]}{_place(bad)}{should}", name, array)
    return arrays


def as_number(result, name):
    """Return a single real number, however it is wrapped, or raise Failed."""
    if result is None:
        raise Failed("missing", "it returns None. Is there a return at its end?")
    array = _quiet(result) if isinstance(result, list) else result
    if array is None or isinstance(array, (Other, str, dict)) or np.size(array) != 1:
        raise Failed("shape", f"{name} should be one number; got {_what(result)}", name)
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise Failed("dtype", f"{name} should be a real number; got {_kind(array)}", name)
    return float(array.reshape(()))


def shown_shape(shape):
    return str(tuple(map(int, shape)))


def _parts(result, names, shapes, mapping):
    """Sort what came under the names that were asked for."""
    if result is None:
        raise Failed("missing", "it returns None. Is there a return at its end?")
    if isinstance(result, dict):
        result = _by_name(result, names)
    elif mapping:
        raise Failed("missing", f"it should return a dict with the keys {_list(names)}; got {_what(result)}")
    elif len(names) == 1:
        result = _without_none(result, 1)
        alone = isinstance(result, list) and len(result) == 1 and isinstance(result[0], (np.ndarray, list))
        alone = alone and np.shape(_quiet(result[0])) == shapes[names[0]]
        result = {names[0]: result[0] if alone else result}
    else:
        result = _unpacked(result, names)
    for name in names:
        if name not in result:
            raise Failed("missing", f"{name} is missing; asked for: {_list(names)}", name)
        if result[name] is None:
            raise Failed("missing", f"{name} is None", name)
    return {name: result[name] for name in names}


def _by_name(result, names):
    """A dict's entries under the names asked for; a gradient may be called by what it is the gradient of."""
    named = {key if key in names else f"d{key}": part for key, part in result.items()}
    foreign = [key for key in result if key not in names and f"d{key}" not in names]
    if foreign and not any(name in named for name in names):
        raise Failed("missing", f"its keys are {_list(foreign)}; asked for: {_list(names)}")
    if foreign and all(name in named for name in names):
        raise Failed("surplus", f"it returns {foreign[0]!r} as well, which was not asked for; asked for: "
                                f"{_list(names)}")
    return named


def _without_none(result, count):
    """A list without what stands at its end for things that are not differentiated."""
    while isinstance(result, list) and len(result) > count and result[-1] is None:
        result = result[:-1]
    return result


def _unpacked(result, names):
    if isinstance(result, np.ndarray) and result.ndim and len(result) == len(names):
        result = list(result)
    if not isinstance(result, list):
        raise Failed("missing", f"it returns {_what(result)}; asked for are {len(names)} things: {_list(names)}")
    result = _without_none(result, len(names))
    if len(result) != len(names):
        kind = "surplus" if len(result) > len(names) else "missing"
        raise Failed(kind, f"it returns {len(result)} things; asked for are {len(names)}: {_list(names)}")
    return dict(zip(names, result))


def _array(name, part):
    array = _quiet(part) if isinstance(part, list) else part
    if array is None or isinstance(array, (Other, str, dict)):
        raise Failed("dtype", f"{name} should be an array of floats; got {_what(part)}", name)
    if isinstance(part, list) and array.dtype.kind in "iu" or type(part) in (int, float):   # whole numbers mean floats
        array = np.asarray(array, float)
    return np.asarray(array)


def _quiet(part):
    """A nested list as an array, or None if it is none."""
    try:
        array = np.array(part)
    except Exception:   # ragged, or of objects
        return None
    return array if array.dtype.kind in "fiubc" else None


def _what(part):
    if isinstance(part, np.ndarray):
        return f"one array of shape {shown_shape(part.shape)}"
    if isinstance(part, Other):
        return f"a {part.kind}" if part.kind[:1] not in "aeiouAEIOU" else f"an {part.kind}"
    if isinstance(part, list):
        kinds = {type(entry).__name__ for entry in part}
        known = len(kinds) == 1 and kinds <= {"str", "dict"}
        return f"a list of {kinds.pop()}s" if known else "a list that is not an array"
    return f"a {type(part).__name__}"


def _kind(array):
    return {"i": "whole numbers", "u": "whole numbers", "b": "booleans", "c": "complex numbers"}.get(
        array.dtype.kind, str(array.dtype))


def _place(bad):
    return f" at {[int(i) for i in np.argwhere(bad)[0]]}" if bad.ndim else ""


def _list(names):
    return ", ".join(map(str, names))
