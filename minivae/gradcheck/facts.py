"""What is found out about one tensor's gradient: the claim, the difference, and whether they agree."""

from typing import NamedTuple

import numpy as np

__all__ = ["Coordinate", "TensorFacts", "LEFT_OUT"]

LEFT_OUT = 1 / 3   # share of left-out coordinates above which a tensor, or the whole, does not pass


class Coordinate(NamedTuple):
    """One number of a gradient, or its product with one direction.

    Attributes
    ----------
    where : str
        Such as ``"[2, 0]"`` or ``"direction 1"``.
    index : tuple of int or None
    analytic, numeric : float
        The claim; the difference.
    error : float
        Estimated error of the difference.
    bound : float
        How far the two may lie apart: ``error`` and the rounding of the claim.
    state : {"agree", "differ", "kink", "edge", "unresolved"}
    slopes : tuple of two floats
        One-sided slopes.
    reach : float
        Largest change of the function per unit of step.
    still : bool
        Whether the function did not change at all.
    tensor : str
        Name of the tensor.
    """

    where: str
    index: tuple
    analytic: float
    numeric: float
    error: float
    bound: float
    state: str
    slopes: tuple = (0.0, 0.0)
    reach: float = 0.0
    still: bool = False
    tensor: str = ""

    @property
    def gap(self):
        return abs(self.analytic - self.numeric)

    @property
    def one_sided(self):
        """True at a corner where the claim is the slope to its left or to its right, as a subgradient is."""
        return self.state == "kink" and min(abs(self.analytic - slope) for slope in self.slopes) <= self.bound

    @property
    def ratio(self):
        return self.analytic / self.numeric if self.numeric else np.inf * np.sign(self.analytic)


class TensorFacts(NamedTuple):
    """Everything known about one tensor's gradient.

    Attributes
    ----------
    name : str
    shape : tuple of int
    coordinates : list of Coordinate
        Numbers checked one by one.
    directions : list of Coordinate
        Random directions, for tensors too large to be checked whole.
    scale : float
        The largest slope seen, of the claim or the difference.
    length : float
        How far a number of this tensor may be expected to move.
    claim : ndarray
        The gradient as claimed, in float64.
    precision : float
        Spacing of the claim's numbers at 1.
    at : ndarray
        The point.
    """

    name: str
    shape: tuple
    coordinates: list
    directions: list
    scale: float
    length: float
    claim: np.ndarray
    precision: float
    at: np.ndarray

    def having(self, *states):
        return [c for c in self.coordinates + self.directions if c.state in states]

    @property
    def off(self):
        """The numbers whose claim and difference lie further apart than their errors allow, for whatever reason."""
        return [c for c in self.having("differ", "unresolved") if c.gap > c.bound]

    @property
    def left_out(self):
        return len([c for c in self.coordinates if c.state not in ("agree", "differ")])

    @property
    def state(self):
        """One of "agree", "differ", "corner", "kink", "unresolved", "empty".

        "corner": too many numbers were left out, but only at corners, and each claim is a one-sided slope.
        """
        if not self.coordinates:
            return "empty"
        if self.having("differ"):
            return "differ"
        if self.left_out <= LEFT_OUT * len(self.coordinates):
            return "agree"
        if all(c.one_sided for c in self.coordinates if c.state not in ("agree", "differ")):
            return "corner"
        kinks = len([c for c in self.coordinates if c.state in ("kink", "edge")])
        return "kink" if 2 * kinks > self.left_out else "unresolved"

    @property
    def worst(self):
        """The clearest difference; without any, the least resolved; where all agree, the largest number."""
        for state in ("differ", "unresolved", "kink", "edge"):
            found = [c for c in self.coordinates if c.state == state] or self.having(state)
            if found and (state == "differ" or self.state != "agree"):
                return max(found, key=lambda c: c.gap if state == "differ" else c.error)
        return max(self.having("agree"), default=None,
                   key=lambda c: (c.index is not None, float(f"{abs(c.numeric):.5e}")))   # not by rounding
