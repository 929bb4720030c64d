"""Claim against difference: which numbers agree, which differ, and which cannot be told.

Nothing is compared with an absolute tolerance. A gap between claim and difference is held against the estimated
error of the difference and the rounding of the claim, both of which grow and shrink with the loss. A gap that
one measurement shows must be shown by a second, taken with other steps, before it counts.

A few numbers are checked one by one. Many are checked all at once, along random directions; where one of them goes
wrong, halving finds the tensors, and in a tensor the number.
"""

from dataclasses import replace

import numpy as np

from .numeric import repeated
from .probe import EPS, norm
from .record import ROUNDINGS, Comparison, Number

__all__ = ["measure", "one_by_one", "along", "in_groups", "together", "judge", "LIMIT"]

LIMIT = 96           # numbers of a tensor up to which all are checked; beyond it, half as many one by one
DIRECTIONS = 2       # random directions through the whole of a larger one
SAMPLE = 8           # numbers that are checked one by one where directions find nothing
MANY = 24            # wrong tensors that are checked in full; of more, a sample
RESOLUTION = 1e-4    # an error above this share of the tensor's scale does not resolve the number
FINE = 1e-9          # an error below this share of it is beyond reproach, however small the number itself
CLEAR = 3.0          # a gap of so many bounds is a difference; anything between is not resolved
BLUNDER = 2**12      # roundings of the largest number that only a mistake explains
SECOND_STEP = 0.37   # first step of the second opinion, relative to the first's
COARSE = 1e-7        # an error above this share of it may be worth measuring better
SUSPICIOUS = 0.02    # share of its error bound at which a gap is looked at again: rounding alone seldom makes as much
SLIGHT = 1e-2        # gap, beside the tensor's scale, that a tolerance inside the function may explain
STEPS = 32           # an iteration stopped at its tolerance has a slope that is off by so many times that
NEIGHBOURS = 6       # numbers at corners that are moved together
SHORT = 1e-2         # a number of less than this typical size gets a third


def measure(probe, claims, rng, limit=LIMIT, largest=0.0):
    """Compare claimed gradients with differences.

    Parameters
    ----------
    probe : Probe
    claims : dict of str to ndarray
        Of the tensors' shapes, by the names of the probe's arguments.
    rng : numpy.random.Generator
    limit : int, optional
        How many numbers are checked one by one: all of them if there are no more than that.
    largest : float, optional
        How much a number of some other tensor may change the function.

    Returns
    -------
    tensors : list of Comparison
    directions : list of Number
        Random directions through all tensors at once.

    Notes
    -----
    More numbers than that are checked all at once: the product of the claim and a random direction is held against one
    difference along it. Where the two agree, and the difference is known well enough to tell a mistake in a tensor,
    that tensor is right; those that are too small to be heard beside others are asked again without them, and so on.
    Where the two differ, the tensors are halved until the wrong ones are known, and these are checked one by one.
    """
    with probe.progress:
        return _measured(probe, claims, rng, limit, largest)


def _measured(probe, claims, rng, limit, largest):
    steepest = max((float(np.abs(claim).max(initial=0)) for claim in claims.values()), default=0.0)
    if sum(claim.size for claim in claims.values()) <= limit:
        found = [one_by_one(probe, name, claim, rng, limit, steepest) for name, claim in claims.items()]
        tensors = judge(found, largest)
        return tensors, together(probe, tensors, rng)
    directions, through_all = in_groups(probe, claims, rng)
    right = [name for name, found in directions.items() if found]
    sample = max(1, SAMPLE // max(1, len(right)))
    chosen = set(right[::max(1, len(right) // SAMPLE)])
    found = {}
    for name in right:
        found[name] = _sampled(probe, name, claims[name], rng, sample if name in chosen else 0, directions[name])
    largest = max([largest, *(t.scale * t.typical_size for t in found.values())])
    doubtful = [name for name in claims if name not in found or found[name].state == "differ"]
    for k, name in enumerate(doubtful):
        found[name] = one_by_one(probe, name, claims[name], rng, limit if k < MANY else limit // 6, steepest)
    tensors = judge([found[name] for name in claims], largest)
    tensors = [_without_the_useless(t) if t.name not in doubtful else t for t in tensors]
    return tensors, [_explained(number, tensors) for number in through_all]


def in_groups(probe, claims, rng):
    """Return for each tensor the directions that show it to be right, or None; and those through all at once."""
    names = [name for name, claim in claims.items() if claim.size]
    precision = {name: _precision(claims[name], probe) for name in names}
    largest = {name: float(np.abs(claims[name]).max()) for name in names}
    share = {name: largest[name] * probe.median(name) for name in names}   # what one number may do to the function
    directions, through_all, queue = {name: None for name in claims}, None, [names]
    probe.measure_noise(names, rng)
    while queue:
        group = queue.pop()
        finest = max(precision[name] for name in group)
        found = []
        for k in range(DIRECTIONS):
            moves = probe.direction(group, rng)
            found.append(along(probe, k, moves, claims, largest, finest)._replace(tensor=""))
            if found[-1].state != "agree":
                break
        through_all = through_all or found
        error = max(number.error for number in found) if all(number.state == "agree" for number in found) else np.inf
        heard = [name for name in group if error <= RESOLUTION * max(share[name], RESOLUTION * max(share.values()))]
        for name in heard:
            directions[name] = found
        rest = sorted(set(group) - set(heard), key=lambda name: (share[name], name))
        if heard and rest:
            queue.append(rest)
        elif len(rest) > 1:
            queue += [rest[:len(rest) // 2], rest[len(rest) // 2:]]
    return directions, through_all


def _sampled(probe, name, claim, rng, count, directions):
    """The Comparison of a tensor that directions show to be right, with a few of its numbers."""
    precision, scale, numbers = _precision(claim, probe), float(np.abs(claim).max()), []
    flat = np.ravel(claim)
    places = {int(np.abs(flat).argmax()), *rng.integers(claim.size, size=count - 1).tolist()} if count else ()
    for place in sorted(places):
        index = tuple(map(int, np.unravel_index(place, claim.shape)))
        estimate = probe.coordinate(name, index, scale=100 * scale)   # a millionth of the largest is fine enough here
        numbers.append(_number(probe, name, claim, precision, scale, index, estimate))
    claim = np.asarray(claim, dtype=np.float64)
    return Comparison.of(name, claim, probe.at[name], precision, probe.median(name), numbers, directions)


def _without_the_useless(t):
    """Of a sample from a tensor that is known to be right, those numbers that could be told."""
    return t.rows(np.isin(t.states, ("agree", "corner", "differ")) | t.off)


def _explained(number, tensors):
    """A direction through all tensors that goes wrong, where none of them does: corners explain it, or nobody can."""
    if number.state != "differ" or any(t.state == "differ" for t in tensors):
        return number
    return number._replace(state="corner" if any("corner" in t.states for t in tensors) else "kink")


def one_by_one(probe, name, claim, rng, limit=LIMIT, steepest=0.0):
    """Compare one tensor's claimed gradient with differences, number by number.

    Parameters
    ----------
    probe : Probe
    name : str
        Of the tensor, among the probe's arguments.
    claim : ndarray of floats, of the tensor's shape
    rng : numpy.random.Generator
    limit : int, optional
        Size up to which every number is checked; beyond it a sample of half as many, and random directions.
    steepest : float, optional
        The largest slope claimed for any tensor.

    Returns
    -------
    Comparison
        What is not resolved is told by ``judge``.
    """
    precision = _precision(claim, probe)
    claim = np.asarray(claim, dtype=np.float64)
    if claim.size:
        probe.measure_noise([name], rng)
    scale, estimates = 0.0, []
    for index in coordinates(claim, rng, limit):
        estimates.append((index, probe.coordinate(name, index, scale=0.1 * scale)))
        if estimates[-1][1].kind == "smooth":
            scale = max(scale, abs(estimates[-1][1].value))
    found = [_number(probe, name, claim, precision, scale, index, estimate, steepest) for index, estimate in estimates]
    directions = DIRECTIONS if claim.size > limit and not all(number.constant for number in found) else 0
    moves = [probe.direction([name], rng) for _ in range(directions)]
    sweeps = [along(probe, k, move, {name: claim}, {name: scale}, precision) for k, move in enumerate(moves)]
    off = [move[name] for move, number in zip(moves, sweeps) if number.gap > number.bound]
    if off and not any(number.state == "differ" for number in found):
        def goes_wrong(d):
            number = along(probe, 0, {name: d}, {name: claim}, {name: scale}, precision)
            return number.gap > number.bound

        index = culprit(goes_wrong, off[0])
        number = _number(probe, name, claim, precision, scale, index, probe.coordinate(name, index))
        certain = any(number.state == "differ" for number in sweeps)
        if number.state == "differ" or certain:
            found.append(number)
        if number.state != "differ" and certain:   # no number is wrong: corners explain it, or nobody can
            state = "corner" if any(number.state == "corner" for number in found) else "kink"
            sweeps = [number._replace(state=state) if number.state == "differ" else number for number in sweeps]
    return Comparison.of(name, claim, probe.at[name], precision, probe.median(name), found, sweeps)


def _precision(claim, probe):
    """Spacing at 1 of the numbers that a claim was computed with; half precision excuses nothing."""
    kind = claim.dtype if claim.dtype.kind == "f" else np.float64
    return min(float(max(np.finfo(kind).eps, probe.coarseness)), float(np.finfo(np.float32).eps))


def _number(probe, name, claim, precision, scale, index, estimate, steepest=0.0):
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
        if name in probe.coarse or probe.find_jumps(name, index):
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
        return _explained(number, tensors) if corners else number
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


def judge(tensors, largest=0.0):
    """Mark the coordinates whose agreement means nothing, because the difference's error would hide a mistake.

    Parameters
    ----------
    tensors : list of Comparison

    Returns
    -------
    list of Comparison

    Notes
    -----
    An error is small or not beside the largest slope of the same tensor, and beside the claim itself unless that is
    negligible. Where claim and difference are both zero
    to the error, it is also small if it is beside the largest change that any tensor can make in the function.
    """
    largest = max([largest, *(t.scale * t.typical_size for t in tensors)])
    judged = []
    for t in tensors:
        size, error = np.abs(t.claimed), t.error
        sign_unknown = (size > 0) & (error > np.maximum(size / 10, FINE * t.scale))   # not even its sign is verified
        both_zero = np.maximum(size, np.abs(t.measured)) <= t.bound
        resolved = (error <= RESOLUTION * t.scale) | both_zero & (error * t.typical_size <= 1e-4 * RESOLUTION * largest)
        unknown = np.isin(t.states, ("agree", "corner")) & ~(t.constant | resolved & ~sign_unknown)
        judged.append(replace(t, states=np.where(unknown, "unresolved", t.states)))
    return judged


def coordinates(claim, rng, limit=LIMIT):
    """Return the indices to check: all, or the corners, the largest, and one from each stratum.

    Parameters
    ----------
    claim : ndarray
        The claimed gradient. Its largest numbers are checked; sizes are compared to six digits, so that rounding
        does not change the choice.
    rng : numpy.random.Generator
    limit : int, optional
        Size up to which all are checked.

    Returns
    -------
    indices : list of tuple of int
        In the order of the array.
    """
    size = claim.size
    if size <= limit:
        flat = range(size)
    else:
        top = limit // 8   # so many of the largest; the corners; and the rest one from each stratum
        edges = np.linspace(0, size, limit // 2 - top - 2 + 1).astype(int)
        strata = rng.integers(edges[:-1], edges[1:])
        sizes = np.abs(claim.ravel().astype(np.float64))
        rounded = np.array([float(f"{entry:.5e}") for entry in sizes]) if size <= 4096 else sizes.astype(np.float32)
        largest = np.argsort(-rounded, kind="stable")[:top]
        flat = sorted({0, size - 1, *strata.tolist(), *largest.tolist()})
    return [tuple(map(int, np.unravel_index(place, claim.shape))) for place in flat]


def culprit(differs, direction):
    """Find one number by which a direction goes wrong, by halving.

    Parameters
    ----------
    differs : callable
        Takes a direction; returns True if claim and difference disagree along it.
    direction : ndarray
        One along which they do.

    Returns
    -------
    index : tuple of int
    """
    places = np.flatnonzero(direction)
    while places.size > 1:
        half = places[:places.size // 2]
        part = np.zeros(direction.size)
        part[half] = direction.ravel()[half]
        places = half if differs(part.reshape(direction.shape)) else places[places.size // 2:]
    return tuple(map(int, np.unravel_index(places[0], direction.shape)))
