"""The check of claimed gradients of a scalar function: a loss, whatever it is a loss of."""

from collections.abc import Mapping

import numpy as np

from .claims import Fault, raised
from .constants import arrays_in_closure, sizes_of, with_given
from .diagnosis import diagnose
from .compare import measure
from .inputs import NotANumber, as_point, claims_of, coarseness, scalar_probe
from .report import Report
from .record import Context
from .terms import MeasuredTerms

__all__ = ["check_gradient"]


def check_gradient(f, grads, at, terms=None, rng=None, *, sizes=None, noise=0.0):
    """Check claimed gradients of a scalar function against differences.

    Parameters
    ----------
    f : callable
        ``f(at)`` returns one number, the same whenever it is given the same arrays: noise is drawn outside. It is
        called with float64 copies.
    grads : dict of str to ndarray
        The claimed gradient for each array in ``at``.
    at : dict of str to ndarray
        The point. A single array is accepted too; then ``f`` and ``grads`` speak of single arrays.
    terms : dict of str to callable, optional
        Parts whose (weighted) sum is f, each called like f. With them the diagnosis can say which part is missing.
    rng : numpy.random.Generator, optional
        Chooses the sample of large tensors; by default always the same.
    sizes : dict of str to int, optional
        Names for numbers that a factor may be made of, such as ``{"B": 5}``. The shapes in sight are used anyway.
    noise : float, optional
        How far off f's value may be, where it is no matter of rounding: the tolerance at which a solver inside it stops.
        It is measured anyway; who knows it better says so, and no claim fails for less.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If ``at`` or ``grads`` is not of the form above, or f does not return one number. What else f does wrong is
        reported, not raised.

    Notes
    -----
    A name in ``at`` without a gradient is a missing gradient, a gradient under another name a surplus one. How the
    differences are taken stands in ``numeric``, how claim and difference are compared in ``facts``.

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
    except NotANumber:
        raise
    except Exception as error:   # a foreign function's own, whatever it is, is part of the report
        return Report([], [raised("f", error)])
    if not np.isfinite(probe.base):
        return Report([], doubts=[f"f is {probe.base} at this point: there is no slope"])
    claims, faults, hints = claims_of(grads, at, probe)
    tensors, directions = measure(probe, claims, rng)
    context = Context(with_given(sizes, sizes_of({**seen, **at})), at, claims=claims, arguments=tuple(at))
    return Report(tensors, _faults(probe, grads, at) + faults, hints + diagnose(tensors, context, parts),
                  directions, _doubts(probe), coarseness(probe, "f"))


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
    if probe.repeats:
        return []
    if probe.noise >= abs(float(probe.again) - float(probe.base)):
        return []
    return ["f gives another value on the second call: it draws fresh noise or keeps state. Draw the noise outside "
            "and hold it fixed"]
