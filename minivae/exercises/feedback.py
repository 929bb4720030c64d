"""What a student reads: what was verified, or the first thing to fix and only that."""

import html
import math

from ..gradcheck.report import Report
from ..gradcheck.report_view import agreement
from ..gradcheck.words import Diagnosis
from .exercise import stars

__all__ = ["ExerciseReport", "STAGES"]

STAGES = {"raises": "raises", "missing": "shape", "surplus": "shape", "shape": "shape", "dtype": "dtype",
          "inputs": "behaviour", "noise": "behaviour", "state": "behaviour", "stale": "behaviour",
          "upstream": "behaviour", "not finite": "value", "value": "value"}


class ExerciseReport(Report):
    """The outcome of one exercise: a gradient checker's Report that speaks to a student.

    Parameters
    ----------
    exercise : Exercise
    finding : Finding, optional
    failed : Failed, optional
        What ended the check early.
    following : Exercise, optional
        The next one.
    printed : str, optional
        The beginning of what her function printed.

    Attributes
    ----------
    stage : {"raises", "shape", "dtype", "behaviour", "value"} or None
        What to fix first; None where nothing is wrong.
    mistake : str or None
        Its name in the catalogue, if it has one.
    """

    def __init__(self, exercise, finding=None, failed=None, following=None, printed=""):
        found = finding.report if finding else Report([])
        super().__init__(found.tensors, [failed.fault] if failed else found.faults, [], found.directions, found.doubts,
                         found.notes, title=exercise.name)
        self.exercise, self.following, self.printed = exercise, following, printed or ""
        self.mistake = finding.mistake if finding else failed.mistake if failed else None
        self.against, self.checked = (finding.against, finding.checked) if finding else ("", ())
        self.returned = failed.returned if failed else self.worst.tensor if self.verdict == "fail" and self.worst else ""
        self.diagnoses = [Diagnosis("stated", (), self.mistake)] * bool(self.mistake) + found.diagnoses

    @property
    def stage(self):
        if self.faults:
            return STAGES[self.faults[0].kind]
        return "value" if self.verdict != "pass" else None

    @property
    def written(self):
        """False for a stub that nobody has touched."""
        return not any(fault.text.startswith("raised NotImplementedError") for fault in self.faults)

    def __str__(self):
        lines = self._passed() if self else self._to_fix()
        if self.printed.strip():
            shown = self.printed.strip().splitlines()
            lines += ["It printed:", *(f"  {line}" for line in shown[:10]), *["  ..."] * (len(shown) > 10)]
        return "\n".join(lines)

    def _repr_html_(self):
        first, _, rest = str(self).partition("\n")
        colour = {"pass": "#1a7f37", "fail": "#b3261e"}.get(self.verdict if self.written else "", "#8a6100")
        return (f"<pre style='font-family: monospace'><b style='color:{colour}'>{html.escape(first)}</b>\n"
                f"{html.escape(rest)}</pre>")

    def _passed(self):
        count = sum(len(t) for t in self.tensors)
        lines = [f"✓ {self.title}: right"]
        if count:
            lines.append(f"  {count:,} numbers agree with {self.against}{self._largest_error()}.")
        if self.checked:
            lines.append(f"  Checked too: {', '.join(self.checked)}.")
        lines += [f"  Note: {note}." for note in self.notes]
        lines.append(f"  {self.exercise.insight}")
        if self.following:
            lines.append(f"  Next: {self.following.name} ({stars(self.following)}, {self.following.minutes} minutes): "
                         f'exercises.statement("{self.following.name}")')
        return lines

    def _largest_error(self):
        """How far claim and truth agree, and the largest error beside its bound: no finer than every correct form has it."""
        digits = min(agreement(t) for t in self.tensors)
        worst = max((gap / bound for t in self.tensors for gap, bound in zip(t.gap[t.states == "agree"], t.bound[t.states == "agree"]) if bound), default=0.0)
        share = "a tenth of its bound" if worst <= 0.1 else "half of its bound" if worst <= 0.5 else "its bound"
        return (f" to {digits} digits" if digits >= 3 else "") + f"; no error is above {share}"

    def _to_fix(self):
        if not self.written:
            return [f"· {self.title}: not written yet", f"  {self.exercise.call}", *self._more()]
        mark = "✗" if self.verdict == "fail" else "?"
        lines = [f"{mark} {self.title}: {'fix first' if self.verdict == 'fail' else 'undecided'}: {self.stage}"]
        if self.faults:
            lines.append(f"  {self._fault(self.faults[0])}")
        elif self.worst:
            lines.append(f"  {self._worst()}")
        for sentence in self.diagnosis[len(self.faults):]:
            lines.append(f"  Mistake: {sentence}" if sentence == self.mistake else f"  {sentence}")
        lines += [f"  {sentence}" for sentence in self.doubts]
        return lines + self._pointer() + self._more()

    def _fault(self, fault):
        name = self.exercise.name
        told = f"{name} {fault.text}" if fault.text.startswith(("raised", "did not", "called", "gives", "overwrites",
                                                                  "accumulates")) else fault.text
        if fault.kind == "raises" and "TypeError" in told and "argument" in told:
            told += f". It is called as {self.exercise.call}"
        return told

    def _worst(self):
        c = self.worst
        ratio = f" (ratio {c.ratio:#.4g})" if c.measured and math.isfinite(c.ratio) and abs(c.measured) > c.error else ""
        claim, truth = _told_apart(c.claimed, c.measured)
        return f"{self._label()}{c.where} is {claim} and should be {truth} by {self.against}{ratio}"

    def _label(self):
        """What was returned, as the exercise calls it: the checker names a gradient by what it is the gradient of."""
        return f"d{self.returned}" if f"d{self.returned}" in self.exercise.returns else self.returned

    def _pointer(self):
        if self.stage not in ("value", "shape", "behaviour"):
            return []
        line = self.exercise.line(self._label())
        return [f"  Look at equation {line[0]}, notebook {line[0].split('.')[0]}: {line[1]}."] if line else []

    def _more(self):
        return [f'  Stuck? exercises.hint("{self.exercise.name}")']


def _told_apart(a, b):
    """Two numbers as text, to as many digits as it takes to see that they differ."""
    for digits in (5, 8, 11, 17):
        shown = f"{a + 0.0:.{digits}g}", f"{b + 0.0:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown
