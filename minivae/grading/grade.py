"""From files and folders to graded submissions."""

import pathlib
import secrets
import sys
from typing import NamedTuple

from ..files import whole_file
from ..exercises.course import SEED, judged
from ..exercises.answers.foreign import Failed, printable
from ..exercises.answers.limits import OutOfTime
from ..exercises.collection import EXERCISES, find
from ..exercises.feedback import ExerciseReport
from .remote import Process, Remote, Stopped
from .table import as_csv, as_json, as_text

__all__ = ["Graded", "grade", "submissions", "run"]

SUFFIXES = (".ipynb", ".py")
RESTARTS = 3   # of a process that was stopped; after that the rest of the file is not asked any more
ALL_PASS, NOT_ALL = 0, 3


class Graded(NamedTuple):
    """One graded submission.

    Attributes
    ----------
    name : str
        Its file or folder, below what was given.
    reports : dict of str to ExerciseReport
        By exercise; what was not handed in is not there.
    trouble : list of str
        What went wrong in running its files.
    """

    name: str
    reports: dict
    trouble: list

    @property
    def points(self):
        return sum(report.exercise.points for report in self.reports.values() if report)


def submissions(place):
    """Return what is handed in, by name: the files of each submission.

    Parameters
    ----------
    place : path-like
        A file is one submission. In a folder each notebook or Python file is one, and each subfolder, with all such
        files in it and below.

    Returns
    -------
    dict of str to list of pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no such place.
    ValueError
        If there is nothing to grade in it.
    """
    place = pathlib.Path(place)
    if not place.exists():
        raise FileNotFoundError(f"there is no file or folder {place}.")
    if place.is_dir():
        entries = [entry for entry in sorted(place.iterdir()) if not entry.name.startswith((".", "__"))]
        found = {entry.name: _files(entry) for entry in entries}
        found = {name: files for name, files in found.items() if files or (place / name).is_dir()}
    else:
        found = {place.name: [place]} if place.suffix in SUFFIXES else {}
    if not any(found.values()):
        raise ValueError(f"there is nothing to grade in {place}: no notebook (.ipynb) and no Python file (.py).")
    return found


def _files(place):
    if not place.is_dir():
        return [place] if place.suffix in SUFFIXES else []
    inside = sorted(path for suffix in SUFFIXES for path in place.rglob(f"*{suffix}"))
    return [path for path in inside if not path.is_dir()
            and not any(part.startswith((".", "__")) for part in path.relative_to(place).parts)]


def grade(files, exercises, seconds=20.0, name="", seed=SEED):
    """Grade one submission.

    Parameters
    ----------
    files : sequence of path-like
        Where an exercise stands in several, the best answer counts.
    exercises : sequence of str
        Names of those to grade.
    seconds : float, optional
        Time limit for running a file, and for each exercise.
    name : str, optional
    seed : int, optional
        From which the cases are drawn.

    Returns
    -------
    Graded
    """
    graded = Graded(name, {}, [] if files else ["there is no notebook and no Python file in it"])
    for path in files:
        trouble, reports = _grade_file(path, exercises, seconds, seed)
        for exercise, report in reports.items():
            if exercise not in graded.reports or _better(report, graded.reports[exercise]):
                graded.reports[exercise] = report
        if trouble:
            graded.trouble.append(f"{printable(path.name, 80)}: {trouble}" if len(files) > 1 else trouble)
    return Graded(name, {e: graded.reports[e] for e in exercises if e in graded.reports}, graded.trouble)


def _better(report, other):
    return (bool(report), report.written) > (bool(other), other.written)


def _grade_file(path, exercises, seconds, seed):
    """Return the first trouble in running one file, and the reports on the exercises that it defines."""
    try:
        process = Process(path, seconds)
    except Failed as failed:
        return failed.fault.text, {}
    except OutOfTime as stopped:
        return f"running the file: {stopped}", {}
    reports, trouble, restarts = {}, process.trouble, 0
    try:
        for name in exercises:
            if name not in process.names:
                continue
            if not process.running:
                restarts += 1
                if restarts > RESTARTS:
                    reports[name] = _not_run(name, f"was not run any more: the submission had been stopped {restarts} "
                                                   f"times")
                    continue
                process.stop()
                process = Process(path, seconds)
            process.renew()
            reports[name] = judged(EXERCISES[name], Remote(process, name), seed)
    except (Stopped, OutOfTime) as stopped:   # it did not come up again
        trouble = trouble or str(stopped)
    finally:
        process.stop()
    return trouble, reports


def _not_run(name, text):
    return ExerciseReport(EXERCISES[name], failed=Failed("raises", text))


def run(options):
    """Grade as the command line asks, write the table, and return the exit code.

    Parameters
    ----------
    options : argparse.Namespace
        ``place``, ``exercises``, ``seconds``, ``seed``, ``csv``, ``json``, ``out``.
    """
    if not options.seconds > 0:
        raise ValueError(f"--seconds must be above 0; got {options.seconds:g}.")
    chosen = _chosen(options.exercises)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed   # no answer can know it beforehand
    found, graded = submissions(options.place), []
    for number, (name, files) in enumerate(found.items(), 1):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{number} of {len(found)}: {printable(name, 60)}", end="", file=sys.stderr, flush=True)
        graded.append(grade(files, chosen, options.seconds, printable(name, 120), seed))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    table = (as_csv if options.csv else as_json if options.json else as_text)(graded, chosen, seed)
    if options.out:
        with whole_file(options.out) as file:
            file.write(table.encode("utf-8-sig" if options.csv else "utf-8"))   # a mark by which spreadsheets know
        print(f"Wrote {options.out}.")
    else:
        print(table, end="")
    passed = all(len(one.reports) == len(chosen) and all(one.reports.values()) for one in graded)
    return ALL_PASS if passed else NOT_ALL


def _chosen(words):
    """The exercises asked for, by name or by notebook's number, in the course's order; by default all."""
    if not words:
        return list(EXERCISES)
    numbers = {int(word) for word in words if word.isdigit()}
    unknown = numbers - {exercise.notebook for exercise in EXERCISES.values()}
    if unknown:
        raise ValueError(f"--exercises: notebook {min(unknown)} has no exercises.")
    names = {find(word).name for word in words if not word.isdigit()}
    return [name for name, exercise in EXERCISES.items() if name in names or exercise.notebook in numbers]
