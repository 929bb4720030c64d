"""How noisy a foreign function is as its arguments move: rounding, stairs, the tolerance of a solver inside it.

No difference is more exact than the values that are subtracted. So their noise is measured first, from neighbouring
values alone, and kept with the ``Probe``.
"""

import math

import numpy as np

from .probe import norm, signs

__all__ = ["measure_noise", "find_jumps"]

SPACINGS = tuple(2.0**-k for k in (10, 17, 24, 31, 38))   # of the samples, relative to the numbers that move
JUMPS_WITHIN = 0.25   # how far jumps are searched for, relative to the numbers too
TOO_NOISY = 1e-5      # noise above this share of the value is more than rounding
STEP = np.array([-1.0, 6, -15, 20, -15, 6, -1])   # the seventh differences of a unit step


def measure_noise(probe, names, rng):
    """Measure how much noisier than plain rounding the function is as it moves.

    Parameters
    ----------
    probe : Probe
        The noise is kept there.
    names : sequence of str
        The tensors that move, all at once, each number by about its own size.
    rng : numpy.random.Generator

    Notes
    -----
    Nine equally spaced values are taken along a random direction, to one side (a kink often lies at the point itself).
    Their differences of order k, fifth to seventh, vanish for a smooth function; independent noise of variance s**2
    leaves them a variance of s**2 (2k)! / (k!)**2. A kink among the nine, the infinite slope of a root, or too long a
    spacing looks like noise too, but shrinks with the spacing; noise stays. So the spacing is shortened until the same
    noise is seen three times (a corner may look the same twice), or nothing but rounding. If noise at the shortest
    spacing is too large for rounding, the tensor is ``too_noisy``: no difference proves its gradient wrong. A function
    that moves in stairs (it was rounded to float32 on the way, or a solver stops at its tolerance) is smooth between
    its jumps; ``_jump`` searches for those. The noise is kept twice: as a multiple of the value's rounding, and as it
    is, because a value that cancels to nothing has no rounding of its own.

    References
    ----------
    More & Wild, Estimating computational noise, SIAM Journal on Scientific Computing 33, 2011.
    """
    _find_precision(probe)
    own = {name: signs(probe.at[name].shape, rng) for name in names}
    for name, move in own.items():   # each by its own size; zeros by the typical size
        np.multiply(move, np.abs(probe.at[name]), out=move, where=np.abs(probe.at[name]) > 1e-250)
        np.multiply(move, probe.median(name), out=move, where=np.abs(probe.at[name]) <= 1e-250)
    found = _noise_along(probe, own)
    if found is None and max(np.abs(probe.at[name]).max(initial=0) for name in names) < 1:
        found = _noise_along(probe, {name: np.sign(move) for name, move in own.items()})
    ratio, least, stays = found or (1.0, 0.0, False)
    jump = _jump(probe, own, JUMPS_WITHIN, max(64, 8 * ratio))
    if jump is not None:
        least = np.maximum(least, 3 * jump)
    for name in names:
        probe.noises[name] = ratio, np.maximum(least, probe.noise)
        (probe.too_noisy.add if stays else probe.too_noisy.discard)(name)
        (probe.stairs.discard if jump is None else probe.stairs.add)(name)


def find_jumps(probe, name, index):
    """Search for stairs along one number, as far as its own size, then along directions through all tensors.

    Their height is kept as noise. True if there are any.
    """
    if name in probe.searched:
        return name in probe.stairs
    probe.searched.add(name)
    rng, move = np.random.default_rng(0), probe.one(name, index)
    ways = [move, {name: -move[name]}, *(probe.direction(list(probe.at), rng) for _ in range(4))]
    for way in ways:
        jump = _jump(probe, way, 1.0, 64, points=97)
        if jump is not None:
            ratio, least = probe.noises[name]
            probe.noises[name] = ratio, np.maximum(least, 3 * jump)
            probe.stairs.add(name)
            break
    return name in probe.stairs


def _noise_along(probe, direction):
    """Return the noise along a direction, in both forms, and whether it is too much; None if nothing moves."""
    found, before, times = None, math.inf, 0
    for spacing in SPACINGS:
        seen = probe.totals(direction, spacing * np.arange(1, 10))
        if seen is None:
            continue
        outputs, total = seen
        _find_precision(probe)
        if (np.diff(total) == 0).any():   # two values are the same: perhaps on one stair
            return found or _tread(probe, direction, spacing * np.arange(1, 10), total)
        size = norm(probe.weight * (np.abs(outputs).max(axis=0) + np.abs(probe.base)))
        noise, rounding = float(_spread(total)), max(probe.precision * size, 1e-300)
        stays = found is not None and noise >= before / 8
        times = times + 1 if stays else 1
        if not stays or noise > before:
            found = max(1.0, 3 * noise / rounding), 3 * _spread(outputs), noise > TOO_NOISY * size
        if times == 3 and noise <= TOO_NOISY * size:
            break
        before = max(noise, rounding)
    return found


def _tread(probe, direction, steps, total):
    """Return the noise of a function that is constant and then moves, if it jumps; None if it bends."""
    k = int(np.abs(np.diff(total)).argmax())
    low, high, rise = steps[k], steps[k + 1], abs(total[k + 1] - total[k])
    change = rise
    for _ in range(12 if rise else 0):   # halve the interval, and keep the half that rises more
        middle = (low + high) / 2
        seen = probe.totals(direction, [low, middle, high])
        if seen is None:
            return None
        outputs, three = seen
        lower, upper = np.abs(np.diff(three))
        low, high, change = (low, middle, lower) if lower > upper else (middle, high, upper)
    if change < rise / 4 or rise == 0:
        return None
    size = norm(probe.weight * (np.abs(outputs).max(axis=0) + np.abs(probe.base)))
    jump = np.maximum(np.abs(np.diff(outputs, axis=0)).max(axis=0), rise if outputs[0].ndim == 0 else 0)
    return max(1.0, rise / max(probe.precision * size, 1e-300)), jump, rise > TOO_NOISY * size


def _jump(probe, direction, within, roundings, points=25):
    """Return the size of the jumps by which the outputs move along a direction, or None if they do not jump.

    The seventh differences of a jump are in the proportions of ``STEP``, with alternating signs. Those of a smooth
    function hardly alternate, so their product with ``STEP`` is next to nothing. The values are taken closer and closer
    to where that product is largest. There it vanishes for a smooth function or a corner, and stays for a jump. A jump
    of no more than so many ``roundings`` is none.
    """
    spacing = within / (points - 1)
    start, before, stays, falls = spacing, math.inf, 0, 0   # the point itself may be a corner
    for _ in range(28):
        seen = probe.totals(direction, start + spacing * np.arange(points))
        if seen is None:
            return None
        outputs, total = seen
        windows = np.lib.stride_tricks.sliding_window_view(np.diff(total, 7), len(STEP))
        heights, lengths = np.abs(windows @ STEP) / (STEP @ STEP), np.hypot.reduce(windows, axis=1)
        alike = heights * norm(STEP) >= 0.9 * lengths   # the cosine between the two
        k = int(np.where(alike, heights, 0).argmax() if alike.any() else heights.argmax())
        height, size = float(heights[k]), norm(probe.weight * (np.abs(outputs).max(axis=0) + np.abs(probe.base)))
        if heights.max() <= roundings * probe.precision * size:
            return None
        stays = stays + 1 if 0.9 * before < height < 1.1 * before and alike[k] else 0
        falls = falls + 1 if height < 0.6 * before < math.inf else 0
        if stays == 6:
            jump = np.abs(np.diff(outputs, 7, axis=0)).max(axis=0) / STEP.max()
            probe.highest_jump = max(probe.highest_jump, float(jump.max(initial=0)))
            return jump
        if falls == 4:
            return None
        before = height
        middle, points, spacing = start + spacing * (k + 6.5), 29, spacing / (2 if stays < 3 else 16)
        start = max(0.0, middle - 14 * spacing)
    return None


def _find_precision(probe):
    """Set the precision to that of float16 or float32 if all values seen fit there, whatever their dtype."""
    seen = [value for value in probe.seen if value != float(probe.base)] if probe.base.ndim == 0 else []
    if len(set(seen)) < 5 or probe.base.dtype != np.float64:
        return
    for kind in (np.float16, np.float32):
        with np.errstate(all="ignore"):
            if all(float(kind(value)) == value for value in [*seen, float(probe.base)]):
                probe.precision = float(np.finfo(kind).eps)
                return


def _spread(values):
    """Return the standard deviation of the noise in equally spaced values (first axis), from high differences."""
    found = []
    for order in (5, 6, 7):
        differences = np.diff(values, order, axis=0)
        scale = math.factorial(order) ** 2 / math.factorial(2 * order) / len(differences)
        found.append(math.sqrt(scale) * np.hypot.reduce(differences, axis=0))
    return np.max(found, axis=0)
