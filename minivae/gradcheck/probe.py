"""A foreign function at a point, and along lines through it.

All calls of the function that is checked are made here: its value at the point, its change when one number or a whole
tensor moves, and how much of that change is rounding (see ``noise``). It is called with float64 copies, whatever the
dtype at the point: in float32 a difference would lose half of its digits. Exceptions, NaN and infinity near the point
mean "no value there".
"""

import math
import time

import numpy as np

from .numeric import derivative
from .record import ROUNDINGS

__all__ = ["Probe", "coarsest", "norm", "same", "signs"]

EPS = 2.0**-52
FIRST_STEP = 1 / 16                           # of a derivative, relative to the size of what moves
REACHES = (2.0**-20, 2.0**-7, 1.0, 2.0**16)   # steps that show whether a function changes at all, relative to it too
FLAT = 2.0**-30                               # share of the value by which rounding may move it there


class Progress:
    """A progress bar of evaluations, for the length of a ``with`` block; it appears after two seconds."""

    bar = began = None

    def __enter__(self):
        self.began, self.count = time.perf_counter(), 0

    def __exit__(self, *error):
        if self.bar is not None:
            self.bar.close()
        self.bar = self.began = None

    def step(self):
        """Count an evaluation."""
        if self.began is None:
            return
        self.count += 1
        if self.bar is not None:
            self.bar.update()
        elif time.perf_counter() - self.began > 2:
            from tqdm.auto import tqdm
            self.bar = tqdm(desc="gradient check", unit=" evaluations", initial=self.count, leave=False, mininterval=1)


class Probe:
    """The scalar <weight, function(point)> as the arguments move away from a point.

    Parameters
    ----------
    function : callable
        ``function(point)`` takes a dict of float64 arrays and returns an array or a number.
    at : dict of str to ndarray
        The point.
    weight : ndarray, optional
        Shaped as what the function returns; if left out, that must be a single number.
    noise : float, optional
        How far each output is known to be off, such as by a solver's tolerance.

    Attributes
    ----------
    base : ndarray
        The function's value at the point.
    evaluations : int
        How often the function was called.
    changes_inputs : list of str
        Names of the arrays that the function changed.
    repeats : bool
        Whether a second call gave the same value.
    precision, given_precision : float
        Spacing at 1 of the function's values; and of the least precise numbers at the point, as they were given: a
        gradient computed from float32 has the rounding of float32, whatever its own dtype.
    too_noisy : set of str
        Tensors along which the function is noisier than rounding could make it.
    stairs : set of str
        Tensors along which it moves in stairs.
    highest_jump : float
        The highest stair seen, of any output.
    corners_follow : bool
        Whether every number passes through several units that may be at their corners together.

    Notes
    -----
    The weight multiplies the *change* of the function's value. So an output that does not move adds nothing to the
    change or to its rounding, however large it is.
    """

    def __init__(self, function, at, weight=None, noise=0.0):
        self.function = function
        self.at = {name: np.asarray(x, dtype=np.float64) for name, x in at.items()}
        self.medians = {}
        self.given_precision = coarsest(at.values())
        self.evaluations, self.progress = 0, Progress()
        self.noises = {}   # by tensor: noise as a multiple of the value's rounding, and at least so much in each output
        self.noise, self.seen = noise, []
        self.too_noisy, self.stairs, self.searched, self.highest_jump = set(), set(), set(), 0.0
        self.corners_follow = False
        given = {name: x.copy() for name, x in self.at.items()}
        with np.errstate(all="ignore"):
            self.base = np.array(function(given))
            self.changes_inputs = [name for name, x in self.at.items() if not same(x, given[name])]
            again = np.asarray(function({name: x.copy() for name, x in self.at.items()}))
        self.again, self.repeats = again, same(self.base, again)
        self.weight = np.ones(self.base.shape) if weight is None else np.asarray(weight, np.float64)
        kind = self.base.dtype
        self.precision = np.finfo(kind).eps if kind.kind == "f" else EPS

    def value(self, moved):
        """Return the function's value with some arrays replaced, or None where it has none."""
        point = {**self.at, **{name: np.asarray(x) for name, x in moved.items()}}   # a single number too
        if self.changes_inputs:
            point = {name: x.copy() for name, x in point.items()}
        self.evaluations += 1
        self.progress.step()
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.function(point))
        except Exception:   # a function may raise anything where it is not defined
            return None
        return value if value.shape == self.base.shape else None

    def change(self, moved):
        """Return <weight, value - base> and a bound on its rounding."""
        value = self.value(moved)
        if value is None:
            return math.nan, math.nan
        noisiness, least = self._noise(moved)
        with np.errstate(all="ignore"):
            difference = np.subtract(value, self.base, dtype=np.float64)
            size = np.maximum(np.abs(value), np.abs(self.base))
            noise = np.maximum(noisiness * self.precision * size, least) * np.abs(self.weight)
            change = float((self.weight * difference).sum())
            rounding = norm(np.where(difference != 0, noise, 0))
        if change == 0 and rounding == 0:   # nothing moved: the noise of one output is its error
            rounding = float(np.nanmax(noise, initial=0))
        return change, rounding

    def _noise(self, names):
        heard = [self.noises[name] for name in names if name in self.noises]
        noisiness = max((ratio for ratio, _ in heard), default=1.0)
        return noisiness, np.max([least for _, least in heard], axis=0) if heard else 0.0

    def line(self, moves):
        """Return the function of t along at + t * moves, as ``derivative`` takes it; moves is a dict of arrays."""
        here = np.hypot.reduce([norm(self.at[name][move != 0] if move.ndim else self.at[name])
                                for name, move in moves.items()])
        pace = np.hypot.reduce([norm(move) for move in moves.values()])
        blur = float(EPS * here / max(pace, 1e-300))   # the rounding of at + t * moves

        def line(t):
            moved = {name: np.multiply(move, t) for name, move in moves.items()}
            for name in moved:
                moved[name] += self.at[name]
            change, rounding = self.change(moved)
            return change, rounding + abs(change) * blur / abs(t)

        return line

    def median(self, name):
        """Return the median size of a tensor's numbers that are not zero; 1 if all are."""
        if name not in self.medians:
            sizes = np.abs(self.at[name])
            sizes = sizes[sizes > 1e-250]
            self.medians[name] = float(np.median(sizes)) if sizes.size else 1.0
        return self.medians[name]

    def size_of(self, name, index):
        """Return the size of one number of a tensor, or the median size if that is larger."""
        return max(abs(float(self.at[name][index])), self.median(name))

    def direction(self, names, rng):
        """Return a random direction through tensors, in which every number moves by about its own size."""
        moves = {}
        for name in names:
            moves[name] = signs(self.at[name].shape, rng)
            moves[name] *= np.maximum(np.abs(self.at[name]), self.median(name))
        return moves

    def one(self, name, index, length=None):
        """Return the direction of one number of one tensor; its length is the number's size unless given."""
        move = np.zeros_like(self.at[name])
        move[index] = self.size_of(name, index) if length is None else length
        return {name: move}

    def line_of(self, name, index):
        """Return the function of t along one number of one tensor."""
        return self.line(self.one(name, index, 1.0))

    def is_constant(self, moves, slope, precision, steepest):
        """True if the function does not change along a line, and the slope claimed along it could be rounding.

        Parameters
        ----------
        moves : dict of str to ndarray
            The direction, in which each number moves by about its own size.
        slope : float
            The slope claimed along it.
        precision : float
            Spacing at 1 of the numbers that the claim was computed with.
        steepest : float
            The largest slope along any number: a slope that cancels to zero keeps the rounding of what cancels.

        Notes
        -----
        The function is evaluated from a millionth of the numbers' sizes to 65,536 times those, or to 1. Rounding, of
        its value or of sums inside it, leaves neighbouring values as different as distant ones: their mean square
        difference is twice the variance. If anything else moves them, it is far less.

        References
        ----------
        von Neumann, Distribution of the ratio of the mean square successive difference to the variance, 1941.
        """
        if self.precision > EPS or not self.too_noisy.isdisjoint(moves):
            return False
        pace = float(np.hypot.reduce([norm(move) for move in moves.values()]))
        value = norm(self.weight * self.base)
        if self.stairs.isdisjoint(moves):   # the value may be left of a cancellation
            value = max(value, norm(self.weight * self._noise(moves)[1]) / EPS)
        if abs(slope) > ROUNDINGS * precision * max(value * max(1.0, pace), steepest * pace):
            return False
        length = max(float(np.abs(move).max(initial=0)) for move in moves.values())
        for reach in (*REACHES, 1 / max(length, 1e-300)) if length < 1 / REACHES[-1] else REACHES:
            seen = self.totals(moves, reach * np.cbrt(np.linspace(-0.95, 1, 33)))   # no multiples of one another
            if seen is None:   # so far away it may have no values
                return reach > 1
            changes, spread = seen[1], np.abs(seen[1]).max()
            with np.errstate(over="ignore"):
                trend = changes.var() > 12 * (np.diff(changes) ** 2).mean()
            rounding = ROUNDINGS * EPS * max(value, steepest * pace)
            if spread > FLAT * max(1.0, reach) * value or spread > rounding and trend:
                return False
        return True

    def noise_of(self, name):
        """Return the noise along a tensor that is more than rounding, from stairs or as stated; 0 without any."""
        if name not in self.stairs and not self.noise:
            return 0.0
        return norm(self.weight * self.noises[name][1]) if name in self.noises else self.noise * norm(self.weight)

    def along(self, moves, *, step=FIRST_STEP):
        """Return the Estimate of the slope along a direction, per unit of it."""
        return derivative(self.line(moves), step)

    def coordinate(self, name, index, *, scale=0.0, step=FIRST_STEP):
        """Return the Estimate of the derivative with respect to one number of one tensor."""
        return derivative(self.line_of(name, index), step * self.size_of(name, index), scale, wide=step)

    def row(self, name, index, *, levels=5):
        """Return the derivatives of all outputs, flattened, with respect to one number of a tensor, and their errors.

        Central differences at halving steps, extrapolated as in ``numeric``, for all outputs at once.
        """
        move = self.one(name, index, 1.0)[name]
        step = FIRST_STEP * self.size_of(name, index)
        above, error = [], np.full(self.base.size, np.inf)
        for level in range(levels):
            h = step / 2**level
            ends = [self.value({name: self.at[name] + t * move}) for t in (h, -h)]
            if any(end is None for end in ends):
                return np.full(self.base.size, np.nan), error
            last = [((ends[0] - ends[1]) / (2 * h)).ravel().astype(np.float64)]
            for j, coarser in enumerate(above):
                last.append(last[j] + (last[j] - coarser) / (4 ** (j + 1) - 1))
            if above:
                rounding = self.precision * np.abs(self.base.ravel()) / h
                error = 10 * np.abs(last[-1] - last[-2]) + 10 * rounding
            above = last
        return above[-1], error

    def totals(self, direction, steps):
        """Return the changes of the outputs at n steps, (n, *outputs), and their weighted sums, (n,).

        None if the function has no value at one of them.
        """
        values = [self.value({name: self.at[name] + t * move for name, move in direction.items()}) for t in steps]
        if any(value is None or not np.isfinite(value).all() for value in values):
            return None
        self.seen += [float(value) for value in values if value.ndim == 0]
        outputs = np.array(values, np.float64) - self.base
        return outputs, (self.weight * outputs).reshape(len(steps), -1).sum(axis=1)


def signs(shape, rng):
    """Return random numbers of either sign and of size 1/2 to 3/2: none too small to matter, none dominant."""
    numbers = np.asarray(rng.uniform(-1.0, 1.0, shape))
    numbers += np.copysign(0.5, numbers)
    return numbers


def norm(x):
    """Return the Euclidean norm, without overflow on the way."""
    with np.errstate(all="ignore"):
        plain = float(np.linalg.norm(np.ravel(x)))
    if 1e-140 < plain < 1e140:
        return plain
    largest = float(np.abs(x).max(initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(((x / largest) ** 2).sum()))


def same(a, b):
    """True if two arrays have one shape and equal values, NaN equal to NaN."""
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def coarsest(arrays):
    """Return the spacing at 1 of the least precise floats in arrays; that of float64 if there are none."""
    kinds = [np.asarray(array).dtype for array in arrays]
    return float(max([EPS] + [np.finfo(kind).eps for kind in kinds if kind.kind == "f"]))
