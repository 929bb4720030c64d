"""The README's example prints what it says, and its map of the modules is right."""

import contextlib
import io
import pathlib
import re

import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_example_prints_its_comment():
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    expected = [line[2:] for line in code.splitlines() if line.startswith("# ")]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue().splitlines() == expected


@pytest.mark.parametrize("marker", ["main", "tests"])
def test_the_commands_are_marked_and_whole(marker):
    block = re.search(rf"<!-- {marker} -->\n```bash\n(.*)\n```", TEXT).group(1)
    install = "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt"
    assert block.startswith(install + " && .venv/bin/python -m ")


def test_every_module_named_exists():
    root = README.parent
    named = re.findall(r"\b[a-z_]+\.py\b", TEXT)
    there = {path.name for folder in ("minivae", "notebooks", "tests") for path in (root / folder).rglob("*.py")}
    assert set(named) <= there
    assert all((root / name).exists() for name in re.findall(r"\]\(([^)#:]+)\)", TEXT))
