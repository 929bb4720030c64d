"""From one submission to its row in the table: run its files and judge its functions, without ever failing."""

import ast
import time
from typing import NamedTuple

from ..exercises.answers.foreign import Failed, printable
from ..exercises.answers.limits import OutOfTime
from ..exercises.collection import EXERCISES
from ..exercises.course import SEED, judged
from .alike import pieces_of
from .launch import NotStarted
from .remote import Process, RemoteFunction
from .cells import statements_of

__all__ = ["Graded", "grade"]

RESTARTS = 3   # how often a process that was stopped is started again before the rest of the file is given up
WORDS = {"inconclusive": "undecided"}


class Graded(NamedTuple):
    """One graded submission: plain values, as they are kept and written into tables.

    Attributes
    ----------
    name : str
        Its file or folder, below what was given.
    answers : dict of str to dict
        For each exercise that was handed in: its state ("pass", "fail", "undecided", "out of time", "not judged" or
        "not written"), stage, mistake, diagnosis, the report as text, and the pieces of its code.
    trouble : list of str
        What went wrong in reading or running its files.
    seconds : float
        How long grading took.
    used : list of str
        What it used of the package and of the machine, for a teacher to look at.
    """

    name: str
    answers: dict
    trouble: list
    seconds: float = 0.0
    used: tuple | list = ()


def grade(submission, exercises, seconds=20.0, in_all=300.0, seed=SEED):
    """Grade one submission.

    Parameters
    ----------
    submission : Submission
        If an exercise is answered in several files, the best answer counts.
    exercises : sequence of str
        Names of the exercises to grade.
    seconds : float, optional
        Time limit for running a file, and for each exercise.
    in_all : float, optional
        Time limit for the whole submission.
    seed : int, optional
        Seed for the cases on which answers are tested.

    Returns
    -------
    Graded

    Raises
    ------
    NotStarted
        If Python does not start. Everything that is wrong with the submission itself is reported in its row.
    """
    began, budget, answers, trouble, ran = time.monotonic(), [float(in_all)], {}, list(submission.trouble), 0
    used = []
    for name, cells in submission.files:
        not_yet_right = [exercise for exercise in exercises if not _right(answers.get(exercise))]
        if not _may_answer(cells, not_yet_right):
            continue
        ran += 1
        file = _File(cells, submission.beside, seconds, budget)
        try:
            problems, found = file.graded(not_yet_right, seed)
        except NotStarted:
            raise
        except Exception as error:   # a bug of the grader on one file must not cost other rows
            problems, found = [f"could not be judged: {type(error).__name__}: {printable(error)}"], {}
        except OutOfTime as stopped:
            problems, found = [f"out of time: {stopped}"], {}
        for exercise, answer in found.items():
            if exercise not in answers or _rank(answer) > _rank(answers[exercise]):
                answers[exercise] = answer
        used = list(dict.fromkeys([*used, *file.used]))
        many = len(submission.files) > 1 or name != submission.name
        trouble += [f"{printable(name, 80)}: {text}" if many else text for text in problems]
    answers = {name: answers[name] for name in exercises if name in answers}
    if submission.files and not ran:
        trouble.append("it does not contain the name of any exercise to be graded")
    return Graded(submission.name, answers, trouble, round(time.monotonic() - began, 2), used)


def _right(answer):
    return answer is not None and answer["state"] == "pass"


def _rank(answer):
    return _right(answer), answer["state"] != "not written"


def _may_answer(cells, exercises):
    """Return False if no exercise's name is in a file, in any spelling, so that it need not be run."""
    text = _simple("".join(source for _, source in cells))
    return any(_simple(name) in text for name in exercises) or "import *" in text or "exec(" in text


class _File:
    """One file, run in a process. If that is stopped, it is started again without the statement that stopped it."""

    def __init__(self, cells, beside, seconds, budget):
        self.cells, self.beside, self.seconds, self.budget = cells, beside, seconds, budget
        self.skipped, self.last, self.trouble, self.used = set(), None, [], []

    def graded(self, exercises, seed):
        """Return what went wrong in running the file, and the graded answers to the exercises that it defines."""
        answers, process, stopped = {}, self._started(), 0
        try:
            if process is None:
                return self.trouble, {}
            trees, names = _functions(self.cells), process.names
            for name in exercises:
                if name not in names:
                    continue
                if not process.running:
                    stopped += 1
                    if stopped <= RESTARTS and self.budget[0] > 0:
                        process.stop()
                        process = self._started() or process
                    if not process.running:
                        answers[name] = _not_run(stopped) if self.budget[0] > 0 else _out_of_time()
                        continue
                process.renew()
                answers[name] = _answer(EXERCISES[name], RemoteFunction(process, name), seed, trees.get(name))
                self.used += process.used()
            return self.trouble + _near_misses(names, exercises), answers
        finally:
            if process is not None:
                process.stop()

    def _started(self):
        """Return a process that has run the file, without any statement that ends it; or None."""
        for attempt in range(RESTARTS + 1):
            process = Process(self.cells, self.beside, self.seconds, self.budget)
            try:
                process.run(self.skipped, self.last)
            except (Failed, OutOfTime) as stopped:
                if not self._leave_out(process.reached, stopped) or self.budget[0] <= 0:
                    return None
                continue
            except BaseException:
                process.stop()
                raise
            if process.trouble and process.trouble not in self.trouble:
                self.trouble.append(process.trouble)
            return process
        return None

    def _leave_out(self, reached, stopped):
        """Leave out the statement at which the process was stopped; if it was slow before, also all that follows."""
        timely = isinstance(stopped, OutOfTime)
        text = str(stopped) if timely else stopped.what
        if reached is None:
            self.trouble.append(f"{'out of time: ' if timely else ''}{text}")
            return False
        number, place, took = reached
        if timely and took < self.seconds / 2 or len(self.skipped) == RESTARTS - 1:
            self.last = number
        counts = "what comes before it counts" if self.last is not None else "the rest counts without this statement"
        self.trouble.append(f"{'out of time: ' if timely else ''}{place}: {counts}: {text}")
        self.skipped.add(number)
        return True


def _answer(exercise, remote, seed, tree):
    """Return the graded answer to one exercise as plain values, whatever happens while it is judged."""
    try:
        report = judged(exercise, remote, seed)
        state = WORDS.get(report.verdict, report.verdict) if report.written else "not written"
        about = {"state": state, "stage": report.stage, "mistake": report.mistake,
                 "diagnosis": [printable(text, 1000) for text in report.diagnosis], "text": str(report)[:10_000]}
    except Exception as error:
        text = f"this answer could not be judged: {type(error).__name__}: {printable(error)}"
        about = {"state": "not judged", "stage": None, "mistake": None, "diagnosis": [text], "text": text}
    except OutOfTime as stopped:
        about = _out_of_time(printable(stopped))
    return about | {"code": pieces_of(tree)}


def _not_run(stopped):
    text = f"was not run: the submission had already been stopped {stopped} times"
    return {"state": "fail", "stage": "raises", "mistake": None, "diagnosis": [text], "text": text, "code": []}


def _out_of_time(text="the time for the whole submission is over"):
    return {"state": "out of time", "stage": None, "mistake": None, "diagnosis": [text], "text": text, "code": []}


def _near_misses(names, exercises):
    """Return a sentence for each function whose name differs from an exercise's only by case or underscores."""
    wanted = {_simple(name): name for name in exercises if name not in names}
    return [f"{wanted[_simple(name)]} is not handed in; is {printable(name, 80)} meant?" for name in sorted(names)
            if _simple(name) in wanted]


def _simple(name):
    return name.lower().replace("_", "")


def _functions(cells):
    """Return the syntax tree of each function in the cells, by name; of several with one name, the last."""
    return {statement.name: statement for name, source in cells for statement in statements_of(source, name)[1]
            if isinstance(statement, ast.FunctionDef)}
