"""What a judge found out, and how a wrong number gets its name.

A mistake is named in two ways: by the gradient checker, from the numbers alone, and by the catalogue, when the
student's numbers are those that the package would give with that mistake planted in it.
"""

from typing import NamedTuple

import numpy as np

from ...gradcheck.diagnosis import diagnose, diagnose_shape
from ...gradcheck.numeric import Estimate
from ...gradcheck.report import Report
from ...gradcheck.record import Comparison, Context
from ..answers.forms import as_arrays
from ..answers.foreign import Failed, plain
from ..catalogue.mistakes import MISTAKES
from ..catalogue.planting import planted
from ..catalogue.wrong_answers import WRONG_ANSWERS

__all__ = ["Finding", "compare", "first_wrong", "known", "beside", "name_in_catalogue", "shape_hint"]


class Finding(NamedTuple):
    """What the judge of an exercise has to say.

    Attributes
    ----------
    report : Report
        Tensors, faults, and in ``diagnosis`` one sentence at most.
    mistake : str or None
        A name from the catalogue.
    against : str
        What numbers were held against, such as "finite differences".
    checked : tuple of str
        What else was verified, as one reads it.
    """

    report: Report
    mistake: str | None = None
    against: str = "finite differences"
    checked: tuple = ()


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
    bound = np.broadcast_to(np.asarray(bound, np.float64), truth.shape)
    with np.errstate(all="ignore"):
        close = np.abs(claim - truth) <= bound
    n, flat = truth.size, bound.ravel()
    states = np.where(close, "agree", "differ").ravel()
    return Comparison(name, claim, np.zeros(truth.shape), 2.0**-52, 1.0, np.arange(n), claim.ravel(), truth.ravel(), flat, flat,
                      states, np.zeros((n, 2)), np.zeros(n), np.zeros(n, bool), [])


def first_wrong(tensors, context):
    """Return the first tensor that differs and the sentence of the gradient checker about it, "" if it knows none."""
    wrong = next((t for t in tensors if t.state == "differ"), None)
    if wrong is None:
        return None, ""
    return wrong, known(diagnose([wrong], context)[0])


def known(diagnosis):
    """Return what the checker says, or "" where it says that it does not know."""
    return diagnosis.text if diagnosis.known else ""


def beside(name, sentence):
    """Return a sentence if it adds to a catalogue's name: where the wrong numbers lie says less than what they are."""
    telling = any(word in sentence for word in ("factor", "term", "upstream", "transpose"))
    return sentence if telling or not name else ""


def name_in_catalogue(exercise, given, claims, shapes, bound=None):
    """Return the name of the catalogue's mistake that gives a student's very numbers, or None.

    Parameters
    ----------
    exercise : Exercise
    given : sequence
        The arguments of the call.
    claims : dict of str to ndarray
        What the student returned: all of it, or the one thing that is wrong, which then comes first.
    shapes : dict of str to tuple of int
        Of all that is to be returned.
    bound : float or ndarray, optional
        How far numbers may lie apart that are the same; by default little beside the largest.

    Notes
    -----
    It must be wrong as the first of the claims is wrong. Of several such mistakes it is the one that has most of the
    other claims right as well.
    """
    if exercise.reference is None:
        return None
    first, best, name = next(iter(claims)), 0, None
    right = _reference(exercise, given, shapes)
    for mistake in _relevant(exercise):
        with planted(mistake):
            wrong = _reference(exercise, given, shapes)
        if first not in wrong or _equal(wrong[first], right[first], bound):
            continue
        fits = [_equal(wrong[key], claims[key], bound) for key in claims if key in wrong]
        if fits[0] and sum(fits) > best:
            best, name = sum(fits), mistake.name
    return name


def _relevant(exercise):
    """The catalogue's mistakes in what the exercise is built from, those in its own first function before others."""
    order = {target: place for place, target in enumerate(exercise.built_from)}

    def place(mistake):
        return min(order.get(target, len(order)) for target, _, _ in mistake.changes)

    return sorted((m for m in (*MISTAKES, *WRONG_ANSWERS) if place(m) < len(order)), key=place)


def _reference(exercise, given, shapes):
    """What the package returns, in whatever shape; what a planted mistake makes fail is left out."""
    try:
        with np.errstate(all="ignore"):
            return as_arrays(plain(exercise.reference(*given)), shapes)
    except Failed as failed:
        return {} if failed.claim is None else {failed.returned: failed.claim}
    except Exception:   # a planted mistake may raise anything
        return {}


def _equal(a, b, bound):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        return False
    if bound is None or np.shape(bound) not in ((), a.shape):
        bound = 1e-9 * np.abs(b[np.isfinite(b)]).max(initial=0)
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(a - b) <= bound) | (a == b) | (np.isnan(a) & np.isnan(b))))


def shape_hint(failed, shape, probe):
    """Say what an array of the wrong shape is, by its numbers; "" if they tell nothing.

    Parameters
    ----------
    failed : Failed
    shape : tuple of int
        The right one.
    probe : Probe or ndarray
        What to measure the right numbers with, or the numbers.
    """
    if failed.fault.kind != "shape" or failed.claim is None:
        return ""
    if isinstance(probe, np.ndarray):
        probe, argument = _Known(probe), failed.returned
    else:
        argument = failed.returned.removeprefix("d")
    return diagnose_shape(failed.claim.astype(np.float64), argument, shape, probe) or ""


class _Known:
    """A stand-in for a Probe where the right numbers are known."""

    def __init__(self, truth):
        self.truth = truth

    def coordinate(self, name, index):
        value = float(self.truth[index])
        return Estimate(value, 1e-9 * abs(value), "smooth", 0.0, (value, value), abs(value), False)
