"""The package's own source, read live from its files: what notebooks and the stepper show beside the equations."""

import ast
import inspect
import re
import textwrap

from .equations import EQUATIONS
from .registry import find, locate

__all__ = ["show_source", "source_lines", "assigning", "body_of", "Source"]


def show_source(function, since=None, until=None, *, docstring=False):
    """Show a function of the package as it stands in its file, with the equations that it implements.

    Parameters
    ----------
    function : str
        As in the registry of equations: "kernels:dense_backward", "model.vae:VAE.forward".
    since, until : str, optional
        Show only the lines from the first that contains ``since`` to the next that contains ``until``; ``since``
        alone shows one line.
    docstring : bool, optional
        Whether to show the docstring too.

    Returns
    -------
    source : Source
        Shows itself; let it be a cell's last line.

    Raises
    ------
    ValueError
        If no line contains ``since`` or ``until``.

    Examples
    --------
    ``mv.show_source("kernels:reparameterize_backward", "dmu =", "dsigma =")`` shows the two lines that matter.
    """
    lines = source_lines(function, docstring=docstring)
    if since is not None:
        start = _first(lines, since, min(lines), function)
        stop = start if until is None else _first(lines, until, start, function)
        lines = {number: text for number, text in lines.items() if start <= number <= stop}
    return Source(function, lines)


class Source:
    """Lines of a function of the package, read from its file.

    Parameters
    ----------
    function : str
        As in the registry of equations.
    lines : dict of int to str
        Some of its lines, by their number in the file.

    Attributes
    ----------
    name, file : str
        Of the function, and the file that it stands in.
    function : str
        As given.
    numbers : list of int
        Of the lines, in the file.
    line : int
        Where the lines begin.
    code : str
    equations : list of Equation
        Those that the registry says the function computes, or else differentiates; of the VAE's own chain, those whose
        symbols these lines assign.
    """

    def __init__(self, function, lines):
        self.function, self.numbers = function, sorted(lines)
        self.name, self.file, _ = locate(function)
        self.line, self.code = min(lines), textwrap.dedent("\n".join(lines.values())).strip("\n")
        own = [entry for entry in EQUATIONS if function == entry.computed_by]
        own = own or [entry for entry in EQUATIONS if function == entry.differentiated_by]
        assigned = " ".join(line.partition(" = ")[0] for line in self.code.splitlines() if " = " in line)
        here = [entry for entry in own if any(re.search(rf"(?<!\w){re.escape(symbol.removeprefix('d.'))}\b", assigned)
                                              for symbol in (entry.symbol or "").split())]
        self.equations = here if here and self.name.startswith("VAE.") else own

    def __repr__(self):
        return f"{self.file}:{self.line}  {self.name}\n{self.code}"

    def _repr_markdown_(self):
        numbers = ", ".join(entry.number for entry in self.equations)
        cited = f" · equation{'s' * (len(self.equations) > 1)} {numbers}" if numbers else ""
        return f"`{self.file}:{self.line}` · `{self.name}`{cited}\n\n```python\n{self.code}\n```"


def source_lines(function, *, docstring=False):
    """Return a registered function's lines by their number in its file; without the docstring unless asked for."""
    found = find(function)
    texts, start = inspect.getsourcelines(found)
    lines = {start + i: text.rstrip("\n") for i, text in enumerate(texts)}
    if found.__doc__ and not docstring:
        (definition,) = ast.parse(textwrap.dedent("".join(texts))).body
        about = definition.body[0]
        for i in range(about.lineno, about.end_lineno + 1):
            del lines[start + i - 1]
    return lines


def _first(lines, text, start, function):
    for number, line in lines.items():
        if number >= start and text in line:
            return number
    raise ValueError(f"no line of {function} contains {text!r}" + (" from there on." if start > min(lines) else "."))


def assigning(function, *targets, between=()):
    """Return the assignments to the targets in a function, and those to the names between symbols that they use.

    Parameters
    ----------
    function : str
        As in the registry of equations.
    *targets : str
        As the code writes them, such as "d.mu" or "d[y]".
    between : sequence of str, optional
        Names that stand between two symbols, such as ``model.vae.BETWEEN``.

    Returns
    -------
    source : Source
    """
    statements = _statements(function)
    wanted = set(targets)
    for assigned, used, _ in reversed(statements):
        if assigned & wanted:
            wanted |= used & set(between)
    return _source(function, [numbers for assigned, _, numbers in statements if assigned & wanted])


def body_of(kernel, target=None):
    """Return what a kernel does once shapes are checked; or, given a target, the one statement that assigns it."""
    if target:
        return _source(kernel, [numbers for assigned, _, numbers in _statements(kernel) if target in assigned])
    lines = source_lines(kernel)
    checked = next(number for number, line in lines.items() if "check_shapes(" in line)
    while not lines[checked].endswith(")"):  # the call may take several lines
        checked += 1
    return Source(kernel, {number: line for number, line in lines.items() if number > checked})


def _statements(function):
    """For each assignment of a function: what it assigns, the names it uses, the numbers of its lines in the file."""
    lines = source_lines(function, docstring=True)
    first = min(lines)
    found = []
    for node in ast.walk(ast.parse(textwrap.dedent("\n".join(lines.values())))):
        if isinstance(node, ast.Assign):
            targets = [t for target in node.targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])]
            used = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
            numbers = range(first + node.lineno - 1, first + node.end_lineno)
            found.append(({ast.unparse(target) for target in targets}, used, numbers))
    return sorted(found, key=lambda statement: statement[2].start)


def _source(function, statements):
    lines = source_lines(function, docstring=True)
    return Source(function, {number: lines[number] for numbers in statements for number in numbers})
