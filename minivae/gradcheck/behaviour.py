"""How a backward behaves, whatever its numbers: is it a function of its arguments, linear in the upstream gradient?

A vector-Jacobian product is. It gives the same answer twice, changes none of its arguments, does not depend on which
forward ran last, and doubles when its upstream gradient doubles. Each property is tried, and each failure has a name.
Two functions and a whole model are tried alike: each as a ``Subject``.
"""

import abc
import copy
import inspect

import numpy as np

from .inputs import Fault, WrongReturn, raised
from .probe import coarsest, same, signs
from .words import listed

__all__ = ["Subject", "TwoFunctions", "observe", "fixed_on_first", "close"]

UPSTREAM_SIZES = (0.0, 1e-3, 1e3, 30.0, 1.0)   # a clipped, masked or normalised upstream gradient shows at one of them
NOT_LINEAR = {
    "not finite": "the gradient holds {} where some of the upstream gradient is 0, tiny or large: is it divided by, or "
                  "put into a function?",
    "ignored": "the upstream gradient is ignored: backward returns the same for any. Multiply by it",
    "not linear": "the gradient is not linear in the upstream gradient: what comes for the sum of two is not the sum "
                  "of what comes for each"}
REPEATABLE = 2.0**-46   # spacing at 1 that repeated answers are held to: sums may be added in another order


class Subject(abc.ABC):
    """A forward and a backward of the same arguments, whoever wrote them.

    Attributes
    ----------
    names : list of str
        Names of the arguments that the backward's gradients belong to, in order.
    faults : list of Fault
        Arguments that a call has changed.
    """

    @abc.abstractmethod
    def forward(self, args):
        """Return the value, an array."""

    @abc.abstractmethod
    def backward(self, dy, args):
        """Return a list of the very objects that the backward returned; a forward of args has run before."""

    @abc.abstractmethod
    def others(self, args, rng):
        """Yield other arguments, the most different first; the functions may refuse them."""

    def untouched(self):
        """Return a copy that has never been called, or None."""
        return None

    def advice(self):
        """Return a sentence that says what to do about a stale cache, or ""."""
        return ""


class TwoFunctions(Subject):
    """A forward and a backward as two functions, called with copies of their arguments.

    Parameters
    ----------
    forward, backward : callable
    names : list of str
        Names of the forward's arguments.
    """

    def __init__(self, forward, backward, names):
        self.functions, self.names = {"forward": forward, "backward": backward}, names
        self.faults, self.kept = [], None
        self.takes_upstream_alone = _takes(backward, 1) and not _takes(backward, 1 + len(names))
        try:   # a method or an object is copied with its state; a plain function is not copied
            self.kept = copy.deepcopy(self.functions)
        except Exception:   # the functions are not ours: they may raise anything, here and below
            pass

    def forward(self, args):
        value = self._call("forward", self.names, args)
        if not isinstance(value, (np.ndarray, np.generic, float, int)):
            raise WrongReturn(f"forward must return one array; it returned a {type(value).__name__}")
        value = np.array(value)
        if value.dtype.kind not in "fiub":
            raise WrongReturn(f"forward must return real numbers; it returned an array of {value.dtype}")
        return value

    def backward(self, dy, args):
        if self.takes_upstream_alone:
            raise WrongReturn("backward takes the upstream gradient alone: does it use what a forward has kept? "
                              + self.advice())
        gradients = self._call("backward", ["the upstream gradient", *self.names], [dy, *args])
        if isinstance(gradients, dict):
            raise WrongReturn("backward must return the gradients in the order of the arguments, "
                              f"{', '.join(self.names)}; it returned a dict")
        return list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]

    def others(self, args, rng):
        """Somewhat smaller numbers, which stay in any ordinary domain: first shuffled, then in their own places."""
        for mixed in (True, False):
            yield [_smaller(arg, rng, mixed) for arg in args]

    def untouched(self):
        if self.kept is None or all(self.kept[which] is function for which, function in self.functions.items()):
            return None
        return TwoFunctions(self.kept["forward"], self.kept["backward"], self.names)

    def advice(self):
        arguments = ", ".join(f"x{k}" for k in range(len(self.names))) if len(self.names) > 1 else "x"
        return (f"A layer that keeps what its forward saw is checked as backward=lambda dy, {arguments}: "
                f"(layer.forward({arguments}), layer.backward(dy))[1]")

    def _call(self, which, names, args):
        copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
        with np.errstate(all="ignore"):
            result = self.functions[which](*copies)
        for name, before, after in zip(names, args, copies):
            if isinstance(before, np.ndarray) and not same(before, after):
                fault = Fault("inputs", f"{which} changes {name} in place")
                self.faults += [fault] if fault not in self.faults else []
        return result


def _takes(function, count):
    """True unless a function is known not to accept this many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:   # written in C: its signature is unknown
        pass
    return True


def _smaller(arg, rng, mixed):
    """Return an argument's numbers made somewhat smaller; ``mixed``, also shuffled.

    Shuffled, some change their sign, and a mask that was kept from another batch no longer fits.
    """
    if not isinstance(arg, np.ndarray) or arg.dtype.kind != "f":
        return arg
    values = rng.permutation(arg.ravel()).reshape(arg.shape) if mixed else arg
    return (values * rng.uniform(0.4, 0.9, arg.shape)).astype(arg.dtype)


def observe(subject, args, rng):
    """Call a forward and a backward in every order that could show a fault.

    Returns
    -------
    dy : ndarray or None
        The upstream gradient used; None if the forward failed.
    gradients : list or None
        Copies of what the backward returned for it; None if it raised.
    other : list or None
        Other arguments, for which forward and backward were called before all else.
    faults : list of Fault
    """
    other = None
    for candidate in subject.others(args, rng):
        try:   # another batch comes first, so that a cache which is filled only once holds the wrong batch
            y = subject.forward(candidate)
            subject.backward(_upstream(y, rng), candidate)
        except Exception:   # these arguments are our choice: the functions may refuse them
            continue
        other = candidate
        if np.isfinite(y).all():
            break
    try:
        y, again = subject.forward(args), subject.forward(args)
    except Exception as error:
        return None, None, None, [raised("forward", error)]
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
        return dy, None, other, faults + [raised("backward", error)]
    return dy, gradients, other, faults + subject.faults


def _repeated(subject, dy, args):
    """Call the backward three times; return its first gradients, and the faults that the others show."""
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
    if close(_minus(third, second), _minus(second, first)):
        return first, [Fault("state", "backward accumulates: each call adds to the gradients of the call before. "
                                      "Start from zero in every call")]
    return first, [Fault("noise", "backward gives another answer on the second call: it draws fresh noise or keeps "
                                  "state. Use the noise that the forward used")]


def _linear(subject, dy, args, gradients, rng):
    """Return the faults of a backward whose gradient is not linear in the upstream gradient."""
    coarse = coarsest([dy, *(arg for arg in args if isinstance(arg, np.ndarray))])
    failed = {how: {} for how in NOT_LINEAR}   # the arguments that fail; a dict keeps their order, and each once
    for other_dy in _of_all_sizes(dy, rng):
        other = _after_forward(subject, other_dy, args)
        both = _after_forward(subject, dy + other_dy, args)
        for name, g, h, s in zip(subject.names, gradients, other, both):
            if not _numeric(g, h, s):
                continue
            if close([g], [h]) and np.any(g):
                failed["ignored"][name] = None
            elif np.isfinite(g).all() and not np.isfinite(h).all():
                failed["not finite"][name] = h[~np.isfinite(h)].flat[0]
            elif not close([s], [g + h], against=[np.abs(g) + np.abs(h)], coarse=coarse):
                failed["not linear"][name] = None
    for name in {**failed["not finite"], **failed["ignored"]}:
        failed["not linear"].pop(name, None)
    return [Fault("upstream", f"{listed(list(names))}: {NOT_LINEAR[how].format(*names.values())}",
                  tuple(names) if how != "not linear" else ())
            for how, names in failed.items() if names]


def _stale(subject, dy, args, gradients, other):
    """Return the faults of a backward whose answer depends on the batch that the forward saw last, or first."""
    if other is None:
        return []
    subject.forward(other)
    after_other = _copies(subject.backward(dy, args))
    if not close(gradients, after_other):
        if close(gradients, _after_forward(subject, dy, args)):   # the first answer comes back: state, not noise
            return [_stale_fault("after a forward on another batch, backward answers for that batch and not for the "
                                 "arguments it is given", subject)]
        return [Fault("noise", "backward gives another answer on some calls: it draws fresh noise or keeps state")]
    fresh = subject.untouched()
    if fresh is not None and not close(gradients, _after_forward(fresh, dy, args)):
        return [_stale_fault("what backward answers depends on the batch that came first", subject)]
    return []


def fixed_on_first(subject, dy, args, other, rng):
    """Return the Fault of a backward that gives the same answer whatever its arguments, or None.

    Such a backward has kept what the first forward saw. Three batches are tried: the arguments, the other batch that
    came first, and the arguments with some signs flipped. Only a backward that is wrong needs this test.
    """
    if other is None:
        return None
    turned = [_upstream(arg, rng) * arg if isinstance(arg, np.ndarray) and arg.dtype.kind == "f" else arg
              for arg in args]
    try:
        answer, *others = [_after_forward(subject, dy, batch) for batch in (args, other, turned)]
    except Exception:
        return None
    return _stale_fault("backward gives one answer whatever its arguments, the answer for the batch that came first",
                        subject) if all(close(answer, another) for another in others) else None


def _stale_fault(what, subject):
    return Fault("stale", f"stale cache: {what}. {subject.advice()}".removesuffix(". "))


def _upstream(y, rng):
    return signs(y.shape, rng).astype(y.dtype if y.dtype.kind == "f" else np.float64)


def _after_forward(subject, dy, args):
    subject.forward(args)
    return _copies(subject.backward(dy, args))


def _of_all_sizes(dy, rng):
    """Yield upstream gradients shaped as dy whose numbers are ordinary, 0, tiny and large; a short one takes turns."""
    places = np.arange(dy.size).reshape(dy.shape)
    for turn in range(-(-len(UPSTREAM_SIZES) // max(1, dy.size))):
        sizes = np.take(UPSTREAM_SIZES, places + turn * dy.size, mode="wrap")
        yield (sizes * _upstream(dy, rng)).astype(dy.dtype)


def _copies(gradients):
    return [np.array(g) if isinstance(g, (np.ndarray, np.generic, float, int, list)) else g for g in gradients]


def _numeric(*gradients):
    alike = len({np.shape(g) for g in gradients}) == 1   # a foreign object may raise here, and is reported
    return alike and all(isinstance(g, (np.ndarray, np.generic)) and g.dtype.kind in "fiub" for g in gradients)


def _minus(a, b):
    return [g - h if _numeric(g, h) else None for g, h in zip(a, b)]


def close(a, b, against=None, coarse=0.0):
    """True if two lists of gradients are equal up to rounding; None equals None.

    Rounding is relative to ``against``, by default to b. ``coarse`` is the spacing at 1 of the least precise numbers
    that the gradients were computed from.
    """
    if len(a) != len(b):
        return False
    for g, h, size in zip(a, b, against or b):
        if not _numeric(g, h):
            if type(g) is type(h) and not isinstance(g, np.ndarray):   # None and None, for example
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
