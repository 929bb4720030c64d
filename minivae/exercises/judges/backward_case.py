"""One call of a backward: its arguments, and all that goes with them.

A case knows what the package's own backward returns, and what a finite difference says of a number that is not that.
"""

import functools
import math

import numpy as np

from ...gradcheck.inputs import of_point
from ...gradcheck.probe import Probe, signs
from ...gradcheck.record import OUTPUT, UPSTREAM, Context
from ..answers.foreign import Failed, plain
from ..answers.forms import as_arrays
from .finding import OVERFLOW, OWN, compare, unchanged
from .naming import explained

__all__ = ["Case"]

ROUNDING = 1e-11   # beside the largest number: how far two correct forms may lie apart
DIFFERENCES = 1e-7   # beside it too: how far a correct gradient may lie from finite differences


class Case:
    """Arguments of one call, and all that goes with them.

    Parameters
    ----------
    judge : Backward
    exercise : Exercise
    sizes : dict of str to int
        Length of each axis.
    rng : numpy.random.Generator
    scale : float, optional
        Below 1 all numbers are made so much smaller, above 1 some of them so much larger.
    words : str, optional
        What is special about the case.
    arguments : dict of str to ndarray, optional
        In place of random ones.
    order : {"C", "F"}, optional
        How they lie in memory.
    """

    def __init__(self, judge, exercise, sizes, rng, scale=1.0, words="", arguments=None, order="C"):
        self.judge, self.exercise, self.sizes, self.scale, self.words = judge, exercise, sizes, scale, words
        self.extreme = arguments is not None
        self.ordinary = scale == 1 and not self.extreme   # numbers at which differences are taken well
        if not self.extreme:
            drawn = {name: 0.8 * signs([sizes[letter] for letter in axes], rng) for name, axes in judge.letters.items()}
            arguments = judge.prepare(
                {name: array * _factors(scale, array.shape, rng) for name, array in drawn.items()})
        self.arguments = {name: np.asarray(array, order=order) for name, array in arguments.items()}
        self.constants = judge.constants(rng)
        self.forward = functools.partial(judge.forward, **self.constants) if self.constants else judge.forward
        dy = 0.7 * signs(np.shape(self.forward(**self.arguments)), rng)
        if scale != 1:   # upstream gradients of every size, 0 among them
            dy = dy * _mixed([1.0, 1e2, 1e-3, 0.0], dy.shape, rng)
        self._know(dy)

    def _know(self, dy):
        self.dy = dy
        self.known = {**self.arguments, **self.constants, self.exercise.arguments[0]: dy,
                      **self.judge.given(dy, **self.arguments)}
        self.given = [self.known[name] for name in self.exercise.arguments]
        self.shapes = {name: np.shape(self.arguments[name.removeprefix("d")]) for name in self.exercise.returns}
        self.all_sizes = {**self.sizes, **self.constants}

    def with_values(self, dy, values):
        """Return the case with another upstream gradient and other arguments."""
        other = object.__new__(Case)
        vars(other).update(vars(self), arguments=dict(zip(self.arguments, values)))
        other._know(dy)
        return other

    @property
    def context(self):
        """What the gradient checker may look at for a name."""
        in_sight = {**self.arguments, OUTPUT: self.forward(**self.arguments), UPSTREAM: self.dy}
        return Context(self.all_sizes, in_sight, self.dy, arguments=tuple(self.arguments))

    def truth(self):
        """Return by name what the package's own backward returns; where there is none, finite differences."""
        if not self.exercise.answer:
            return {name: self._differences(name.removeprefix("d")) for name in self.shapes}
        with np.errstate(all="ignore"):
            return as_arrays(plain(self.exercise.reference(*self.given)), self.shapes)

    def _differences(self, name):
        forward = of_point(self.forward, list(self.arguments), list(self.arguments.values()))
        probe, shape = Probe(forward, self.arguments, self.dy), self.arguments[name].shape
        return np.array([probe.coordinate(name, index).value for index in np.ndindex(shape)]).reshape(shape)

    def first_wrong(self, claims):
        """Return the first gradient that is not what the package's backward says, as a Comparison, or None."""
        truth, floor = self.truth(), 1e-2 * np.abs(self.dy).max(initial=0)   # where tanh saturates all may be tiny
        precision = ROUNDING if self.exercise.answer else DIFFERENCES
        tensors = (compare(name.removeprefix("d"), claims[name], truth[name],
                           precision * np.abs(truth[name]).max(initial=floor)) for name in claims)
        return next((t for t in tensors if t.state == "differ"), None)

    def against(self, wrong):
        """What the clearest of the wrong numbers is held against: a finite difference, where one confirms the truth."""
        number = wrong.worst
        with np.errstate(all="ignore"):
            forward = of_point(self.forward, list(self.arguments), list(self.arguments.values()))
            found = Probe(forward, self.arguments, self.dy).coordinate(wrong.name, number.index)
        close = abs(found.value - number.measured) <= 2 * found.error + 1e-6 * abs(number.measured)
        return "finite differences" if found.kind == "smooth" and close else OWN

    def claims(self, answer):
        """Return by name what the student's function returns; a failure says what its numbers are."""
        try:
            return as_arrays(answer(*self.given), self.shapes)
        except Failed as failed:
            explained(failed, self.exercise, self.given, self.truth(), self.words)
            if self.extreme and failed.kind == "not finite":
                failed.hint = OVERFLOW
            raise
        finally:
            unchanged(answer)


def _factors(scale, shape, rng):
    """What random numbers are multiplied with: all made smaller, some of them much smaller, or some made larger."""
    return 1.0 if scale == 1 else _mixed([scale, 1.0] if scale > 1 else [scale, scale**2, scale**5], shape, rng)


def _mixed(factors, shape, rng):
    """The factors again and again, as many as there are numbers, in random order."""
    return rng.permutation(np.resize(factors, math.prod(shape))).reshape(shape)
