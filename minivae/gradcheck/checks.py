"""The two checks: claimed gradients of a scalar function, such as a loss, and a forward with its backward.

Both prepare their arguments, compare claim and difference (``compare``), name the mistake (``diagnosis``) and return a
report. The behaviour of a backward is checked too.
"""

from collections.abc import Mapping

import numpy as np

from .behaviour import TwoFunctions, fixed_on_first, observe
from .compare import measure
from .diagnosis import MeasuredTerms, diagnose
from .inputs import (Fault, WrongReturn, argument_names, arrays_in_closure, as_point, claims_of, too_coarse, letters_in,
                     of_point, raised, scalar_probe, sizes_of)
from .probe import Probe
from .record import OUTPUT, UPSTREAM, Context
from .report import Report

__all__ = ["check_gradient", "check_vjp", "check_observed"]


def check_gradient(f, grads, at, terms=None, rng=None, *, sizes=None, noise=0.0):
    """Check claimed gradients of a scalar function against finite differences.

    Parameters
    ----------
    f : callable
        ``f(at)`` returns one number, always the same for the same arrays: draw noise outside. It is called with float64
        copies.
    grads : dict of str to ndarray
        The claimed gradient for each array in ``at``.
    at : dict of str to ndarray
        The point. It may be a single array; then ``f`` takes one array, and ``grads`` is one.
    terms : dict of str to callable, optional
        Parts whose (weighted) sum is f, each called like f. With them the diagnosis can say which term is missing.
    rng : numpy.random.Generator, optional
        Chooses the numbers of large tensors that are checked one by one; by default always the same.
    sizes : dict of str to int, optional
        Names for numbers that a factor may be made of, such as ``{"B": 5}``. The shapes of the arrays in sight are
        always used.
    noise : float, optional
        How far f's value is known to be off, other than by rounding: the tolerance of a solver inside it. Noise is
        measured in any case; no claim fails for a gap that the stated noise explains.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If ``at`` or ``grads`` is not of the form above, or f does not return one number. Whatever else f does wrong
        is reported, not raised.

    Notes
    -----
    A name in ``at`` without a gradient is a missing gradient; a gradient under another name is a surplus one. See
    ``numeric`` for how the differences are taken, ``compare`` for how claim and difference are compared.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> report = check_gradient(lambda x: (x**2).sum(), x, x)
    >>> report.verdict, report.diagnosis
    ('fail', ['x: factor 0.5000 = 1/2: a 1/2 too many, or a 2 is missing?'])
    """
    rng = np.random.default_rng(0) if rng is None else rng
    seen = arrays_in_closure(f)
    if not isinstance(at, Mapping):
        f, grads, at, terms = _named(f), {"x": grads}, {"x": at}, terms and {k: _named(t) for k, t in terms.items()}
    at = as_point(at)
    if not isinstance(grads, Mapping):
        kind = type(grads).__name__
        raise ValueError(f"grads must be a dict with the names of at ({', '.join(at)}); got a {kind}.")
    noise = _checked(noise)
    try:
        probe = scalar_probe(f, at, noise=noise)
        parts = terms and MeasuredTerms({name: scalar_probe(term, at, name) for name, term in terms.items()})
    except WrongReturn:
        raise
    except Exception as error:   # whatever a foreign function raises belongs in the report
        return Report([], [raised("f", error)])
    if not np.isfinite(probe.base):
        return Report([], doubts=[f"f is {probe.base} at this point: there is no slope"])
    claims, faults, hints = claims_of(grads, at, probe)
    tensors, directions = measure(probe, claims, rng)
    context = Context(sizes_of({**seen, **at}, given=sizes), at, claims=claims, arguments=tuple(at))
    return Report(tensors, _faults(probe, grads, at) + faults, hints + diagnose(tensors, context, parts),
                  directions, _doubts(probe), too_coarse(probe, "f"))


def _checked(noise):
    if not isinstance(noise, (int, float, np.number)) or not 0 <= noise < np.inf:
        raise ValueError(f"noise must be a number of at least 0, how far off f's value may be; got {noise!r}.")
    return float(noise)


def _named(f):
    return lambda point: f(point["x"])


def _faults(probe, grads, at):
    changed = [Fault("inputs", f"f changes {name} in place") for name in probe.changes_inputs]
    return changed + [Fault("surplus", f"{name}: a gradient was given for it, but it is not in at")
                      for name in grads if name not in at]


def _doubts(probe):
    if probe.repeats or probe.noise >= abs(float(probe.again) - float(probe.base)):
        return []
    return ["f gives another value on the second call: it draws fresh noise or keeps state. Draw the noise outside "
            "and hold it fixed"]


def check_vjp(forward, backward, *args, rng=None, wrt=None, sizes=None, noise=0.0):
    """Check a backward against finite differences of its forward: its numbers and its behaviour.

    Parameters
    ----------
    forward : callable
        ``forward(*args)`` returns one array.
    backward : callable
        ``backward(dy, *args)`` returns the gradients with respect to the arguments, in order: a tuple, a list, or one
        array. A gradient that is None, or left off at the end, means "not differentiated"; the report notes it.
    *args
        Arrays of floats, and floats, may be differentiated; anything else is passed on as it is.
    rng : numpy.random.Generator, optional
        Draws the upstream gradients and chooses the sample; by default always the same.
    wrt : sequence of int, optional
        Positions of the arguments whose gradients are required: a missing one is then a fault.
    sizes : dict of str to int, optional
        Names for numbers that a factor may be made of, such as ``{"B": 5}``. The shapes of the arguments, and axis
        letters in the forward's docstring (``shape (B, D)``), are always used.
    noise : float, optional
        How far each number of the forward's output is known to be off, as for ``check_gradient``.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If no argument can be differentiated, or noise is not a number of at least 0. What the functions do wrong is
        reported, not raised.

    Notes
    -----
    Equation 6.8 is checked, <dy, J v> = <J^T dy, v>, with v every unit vector (or a sample of them and random
    directions). The upstream gradient dy is random: with all ones, nobody would see that it is ignored or summed along
    the wrong axis.

    Examples
    --------
    >>> import numpy as np
    >>> report = check_vjp(np.tanh, lambda dy, a: dy * (1 - a**2), np.linspace(-1, 1, 5))
    >>> report.verdict
    'fail'
    """
    rng = np.random.default_rng(0) if rng is None else rng
    noise, names = _checked(noise), argument_names(forward, len(args))
    args = [np.array(arg) if isinstance(arg, (np.ndarray, list)) else arg for arg in args]
    if not any(map(_is_float, args)):
        raise ValueError(f"args must hold an array of floats; got {', '.join(map(_kind, args)) or 'none'}.")
    functions = TwoFunctions(forward, backward, names)
    return check_observed(functions, args, observe(functions, args, rng), rng, wrt=wrt, sizes=sizes, noise=noise)


def check_observed(functions, args, seen, rng=None, *, wrt=None, sizes=None, noise=0.0):
    """Check what was observed of a forward and a backward: the second half of ``check_vjp``.

    Parameters
    ----------
    functions : TwoFunctions
    args : list
        Of both functions.
    seen : tuple
        What ``observe`` returned.
    rng, wrt, sizes, noise
        As for ``check_vjp``.

    Returns
    -------
    Report
    """
    rng = np.random.default_rng(0) if rng is None else rng
    forward, names = functions.functions["forward"], functions.names
    dy, gradients, other, faults = seen
    if gradients is None:
        return _report([], faults)
    differentiated = _differentiated(forward, names, args, gradients)
    try:
        probe = Probe(of_point(forward, names, args), differentiated, dy, noise)
    except Exception as error:
        return _report([], faults + [raised("forward, given float64 copies,", error)])
    if not np.isfinite(probe.base).all():
        return _report([], faults, doubts=["forward's output is not finite at this point"])
    claims, found, hints = claims_of(dict(zip(names, gradients)), differentiated, probe)
    (tensors, directions), notes = measure(probe, claims, rng), _notes(names, args, gradients, claims)
    copies = [arg.astype(np.float64) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f" else arg for arg in args]
    coarse = probe.given_precision > np.finfo(np.float64).eps and any(t.off.any() for t in tensors)
    exact = _measured(functions, dy.astype(np.float64), copies, noise, rng) if coarse else None
    if exact and not _wrong(exact[0]):
        tensors, directions = exact
        notes.append("judged by what backward answers in float64: float32 is too coarse here")
    moving = {fault.kind for fault in faults} & {"noise", "state"}   # then the numbers mean nothing
    unexplained = set(claims).difference(*(fault.tensors for fault in faults))
    context = _context(forward, names, args, probe, dy, claims, sizes)
    diagnosis = hints + ([] if moving else diagnose(tensors, context, only=unexplained))
    named = any(one.known and one.kind != "place" for one in diagnosis)
    if not faults and _wrong(tensors) and not named:
        fault = fixed_on_first(functions, dy, args, other, rng)
        first = fault and _measured(functions, dy, other, noise, np.random.default_rng(0))
        faults += [fault] if first and all(t.state == "agree" for t in first[0]) else []   # it is right for that batch
    faults += _count_faults(gradients, args, names, wrt, differentiated) + found
    off = [number for number in directions if number.state != "agree"]
    return _report(tensors, faults, diagnosis, off, notes=notes + too_coarse(probe, "forward"))


def _differentiated(forward, names, args, gradients):
    """Return the arguments whose gradients are checked; integers too, if the forward takes floats in their place."""
    found, function = {}, of_point(forward, names, args)
    for name, arg, g in zip(names, args, gradients):
        if g is not None and _is_float(arg):
            found[name] = np.asarray(arg)
        elif g is not None and isinstance(arg, np.ndarray) and arg.dtype.kind in "iu":
            try:
                function({name: arg.astype(np.float64)})
            except Exception:   # an index or a label
                continue
            found[name] = arg
    return found


def _wrong(tensors):
    return any(t.state == "differ" for t in tensors)


def _measured(functions, dy, args, noise, rng):
    """Return what ``measure`` finds for other arguments; None if a function raises or a gradient has a wrong form."""
    forward, names = functions.functions["forward"], functions.names
    try:   # these arguments are our choice: either function may refuse them
        gradients = functions.backward(dy, args)
        differentiated = _differentiated(forward, names, args, gradients)
        probe = Probe(of_point(forward, names, args), differentiated, dy, noise)
    except Exception:
        return None
    claims, faults, _ = claims_of(dict(zip(names, gradients)), differentiated, probe)
    return None if faults else measure(probe, claims, rng)


def _report(*facts, **more):
    return Report(*facts, **more, title="vector-Jacobian product check")


def _is_float(arg):
    return isinstance(arg, (float, np.floating)) or isinstance(arg, np.ndarray) and arg.dtype.kind == "f"


def _kind(arg):
    return f"an array of {arg.dtype}" if isinstance(arg, np.ndarray) else f"a {type(arg).__name__}"


def _count_faults(gradients, args, names, wrt, differentiated):
    """Return the Faults of gradients that are too many, missing, or in the wrong order."""
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


def _context(forward, names, args, probe, dy, claims, sizes):
    arrays = {name: arg for name, arg in zip(names, args) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"}

    def measured_anew(name, indices, moved):
        other = [moved.get(label, arg) for label, arg in zip(names, args)]
        at = {label: arg for label, arg in zip(names, other) if label in probe.at}
        try:
            anew = Probe(of_point(forward, names, other), at, dy, probe.noise)
        except Exception:   # these arguments are our choice: the forward may refuse them
            return np.full(len(indices), np.nan), np.full(len(indices), np.inf)
        estimates = [anew.coordinate(name, index) for index in indices]
        return np.array([e.value for e in estimates]), np.array([e.error for e in estimates])

    def rows(name, indices):
        found = [probe.row(name, index) for index in indices]
        return np.array([value for value, _ in found]), np.array([error for _, error in found])

    in_sight = {**arrays, OUTPUT: probe.base, UPSTREAM: dy}
    sizes = sizes_of(arrays, letters_in(forward), sizes)
    return Context(sizes, in_sight, dy, measured_anew, claims, tuple(arrays), rows)


def _notes(names, args, gradients, claims):
    padded = [*gradients, *[None] * len(args)]
    absent = [name for name, arg, g in zip(names, args, padded) if g is None and _is_float(arg)]
    notes = [f"not differentiated: {', '.join(absent)}"] if absent else []
    for name, arg in zip(names, args):
        if name in claims and _is_float(arg) and claims[name].dtype.itemsize < np.asarray(arg).dtype.itemsize:
            notes.append(f"{name}: the gradient is {claims[name].dtype}, {name} is {np.asarray(arg).dtype}")
    return notes
