"""The table of a grading: as text for people, as CSV for a gradebook, as JSON for scripts."""

import collections
import csv
import io
import json

from ..exercises.collection import EXERCISES

__all__ = ["as_text", "as_csv", "as_json", "state", "what", "out_of", "WORDS"]

COMMON = 3    # of the mistakes in an exercise, how many are listed
WORDS = {"pass": "right", "fail": "to fix", "undecided": "undecided", "out of time": "out of time",
         "not judged": "not judged", "not written": "not written", "absent": "not handed in"}
LONGEST = 120   # characters of one of them, in the table for people


def state(answer):
    """Return one of "pass", "fail", "undecided", "out of time", "not judged", "not written", "absent"."""
    return "absent" if answer is None else answer["state"]


def what(answer):
    """Return what to fix first in one sentence: the mistake's name if it has one."""
    if state(answer) in ("absent", "pass", "not written"):
        return ""
    return answer["mistake"] or next(iter(answer["diagnosis"]), "") or f"wrong: {answer['stage']}"


def out_of(exercises):
    """Return the points there are."""
    return sum(EXERCISES[name].points for name in exercises)


def as_text(graded, exercises, seed):
    """Return the table as text: each submission with what to fix, then each exercise with its commonest mistakes."""
    lines = [f"{_count(len(graded), 'submission')}, {_count(len(exercises), 'exercise')}, {out_of(exercises)} points; "
             f"cases drawn with --seed {seed}", ""]
    width = max(len(one.name) for one in graded)
    for one in graded:
        counts = collections.Counter(state(one.answers.get(name)) for name in exercises)
        told = [f"{counts[key]} {word}" for key, word in WORDS.items() if counts[key]]
        lines.append(f"{one.name:{width}}  {one.points:3} of {out_of(exercises)}   {', '.join(told)}")
        lines += [f"    ! {trouble}" for trouble in one.trouble]
        lines += [f"    ✗ {name}, {answer['stage'] or state(answer)}: {_short(what(answer))}"
                  for name, answer in one.answers.items() if state(answer) not in ("pass", "not written")]
    return "\n".join([*lines, "", *_by_exercise(graded, exercises), *_alike(graded, exercises)]) + "\n"


def _alike(graded, exercises):
    """A line for each exercise and each group of students whose code differs in nothing but names and layout."""
    lines = []
    for name in exercises:
        groups = collections.defaultdict(list)
        for one in graded:
            if one.answers.get(name, {}).get("code"):
                groups[one.answers[name]["code"]].append(one.name)
        lines += [f"    {name}: {', '.join(group)}" for group in groups.values() if len(group) > 1]
    heading = "The same code but for names of variables and layout, which may be chance or the published solution:"
    return ["", heading, *lines] if lines else []


def _by_exercise(graded, exercises):
    lines, width = [], max(map(len, exercises))
    for name in exercises:
        answers = [one.answers[name] for one in graded if state(one.answers.get(name)) not in ("absent", "not written")]
        if not answers:
            continue
        right = sum(state(answer) == "pass" for answer in answers)
        common = collections.Counter(what(one) for one in answers if state(one) != "pass").most_common(COMMON)
        told = "; ".join(f"{count} × {_short(text)}" if count > 1 else _short(text) for text, count in common)
        line = f"{name:{width}}  {right:3} of {len(answers)} right"
        lines.append(f"{line}   {told}" if told else line)
    return lines


def as_csv(graded, exercises, seed):
    """Return the table as CSV: a row for each submission, two columns for each exercise, its points and the mistake."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [column for name in exercises for column in (name, f"{name}: to fix")]
    writer.writerow(["submission", "points", "out of", "seed", "seconds", "trouble", *columns])
    for one in graded:
        row = [one.name, one.points, out_of(exercises), seed, one.seconds, "; ".join(one.trouble)]
        for name in exercises:
            answer = one.answers.get(name)
            row += ["" if answer is None else EXERCISES[name].points * (state(answer) == "pass"), what(answer)]
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def as_json(graded, exercises, seed):
    """Return the table as one JSON object."""
    def told(name, answer):
        about = {"state": state(answer), "points": EXERCISES[name].points * (state(answer) == "pass")}
        found = {key: answer[key] for key in ("stage", "mistake", "diagnosis")}
        return about if state(answer) == "pass" else about | found

    told_all = [{"submission": one.name, "points": one.points, "seconds": one.seconds, "trouble": one.trouble,
                 "exercises": {name: told(name, answer) for name, answer in one.answers.items()}} for one in graded]
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
