"""The judge of values: what a function returns, held against what it must be.

The truth does not come from the formula that is asked for, where there is another way to it: a definition, a sum over
all that may happen, exact arithmetic. A gradient check would not see a wrong forward.
"""

import numpy as np

from ...gradcheck.inputs import sizes_of
from ...gradcheck.record import Context
from ...gradcheck.report import Report
from ...gradcheck.words import Diagnosis
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from .finding import OVERFLOW, Finding, compare, settled, unchanged
from .naming import explained, from_numbers, named, unused

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
        ``size(**arguments)``, broadcast to the truth: the size of what is added up, whose rounding is allowed. By
        default the truth's largest number.
    against : str, optional
        What the truth is, in words.
    silent : bool, optional
        Whether NumPy must have nothing to warn of.
    precision : float, optional
        Relative to ``size``; by default many roundings.
    """

    def __init__(self, cases, truth, size=None, against="the definition", silent=False, precision=None):
        self.cases, self.truth, self.size, self.against = cases, truth, size, against
        self.silent, self.precision = silent, precision

    def __call__(self, exercise, answer, rng):
        tensors, first = [], None
        for words, arguments in self.cases(rng):
            finding = self.look(exercise, answer, words, arguments, np.float64, first=first is None)
            if not finding.report:
                return finding
            tensors += finding.report.tensors
            first = first or arguments
        halves = {name: value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
                  for name, value in first.items()}
        finding = self.look(exercise, answer, "for float32", halves, np.float32)
        if not finding.report:
            return finding
        notes = [f"NumPy warns of {text}. The value is right all the same; a form in which nothing overflows is silent"
                 for text in answer.warned[:1]]
        return Finding(Report(tensors, notes=notes), None, self.against,
                       ("shapes", "float32", "inputs left alone", "the same answer twice"))

    def look(self, exercise, answer, words, arguments, dtype, first=False):
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
        if first:
            settled(answer, given)
        if self.silent and answer.warned:
            failed = Failed("not finite", f"NumPy warns of {answer.warned[0]}")
            failed.where, failed.hint = words, OVERFLOW
            raise failed
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
            return Finding(Report(tensors), None, self.against)
        ordered = {wrong.name: claims[wrong.name], **claims}
        mistake, said = named(exercise, given, ordered, shapes, lambda: self._said(
            exercise, answer, wrong, arguments, claims, truth, bounds, first), bounds[wrong.name])
        return Finding(Report([wrong], diagnoses=said), mistake, self.against, where=words)

    def _said(self, exercise, answer, wrong, arguments, claims, truth, bounds, first):
        """What the numbers say: the checker's Diagnosis, if what it says of gradients can be said of values too."""
        for other in truth:
            if other != wrong.name and truth[other].shape == wrong.shape:
                if compare(other, claims[wrong.name], truth[other], bounds[other]).state == "agree":
                    return Diagnosis("swapped", (), f"swapped: this is {other}. The order is {', '.join(truth)}")
        arrays = {name: array for name, array in arguments.items() if isinstance(array, np.ndarray)}
        found = from_numbers(wrong, Context(sizes_of(arrays, exercise.letters), arrays, arguments=tuple(arrays)))
        if found and found.kind == "zero":
            return found._replace(text="all zero")
        free = unused(answer, exercise, arguments, claims)
        if free and (found is None or not isinstance(arguments[free], np.ndarray)):
            here = "" if first else " here: is something cut off, or lost to rounding?"
            return Diagnosis("argument", (), f"it does not depend on {free}{here}")
        return found
