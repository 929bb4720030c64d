"""The table of a grading: as text for people, as CSV for a gradebook, as JSON for scripts."""

import collections
import csv
import io
import json

from ..exercises.collection import EXERCISES

__all__ = ["as_text", "as_csv", "as_json", "state", "what"]

COMMON = 3    # of the mistakes in an exercise, how many are listed
WORDS = {"pass": "right", "fail": "to fix", "undecided": "undecided", "out of time": "out of time",
         "not judged": "not judged", "not written": "not written", "absent": "not handed in"}
LONGEST = 120   # characters of one of them, in the table for people


def state(report):
    """Return one of "pass", "fail", "undecided", "out of time", "not judged", "not written", "absent"."""
    if report is None:
        return "absent"
    if not report.written:
        return "not written"
    return {"inconclusive": "undecided"}.get(report.verdict, report.verdict)


def what(report):
    """Return what to fix first in one sentence: the mistake's name if it has one."""
    if report is None or report or not report.written:
        return ""
    return report.mistake or next(iter(report.diagnosis), "") or f"wrong: {report.stage}"


def out_of(exercises):
    """Return the points there are."""
    return sum(EXERCISES[name].points for name in exercises)


def as_text(graded, exercises, seed):
    """Return the table as text: each submission with what to fix, then each exercise with its commonest mistakes."""
    lines = [f"{_count(len(graded), 'submission')}, {_count(len(exercises), 'exercise')}, {out_of(exercises)} points; "
             f"cases drawn with --seed {seed}", ""]
    width = max(len(one.name) for one in graded)
    for one in graded:
        counts = collections.Counter(state(one.reports.get(name)) for name in exercises)
        told = [f"{counts[key]} {word}" for key, word in WORDS.items() if counts[key]]
        lines.append(f"{one.name:{width}}  {one.points:3} of {out_of(exercises)}   {', '.join(told)}")
        lines += [f"    ! {trouble}" for trouble in one.trouble]
        lines += [f"    ✗ {name}, {report.stage or report.verdict}: {_short(what(report))}"
                  for name, report in one.reports.items() if report.written and not report]
    return "\n".join([*lines, "", *_by_exercise(graded, exercises)]) + "\n"


def _by_exercise(graded, exercises):
    lines, width = [], max(map(len, exercises))
    for name in exercises:
        reports = [one.reports[name] for one in graded if name in one.reports and one.reports[name].written]
        if not reports:
            continue
        common = collections.Counter(what(report) for report in reports if not report).most_common(COMMON)
        told = "; ".join(f"{count} × {_short(text)}" if count > 1 else _short(text) for text, count in common)
        line = f"{name:{width}}  {sum(map(bool, reports)):3} of {len(reports)} right"
        lines.append(f"{line}   {told}" if told else line)
    return lines


def as_csv(graded, exercises, seed):
    """Return the table as CSV: a row for each submission, two columns for each exercise, its points and the mistake."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [column for name in exercises for column in (name, f"{name}: to fix")]
    writer.writerow(["submission", "points", "out of", "seed", "trouble", *columns])
    for one in graded:
        row = [one.name, one.points, out_of(exercises), seed, "; ".join(one.trouble)]
        for name in exercises:
            report = one.reports.get(name)
            row += ["" if report is None else EXERCISES[name].points * bool(report), what(report)]
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def as_json(graded, exercises, seed):
    """Return the table as one JSON object."""
    def told(report):
        about = {"state": state(report), "points": EXERCISES[report.exercise.name].points * bool(report)}
        found = {"stage": report.stage, "mistake": report.mistake, "diagnosis": report.diagnosis}
        return about if report else about | found

    told_all = [{"submission": one.name, "points": one.points, "trouble": one.trouble,
                 "exercises": {name: told(report) for name, report in one.reports.items()}} for one in graded]
    worth = {name: EXERCISES[name].points for name in exercises}
    table = {"out_of": out_of(exercises), "seed": seed, "exercises": worth, "submissions": told_all}
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def _harmless(cell):
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def _short(text):
    return text if len(text) <= LONGEST else text[:LONGEST - 3] + "..."


def _count(number, word):
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
