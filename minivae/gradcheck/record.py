"""What is known about one tensor's gradient, as arrays: the claimed numbers beside the measured ones.

A diagnosis rests on these. A hypothesis says how claim and truth are related, and is accepted only if it holds, within
the estimated error, at every number measured. One number that fits proves nothing: a hypothesis with a free factor must
hold at two or more.
"""

from dataclasses import dataclass, fields, replace
from typing import Callable, NamedTuple

import numpy as np

__all__ = ["Comparison", "Number", "Context", "broadcasts", "LEFT_OUT", "ROUNDINGS", "UPSTREAM", "OUTPUT"]

LEFT_OUT = 1 / 3     # a tensor, or the whole, does not pass with a larger share of numbers left out
ROUNDINGS = 2**7     # a correct claim may be off by this many roundings of the tensor's largest number
HARMLESS = 0.1       # a number may be left out if its bound is below this share of the largest that agrees
SHARP = 1e-4         # if the error is above this share of the largest number, only a factor is looked for
UPSTREAM, OUTPUT = "the upstream gradient", "the forward's output"


class Number(NamedTuple):
    """One number of a gradient, or its inner product with a direction: a row of a ``Comparison``.

    Attributes
    ----------
    place : int
        Its place in the flattened tensor; -1, -2, ... for directions.
    claimed, measured : float
        The claim and the difference.
    error : float
        Estimated error of the difference.
    bound : float
        How far apart the two may lie: ``error`` and the rounding of the claim.
    state : {"agree", "differ", "corner", "kink", "edge", "unresolved"}
        "corner": the claim lies between the two one-sided slopes. "edge": the function ends there, without a slope.
        "kink": a corner where nothing can be told.
    slopes, reach, constant
        As in ``numeric.Estimate``.
    tensor : str
    shape : tuple of int
        The name and the shape of the tensor.
    """

    place: int
    claimed: float
    measured: float
    error: float
    bound: float
    state: str
    slopes: tuple = (0.0, 0.0)
    reach: float = 0.0
    constant: bool = False
    tensor: str = ""
    shape: tuple = ()

    @property
    def index(self):
        """The number's index, a tuple of int; None for a direction."""
        return tuple(map(int, np.unravel_index(self.place, self.shape))) if self.place >= 0 else None

    @property
    def where(self):
        """The index in words, such as "[2, 0]" or "direction 1"."""
        if self.place < 0:
            return f"direction {-self.place}"
        return f"[{', '.join(map(str, self.index))}]" if self.shape else "the number"

    @property
    def gap(self):
        return abs(self.claimed - self.measured)

    @property
    def ratio(self):
        return self.claimed / self.measured if self.measured else np.inf * np.sign(self.claimed)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything known about one tensor's gradient, of which n numbers were measured.

    Attributes
    ----------
    name : str
    claim : ndarray
        The claimed gradient in float64, in the tensor's shape.
    at : ndarray
        The tensor's value.
    precision : float
        Spacing at 1 of the numbers that the claim was computed with.
    typical_size : float
        The typical size of the tensor's numbers.
    places, claimed, measured, error, bound, states, reach, constant : ndarray, shape (n,)
    slopes : ndarray, shape (n, 2)
        As in ``Number``.
    directions : list of Number
        Random directions through a tensor of which not every number was measured.
    """

    name: str
    claim: np.ndarray
    at: np.ndarray
    precision: float
    typical_size: float
    places: np.ndarray
    claimed: np.ndarray
    measured: np.ndarray
    error: np.ndarray
    bound: np.ndarray
    states: np.ndarray
    slopes: np.ndarray
    reach: np.ndarray
    constant: np.ndarray
    directions: list

    @classmethod
    def of(cls, name, claim, at, precision, typical_size, numbers, directions=()):
        """Return the Comparison with a list of Numbers as its rows."""
        def column(field, kind):
            return np.array([getattr(number, field) for number in numbers], kind)

        floats = [column(field, float) for field in ("claimed", "measured", "error", "bound")]
        return cls(name, claim, at, precision, typical_size, column("place", int), *floats, column("state", "U10"),
                   column("slopes", float).reshape(-1, 2), column("reach", float), column("constant", bool),
                   list(directions))

    def __len__(self):
        return len(self.places)

    def __getitem__(self, k):
        """Return row k as a Number."""
        floats = (float(array[k]) for array in (self.claimed, self.measured, self.error, self.bound))
        return Number(int(self.places[k]), *floats, str(self.states[k]), tuple(self.slopes[k].tolist()),
                      float(self.reach[k]), bool(self.constant[k]), self.name, self.shape)

    def rows(self, chosen):
        """Return the record with the chosen rows only (a mask, or their numbers)."""
        columns = {field.name: getattr(self, field.name)[chosen] for field in fields(self) if field.name in COLUMNS}
        return replace(self, **columns)

    @property
    def shape(self):
        return self.claim.shape

    @property
    def indices(self):
        """The indices of the n numbers: one array per axis."""
        return np.unravel_index(self.places, self.shape) if self.shape else ()

    @property
    def gap(self):
        return np.abs(self.claimed - self.measured)

    @property
    def scale(self):
        """The largest slope, claimed or measured."""
        known = np.isfinite(self.error)
        measured = np.abs(np.c_[self.measured, self.slopes][known])
        return float(max(measured.max(initial=0), self.reach.max(initial=0), np.abs(self.claim).max(initial=0)))

    @property
    def left_out(self):
        """How many numbers neither agree (at a corner or elsewhere) nor differ."""
        return int((~np.isin(self.states, ("agree", "corner", "differ"))).sum())

    @property
    def off(self):
        """For each number, whether claim and difference lie further apart than their errors allow."""
        return np.isin(self.states, ("differ", "unresolved")) & (self.gap > self.bound)

    @property
    def harmless(self):
        """For each number, whether it is left out, fits what was measured, and is small beside those that agree."""
        largest = np.abs(self.measured[self.states == "agree"]).max(initial=0)
        return (self.states == "unresolved") & (self.gap <= self.bound) & (self.bound <= HARMLESS * largest)

    @property
    def state(self):
        """One of "agree", "differ", "corner", "kink", "unresolved", "empty".

        "corner": all that is known agrees, and some numbers lie at corners, where the claim lies between the one-sided
        slopes. "kink": there is a corner, or an end of the domain, where nothing can be told.
        """
        if not self.claim.size:
            return "empty"
        if "differ" in self.states or any(d.state == "differ" for d in self.directions):
            return "differ"
        if self.left_out > min(LEFT_OUT * len(self), self.harmless.sum()):
            return "kink" if 2 * np.isin(self.states, ("kink", "edge")).sum() > self.left_out else "unresolved"
        if any(d.state == "kink" for d in self.directions):
            return "kink"
        if not len(self) and not self.directions:
            return "unresolved"
        return "corner" if "corner" in self.states else "agree"

    @property
    def worst(self):
        """The clearest difference; without one, the least resolved number; if all agree, the largest."""
        for state in ("differ", "unresolved", "kink", "edge", "corner"):
            found = [self[k] for k in np.flatnonzero(self.states == state)]
            found = found or [d for d in self.directions if d.state == state]
            if found and (state == "differ" or self.state != "agree"):
                return max(found, key=lambda number: number.gap if state == "differ" else number.error)
        found = [self[k] for k in np.flatnonzero(self.states == "agree")]   # six digits: rounding must not choose
        return max(found, default=None, key=lambda number: float(f"{abs(number.measured):.5e}"))

    # What follows compares the numbers with a hypothesis.

    def usable(self):
        """Return the record with only the numbers whose difference could be measured."""
        seen = np.isin(self.states, ("agree", "differ")) | (self.states == "unresolved") & np.isfinite(self.error)
        return self.rows(seen)

    @property
    def whole(self):
        """Whether every number of the tensor was measured."""
        return len(self) == self.claim.size

    @property
    def largest(self):
        """The size of the largest number measured."""
        return float(np.abs(self.measured).max(initial=0))

    @property
    def informative(self):
        """How many of the measured numbers are clearly not zero."""
        return int((np.abs(self.measured) > 20 * self.tolerance(self.measured)).sum())

    @property
    def sharp(self):
        """Whether the numbers are known well enough to tell one mistake from another."""
        return self.largest > 0 and bool(np.median(self.error) <= SHARP * self.largest)

    def take(self, array):
        """Return an array's numbers at the places measured; the array is broadcast to the tensor's shape."""
        return np.broadcast_to(array, self.shape)[self.indices] if self.shape else np.broadcast_to(array, len(self))

    def table(self):
        """Return the measured numbers in the tensor's shape, when all were measured."""
        table = np.empty(self.claim.size)
        table[self.places] = self.measured
        return table.reshape(self.shape)

    def tolerance(self, values):
        """Return how far rounding may move a correct claim from these values."""
        rounding = ROUNDINGS * self.precision * np.abs(values).max(initial=0)
        return rounding + self.precision ** (2 / 3) * np.abs(values)

    def fits(self, claimed, factor=1.0, measured=None, error=None):
        """True if claimed = factor * measured everywhere, within the error."""
        measured = self.measured if measured is None else measured
        error = self.error if error is None else error
        allowed = 2 * (np.abs(factor) * error + self.tolerance(claimed))
        return bool(len(measured)) and bool(np.all(np.abs(claimed - factor * measured) <= allowed))

    def factor(self, claimed, measured=None, error=None):
        """Return the one factor in claimed = factor * measured and its error, or None if there is none."""
        measured = self.measured if measured is None else measured
        error = self.error if error is None else error
        clear = int((np.abs(measured) > 20 * error).sum())
        if clear < min(2, self.claim.size) or clear == 0:
            return None
        unit = measured / np.abs(measured).max()   # squares of the numbers themselves may underflow
        square = float((unit * measured).sum())
        factor = float((unit * claimed).sum()) / square
        if factor == 0 or not self.fits(claimed, factor, measured, error):
            return None
        noise = np.abs(factor) * error + self.tolerance(claimed)
        return factor, float((np.abs(unit) * noise).sum()) / square


COLUMNS = ("places", "claimed", "measured", "error", "bound", "states", "slopes", "reach", "constant")


class Context(NamedTuple):
    """What a diagnosis may use beside a tensor's own numbers.

    Attributes
    ----------
    sizes : dict of str to int
        Lengths of axes by name.
    arrays : dict of str to ndarray
        Arguments, output and upstream gradient, by the names used in sentences.
    upstream : ndarray or None
    measured_anew : callable or None
        ``measured_anew(name, indices, moved)`` measures with some arguments replaced, and returns values and errors.
    rows : callable or None
        ``rows(name, indices)`` measures rows of the Jacobian, and returns values and errors, each of shape (number of
        indices, size of the output).
    claims : dict of str to ndarray
        The gradients claimed for all tensors.
    arguments : sequence of str
        Which of the arrays are arguments of the function.
    """

    sizes: dict = {}
    arrays: dict = {}
    upstream: np.ndarray = None
    measured_anew: Callable = None
    claims: dict = {}
    arguments: tuple = ()
    rows: Callable = None


def broadcasts(shape, to):
    """True if an array of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, to) == tuple(to)
    except ValueError:
        return False
