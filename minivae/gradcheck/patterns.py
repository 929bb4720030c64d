"""Where in a tensor the wrong numbers lie, when no formula fits them all.

Right in one row alone, wrong in one column alone, the same number all along an axis, cut off at a limit, right
to single precision: each narrows down the line to look at.
"""

import numpy as np

from .constants import digits

__all__ = ["PATTERNS"]


def precision(evidence, context):
    """Right, but computed in fewer digits than it is stored in."""
    if evidence.fits(evidence.claimed, 1.0, np.trunc(evidence.measured)):
        return "cut to whole numbers: stored in an array of integers?"
    gaps = np.abs(evidence.claimed - evidence.measured)
    gap, off = gaps.max(initial=0), gaps[evidence.measured != 0] > evidence.error.max(initial=0)
    for name, eps in (("single", 2.0**-23), ("half", 2.0**-10)):
        if evidence.largest and gap <= 2 * eps * evidence.largest and off.mean() > 0.5:   # rounding spares few
            kept = int(-np.log10(gap / evidence.largest))
            return f"right to {kept} digits only: computed in {name} precision, or a small constant is in the way"
    return None


def along_axis(evidence, context):
    """The same number all along an axis, where the truth varies."""
    claim = evidence.claim
    for axis, n in enumerate(claim.shape):
        if n < 2 or np.ptp(claim, axis=axis).max() > 2**8 * evidence.precision * np.abs(claim).max():
            continue
        if not evidence.whole:
            return f"the same number all along axis {axis}: reduced over it and spread out again"
        truth, error = np.zeros(claim.shape), np.zeros(claim.shape)
        truth[evidence.indices], error[evidence.indices] = evidence.measured, evidence.error
        if np.ptp(truth, axis=axis).max() <= 20 * error.max():
            continue
        index = np.zeros(claim.shape, bool)
        index[(slice(None),) * axis + (0,)] = True
        for word, value in (("mean", truth.mean(axis=axis)), ("sum", truth.sum(axis=axis))):
            if evidence.fits(claim[index], 1.0, value.ravel(), error.sum(axis=axis).ravel()):
                return f"the {word} over axis {axis}, spread over all of it, in place of each one's own number"
        return f"the same number all along axis {axis}, where the gradient varies"
    return None


def misplaced(evidence, context):
    """The right numbers in the wrong places, or only their total right."""
    if not evidence.whole or evidence.informative < 2:
        return None
    if np.abs(evidence.claimed - evidence.measured).max() < 1e-6 * evidence.largest:
        return None
    claimed, measured = np.sort(evidence.claimed), np.sort(evidence.measured)
    if evidence.fits(claimed, 1.0, measured, evidence.error.max()):
        return "the right numbers in the wrong order"
    total, error = evidence.measured.sum(), evidence.error.sum()
    right = evidence.fits(np.array([claimed.sum()]), 1.0, np.array([total]), np.array([error]))
    if right and len(claimed) > 2 and abs(total) > 1e-3 * evidence.largest:
        return "the total is right and the parts are not: shared out wrongly, or summed over the wrong axis?"
    return None


def cut_off(evidence, context):
    """Clipped at a limit, or without the numbers of one sign."""
    largest = np.abs(evidence.claimed).max(initial=0)
    at_limit = np.abs(evidence.claimed) >= largest * (1 - 1e-12)
    beyond = np.abs(evidence.measured) > largest + evidence.error
    if largest and at_limit.sum() >= 2 and beyond.any():
        if evidence.fits(evidence.claimed, 1.0, np.clip(evidence.measured, -largest, largest)):
            return f"clipped at {digits(largest, 0)}: the gradient is right where it is smaller"
    measured = evidence.measured
    for word, part in (("positive", np.maximum(measured, 0)), ("negative", np.minimum(measured, 0))):
        if part.any() and evidence.fits(evidence.claimed, 1.0, part):
            return f"only the {word} numbers are there, the others are zero"
    if evidence.informative >= 2 and evidence.fits(evidence.claimed, 1.0, np.abs(evidence.measured)):
        return "the sign is lost: the absolute value of the gradient"
    return None


def wrong_places(evidence, context):
    """All that is wrong, or all that is right, has one index or one run of indices along an axis."""
    there = np.abs(evidence.measured) > 20 * evidence.error
    if there.any() and not there.all() and np.array_equal(there, evidence.claimed == 0):
        return "zero just where it should not be: a mask is the wrong way round"
    wrong = evidence.states == "differ"
    busy = wrong | there   # where right and wrong could be told apart
    if wrong.sum() == 0 or (busy & ~wrong).sum() < 2:
        return None
    what = "zero" if not evidence.claimed[wrong].any() else "wrong"
    for axis, places in enumerate(evidence.indices):
        bad, good = set(places[wrong].tolist()), set(places[busy & ~wrong].tolist())
        if bad & good or len(bad) + len(good) < 2:
            continue
        if len(good) == 1:
            return f"right at index {min(good)} of axis {axis} alone, {what} at every other"
        if len(bad) == 1:
            return f"{what} at index {min(bad)} of axis {axis} alone"
        if max(bad) < min(good) or max(good) < min(bad):
            edge = max(min(bad), min(good))
            side = "from index" if min(bad) == edge else "below index"
            return f"{what} {side} {edge} of axis {axis} on, right elsewhere" if side == "from index" else \
                f"{what} {side} {edge} of axis {axis}, right from there on"
        return f"{what} at some indices of axis {axis} ({_few(bad)}), right at the others"
    if wrong.sum() == 1:
        return f"{what} at {evidence[wrong.argmax()].where} alone"
    if len(evidence.shape) == 2:
        row, column = evidence.indices
        if np.array_equal(row[busy] == column[busy], ~wrong[busy]):
            return f"right on the diagonal alone, {what} off it"
        if np.array_equal(row[busy] == column[busy], wrong[busy]):
            return f"{what} on the diagonal alone"
    if what == "zero":
        return "zero at some places where it should not be, right elsewhere: a mask is wrong?"
    if not np.abs(evidence.measured[wrong]).max() > 20 * evidence.error[wrong].max():
        return "not zero at some places where it should be, right elsewhere: a mask is missing or wrong?"
    return _one_in_each(evidence, wrong)


def _one_in_each(evidence, wrong):
    """Wrong at one place in each row, as the gradient of a cross-entropy is without its targets."""
    table = np.zeros(evidence.shape, bool)
    table[evidence.indices] = wrong
    if evidence.whole and table.ndim == 2 and len(table) > 1 and np.all(table.sum(axis=1) == 1):
        return "wrong at one place in each row, right elsewhere: were the targets (one-hot) not subtracted there?"
    return None


def _few(indices):
    shown = sorted(indices)[:4]
    return ", ".join(map(str, shown)) + (", ..." if len(indices) > 4 else "")


PATTERNS = {along_axis: "spread", cut_off: "cut", misplaced: "arranged", precision: "digits", wrong_places: "place"}
