"""One claim against one difference, for a number or along a direction: do they agree, differ, or can it not be told?

There is no absolute tolerance. The gap between claim and difference is compared with the estimated error of the
difference and the rounding of the claim, both of which scale with the loss; and a gap counts only if a second
difference, taken with other steps, shows it too. A function with a slope along every axis need not have a gradient. So
the numbers that lie at corners are also moved together.
"""

import numpy as np

from .noise import find_jumps
from .numeric import repeated
from .probe import EPS, FIRST_STEP, norm
from .record import ROUNDINGS, Number

__all__ = ["precision_of", "number_at", "along", "together", "explained"]

RESOLUTION = 1e-4    # an error above this share of the tensor's scale does not resolve the number
CLEAR = 3.0          # a gap of more than this many bounds is a difference; between one and three it is not resolved
BLUNDER = 2**12      # a gap of more roundings than this of the largest number is a mistake
SECOND_STEP = 0.37 * FIRST_STEP   # first step of the second difference
COARSE = 1e-7        # an error above this share of the scale may be worth measuring again
SUSPICIOUS = 0.02    # a gap above this share of the error is measured again: rounding alone seldom makes as much
SLIGHT = 1e-2        # a gap below this share of the scale may come from a tolerance inside the function
STEPS = 32           # the slope of an iteration may be off by this many times the tolerance at which it stops
NEIGHBOURS = 6       # how many numbers at corners are moved together


def precision_of(claim, probe):
    """Return the spacing at 1 of the numbers that a claim was computed with, at most that of float32."""
    kind = claim.dtype if claim.dtype.kind == "f" else np.float64
    return min(float(max(np.finfo(kind).eps, probe.given_precision)), float(np.finfo(np.float32).eps))


def number_at(probe, name, claim, precision, scale, index, estimate, steepest=0.0):
    """Compare claim and difference for one number of a tensor.

    Parameters
    ----------
    probe : Probe
    name : str
    claim : ndarray
        The tensor's claimed gradient.
    precision : float
        As from ``precision_of``.
    scale, steepest : float
        The largest slope in this tensor, and the largest claimed in any.
    index : tuple of int
    estimate : Estimate
        The first difference.

    Returns
    -------
    Number
    """
    place = int(np.ravel_multi_index(index, claim.shape)) if index else 0
    number = Number(place, float(claim[index]), 0, 0, 0, "", tensor=name, shape=claim.shape)
    size = probe.size_of(name, index)

    def compared(estimate):
        found = _compared(number, estimate, scale, precision, size, probe.noise_of(name) / size)
        near = found.gap > SUSPICIOUS * found.error > 0 and found.error > COARSE * scale
        if probe.precision == EPS and (near or found.error > RESOLUTION * max(scale, abs(found.measured))):
            better = repeated(probe.line_of(name, index), estimate)
            found = _compared(number, better, scale, precision, size, probe.noise_of(name) / size)
        return found

    def again():
        return compared(probe.coordinate(name, index, scale=0.1 * scale, step=SECOND_STEP))

    first = compared(estimate)
    told = first.state == "agree" and first.reach and (first.error <= abs(first.claimed) / 10 or first.claimed == 0)
    told = told or first.constant and first.claimed == 0
    if not told and probe.is_constant(probe.one(name, index), first.claimed * size, precision, max(scale, steepest)):
        rounding = ROUNDINGS * precision * max(steepest, scale, norm(probe.weight * probe.base) / size)
        certain = abs(first.claimed) <= rounding or precision == EPS   # else larger terms may leave it
        return first._replace(state="agree" if certain else "unresolved", constant=certain)
    if first.state == "differ" and first.claimed == 0 and first.slopes[0] != first.slopes[1]:
        if probe.corners_follow or _corners_meet(probe, name, index, first.slopes):   # where the chain rule may give 0
            return first._replace(state="kink")
    slight = first.gap < SLIGHT * scale or first.measured == 0 != first.claimed
    if first.state == "differ" and slight:   # a solver's tolerance, or stairs?
        if name in probe.stairs or find_jumps(probe, name, index):
            first = compared(probe.coordinate(name, index, scale=0.1 * scale))
    return _confirmed(first, again, name in probe.too_noisy)


def along(probe, k, moves, claims, scales, precision):
    """Compare claim and difference along one direction, through one tensor or several.

    Parameters
    ----------
    probe : Probe
    k : int
        The direction's number, from 0.
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

    def compared(step):
        return _compared(number, probe.along(moves, step=step), size, precision, noise=noise)

    noise = max(probe.noise_of(name) for name in moves)
    too_noisy = not probe.too_noisy.isdisjoint(moves)
    found = _confirmed(compared(FIRST_STEP), lambda: compared(SECOND_STEP), too_noisy)
    if found.state == "differ" and found.claimed == 0 and found.slopes[0] != found.slopes[1]:
        return found._replace(state="unresolved")   # corners of several numbers, as a rule
    return found


def _compared(number, estimate, scale, precision, size=1.0, noise=0.0):
    """Compare a claim with an estimate; at a corner, with the nearest value between the two one-sided slopes."""
    measured = float(np.clip(number.claimed, *sorted(estimate.slopes))) if estimate.kind == "kink" else estimate.value
    largest = max(scale, abs(measured))
    own = precision ** (2 / 3) * max(abs(number.claimed), abs(measured))
    own += EPS * estimate.reach   # a slope of zero is a sum of terms that are not
    own += EPS * size / estimate.step * abs(measured)   # the point's own rounding moves a slope that changes fast
    bound = estimate.error + ROUNDINGS * precision * largest + own + STEPS * noise
    gap = abs(number.claimed - measured)
    if estimate.error == np.inf:
        state = "edge" if estimate.kind == "edge" else "unresolved"
    elif gap <= bound:
        state = "corner" if estimate.kind == "kink" else "agree"
    elif gap > CLEAR * bound and gap > max(BLUNDER * precision * largest, CLEAR * CLEAR * STEPS * noise):
        state = "differ"
    else:
        state = "unresolved"
    return number._replace(measured=measured, error=estimate.error, bound=bound, state=state, slopes=estimate.slopes,
                           reach=estimate.reach, constant=estimate.constant)


def _confirmed(first, again, too_noisy):
    """Return a difference only if a second, from ``again()``, confirms it; a noisy function has none."""
    if first.state != "differ":
        return first
    error = max(first.error, first.gap)
    if not too_noisy:
        second = again()
        if second.state == "differ" and abs(first.measured - second.measured) <= first.error + second.error:
            return first
        error = max(error, second.error)
    return first._replace(state="unresolved", error=error)


def _corners_meet(probe, name, index, slopes):
    """True if a number lies on several corners and shares some of them with a neighbour.

    Corners c_m |a_m . d| change the slope of a line along d by their sum: by A along i, by B along j. If i and j share
    no corner, the change along i + j and along i - j is A + B; if they lie on one and the same, it is A + B and A - B.
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


def together(probe, tensors, rng, count=2):
    """Compare claim and difference along random directions through all tensors at once.

    Parameters
    ----------
    probe : Probe
    tensors : list of Comparison
    rng : numpy.random.Generator
    count : int, optional
        The number of directions.

    Returns
    -------
    list of Number

    Notes
    -----
    The median of three equal numbers has the slope 0 along each of them, and 1 along all together. Where every number
    was measured, and the slope along a direction is not the sum of theirs, no claim is right or wrong: the direction's
    state is "kink". So it is where all corners are convex (or all concave) and the claim lies outside the one-sided
    slopes of the direction, as no subgradient does.
    """
    tensors = [t for t in tensors if t.claim.size and not _is_constant(probe, t)]
    if sum(t.claim.size for t in tensors) < 2:
        return []
    claims, scales = {t.name: t.claim for t in tensors}, {t.name: t.scale for t in tensors}
    precision = max(t.precision for t in tensors)
    found = []
    corners = any("corner" in t.states for t in tensors)
    flat = any((t.constant & (t.states == "differ")).any() for t in tensors)   # each alone, perhaps not together
    shown = 3 * count if corners or flat else count
    for k in range(shown):
        moves = probe.direction([t.name for t in tensors], rng)
        if corners and k == 0:   # along the claim: there a claim that is too long for a subgradient shows
            moves = {name: np.copysign(move, claims[name]) for name, move in moves.items()}
        number = along(probe, k, moves, claims, scales, precision)
        found.append(_reconciled(probe, number, tensors, moves) if number.state in ("differ", "unresolved") else number)
    for moves in _past_corners(tensors) if corners else ():
        number = along(probe, len(found), moves, claims, scales, precision)
        bend = abs(number.slopes[1] - number.slopes[0])
        if bend <= number.bound and number.state in ("agree", "differ"):   # one slope, for every claim
            found.append(number)
    beyond = any(number.state == "differ" and number.place < -shown for number in found)
    return [number for number in found if not (beyond and number.state == "kink")]


def _past_corners(tensors):
    """Yield directions along which numbers at one corner may move together without a change of slope.

    A corner c |a . d| changes the slope along number i by 2 c |a_i|. So each moves by one over that change, with either
    sign: all whose slopes change in the same sense, then each with the next. At a tie of max, all rise together.
    """
    corners = [(t, k, t.slopes[k, 1] - t.slopes[k, 0]) for t in tensors for k in np.flatnonzero(t.states == "corner")]
    for way in (1, -1):
        group = [(t, t.places[k], 1 / abs(bend)) for t, k, bend in corners if way * bend > 0][:NEIGHBOURS]
        pairs = [(one, (t, place, sign * step)) for one, (t, place, step) in zip(group, group[1:]) for sign in (1, -1)]
        for chosen in ([group] if len(group) > 2 else []) + pairs:
            moves = {t.name: np.zeros(t.shape) for t, _, _ in chosen}
            for t, place, step in chosen:
                moves[t.name].flat[place] = step
            yield moves


def _is_constant(probe, t):
    """True if the function does not change with a tensor, neither with each number alone nor with all together."""
    if not t.constant.all() or not t.claim.any():
        return False
    moves = probe.direction([t.name], np.random.default_rng(0))
    return probe.is_constant(moves, float(np.vdot(moves[t.name], t.claim)), t.precision, t.scale)


def _reconciled(probe, number, tensors, moves):
    """Return a direction whose claim is wrong; as "kink" or "corner" if no wrong number explains it."""
    if not all(t.whole and np.isfinite(t.error).all() for t in tensors):
        corners = any(np.isin(t.states, ("corner", "kink")).any() for t in tensors)
        return explained(number, tensors) if corners else number
    moved = {t.name: moves[t.name].ravel()[t.places] for t in tensors}
    ends = np.concatenate([np.sort(t.slopes * moved[t.name][:, None], axis=1) for t in tensors])     # (n, 2)
    error = sum(float((t.error * np.abs(moved[t.name])).sum()) for t in tensors)
    low, high = ends.sum(axis=0) + 10 * (error + number.error) * np.array([-1, 1])
    wrong = [t[k] for t in tensors for k in np.flatnonzero(t.states == "differ")]
    if not low <= number.measured <= high:   # the slope along it is not the sum of the slopes
        return number if any(_adds(probe, number, one, moves) for one in wrong[:3]) else number._replace(state="kink")
    if wrong:
        return number
    if number.state == "differ" and any("corner" in t.states for t in tensors):
        bends = np.concatenate([np.diff(t.slopes, axis=1)[t.states == "corner", 0] for t in tensors])
        return number._replace(state="kink" if (bends > 0).all() or (bends < 0).all() else "corner")
    return number


def _adds(probe, number, one, moves):
    """True if the slope along a direction is that along one of its numbers plus that along all the others."""
    others = {name: move.copy() for name, move in moves.items()}
    others[one.tensor][one.index] = 0
    own, rest = float(moves[one.tensor][one.index]), probe.along(others)
    sums = rest.value + own * np.array([one.measured, *one.slopes])
    return bool(np.abs(number.measured - sums).min() <= 10 * (number.error + rest.error + abs(own) * one.error))


def explained(number, tensors):
    """Return a direction whose claim is wrong; as "corner" or "kink" if every tensor by itself is right."""
    if number.state != "differ" or any(t.state == "differ" for t in tensors):
        return number
    return number._replace(state="corner" if any("corner" in t.states for t in tensors) else "kink")
