"""The course as it is committed, without running it: its shape, citations, shown source and place in the README."""

import importlib.util
import pathlib
import re

import nbformat
import pytest

import minivae
from minivae.derivation import EQUATIONS
from minivae.exercises.collection import EXERCISES

ROOT = pathlib.Path(minivae.__file__).parents[1]
spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)

NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARTS = ["**After this notebook you can**", "**You need**", "**Time**", "## Summary", "## Check yourself",
         "## References"]
LONGEST_CELL, LONGEST_LINE = 20, 100  # a page shows no more
each = pytest.mark.parametrize("name", NOTEBOOKS)


def prose(nb):
    return "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def shown(nb, kind):
    """All outputs of a kind, such as "text/latex"."""
    return [output.data[kind] for cell in nb.cells for output in cell.get("outputs", [])
            if kind in output.get("data", {})]


def cited(text):
    """Numbers of equations that prose cites, each in its own parentheses or in a row, as in (2.3) or (2.3, 2.4)."""
    return {number for row in re.findall(r"\(((?:[1-9]|1[01])\.\d+(?:(?:, | and )(?:[1-9]|1[01])\.\d+)*)\)", text)
            for number in re.findall(r"\d+\.\d+", row)}


@each
def test_nothing_in_it_needs_mending(name):
    assert build.blemishes(NOTEBOOKS[name]) == []


@each
def test_it_has_every_part_in_order(name):
    text = prose(NOTEBOOKS[name])
    number = int(name.split("_")[0])
    assert text.startswith(f"# {number}. ")
    places = [text.find(part) for part in PARTS]
    assert -1 not in places and places == sorted(places), dict(zip(PARTS, places))
    assert re.findall(r"^## (\d+\.\d+)", text, re.MULTILINE) == [
        f"{number}.{i}" for i in range(1, 1 + len(re.findall(r"^## \d", text, re.MULTILINE)))]
    answers = text[text.index("## Check yourself"):].count("<details>")
    assert answers >= 4 and text.count("<details>") == text.count("</details>")
    assert shown(NOTEBOOKS[name], "image/png"), "no figure"


@each
def test_code_cells_are_short(name):
    cells = [cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]
    assert "import minivae as mv" in cells[0]
    assert not [cell for cell in cells if len(cell.splitlines()) > LONGEST_CELL or cell.lstrip().startswith(("%", "!"))]
    assert not [line for cell in cells for line in cell.splitlines() if len(line) > LONGEST_LINE]


@each
def test_every_equation_cited_exists_and_every_one_of_its_chapter_is_shown(name):
    nb, chapter = NOTEBOOKS[name], f"{int(name.split('_')[0])}."
    known = {entry.number for entry in EQUATIONS}
    tags = set(re.findall(r"\\tag\{([\d.]+)\}", "\n".join(shown(nb, "text/latex") + shown(nb, "text/markdown"))))
    in_prose = cited(prose(nb))
    assert in_prose | tags <= known, (in_prose | tags) - known
    own = {number for number in known if number.startswith(chapter)}
    assert own <= tags, f"registered for this notebook, and shown by no cell of it: {sorted(own - tags)}"


@each
def test_every_source_shown_is_the_real_one(name):
    for text in shown(NOTEBOOKS[name], "text/markdown"):
        for file, code in re.findall(r"`(minivae/[\w/]+\.py):\d+` · [^\n]*\n\n```python\n(.*?)\n```", text, re.DOTALL):
            real = {line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()}
            assert {line.strip()
                    for line in code.splitlines()} <= real, f"{file} no longer says so: run notebooks/build.py"


@each
def test_no_package_code_is_pasted(name):
    package = {line.strip() for path in (ROOT / "minivae").rglob("*.py")
               for line in path.read_text(encoding="utf-8").splitlines()
               if re.match(r"\s+\w.* = .{20,}", line)}
    for cell in NOTEBOOKS[name].cells:
        lines = [line.strip() in package for line in cell.source.splitlines()]
        assert not any(all(lines[i:i + 3]) for i in range(len(lines) - 2)), cell.source


@each
def test_the_readme_lists_it(name):
    title = prose(NOTEBOOKS[name]).splitlines()[0].removeprefix("# ")
    number, title = title.split(". ", 1)
    row, time = rf"\| {number} \| \[{re.escape(title)}\]", build.minutes.minutes(NOTEBOOKS[name])
    assert re.search(rf"{row}\(notebooks/{name}\.ipynb\) \| .+ \| {time} \|", README), time


@each
def test_it_states_its_minutes_by_the_rule(name):
    assert build.minutes.stated(NOTEBOOKS[name], int(name[:2])) in NOTEBOOKS[name].cells[0].source


def test_the_minutes_follow_from_what_a_notebook_holds():
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    nb = nbformat.v4.new_notebook(cells=[text("## 9.1 Words\n" + "word " * 1198)])
    assert build.minutes.minutes(nb) == 10
    nb.cells += [text("## 9.2 More (second reading)\n$$a = b$$" * 5), code("x = 1\n" * 100), text("## 9.3 Rest"),
                 text("word\n\n" + build.minutes.MARK + "\n\n" + "word " * 600),
                 text("## References\n" + "word " * 900)]
    assert build.minutes.minutes(nb) == 30 and build.minutes.second_reading(nb) == 20
    nb.cells += [text("**Exercise.** Try it.\n\n**Exercise.** Write `dense_dW`." + "<summary>1. Why?</summary>" * 7)]
    assert build.minutes.minutes(nb) == 40


@each
def test_it_asks_for_each_of_its_exercises_and_links_their_sheets(name):
    text = "\n\n".join(cell.source for cell in NOTEBOOKS[name].cells)
    for sheet in sorted((ROOT / "notebooks" / "exercises").glob(f"{name[:2]}_*.ipynb")):
        assert f"](exercises/{sheet.name})" in text
    for exercise in EXERCISES.values():
        if exercise.notebook == int(name[:2]):
            assert re.search(rf"\b{exercise.name}\b", text), exercise.name
    for link in re.findall(r"\]\((exercises/[^)]+)\)", text):
        assert (ROOT / "notebooks" / link).is_file(), link


@pytest.mark.skipif("06_gradient_check" not in NOTEBOOKS, reason="notebook 6 is not there")
def test_the_table_of_rules_is_the_measured_one():
    text = prose(NOTEBOOKS["06_gradient_check"]).replace("\\|", "|")
    measured = (ROOT / "tests" / "benchmarks" / "results" / "gradcheck_rules.md").read_text(encoding="utf-8")
    for line in measured.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            assert line in text
    mistakes, runs, scale = re.search(r"(\d+) mistakes, (\d+) runs;.* multiplied by (\S+)\.", measured).groups()
    assert f"({mistakes} mistakes, {runs} runs, the loss multiplied by {scale}.)" in text


def test_citations_are_read_as_meant():
    found = cited("as (2.3) says, by (2.4, 2.5 and 10.1); not (0.5), 3.1 or (12.5 nats)")
    assert found == {"2.3", "2.4", "2.5", "10.1"}


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if int(name[:2])])
def test_equations_are_numbered_by_appearance(name):
    place = {}                                                   # where it is shown, or else where it is first cited
    for kind, pattern in (("code", r'mv\.equation\("([\d.]+)"\)'),
                          ("markdown", r"\((\d+\.\d+(?:(?:, | and )\d+\.\d+)*)\)")):
        for i, cell in enumerate(NOTEBOOKS[name].cells):
            for match in re.finditer(pattern, cell.source) if cell.cell_type == kind else ():
                for number in re.findall(r"\d+\.\d+", match[1]):
                    if number not in place:
                        place[number] = i, match.start()
    own = [entry.number for entry in EQUATIONS if entry.number.startswith(f"{int(name[:2])}.")]
    assert own == [f"{int(name[:2])}.{i}" for i in range(1, 1 + len(own))]
    assert own == sorted(own, key=place.get)
