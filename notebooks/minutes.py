"""How many minutes a notebook takes: estimates by one rule, so that each number that is stated can be computed again.

    python notebooks/minutes.py          a table: each notebook, its second reading, its sheets of exercises

The rule is for somebody who reads closely: WORDS words of text a minute, LINES lines of code (of a cell, or of the
package where a cell shows it), PRINTED lines of output; FORMULA, FIGURE and QUESTION minutes for each displayed
formula, each figure and each question at the end; TRY minutes for each exercise in the text that is not in a sheet too.
What is folded under a displayed source is not counted, nor are references. An exercise in a sheet says its own minutes.
Sums are rounded to five minutes. A section whose heading ends with "(second reading)" is for a second reading, and so
is what follows MARK up to the end of its section. Nobody was timed.
"""

import pathlib
import re
import sys

import nbformat

__all__ = ["minutes", "second_reading", "sheets", "stated", "with_time"]

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent)]

WORDS, LINES, PRINTED = 120, 10, 30            # a minute
FORMULA, FIGURE, QUESTION, TRY = 1, 1, 1, 3    # minutes
MARK = "*(Second reading, to the end of this section.)*"
HEADING = re.compile(r"## .*\(second reading\)")
TIME = re.compile(r"\*\*Time\*\* \d+ minutes(, \d+ of them for a second reading)?"
                  r"(; [\d and]+ more for the sheets? of exercises)?")
EXERCISE = re.compile(r"\*\*Exercise[.:,]|^## Exercise", re.MULTILINE)


def minutes(nb):
    """Return the minutes of a notebook of the course, without its sheets of exercises."""
    return _rounded(sum(part for part, _ in _parts(nb)))


def second_reading(nb):
    """Return how many of them are for a second reading."""
    return _rounded(sum(part for part, second in _parts(nb) if second))


def sheets(number):
    """Return the minutes of a notebook's exercises in sheets, one sum a sheet, in order; the capstone says its own."""
    from minivae.exercises.collection import EXERCISES

    found = []
    for path in sorted((FOLDER / "solutions").glob(f"{number:02}_*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells if cell.cell_type == "code"]
        known = [EXERCISES[name].minutes for name in names if name in EXERCISES]
        found.append(sum(known) or int(re.search(r"About (\d+) minutes", cells[0].source)[1]))
    return found


def stated(nb, number):
    """Return the sentence about its time that a notebook of that number begins with."""
    text, second, more = f"**Time** {minutes(nb)} minutes", second_reading(nb), sheets(number)
    text += f", {second} of them for a second reading" if second else ""
    return text + (f"; {' and '.join(map(str, more))} more for the {'sheets' if more[1:] else 'sheet'} of exercises"
                   if more else "")


def with_time(nb, path):
    """Put the sentence into a notebook of the course; any other comes back as it is."""
    if path.parent == FOLDER and path.stem[:2].isdigit():
        nb.cells[0].source = TIME.sub(stated(nb, int(path.stem[:2])), nb.cells[0].source)
    return nb


def _rounded(number):
    return 5 * round(number / 5)


def _parts(nb):
    """Pairs of minutes and whether they are for a second reading: pieces of text, cells of code, figures."""
    from minivae.exercises.collection import EXERCISES

    second = False
    for cell in nb.cells:
        if cell.cell_type == "code":
            yield _of_code(cell), second
            continue
        for piece in re.split(rf"(?=^## )|(?={re.escape(MARK)})", cell.source, flags=re.MULTILINE):
            second = bool(piece.startswith(MARK) or HEADING.match(piece) or second and not piece.startswith("## "))
            if not piece.startswith("## References"):
                yield _of_text(piece, EXERCISES), second


def _of_text(text, exercises):
    text = re.sub(r"<!--.*?-->|\]\([^)]*\)", " ", TIME.sub("", text), flags=re.DOTALL)
    formulas = len(re.findall(r"\$\$.*?\$\$", text, re.DOTALL))
    text = re.sub(r"\$[^$]+\$", " x ", re.sub(r"\$\$.*?\$\$", " ", text, flags=re.DOTALL))
    tries = sum(1 for match in EXERCISE.finditer(text)
                if not any(re.search(rf"\b{name}\b", _paragraph(text, match)) for name in exercises))
    figures = len(re.findall(r"!\[", text))
    return (len(re.findall(r"[\w'’-]+", text)) / WORDS + FORMULA * formulas + FIGURE * figures + TRY * tries
            + QUESTION * len(re.findall(r"<summary>\d+\.", text)))


def _paragraph(text, match):
    return re.split(r"\n\n", text[match.start():])[0]


def _of_code(cell):
    shown = re.match(r"(display\()?mv\.(equation|show_source|show)\(", cell.source)
    lines = 0 if shown else len([line for line in cell.source.splitlines() if line.strip()])
    printed = figures = 0
    for output in cell.get("outputs", []):
        data = output.get("data", {"text/plain": output.get("text", "")})
        figures += any(kind.startswith("image/") for kind in data)
        if "text/markdown" in data:
            unfolded = re.sub(r"<details>.*?</details>", "", data["text/markdown"], flags=re.DOTALL)
            lines += sum(block.count("\n") for block in re.findall(r"```python\n(.*?)```", unfolded, re.DOTALL))
        elif "text/latex" not in data and not figures:
            printed += data.get("text/plain", "").count("\n")
    formulas = len(re.findall(r"mv\.equation\(", cell.source))
    return FORMULA * formulas + lines / LINES + printed / PRINTED + FIGURE * figures


def main():
    """Print the table."""
    print("notebook                        minutes   second reading   sheets")
    for path in sorted(FOLDER.glob("[0-9]*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        print(f"{path.stem:30} {minutes(nb):8} {second_reading(nb):16}   {sheets(int(path.stem[:2]))}")


if __name__ == "__main__":
    main()
