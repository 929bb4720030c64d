"""A foreign function, held at a point and pushed along lines through it.

Everything the checker learns about somebody's function it learns here: its value at the point, how it changes
when one number or a whole tensor moves, how much of that change is rounding. The function is handed float64
copies, whatever the dtype at the point: in float32 a difference would lose half of its digits. Exceptions, NaN
and infinity near the point mean "no value there".
"""

import math

import numpy as np

from .numeric import derivative

__all__ = ["Probe", "typical_sizes", "coarsest", "norm", "same", "signs"]

SPACINGS = tuple(2.0**-k for k in (10, 17, 24, 31, 38))   # of samples for the noise, relative to the numbers
FIRST_STEP = 1 / 16                         # of a derivative, relative to the same
TOO_NOISY = 1e-5                                 # noise above this share of the value is more than rounding


def typical_sizes(x):
    """Return how far each number of a tensor may be expected to matter: its size, at least the median size.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    sizes : ndarray, same shape
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
    coarseness : float
        Spacing at 1 of the least precise numbers at the point, as they were handed over: who computes a gradient
        from float32 rounds to float32, whatever the gradient is stored in.
    too_noisy : set of str
        Tensors along which the function is noisier than rounding could make it.

    Notes
    -----
    The weight is applied to the *change* of the function's value. So an output that does not move adds neither to
    the change nor to its rounding, however large it is.
    """

    def __init__(self, function, at, weight=None):
        self.function = function
        self.at = {name: np.array(x, dtype=np.float64) for name, x in at.items()}
        self.typical_sizes = {name: typical_sizes(x) for name, x in self.at.items()}
        self.coarseness = coarsest(at.values())
        self.evaluations = 0
        self.noises = {}   # by tensor: how much noisier than plain rounding; and the least noise of each output
        self.too_noisy = set()
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
        """Return <weight, value - base> and how far rounding may have moved it."""
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
        if change == 0 and rounding == 0:   # nothing moved: it is known to the noise of one output
            rounding = float(np.nanmax(noise, initial=0))
        return change, rounding

    def _noise(self, names):
        heard = [self.noises[name] for name in names if name in self.noises]
        noisiness = max((ratio for ratio, _ in heard), default=1.0)
        return noisiness, np.max([least for _, least in heard], axis=0) if heard else 0.0

    def line(self, moves):
        """Return the function of t along at + t * moves, as ``derivative`` wants it; moves is a dict of arrays."""
        here = norm(np.concatenate([self.at[name][move != 0].ravel() for name, move in moves.items()]))
        pace = norm(np.concatenate([move.ravel() for move in moves.values()]))
        blur = float(np.finfo(np.float64).eps * here / max(pace, 1e-300))   # the rounding of at + t * moves

        def line(t):
            change, rounding = self.change({name: self.at[name] + t * move for name, move in moves.items()})
            return change, rounding + abs(change) * blur / abs(t)

        return line

    def along(self, moves, *, step=FIRST_STEP):
        """Return the Estimate of the slope along a direction, per unit of it."""
        return derivative(self.line(moves), step)

    def coordinate(self, name, index, *, scale=0.0, step=FIRST_STEP):
        """Return the Estimate of the derivative by one number of one tensor."""
        move = np.zeros_like(self.at[name])
        move[index] = 1.0
        return derivative(self.line({name: move}), step * float(self.typical_sizes[name][index]), scale, wide=step)

    def row(self, name, index, *, levels=5):
        """Return the derivatives of all outputs, flattened, by one number of one tensor, and their errors.

        Central differences at halving steps, extrapolated as in ``numeric``: one call gives them for every output.
        """
        move = np.zeros_like(self.at[name])
        move[index] = 1.0
        step = FIRST_STEP * float(self.typical_sizes[name][index])
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

    def measure_noise(self, name, rng):
        """Measure how much noisier than plain rounding the function is when a tensor moves.

        Notes
        -----
        Nine equally spaced values along a random direction, to one side (a kink often lies at the point itself);
        their fifth to seventh differences leave nothing of a smooth function, and of independent noise of variance
        s**2 they leave s**2 (2k)! / (k!)**2. A kink inside the nine, or too long a spacing, looks like noise too,
        but collapses as the spacing shrinks; noise stays. So the spacing is shortened until the same is heard three
        times (a corner may sound alike twice), or nothing but rounding. What is heard twice and is too too_noisy for
        rounding may be a fast oscillation: shorter spacings are tried, and the function is ``too_noisy`` along the tensor, for no difference
        proves it wrong. Where already the longest spacing is below the function's resolution, one of unit length is
        listened to.
        The noise is kept twice: as a multiple of the value's rounding, and as it is, for a value that cancels
        to nothing has no rounding of its own.

        References
        ----------
        More & Wild, Estimating computational noise, SIAM Journal on Scientific Computing 33, 2011.
        """
        sizes = np.abs(self.at[name])
        direction = signs(sizes.shape, rng)
        self.noises[name] = 1.0, 0.0
        heard = self._noise_along(name, direction * np.where(sizes > 1e-250, sizes, self.typical_sizes[name]))
        if heard is None and sizes.max() < 1:
            heard = self._noise_along(name, direction)
        self.noises[name] = heard or (1.0, 0.0)

    def _noise_along(self, name, direction):
        """Return the noise along a direction, as it is kept; None where the function does not move."""
        heard, before, times = None, math.inf, 0
        for spacing in SPACINGS:
            values = [self.value({name: self.at[name] + j * spacing * direction}) for j in range(1, 10)]
            if any(value is None or not np.isfinite(value).all() for value in values):
                continue
            outputs = np.array(values) - self.base                       # (9, *outputs)
            total = (self.weight * outputs).reshape(9, -1).sum(axis=1)   # (9,)
            if (np.diff(total) == 0).any():
                break   # below the function's own resolution
            size = norm(self.weight * np.maximum(np.abs(values).max(axis=0), np.abs(self.base)))
            noise, rounding = float(_spread(total)), max(self.precision * size, 1e-300)
            stays = heard is not None and noise >= before / 16
            times = times + 1 if stays else 1
            if not stays or noise > before:
                heard = max(1.0, 3 * noise / rounding), 3 * _spread(outputs)
            if stays and noise > TOO_NOISY * size:
                self.too_noisy.add(name)
            elif times == 3:
                break
            before = max(noise, rounding)
        return heard


def _spread(values):
    """Standard deviation of the noise in equally spaced values (first axis), from their differences of high order."""
    found = []
    for order in (5, 6, 7):
        differences = np.diff(values, order, axis=0)
        scale = math.factorial(order) ** 2 / math.factorial(2 * order) / len(differences)
        found.append(math.sqrt(scale) * np.hypot.reduce(differences, axis=0))
    return np.max(found, axis=0)


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


def coarsest(arrays):
    """Return the spacing at 1 of the least precise floats in arrays; that of float64 where there are none."""
    kinds = [np.asarray(array).dtype for array in arrays]
    return float(max([np.finfo(np.float64).eps] + [np.finfo(kind).eps for kind in kinds if kind.kind == "f"]))
