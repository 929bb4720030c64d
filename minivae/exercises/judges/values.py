"""The judge of values: what a function returns, held against what it must be.

The truth does not come from the formula that is asked for, where there is another way to it: a definition, a sum over
all that may happen, exact arithmetic. A gradient check would not see a wrong forward.
"""

import numpy as np

from ...gradcheck.inputs import sizes_of
from ...gradcheck.record import Context
from ...gradcheck.report import Report
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from .finding import ONE_ANSWER, OVERFLOW, Finding, compare, settled, together, unchanged
from .naming import exchanged, explained, from_numbers, named, unused

__all__ = ["Values"]

ROUNDINGS = 2**10   # that a correct value may be off by, whatever its form


class Values:
    """Judge of a function by its values.

    Parameters
    ----------
    cases : callable
        ``cases(rng)`` yields (words, arguments): what is special about the case, and a dict of the arguments.
    truth : callable
        ``truth(**arguments)`` returns an array, or a dict of arrays by name.
    size : callable, optional
        ``size(**arguments)``, broadcast to the truth: the size of the terms that are added up, whose rounding is
        allowed. By default the truth's largest number.
    against : str, optional
        What the truth is, in words.
    silent : bool, optional
        Whether NumPy must not warn.
    precision : float, optional
        Relative to ``size``; by default many roundings.
    """

    def __init__(self, cases, truth, size=None, against="the definition", silent=False, precision=None):
        self.cases, self.truth, self.size, self.against = cases, truth, size, against
        self.silent, self.precision = silent, precision

    def __call__(self, exercise, answer, rng):
        cases = list(self.cases(rng))
        right = together((self._look(exercise, answer, words, arguments, np.float64, first=k == 0)
                          for k, (words, arguments) in enumerate(cases)),
                         against=self.against,
                         checked=("shapes", "float32", "inputs left alone", "the same answer twice"))
        if not right.report:
            return right
        halves = {name: value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
                  for name, value in cases[0][1].items()}
        single = self._look(exercise, answer, "for float32", halves, np.float32)
        return right if single.report else single

    def _look(self, exercise, answer, words, arguments, dtype, first=False):
        """Return the Finding for one set of arguments."""
        given = [arguments[name] for name in exercise.arguments]
        with np.errstate(all="ignore"):
            truth = self.truth(**arguments)
        truth = truth if isinstance(truth, dict) else {exercise.returns[0]: np.asarray(truth)}
        shapes = {name: array.shape for name, array in truth.items()}
        try:
            claims = as_arrays(answer(*given), shapes, dtype, truth=truth)
        except Failed as failed:
            raise explained(failed, exercise, given, truth, words) from None
        unchanged(answer)
        constant = first and settled(answer, given)
        if self.silent and answer.warned:
            raise Failed("not finite", f"NumPy warns of {answer.warned[0]}", where=words, hint=OVERFLOW)
        infinite = {name: np.isinf(array) for name, array in truth.items()}   # met, or it would have failed
        claims, truth = ({name: np.where(infinite[name], 0, array) for name, array in arrays.items()}
                         for arrays in (claims, truth))
        size = np.float64(1) if self.size is None else self.size(**arguments)
        precision = self.precision or ROUNDINGS * np.finfo(dtype).eps
        precision = max(precision, 2**7 * np.finfo(dtype).eps) if dtype == np.float32 else precision
        bounds = {name: precision * (np.abs(true).max(initial=0) if self.size is None else size) + 1e-300
                  for name, true in truth.items()}
        tensors = [compare(name, claims[name], truth[name], bounds[name]) for name in truth]
        wrong = next((t for t in tensors if t.state == "differ"), None)
        if wrong is None:
            if constant:
                raise Failed("stale", ONE_ANSWER)
            return Finding(Report(tensors), None, self.against)
        mistake, said = named(exercise, given, claims, wrong.name, shapes, lambda: self._said(
            exercise, answer, wrong, arguments, claims, truth, bounds, first), bounds[wrong.name])
        return Finding(Report([wrong], diagnoses=said), mistake, self.against, where=words)

    def _said(self, exercise, answer, wrong, arguments, claims, truth, bounds, first):
        """What the numbers say: the checker's Diagnosis, if what it says of gradients can be said of values too."""
        swapped = exchanged(wrong, truth, bounds)
        if swapped:
            return swapped
        arrays = {name: array for name, array in arguments.items() if isinstance(array, np.ndarray)}
        found = from_numbers(wrong, Context(sizes_of(arrays, exercise.letters), arrays, arguments=tuple(arrays)))
        if found and found.kind == "zero":
            return found._replace(text="all zero")
        here = "" if first else " here: is something cut off, or lost to rounding?"
        return unused(answer, exercise, arguments, claims, found, here)
