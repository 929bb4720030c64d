"""Running a student's file, statement by statement: one that raises does not keep the next from being looked at.

This runs in the submission's own process.
"""

import ast
import json
import linecache
import re
import tokenize

from ..exercises.answers.foreign import description, failure, printable

__all__ = ["run"]

LARGEST = 50 * 2**20          # bytes of a file
HARMLESS = ("time", "timeit", "capture", "prun")   # cell magics whose cell is ordinary code


def run(path):
    """Run a notebook or a Python file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    namespace : dict
        What it has defined.
    trouble : str
        The first thing that went wrong, or "".

    Notes
    -----
    A statement that only calls ``exercises``, such as a check, is passed over: it defines nothing and takes time.
    """
    namespace = {"__name__": "submission", "__file__": str(path), "display": lambda *_, **__: None,
                 "get_ipython": lambda: _NoShell()}
    trouble = []
    try:
        if path.stat().st_size > LARGEST:
            return {}, f"the file is larger than {LARGEST // 2**20} MB"
        cells = _cells(path) if path.suffix == ".ipynb" else [(path.name, _python(path))]
    except (SyntaxError, UnicodeDecodeError):
        return {}, "cannot be read: it is not in UTF-8, nor in an encoding that it declares. Save it as UTF-8"
    except Exception as error:
        return {}, f"cannot be read: {type(error).__name__}: {printable(error)}"
    for name, source in cells:
        try:
            statements = ast.parse(source, name).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            place = f"{name}, line {error.lineno}" if getattr(error, "lineno", None) else name
            trouble.append(f"{place}: {type(error).__name__}: {printable(getattr(error, 'msg', error))}")
            continue
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        for statement in statements:
            if _only_calls_exercises(statement):
                continue
            try:
                exec(compile(ast.Module([statement], []), name, "exec"), namespace)
            except BaseException as error:   # sys.exit() too: the rest of the file may hold answers
                trouble.append(f"{name}, line {statement.lineno}: {failure(*description(error)[:2])}")
    return namespace, trouble[0] if trouble else ""


def _python(path):
    with tokenize.open(path) as file:   # in the encoding that it declares
        return file.read()


def _cells(path):
    notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("it has no cells: no notebook, or of a format older than 4")
    cells = []
    for number, cell in enumerate(notebook["cells"], 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            source = "".join(source) if isinstance(source, list) else str(source)
            cells.append((f"cell {number}", _without_magics(source)))
    return cells


def _without_magics(source):
    """Take out what only IPython understands: %magics, !commands, ?questions; keep the numbers of the lines."""
    lines = source.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        if not first[2:].split(" ")[0].strip() in HARMLESS:
            return ""
        lines[lines.index(first)] = ""
    return "\n".join("" if re.match(r"\s*[%!?]|\s*[\w.]+\?+\s*$", line) else line for line in lines)


def _only_calls_exercises(statement):
    """True for exercises.check(...), mv.exercises.hint(...) and the like, standing alone."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    part = statement.value.func
    while isinstance(part, ast.Attribute):
        part = part.value
        if getattr(part, "attr", getattr(part, "id", "")) == "exercises":
            return True
    return False


class _NoShell:
    """Stands for IPython's shell where there is none."""

    def __getattr__(self, name):
        return lambda *_, **__: None
