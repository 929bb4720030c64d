"""The registry: find an equation by its number or its symbol, and the code that implements it.

The list of equations is in equations/; ``python -m minivae derivation`` prints it.
"""

import difflib
import functools
import importlib
import inspect
import pathlib
import pkgutil
import re

from .equations import EQUATIONS

__all__ = ["equation", "equation_of", "find_function", "locate", "as_table"]

HEADING = """\
The derivation. 2.3 is the third equation of notebook 2; those of notebook 6 are about checking gradients. p is the
decoder's, q the encoder's. dy is the gradient of the loss with respect to y, dll that with respect to log p(x|z). ⊙
multiplies number by number; β weights the KL; B is the number of examples in a batch.
"""
PACKAGE = __package__.partition(".")[0]  # where names such as "kernels:dense" are looked up
_BY_NUMBER = {entry.number: entry for entry in EQUATIONS}


def equation(number):
    """Return the equation that has a number.

    Parameters
    ----------
    number : str
        Notebook and place in it, such as "2.3".

    Raises
    ------
    KeyError
        If there is none; the message says which numbers the notebook has.
    """
    if isinstance(number, str) and number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if not isinstance(number, str):
        raise KeyError(f'number must be a string, such as "2.10"; got {number!r}.')
    chapters = {}
    for known in _BY_NUMBER:
        chapters.setdefault(known.partition(".")[0], []).append(known)
    here = chapters.get(number.strip(" ()").partition(".")[0])
    there = f"notebooks {', '.join(chapters)} have some"
    if here:
        there = f"notebook {here[0].partition('.')[0]} has {here[0]} to {here[-1]}"
    raise KeyError(f"no equation {number!r}: {there}. python -m minivae derivation lists them all.")


def equation_of(symbol, trace=()):
    """Return the equation that defines a symbol such as "z", "encoder.0.h" or "d.encoder.0.W", or None.

    Some symbols have several equations; ``trace``, with the symbols beside it, decides which one is meant.
    """
    name = re.sub(r"(encoder|decoder)\.\d+\.(?=[hWb]$)", "", symbol)
    found = [entry for entry in EQUATIONS
             if name in (entry.symbol or "").split() and (entry.beside is None or entry.beside in trace)]
    return found[-1] if found else None


def find_function(function):
    """Return the function that has a name such as those in ``Equation.computed_by``.

    Raises
    ------
    ValueError
        If there is none; the message suggests similar names.
    """
    module, _, name = function.partition(":") if isinstance(function, str) else ("", "", "")
    expected = f'function must be "module:name" within {PACKAGE}, such as "kernels:dense"; got {function!r}'
    try:
        home = importlib.import_module(f"{PACKAGE}.{module}" if module else PACKAGE)
        found = inspect.unwrap(pkgutil.resolve_name(f"{home.__name__}:{name}")) if module and name else None
    except ModuleNotFoundError:
        raise ValueError(f"{expected}, and there is no module {PACKAGE}.{module}.") from None
    except (AttributeError, ValueError):
        found = None
    if not (inspect.isfunction(found) or inspect.isclass(found)):
        near = difflib.get_close_matches(name, [other for other in vars(home) if not other.startswith("_")], 3, 0.5)
        perhaps = f" Did you mean {' or '.join(f'{module}:{other}' for other in near)}?" if near else ""
        raise ValueError(f"{expected}.{perhaps}")
    return found


def locate(function):
    """Return where the function is defined that has such a name.

    Parameters
    ----------
    function : str
        As in ``Equation.computed_by``.

    Returns
    -------
    name, file, line : str, str, int
        Such as ``("reparameterize", "minivae/kernels/gaussian.py", 93)``.
    """
    found = find_function(function)
    return found.__qualname__, in_package(inspect.getsourcefile(found)), lines_of(found)[1]


@functools.cache
def lines_of(function):
    """Return a function's lines, read once from its file, and the number of the first."""
    return inspect.getsourcelines(function)


def in_package(file):
    """Return a file's path as it is cited: from the package's folder on, or only its name if it is elsewhere."""
    file, root = pathlib.Path(file), pathlib.Path(__file__).parents[2]
    return file.relative_to(root).as_posix() if file.is_relative_to(root / PACKAGE) else file.name


def as_table():
    """Return all equations as text: number, formula, meaning, and the functions with file and line."""
    lines = [HEADING]
    for entry in EQUATIONS:
        lines.append(f"{entry.number:>5}  {entry.plain}")
        lines.append(f"       {entry.meaning}")
        for verb, function in (("computed", entry.computed_by), ("differentiated", entry.differentiated_by)):
            if function:
                name, file, line = locate(function)
                lines.append(f"       {verb} by {name}, {file}:{line}")
    return "\n".join(lines)
