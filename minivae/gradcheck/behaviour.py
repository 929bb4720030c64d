"""How a backward behaves, whatever its numbers: is it a function of its arguments, linear in the upstream?

A vector-Jacobian product is one. It gives the same answer twice, writes nowhere, needs no forward to have run
just before, and doubles when its upstream gradient doubles. Each is tried, and each failure has its name.
"""

import numpy as np

from .claims import Fault, Misfit, listed, raised
from .probe import coarsest, same, signs

__all__ = ["Pair", "observe", "close"]


class Pair:
    """Somebody's forward and backward, called with copies and watched.

    Parameters
    ----------
    forward, backward : callable
    names : list of str
        Of the forward's arguments.

    Attributes
    ----------
    faults : list of Fault
        Inputs that were found changed after a call.
    """

    def __init__(self, forward, backward, names):
        self.functions, self.names = {"forward": forward, "backward": backward}, names
        self.faults = []

    def forward(self, args):
        value = self._call("forward", self.names, args)
        if not isinstance(value, (np.ndarray, np.generic, float, int)):
            raise Misfit(f"forward must return one array; it returned a {type(value).__name__}")
        return np.array(value)

    def backward(self, dy, args):
        """Return the gradients as a list, in the very objects that the backward handed over."""
        gradients = self._call("backward", ["the upstream gradient", *self.names], [dy, *args])
        if isinstance(gradients, dict):
            raise Misfit(f"backward must return the gradients in the order of the arguments, {', '.join(self.names)}; "
                             "it returned a dict")
        return list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]

    def _call(self, which, names, args):
        copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
        with np.errstate(all="ignore"):
            result = self.functions[which](*copies)
        for name, before, after in zip(names, args, copies):
            if isinstance(before, np.ndarray) and not same(before, after):
                fault = Fault("inputs", f"{which} changes {name} in place")
                self.faults += [fault] if fault not in self.faults else []
        return result


def observe(pair, args, rng):
    """Call a pair in every order that could show a fault.

    Parameters
    ----------
    pair : Pair
    args : list
    rng : numpy.random.Generator

    Returns
    -------
    dy : ndarray
        The upstream gradient used, or None if the forward failed.
    gradients : list
        Copies of what the backward returned for it, or None if it raised.
    other : tuple or None
        Other arguments and the gradients returned for those, called before anything else.
    faults : list of Fault
    """
    faults, other = [], None
    for mixed in (True, False):
        other_args = [_other(arg, rng, mixed) for arg in args]
        try:   # another batch comes first, so that a cache which is filled once and for all holds the wrong one
            y = pair.forward(other_args)
            dy = _upstream(y, rng)
            other = (other_args, dy, _copies(pair.backward(dy, other_args)))
        except Exception:   # the other arguments are ours: a function need not accept them
            continue
        if np.isfinite(y).all():
            break
    try:
        y = pair.forward(args)
        again = pair.forward(args)
    except Exception as error:
        return None, None, None, [raised("forward", error)]
    if not same(y, again):
        faults.append(Fault("noise", "forward gives another value on the second call: it draws fresh noise or keeps "
                                     "state. Draw the noise outside and pass it in"))
    dy = _upstream(y, rng)
    try:
        gradients, found = _twice(pair, dy, args)
        faults += found
        if not found:
            faults += _upstream_faults(pair, dy, args, gradients, rng)
            faults += _stale(pair, dy, args, gradients, other_args)
    except Exception as error:
        return dy, None, other, faults + [raised("backward", error)]
    return dy, gradients, other, faults + pair.faults


def _twice(pair, dy, args):
    """Call the backward three times and say how the answers differ."""
    pair.forward(args)
    handed = pair.backward(dy, args)
    first = _copies(handed)
    second = _copies(pair.backward(dy, args))
    third = _copies(pair.backward(dy, args))
    if close(first, second) and close(second, third):
        pair.backward(-dy, args)
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


def _upstream_faults(pair, dy, args, gradients, rng):
    coarse = coarsest([dy, *(arg for arg in args if isinstance(arg, np.ndarray))])
    other_dy = _upstream(dy, rng)
    other = _after_forward(pair, other_dy, args)
    both = _after_forward(pair, dy + other_dy, args)
    ignored, bent = [], []
    for name, g, h, s in zip(pair.names, gradients, other, both):
        if not _numeric(g, h, s):
            continue
        if close([g], [h]) and np.any(g):
            ignored.append(name)
        elif not close([s], [g + h], against=[np.abs(g) + np.abs(h)], coarse=coarse):
            bent.append(name)
    faults = [Fault("upstream", f"{listed(ignored)}: the upstream gradient is ignored: backward returns the same for any. "
                                "Multiply by it", tuple(ignored))] if ignored else []
    return faults + ([Fault("upstream", f"{listed(bent)}: the gradient is not linear in the upstream gradient: what comes "
                                        "for the sum of two is not the sum of what comes for each")] if bent else [])


def _stale(pair, dy, args, gradients, other_args):
    try:
        pair.forward(other_args)
    except Exception:   # as above
        return []
    if close(gradients, _copies(pair.backward(dy, args))):
        return []
    return [Fault("stale", "stale cache: after a forward on another batch, backward answers for that batch and "
                           "not for the arguments it is given")]


def _after_forward(pair, dy, args):
    pair.forward(args)
    return _copies(pair.backward(dy, args))


def _upstream(y, rng):
    return signs(y.shape, rng).astype(y.dtype if y.dtype.kind == "f" else np.float64)


def _other(arg, rng, mixed):
    """Other values for an argument: its own, somewhat smaller, so that they stay in any ordinary domain.

    Mixed, they also change places: then some signs differ, and a mask kept from another batch is a wrong one.
    """
    if not isinstance(arg, np.ndarray) or arg.dtype.kind != "f":
        return arg
    values = rng.permutation(arg.ravel()).reshape(arg.shape) if mixed else arg
    return (values * rng.uniform(0.4, 0.9, arg.shape)).astype(arg.dtype)


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
        precision = max([coarse] + [np.finfo(x.dtype).eps for x in (g, h) if x.dtype.kind == "f"])
        with np.errstate(all="ignore"):
            gap = np.abs(np.subtract(g, h, dtype=np.float64))
            allowed = min(2**10 * precision, 2**-7) * np.abs(np.asarray(size, np.float64)).max(initial=0, where=np.isfinite(size))
            if not np.all((gap <= allowed) | (np.isnan(g) & np.isnan(h)) | np.equal(g, h)):
                return False
    return True
