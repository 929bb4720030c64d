"""Which numbers of which tensors agree with differences, which differ, and which cannot be told.

A few numbers are checked one by one. Many are checked together, along random directions; where claim and difference
disagree along one, bisection finds the tensors, and in a tensor the number.
"""

from dataclasses import replace

import numpy as np

from .agreement import RESOLUTION, along, explained, number_at, precision_of, together
from .noise import measure_noise
from .record import Comparison

__all__ = ["measure", "one_by_one", "in_groups", "judge", "LIMIT"]

LIMIT = 96           # the size up to which every number of a tensor is checked; of a larger one, half as many
DIRECTIONS = 2       # random directions through a larger tensor
SAMPLE = 8           # numbers that are checked one by one where no direction shows a mistake
MANY = 24            # wrong tensors that are checked in full; of further ones, a sample
FINE = 1e-9          # an error below this share of the tensor's scale is small even beside a much smaller number


def measure(probe, claims, rng, limit=LIMIT):
    """Compare claimed gradients with finite differences.

    Parameters
    ----------
    probe : Probe
    claims : dict of str to ndarray
        By the names of the probe's arguments, and in their shapes.
    rng : numpy.random.Generator
    limit : int, optional
        How many numbers are checked one by one; all of them if there are no more.

    Returns
    -------
    tensors : list of Comparison
    directions : list of Number
        Random directions through all tensors at once.

    Notes
    -----
    More numbers than ``limit`` are checked together: the inner product of the claim and a random direction is compared
    with one difference along it. If the two agree, every tensor is right in which the difference's error would not hide
    a mistake; the others, too small beside those, are measured again without them. If the two differ, bisection finds
    the wrong tensors, and their numbers are checked one by one.
    """
    with probe.progress:
        steepest = max((float(np.abs(claim).max(initial=0)) for claim in claims.values()), default=0.0)
        few = sum(claim.size for claim in claims.values()) <= limit
        directions, through_all = (dict.fromkeys(claims), []) if few else in_groups(probe, claims, rng)
        right = [name for name in claims if directions[name]]
        chosen, sample = right[::max(1, len(right) // SAMPLE)], max(1, SAMPLE // max(1, len(right)))
        found = {name: _sampled(probe, name, claims[name], rng, sample if name in chosen else 0, directions[name])
                 for name in right}
        doubtful = [name for name in claims if name not in found or found[name].state == "differ"]
        for k, name in enumerate(doubtful):
            found[name] = one_by_one(probe, name, claims[name], rng, limit if few or k < MANY else limit // 6, steepest)
        tensors = judge([found[name] for name in claims], set(right).difference(doubtful))
        if few:
            return tensors, together(probe, tensors, rng)
        return tensors, [explained(number, tensors) for number in through_all]


def in_groups(probe, claims, rng):
    """Return for each tensor the directions that show it to be right, or None; and those through all tensors."""
    names = [name for name, claim in claims.items() if claim.size]
    precision = {name: precision_of(claims[name], probe) for name in names}
    largest = {name: float(np.abs(claims[name]).max()) for name in names}
    share = {name: largest[name] * probe.median(name) for name in names}   # the change that one number makes
    directions, through_all, queue = {name: None for name in claims}, None, [names]
    measure_noise(probe, names, rng)
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
    """Return the Comparison of a tensor that directions show to be right, with a few of its numbers."""
    precision, scale, numbers = precision_of(claim, probe), float(np.abs(claim).max()), []
    flat = np.ravel(claim)
    places = {int(np.abs(flat).argmax()), *rng.integers(claim.size, size=count - 1).tolist()} if count else ()
    for place in sorted(places):
        index = tuple(map(int, np.unravel_index(place, claim.shape)))
        estimate = probe.coordinate(name, index, scale=100 * scale)   # a millionth of the largest is fine enough here
        numbers.append(number_at(probe, name, claim, precision, scale, index, estimate))
    claim = np.asarray(claim, dtype=np.float64)
    return Comparison.of(name, claim, probe.at[name], precision, probe.median(name), numbers, directions)


def one_by_one(probe, name, claim, rng, limit=LIMIT, steepest=0.0):
    """Compare one tensor's claimed gradient with differences, number by number.

    Parameters
    ----------
    probe : Probe
    name : str
        The tensor, one of the probe's arguments.
    claim : ndarray of floats, of the tensor's shape
    rng : numpy.random.Generator
    limit : int, optional
        The size up to which every number is checked; of a larger tensor, a sample of half as many and random
        directions.
    steepest : float, optional
        The largest slope claimed for any tensor.

    Returns
    -------
    Comparison
        Before ``judge`` has looked for numbers that are not resolved.
    """
    precision = precision_of(claim, probe)
    claim = np.asarray(claim, dtype=np.float64)
    if claim.size:
        measure_noise(probe, [name], rng)
    scale, estimates = 0.0, []
    for index in coordinates(claim, rng, limit):
        estimates.append((index, probe.coordinate(name, index, scale=0.1 * scale)))
        if estimates[-1][1].kind == "smooth":
            scale = max(scale, abs(estimates[-1][1].value))
    found = [number_at(probe, name, claim, precision, scale, index, estimate, steepest)
             for index, estimate in estimates]
    directions = DIRECTIONS if claim.size > limit else 0
    moves = [probe.direction([name], rng) for _ in range(directions)]
    sweeps = [along(probe, k, move, {name: claim}, {name: scale}, precision) for k, move in enumerate(moves)]
    off = [move[name] for move, number in zip(moves, sweeps) if number.gap > number.bound]
    if off and not any(number.state == "differ" for number in found):
        def goes_wrong(d):
            number = along(probe, 0, {name: d}, {name: claim}, {name: scale}, precision)
            return number.gap > number.bound

        index = culprit(goes_wrong, off[0])
        number = number_at(probe, name, claim, precision, scale, index, probe.coordinate(name, index))
        certain = any(number.state == "differ" for number in sweeps)
        if number.state == "differ" or certain:
            found.append(number)
        if number.state != "differ" and certain:   # no single number is wrong: corners explain it, or nothing does
            state = "corner" if any(number.state == "corner" for number in found) else "kink"
            sweeps = [number._replace(state=state) if number.state == "differ" else number for number in sweeps]
    return Comparison.of(name, claim, probe.at[name], precision, probe.median(name), found, sweeps)


def judge(tensors, known=()):
    """Mark as "unresolved" the numbers whose agreement means nothing: the difference's error would hide a mistake.

    Parameters
    ----------
    tensors : list of Comparison
    known : collection of str, optional
        Names of tensors that directions have shown to be right: what is unresolved there is left out of the sample.

    Returns
    -------
    list of Comparison

    Notes
    -----
    An error is small if it is small beside the largest slope of the same tensor, and beside the claim itself unless
    that is negligible. Where claim and difference are both zero within the error, it is enough that the error is small
    beside the largest change that any tensor makes in the function.
    """
    largest = max(t.scale * t.typical_size for t in tensors) if tensors else 0.0
    judged = []
    for t in tensors:
        size, error = np.abs(t.claimed), t.error
        sign_unknown = (size > 0) & (error > np.maximum(size / 10, FINE * t.scale))   # not even its sign is verified
        both_zero = np.maximum(size, np.abs(t.measured)) <= t.bound
        resolved = (error <= RESOLUTION * t.scale) | both_zero & (error * t.typical_size <= 1e-4 * RESOLUTION * largest)
        unknown = np.isin(t.states, ("agree", "corner")) & ~(t.constant | resolved & ~sign_unknown)
        t = replace(t, states=np.where(unknown, "unresolved", t.states))
        judged.append(t.rows(np.isin(t.states, ("agree", "corner", "differ")) | t.off) if t.name in known else t)
    return judged


def coordinates(claim, rng, limit=LIMIT):
    """Return the indices to check: all; or the first, the last, the largest, and one from each stratum.

    Parameters
    ----------
    claim : ndarray
        Sizes are compared to six digits, so that rounding does not change the choice.
    rng : numpy.random.Generator
    limit : int, optional
        The size up to which all are checked.

    Returns
    -------
    indices : list of tuple of int
        In the order of the array.
    """
    size = claim.size
    if size <= limit:
        flat = range(size)
    else:
        top = limit // 8   # how many of the largest; the rest are the two ends and one from each stratum
        edges = np.linspace(0, size, limit // 2 - top - 2 + 1).astype(int)
        strata = rng.integers(edges[:-1], edges[1:])
        sizes = np.abs(claim.ravel().astype(np.float64))
        rounded = np.array([float(f"{entry:.5e}") for entry in sizes]) if size <= 4096 else sizes.astype(np.float32)
        largest = np.argsort(-rounded, kind="stable")[:top]
        flat = sorted({0, size - 1, *strata.tolist(), *largest.tolist()})
    return [tuple(map(int, np.unravel_index(place, claim.shape))) for place in flat]


def culprit(differs, direction):
    """Return the index of one wrong number, found by bisection.

    ``differs(direction)`` says whether claim and difference disagree along a direction; they do along the one given.
    """
    places = np.flatnonzero(direction)
    while places.size > 1:
        half = places[:places.size // 2]
        part = np.zeros(direction.size)
        part[half] = direction.ravel()[half]
        places = half if differs(part.reshape(direction.shape)) else places[places.size // 2:]
    return tuple(map(int, np.unravel_index(places[0], direction.shape)))
