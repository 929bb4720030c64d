"""Running a student's file statement by statement, so that one that raises does not stop those that follow.

This runs in the submission's own process. Magics and shell commands are not run, and code that uses their value raises
an error that says so.
"""

import __future__
import ast
import linecache
import os
import pathlib
import sys
import types

from ..exercises.answers.foreign import description, failure
from .cells import statements_of

__all__ = ["run_cells"]

TIMERS = ("time", "timeit", "prun", "capture")   # line magics whose line is ordinary code, which is run


def run_cells(cells, begins, skipped=(), last=None):
    """Run the cells of a file as the kernel of a notebook would.

    Parameters
    ----------
    cells : list of (str, str)
        Each cell's name and source.
    begins : callable
        ``begins(number, place)`` is called before each statement.
    skipped : collection of int, optional
        The numbers of statements to skip, because they have ended the process before.
    last : int, optional
        The number of the first statement that is not run any more.

    Returns
    -------
    namespace : dict
        What the cells have defined.
    trouble : str
        The first thing that went wrong, or "".

    Notes
    -----
    A statement that only calls ``exercises``, such as a check, is skipped: it takes time and defines nothing.
    """
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    namespace, trouble, flags, number = module.__dict__, [], 0, 0
    shell = _Shell(namespace)
    namespace |= {"display": lambda *_, **__: None, "get_ipython": lambda: shell}
    for name, source in cells:
        source, statements, wrong = statements_of(source, name)
        trouble += wrong
        file = name or "submission.py"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        for statement in statements:
            if last is not None and number >= last:
                return namespace, trouble[0] if trouble else ""
            number += 1
            if number - 1 in skipped or _only_calls_exercises(statement):
                continue
            place = f"{name}, line {statement.lineno}" if name else f"line {statement.lineno}"
            begins(number - 1, place)
            flags |= _future(statement)
            try:
                exec(compile(ast.Module([statement], []), file, "exec", flags, True), namespace)
            except BaseException as error:   # sys.exit() too: the rest of the file may hold answers
                trouble.append(f"{place}: {failure(*description(error)[:2])}")
    return namespace, trouble[0] if trouble else ""


def _future(statement):
    """Return the compiler flags of a ``from __future__ import``, which hold for all the cells that follow."""
    if not isinstance(statement, ast.ImportFrom) or statement.module != "__future__":
        return 0
    flags = 0
    for alias in statement.names:
        flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags


def _only_calls_exercises(statement):
    """Return whether a statement is only a call such as exercises.check(...) or mv.exercises.hint(...)."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    part = statement.value.func
    while isinstance(part, ast.Attribute):
        part = part.value
        if getattr(part, "attr", getattr(part, "id", "")) == "exercises":
            return True
    return False


class _NoValue:
    """Stands in place of the value of a magic or a command: any use of it raises an error that says it was not run."""

    def __init__(self, what):
        object.__setattr__(self, "_what", what)

    def _used(self, *_, **__):
        what = object.__getattribute__(self, "_what")
        raise RuntimeError(f"there is no value of {what}: magics and commands are not run during grading")

    __getattr__ = __getitem__ = __iter__ = __len__ = __call__ = __str__ = __bool__ = __fspath__ = _used
    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = _used
    __float__ = __int__ = __index__ = _used


class _Shell:
    """Stands in place of IPython's shell: it runs no commands, and only those magics whose line is Python."""

    def __init__(self, namespace):
        self.user_ns = namespace

    def run_line_magic(self, name, line, *_, **__):
        """Run the line after %time and other timers; run nothing for any other magic."""
        if name not in TIMERS or line.lstrip().startswith("-"):
            return _NoValue(f"%{name}")
        source, statements, _ = statements_of(line, "")
        for statement in statements:
            exec(compile(ast.Module([statement], []), "submission.py", "exec"), self.user_ns)

    def run_cell_magic(self, name, line, body):
        """Write the file of a %%writefile in the submission's own folder; run nothing for any other magic."""
        target = pathlib.PurePath(line.split()[-1]) if line.split() else None
        if name in ("writefile", "file") and target and not target.is_absolute() and ".." not in target.parts:
            mode = "a" if "-a" in line.split() else "w"
            with open(os.path.join(os.getcwd(), target), mode, encoding="utf-8") as file:
                file.write(body)

    def getoutput(self, command, *_, **__):
        return _NoValue(f"!{command}")

    def __getattr__(self, name):
        return lambda *_, **__: None
