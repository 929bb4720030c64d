"""The measured numbers of one tensor, asked whether they fit a guess.

A guess about a mistake says how claim and truth are related. It is taken up only if it holds at every number
measured, to the estimated error. One number that fits proves nothing; so a guess with a free factor must hold
at two at least.
"""

import numpy as np

from .comparison import ROUNDINGS

__all__ = ["Evidence", "broadcasts"]

SHARP = 1e-4   # error, beside the tensor's largest number, above which only a factor is looked for


class Evidence:
    """Claim and difference at the numbers where the difference could be measured.

    Parameters
    ----------
    facts : TensorFacts

    Attributes
    ----------
    indices : tuple of ndarray
        Where, one array per axis.
    claimed, measured, error : ndarray, shape (n,)
    whole : bool
        Whether every number of the tensor was measured.
    """

    def __init__(self, facts):
        self.facts, self.name, self.claim = facts, facts.name, facts.claim
        usable = [c for c in facts.coordinates if c.state in ("agree", "differ") or
                  c.state == "unresolved" and np.isfinite(c.error)]
        self.coordinates = usable
        self.indices = tuple(np.array([c.index for c in usable], int).reshape(len(usable), len(facts.shape)).T)
        self.claimed = np.array([c.analytic for c in usable])
        self.measured = np.array([c.numeric for c in usable])
        self.error = np.array([c.error for c in usable])
        self.whole = len(usable) == facts.claim.size
        self.scale = float(np.abs(self.measured).max(initial=0))

    @property
    def informative(self):
        """How many of the measured numbers are clearly not zero."""
        return int((np.abs(self.measured) > 20 * self._tolerance(self.measured)).sum())

    @property
    def sharp(self):
        """Whether the numbers are known well enough to tell one mistake from another."""
        return self.scale > 0 and bool(np.median(self.error) <= SHARP * self.scale)

    def take(self, array):
        """Return an array's numbers at the places measured; the array is broadcast to the tensor's shape."""
        return np.broadcast_to(array, self.facts.shape)[self.indices]

    def table(self):
        """Return the measured numbers in the tensor's shape, when all were measured and it has axes."""
        table = np.empty(self.facts.shape)
        table[self.indices] = self.measured
        return table

    def is_all(self, array):
        """True if the claim is an array of its shape, or a multiple of it that is right nowhere."""
        found = self.factor(self.claim.ravel(), np.asarray(array, np.float64).ravel(), np.zeros(self.claim.size))
        right = any(c.state == "agree" and abs(c.numeric) > 20 * c.error for c in self.coordinates)
        return found is not None and (abs(found[0] - 1) <= max(2 * found[1], 1e-9) or not right)

    def _tolerance(self, values):
        rounding = ROUNDINGS * self.facts.precision * np.abs(values).max(initial=0)
        return rounding + self.facts.precision ** (2 / 3) * np.abs(values)

    def fits(self, claimed, factor=1.0, measured=None, error=None):
        """True if claimed = factor * measured everywhere, to the error."""
        measured = self.measured if measured is None else measured
        error = self.error if error is None else error
        allowed = 2 * (np.abs(factor) * error + self._tolerance(claimed))
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
        noise = np.abs(factor) * error + self._tolerance(claimed)
        return factor, float((np.abs(unit) * noise).sum()) / square


def broadcasts(shape, to):
    """True if an array of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, to) == tuple(to)
    except ValueError:
        return False
