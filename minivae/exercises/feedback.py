"""What a student reads: what was verified, or the first thing to fix and only that."""

import html
import math

from ..derivation import equation
from ..gradcheck.inputs import Fault
from ..gradcheck.report import Report, agreement
from ..gradcheck.words import Diagnosis
from .exercise import stars

__all__ = ["ExerciseReport", "STAGES"]

STAGES = {"raises": "raises", "missing": "returns", "surplus": "returns", "shape": "shape", "dtype": "dtype",
          "inputs": "behaviour", "noise": "behaviour", "state": "behaviour", "stale": "behaviour",
          "upstream": "behaviour", "not finite": "value", "value": "value"}
WORDS = {"function": "what is handed in", "raises": "it raises an exception", "returns": "what it returns",
         "shape": "the shape", "dtype": "the dtype", "behaviour": "how it behaves", "value": "the value"}
OF_THE_FUNCTION = {"raises", "noise", "state", "stale"}   # kinds of fault whose sentence begins after its name
POINTED = {"shape", "upstream", "value"}   # kinds of fault that a line of the derivation can mend


class ExerciseReport(Report):
    """The outcome of one exercise: a gradient checker's Report that speaks to a student.

    Parameters
    ----------
    exercise : Exercise
    finding : Finding, optional
    failed : Failed, optional
        What ended the check early.
    undecided : tuple of (str, str), optional
        A verdict that says nothing about the answer, "out of time" or "not judged", and why.
    following : Exercise, optional
        The next one.
    call : Local, optional
        Her function, which knows what it printed and what NumPy warned of.

    Attributes
    ----------
    verdict : {"pass", "fail", "inconclusive", "out of time", "not judged"}
    stage : {"function", "raises", "returns", "shape", "dtype", "behaviour", "value"} or None
        What to fix first; None where nothing is known to be wrong.
    mistake : str or None
        Its name in the catalogue, if it has one.
    from_numbers : list of Diagnosis
        What the numbers alone say, whether or not the catalogue has a better name.
    """

    def __init__(self, exercise, finding=None, failed=None, undecided=None, following=None, call=None):
        found = finding.report if finding else Report([])
        faults = [Fault(failed.kind, sentence(failed))] if failed else found.faults
        super().__init__(found.tensors, faults, [], found.directions, found.doubts, found.notes, title=exercise.name)
        self.exercise, self.finding, self.failed, self.undecided = exercise, finding, failed, undecided
        self.following, self.printed = following, call.printed or "" if call else ""
        self.catalogued = finding.mistake if finding else failed.mistake if failed else None
        self.mistake = self.catalogued.name if self.catalogued else None
        self.returned = failed.returned if failed else self.worst.tensor if self.worst else ""
        self.from_numbers = [one for one in found.diagnoses if one.known]
        told = [finding.told] if finding and finding.told and not found else []
        self.diagnoses = [Diagnosis("stated", (), said) for said in ([self.mistake] if self.mistake else told)]
        self.diagnoses += [] if self.mistake else self.from_numbers[:1]
        if call and call.warned and finding and not finding.told:
            self.notes.append(f"NumPy warns of {call.warned[0]}. The numbers are right all the same; a form in which "
                              "nothing overflows is silent")

    @property
    def verdict(self):
        return self.undecided[0] if self.undecided else super().verdict

    @property
    def diagnosis(self):
        return ([self.undecided[1]] if self.undecided else []) + super().diagnosis

    @property
    def stage(self):
        if self.failed:
            return self.failed.stage or STAGES[self.failed.kind]
        return None if self.verdict == "pass" or self.undecided else "value"

    @property
    def written(self):
        """False for a stub that nobody has touched."""
        return not (self.failed and self.failed.unwritten)

    def __str__(self):
        lines = self._undecided() if self.undecided else self._passed() if self else self._to_fix()
        if self.printed.strip():
            shown = self.printed.strip().splitlines()
            lines += ["It printed:", *(f"  {line}" for line in shown[:10]), *["  ..."] * (len(shown) > 10)]
        return "\n".join(lines)

    def _repr_html_(self):
        first, _, rest = str(self).partition("\n")
        colour = {"pass": "#1a7f37", "fail": "#b3261e"}.get(self.verdict if self.written else "", "#8a6100")
        style = "font-family: monospace; white-space: pre-wrap; word-break: normal; overflow-wrap: break-word"
        return (f"<pre style='{style}'><b style='color:{colour}'>{html.escape(first)}</b>\n"
                f"{html.escape(rest)}</pre>")

    def _undecided(self):
        return [f"? {self.title}: {self.undecided[0]}", f"  {self.undecided[1]}."]

    def _passed(self):
        lines = [f"✓ {self.title}: right"]
        if self.finding.told:
            lines.append(f"  {self.finding.told}.")
        else:
            count = sum(map(len, self.tensors))
            lines.append(f"  {count:,} numbers agree with {self.finding.against}{self._largest_error()}.")
        if self.finding.checked:
            lines.append(f"  Checked too: {', '.join(self.finding.checked)}.")
        lines += [f"  Note: {note}." for note in self.notes]
        lines.append(f"  {self.exercise.insight}")
        if self.following:
            lines.append(f"  Next: {self.following.name} ({stars(self.following)}, {self.following.minutes} minutes): "
                         f'exercises.statement("{self.following.name}")')
        return lines

    def _largest_error(self):
        """How far claim and truth agree, and the largest error relative to its bound, in coarse steps."""
        digits = min(map(agreement, self.tensors))
        worst = max((gap / bound for t in self.tensors for gap, bound in zip(t.gap, t.bound) if bound), default=0.0)
        share = "a tenth" if worst <= 0.1 else "half" if worst <= 0.5 else "the whole"
        return f"{f' to {digits} digits' if digits else ''}; no error is above {share} of its bound"

    def _to_fix(self):
        if not self.written:
            return [f"· {self.title}: not written yet", f'  exercises.statement("{self.title}") says what to write.']
        lines = [f"✗ {self.title}: fix first: {WORDS[self.stage]}"]
        if self.faults:
            lines.append(f"  {self._fault(self.faults[0])}")
        elif self.worst:
            lines.append(f"  {self._worst()}")
        for one in self.diagnoses:
            lines.append(f"  Mistake: {one}" if self.mistake else f"  {one}")
        if self.finding and self.finding.where:
            lines.append(f"  It goes wrong {self.finding.where}.")
        lines += [f"  {sentence}" for sentence in self.doubts]
        return [*lines, *self._pointer(), f'  Stuck? exercises.hint("{self.exercise.name}")']

    def _fault(self, fault):
        whole = self.failed.stage or fault.kind not in OF_THE_FUNCTION
        called = f". It is called as {self.exercise.call}" if self.failed.about == "call" else ""
        return (fault.text if whole else f"{self.exercise.name} {fault.text}") + called

    def _worst(self):
        c = self.worst
        where = c.where if c.shape else ""
        claim, truth = _told_apart(c.claimed, c.measured)
        ratio = ""
        if c.measured and math.isfinite(c.ratio) and abs(c.measured) > c.error:
            near = f"{c.ratio:#.4g}" == "1.000"
            ratio = f" (relative error {abs(c.ratio - 1):.0e})" if near else f" (ratio {c.ratio:#.4g})"
        return f"{self._label()}{where} is {claim} and should be {truth} by {self.finding.against}{ratio}"

    def _label(self):
        """What was returned, as the exercise calls it: the checker names a gradient by what it is the gradient of."""
        return f"d{self.returned}" if f"d{self.returned}" in self.exercise.returns else self.returned

    def _pointer(self):
        elsewhere = any(one.kind == "activation" for one in self.diagnoses)
        if elsewhere or self.faults and self.faults[0].kind not in POINTED:
            return []
        number = self.exercise.line(self._label(), self.catalogued)
        return [f"  Look at equation {number}, notebook {number.split('.')[0]}: "
                f"{equation(number).meaning}."] if number else []


def sentence(failed):
    """Return what is wrong with an answer, where, and what the numbers say of it, in one sentence."""
    text = f"{failed.what}, {failed.where}" if failed.where else failed.what
    if failed.square:
        text += f". Where all sizes are equal it runs, and d{failed.square.report.worst.tensor} is wrong"
    return f"{text}: {failed.hint}" if failed.hint else text


def _told_apart(a, b):
    """Two numbers as text, to as many digits as it takes to see that they differ."""
    for digits in (5, 8, 11, 17):
        shown = f"{a + 0.0:.{digits}g}", f"{b + 0.0:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown
