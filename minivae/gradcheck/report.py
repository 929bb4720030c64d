"""The verdict and all that it rests on, as one object; how it shows itself is in ``report_view``.

A report holds facts, not text. Terminal and notebook draw from the same, and numbers are shown only to the
digits that mean something, so that two students with correct gradients read the same lines.
"""

import math

from .claims import KINDS
from .record import LEFT_OUT
from .words import Diagnosis

__all__ = ["Report"]


class Report:
    """The outcome of a gradient check.

    Parameters
    ----------
    tensors : list of Comparison
    faults : list of Fault, optional
        What was wrong before any number was looked at, or in how the functions behave.
    diagnoses : list of Diagnosis, optional
        Names of the mistakes. A sentence alone is taken as well.
    directions : list of Number, optional
        Random directions through all tensors at once.
    doubts : list of str, optional
        Reasons why no verdict but "inconclusive" can be given.
    notes : list of str, optional
        What is worth knowing and is not a fault.
    title : str, optional

    Attributes
    ----------
    verdict : {"pass", "fail", "inconclusive"}
    worst : Number or None
        The clearest difference; without any, what is least resolved; where all agrees, the largest number.
    diagnoses : list of Diagnosis
    diagnosis : list of str
        What is wrong, in words: the faults' sentences, then those of the diagnoses, none twice.
    covered : int
        How many numbers were checked one by one and resolved.
    size : int
        How many there are.
    """

    def __init__(self, tensors, faults=(), diagnoses=(), directions=(), doubts=(), notes=(), title="gradient check"):
        self.tensors, self.directions = list(tensors), list(directions)
        self.faults = sorted(faults, key=lambda fault: KINDS.index(fault.kind))
        self.doubts, self.notes, self.title = list(doubts), list(notes), title
        self.diagnoses = [said if isinstance(said, Diagnosis) else Diagnosis("stated", (), said) for said in diagnoses
                          if said]
        if self.faults:   # a fault explains numbers that nothing else explains
            self.diagnoses = [one for one in self.diagnoses if one.known]

    @property
    def diagnosis(self):
        said = [fault.text for fault in self.faults] + [str(one) for one in self.diagnoses if one.text]
        return list(dict.fromkeys(said))

    @property
    def verdict(self):
        wrong = any(t.state == "differ" for t in self.tensors) or any(c.state == "differ" for c in self.directions)
        no_gradient = any(c.state == "kink" for c in self.directions)
        beyond = any(((t.states == "differ") & (t.slopes[:, 0] != t.slopes[:, 1])).any() for t in self.tensors)
        if self.faults or beyond or wrong and not no_gradient:
            return "fail"
        unsure = any(one.state in ("kink", "unresolved") for one in self.tensors)
        unsure = unsure or any(one.state == "kink" for one in self.directions)
        left_out = sum(t.left_out for t in self.tensors)
        looked_at = sum(len(t) for t in self.tensors)
        if unsure or self.doubts or self.covered == 0 or left_out > LEFT_OUT * looked_at:
            return "inconclusive"
        return "pass"

    def __bool__(self):
        return self.verdict == "pass"

    @property
    def worst(self):
        for state in ("differ", "unresolved", "kink", "corner", "agree"):
            found = [t for t in self.tensors if t.state == state and t.worst]
            if found:
                return max(found, key=lambda t: _badness(t.worst)).worst
            if state == "differ" and any(c.state == "differ" for c in self.directions):
                return max((c for c in self.directions if c.state == "differ"), key=_badness)
        return None

    @property
    def shown(self):
        """The tensors that the table has."""
        return self.tensors

    @property
    def covered(self):
        return sum(len(t) - t.left_out for t in self.tensors)

    @property
    def size(self):
        return sum(math.prod(t.shape) for t in self.tensors)

    def __str__(self):
        from .report_view import as_text
        return as_text(self)

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        from .report_view import as_html
        return as_html(self)


def _badness(c):
    """How many bounds a gap is wide; the size of the number where there is no gap to speak of."""
    if c.state != "differ":
        return float(f"{abs(c.measured):.5e}") if math.isfinite(c.measured) else 0.0
    return c.gap / max(abs(c.measured), abs(c.claimed), 1e-300)
