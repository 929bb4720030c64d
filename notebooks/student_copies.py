"""From the notebooks with solutions to those that students get; ``build.py`` calls this.

``solutions/`` is the one source. What stands there between ### BEGIN SOLUTION and ### END SOLUTION, nbgrader's marks,
is left out of ``exercises/``: in code a stub takes its place, which says what to do next; a text cell that is nothing
but solution goes altogether. A text cell that begins with <!-- statement: NAME --> gets the exercise's words from the
package.
"""

import copy
import json
import pathlib
import re

import nbformat

__all__ = ["with_statements", "student_copy", "copy_of", "faults", "traces"]

FOLDER = pathlib.Path(__file__).resolve().parent

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STATEMENT = re.compile(r"<!-- statement: (\w+) -->")
STUB = ("{indent}# YOUR CODE HERE\n"
        '{indent}raise NotImplementedError("{name}: write it here, then run the next cell.{hint}")')
HINT = " Stuck? exercises.hint('{name}')"   # where the function is an exercise, which has hints
WITHOUT_HINTS = ("loss_and_gradients", "train")  # the capstone's own: what joins the exercises
SHORT = 12   # characters up to which a line of a solution gives nothing away


def with_statements(nb):
    """Return a notebook whose statement cells hold what the package says today."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        found = STATEMENT.match(cell.source)
        if found:
            from minivae import exercises  # only where there is an exercise

            cell.source = f"{found.group()}\n{exercises.statement(found.group(1))}"
    return nb


def student_copy(nb):
    """Return the notebook without its solutions and without anything that running it has left."""
    nb = copy.deepcopy(nb)
    cells = []
    for cell in nb.cells:
        source = _without_solution(cell.source, cell.cell_type)
        if not source.strip():
            continue
        cell.source = source
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
    nb.cells = cells
    return nb


def _without_solution(source, kind):
    lines, inside, function = [], False, ""
    for line in source.splitlines():
        if BEGIN in line or END in line:
            if inside == (BEGIN in line):
                raise ValueError(f"{line.strip()!r} stands where the other mark should in the cell:\n{source}")
            inside = BEGIN in line
            if inside and kind == "code":
                hint = "" if function in WITHOUT_HINTS else HINT.format(name=function)
                lines.append(STUB.format(indent=line[:len(line) - len(line.lstrip())], name=function, hint=hint))
        elif not inside:
            found = re.match(r"def (\w+)\(", line)
            function = found.group(1) if found else function
            lines.append(line)
    if inside:
        raise ValueError(f"{END!r} is missing in the cell:\n{source}")
    return "\n".join(lines)


def traces(solutions, student):
    """Return sentences about whatever of a solution can be found in a student's notebook, anywhere in its file.

    Parameters
    ----------
    solutions, student : NotebookNode
    """
    text = json.dumps(student, ensure_ascii=False)
    public, secret = [], []
    for cell in solutions.cells:
        inside = False
        for line in cell.source.splitlines():
            if BEGIN in line or END in line:
                inside = BEGIN in line
            else:
                (secret if inside else public).append(" ".join(line.split()))
    found = [line for line in secret if len(line) > SHORT and not any(line in other for other in public)
             and json.dumps(line, ensure_ascii=False)[1:-1] in " ".join(text.split())]
    faults = [f"a line of a solution: {line!r}" for line in dict.fromkeys(found)]
    faults += [f"the mark {mark!r}" for mark in (BEGIN, END) if mark in text]
    ran = [cell for cell in student.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)]
    return faults + [f"{len(ran)} cells with outputs or execution counts"] * bool(ran)


def copy_of(path):
    """Return where the student's copy of a notebook with solutions lies, or None for any other notebook."""
    return FOLDER / "exercises" / path.name if path.parent == FOLDER / "solutions" else None


def faults(path, nb):
    """Return sentences about what is wrong with the student's copy of a notebook with solutions."""
    place = copy_of(path)
    if place is None:
        return []
    if not place.exists():
        return [f"exercises/{place.name} is missing: run notebooks/build.py"]
    committed = nbformat.read(place, as_version=4)
    stale = nb != with_statements(nb) or committed != student_copy(nb)
    return [f"exercises/{place.name} holds {trace}" for trace in traces(nb, committed)] + [
        f"exercises/{place.name} is not what comes of solutions/{path.name}: run notebooks/build.py"] * stale
