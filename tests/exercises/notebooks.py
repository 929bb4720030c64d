"""The exercises' functions as they stand in the notebooks: with solutions, as students get them, and with a mistake."""

import functools
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"


@functools.cache
def sources(kind):
    """Return by exercise's name the source of the cell that defines it, in "solutions" or "exercises"."""
    found = {}
    for path in sorted((FOLDER / kind).glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "own_")
            # the capstone's cells, which take answers again
            if cell["cell_type"] == "code" and not name.startswith("own_"):
                found[name] = source
    return found


def function(kind, name):
    """Return one exercise's function from the notebooks."""
    return compiled(sources(kind)[name], name)


def compiled(source, name):
    scope = {"np": np}
    exec(source, scope)
    return scope[name]


def with_mistake(mistake, name):
    """Return the solution of an exercise with a mistake of the catalogue in it."""
    source = sources("solutions")[name]
    for _, right, wrong in mistake.changes:
        assert source.count(right) == 1, f"{right!r} stands {source.count(right)} times in the solution of {name}"
        source = source.replace(right, wrong)
    return compiled(source, name)
