"""The package's own source code, read from its files: the lines that notebooks show beside the equations."""

import ast
import functools
import re
import textwrap

from .equations import EQUATIONS
from .registry import find_function, lines_of, locate

__all__ = ["show_source", "source_lines", "assigning", "body_of", "Source"]

KERNELS, PLAIN = "kernels:", "kernels.plain:"  # prefixes of the names of kernels and of their plain forms


def show_source(function, since=None, until=None, *, tuned=False, docstring=False):
    """Show the source of a function of the package, with the equations that it implements.

    A kernel is shown in its plain form, one line of NumPy; the tuned form, which really runs, is folded below.

    Parameters
    ----------
    function : str
        As in the registry of equations: "kernels:dense_backward", "model.vae:VAE.forward".
    since, until : str, optional
        Show only the lines from the first that contains ``since`` to the next that contains ``until``; ``since``
        alone shows one line. For a kernel they are lines of the tuned form.
    tuned : bool, optional
        Show the tuned form of a kernel, without the line that checks shapes.
    docstring : bool, optional
        Show the whole function, with its docstring and its checks.

    Returns
    -------
    source : Source
        Make it the last line of a cell, or print it.

    Raises
    ------
    ValueError
        If there is no such function, or no line contains ``since`` or ``until``.

    Examples
    --------
    ``mv.show_source("kernels:tanh_backward")`` shows ``return dy * (1 - y**2)``, and
    ``mv.show_source("kernels:tanh_backward", tuned=True)`` shows how this is computed in place.
    """
    find_function(function)
    if function.startswith(KERNELS) and since is None and not (tuned or docstring):
        function = plain_form(function)
    lines = source_lines(function, docstring=docstring)
    if since is not None:
        start = _first(lines, since, min(lines), function)
        stop = start if until is None else _first(lines, until, start, function)
        lines = {number: text for number, text in lines.items() if start <= number <= stop}
    return Source(function, lines)


class Source:
    """Lines of a function of the package, read from its file, and the equations that they implement.

    Parameters
    ----------
    function : str
        As in the registry of equations.
    lines : dict of int to str
        Some of its lines, by their number in the file.

    Attributes
    ----------
    name, file : str
        The name of the function, and its file.
    function : str
        As given.
    numbers : list of int
        Of the lines, in the file.
    line : int
        The number of the first line.
    code : str
    equations : list of Equation
        The equations that the function computes, or else those that it differentiates. For the VAE's own chain, those
        whose symbols these lines assign.
    """

    def __init__(self, function, lines):
        self.function, self.numbers = function, sorted(lines)
        self.name, self.file, _ = locate(function)
        self.line = min(lines)
        definition = lines_of(find_function(function))[0][0]
        margin = len(definition) - len(definition.lstrip())  # lines keep their indentation within the function
        self.code = "\n".join(line[margin:] for line in lines.values()).strip("\n")
        registered = function.replace(PLAIN, KERNELS)
        own = [entry for entry in EQUATIONS if registered == entry.computed_by]
        own = own or [entry for entry in EQUATIONS if registered == entry.differentiated_by]
        assigned = " ".join(line.partition(" = ")[0] for line in self.code.splitlines() if " = " in line)
        here = [entry for entry in own if any(re.search(rf"(?<!\w){re.escape(symbol.removeprefix('d.'))}\b", assigned)
                                              for symbol in (entry.symbol or "").split())]
        self.equations = here if here and self.name.startswith("VAE.") else own

    @property
    def tuned(self):
        """The source of the kernel that really runs, if these lines are its plain form; else None."""
        if not self.function.startswith(PLAIN):
            return None
        kernel = self.function.replace(PLAIN, KERNELS)
        definition, *body = source_lines(kernel).items()
        return Source(kernel, dict(body))

    def __repr__(self):
        place = f"{self.file}:{self.line}  {self.name}"
        return f"{place}{f'  (tuned: {self.tuned.file}:{self.tuned.line})' if self.tuned else ''}\n{self.code}"

    def _repr_markdown_(self):
        numbers = ", ".join(entry.number for entry in self.equations)
        cited = f" · equation{'s' * (len(self.equations) > 1)} {numbers}" if numbers else ""
        shown = f"`{self.file}:{self.line}` · `{self.name}`{cited}\n\n```python\n{self.code}\n```"
        if self.tuned is None:
            return shown
        place = f"<code>{self.tuned.file}:{self.tuned.line}</code>"
        return (f"{shown}\n\n<details><summary>as it runs, {place}</summary>\n\n"
                f"```python\n{self.tuned.code}\n```\n\n</details>")


def plain_form(kernel):
    """Return the name of a kernel's plain form: "kernels.plain:tanh" for "kernels:tanh"."""
    return kernel.replace(KERNELS, PLAIN, 1)


def source_lines(function, *, docstring=False):
    """Return a function's lines by their number in its file, by default without docstring and shape checks."""
    found = find_function(function)
    texts, start = lines_of(found)
    lines = {start + i: text.rstrip("\n") for i, text in enumerate(texts)}
    if not docstring:
        (definition,) = ast.parse(textwrap.dedent("".join(texts))).body
        for node in definition.body:
            if isinstance(node, ast.Expr) and _is_framework(node.value):
                for i in range(node.lineno, node.end_lineno + 1):
                    del lines[start + i - 1]
    return lines


def _is_framework(value):
    """Return whether an expression statement is a docstring or the check of a kernel's shapes."""
    return isinstance(value, ast.Constant) or isinstance(value, ast.Call) and ast.unparse(value.func) == "check_shapes"


def _first(lines, text, start, function):
    for number, line in lines.items():
        if number >= start and text in line:
            return number
    raise ValueError(f"no line of {function} contains {text!r}" + (" from there on." if start > min(lines) else "."))


def assigning(function, *targets, between=()):
    """Return the assignments to the targets in a function, and to those names between symbols that they use.

    Parameters
    ----------
    function : str
        As in the registry of equations.
    *targets : str
        As written in the code, such as "d.mu" or "d[y]".
    between : sequence of str, optional
        Names of arrays between two symbols, such as ``model.vae.BETWEEN``.

    Returns
    -------
    source : Source
    """
    statements = _statements(find_function(function))
    wanted = set(targets)
    for assigned, used, _ in reversed(statements):
        if assigned & wanted:
            wanted |= used & set(between)
    return _source(function, [numbers for assigned, _, numbers in statements if assigned & wanted])


def assigns(function, target):
    """Return whether a function assigns a target, such as "d.mu"."""
    return any(target in assigned for assigned, _, _ in _statements(find_function(function)))


def body_of(kernel, target=None):
    """Return the lines of a kernel's plain form, or only the one that assigns the target, if it assigns it."""
    kernel = plain_form(kernel)
    found = [numbers for assigned, _, numbers in _statements(find_function(kernel)) if target in assigned]
    if found:
        return _source(kernel, found)
    definition, *body = source_lines(kernel).items()
    return Source(kernel, dict(body))


@functools.cache
def _statements(function):
    """Return for each assignment in a function what it assigns, the names it uses, and its line numbers in the file."""
    lines, first = lines_of(function)
    found = []
    for node in ast.walk(ast.parse(textwrap.dedent("".join(lines)))):
        if isinstance(node, ast.Assign):
            assigned = {ast.unparse(name) for target in node.targets
                        for name in (target.elts if isinstance(target, ast.Tuple) else [target])}
            used = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
            found.append((assigned, used, range(first + node.lineno - 1, first + node.end_lineno)))
    return sorted(found, key=lambda statement: statement[2].start)


def _source(function, statements):
    lines = source_lines(function, docstring=True)
    return Source(function, {number: lines[number] for numbers in statements for number in numbers})
