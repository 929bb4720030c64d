"""From graded answers to marks: the points of each answer, the cost of late days, and marks set by hand.

Marks are not kept with the results. So marks by hand survive another grading, and a change of points needs none.
"""

import datetime
import math
from typing import NamedTuple

from ..exercises.collection import EXERCISES, find
from .grade import Graded
from .roster import matching, rows_of

__all__ = ["Mark", "days_late", "due_time", "marks", "overrides", "weights"]

DAY = 24 * 3600


class Mark(NamedTuple):
    """One student's marks.

    Attributes
    ----------
    graded : Graded
    worth : dict of str to float
        The points that each exercise is worth.
    points : dict of str to float or None
        The points that each answer gets; None if there is no answer.
    by_hand : dict of str to str
        The teacher's comment on each exercise, or on "late" or "total", that was decided by hand.
    late : int
        Days late; a day that has begun counts as one.
    total : float
    """

    graded: Graded
    worth: dict
    points: dict
    by_hand: dict
    late: int
    total: float

    @property
    def name(self):
        return self.graded.name

    @property
    def out_of(self):
        return sum(self.worth.values())


def marks(graded, worth, decided, late, per_day):
    """Return each student's marks.

    Parameters
    ----------
    graded : list of Graded
    worth : dict of str to float
        Points, by exercise.
    decided : dict of (str, str) to (float or None, str)
        For a name and an exercise, "late" or "total": the points or days, and a comment.
    late : dict of str to int
        Days late, by name.
    per_day : float
        Percent of the points that each late day costs.
    """
    found = []
    for one in graded:
        by_hand = {what: decision for (name, what), decision in decided.items() if name == one.name}
        points = {name: worth[name] * (one.answers[name]["state"] == "pass") if name in one.answers else None
                  for name in worth}
        points |= {what: number for what, (number, _) in by_hand.items() if what in worth and number is not None}
        days = by_hand.get("late", (None,))[0]
        days = late.get(one.name, 0) if days is None else days
        total = sum(number for number in points.values() if number) * max(0.0, 1 - days * per_day / 100)
        given = by_hand.get("total", (None,))[0]
        comments = {what: comment for what, (_, comment) in by_hand.items()}
        found.append(Mark(one, worth, points, comments, days, round(total, 2) if given is None else given))
    return found


def weights(path, exercises):
    """Return the points that each exercise is worth: from a table of exercises and points, else its stars.

    Raises
    ------
    ValueError
        If a line is not an exercise and a number of at least 0, or an exercise occurs twice.
    """
    worth, listed = {name: EXERCISES[name].points for name in exercises}, set()
    for line, row in _without_heading(path, "exercise"):
        name = _exercise(row[0], path, line)
        if name in listed:
            raise ValueError(f"{path}, line {line}: {name} occurs a second time.")
        listed.add(name)
        number = _number(row[1] if len(row) > 1 else "", path, line)
        if name in worth:
            worth[name] = number
    return worth


def overrides(path, names, whole_class):
    """Return the marks set by hand, from a table of student, exercise, points and comment.

    Parameters
    ----------
    path : path-like or None
    names : list of str
        The names in the table of results.
    whole_class : bool
        Whether every student with a mark by hand must be among them.

    Returns
    -------
    dict of (str, str) to (float or None, str)

    Raises
    ------
    ValueError
        If a line fits no student, several students, or no exercise.
    """
    decided = {}
    for line, row in _without_heading(path, "student"):
        student, what, points, comment = (*row, "", "", "", "")[:4]
        rows = [name for name in names if name == student] or matching(student, "", names)
        if len(rows) > 1 or not rows and whole_class:
            reason = f"it may be any of {', '.join(rows)}" if rows else "no row has that name"
            raise ValueError(f"{path}, line {line}: {student!r}: {reason}. Write the name as the table does.")
        what = what if what in ("late", "total") else _exercise(what, path, line)
        if not points and not comment:
            raise ValueError(f"{path}, line {line}: there are neither points nor a comment.")
        number = _number(points, path, line) if points else None
        if rows and decided.setdefault((rows[0], what), (number, comment)) != (number, comment):
            raise ValueError(f"{path}, line {line}: {student!r} and {what} occur a second time.")
    return decided


def _without_heading(path, title):
    rows = rows_of(path) if path else []
    return rows[1:] if rows and rows[0][1][0].casefold() == title else rows


def _exercise(text, path, line):
    try:
        return find(text).name
    except ValueError as error:
        raise ValueError(f"{path}, line {line}: {error}") from None


def _number(text, path, line):
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"{path}, line {line}: points must be a number of at least 0; got {text!r}.")
    return int(number) if number == int(number) else number


def due_time(text):
    """Return a date and time in seconds since 1970. Without a zone it is local time, without a time the day's end.

    Raises
    ------
    ValueError
        If the text is not a date, or a date and a time.
    """
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--due must be like 2026-12-01 or 2026-12-01T18:00; got {text!r}.") from None
    return found.timestamp() + (DAY if len(text.strip()) == len("2026-12-01") else 0)


def days_late(submission, due):
    """Return how many days late the last change of a file is, rounded up; at least 1 if the name says late."""
    if due is None or submission.time is None:
        return 0
    return max(math.ceil((submission.time - due) / DAY), int(submission.late), 0)
