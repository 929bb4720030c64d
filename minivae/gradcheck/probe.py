"""A foreign function, held at a point and pushed along lines through it.

Everything the checker learns about somebody's function it learns here: its value at the point, how it changes
when one number or a whole tensor moves, how much of that change is rounding. The function is handed float64
copies, whatever the dtype at the point: in float32 a difference would lose half of its digits. Exceptions, NaN
and infinity near the point mean "no value there".
"""

import math

import numpy as np

from .numeric import derivative

__all__ = ["Probe", "lengths"]

SPACINGS = tuple(2.0**-k for k in (10, 17, 24, 31, 38))   # of samples for the noise, relative to the numbers
FIRST_STEP = 1 / 16                         # of a derivative, relative to the same


def lengths(x):
    """Return how far each number of a tensor may be expected to matter: its size, at least the median size.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    lengths : ndarray, same shape
        Positive. All 1 where every number is 0, or too small to be divided by.
    """
    sizes = np.abs(x)
    typical = sizes[sizes > 1e-250]
    if typical.size == 0:
        return np.ones_like(sizes)
    return np.maximum(sizes, np.median(typical))


class Probe:
    """The scalar <weight, function(point)> as its arguments move away from a point.

    Parameters
    ----------
    function : callable
        ``function(point)`` takes a dict of float64 arrays and returns an array or a number.
    at : dict of str to ndarray
        The point.
    weight : ndarray, optional
        Shaped as what the function returns; without it, that must be a single number.

    Attributes
    ----------
    base : ndarray
        The function's value at the point.
    evaluations : int
        How often the function was called.
    changes_inputs : list of str
        Names of the arrays in which the function wrote.
    repeats : bool
        Whether a second call gave the same value.

    Notes
    -----
    The weight is applied to the *change* of the function's value. So an output that does not move adds neither to
    the change nor to its rounding, however large it is.
    """

    def __init__(self, function, at, weight=None):
        self.function = function
        self.at = {name: np.array(x, dtype=np.float64) for name, x in at.items()}
        self.lengths = {name: lengths(x) for name, x in self.at.items()}
        self.evaluations = 0
        self.noisiness = {}
        given = {name: x.copy() for name, x in self.at.items()}
        with np.errstate(all="ignore"):
            self.base = np.array(function(given))
            self.changes_inputs = [name for name, x in self.at.items() if not same(x, given[name])]
            again = np.asarray(function({name: x.copy() for name, x in self.at.items()}))
        self.repeats = same(self.base, again)
        self.weight = np.ones(self.base.shape) if weight is None else np.asarray(weight, np.float64)
        kind = self.base.dtype
        self.precision = np.finfo(kind).eps if kind.kind == "f" else np.finfo(np.float64).eps

    def value(self, moved):
        """Return the function's value with some arrays replaced, or None where it has none."""
        point = {**self.at, **{name: np.asarray(x) for name, x in moved.items()}}   # one number stays an array
        if self.changes_inputs:
            point = {name: x.copy() for name, x in point.items()}
        self.evaluations += 1
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.function(point))
        except Exception:   # a foreign function may not exist everywhere, and says so in its own way
            return None
        return value if value.shape == self.base.shape else None

    def change(self, moved):
        """Return <weight, value - base> and the rounding that plain arithmetic would leave in it."""
        value = self.value(moved)
        if value is None:
            return math.nan, math.nan
        with np.errstate(all="ignore"):
            difference = np.subtract(value, self.base, dtype=np.float64)
            size = np.where(difference != 0, self.weight * np.maximum(np.abs(value), np.abs(self.base)), 0)
            change = float((self.weight * difference).sum())
            rounding = float(self.precision * norm(size))
        if change == 0 and rounding == 0:   # nothing moved: it is known to the rounding of one output
            rounding = float(self.precision * np.abs(self.weight * self.base).max(initial=0))
        return change, rounding

    def line(self, moves):
        """Return the function of t along at + t * moves, as ``derivative`` wants it; moves is a dict of arrays."""
        noisiness = max(self.noisiness.get(name, 1.0) for name in moves)
        here = norm(np.concatenate([self.at[name][move != 0].ravel() for name, move in moves.items()]))
        pace = norm(np.concatenate([move.ravel() for move in moves.values()]))
        blur = float(np.finfo(np.float64).eps * here / max(pace, 1e-300))   # the rounding of at + t * moves

        def line(t):
            change, rounding = self.change({name: self.at[name] + t * move for name, move in moves.items()})
            return change, noisiness * rounding + abs(change) * blur / abs(t)

        return line

    def along(self, moves, *, step=FIRST_STEP):
        """Return the Estimate of the slope along a direction, per unit of it."""
        return derivative(self.line(moves), step)

    def coordinate(self, name, index, *, scale=0.0, step=FIRST_STEP):
        """Return the Estimate of the derivative by one number of one tensor."""
        move = np.zeros_like(self.at[name])
        move[index] = 1.0
        return derivative(self.line({name: move}), step * float(self.lengths[name][index]), scale)

    def listen(self, name, rng):
        """Measure how much noisier than plain rounding the function is when a tensor moves.

        Notes
        -----
        Nine equally spaced values along a random direction, to one side (a kink often lies at the point itself);
        their fifth to seventh differences leave nothing of a smooth function, and of independent noise of variance
        s**2 they leave s**2 (2k)! / (k!)**2. A kink inside the nine, or too long a spacing, looks like noise too,
        but shrinks with the spacing; noise does not. So the spacing is shortened until the result stays, or until
        equal neighbours show that it has fallen below the function's own resolution.

        References
        ----------
        More & Wild, Estimating computational noise, SIAM Journal on Scientific Computing 33, 2011.
        """
        sizes = np.abs(self.at[name])
        direction = signs(sizes.shape, rng) * np.where(sizes > 1e-250, sizes, self.lengths[name])
        ratio = None
        for spacing in SPACINGS:
            samples = [self.change({name: self.at[name] + j * spacing * direction}) for j in range(1, 10)]
            values, roundings = np.array(samples).T
            if not np.isfinite(values).all():
                continue
            if (np.diff(values) == 0).any():
                break
            shorter = max(_spread(values, order) for order in (5, 6, 7)) / max(roundings.max(), 1e-300)
            settled = shorter < 1 or ratio is not None and shorter > ratio / 16
            ratio = shorter if ratio is None else min(ratio, shorter)
            if settled:
                break
        self.noisiness[name] = float(max(1.0, 3 * (ratio or 0.0)))


def _spread(values, order):
    """Standard deviation of the noise in equally spaced values, from their differences of one order."""
    differences = np.diff(values, order)
    scale = math.factorial(order) ** 2 / math.factorial(2 * order)
    return math.sqrt(scale / len(differences)) * norm(differences)


def signs(shape, rng):
    """Return random numbers of either sign and of size 1/2 to 3/2: no entry is overlooked, none dominates."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))


def norm(x):
    """Euclidean norm, without overflow on the way."""
    largest = float(np.abs(x).max(initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(((x / largest) ** 2).sum()))


def same(a, b):
    """True if two arrays have one shape and equal values, NaN equal to NaN."""
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
