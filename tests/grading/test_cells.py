"""From bytes to statements: encodings, notebooks, magics, and one syntax error among good statements."""

import ast
import json
import sys

import pytest
from grading.class_of_students import RIGHT, notebook

from minivae.grading.cells import Unreadable, cells_of, statements_of
from minivae.grading.submission import run_cells


def ran(*cells):
    """Run cells here; return the namespace and the first trouble."""
    main = sys.modules["__main__"]
    try:
        return run_cells([("cell 1", cell) for cell in cells], lambda *_: None)
    finally:
        sys.modules["__main__"] = main


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("is_notebook", [False, True])
def test_a_file_may_be_in_any_usual_encoding(encoding, is_notebook):
    text = "word = 'Grüße'\n"
    data = notebook(text).replace("\\u00fc", "ü").replace("\\u00df", "ß") if is_notebook else text
    assert cells_of(data.encode(encoding), is_notebook)[0][1] == text


@pytest.mark.parametrize("data, words", [
    (b"", "empty"), (b" \n", "empty"), (b"{}", "no cells"), (b"[1]", "no cells"), (b'{"cells": [', "complete notebook"),
    (b'{"cells": [3]}', "no cells"), (b"[" * 10**5, "complete notebook"), (b"<html>", "complete notebook"),
])
def test_a_notebook_that_is_none_is_told(data, words):
    with pytest.raises(Unreadable, match=words):
        cells_of(data, True)


def test_outputs_are_left_behind():
    whole = json.loads(notebook(RIGHT))
    whole["cells"][0]["outputs"] = [{"text": "x" * 10**6}]
    assert cells_of(json.dumps(whole).encode(), True) == [("cell 1", RIGHT)]


@pytest.mark.parametrize("source, kept", [
    ("a = 1\ndef f(x)\n    return x\nb = 2\n", "ab"),
    ("a = 1\n)\nb = 2\n", "ab"),
    ("a = '''\ntext ( \n'''\nx = = 3\nb = 2\n", "ab"),
    ("import os\na = 1\nif a:\n    x = (\nelse:\n    y = 1\nb = 2\n", "ab"),
    ("@staticmethod\ndef a():\n    pass\nx = = 3\n@property\ndef b(self):\n    pass\n", "ab"),
    ("a = 1\n\tx = 2\nb = 2\n", "b"),
])
def test_a_syntax_error_loses_its_own_statement_alone(source, kept):
    source, statements, wrong = statements_of(source, "cell 3")
    defined = {name for one in statements for name in [getattr(one, "name", None)] if name}
    defined |= {target.id for one in statements if isinstance(one, ast.Assign) for target in one.targets}
    assert set(kept) <= defined and len(wrong) >= 1 and wrong[0].startswith("cell 3, line ")


def test_lines_keep_their_numbers():
    _, statements, wrong = statements_of("a = 1\n\nx = = 3\nb = 2\n", "cell 1")
    assert [one.lineno for one in statements] == [1, 4] and wrong[0].startswith("cell 1, line 3: SyntaxError")


@pytest.mark.parametrize("cell", [
    "!pip install nothing\na = 3", "%matplotlib inline\na = 3", "%%time\na = 3", "%time a = 3",
    "if True:\n    !pip x\na = 3",
    "a = 3\na?", "    a = 3", "n = 3\nb = ('%d'\n % n)\na = int(b)", "%%timeit\n%time b = 1\na = 3",
    "x = !ls\na = 3", "x = %pwd\na = 3", "if __name__ == '__main__':\n    a = 3", "%load_ext autoreload\na = 3",
])
def test_what_runs_is_what_jupyter_runs(cell):
    pytest.importorskip("IPython")
    namespace, trouble = ran(cell)
    assert namespace["a"] == 3 and not trouble


@pytest.mark.parametrize("cell", ["x = !ls\nlen(x)", "x = %pwd\nopen(x)", "x = %pwd\nx + '/a'",
                                  "x = !ls\nf = [name.upper() for name in x]"])
def test_what_needs_a_magic_s_value_is_told_so(cell):
    pytest.importorskip("IPython")
    assert "are not run during grading" in ran(cell)[1]


def test_a_future_import_holds_for_the_cells_that_follow():
    namespace, trouble = ran("from __future__ import annotations", "def f(x: nothing) -> neither:\n    return x")
    assert not trouble and namespace["f"].__annotations__ == {"x": "nothing", "return": "neither"}


def test_a_file_is_written_in_its_own_folder_alone(tmp_path, monkeypatch):
    pytest.importorskip("IPython")
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    ran("%%writefile helper.py\nx = 1\n", "%%writefile ../outside.py\nx = 1\n")
    assert [path.name for path in tmp_path.rglob("*.py")] == ["helper.py"]
