"""The check of a forward with its backward, a vector-Jacobian product: numbers and behaviour."""

import numpy as np

from .behaviour import Pair, fixed_on_first, observe
from .claims import Fault, raised
from .constants import letters_in, sizes_of, with_given
from .diagnosis import diagnose
from .compare import measure
from .inputs import argument_names, claims_of, coarseness, of_point
from .probe import Probe
from .report import Report
from .record import OUTPUT, UPSTREAM, Context

__all__ = ["check_vjp"]


def check_vjp(forward, backward, *args, rng=None, wrt=None, sizes=None):
    """Check a backward, its numbers and its behaviour, against differences of its forward.

    Parameters
    ----------
    forward : callable
        ``forward(*args)`` returns one array.
    backward : callable
        ``backward(dy, *args)`` returns the gradients of the arguments, in order: a tuple, a list, or one array. None,
        or left off at the end, means not differentiated; the report notes it.
    *args
        Arrays of floats, and floats, may be differentiated; anything else is passed on as it is.
    rng : numpy.random.Generator, optional
        Draws the upstream gradients and chooses the sample; by default always the same.
    wrt : sequence of int, optional
        Positions of arguments whose gradients must be there: one left out is then a fault.
    sizes : dict of str to int, optional
        Names for numbers that a factor may be made of, such as ``{"B": 5}``. The shapes in sight, and axis letters in
        the forward's docstring (``shape (B, D)``), are used anyway.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If no argument can be differentiated. What the functions do wrong is reported, not raised.

    Notes
    -----
    What is checked is equation 6.8, <dy, J v> = <J^T dy, v>, for v every unit vector (or a sample and random directions). The
    upstream gradient dy is random: all ones would hide that it is ignored, or summed along the wrong axis.

    Examples
    --------
    >>> import numpy as np
    >>> report = check_vjp(np.tanh, lambda dy, a: dy * (1 - a**2), np.linspace(-1, 1, 5))
    >>> report.verdict
    'fail'
    """
    rng = np.random.default_rng(0) if rng is None else rng
    names = argument_names(forward, len(args))
    args = [np.array(arg) if isinstance(arg, (np.ndarray, list)) else arg for arg in args]
    if not any(map(_is_float, args)):
        raise ValueError(f"args must hold an array of floats; got {', '.join(map(_kind, args)) or 'none'}.")
    pair = Pair(forward, backward, names)
    dy, gradients, other, faults = observe(pair, args, rng)
    if gradients is None:
        return _report([], faults)
    differentiated = _differentiated(forward, names, args, gradients)
    try:
        probe = Probe(of_point(forward, names, args), differentiated, dy)
    except Exception as error:   # foreign, as above
        return _report([], faults + [raised("forward, given float64 copies,", error)])
    if not np.isfinite(probe.base).all():
        return _report([], faults, doubts=["forward's output is not finite at this point"])
    claims, found, hints = claims_of(dict(zip(names, gradients)), differentiated, probe)
    (tensors, directions), notes = measure(probe, claims, rng), _notes(names, args, gradients, claims)
    exact = _in_float64(pair, dy, args, probe, rng) if any(t.off.any() for t in tensors) else None
    if exact:
        (tensors, directions), notes = exact, notes + ["judged by what backward answers in float64: float32 is too coarse here"]
    moving = {fault.kind for fault in faults} & {"noise", "state"}   # numbers of no function have no meaning
    unexplained = set(claims).difference(*(fault.tensors for fault in faults))
    context = _sight(forward, names, args, probe, dy, claims, sizes)
    diagnosis = hints + ([] if moving else diagnose(tensors, context, only=unexplained))
    named = any(one.known and one.kind != "place" for one in diagnosis)
    if not faults and _wrong(tensors) and not named:
        fault = fixed_on_first(pair, dy, args, other, rng)
        faults += [fault] if fault and _right_at(pair, dy, other) else []
    faults += _count_faults(gradients, args, names, wrt, differentiated) + found
    off = [number for number in directions if number.state != "agree"]
    return _report(tensors, faults, diagnosis, off, notes=notes + coarseness(probe, "forward"))


def _differentiated(forward, names, args, gradients):
    """The arguments whose gradients are checked; whole numbers among them where the forward takes floats as well."""
    found, function = {}, of_point(forward, names, args)
    for name, arg, g in zip(names, args, gradients):
        if g is not None and _is_float(arg):
            found[name] = np.asarray(arg)
        elif g is not None and isinstance(arg, np.ndarray) and arg.dtype.kind in "iu":
            try:
                function({name: arg.astype(np.float64)})
            except Exception:   # an index or a label: foreign, as above
                continue
            found[name] = arg
    return found


def _wrong(tensors):
    return any(t.state == "differ" for t in tensors)


def _in_float64(pair, dy, args, probe, rng):
    """The facts for what backward answers to float64 copies, if it was given less and answers right to those."""
    if probe.coarseness <= np.finfo(np.float64).eps:
        return None
    copies = [arg.astype(np.float64) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f" else arg for arg in args]
    try:
        gradients = pair.backward(dy.astype(np.float64), copies)
    except Exception:   # foreign, as above
        return None
    claims, faults, _ = claims_of(dict(zip(pair.names, gradients)), probe.at, probe)
    tensors, directions = measure(probe, claims, rng)
    return None if faults or _wrong(tensors) else (tensors, directions)


def _report(*facts, **more):
    return Report(*facts, **more, title="vector-Jacobian product check")


def _is_float(arg):
    return isinstance(arg, (float, np.floating)) or isinstance(arg, np.ndarray) and arg.dtype.kind == "f"


def _kind(arg):
    return f"an array of {arg.dtype}" if isinstance(arg, np.ndarray) else f"a {type(arg).__name__}"


def _count_faults(gradients, args, names, wrt, differentiated):
    """Gradients too many, or none at all, or in another order, or one that was asked for and is not there."""
    faults = []
    shapes, returned = [np.shape(arg) for arg in args], [np.shape(g) for g in gradients]
    if returned != shapes and sorted(returned) == sorted(shapes):
        faults.append(Fault("shape", f"the gradients come in another order than the arguments, {', '.join(names)}"))
    if len(gradients) > len(args):
        faults.append(Fault("surplus", f"backward returns {len(gradients)} gradients for {len(args)} arguments"))
    if all(g is None for g in gradients):
        faults.append(Fault("missing", "backward returns no gradient at all; did it forget to return?"))
    for k in wrt or ():
        if k >= len(gradients) or gradients[k] is None:
            faults.append(Fault("missing", f"{names[k]}: the gradient is missing"))
    for name, arg, g in zip(names, args, gradients):
        if g is not None and name not in differentiated:
            faults.append(Fault("surplus", f"{name}: it is {_kind(arg)} and has no gradient, but one was returned"))
    return faults


def _sight(forward, names, args, probe, dy, claims, sizes):
    arrays = {name: arg for name, arg in zip(names, args) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"}

    def measured_anew(name, indices, moved):
        other = [moved.get(label, arg) for label, arg in zip(names, args)]
        at = {label: arg for label, arg in zip(names, other) if label in probe.at}
        try:
            anew = Probe(of_point(forward, names, other), at, dy)
        except Exception:   # the other arguments are ours: a function need not accept them
            return np.full(len(indices), np.nan), np.full(len(indices), np.inf)
        estimates = [anew.coordinate(name, index) for index in indices]
        return np.array([e.value for e in estimates]), np.array([e.error for e in estimates])

    def rows(name, indices):
        found = [probe.row(name, index) for index in indices]
        return np.array([value for value, _ in found]), np.array([error for _, error in found])

    in_sight = {**arrays, OUTPUT: probe.base, UPSTREAM: dy}
    sizes = with_given(sizes, sizes_of(arrays, letters_in(forward)))
    return Context(sizes, in_sight, dy, measured_anew, claims, tuple(arrays), rows)


def _right_at(pair, dy, args):
    """True if the gradients returned for other arguments are right there."""
    forward, names, gradients = pair.functions["forward"], pair.names, pair.backward(dy, args)
    differentiated = _differentiated(forward, names, args, gradients)
    probe = Probe(of_point(forward, names, args), differentiated, dy)
    claims, faults, _ = claims_of(dict(zip(names, gradients)), differentiated, probe)
    if faults or any(_far_off(probe, name, claim) for name, claim in claims.items()):
        return False
    return all(t.state == "agree" for t in measure(probe, claims, np.random.default_rng(0))[0])


def _far_off(probe, name, claim):
    """True if the largest number of a gradient is plainly wrong: one difference in place of all of them."""
    if claim.size == 0:
        return False
    place = tuple(map(int, np.unravel_index(np.abs(claim).argmax(), claim.shape)))
    estimate = probe.coordinate(name, place)
    return abs(claim[place] - estimate.value) > 1e3 * estimate.error + 1e-3 * abs(claim[place])


def _notes(names, args, gradients, claims):
    padded = [*gradients, *[None] * len(args)]
    absent = [name for name, arg, g in zip(names, args, padded) if g is None and _is_float(arg)]
    notes = [f"not differentiated: {', '.join(absent)}"] if absent else []
    for name, arg in zip(names, args):
        if name in claims and _is_float(arg) and claims[name].dtype.itemsize < np.asarray(arg).dtype.itemsize:
            notes.append(f"{name}: the gradient is {claims[name].dtype}, {name} is {np.asarray(arg).dtype}")
    return notes
