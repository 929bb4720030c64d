"""The page for teachers says what is so: its example is an exercise, its minutes are the exercises' own."""

import importlib.util
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
    """The minutes of all exercises in a notebook; the capstone takes answers again, and says its own."""
    cells = nbformat.read(FOLDER / "solutions" / f"{stem}.ipynb", 4).cells
    names = [cell.metadata.nbgrader.grade_id for cell in cells if cell.cell_type == "code"
             and "nbgrader" in cell.metadata]
    own = re.search(r"About (\d+) minutes", cells[0].source) if stem == "08_your_own_vae" else None
    return int(own[1]) if own else sum(EXERCISES[name].minutes for name in names)


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


@pytest.mark.parametrize("sheets, told", re.findall(r"\| (`\d\w+`(?:, `\d\w+`)*) \| (\d+) \|", TEXT))
def test_the_plan_has_the_exercises_minutes(sheets, told):
    assert sum(map(minutes, re.findall(r"`(\w+)`", sheets))) == int(told)


def test_every_exercise_is_planned_and_the_readme_counts_them():
    assert {path.stem for path in (FOLDER / "exercises").glob("*.ipynb")} <= set(re.findall(r"`(\d\d_\w+)`", TEXT))
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert f"holds {len(EXERCISES)} exercises, from five minutes" in readme


@pytest.mark.parametrize("path", sorted((FOLDER / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_sheet_s_minutes_are_those_of_its_exercises(path):
    told = re.search(r"About (\d+) minutes", nbformat.read(path, 4).cells[0].source)
    assert told is None or path.stem.startswith("08_your_own") or int(told[1]) == minutes(path.stem)


def test_the_long_notebook_is_planned_in_two_parts():
    told = [int(n) for n in re.findall(r"\| `07_backward_pass`.*?\| (\d+) \|", TEXT)]
    assert sum(told) == minutes("07_backward_pass")


def test_the_rule_for_minutes_is_the_one_that_counts():
    spec = importlib.util.spec_from_file_location("minutes", FOLDER / "minutes.py")
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    for told in (f"{rule.WORDS} words of text a minute", f"{rule.LINES} lines of code",
                 f"{rule.PRINTED} lines of output", f"{rule.TRY} minutes for an exercise in the text",
                 "Nobody was timed"):
        assert told in " ".join(TEXT.split())
    assert rule.FORMULA == rule.FIGURE == rule.QUESTION == 1


def test_every_notebook_and_file_that_is_named_exists():
    for stem in re.findall(r"`(\d\d_\w+)`", TEXT):
        assert (FOLDER / "exercises" / f"{stem}.ipynb").exists()
    for path in re.findall(r"`((?:minivae|tests)/[\w./]+)`", TEXT):
        assert (FOLDER.parent / path).exists(), path
    assert "not a security sandbox" in TEXT and "Solutions are public" in TEXT
