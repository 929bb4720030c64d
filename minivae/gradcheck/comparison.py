"""Claim against difference: which numbers agree, which differ, and which cannot be told.

Nothing is compared with an absolute tolerance. A gap between claim and difference is held against the estimated
error of the difference and the rounding of the claim, both of which grow and shrink with the loss. A gap that
one measurement shows must be shown by a second, taken with other steps, before it counts.
"""

import numpy as np

from .facts import Coordinate, TensorFacts
from .probe import norm, signs
from .sampling import LIMIT, coordinates, culprit, directions

__all__ = ["measure", "along", "together", "judge", "ROUNDINGS"]

RESOLUTION = 1e-4    # an error above this share of the tensor's scale does not resolve the coordinate
FINE = 1e-9          # an error below this share of it is beyond reproach, however small the number itself
CLEAR = 3.0          # a gap of so many bounds is a difference; anything between is not resolved
ROUNDINGS = 2**7     # roundings of the tensor's largest number that a correct claim may be off by
BLUNDER = 2**12      # roundings of it that only a mistake explains
SECOND_STEP = 0.37   # first step of the second opinion, relative to the first's
SHORT = 1e-2         # a number of less than this length gets a third


def measure(probe, name, claim, rng, limit=LIMIT):
    """Compare one tensor's claimed gradient with differences.

    Parameters
    ----------
    probe : Probe
    name : str
        Of the tensor, among the probe's arguments.
    claim : ndarray of floats, of the tensor's shape
    rng : numpy.random.Generator
    limit : int, optional
        Size up to which every number is checked; beyond it a sample of half as many.

    Returns
    -------
    TensorFacts
        Its coordinates agree, differ or are kinks; what is not resolved is told by ``judge``.
    """
    kind = claim.dtype if claim.dtype.kind == "f" else np.float64
    precision = float(max(np.finfo(kind).eps, probe.coarseness))
    precision = min(precision, float(np.finfo(np.float32).eps))   # half precision excuses nothing
    claim = np.array(claim, dtype=np.float64)
    if claim.size:
        probe.listen(name, rng)
    scale, estimates = 0.0, []
    for index in coordinates(claim, rng, limit):
        estimates.append((index, probe.coordinate(name, index, scale=0.1 * scale)))
        if estimates[-1][1].kind == "smooth":
            scale = max(scale, abs(estimates[-1][1].value))
    found = [_coordinate(probe, name, claim, precision, scale, index, estimate) for index, estimate in estimates]
    sweeps = [(d, along(probe, f"direction {k + 1}", {name: d}, {name: claim}, {name: scale}, precision))
              for k, d in enumerate(directions(probe.lengths[name], rng, limit))]
    wrong = [d for d, c in sweeps if c.state == "differ"]
    if wrong and not any(c.state == "differ" for c in found):
        def differs(d):
            return along(probe, "", {name: d}, {name: claim}, {name: scale}, precision).state == "differ"

        index = culprit(differs, wrong[0])
        found.append(_coordinate(probe, name, claim, precision, scale, index, probe.coordinate(name, index)))
    scale = max([scale] + [max(abs(c.analytic), c.reach) for c in found])
    length = float(np.median(probe.lengths[name])) if claim.size else 1.0
    return TensorFacts(name, claim.shape, found, [c for _, c in sweeps], scale, length, claim, precision,
                       probe.at[name])


def _coordinate(probe, name, claim, precision, scale, index, estimate):
    where = f"[{', '.join(map(str, index))}]" if index else "the number"
    first = _compared(where, index, name, float(claim[index]), estimate, scale, precision)
    length = float(probe.lengths[name][index])
    steps = [SECOND_STEP / 16] + [SECOND_STEP / 16 / length] * (length < SHORT)

    def opinions():
        for step in steps:
            yield probe.coordinate(name, index, scale=0.1 * scale, step=step)

    return _confirmed(first, opinions(), scale, precision, name in probe.loud)


def along(probe, where, moves, claims, scales, precision):
    """Compare claims and difference along one direction, through one tensor or several.

    Parameters
    ----------
    probe : Probe
    where : str
        What to call the direction.
    moves, claims : dict of str to ndarray
        The direction, and the claimed gradients.
    scales : dict of str to float
        The largest slope in each tensor.
    precision : float

    Returns
    -------
    Coordinate
    """
    with np.errstate(all="ignore"):
        analytic = float(sum((claims[name] * move).sum() for name, move in moves.items()))
    size = float(np.hypot.reduce([scales[name] * norm(move) for name, move in moves.items()]))
    tensor = next(iter(moves)) if len(moves) == 1 else ""
    first = _compared(where, None, tensor, analytic, probe.along(moves), size, precision)
    opinions = (probe.along(moves, step=step) for step in [SECOND_STEP / 16])
    return _confirmed(first, opinions, size, precision, not probe.loud.isdisjoint(moves))


def _compared(where, index, tensor, analytic, estimate, size, precision):
    largest = max(size, abs(estimate.value))
    own = precision ** (2 / 3) * max(abs(analytic), abs(estimate.value))
    bound = estimate.error + ROUNDINGS * precision * largest + own
    gap = abs(analytic - estimate.value)
    if estimate.kind != "smooth":
        state = estimate.kind
    elif gap <= bound < np.inf:
        state = "agree"
    elif gap > CLEAR * bound and gap > BLUNDER * precision * largest:
        state = "differ"
    else:
        state = "unresolved"
    return Coordinate(where, index, analytic, estimate.value, estimate.error, bound, state, estimate.slopes,
                      estimate.reach, estimate.still, tensor)


def _confirmed(first, opinions, size, precision, loud):
    """Ask for a second opinion, with other steps, before a difference counts; a loud function proves nothing.

    A third, with a step of unit length where numbers are much smaller, may only say that the claim is right at that
    scale: where a value is what is left of a cancellation, short steps see the stairs that rounding makes of it.
    """
    if first.state != "differ":
        return first
    if loud:
        return first._replace(state="unresolved", error=max(first.error, first.gap))
    heard = (_compared(first.where, first.index, first.tensor, first.analytic, opinion, size, precision)
             for opinion in opinions)
    second = next(heard)
    confirmed = second.state == "differ" and abs(first.numeric - second.numeric) <= first.error + second.error
    if confirmed and not any(c.state == "agree" and c.analytic and c.error < first.gap / 10 for c in heard):
        return first
    kind = second.state if second.state in ("kink", "edge") else "unresolved"
    return first._replace(state=kind, error=max(first.error, second.error, first.gap))


def together(probe, tensors, rng, count=2):
    """Compare along random directions through all tensors at once.

    Parameters
    ----------
    probe : Probe
    tensors : list of TensorFacts
    rng : numpy.random.Generator
    count : int, optional
        How many directions.

    Returns
    -------
    list of Coordinate
    """
    tensors = [t for t in tensors if t.claim.size]
    if len(tensors) < 2:
        return []
    claims, scales = {t.name: t.claim for t in tensors}, {t.name: t.scale for t in tensors}
    precision = max(t.precision for t in tensors)
    return [
        along(probe, f"direction {k + 1}", {t.name: signs(t.shape, rng) * probe.lengths[t.name] for t in tensors},
              claims, scales, precision)
        for k in range(count)
    ]


def judge(tensors):
    """Mark the coordinates whose agreement means nothing, because the difference's error would hide a mistake.

    Parameters
    ----------
    tensors : list of TensorFacts

    Returns
    -------
    list of TensorFacts

    Notes
    -----
    An error is small or not beside the largest slope of the same tensor, and beside the claim itself unless that is
    negligible. Where claim and difference are both zero
    to the error, it is also small if it is beside the largest change that any tensor can make in the function.
    """
    loudest = max((t.scale * t.length for t in tensors), default=0.0)

    def resolved(c, tensor):
        if c.analytic == 0 and c.still:
            return True
        if c.analytic and c.error > max(abs(c.analytic) / 10, FINE * tensor.scale):
            return False   # not even the claim's sign is verified
        both_zero = max(abs(c.analytic), abs(c.numeric)) <= c.bound
        return (c.error <= RESOLUTION * tensor.scale
                or both_zero and c.error * tensor.length <= 1e-4 * RESOLUTION * loudest)

    return [
        tensor._replace(coordinates=[
            c._replace(state="unresolved") if c.state == "agree" and not resolved(c, tensor) else c
            for c in tensor.coordinates
        ])
        for tensor in tensors
    ]
