"""What is checked, whoever wrote it: a forward and a backward of the same arguments, called with copies and watched."""

import abc
import copy
import inspect

import numpy as np

from .claims import Fault, Misfit
from .probe import same

__all__ = ["Subject", "TwoFunctions"]


class Subject(abc.ABC):
    """What is observed: a forward and a backward of the same arguments.

    Attributes
    ----------
    names : list of str
        What the backward's gradients are of.
    faults : list of Fault
        Inputs that were found changed after a call.
    """

    @abc.abstractmethod
    def forward(self, args):
        """Return the value, an array."""

    @abc.abstractmethod
    def backward(self, dy, args):
        """Return the gradients as a list, in the very objects that were handed over; a forward of args ran before."""

    @abc.abstractmethod
    def others(self, args, rng):
        """Yield other arguments, the more different first; the foreign functions need not accept them."""

    def untouched(self):
        """Return a Subject that has never been called, or None."""
        return None

    def advice(self):
        """Return what to do about a stale cache, in a sentence, or ""."""
        return ""


class TwoFunctions(Subject):
    """Somebody's forward and backward, called with copies and watched.

    Parameters
    ----------
    forward, backward : callable
    names : list of str
        Of the forward's arguments.
    """

    def __init__(self, forward, backward, names):
        self.functions, self.names = {"forward": forward, "backward": backward}, names
        self.faults, self.kept = [], None
        self.takes_upstream_alone = _takes(backward, 1) and not _takes(backward, 1 + len(names))
        try:   # a method or an object comes with its state; a function's is out of reach
            self.kept = copy.deepcopy(self.functions)
        except Exception:   # foreign, as everywhere here
            pass

    def forward(self, args):
        value = self._call("forward", self.names, args)
        if not isinstance(value, (np.ndarray, np.generic, float, int)):
            raise Misfit(f"forward must return one array; it returned a {type(value).__name__}")
        value = np.array(value)
        if value.dtype.kind not in "fiub":
            raise Misfit(f"forward must return real numbers; it returned an array of {value.dtype}")
        return value

    def backward(self, dy, args):
        if self.takes_upstream_alone:
            raise Misfit("backward takes the upstream gradient alone: does it use what a forward has kept? "
                         + self.advice())
        gradients = self._call("backward", ["the upstream gradient", *self.names], [dy, *args])
        if isinstance(gradients, dict):
            raise Misfit(f"backward must return the gradients in the order of the arguments, {', '.join(self.names)}; "
                         "it returned a dict")
        return list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]

    def others(self, args, rng):
        """The numbers somewhat smaller, to stay in any ordinary domain: in other places, then in their own."""
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
    """True unless a function is known not to take so many arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):   # written in C: nobody knows
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _smaller(arg, rng, mixed):
    """Other values for an argument: its own, somewhat smaller.

    Mixed, they also change places: then some signs differ, and a mask kept from another batch is a wrong one.
    """
    if not isinstance(arg, np.ndarray) or arg.dtype.kind != "f":
        return arg
    values = rng.permutation(arg.ravel()).reshape(arg.shape) if mixed else arg
    return (values * rng.uniform(0.4, 0.9, arg.shape)).astype(arg.dtype)
