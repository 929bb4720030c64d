"""How a wrong number gets the name of the mistake behind it.

There are two ways. The gradient checker names it from the numbers alone. The catalogue names it where the student's
numbers are those that the package gives with that mistake planted in it.
"""

import contextlib

import numpy as np

from ...gradcheck import check_gradient
from ...gradcheck.behaviour import close
from ...gradcheck.diagnosis import diagnose
from ...gradcheck.numeric import Estimate
from ...gradcheck.places import diagnose_shape
from ...gradcheck.words import Diagnosis
from ..answers.foreign import Failed, arrays_in, plain
from ..answers.forms import as_arrays
from ..catalogue import MISTAKES
from ..catalogue.planting import in_a_copy
from .finding import compare, other_than

__all__ = ["in_catalogue", "named", "explained", "from_numbers", "lost_digits", "by_terms", "exchanged", "unused"]

SHAPED = 4   # axes up to which an array of the wrong shape is compared with the right one
LITTLE = 0.03   # an argument whose effect is below this share of an error does not explain the error
FEW_DIGITS = 1e-6   # an error below this share of the largest number means lost digits


def in_catalogue(exercise, given, claims, first, shapes, bound=None):
    """Return the catalogue's mistake that gives exactly a student's numbers, or None.

    Parameters
    ----------
    exercise : Exercise
    given : sequence
        The arguments of the call.
    claims : dict of str to ndarray
        What the student returned: all of it, or the one thing that is wrong.
    first : str
        The first of the claims that is wrong.
    shapes : dict of str to tuple of int
        Of all that is to be returned.
    bound : float or ndarray, optional
        How far apart equal numbers may lie; by default 1e-9 of the largest.

    Returns
    -------
    mistake : Mistake or None
        It must give the wrong ``first``. Of several such mistakes, the one that explains most of the other claims,
        the right ones among them.
    whole : bool
        Whether it explains them all.
    """
    if not exercise.answer:
        return None, False
    best, found = 0, None
    right = _reference(exercise.reference, given, shapes)
    for mistake in _relevant(exercise):
        wrong = in_a_copy(mistake, exercise.answer, lambda reference: _reference(reference, given, shapes))
        if first not in wrong or first in right and _equal(wrong[first], right[first], bound):
            continue
        fits = {key: _equal(wrong[key], claims[key], bound) for key in claims if key in wrong}
        if fits[first] and sum(fits.values()) > best:
            best, found = sum(fits.values()), mistake
    return found, best == len(claims)


def named(exercise, given, claims, first, shapes, say, bound=None):
    """Return the catalogue's mistake, or None, and what the numbers say, a list of at most one Diagnosis.

    The arguments are those of ``in_catalogue``; ``say`` returns a Diagnosis, or None, and is called where the catalogue
    does not explain all. A mistake that explains a part gives way to numbers that say what is wrong.
    """
    mistake, whole = in_catalogue(exercise, given, claims, first, shapes, bound)
    said = None if whole else say()
    if said is None or not said.known:
        return mistake, []
    return mistake if said.kind == "place" else None, [said._replace(tensors=())]


def explained(failed, exercise, given, truth, where=""):
    """Return a failure with where it happened, and what its numbers say if their shape is wrong.

    Parameters
    ----------
    failed : Failed
    exercise : Exercise
    given : sequence
        The arguments of the call.
    truth : dict of str to ndarray
        What should have come.
    where : str, optional
        What is special about the case.
    """
    failed.where = where
    if failed.claim is not None and failed.returned in truth:
        shapes = {name: array.shape for name, array in truth.items()}
        failed.hint = _of_a_wrong_shape(failed.claim, failed.returned, truth[failed.returned])
        failed.mistake, _ = in_catalogue(exercise, given, {failed.returned: failed.claim}, failed.returned, shapes)
    return failed


def _relevant(exercise):
    """The catalogue's mistakes in the functions that the exercise is built from, in the order of the functions."""
    order = {target: place for place, target in enumerate(exercise.built_from)}

    def place(mistake):
        return min(order.get(target, len(order)) for target, _, _ in mistake.changes)

    return sorted((m for m in MISTAKES if place(m) < len(order)), key=place)


def _reference(reference, given, shapes):
    """What the package returns, in whatever shape; nothing where a planted mistake makes it fail."""
    try:
        with np.errstate(all="ignore"):
            result = plain(reference(*given))
        result = {name: result[name] for name in shapes} if isinstance(result, dict) else result
        return as_arrays(result, shapes, np.float32)
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


def from_numbers(wrong, context):
    """Return the gradient checker's Diagnosis of a Comparison that differs, or None if it knows none."""
    found = lost_digits(wrong) or diagnose([wrong], context)[0]   # the checker's guesses are beside the largest number
    return found._replace(tensors=()) if found.known else None


def lost_digits(wrong):
    """Return the Diagnosis of numbers that are right to a few digits, beside the largest; None where they are wrong."""
    gap, scale = wrong.gap.max(initial=0), wrong.largest
    if not 0 < gap < FEW_DIGITS * scale:
        return None
    why = ("is something computed in float32, or a small number added?" if gap > 1e-9 * scale else
           "is a small number added, or are digits lost on the way?")
    return Diagnosis("digits", (), f"right to {int(-np.log10(gap / scale))} digits and no further: {why}")


def by_terms(wrong, at, f, terms, sizes):
    """Return what the gradient checker says of one gradient of f by the terms that f is the sum of, or None."""
    report = check_gradient(f, {wrong.name: wrong.claim}, {wrong.name: at}, terms, sizes=sizes)
    return next((one for one in report.diagnoses if one.known), None)


def exchanged(wrong, truth, bounds):
    """Return the Diagnosis of a value that is what should stand in another's place, or None."""
    for other in truth:
        if other != wrong.name and truth[other].shape == wrong.shape:
            if compare(other, wrong.claim, truth[other], bounds[other]).state == "agree":
                return Diagnosis("swapped", (), f"swapped: this is {other}. The order is {', '.join(truth)}")
    return None


def unused(answer, exercise, arguments, claims, said=None, here=""):
    """Return the Diagnosis of an answer that does not depend on an argument, or else what is said already.

    An array goes unused only where nothing else is said; a constant, whatever is said.
    """
    for name, value in sorted(arguments.items(), key=lambda item: isinstance(item[1], np.ndarray)):
        if name not in exercise.arguments or said is not None and not isinstance(value, float):
            continue
        if isinstance(value, float) or isinstance(value, np.ndarray) and value.any():
            given = [other_than(value) if key == name else arguments[key] for key in exercise.arguments]
            returned = list(claims.values())
            if _without_effect(exercise, arguments, given, returned):   # as Adam's epsilon beside a large gradient
                continue
            with contextlib.suppress(Failed):   # it need not accept what comes from here
                if close(arrays_in(answer(*given)), returned):
                    return Diagnosis("argument", (), f"it does not depend on {name}{here}")
    return said


def _without_effect(exercise, arguments, given, claims):
    """True if the right answer changes too little with the changed argument to explain the error."""
    if not exercise.answer:
        return False
    with np.errstate(all="ignore"):
        right, other = (arrays_in(plain(exercise.reference(*values)))
                        for values in ([arguments[key] for key in exercise.arguments], given))
    effect, gap = (max(np.abs(a - b).max(initial=0) for a, b in zip(right, arrays)) for arrays in (other, claims))
    return close(right, other) or effect < LITTLE * gap


def _of_a_wrong_shape(claim, name, truth):
    """Say what an array of the wrong shape is, by its numbers; "" if they tell nothing."""
    if claim.ndim > SHAPED or claim.shape == truth.shape:
        return ""
    said = diagnose_shape(claim.astype(np.float64), name, truth.shape, _Known(truth))
    totals = {"summed": truth.sum(), "averaged": truth.mean()} if claim.size == 1 < truth.size else {}
    return said or next((f"{word} over everything" for word, total in totals.items()
                         if np.isclose(claim.reshape(()), total, rtol=1e-9)), "")


class _Known:
    """A stand-in for a Probe where the right numbers are known."""

    def __init__(self, truth):
        self.truth = truth

    def coordinate(self, name, index):
        value = float(self.truth[index])
        return Estimate(value, 1e-9 * abs(value), "smooth", 0.0, (value, value), abs(value), False)
