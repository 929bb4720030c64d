"""What a check is given, made ready: points, claimed gradients, functions of a point.

What is wrong before any number is compared is a ``Fault``: a gradient that is missing, has the wrong shape, or is not
finite. The last functions collect the sizes and arrays that a mistake's name may be made of.
"""

import inspect
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .places import diagnose_shape
from .probe import Probe
from .words import Diagnosis, listed

__all__ = ["Fault", "KINDS", "WrongReturn", "raised", "as_point", "scalar_probe", "claims_of", "too_coarse",
           "argument_names", "of_point", "sizes_of", "letters_in", "arrays_in_closure"]

KINDS = ("raises", "missing", "surplus", "shape", "dtype", "inputs", "noise", "state", "stale", "upstream",
         "not finite", "value")   # in the order in which they should be fixed


class Fault(NamedTuple):
    """Something that is wrong whatever the numbers are.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    text : str
        A whole sentence.
    tensors : tuple of str
        The tensors whose gradients it concerns.
    """

    kind: str
    text: str
    tensors: tuple = ()


class WrongReturn(ValueError):
    """A foreign function returned something that cannot be used; the message says what."""


def raised(what, error):
    """Return the Fault of a foreign function that raised an error, or returned something that cannot be used."""
    if isinstance(error, WrongReturn):
        return Fault("raises", str(error))
    message = " ".join(str(error).split())
    shown = f": {message if len(message) <= 200 else message[:197] + '...'}" if message else ""
    return Fault("raises", f"{what} raised {type(error).__name__}{shown}")


def as_array(what, x):
    """Return x as an array, or raise a ValueError that says what to pass instead."""
    try:
        return np.asarray(x)
    except Exception as error:   # a foreign object may raise anything
        said = str(error)
    if "detach" in said:
        raise ValueError(f"{what} must be a NumPy array; got a tensor that requires grad. "
                         "Hand over tensor.detach().numpy().")
    if isinstance(x, (list, tuple)):
        raise ValueError(f"{what} must be one array, or a dict of arrays by name; got a {type(x).__name__} of "
                         f"{len(x)}. With several arrays, write a dict such as {{'W': W, 'b': b}}, for grads as well.")
    raise ValueError(f"{what} must be an array of real numbers; got a {type(x).__name__}.")


def as_point(at):
    """Return ``at`` as a dict of arrays, or raise a ValueError that says what is wrong with it."""
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
    """Return the Probe of a function that returns one number."""
    def number(point):
        value = f(point)
        try:
            value = np.asarray(value)
        except Exception:   # a foreign object may raise anything
            raise WrongReturn(f"{what} must return one number; got a {type(value).__name__}. "
                              "Return a float, such as loss.item()?") from None
        if value.dtype.kind not in "fiub":
            raise WrongReturn(f"{what} must return one real number; got {_not_real(value)}")
        if value.size != 1:
            raise WrongReturn(f"{what} must return one number; got an array of shape {value.shape}. Sum or average it?")
        return value.reshape(())

    return Probe(number, at, noise=noise)


def _not_real(value):
    """Say what a value is that holds no real numbers, and what to do about it."""
    if value.dtype.kind == "c":
        return f"{value.dtype}. Return its real part or its absolute value, whichever the loss is."
    if value.dtype.kind == "O" and value.shape == ():
        return "None. Is there a return at its end?" if value.item() is None else f"type {type(value.item()).__name__}."
    return "a string." if value.dtype.kind in "US" else f"an array of {value.dtype}."


def as_claim(name, gradient, shape):
    """Return a claimed gradient as an array of real numbers, a copy in its own precision, and its Fault or None.

    The array is None if the claim holds no numbers to compare. If its shape is wrong there is both an array and a
    Fault: the numbers can still show what was done.
    """
    if gradient is None:
        return None, Fault("missing", f"{name}: the gradient is missing", (name,))
    try:
        claim = np.array(gradient)   # a foreign object may raise anything
        if claim.dtype.kind not in "fiub":
            if claim.dtype.kind not in "cO" or claim.dtype.kind == "c" and claim.imag.any():
                raise TypeError
            claim = claim.real.astype(np.float64)
    except Exception as error:
        if "detach" in str(error):
            return None, Fault("dtype", f"{name}: the gradient must be a NumPy array; got a tensor that requires grad. "
                                        "Hand over tensor.detach().numpy()", (name,))
        kind = getattr(getattr(gradient, "dtype", None), "name", type(gradient).__name__)
        return None, Fault("dtype", f"{name}: the gradient must be an array of real numbers; got {kind}", (name,))
    if claim.shape != shape:
        return claim, Fault("shape", f"{name}: the gradient has shape {claim.shape}; {name} has shape {shape}", (name,))
    bad = ~np.isfinite(claim) if claim.dtype.kind == "f" else np.zeros(shape, bool)
    if bad.any():
        where = f" at {[int(i) for i in np.argwhere(bad)[0]]}" if shape else ""
        return None, Fault("not finite", f"{name}: {int(bad.sum())} of {claim.size} numbers of the gradient are not "
                                         f"finite; the first is {claim[bad].flat[0]}{where}", (name,))
    return claim, None


def claims_of(gradients, at, probe):
    """Separate the gradients that can be compared from those that are already wrong in form.

    Returns
    -------
    claims : dict of str to ndarray
    faults : list of Fault
    hints : list of Diagnosis
        What the numbers of a gradient of the wrong shape show.
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


def too_coarse(probe, what):
    """Return a list of at most one sentence: why the function is too coarse for small differences."""
    kinds = {float(np.finfo(kind).eps): kind.__name__ for kind in (np.float16, np.float32)}
    if probe.base.dtype == np.float64 and probe.precision in kinds:
        return [f"{what}'s values have the digits of {kinds[probe.precision]} alone: too coarse to show more than "
                "gross mistakes. Compute it in float64"]
    if probe.stairs:
        return [f"{what} moves in stairs along {listed(sorted(probe.stairs))}: something in it is rounded, or stops "
                "at a tolerance. It is too coarse for small differences; compute it more finely, or say noise="
                f"{probe.highest_jump:.1g}, the highest step seen, or more, if you know how far off it may be"]
    return []


def argument_names(function, count):
    """Return the names of a function's first arguments; "argument 0", ... where they are unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    except (TypeError, ValueError):   # a ufunc, or a function written in C
        names = []
    return names + [f"argument {k}" for k in range(len(names), count)]


def of_point(forward, names, args):
    """Return a forward as a function of a dict: its entries replace the arguments of the same name."""
    def function(point):
        return forward(*(point.get(name, arg) for name, arg in zip(names, args)))

    return function


def sizes_of(arrays, letters=None, given=None):
    """Return the lengths of all axes by name: B for the first axis of a matrix, otherwise such as ``W.shape[1]``.

    Parameters
    ----------
    arrays : dict of str to ndarray
    letters : dict of str to sequence of str, optional
        Names of axes, where they are known, such as ``{"x": "BI"}``.
    given : dict of str to int, optional
        Sizes by name, which come first; an axis without a letter is left out if a given size has its length.
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
    """Return, by name, the arrays and floats that a function refers to without taking them as arguments.

    Functions that it calls are searched as well, ``depth`` levels deep.
    """
    try:
        seen = inspect.getclosurevars(function)
    except TypeError:   # not written in Python
        return {}
    found = {}
    for name, value in {**seen.globals, **seen.nonlocals}.items():
        if isinstance(value, np.ndarray) or isinstance(value, float) and name in seen.nonlocals:
            found[name] = value
        elif inspect.isfunction(value) and depth:
            found = {**arrays_in_closure(value, depth - 1), **found}
    return found
