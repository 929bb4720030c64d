"""What a judge found out, and the comparison that it rests on."""

import contextlib
from typing import NamedTuple

import numpy as np

from ...gradcheck.behaviour import close
from ...gradcheck.record import Comparison
from ...gradcheck.report import Report
from ..answers.foreign import Failed, arrays_in
from ..catalogue import Mistake

__all__ = ["Finding", "OWN", "ONE_ANSWER", "OVERFLOW", "together", "accepted", "compare", "settled", "unchanged",
           "other_than"]

OWN = "the package's own backward"
ONE_ANSWER = "gives one answer whatever its arguments: it keeps what its first call was given"
OVERFLOW = "an exponential or a logarithm leaves the range of floats"


class Finding(NamedTuple):
    """What the judge of an exercise has to say.

    Attributes
    ----------
    report : Report
        The numbers that were compared; where they differ, ``diagnoses`` is what the numbers alone say.
    mistake : Mistake or None
        From the catalogue.
    against : str
        What numbers were held against, such as "finite differences".
    checked : tuple of str
        What else was verified, as one reads it.
    where : str
        In which case it goes wrong, such as "for a batch of one".
    told : str
        What was found out, where that is more than a number: in place of their count, or before what they say.
    """

    report: Report
    mistake: Mistake | None = None
    against: str = "finite differences"
    checked: tuple = ()
    where: str = ""
    told: str = ""


def together(findings, **more):
    """Return the first Finding that is not right, or else one about the numbers of all; ``more`` belongs to that."""
    tensors = []
    for finding in findings:
        if not finding.report:
            return finding
        tensors += finding.report.tensors
    return Finding(Report(tensors), **more)


def accepted(told, checked=()):
    """Return the Finding of an answer that is right where there are no numbers to count."""
    return Finding(Report([compare("answer", 1.0, 1.0, 0.0)]), checked=checked, told=told)


def compare(name, claim, truth, bound):
    """Hold an array against the truth, which is known up to a bound.

    Parameters
    ----------
    name : str
    claim, truth : ndarray, same shape
    bound : float or ndarray
        How far the two may lie apart.

    Returns
    -------
    Comparison
        As the gradient checker makes them of a gradient and its differences, so that it can say what is wrong.
    """
    claim, truth = (np.asarray(array, np.float64) for array in (claim, truth))
    bound = np.broadcast_to(np.asarray(bound, np.float64), truth.shape).ravel()
    n = truth.size
    with np.errstate(all="ignore"):
        states = np.where(np.abs(claim - truth).ravel() <= bound, "agree", "differ")
    return Comparison(name, claim, np.zeros(truth.shape), 2.0**-52, 1.0, np.arange(n), claim.ravel(), truth.ravel(),
                      bound, bound, states, np.zeros((n, 2)), np.zeros(n), np.zeros(n, bool), [])


def unchanged(answer):
    """Raise Failed if a function has written into its arguments."""
    if answer.changed:
        raise Failed("inputs", f"{answer.changed[0]} is changed in place, and the caller still needs it. Write into "
                               "new arrays")


def settled(answer, given):
    """Raise Failed unless a function answers the same twice, whatever comes between, and leaves old answers alone.

    Returns whether it answers the same to other arguments too: wrong, and said where nothing else is wrong.
    """
    handed = arrays_in(answer(*given))
    kept = [array.copy() for array in handed]
    if not close(arrays_in(answer(*given)), kept):
        raise Failed("noise", "gives another answer on the second call: it draws fresh noise or keeps state. It should "
                              "depend on its arguments alone")
    other = []
    with contextlib.suppress(Failed):   # the other arguments are ours: it need not accept them
        other = arrays_in(answer(*map(other_than, given)))
    if not close(handed, kept):
        raise Failed("state", "overwrites what it returned before: a later call changed an earlier answer. Return new "
                              "arrays")
    if not close(arrays_in(answer(*given)), kept):
        raise Failed("stale", "gives another answer after a call with other arguments: it keeps something from one "
                              "call to the next")
    return close(other, kept)


def other_than(value):
    """Another argument of the same form: its numbers somewhat smaller, and each in the place of another."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return (0.7 * np.roll(value, 1)).astype(value.dtype)
    if isinstance(value, dict):
        return {key: other_than(entry) for key, entry in value.items()}
    return 0.7 * value if isinstance(value, float) else value
