"""All tensors at once, where corners may lie: is it a wrong claim that a direction shows, or a corner?

A function that has a slope along each of its axes need not have a gradient. So the numbers that lie at corners are
moved together too, and a direction that goes wrong is explained by a wrong number, by a corner, or not at all.
"""

import numpy as np

from .agreement import along

__all__ = ["together", "explained"]

NEIGHBOURS = 6       # numbers at corners that are moved together


def together(probe, tensors, rng, count=2):
    """Compare along random directions through all tensors at once.

    Parameters
    ----------
    probe : Probe
    tensors : list of Comparison
    rng : numpy.random.Generator
    count : int, optional
        How many directions.

    Returns
    -------
    list of Number

    Notes
    -----
    A function that has slopes along its axes need not have a gradient: the median of three equal numbers has the slope
    0 along each of them, and 1 along all together. Where every number was measured and their sum is not what a
    direction has, no claim is right or wrong: the direction's state is "kink". So it is where all corners are convex
    (or all concave) and the claim leaves the slopes to either side, as no subgradient does.
    """
    tensors = [t for t in tensors if t.claim.size and not _is_constant(probe, t)]
    if sum(t.claim.size for t in tensors) < 2:
        return []
    claims, scales = {t.name: t.claim for t in tensors}, {t.name: t.scale for t in tensors}
    precision = max(t.precision for t in tensors)
    found = []
    corners = any("corner" in t.states for t in tensors)
    flat = any((t.constant & (t.states == "differ")).any() for t in tensors)   # alone; perhaps not with others
    shown = 3 * count if corners or flat else count
    for k in range(shown):
        moves = probe.direction([t.name for t in tensors], rng)
        if corners and k == 0:   # along the claim itself: no subgradient of a convex function is too long
            moves = {name: np.copysign(move, claims[name]) for name, move in moves.items()}
        number = along(probe, k, moves, claims, scales, precision)
        found.append(_reconciled(probe, number, tensors, moves) if number.state in ("differ", "unresolved") else number)
    for moves in _past_corners(tensors) if corners else ():
        number = along(probe, len(found), moves, claims, scales, precision)
        bend = abs(number.slopes[1] - number.slopes[0])
        if bend <= number.bound and number.state in ("agree", "differ"):   # there is one slope along it, for any claim
            found.append(number)
    beyond = any(number.state == "differ" and number.place < -shown for number in found)
    return [number for number in found if not (beyond and number.state == "kink")]


def _past_corners(tensors):
    """Yield directions along which numbers that lie at one corner may leave it together, so that nothing bends.

    A corner c |a . d| bends the line along number i by 2 c |a_i|. So the step of each is one over its bend, of either
    sign: of all whose lines bend the same way, then of each and the next. At a tie of max, all of them rise together.
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
    """True if the function does not change with a tensor, neither by one of its numbers nor by all."""
    if not t.constant.all() or not t.claim.any():
        return False
    moves = probe.direction([t.name], np.random.default_rng(0))
    return probe.is_constant(moves, float(np.vdot(moves[t.name], t.claim)), t.precision, t.scale)


def _reconciled(probe, number, tensors, moves):
    """Return a direction that goes wrong as "kink" or "corner", if it is no wrong number that explains it."""
    if not all(t.whole and np.isfinite(t.error).all() for t in tensors):
        corners = any(np.isin(t.states, ("corner", "kink")).any() for t in tensors)
        return explained(number, tensors) if corners else number
    moved = {t.name: moves[t.name].ravel()[t.places] for t in tensors}
    ends = np.concatenate([np.sort(t.slopes * moved[t.name][:, None], axis=1) for t in tensors])     # (n, 2)
    error = sum(float((t.error * np.abs(moved[t.name])).sum()) for t in tensors)
    low, high = ends.sum(axis=0) - 10 * (error + number.error)
    low, high = low, high + 20 * (error + number.error)
    wrong = [t[k] for t in tensors for k in np.flatnonzero(t.states == "differ")]
    if not low <= number.measured <= high:   # the slope of the sum is not the sum of the slopes
        return number if any(_adds(probe, number, one, moves) for one in wrong[:3]) else number._replace(state="kink")
    if wrong:
        return number
    if number.state == "differ" and any("corner" in t.states for t in tensors):
        bends = np.concatenate([np.diff(t.slopes, axis=1)[t.states == "corner", 0] for t in tensors])
        return number._replace(state="kink" if (bends > 0).all() or (bends < 0).all() else "corner")
    return number


def _adds(probe, number, one, moves):
    """True if the slope along a direction is the slope by one of its numbers and that along all the others."""
    others = {name: move.copy() for name, move in moves.items()}
    others[one.tensor][one.index] = 0
    own, rest = float(moves[one.tensor][one.index]), probe.along(others)
    sums = rest.value + own * np.array([one.measured, *one.slopes])
    return bool(np.abs(number.measured - sums).min() <= 10 * (number.error + rest.error + abs(own) * one.error))


def explained(number, tensors):
    """A direction through all tensors that goes wrong, where none of them does: corners explain it, or nobody can."""
    if number.state != "differ" or any(t.state == "differ" for t in tensors):
        return number
    return number._replace(state="corner" if any("corner" in t.states for t in tensors) else "kink")
