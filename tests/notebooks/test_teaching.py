"""The page for teachers says what is so: its example is an exercise, its minutes are the exercises' own."""

import pathlib
import re
import sys
import textwrap
import types

import nbformat
import pytest

from minivae.exercises.course import judged
from minivae.exercises.answers.foreign import Local
from minivae.exercises.collection import EXERCISES

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
TEXT = (FOLDER / "TEACHING.md").read_text(encoding="utf-8")


def minutes(stem):
    """The minutes of all exercises in a notebook."""
    cells = nbformat.read(FOLDER / "solutions" / f"{stem}.ipynb", 4).cells
    names = [cell.metadata.nbgrader.grade_id for cell in cells if cell.cell_type == "code"
             and "nbgrader" in cell.metadata]
    return sum(EXERCISES[name].minutes for name in names)


def test_the_example_is_a_whole_exercise(monkeypatch):
    source = textwrap.dedent(TEXT[TEXT.index("    from ...kernels import"):TEXT.index("`Backward` judges")])
    module = types.ModuleType("minivae.exercises.sheets.example")
    module.__package__ = "minivae.exercises.sheets"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(source, vars(module))
    exercise, = module.EXERCISES
    monkeypatch.setitem(EXERCISES, exercise.name, exercise)
    assert judged(exercise, Local(lambda dsigma, sigma: dsigma * sigma / 2))
    report = judged(exercise, Local(lambda dsigma, sigma: dsigma * sigma))
    assert report.mistake == "sigma's backward lacks its half" and "equation 3.10" in str(report)


@pytest.mark.parametrize("stem, told", re.findall(r"\| `(\d\w+)` \| (\d+) \|", TEXT))
def test_the_plan_has_the_exercises_minutes(stem, told):
    assert minutes(stem) == int(told)


def test_the_long_notebook_is_planned_in_two_parts():
    told = [int(n) for n in re.findall(r"\| `07_backward_pass`.*?\| (\d+) \|", TEXT)]
    assert sum(told) == minutes("07_backward_pass")


def test_every_notebook_and_file_that_is_named_exists():
    for stem in re.findall(r"`(\d\d_\w+)`", TEXT):
        assert (FOLDER / "exercises" / f"{stem}.ipynb").exists()
    for path in re.findall(r"`((?:minivae|tests)/[\w./]+)`", TEXT):
        assert (FOLDER.parent / path).exists(), path
    assert "not a security sandbox" in TEXT and "Solutions are public" in TEXT
