"""A page for each student: her points, what is right, and the first thing to fix in each of the other answers."""

import pathlib
import re

from ..files import whole_file
from ..exercises.collection import EXERCISES
from .table import WORDS, out_of, state

__all__ = ["write_feedback"]


def write_feedback(folder, graded, exercises):
    """Write a Markdown file for each student.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    graded : list of Graded
    exercises : list of str
    """
    folder, taken = pathlib.Path(folder), set()
    folder.mkdir(parents=True, exist_ok=True)
    for one in graded:
        stem = re.sub(r"[^\w.-]+", "_", one.name)[:100].strip("._") or "student"
        name = next(name for name in (stem, *(f"{stem}-{k}" for k in range(2, 10**6))) if name.casefold() not in taken)
        taken.add(name.casefold())
        with whole_file(folder / f"{name}.md") as file:
            file.write(_page(one, exercises).encode("utf-8", "replace"))


def _page(one, exercises):
    lines = [f"# {one.name}", "", f"{one.points} of {out_of(exercises)} points.", ""]
    lines += [f"- {trouble}" for trouble in one.trouble]
    for name in exercises:
        answer = one.answers.get(name)
        lines += ["", f"## {name}: {WORDS[state(answer)]} "
                      f"({EXERCISES[name].points * (state(answer) == 'pass')} of {EXERCISES[name].points})"]
        if answer is not None:
            lines += ["", *(f"    {line}" for line in answer["text"].splitlines())]
    return "\n".join(lines) + "\n"
