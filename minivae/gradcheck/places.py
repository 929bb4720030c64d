"""Where in a tensor the wrong numbers lie, and what was done to them, when no formula fits them all.

Right in one row alone, wrong in one column alone, the same number all along an axis, cut off at a limit, right to
single precision: each narrows down the line to look at. What a few numbers could show by chance is not said; and where
a sample was looked at, that is said.
"""

import itertools
import math

import numpy as np

from .hypotheses import clear, too_many_for_chance
from .record import OUTPUT
from .words import Diagnosis, digits

__all__ = ["PATTERNS", "formula"]


def cut_off(seen):
    """Clipped at a limit, or without the numbers of one sign."""
    claimed, measured, wrong = seen.claimed, seen.measured, seen.off
    largest = np.abs(claimed).max(initial=0)
    at_limit = np.abs(claimed) >= largest * (1 - 1e-12)
    if largest and (at_limit & wrong).sum() >= 2 and seen.fits(claimed, 1.0, np.clip(measured, -largest, largest)):
        return Diagnosis("cut", (), f"clipped at {digits(largest, 0)}: right where it is smaller")
    if wrong.sum() < 2 or not too_many_for_chance(seen, wrong):
        return None
    for word, part in (("positive", np.maximum(measured, 0)), ("negative", np.minimum(measured, 0))):
        if part.any() and seen.fits(claimed, 1.0, part):
            return Diagnosis("cut", (), f"only the {word} numbers are there, the others are zero")
    if seen.fits(claimed, 1.0, np.abs(measured)):
        return Diagnosis("cut", (), "the sign is lost: the absolute value of what is right")
    return None


def precision(seen):
    """Right, but computed in fewer digits than it is stored in: most of the numbers are off, by similar amounts."""
    wrong = seen.off
    whole = np.trunc(seen.measured)
    if len(np.unique(whole[wrong & (whole != 0)])) > 1 and wrong.sum() > 2 and np.array_equal(seen.claimed, np.trunc(
            seen.claimed)) and seen.fits(seen.claimed, 1.0, whole):
        return Diagnosis("digits", (), "cut to whole numbers: stored in an array of integers?")
    gaps, busy = seen.gap, seen.measured != 0
    gap, alike = gaps.max(initial=0), wrong & (gaps > gaps.max(initial=0) / 100)
    for name, eps in (("single", 2.0**-23), ("half", 2.0**-10)):
        if eps / 16 < gap / seen.largest <= 2 * eps and alike.sum() >= 4 and 2 * alike.sum() > busy.sum():
            kept = int(-np.log10(gap / seen.largest))
            return Diagnosis("digits", (),
                             f"right to {kept} digits only: computed in {name} precision, or a small constant is "
                                           "in the way")
    return None


def mask(seen):
    """Zero where the gradient is not, or not zero where it is."""
    wrong, there = seen.off, clear(seen)
    if np.array_equal(there, seen.claimed == 0) and there.sum() > 1 and too_many_for_chance(
            seen, there, np.ones(len(seen), bool)):
        return Diagnosis("place", (), "zero just where it should not be: a mask is the wrong way round")
    if wrong.sum() < 2 or not (there & ~wrong).any() or (wrong & there).any():
        return None
    if _one_in_each(seen, wrong):
        return Diagnosis("place", (), "wrong at one place in each row, right elsewhere: were the targets (one-hot) not "
                                      "subtracted there?")
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
        truth, error = seen.table(), np.zeros(claim.shape)
        error[seen.indices] = seen.error
        if np.ptp(truth, axis=axis).max() <= 20 * error.max():
            continue
        index = np.zeros(claim.shape, bool)
        index[(slice(None),) * axis + (0,)] = True
        for word, value in (("mean", truth.mean(axis=axis)), ("sum", truth.sum(axis=axis))):
            if seen.fits(claim[index], 1.0, value.ravel(), error.sum(axis=axis).ravel()):
                return Diagnosis("spread", (),
                                 f"the {word} over axis {axis}, spread over all of it, in place of each one's "
                                               "own number")
        return Diagnosis("spread", (), f"the same number all along axis {axis}, where the truth varies")
    return None


def misplaced(seen):
    """The right numbers in the wrong places, or only their total right."""
    if not seen.whole or seen.informative < 2 or seen.gap.max() < 1e-6 * seen.largest:
        return None
    claimed, measured = np.sort(seen.claimed), np.sort(seen.measured)
    if seen.fits(claimed, 1.0, measured, seen.error.max()):
        changed = [seen[k].where for k in np.flatnonzero(seen.off)]
        return Diagnosis("arranged", (), f"the numbers at {' and '.join(changed)} have changed places"
                         if len(changed) == 2
                         else "the right numbers in the wrong order")
    total, error = seen.measured.sum(), seen.error.sum()
    right = seen.fits(np.array([claimed.sum()]), 1.0, np.array([total]), np.array([error]))
    if right and seen.off.sum() > 2 and abs(total) > 1e-3 * seen.largest:
        return Diagnosis("arranged", (),
                         "the total is right and the parts are not: shared out wrongly, or summed over the "
                                         "wrong axis?")
    return None


def places(seen):
    """All that is wrong, or right, has one index or one run of indices along an axis; or just where it is."""
    wrong, there = seen.off, clear(seen)
    busy = wrong | there   # where right and wrong could be told apart
    good = busy & ~wrong
    if not wrong.any() or not good.any():
        return None
    what = "zero" if not seen.claimed[wrong].any() else "wrong"
    so_far = "" if seen.whole else (f", as far as the {len(seen)} numbers tell that were looked at, of "
                                    f"{seen.claim.size:,}")
    if wrong.sum() > 1:
        found = _along_one_axis(seen, wrong, good, what) or _diagonal(seen, wrong, busy, what)
        if found:
            return Diagnosis("place", (), found + so_far)
    shown = [seen[k].where for k in np.flatnonzero(wrong)[:4]]
    listed = ", ".join(shown) + (", ..." if wrong.sum() > 4 else "")
    if seen.whole and wrong.sum() == 1:
        return Diagnosis("place", (), f"{what} at {listed} alone")
    if wrong.sum() == 1:
        return Diagnosis("place", (),
                         f"{what} at {listed}, right at the {len(seen) - 1} other numbers that were looked at, of "
                                      f"{seen.claim.size:,}")
    of_all = f"{len(seen)} numbers" if seen.whole else (f"the {len(seen)} numbers that were looked at, of "
                                                       f"{seen.claim.size:,}")
    return Diagnosis("place", (), f"{what} at {wrong.sum()} of {of_all} ({listed}), right at the others")


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


def _diagonal(seen, wrong, busy, what):
    if len(seen.shape) != 2:
        return ""
    row, column = seen.indices
    if np.array_equal(row[busy] == column[busy], ~wrong[busy]):
        return f"right on the diagonal alone, {what} off it"
    return f"{what} on the diagonal alone" if np.array_equal(row[busy] == column[busy], wrong[busy]) else ""


def _one_in_each(seen, wrong):
    """Wrong at one place in each row, as the gradient of a cross-entropy is without its targets."""
    if not seen.whole or len(seen.shape) != 2 or len(seen.claim) < 2:
        return False
    table = np.zeros(seen.shape, bool)
    table[seen.indices] = wrong
    return bool(np.all(table.sum(axis=1) == 1))


def formula(seen, context):
    """For a function of each number alone: the slope that was used, as a formula in the input or the output."""
    dy, claim = context.upstream, seen.claim
    if dy is None or dy.shape != claim.shape or claim.size < 4 or np.any(dy == 0):
        return None
    slope, rounding = (claim / dy).ravel(), 2**12 * seen.precision
    for name, power in itertools.product((OUTPUT, seen.name), ("", " squared")):
        array = np.asarray(context.arrays.get(name, 0.0), np.float64)
        values = array.ravel() ** (2 if power else 1)
        if array.shape != claim.shape or not np.ptp(values):
            continue
        design = np.stack([np.ones_like(values), values / np.abs(values).max()], axis=1)
        (constant, rate), *_ = np.linalg.lstsq(design, slope, rcond=None)
        largest = np.abs(slope).max()
        if abs(rate) > 1e-3 * largest and np.abs(design @ (constant, rate) - slope).max() <= rounding * largest:
            constant = 0.0 if abs(constant) <= rounding * largest else constant
            words = f"{_linear(constant, rate / np.abs(values).max(), rounding)}{name}{power}"
            return Diagnosis("formula", (), f"the upstream gradient was multiplied by {words}, which is not the slope "
                                            "of the forward")
    return None


def _linear(constant, rate, rounding):
    times = "" if abs(abs(rate) - 1) <= rounding else f"{abs(rate):.4g} times "
    if constant == 0:
        return ("minus " if rate < 0 else "") + times
    return f"{constant:.4g} {'-' if rate < 0 else '+'} {times}"


PATTERNS = (cut_off, mask, along_axis, misplaced, precision, places)
