"""How a backward behaves, whatever its numbers: is it a function of its arguments, linear in the upstream?

A vector-Jacobian product is one. It gives the same answer twice, writes nowhere, needs no forward to have run
just before, and doubles when its upstream gradient doubles. Each is tried, and each failure has its name. The tries
are the same for two functions and for a whole model: both are asked through a ``Subject``.
"""

from typing import NamedTuple

import numpy as np

from .claims import Fault, listed, raised
from .probe import coarsest, same, signs

__all__ = ["Observation", "observe", "fixed_on_first", "close"]

UPSTREAM_SIZES = (0.0, 1e-3, 1e3, 30.0, 1.0)   # a clipped, masked or normalised upstream gradient shows at one of them
REPEATABLE = 2.0**-46   # spacing at 1 that repeated answers are held to: sums may be added in another order


class Observation(NamedTuple):
    """What came of calling a forward and a backward in every order that could show a fault.

    Attributes
    ----------
    dy : ndarray or None
        The upstream gradient used; None if the forward failed.
    gradients : list or None
        Copies of what the backward returned for it; None if it raised.
    other : list or None
        Other arguments, which were asked for before all else.
    faults : list of Fault
    """

    dy: np.ndarray = None
    gradients: list = None
    other: list = None
    faults: list = []


def observe(subject, args, rng):
    """Call a forward and a backward in every order that could show a fault, and return the Observation."""
    other = None
    for candidate in subject.others(args, rng):
        try:   # another batch comes first, so that a cache which is filled once and for all holds the wrong one
            y = subject.forward(candidate)
            subject.backward(_upstream(y, rng), candidate)
        except Exception:   # the other arguments are ours: a function need not accept them
            continue
        other = candidate
        if np.isfinite(y).all():
            break
    try:
        y = subject.forward(args)
        again = subject.forward(args)
    except Exception as error:
        return Observation(faults=[raised("forward", error)])
    faults = [] if same(y, again) else [
        Fault("noise", "forward gives another value on the second call: it draws fresh noise or keeps state. "
                       "Draw the noise outside and pass it in")]
    dy = _upstream(y, rng)
    try:
        gradients, found = _repeated(subject, dy, args)
        faults += found
        if not found:
            faults += _linear(subject, dy, args, gradients, rng) + _stale(subject, dy, args, gradients, other)
    except Exception as error:
        return Observation(dy, None, other, faults + [raised("backward", error)])
    return Observation(dy, gradients, other, faults + subject.faults)


def _repeated(subject, dy, args):
    """Call the backward three times and say how the answers differ."""
    subject.forward(args)
    handed = subject.backward(dy, args)
    first = _copies(handed)
    second = _copies(subject.backward(dy, args))
    third = _copies(subject.backward(dy, args))
    if close(first, second) and close(second, third):
        subject.backward(-dy, args)
        if not close(handed, first):
            return first, [Fault("state", "backward overwrites what it returned before: a later call changed an "
                                          "earlier call's gradients. Return new arrays")]
        return first, []
    step = _minus(second, first)
    if close(_minus(third, second), step):
        return first, [Fault("state", "backward accumulates: each call adds to the gradients of the call before. "
                                      "Start from zero in every call")]
    return first, [Fault("noise", "backward gives another answer on the second call: it draws fresh noise or keeps "
                                  "state. Use the noise that the forward used")]


def _linear(subject, dy, args, gradients, rng):
    """Is the gradient for the sum of two upstream gradients the sum of their gradients, whatever their sizes?"""
    coarse = coarsest([dy, *(arg for arg in args if isinstance(arg, np.ndarray))])
    ignored, bent, broken = {}, {}, {}   # in the order of the arguments, each once
    for other_dy in _of_all_sizes(dy, rng):
        other = _after_forward(subject, other_dy, args)
        both = _after_forward(subject, dy + other_dy, args)
        for name, g, h, s in zip(subject.names, gradients, other, both):
            if not _numeric(g, h, s):
                continue
            if close([g], [h]) and np.any(g):
                ignored[name] = None
            elif np.isfinite(g).all() and not np.isfinite(h).all():
                broken[name] = h[~np.isfinite(h)].flat[0]
            elif not close([s], [g + h], against=[np.abs(g) + np.abs(h)], coarse=coarse):
                bent[name] = None
    ignored, bent = tuple(ignored), tuple(name for name in bent if name not in ignored and name not in broken)
    faults = []
    if broken:
        faults.append(Fault("upstream",
                            f"{listed(list(broken))}: the gradient holds {next(iter(broken.values()))} where some of "
                            "the upstream gradient is 0, tiny or large: is it divided by, or put into a function?",
                            tuple(broken)))
    if ignored:
        faults.append(Fault("upstream",
                            f"{listed(ignored)}: the upstream gradient is ignored: backward returns the same "
                            "for any. Multiply by it", ignored))
    if bent:
        faults.append(Fault("upstream", f"{listed(bent)}: the gradient is not linear in the upstream gradient: what "
                                        "comes for the sum of two is not the sum of what comes for each",
                            bent if ignored else ()))
    return faults


def _stale(subject, dy, args, gradients, other):
    """Does the answer depend on the batch that the forward saw last, or on the one that it saw first?"""
    if other is None:
        return []
    subject.forward(other)
    after_other = _copies(subject.backward(dy, args))
    if not close(gradients, after_other):
        if close(gradients, _after_forward(subject, dy, args)):   # it comes back: state, and no noise
            return [_stale_fault("after a forward on another batch, backward answers for that batch and not for the "
                                 "arguments it is given", subject)]
        return [Fault("noise", "backward gives another answer on some calls: it draws fresh noise or keeps state")]
    fresh = subject.untouched()
    if fresh is not None and not close(gradients, _after_forward(fresh, dy, args)):
        return [_stale_fault("what backward answers depends on the batch that came first", subject)]
    return []


def fixed_on_first(subject, dy, args, other, rng):
    """Return the Fault of a backward that gives one answer whatever its arguments, or None.

    It is for a backward that is wrong and has no other name. If it has kept what the first forward saw, it answers
    for that ever after: for the arguments, for the others that came first, and for those with some signs turned.
    """
    if other is None:
        return None
    turned = [signs(arg.shape, rng).astype(arg.dtype) * arg if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
              else arg for arg in args]
    try:
        answers = [_after_forward(subject, dy, batch) for batch in (args, other, turned)]
    except Exception:   # as above
        return None
    if not (close(answers[0], answers[1]) and close(answers[0], answers[2])):
        return None
    return _stale_fault("backward gives one answer whatever its arguments, the answer for the batch that came first",
                        subject)


def _stale_fault(what, subject):
    return Fault("stale", f"stale cache: {what}. {subject.advice()}".removesuffix(". "))


def _after_forward(subject, dy, args):
    subject.forward(args)
    return _copies(subject.backward(dy, args))


def _upstream(y, rng):
    return signs(y.shape, rng).astype(y.dtype if y.dtype.kind == "f" else np.float64)


def _of_all_sizes(dy, rng):
    """Yield upstream gradients like dy: ordinary numbers, 0, tiny and large ones; of few, each of these in turn."""
    places = np.arange(dy.size).reshape(dy.shape)
    for turn in range(-(-len(UPSTREAM_SIZES) // max(1, dy.size))):
        sizes = np.take(UPSTREAM_SIZES, places + turn * dy.size, mode="wrap")
        yield (sizes * _upstream(dy, rng)).astype(dy.dtype)


def _copies(gradients):
    return [np.array(g) if isinstance(g, (np.ndarray, np.generic, float, int, list)) else g for g in gradients]


def _numeric(*gradients):
    shapes = {np.shape(g) for g in gradients}
    arrays = all(isinstance(g, (np.ndarray, np.generic)) for g in gradients)
    return len(shapes) == 1 and arrays and all(g.dtype.kind in "fiub" for g in gradients)


def _minus(a, b):
    return [g - h if _numeric(g, h) else None for g, h in zip(a, b)]


def close(a, b, against=None, coarse=0.0):
    """True if two lists of gradients are equal to rounding, None equal to None.

    ``against`` are the sizes that rounding is relative to, by default b's; ``coarse`` is the spacing at 1 of the
    least precise numbers that they were computed from.
    """
    if len(a) != len(b):
        return False
    for g, h, size in zip(a, b, against or b):
        if not _numeric(g, h):
            if g is None and h is None or type(g) is type(h) and not isinstance(g, np.ndarray):
                continue
            return False
        precision = max([coarse, REPEATABLE] + [np.finfo(x.dtype).eps for x in (g, h) if x.dtype.kind == "f"])
        with np.errstate(all="ignore"):
            gap = np.abs(np.subtract(g, h, dtype=np.float64))
            largest = np.abs(np.asarray(size, np.float64)).max(initial=0, where=np.isfinite(size))
            allowed = min(2**10 * precision, 2**-7) * largest
            if not np.all((gap <= allowed) | (np.isnan(g) & np.isnan(h)) | np.equal(g, h)):
                return False
    return True
