"""What the checks are given, made ready: points, claims, functions of a point; and the sizes and arrays in sight."""

import inspect
import re
from collections.abc import Mapping

import numpy as np

from .claims import as_claim, listed
from .diagnosis import diagnose_shape
from .probe import Probe
from .words import Diagnosis

__all__ = ["NotANumber", "as_point", "scalar_probe", "claims_of", "coarseness", "argument_names", "of_point",
           "sizes_of", "with_given", "letters_in", "arrays_in_closure"]


class NotANumber(ValueError):
    """A scalar function that returned something else."""


def as_array(what, x):
    """Return x as an array, or raise a ValueError that says what to hand over."""
    try:
        return np.asarray(x)
    except Exception as error:   # a foreign object's own, whatever it is
        said = str(error)
    if "detach" in said:
        raise ValueError(f"{what} must be a NumPy array; got a tensor that requires grad. "
                         "Hand over tensor.detach().numpy().")
    if isinstance(x, (list, tuple)):
        raise ValueError(f"{what} must be one array, or a dict of arrays by name; got a {type(x).__name__} of "
                         f"{len(x)}. With several arrays, write a dict such as {{'W': W, 'b': b}}, for grads as well.")
    raise ValueError(f"{what} must be an array of real numbers; got a {type(x).__name__}.")


def as_point(at):
    """Return at as a dict of arrays, or raise a ValueError that names what is wrong in it."""
    if not isinstance(at, Mapping) or not at:
        raise ValueError(f"at must be a dict of arrays with at least one entry; got {at!r}.")
    point = {}
    for name, x in at.items():
        x = as_array(f"at[{name!r}]", x)
        if x.dtype.kind not in "fiub":
            raise ValueError(f"at[{name!r}] must be an array of real numbers; got dtype {x.dtype}.")
        if not np.isfinite(x).all():
            raise ValueError(f"at[{name!r}] must be finite; a gradient cannot be checked at {x[~np.isfinite(x)][0]}.")
        point[name] = x
    return point


def scalar_probe(f, at, what="f", noise=0.0):
    """Return the Probe of a function that yields one number."""
    def number(point):
        value = f(point)
        try:
            value = np.asarray(value)
        except Exception:   # a foreign object's own
            raise NotANumber(f"{what} must return one number; got a {type(value).__name__}. "
                             "Return a float, such as loss.item()?") from None
        if value.dtype.kind not in "fiub":
            raise NotANumber(f"{what} must return one real number; got {_not_real(value)}")
        if value.size != 1:
            raise NotANumber(f"{what} must return one number; got an array of shape {value.shape}. Sum or average it?")
        return value.reshape(())

    return Probe(number, at, noise=noise)


def _not_real(value):
    """Say what an array of no real numbers is, and what to do about it."""
    if value.dtype.kind == "c":
        return f"{value.dtype}. Return its real part or its absolute value, whichever the loss is."
    if value.dtype.kind == "O" and value.shape == ():
        return "None. Is there a return at its end?" if value.item() is None else f"type {type(value.item()).__name__}."
    return "a string." if value.dtype.kind in "US" else f"an array of {value.dtype}."


def claims_of(gradients, at, probe):
    """Sort gradients into those that can be compared and those whose form is already wrong.

    Returns
    -------
    claims : dict of str to ndarray
    faults : list of Fault
    hints : list of Diagnosis
        What the numbers of a wrongly shaped gradient say.
    """
    claims, faults, hints = {}, [], []
    for name, x in at.items():
        claim, fault = as_claim(name, gradients.get(name), x.shape)
        if fault is None:
            claims[name] = claim
            continue
        faults.append(fault)
        if fault.kind == "shape":
            hint = diagnose_shape(claim.astype(np.float64), name, x.shape, probe)
            hints += [Diagnosis("arranged", (name,), hint)] if hint else []
    return claims, faults, hints


def coarseness(probe, what):
    """Return as a list of one sentence, or none, what makes a function too coarse for fine differences."""
    kinds = {float(np.finfo(kind).eps): kind.__name__ for kind in (np.float16, np.float32)}
    if probe.base.dtype == np.float64 and probe.precision in kinds:
        return [f"{what}'s values have the digits of {kinds[probe.precision]} alone: too coarse to show more than "
                "gross mistakes. Compute it in float64"]
    if probe.coarse:
        return [f"{what} moves in stairs along {listed(sorted(probe.coarse))}: something in it is rounded, or stops "
                f"at a tolerance. It is too coarse for small differences; compute it more finely, or say noise="
                f"{probe.highest_jump:.1g}, the highest step seen, or more, if you know how far off it may be"]
    return []


def argument_names(function, count):
    """Return the names of a function's first arguments; argument 0, 1, ... where they cannot be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    except (TypeError, ValueError):   # a ufunc, or something that is written in C
        names = []
    return names + [f"argument {k}" for k in range(len(names), count)]


def of_point(forward, names, args):
    """Turn a function of arguments into a function of a dict, which replaces some of them."""
    def function(point):
        return forward(*(point.get(name, arg) for name, arg in zip(names, args)))

    return function


def sizes_of(arrays, letters=None):
    """Return the lengths of all axes by name: B for the first axis that several share, else as ``W.shape[1]``.

    Parameters
    ----------
    arrays : dict of str to ndarray
    letters : dict of str to sequence of str, optional
        Axis names where they are known, such as ``{"x": "BI"}``.
    """
    sizes = {}
    for name, axes in (letters or {}).items():
        shape = np.shape(arrays.get(name))
        if len(axes) == len(shape):
            sizes.update({letter: n for letter, n in zip(axes, shape) if letter not in sizes})
    if not sizes:
        batched = [np.shape(array)[0] for array in arrays.values() if np.ndim(array) >= 2]
        if batched:
            sizes["B"] = batched[0]
    sizes.update({name: abs(value) for name, value in arrays.items() if isinstance(value, float)})
    for name, array in arrays.items():
        for axis, n in enumerate(np.shape(array)):
            if n not in sizes.values():
                sizes[f"{name}.shape[{axis}]"] = n
    return sizes


def with_given(given, sizes):
    """Return sizes by name, given ones first; what has no name but an array's axis is left out beside them."""
    given = dict(given or {})
    return {**given, **{name: n for name, n in sizes.items()
                        if name not in given and not ("." in name and n in given.values())}}


def letters_in(function):
    """Read axis names from a numpydoc docstring: ``x : ndarray, shape (B, D)`` gives ``{"x": ["B", "D"]}``."""
    letters = {}
    for names, axes in re.findall(r"^\s*([\w, ]+?) : .*?shape \(([^()]*)\)", inspect.getdoc(function) or "", re.M):
        for name in names.split(","):
            axes_of = [axis.strip() for axis in axes.split(",") if axis.strip()]
            if all(re.fullmatch(r"[A-Za-z]\w*", axis) for axis in axes_of):
                letters[name.strip()] = axes_of
    return letters


def arrays_in_closure(function, depth=3):
    """Return the arrays and floats that a function refers to without being given them, by name.

    Parameters
    ----------
    function : callable
        Functions that it refers to are looked into as well.
    depth : int, optional
        How many functions deep.

    Returns
    -------
    dict of str to ndarray or float
    """
    try:
        seen = inspect.getclosurevars(function)
    except TypeError:   # not written in Python: nothing to see
        return {}
    found = {}
    for name, value in {**seen.globals, **seen.nonlocals}.items():
        if isinstance(value, np.ndarray) or isinstance(value, float) and name in seen.nonlocals:
            found[name] = value
        elif inspect.isfunction(value) and depth:
            found = {**arrays_in_closure(value, depth - 1), **found}
    return found
