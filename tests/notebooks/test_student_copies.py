"""Students' notebooks are what comes of those with solutions, run as they are, and hold no trace of a solution."""

import contextlib
import copy
import importlib.util
import io
import pathlib

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
spec = importlib.util.spec_from_file_location("student_copies", FOLDER / "student_copies.py")
student_copies = importlib.util.module_from_spec(spec)
spec.loader.exec_module(student_copies)

PATHS = sorted((FOLDER / "solutions").glob("*.ipynb"))
by_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
SOLVED = """\
def square(x):
    # forward: y = x * x
    ### BEGIN SOLUTION
    answer_of_mine = x * x
    return answer_of_mine
    ### END SOLUTION"""


def solved(source=SOLVED):
    printed = new_output("stream", name="stdout", text="answer_of_mine = x * x")
    code = new_code_cell(source, execution_count=1, outputs=[printed])
    why = new_markdown_cell("<!-- ### BEGIN SOLUTION -->\n**Why.** Because.\n<!-- ### END SOLUTION -->")
    return new_notebook(cells=[new_markdown_cell("# Title"), code, why])


@by_path
def test_the_committed_copy_is_what_comes_of_the_solution(path):
    assert student_copies.faults(path, nbformat.read(path, 4)) == []


def test_there_is_a_copy_of_each_and_no_other():
    assert [path.name for path in PATHS] == sorted(path.name for path in (FOLDER / "exercises").glob("*.ipynb"))


@by_path
def test_a_student_can_run_it_from_top_to_bottom(path):
    namespace = {}
    for cell in nbformat.read(FOLDER / "exercises" / path.name, 4).cells:
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, namespace)


def test_a_solution_becomes_a_stub_and_its_reasons_go():
    nb = student_copies.student_copy(solved())
    assert [cell.cell_type for cell in nb.cells] == ["markdown", "code"]
    assert nb.cells[1].source.splitlines() == [
        "def square(x):", "    # forward: y = x * x", "    # YOUR CODE HERE",
        '    raise NotImplementedError("square: write it here, then run the next cell. Stuck? '
        "exercises.hint('square')\")"]
    assert nb.cells[1].outputs == [] and nb.cells[1].execution_count is None
    assert student_copies.traces(solved(), nb) == []


@pytest.mark.parametrize("leak", ["source", "outputs", "metadata", "markdown", "count"])
def test_any_trace_of_a_solution_is_found(leak):
    nb = student_copies.student_copy(solved())
    line = "answer_of_mine = x * x"
    if leak == "source":
        nb.cells[1].source += f"\n# {line}"
    elif leak == "outputs":
        nb.cells[1].outputs = [new_output("stream", name="stdout", text=line)]
    elif leak == "metadata":
        nb.cells[1].metadata["old"] = line
    elif leak == "markdown":
        nb.cells[0].source += "\n**Why.** Because."
    else:
        nb.cells[1].execution_count = 3
    assert student_copies.traces(solved(), nb)


@pytest.mark.parametrize("source",
                         [SOLVED.replace("    ### END SOLUTION", ""), SOLVED.replace("    ### BEGIN SOLUTION\n", ""),
                                    SOLVED.replace("### END", "### BEGIN")])
def test_marks_that_do_not_match_are_an_error(source):
    with pytest.raises(ValueError, match="SOLUTION"):
        student_copies.student_copy(solved(source))


def test_a_statement_that_is_out_of_date_is_found():
    path = next(path for path in PATHS if path.stem == "05_layers")
    nb = nbformat.read(path, 4)
    old = copy.deepcopy(nb)
    for cell in old.cells:
        cell.source = cell.source.replace("minutes",
                                          "hours") if cell.source.startswith("<!-- statement") else cell.source
    assert student_copies.with_statements(old) == nb
    assert any("is not what comes of" in fault for fault in student_copies.faults(path, old))
