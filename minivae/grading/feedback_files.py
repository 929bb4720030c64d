"""A page for each student: the points, what is right, and the first thing to fix in each other answer."""

import pathlib
import re

from ..files import whole_file
from .table import WORDS, state, tidy

__all__ = ["write_feedback"]


def write_feedback(folder, marks):
    """Write a Markdown file for each student.

    Parameters
    ----------
    folder : path-like
        It is made if it does not exist.
    marks : list of Mark
    """
    folder, taken = pathlib.Path(folder), set()
    folder.mkdir(parents=True, exist_ok=True)
    for one in marks:
        stem = re.sub(r"[^\w.-]+", "_", one.name)[:100].strip("._") or "student"
        name = next(name for name in (stem, *(f"{stem}-{k}" for k in range(2, 10**6))) if name.casefold() not in taken)
        taken.add(name.casefold())
        with whole_file(folder / f"{name}.md") as file:
            file.write(_page(one).encode("utf-8", "replace"))


def _page(one):
    lines = [f"# {one.name}", "", f"{tidy(one.total)} of {tidy(one.out_of)} points.", ""]
    lines += [f"- {one.late} {'day' if one.late == 1 else 'days'} late"] * (one.late > 0)
    lines += [f"- {trouble}" for trouble in one.graded.trouble]
    lines += [f"- {what}: {comment or 'decided by hand'}" for what, comment in one.by_hand.items()
              if what not in one.worth]
    for name, worth in one.worth.items():
        answer = one.graded.answers.get(name)
        lines += ["", f"## {name}: {WORDS[state(answer)]} ({tidy(one.points[name] or 0)} of {tidy(worth)})"]
        if name in one.by_hand:
            lines += ["", f"By hand: {one.by_hand[name] or 'the points were decided by your teacher.'}"]
        if answer is not None:
            lines += ["", *(f"    {line}" for line in answer["text"].splitlines())]
    return "\n".join(lines) + "\n"
