"""One claim against one difference: do they agree, do they differ, or can it not be told?

Nothing is compared with an absolute tolerance. A gap between claim and difference is held against the estimated
error of the difference and the rounding of the claim, both of which grow and shrink with the loss. A gap that
one measurement shows must be shown by a second, taken with other steps, before it counts.
"""

import numpy as np

from .noise import find_jumps
from .numeric import repeated
from .probe import EPS, norm
from .record import ROUNDINGS, Number

__all__ = ["precision_of", "number_at", "along"]

RESOLUTION = 1e-4    # an error above this share of the tensor's scale does not resolve the number
CLEAR = 3.0          # a gap of so many bounds is a difference; anything between is not resolved
BLUNDER = 2**12      # roundings of the largest number that only a mistake explains
SECOND_STEP = 0.37   # first step of the second opinion, relative to the first's
COARSE = 1e-7        # an error above this share of it may be worth measuring better
SUSPICIOUS = 0.02    # share of its error bound at which a gap is looked at again: rounding alone seldom makes as much
SLIGHT = 1e-2        # gap, beside the tensor's scale, that a tolerance inside the function may explain
STEPS = 32           # an iteration stopped at its tolerance has a slope that is off by so many times that
SHORT = 1e-2         # a number of less than this typical size gets a third


def precision_of(claim, probe):
    """Spacing at 1 of the numbers that a claim was computed with; half precision excuses nothing."""
    kind = claim.dtype if claim.dtype.kind == "f" else np.float64
    return min(float(max(np.finfo(kind).eps, probe.coarseness)), float(np.finfo(np.float32).eps))


def number_at(probe, name, claim, precision, scale, index, estimate, steepest=0.0):
    place = int(np.ravel_multi_index(index, claim.shape)) if index else 0
    number = Number(place, float(claim[index]), 0, 0, 0, "", tensor=name, shape=claim.shape)
    size = probe.size_of(name, index)

    def compared(estimate):
        found = _compared(number, estimate, scale, precision, size, probe.coarseness_of(name) / size)
        near = found.gap > SUSPICIOUS * found.error > 0 and found.error > COARSE * scale
        if probe.precision == EPS and (near or found.error > RESOLUTION * max(scale, abs(found.measured))):
            better = repeated(probe.line_of(name, index), estimate)
            found = _compared(number, better, scale, precision, size, probe.coarseness_of(name) / size)
        return found

    def opinions():
        for step in [SECOND_STEP / 16] + [SECOND_STEP / 16 / size] * (size < SHORT):
            yield compared(probe.coordinate(name, index, scale=0.1 * scale, step=step))

    first = compared(estimate)
    told = first.state == "agree" and first.reach and (first.error <= abs(first.claimed) / 10 or first.claimed == 0)
    told = told or first.constant and first.claimed == 0
    if not told and probe.is_constant(probe.one(name, index), first.claimed * size, precision, max(scale, steepest)):
        rounding = ROUNDINGS * precision * max(steepest, scale, norm(probe.weight * probe.base) / size)
        certain = abs(first.claimed) <= rounding or precision == EPS   # else a sum of much larger numbers explains it
        return first._replace(state="agree" if certain else "unresolved", constant=certain)
    if first.state == "differ" and first.claimed == 0 and first.slopes[0] != first.slopes[1]:
        if probe.corners_follow or _corners_meet(probe, name, index, first.slopes):   # there the chain rule may give 0
            return first._replace(state="kink")
    slight = first.gap < SLIGHT * scale or first.measured == 0 != first.claimed
    if first.state == "differ" and slight:   # does a solver stop at its tolerance, or the value move in stairs?
        if name in probe.coarse or find_jumps(probe, name, index):
            first = compared(probe.coordinate(name, index, scale=0.1 * scale))
    return _confirmed(first, opinions(), name in probe.too_noisy)


def along(probe, k, moves, claims, scales, precision):
    """Compare claims and difference along one direction, through one tensor or several.

    Parameters
    ----------
    probe : Probe
    k : int
        Which direction it is, from 0.
    moves, claims : dict of str to ndarray
        The direction, and the claimed gradients.
    scales : dict of str to float
        The largest slope in each tensor.
    precision : float

    Returns
    -------
    Number
    """
    with np.errstate(all="ignore"):
        claimed = float(sum(np.vdot(claims[name], move) for name, move in moves.items()))
    size = float(np.hypot.reduce([scales[name] * norm(move) for name, move in moves.items()]))
    tensor = next(iter(moves)) if len(moves) == 1 else ""
    number = Number(-1 - k, claimed, 0, 0, 0, "", tensor=tensor)

    def compared(estimate):
        return _compared(number, estimate, size, precision, coarse=coarse)

    coarse = max(probe.coarseness_of(name) for name in moves)
    opinions = (compared(probe.along(moves, step=step)) for step in [SECOND_STEP / 16])
    found = _confirmed(compared(probe.along(moves)), opinions, not probe.too_noisy.isdisjoint(moves))
    if found.state == "differ" and found.claimed == 0 and found.slopes[0] != found.slopes[1]:
        return found._replace(state="unresolved")   # corners of several numbers, as a rule
    return found


def _compared(number, estimate, scale, precision, size=1.0, coarse=0.0):
    """Hold the claim against an estimate: at a corner, against the nearest slope between those to either side."""
    measured = float(np.clip(number.claimed, *sorted(estimate.slopes))) if estimate.kind == "kink" else estimate.value
    largest = max(scale, abs(measured))
    own = precision ** (2 / 3) * max(abs(number.claimed), abs(measured))
    own += EPS * estimate.reach   # a slope of zero is a sum of terms that are not
    own += EPS * size / estimate.step * abs(measured)   # the point's own rounding moves a slope that changes fast
    bound = estimate.error + ROUNDINGS * precision * largest + own + STEPS * coarse
    gap = abs(number.claimed - measured)
    if estimate.error == np.inf:
        state = "edge" if estimate.kind == "edge" else "unresolved"
    elif gap <= bound:
        state = "corner" if estimate.kind == "kink" else "agree"
    elif gap > CLEAR * bound and gap > max(BLUNDER * precision * largest, CLEAR * CLEAR * STEPS * coarse):
        state = "differ"
    else:
        state = "unresolved"
    return number._replace(measured=measured, error=estimate.error, bound=bound, state=state, slopes=estimate.slopes,
                           reach=estimate.reach, constant=estimate.constant)


def _confirmed(first, opinions, too_noisy):
    """Ask for a second opinion, with other steps, before a difference counts; a noisy function proves nothing.

    A third, with a step of unit length where numbers are much smaller, may only say that the claim is right at that
    scale: where a value is what is left of a cancellation, short steps see the stairs that rounding makes of it.
    """
    if first.state != "differ":
        return first
    if too_noisy:
        return first._replace(state="unresolved", error=max(first.error, first.gap))
    second = next(opinions)
    confirmed = second.state == "differ" and abs(first.measured - second.measured) <= first.error + second.error
    if confirmed and not any(c.state == "agree" and c.claimed and c.error < first.gap / 10 for c in opinions):
        return first
    error = max(first.error, second.error, first.gap)
    return first._replace(state="edge" if second.state == "edge" else "unresolved", error=error)


def _corners_meet(probe, name, index, slopes):
    """True if a number lies on corners that it shares with a neighbour, and they are more than one.

    Corners c_m |a_m . d| bend a line along d by their sum. By i and by j alone the bends are A and B. Where no corner
    is shared, the bend along i + j and that along i - j are both A + B; where there is one, they are A + B and A - B.
    """
    def bend(move):
        estimate = probe.along({name: move})
        return estimate.slopes[1] - estimate.slopes[0], 10 * estimate.error

    unit, shape = probe.size_of(name, index), probe.at[name].shape
    by_itself = unit * (slopes[1] - slopes[0])
    neighbours = {tuple((index[a] + step) % n if a == axis else index[a] for a in range(len(shape)))
                  for axis, n in enumerate(shape) for step in (1, -1)} - {index}
    for neighbour in sorted(neighbours):
        move, other = np.zeros(shape), np.zeros(shape)
        move[index], other[neighbour] = unit, probe.size_of(name, neighbour)
        by_other, error = bend(other)
        (plus, error_of_plus), (minus, error_of_minus) = bend(move + other), bend(move - other)
        error = error + error_of_plus + error_of_minus + 1e-6 * abs(by_itself)
        ends = sorted(np.abs([by_itself + by_other, by_itself - by_other]))
        apart = max(abs(plus - by_itself - by_other), abs(minus - by_itself - by_other)) <= error
        if not apart and np.abs(np.sort(np.abs([plus, minus])) - ends).max() > error:
            return True
    return False
