"""The registry of equations and the code that implements them point at each other."""

import ast
import pathlib
import re

import pytest

import minivae
from minivae.derivation import EQUATIONS, as_table, equation, equation_of, locate

PACKAGE = pathlib.Path(minivae.__file__).parent
CITED = re.compile(r"[Ee]quations?\s+((?:\d+\.\d+(?:,\s+|\s+and\s+|\s+or\s+|\s+to\s+)?)+)")


def cited_by(source):
    """Yield (qualified name, numbers) for every docstring of a module that cites equations; the module's own is ""."""
    def walk(node, name):
        text = ast.get_docstring(node) or ""
        own = text.split("References")[0]  # a paper's own equations come there
        yield name, {number for match in CITED.findall(own) for number in expand(match)}
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                yield from walk(child, f"{name}.{child.name}" if name else child.name)
    yield from walk(ast.parse(source), "")


def expand(text):
    """Return the numbers in "5.2, 5.3 and 5.4" or "3.3 to 3.6 and 4.2"."""
    text = " ".join(text.split())
    return [f"{chapter}.{i}" for chapter, first, last in re.findall(r"(\d+)\.(\d+)(?: to \1\.(\d+))?", text)
            for i in range(int(first), int(last or first) + 1)]


CITATIONS = {}
for path in PACKAGE.rglob("*.py"):
    for name, numbers in cited_by(path.read_text(encoding="utf-8")):
        for number in numbers:
            CITATIONS.setdefault(number, set()).add(name)


def test_numbers_are_distinct_and_in_order():
    numbers = [tuple(map(int, entry.number.split("."))) for entry in EQUATIONS]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("entry", EQUATIONS, ids=lambda entry: entry.number)
def test_every_function_named_is_there_and_cites_the_number(entry):
    for function in filter(None, (entry.computed_by, entry.differentiated_by)):
        name, file, line = locate(function)
        assert (PACKAGE.parent / file).read_text(encoding="utf-8").splitlines()[line - 1].strip().startswith(
            (f"def {name.split('.')[-1]}(", "@"))
    if entry.computed_by:
        name, _, _ = locate(entry.computed_by)
        assert name in CITATIONS.get(entry.number, ()), f"the docstring of {name} does not cite {entry.number}"


def test_citations_are_read_as_meant():
    source = '"""Equations 3.3 to 3.5,\n4.2 and 10.1."""\ndef f():\n  "Equation 2.9.\\nReferences: equation 9.9"'
    cited = dict(cited_by(source))
    assert cited == {"": {"3.3", "3.4", "3.5", "4.2", "10.1"}, "f": {"2.9"}}


def test_every_number_cited_exists():
    known = {entry.number for entry in EQUATIONS}
    assert set(CITATIONS) <= known, set(CITATIONS) - known


def test_every_symbol_of_a_trace_has_an_equation():
    for likelihood in ("bernoulli", "gaussian"):
        for symbol in minivae.VAE(4, (3, 2), 2, likelihood=likelihood).symbols:
            assert equation_of(symbol) is not None, symbol
    assert equation_of("log_likelihood", ["mean"]).number == "5.20"
    assert equation_of("log_likelihood", ["logits"]).number == "5.16"
    assert equation("4.5").symbol == "z"


def test_the_table_has_every_line():
    table = as_table()
    for entry in EQUATIONS:
        assert entry.plain in table and entry.meaning in table
    assert "reparameterize_backward, minivae/kernels/gaussian.py:" in table


def test_braces_and_dollars_balance():
    for entry in EQUATIONS:
        assert entry.latex.count("{") == entry.latex.count("}") and "$" not in entry.latex
        assert len(re.findall(r"\\left\b", entry.latex)) == len(re.findall(r"\\right\b", entry.latex))
