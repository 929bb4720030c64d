"""What was done to the wrong numbers, and where in a tensor they lie, when no hypothesis fits them all.

Right in one row alone, wrong in one column alone, the same number all along an axis, cut off at a limit, right to
single precision: each narrows down the line to look at. What a few numbers could show by chance is not said; and where
only a sample was looked at, that is said. A gradient of another shape than its tensor is told by its numbers too.
"""

import itertools
import math

import numpy as np

from .compare import LIMIT
from .record import broadcasts
from .words import Diagnosis, digits

__all__ = ["arrangements", "clear", "diagnose_shape", "place", "too_many_for_chance"]

CHANCE = 10   # ways to choose the wrong numbers at random, for each that would look like the pattern
CLEAR = 20    # errors that a number must exceed to be clearly not zero


def clear(seen):
    """Which of the numbers are clearly not zero."""
    return np.abs(seen.measured) > CLEAR * seen.error


def too_many_for_chance(seen, chosen, among=None):
    """True if as many numbers, picked at random among those that tell, would hardly ever be the chosen ones."""
    among = chosen | clear(seen) if among is None else among
    return chosen.any() and math.comb(int(among.sum()), int((chosen & among).sum())) >= CHANCE


def place(seen, context):
    """Return the Diagnosis of the first pattern that a tensor's wrong numbers show, or None."""
    return targets(seen, context) or next(filter(None, (pattern(seen) for pattern in PATTERNS)), None)


def targets(seen, context):
    """One number in each row is off, by as much in each: a softmax from which the one-hot targets were not taken."""
    if not seen.whole or len(seen.shape) != 2 or len(seen.claim) < 2:
        return None
    off, dy = seen.rows(seen.off), context.upstream
    rows, columns = off.indices
    if sorted(rows.tolist()) != list(range(len(seen.claim))):
        return None
    if np.ptp(columns) == 0 or np.array_equal(rows, columns):   # a column or the diagonal says more
        return None
    weight = dy[rows] if dy is not None and dy.shape == seen.shape[:1] else np.ones(len(rows))
    if off.factor(weight, off.claimed - off.measured, off.error + seen.tolerance(off.claimed)) is None:
        return None
    return Diagnosis("place", (), "wrong at one place in each row, right elsewhere: were the targets (one-hot) not "
                                  "subtracted there?")


def cut_off(seen):
    """Clipped at a limit, without the numbers of one sign, without the sign, or without the digits after the point."""
    claimed, measured, wrong = seen.claimed, seen.measured, seen.off
    largest, whole = np.abs(claimed).max(initial=0), np.trunc(measured)
    at_limit = wrong & (np.abs(claimed) >= largest * (1 - 1e-12))
    told = wrong.sum() > 1 and too_many_for_chance(seen, wrong)
    counted = wrong.sum() > 2 and len(np.unique(whole[wrong & (whole != 0)])) > 1
    for kind, words, right, enough in (
            ("cut", f"clipped at {digits(largest, 0)}: right where it is smaller", np.clip(measured, -largest, largest),
             largest > 0 and at_limit.sum() > 1),
            ("cut", "only the positive numbers are there, the others are zero", np.maximum(measured, 0), told),
            ("cut", "only the negative numbers are there, the others are zero", np.minimum(measured, 0), told),
            ("cut", "the sign is lost: the absolute value of what is right", np.abs(measured), told),
            ("digits", "cut to whole numbers: stored in an array of integers?", whole,
             counted and np.array_equal(claimed, np.trunc(claimed)))):
        if enough and right.any() and seen.fits(claimed, 1.0, right):
            return Diagnosis(kind, (), words)
    return None


def mask(seen):
    """Zero where the gradient is not, or not zero where it is."""
    wrong, there = seen.off, clear(seen)
    if there.sum() > 1 and np.array_equal(there, seen.claimed == 0) and too_many_for_chance(seen, there, there | True):
        return Diagnosis("place", (), "zero just where it should not be: a mask is the wrong way round")
    if wrong.sum() < 2 or not (there & ~wrong).any() or (wrong & there).any():
        return None
    return Diagnosis("place", (),
                     "not zero at some places where it should be, right elsewhere: a mask is missing or wrong?")


def along_axis(seen):
    """The same number all along an axis, where the truth varies."""
    claim = seen.claim
    if (clear(seen) & ~seen.off).any():
        return None
    for axis, n in enumerate(claim.shape):
        if n < 2 or np.ptp(claim, axis=axis).max() > 2**8 * seen.precision * np.abs(claim).max():
            continue
        if not seen.whole:
            return Diagnosis("spread", (),
                             f"the same number all along axis {axis}: reduced over it and spread out again")
        truth = seen.table()
        if np.ptp(truth, axis=axis).max() <= 20 * seen.error.max():
            continue
        for word, reduced in (("mean", truth.mean), ("sum", truth.sum)):
            spread = np.broadcast_to(reduced(axis=axis, keepdims=True), claim.shape)
            if seen.fits(seen.claimed, 1.0, seen.take(spread), n * seen.error.max()):
                return Diagnosis("spread", (), f"the {word} over axis {axis}, spread over all of it, in place of each "
                                               "one's own number")
        return Diagnosis("spread", (), f"the same number all along axis {axis}, where the truth varies")
    return None


def misplaced(seen):
    """The right numbers in the wrong places, or only their total right."""
    if not seen.whole or seen.informative < 2 or seen.gap.max() < 1e-6 * seen.largest:
        return None
    signs_alone = seen.fits(np.abs(seen.claimed), 1.0, np.abs(seen.measured))   # two wrong signs look like an exchange
    if not signs_alone and seen.fits(np.sort(seen.claimed), 1.0, np.sort(seen.measured), seen.error.max()):
        changed = [seen[k].where for k in np.flatnonzero(seen.off)]
        return Diagnosis("arranged", (), f"the numbers at {' and '.join(changed)} have changed places"
                         if len(changed) == 2 else "the right numbers in the wrong order")
    total = seen.measured.sum()
    right = seen.fits(np.array([seen.claimed.sum()]), 1.0, np.array([total]), seen.error.sum())
    if right and seen.off.sum() > 2 and abs(total) > 1e-3 * seen.largest:
        return Diagnosis("arranged", (), "the total is right and the parts are not: shared out wrongly, or summed over "
                                         "the wrong axis?")
    return None


def precision(seen):
    """Right, but computed in fewer digits than it is stored in: most of the numbers are off, by similar amounts."""
    gap = seen.gap.max(initial=0)
    alike = seen.off & (seen.gap > gap / 100)
    for name, eps in (("single", 2.0**-23), ("half", 2.0**-10)):
        if eps / 16 < gap / seen.largest <= 2 * eps and alike.sum() >= 4 and 2 * alike.sum() > (
                seen.measured != 0).sum():
            return Diagnosis("digits", (), f"right to {int(-np.log10(gap / seen.largest))} digits only: computed in "
                                           f"{name} precision, or a small constant is in the way")
    return None


def places(seen):
    """All that is wrong, or right, has one index or one run of indices along an axis; or just where it is."""
    wrong = seen.off
    good = clear(seen) & ~wrong   # where right and wrong could be told apart
    if not wrong.any() or not good.any():
        return None
    what = "zero" if not seen.claimed[wrong].any() else "wrong"
    of_all = f"{len(seen)} numbers" if seen.whole else (f"the {len(seen)} numbers that were looked at, of "
                                                       f"{seen.claim.size:,}")
    shown = ", ".join([seen[k].where for k in np.flatnonzero(wrong)[:4]]) + (", ..." if wrong.sum() > 4 else "")
    if wrong.sum() > 1:
        found = _along_one_axis(seen, wrong, good, what) or _diagonal(seen, wrong, good, what)
        if found and not seen.whole:
            found += f", as far as the {len(seen)} numbers tell that were looked at, of {seen.claim.size:,}"
        return Diagnosis("place", (), found or f"{what} at {wrong.sum()} of {of_all} ({shown}), right at the others")
    if seen.whole:
        return Diagnosis("place", (), f"{what} at {shown} alone")
    return Diagnosis("place", (), f"{what} at {shown}, right at the {len(seen) - 1} other numbers that were looked at, "
                                  f"of {seen.claim.size:,}")


def _along_one_axis(seen, wrong, good, what):
    for axis, index in enumerate(seen.indices):
        bad, right = set(index[wrong].tolist()), set(index[good].tolist())
        if bad & right:
            continue
        if len(right) == 1 and good.sum() > 1:
            return f"right at index {min(right)} of axis {axis} alone, {what} at every other"
        if len(bad) == 1:
            return f"{what} at index {min(bad)} of axis {axis} alone"
        if max(bad) < min(right):
            return f"{what} below index {min(right)} of axis {axis}, right from there on"
        if max(right) < min(bad):
            return f"{what} from index {min(bad)} of axis {axis} on, right elsewhere"
        if len(seen.shape) > 1 and 2 * len(bad) <= wrong.sum():   # each of them shows it twice
            shown = ", ".join(map(str, sorted(bad)[:4])) + (", ..." if len(bad) > 4 else "")
            return f"{what} at some indices of axis {axis} ({shown}), right at the others"
    return ""


def _diagonal(seen, wrong, good, what):
    if len(seen.shape) != 2:
        return ""
    diagonal = np.equal(*seen.indices)
    if np.array_equal(diagonal[wrong | good], good[wrong | good]):
        return f"right on the diagonal alone, {what} off it"
    return f"{what} on the diagonal alone" if np.array_equal(diagonal[wrong | good], wrong[wrong | good]) else ""


PATTERNS = (cut_off, mask, along_axis, misplaced, precision, places)


def diagnose_shape(claim, name, shape, probe):
    """Say what a gradient of the wrong shape is, by comparing its numbers with differences.

    Parameters
    ----------
    claim : ndarray
    name : str
        Of the tensor, among the probe's arguments.
    shape : tuple of int
        The right shape.
    probe : Probe

    Returns
    -------
    str or None
    """
    size = math.prod(shape)
    if claim.size == 0 or size == 0:
        return None
    numbers = np.arange(size) if size <= LIMIT else np.unique(np.random.default_rng(0).integers(0, size, 12))
    indices = np.unravel_index(numbers, shape) if shape else ()
    found = [probe.coordinate(name, index) for index in (map(tuple, np.transpose(indices).tolist()) if shape else [()])]
    measured, error = (np.array([getattr(e, field) for e in found]) for field in ("value", "error"))
    largest = np.abs(measured).max()
    for words, candidate in itertools.chain(arrangements(claim, shape), reductions(claim, shape)):
        if largest and np.all(np.abs(candidate[indices] - measured) <= error + 1e-6 * largest):
            return words
    total = measured.sum()
    same_total = abs(claim.sum() - total) <= error.sum() + 1e-6 * largest
    if len(numbers) == size > 1 and abs(total) > 1e-3 * largest and same_total:
        return "summed over everything" if claim.size == 1 else "its total is right: summed over the wrong axis?"
    return None


def arrangements(claim, shape):
    """Yield what the tensor would be if its numbers lay otherwise, with the name of the mistake."""
    if claim.ndim == 2 and claim.T.shape == shape:
        yield "transposed", claim.T
    elif 2 < claim.ndim <= 5:   # there are 120 orders of five axes
        for axes in itertools.permutations(range(claim.ndim)):
            if axes != tuple(range(claim.ndim)) and tuple(claim.shape[axis] for axis in axes) == shape:
                yield f"axes in another order (transpose{axes} puts it right)", claim.transpose(axes)
    if claim.shape != shape:
        if claim.size == math.prod(shape):
            yield "the right numbers in another shape (reshape)", claim.reshape(shape)
        return
    if claim.ndim >= 2:
        yield "reshaped in the wrong order of axes", claim.ravel("F").reshape(shape)
        yield "reshaped in the wrong order of axes", claim.ravel().reshape(shape, order="F")
    for axis, n in enumerate(shape):
        if n > 1:
            yield f"reversed along axis {axis}", np.flip(claim, axis)
        if n > 2 and n % 2 == 0 and axis == len(shape) - 1:
            yield f"the two halves of axis {axis} have changed places", np.roll(claim, n // 2, axis)
        for shift in (1, -1) if n > 2 else ():
            yield f"shifted by {abs(shift)} along axis {axis}", np.roll(claim, shift, axis)


def reductions(claim, shape):
    """Yield the arrays of the right shape that a sum, a mean or a broadcast makes of a claim, with its name."""
    for axis, keep in itertools.product(range(claim.ndim), (False, True)):
        total = claim.sum(axis=axis, keepdims=keep)
        if total.shape == shape:
            yield f"the sum over axis {axis} is missing", total
            yield f"the mean over axis {axis} is missing", total / claim.shape[axis]
    if shape == ():
        yield "the sum over everything is missing", claim.sum()
    if broadcasts(claim.shape, shape):
        yield "right, but not spread out to the tensor's shape", np.broadcast_to(claim, shape)
