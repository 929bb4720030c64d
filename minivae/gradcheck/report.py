"""The verdict and all that it rests on, as one object, and how it shows itself in a terminal and in a notebook.

Both draw from the same facts: the verdict first, then a line for each tensor, then the name of the mistake and what to
try. Numbers are shown only to the digits that mean something, so that two students with right gradients read the same.
"""

import html
import math

from .inputs import KINDS
from .record import LEFT_OUT
from .words import Diagnosis

__all__ = ["Report", "as_text", "as_html", "MARKS", "agreement"]

MARKS = {"agree": "✓", "differ": "✗", "kink": "?", "unresolved": "?", "corner": "∠", "empty": "·"}
BY_GRAVITY = ("differ", "unresolved", "kink", "corner", "agree", "empty")
COLUMNS = ("", "tensor", "shape", "checked", "worst", "analytic", "numeric", "± error", "ratio")
TENSORS_SHOWN = 24
MOST_DIGITS = 8   # of agreement that are shown: further ones are rounding, and differ between two right gradients


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
    def pictures(self):
        """What is drawn above the table: titles and texts."""
        return []

    @property
    def covered(self):
        return sum(len(t) - t.left_out for t in self.tensors)

    @property
    def size(self):
        return sum(math.prod(t.shape) for t in self.tensors)

    def __str__(self):
        return as_text(self)

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        return as_html(self)


def _badness(c):
    """The difference relative to the larger of the two numbers; without a difference, the number's size."""
    if c.state != "differ":
        return float(f"{abs(c.measured):.5e}") if math.isfinite(c.measured) else 0.0
    return c.gap / max(abs(c.measured), abs(c.claimed), 1e-300)


def headline(report):
    """Return the verdict and what it covers, in one line."""
    covered = f"{report.covered:,} of {report.size:,} numbers checked one by one"
    return f"{report.title}: {report.verdict.upper()} ({covered})"


def as_text(report):
    """Return the report as text."""
    lines = [headline(report), *(text for picture in report.pictures for text in picture)]
    rows = _rows(report)
    if rows:
        widths = [max(len(row[k]) for row in [COLUMNS, *rows]) for k in range(len(COLUMNS))]
        for row in [COLUMNS, *rows]:
            lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    hidden = len(report.shown) - TENSORS_SHOWN
    if hidden > 0:
        lines.append(f"   and {hidden} more tensors")
    for heading, sentences in _sections(report):
        lines.append(heading)
        lines += [f"  {sentence}" for sentence in sentences]
    return "\n".join(lines)


def as_html(report):
    """Return the report as HTML: a paragraph, a table and lists."""
    colour = {"pass": "#1a7f37", "fail": "#b3261e", "inconclusive": "#8a6100"}[report.verdict]
    cell = "<td style='text-align:left; white-space:pre; font-family:monospace'>{}</td>".format
    head = "".join(f"<th style='text-align:left'>{column}</th>" for column in COLUMNS)
    body = "".join("<tr>" + "".join(cell(html.escape(text)) for text in row) + "</tr>" for row in _rows(report))
    parts = [f"<p style='color:{colour}'><b>{html.escape(headline(report))}</b></p>"]
    parts += [f"<p>{title}</p><pre style='font-family: monospace'>{html.escape(text)}</pre>"
              for title, text in report.pictures]
    if body:
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    for heading, sentences in _sections(report):
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
        parts.append(f"<p>{html.escape(heading)}</p><ul>{items}</ul>")
    return "".join(parts)


def _sections(report):
    """The sections under the table, each a heading and its sentences."""
    directions = [f"{MARKS.get(c.state, '?')} {c.where}: {_comparison(c)}" for c in report.directions]
    sections = [("Diagnosis", report.diagnosis), ("Not decided because", _doubts(report)),
                ("Notes", _corners(report) + report.notes), ("All numbers at once", directions),
                ("Try", advice(report))]
    return [(heading, sentences) for heading, sentences in sections if sentences]


def _doubts(report):
    doubts = list(report.doubts)
    for t in report.tensors:
        out = f"{t.left_out} of {len(t)} numbers left out"
        if t.state == "kink":
            doubts.append(f"{t.name}: {out}; the function has a corner or an end there")
        elif t.state == "unresolved":
            doubts.append(f"{t.name}: {out}; " + ("off by more than rounding should, by less than proves a mistake"
                                                  if 2 * t.off.sum() > t.left_out else
                                                  "the difference's own error would hide a mistake"))
    if report.verdict == "inconclusive" and report.covered == 0 and not doubts:
        doubts.append("there was no number to check")
    return doubts


def _corners(report):
    if report.verdict != "pass":
        return []
    return [f"{t.name}: {(t.states == 'corner').sum()} of {len(t)} numbers lie at a corner (a unit exactly at 0?); the "
            "claim is a slope between those to its left and its right" for t in report.tensors if t.state == "corner"]


def _rows(report):
    rows = []
    order = report.shown
    if len(order) > TENSORS_SHOWN:   # what is wrong comes first, so that it is seen
        order = sorted(order, key=lambda t: BY_GRAVITY.index(t.state))
    for t in order[:TENSORS_SHOWN]:
        checked = f"{len(t) - t.left_out} of {math.prod(t.shape)}"
        checked += f", {len(t.directions)} directions" if t.directions else ""
        row = [MARKS[t.state], t.name, str(t.shape).replace(" ", ""), checked]
        rows.append(tuple(row + _worst_cells(t)))
    return rows


def _worst_cells(t):
    c = t.worst
    if c is None:
        return ["", "", "", "", ""]
    if t.state == "agree":
        return [c.where, known(c.claimed, c.bound), "agrees", f"to {agreement(t)} digits" if agreement(t) else "", ""]
    if t.state in ("kink", "corner"):
        left, right = c.slopes
        return [c.where, number(c.claimed), f"{number(left)} | {number(right)}", "", ""]
    ratio = f"{c.ratio:#.4g}" if c.measured and abs(c.measured) > c.error else ""
    return [c.where, number(c.claimed), number(c.measured), _order(c.error), ratio]


def agreement(t):
    """Digits, beside the tensor's largest number, to which claim and difference are known to agree."""
    agree = t.states == "agree"
    bound, largest = (float(abs(array[agree]).max(initial=0)) for array in (t.bound, t.claimed))
    return _digits(largest, bound, MOST_DIGITS) if largest else MOST_DIGITS if not bound else 0


def _digits(value, bound, most):
    """How many digits of a value are known, if it is known up to a bound."""
    return max(0, min(most, int(math.log10(abs(value) / bound)))) if value and bound else most if value else 0


def known(value, bound):
    """Return a number to the digits that are known of it, five at most; 0 where not even the first is."""
    digits = _digits(value, bound, 5)
    return f"{value:.{digits}g}" if digits else "0"


def _comparison(c):
    if c.state == "agree":
        return "agrees"
    if c.state in ("kink", "edge"):
        return "left out, a corner of the function lies there"
    return f"analytic {number(c.claimed)}, numeric {number(c.measured)} {_order(c.error)}"


def number(value):
    """Return a number to five digits."""
    return f"{value:.5g}" if math.isfinite(value) else str(value)


def _order(error):
    return f"± {error:.0e}" if math.isfinite(error) else "unknown"


def advice(report):
    """Return what to try next."""
    if report.verdict == "fail":
        if report.faults:
            return []
        c = report.worst
        return [f"Work out {c.tensor}{c.where if c.index else ''} by hand from the forward line, then compare: "
                f"the difference says {number(c.measured)}."] if c and c.tensor else []
    states = {t.state for t in report.tensors}
    tries = []
    if {"kink", "corner"} & states:
        tries.append("Check at another point: move the parameters or the data a little, away from the corners.")
    if "unresolved" in states:
        tries.append("Compute the function in float64, leave out large constants, or use fewer examples.")
    return tries
