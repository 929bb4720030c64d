"""What a student calls: the names, a statement, a check, the next hint, and the map of the course."""

import numpy as np

from .exercise import stars
from .answers.foreign import Answer, Failed, Local, printable
from .answers.limits import OutOfTime
from .progress_map import ProgressMap
from .collection import EXERCISES, after, find
from .feedback import ExerciseReport

__all__ = ["names", "statement", "check", "hint", "progress", "judged"]

_PROGRESS = ProgressMap()
SEED = 0   # from which a notebook's check draws its cases, so that the same answer gets the same report


class Text(str):
    """Text that a notebook shows as it is."""

    def __repr__(self):
        return str(self)


def names():
    """Return the names of all exercises, in the order of the course."""
    return list(EXERCISES)


def statement(name):
    """Say what to write: statement, signature, shapes, difficulty and time.

    Parameters
    ----------
    name : str

    Returns
    -------
    Text
        Markdown.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    exercise = find(name)
    return Text(f"**{exercise.name}** {stars(exercise)} {exercise.minutes} minutes\n\n{exercise.statement}\n\n"
                f"`{exercise.call}`\n\nShapes: {exercise.shapes}.")


def check(name, function, *, seed=SEED):
    """Check an answer and say that it is right, or what to fix first.

    Parameters
    ----------
    name : str
        Of the exercise.
    function : callable
        The answer.
    seed : int, optional
        From which the cases are drawn; always the same in a notebook. Grading draws others.

    Returns
    -------
    ExerciseReport
        A ``gradcheck.Report``: true if right.

    Raises
    ------
    ValueError
        If there is no such exercise. Whatever is wrong with the function is reported, not raised.

    Notes
    -----
    The function is called many times, on copies, with a time limit for one call and one for all; what it prints is
    kept, and the beginning shown. Of what it may do, only ``os._exit`` and a crash end the kernel. It is judged in this
    order, and only the first fault is shown: it raises; the number and the shapes of what it returns; their dtype; its
    behaviour (arguments changed, the upstream gradient ignored, another answer the second time); values. Running out of
    time is not a fault but a separate verdict, and so is an answer that the check itself cannot handle.
    """
    exercise = find(name)
    if not callable(function):
        failed = Failed("raises", f"{name} should be a function; got a {type(function).__name__}. Pass the function "
                                  "itself, without calling it", stage="function")
        report = ExerciseReport(exercise, failed=failed)
    else:
        report = judged(exercise, Local(function), seed)
    _PROGRESS.note(report)
    return report


def judged(exercise, call, seed=SEED):
    """Judge an answer.

    Parameters
    ----------
    exercise : Exercise
    call : Local, or what stands for a function in another process
    seed : int, optional

    Returns
    -------
    ExerciseReport
    """
    finding = failed = undecided = None
    try:
        rng = np.random.default_rng([seed, exercise.notebook, exercise.place])
        finding = exercise.judge(exercise, Answer(call, exercise.arguments), rng)
    except Failed as stopped:
        failed = stopped
    except OutOfTime as stopped:
        undecided = "out of time", printable(stopped)
    except Exception as error:   # whatever was returned: a check ends with a report
        undecided = "not judged", (f"this answer could not be judged: {type(error).__name__}: {printable(error)}. That "
                                   "is a fault of the check; please report it")
    return ExerciseReport(exercise, finding, failed, undecided, after(exercise), call)


def hint(name):
    """Return the next hint for an exercise; each says more than the one before.

    Parameters
    ----------
    name : str

    Returns
    -------
    Text

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    exercise = find(name)
    number, total = _PROGRESS.next_hint(exercise), len(exercise.hints)
    if number > total:
        return Text(f"{name}: those were all {total} hints. Read them again:\n"
                    + "\n".join(f"  {k}. {text}" for k, text in enumerate(exercise.hints, 1)))
    return Text(f"{name}, hint {number} of {total}: {exercise.hints[number - 1]}")


def progress(file=None):
    """Show the map of the course, with what passes so far.

    Parameters
    ----------
    file : str or path-like, optional
        Where to keep it. What the file holds is read; from then on every check is written to it, so that it survives
        a restart of the kernel. Without it nothing is kept.

    Returns
    -------
    Text

    Raises
    ------
    ValueError
        If the file is there and is no record of progress. It is left as it is.
    """
    if file is not None:
        _PROGRESS.keep_in(file)
    return Text(_PROGRESS.as_map())
