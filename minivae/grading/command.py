"""The whole command: read the submissions, grade several at once, keep each result, and write the table."""

import collections
import os
import pathlib
import secrets
import sys
import time

from ..evaluation.cores import free_cores
from ..exercises.answers.foreign import printable
from ..exercises.collection import EXERCISES, find
from ..files import whole_file
from .anonymous import anonymous
from .feedback_files import write_feedback
from .folder import handed_in
from .grade import Graded
from .kept import Kept, key_of
from .launch import ROOT, make_unreadable
from .marks import days_late, due_time, marks, overrides, weights
from .roster import absent, pseudonyms, roster
from .table import as_csv, as_json, as_text
from .workers import graded_by

__all__ = ["grade_all"]

ALL_PASS, NOT_ALL = 0, 3
WIDTH, OFTEN = 24, 10.0   # characters of the progress bar; seconds between lines of progress if not on a terminal


def grade_all(options):
    """Grade all submissions as the options say, write the table, and return the exit code.

    Parameters
    ----------
    options : argparse.Namespace
        ``place``, ``exercises``, ``seconds``, ``in_all``, ``jobs``, ``seed``, ``keep``, ``fresh``, ``roster``,
        ``points``, ``due``, ``late_per_day``, ``overrides``, ``anonymous``, ``feedback``, ``csv``, ``json``, ``out``.
    """
    for name in ("seconds", "in_all"):
        if not getattr(options, name) > 0:
            raise ValueError(f"--{name.replace('_', '-')} must be above 0; got {getattr(options, name):g}.")
    if options.jobs is not None and options.jobs < 1:
        raise ValueError(f"--jobs must be at least 1; got {options.jobs}.")
    if not 0 <= options.late_per_day <= 100 or options.late_per_day and not options.due:
        raise ValueError("--late-per-day must be a percentage from 0 to 100, and needs --due; got "
                         f"{options.late_per_day:g}.")
    chosen, listed = _chosen(options.exercises), roster(options.roster) if options.roster else []
    worth, due = weights(options.points, chosen), due_time(options.due) if options.due else None
    found, left_out = handed_in(options.place)
    names = list(_distinct(_named(one.name) for one in found))
    decided = overrides(options.overrides, names + absent(listed, names), options.place.is_dir())
    _keep_off_the_path(options.place)
    make_unreadable()
    kept = Kept(_where_kept(options), options.fresh)
    seed = options.seed if options.seed is not None else kept.seed
    seed = secrets.randbelow(10**6) if seed is None else seed   # which no submission can know in advance
    graded = _graded(found, chosen, options, seed, kept)
    passed = not absent(listed, names) and all(one.answers.get(name, {}).get("state") == "pass"
                                               for one in graded for name in chosen)
    late = {name: days_late(one, due) for name, one in zip(names, found)}
    graded = [one._replace(name=name) for name, one in zip(names, graded)]
    graded += [Graded(name, {}, ["nothing was handed in"]) for name in absent(listed, names)]
    table = marks(graded, worth, decided, late, options.late_per_day)
    if options.anonymous:
        table = anonymous(table, found, pseudonyms(options.anonymous, [one.name for one in table]))
    _write(table, seed, left_out, options)
    return ALL_PASS if passed else NOT_ALL


def _graded(found, chosen, options, seed, kept):
    """Return a row for each submission: those that were kept, and the others graded now and kept at once."""
    settings = (chosen, options.seconds, options.in_all, seed)
    keys = [key_of(submission, settings) for submission in found]
    kept.begin(seed)
    todo = [number for number, key in enumerate(keys) if key not in kept.results]
    progress = _Progress(len(found), len(found) - len(todo))
    jobs = options.jobs or free_cores()
    try:
        for number, row in graded_by(jobs, [found[k] for k in todo], settings):
            kept.add(keys[todo[number]], row)
            progress.one_more(row.name)
    finally:
        progress.end()
        kept.close()
    return [kept.results[key] for key in keys]


def _write(marks, seed, left_out, options):
    table = (as_csv if options.csv else as_json if options.json else as_text)(marks, seed)
    if left_out:
        names = ", ".join(printable(name, 60) for name in left_out)
        print(f"Not graded, because no student's code is in it: {names}.", file=sys.stderr)
    if options.feedback:
        write_feedback(options.feedback, marks)
        print(f"Wrote {len(marks)} files of feedback in {options.feedback}.", file=sys.stderr)
    if options.out:
        with whole_file(options.out) as file:
            file.write(table.encode("utf-8-sig" if options.csv else "utf-8"))   # with a mark for spreadsheets
        print(f"Wrote {options.out}.")
    else:
        print(table, end="")


def _where_kept(options):
    """Return the file of results: beside what is graded, or beside --out if that folder cannot be written to."""
    if options.keep:
        return options.keep
    beside = pathlib.Path(os.path.abspath(options.place))
    if options.out and not os.access(beside.parent, os.W_OK):
        beside = options.out
    return beside.with_name(beside.name + ".graded.jsonl")


def _keep_off_the_path(place):
    """Take the graded folder off Python's path: no module in it may replace one of Python's own."""
    folder = pathlib.Path(place).resolve()
    folder = folder if folder.is_dir() else folder.parent
    sys.path[:] = [entry for entry in sys.path if pathlib.Path(entry).resolve() not in (folder, *folder.rglob("*/"))
                   or pathlib.Path(entry).resolve() == ROOT]


class _Progress:
    """A progress bar on a terminal; in a file or a pipe, a line from time to time."""

    def __init__(self, number, done):
        self.number, self.done, self.before = number, done, done
        self.began = self.shown = time.monotonic()
        self.terminal = sys.stderr.isatty()
        if done:
            print(f"{done} of {number} were graded before and have not changed.", file=sys.stderr)

    def one_more(self, name):
        self.done += 1
        now, some = time.monotonic(), self.done - self.before
        each = (now - self.began) / some
        line = (f"{self.done} of {self.number}, {each:.1f} s for each, {each * (self.number - self.done):.0f} s left: "
                f"{printable(name, 40)}")
        if self.terminal:
            full = WIDTH * self.done // self.number
            print(f"\r\x1b[K[{'#' * full}{'.' * (WIDTH - full)}] {line}", end="", file=sys.stderr, flush=True)
        elif now - self.shown >= OFTEN or self.done == self.number:
            print(line, file=sys.stderr, flush=True)
            self.shown = now

    def end(self):
        if self.terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _named(name):
    """Return a name for the table, cut in the middle if it is long."""
    whole = printable(name, 10**4)
    return whole if len(whole) <= 120 else f"{whole[:90]}...{whole[-27:]}"


def _distinct(names):
    """Yield the names, with a number after each that has occurred before."""
    seen = collections.Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} [{seen[name]}]"


def _chosen(words):
    """Return the exercises named by the words, or of the notebooks with these numbers, in order; by default all."""
    if not words:
        return list(EXERCISES)
    numbers = {int(word) for word in words if word.isdigit()}
    unknown = numbers - {exercise.notebook for exercise in EXERCISES.values()}
    if unknown:
        raise ValueError(f"--exercises: notebook {min(unknown)} has no exercises.")
    names = {find(word).name for word in words if not word.isdigit()}
    return [name for name, exercise in EXERCISES.items() if name in names or exercise.notebook in numbers]
