"""The judge of values: what a function returns, held against what it must be.

The truth does not come from the formula that is asked for, where there is another way to it: a definition, a sum over
all that may happen, exact arithmetic. A gradient check would not see a wrong forward.
"""

import contextlib

import numpy as np

from ...gradcheck.behaviour import close
from ...gradcheck.constants import sizes_of
from ...gradcheck.report import Report
from ...gradcheck.record import Context
from .finding import Finding, beside, compare, first_wrong, name_in_catalogue, shape_hint
from ..answers.foreign import Failed, arrays_in
from ..answers.forms import as_arrays

__all__ = ["Values", "settled"]

ROUNDINGS = 2**10   # that a correct value may be off by, whatever its form


class Values:
    """Judge of a function by its values.

    Parameters
    ----------
    cases : callable
        ``cases()`` yields (words, arguments): what is special about the case, and a dict of the arguments.
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
    single : bool, optional
        Whether to try float32 as well.
    """

    def __init__(self, cases, truth, size=None, against="the definition", silent=False, precision=None, single=True):
        self.cases, self.truth, self.size, self.against = cases, truth, size, against
        self.silent, self.precision, self.single = silent, precision, single

    def __call__(self, exercise, answer):
        tensors, before = [], None
        for words, arguments in self.cases():
            finding = self.look(exercise, answer, words, arguments, np.float64, first=before is None)
            if not finding.report:
                return finding
            tensors += finding.report.tensors
            before = before or arguments
        if self.single:
            halves = {name: array.astype(np.float32) if isinstance(array, np.ndarray) else array
                      for name, array in before.items()}
            finding = self.look(exercise, answer, " for float32", halves, np.float32)
            if not finding.report:
                return finding
        return Finding(Report(tensors), None, self.against,
                       ("shapes", "dtype", "inputs left alone", "the same answer twice") + ("float32",) * self.single)

    def look(self, exercise, answer, words, arguments, dtype, first=False):
        """Return the Finding for one set of arguments."""
        given = [arguments[name] for name in exercise.arguments]
        with np.errstate(all="ignore"):
            truth = self.truth(**arguments)
        truth = truth if isinstance(truth, dict) else {exercise.returns[0]: np.asarray(truth)}
        shapes = {name: array.shape for name, array in truth.items()}
        try:
            claims = as_arrays(answer(*given), shapes, dtype)
        except Failed as failed:
            raise self._explained(exercise, failed, given, truth, shapes, words) from None
        if answer.changed:
            raise Failed("inputs", f"{answer.changed[0]} is changed in place: whoever called still needs it. Write into "
                                   "new arrays")
        if first:
            settled(exercise, answer, given)
        if self.silent and answer.warned:
            raise Failed("not finite", f"NumPy warns of {answer.warned[0]}{words}: an exponential or a logarithm leaves "
                                       "the range of floats")
        size = np.float64(1) if self.size is None else self.size(**arguments)
        precision = self.precision or ROUNDINGS * np.finfo(dtype).eps
        precision = max(precision, 2**7 * np.finfo(dtype).eps) if dtype == np.float32 else precision
        bounds = {name: precision * (np.abs(true).max(initial=0) if self.size is None else size) + 1e-300
                  for name, true in truth.items()}
        tensors = [compare(name, claims[name], truth[name], bounds[name]) for name in truth]
        wrong, sentence = first_wrong(tensors, self._sight(exercise, arguments))
        if wrong is None:
            return Finding(Report(tensors), None, self.against)
        name = name_in_catalogue(exercise, given, {wrong.name: claims[wrong.name], **claims}, shapes, bounds[wrong.name])
        sentence = self._fitting(sentence, wrong, claims, truth, bounds) or self._unused(
            answer, exercise, arguments, claims, "at all" if first else "here: is something cut off, or lost to rounding?")
        return Finding(Report([wrong], diagnoses=[beside(name, sentence), f"it goes wrong{words}" if words else ""]), name,
                       self.against)

    def _fitting(self, sentence, wrong, claims, truth, bounds):
        """The checker's sentence, if what it says of gradients can be said of values too."""
        for other in truth:
            if other != wrong.name and truth[other].shape == wrong.shape:
                if compare(other, claims[wrong.name], truth[other], bounds[other]).state == "agree":
                    return f"swapped: this is {other}. The order is {', '.join(truth)}"
        if sentence.startswith("all zero"):
            return "all zero"
        if wrong.worst.gap < 1e-6 * wrong.scale:   # the checker's guesses are beside the largest number
            digits = int(-np.log10(wrong.worst.gap / wrong.scale))
            return f"right to {digits} digits and no further: is a small number added, or are digits lost on the way?"
        return "" if "gradient" in sentence or sentence.startswith("right to") else sentence

    def _unused(self, answer, exercise, arguments, claims, where):
        """Name an argument on which the answer does not depend."""
        for name, array in arguments.items():
            if isinstance(array, np.ndarray) and array.any():
                given = [other_than(array) if key == name else arguments[key] for key in exercise.arguments]
                with contextlib.suppress(Failed):   # it need not accept what comes from here
                    if close(arrays_in(answer(*given)), list(claims.values())):
                        return f"it does not depend on {name} {where}"
        return ""

    def _sight(self, exercise, arguments):
        arrays = {name: array for name, array in arguments.items() if isinstance(array, np.ndarray)}
        return Context(sizes_of(arrays, exercise.letters), arrays, arguments=tuple(arrays))

    def _explained(self, exercise, failed, given, truth, shapes, words):
        """The failure with what the numbers say about it."""
        hint = name = None
        if failed.claim is not None and failed.returned in truth:
            hint = shape_hint(failed, shapes[failed.returned], truth[failed.returned])
            name = name_in_catalogue(exercise, given, {failed.returned: failed.claim}, shapes)
            hint = hint or _gathered(failed.claim, truth[failed.returned])
        text = failed.fault.text + words
        return Failed(failed.fault.kind, f"{text}: {hint}" if hint else text, failed.returned, failed.claim, name)


def _gathered(claim, truth):
    """Say that one number is the sum or the mean of all that it should be."""
    for word, total in (("summed", truth.sum()), ("averaged", truth.mean())):
        if claim.size == 1 and truth.size > 1 and np.isclose(claim.reshape(()), total, rtol=1e-9):
            return f"{word} over everything"
    return ""


def settled(exercise, answer, given):
    """Raise Failed unless a function gives the same answer twice, whatever comes between, and keeps its answers."""
    first = answer(*given)
    handed = arrays_in(first)
    kept = [array.copy() for array in handed]
    second = arrays_in(answer(*given))
    if not close(second, kept):
        raise Failed("noise", "gives another answer on the second call: it draws fresh noise or keeps state. It should "
                              "depend on its arguments alone")
    with contextlib.suppress(Failed):   # as above
        answer(*map(other_than, given))
    if not close(handed, kept):
        raise Failed("state", "overwrites what it returned before: a later call changed an earlier answer. Return new "
                              "arrays")
    if not close(arrays_in(answer(*given)), kept):
        raise Failed("stale", "gives another answer after a call with other arguments: it keeps something from one call "
                              "to the next")


def other_than(value):
    """Another argument of the same form."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return (0.7 * value).astype(value.dtype)
    if isinstance(value, dict):
        return {key: other_than(entry) for key, entry in value.items()}
    return value
