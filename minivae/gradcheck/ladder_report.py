"""The ladder's report: the derivation as a picture, read from the loss back, with a mark at each arrow."""

import html
import textwrap

from .report import Report
from .report_view import MARKS, as_html, as_text
from .words import Diagnosis

__all__ = ["LadderReport"]

WIDTH = 110   # of the longest line of marks
VERDICT_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


class LadderReport(Report):
    """The outcome of ``check_model``.

    Parameters
    ----------
    pairs : dict of str to Report
        First rung: the kernels.
    nodes, parameters : list of Comparison
        Second and third rung.
    chain : Chain, optional
    front : list of str, optional
        The wrong tensors that nothing nearer to the loss explains.
    **more
        As for ``Report``.

    Attributes
    ----------
    first_wrong : str or None
        Where to look first: walking back from the loss, the first wrong tensor.
    """

    def __init__(self, pairs, nodes, parameters, chain=None, front=(), diagnoses=(), **more):
        self.pairs, self.nodes, self.parameters = pairs, nodes, parameters
        self.chain, self.front = chain, list(front)
        in_kernels = [Diagnosis("stated", (name,), sentence) for name, report in pairs.items()
                      for sentence in report.diagnosis]
        tensors = nodes + parameters
        if chain:
            tensors.sort(key=lambda t: chain.order.index(t.name))   # from the loss back, as in the picture
        super().__init__(tensors, diagnoses=[*in_kernels, *diagnoses],
                         title="gradient check of the model", **more)
        others = sum(t.state == "differ" and t.name not in self.front for t in tensors)
        if self.front and others:
            more = "tensors are" if others > 1 else "tensor is"
            self.notes.insert(0, f"{others} more {more} wrong, perhaps only because of the above")

    @property
    def verdict(self):
        verdicts = {super().verdict} | {report.verdict for report in self.pairs.values()}
        return next(word for word in ("fail", "inconclusive", "pass") if word in verdicts)

    @property
    def first_wrong(self):
        return self.front[0] if self.front else None

    @property
    def shown(self):
        """The first wrong tensors; or, if the place is not known, all that the picture does not call right."""
        first = [t for t in self.tensors if t.name in self.front and t.state == "differ"]
        return first or [t for t in self.tensors if t.state not in ("agree", "empty")]

    @property
    def worst(self):
        for t in self.tensors:
            if t.name == self.first_wrong:
                return t.worst
        return super().worst

    def picture(self):
        """Return the picture: a row for each step back from the loss, a mark at each arrow."""
        if self.chain is None:
            return ""
        marks = {t.name: MARKS[t.state] for t in self.tensors}
        lines = []
        for row, parameters in self.chain.rows():
            left = "   ".join(f"{'↓ ' if row != ['loss'] else ''}{marks.get(s, '·')} {s}" for s in row)
            right = "   ".join(f"{marks.get(p, '·')} {p}" for p in parameters)
            here = f"   ← look at {self.first_wrong} first" if self.first_wrong in [*row, *parameters] else ""
            lines.append(f"  {left:34}{'→ ' + right if right else ''}{here}".rstrip())
        return "\n".join(lines)

    def kernels(self):
        """Return the first rung in a line, or in two if it is long."""
        marks = "   ".join(f"{VERDICT_MARKS[report.verdict]}\N{NO-BREAK SPACE}{name}" for name, report in self.pairs.items())
        return "\n".join(textwrap.wrap(marks, WIDTH, initial_indent="  ", subsequent_indent="  ")).replace(
            "\N{NO-BREAK SPACE}", " ")

    def _lists(self):
        return [(title, text) for title, text in (("Kernels", self.kernels()), ("From the loss back", self.picture())) if text]

    def __str__(self):
        parts = as_text(self).split("\n")
        picture = [line for title, text in self._lists() for line in (title, text)]
        return "\n".join([parts[0], *picture, *parts[1:]])

    def _repr_html_(self):
        picture = "".join(f"<p>{title}</p><pre style='font-family: monospace'>{html.escape(text)}</pre>"
                          for title, text in self._lists())
        headline, end, rest = as_html(self).partition("</p>")
        return headline + end + picture + rest
