"""The house style, as far as a machine can see it."""

import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent


def test_no_line_is_wider_than_the_limit():
    limit = int(re.search(r"^line-length = (\d+)$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[1])
    assert limit == 120
    wide = [f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"
            for folder in ("minivae", "notebooks", "tests") for path in (ROOT / folder).rglob("*.py")
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1) if len(line) > limit]
    assert not wide, "\n".join(wide)


def test_no_two_modules_share_a_name():
    places = collections.defaultdict(list)
    for path in (ROOT / "minivae").rglob("*.py"):
        places[path.stem].append(str(path.relative_to(ROOT)))
    shared = [sorted(paths) for name, paths in places.items() if len(paths) > 1 and not name.startswith("__")]
    assert not shared


def test_the_readme_names_every_module_of_the_textbook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    map_of_the_house = readme[readme.index("    minivae/\n"):readme.index("    tests/")]
    named = set(re.findall(r"\w+\.py", map_of_the_house))
    rooms = ("kernels", "model", "training", "evaluation", "data", "cli")
    modules = {path.name for room in rooms for path in (ROOT / "minivae" / room).glob("*.py")} - {"__init__.py"}
    assert modules - named == set()
    everywhere = {path.name for folder in ("minivae", "notebooks") for path in (ROOT / folder).rglob("*.py")}
    assert named - everywhere == set()
