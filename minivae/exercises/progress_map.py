"""A student's progress: what passes, how many hints were taken; on request kept in a file."""

import json
import pathlib
import warnings

from ..files import whole_file
from .exercise import stars
from .collection import EXERCISES
from .feedback import WORDS

__all__ = ["ProgressMap"]

TITLE = "minivae exercises"


class ProgressMap:
    """What has been checked so far, by the exercise's name: True, or what to fix first."""

    def __init__(self):
        self.results, self.hints, self.path = {}, {}, None

    def note(self, report):
        """Take down the outcome of a check; what has passed once stays passed."""
        state = "pass" if report else report.stage or report.verdict if report.written else "not written"
        if self.results.get(report.exercise.name) != "pass":
            self.results[report.exercise.name] = state
        self._save()

    def next_hint(self, exercise):
        """Return the number of the next hint, at most one past the last, and count it as taken."""
        self.hints[exercise.name] = min(self.hints.get(exercise.name, 0) + 1, len(exercise.hints) + 1)
        self._save()
        return self.hints[exercise.name]

    def keep_in(self, file):
        """Read a file if it is there, put what has been checked since on top, and write to it from now on."""
        path = pathlib.Path(file)
        if path.exists():
            kept = self._read(path)
            passed = {name: state for name, state in kept["results"].items() if state == "pass"}
            self.results = {**kept["results"], **self.results, **passed}
            self.hints = {**kept["hints"], **self.hints}
        if not path.parent.is_dir():
            raise ValueError(f"cannot keep progress in {path}: the folder {path.parent} does not exist. Make it first.")
        self.path = path
        self._save()

    def _read(self, path):
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            known = kept["what"] == TITLE
            results, hints = dict(kept["results"]), {name: int(count) for name, count in kept["hints"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            known = False
        if not known:
            raise ValueError(f"{path} is no record of progress: it is left as it is. Name another file.")
        return {"results": {name: str(state) for name, state in results.items() if name in EXERCISES},
                "hints": {name: count for name, count in hints.items() if name in EXERCISES}}

    def _save(self):
        if self.path is None:
            return
        text = json.dumps({"what": TITLE, "results": self.results, "hints": self.hints}, indent=1)
        try:
            with whole_file(self.path) as file:
                file.write(text.encode("utf-8"))
        except OSError as error:   # the report is worth more than its record
            warnings.warn(f"progress is not kept: {error}", stacklevel=3)

    def as_map(self):
        """Return the map of the course as text."""
        passed = [name for name, state in self.results.items() if state == "pass"]
        points = sum(EXERCISES[name].points for name in passed)
        lines = [f"The course: {len(passed)} of {len(EXERCISES)} exercises pass, {points} of "
                 f"{sum(e.points for e in EXERCISES.values())} points"]
        width, notebook = max(map(len, EXERCISES)), None
        for name, exercise in EXERCISES.items():
            if exercise.notebook != notebook:
                notebook = exercise.notebook
                lines.append(f"Notebook {notebook}")
            state = self.results.get(name)
            mark = {"pass": "✓", None: "·", "not written": "·"}.get(state, "✗")
            more = f"   fix first: {WORDS[state]}" if state in WORDS else f"   {state}" if mark == "✗" else ""
            lines.append(f"  {mark} {name:{width}}  {stars(exercise)}  {exercise.minutes:3} min{more}".rstrip())
        following = next((name for name in EXERCISES if self.results.get(name) != "pass"), None)
        lines.append(f'Next: exercises.statement("{following}")' if following else "All done.")
        return "\n".join(lines)
