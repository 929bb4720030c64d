"""What the checks are given, made ready: points as dicts of arrays, claims as arrays, functions of a point."""

import inspect
from collections.abc import Mapping

import numpy as np

from .claims import as_claim, listed
from .diagnosis import diagnose_shape
from .probe import Probe
from .words import Diagnosis

__all__ = ["NotANumber", "as_point", "scalar_probe", "claims_of", "coarseness", "argument_names", "of_point"]


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
                "at a tolerance. It is too coarse for small differences; compute it more finely"]
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
