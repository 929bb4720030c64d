"""The table of results: as text to read, as CSV for a gradebook, as JSON for scripts."""

import collections
import csv
import io
import json

from .alike import alike
from .roster import id_of

__all__ = ["as_text", "as_csv", "as_json", "tidy", "state", "first_to_fix", "WORDS"]

COMMON = 3    # how many of the most common mistakes in an exercise are listed
WORDS = {"pass": "right", "fail": "to fix", "undecided": "undecided", "out of time": "out of time",
         "not judged": "not judged", "not written": "not written", "absent": "not handed in"}
LONGEST = 120   # characters of a sentence in the table as text


def state(answer):
    """Return one of "pass", "fail", "undecided", "out of time", "not judged", "not written", "absent"."""
    return "absent" if answer is None else answer["state"]


def first_to_fix(answer):
    """Return what to fix first, in one sentence: the name of the mistake, if it has one."""
    if state(answer) in ("absent", "pass", "not written"):
        return ""
    return answer["mistake"] or next(iter(answer["diagnosis"]), "") or f"wrong: {answer['stage']}"


def tidy(value):
    """Return a number of points as an int if it is whole."""
    return int(value) if value == int(value) else value


def as_text(marks, seed):
    """Return the table as text: students with what to fix, exercises with their mistakes, and what to look at."""
    exercises, out_of = list(marks[0].worth), tidy(marks[0].out_of)
    lines = [f"{_count(len(marks), 'submission')}, {_count(len(exercises), 'exercise')}, {out_of} points; "
             f"cases drawn with --seed {seed}", ""]
    width = max(len(one.name) for one in marks)
    for one in marks:
        answers = one.graded.answers
        counts = collections.Counter(state(answers.get(name)) for name in exercises)
        summary = [f"{counts[key]} {word}" for key, word in WORDS.items() if counts[key]]
        summary += [f"{_count(one.late, 'day')} late"] * (one.late > 0)
        lines.append(f"{one.name:{width}}  {tidy(one.total):3} of {out_of}   {', '.join(summary)}   "
                     f"({one.graded.seconds:.1f} s)")
        lines += [f"    ! {trouble}" for trouble in one.graded.trouble]
        lines += [f"    ✎ {name}, by hand: {comment}" for name, comment in one.by_hand.items()]
        lines += [f"    ✗ {name}, {answer['stage'] or state(answer)}: {_short(first_to_fix(answer))}"
                  for name, answer in answers.items() if state(answer) not in ("pass", "not written")]
    return "\n".join([*lines, "", *_by_exercise(marks), *_alike(marks), *_used(marks)]) + "\n"


def _by_exercise(marks):
    lines, exercises = [], list(marks[0].worth)
    width = max(map(len, exercises))
    for name in exercises:
        answers = [one.graded.answers.get(name) for one in marks]
        answers = [answer for answer in answers if state(answer) not in ("absent", "not written")]
        if not answers:
            continue
        right = sum(state(answer) == "pass" for answer in answers)
        wrong = [first_to_fix(one) for one in answers if state(one) != "pass"]
        common = collections.Counter(wrong).most_common(COMMON)
        mistakes = "; ".join(f"{count} × {_short(text)}" if count > 1 else _short(text) for text, count in common)
        line = f"{name:{width}}  {right:3} of {len(answers)} right"
        lines.append(f"{line}   {mistakes}" if mistakes else line)
    return lines


def _alike(marks):
    """Return a line for each group of students with nearly the same answers, and one for the usual answers."""
    together, usual = collections.defaultdict(list), []
    for name in marks[0].worth:
        groups, many = alike({one.name: one.graded.answers.get(name, {}).get("code", []) for one in marks})
        usual += [f"{name} ({many})"] * (many > 0)
        for group in groups:
            together[tuple(group)].append(name)
    lines = [f"    {', '.join(group)}: {', '.join(names)}" for group, names in sorted(together.items())]
    lines += [f"    the usual answer of many, who are not named: {', '.join(usual)}"] * bool(usual)
    heading = "Nearly the same code, except for names, comments and layout; look before you judge:"
    return ["", heading, *lines] if lines else []


def _used(marks):
    """Return a line for each thing that was used, with the students who used it."""
    by = collections.defaultdict(list)
    for one in marks:
        for used in one.graded.used:
            by[used].append(one.name)
    lines = [f"    {used}: {', '.join(names)}" for used, names in sorted(by.items())]
    return ["", "Used, which may be all right; look before you judge:", *lines] if lines else []


def as_csv(marks, seed):
    """Return the table as CSV: a row for each student, and for each exercise two columns, points and mistake."""
    text, exercises = io.StringIO(), list(marks[0].worth)
    writer = csv.writer(text, lineterminator="\n")
    columns = [column for name in exercises for column in (name, f"{name}: to fix")]
    writer.writerow(["submission", "points", "out of", "seed", "seconds", "id", "days late", "by hand", "used",
                     "trouble", *columns])
    for one in marks:
        by_hand = "; ".join(f"{name}: {comment}" if comment else name for name, comment in one.by_hand.items())
        row = [one.name, tidy(one.total), tidy(one.out_of), seed, one.graded.seconds, id_of(one.name), one.late,
               by_hand, "; ".join(one.graded.used), "; ".join(one.graded.trouble)]
        for name in exercises:
            points = one.points[name]
            row += ["" if points is None else tidy(points), first_to_fix(one.graded.answers.get(name))]
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def as_json(marks, seed):
    """Return the table as one JSON object."""
    def shown(one, name):
        answer = one.graded.answers[name]
        about = {"state": state(answer), "points": tidy(one.points[name])}
        found = {key: answer[key] for key in ("stage", "mistake", "diagnosis")}
        return about if state(answer) == "pass" else about | found

    submissions = [{"submission": one.name, "points": tidy(one.total), "seconds": one.graded.seconds,
                    "days_late": one.late, "by_hand": one.by_hand, "trouble": one.graded.trouble,
                    "used": list(one.graded.used), "exercises": {name: shown(one, name) for name in one.graded.answers}}
                   for one in marks]
    table = {"out_of": tidy(marks[0].out_of), "seed": seed, "exercises": marks[0].worth, "submissions": submissions}
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def _harmless(cell):
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip()[:1] in ("=", "+", "-", "@") and cell else cell


def _short(text):
    return text if len(text) <= LONGEST else text[:LONGEST - 3] + "..."


def _count(number, word):
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
