"""Calling a function that somebody else wrote, so that the caller goes on whatever it does.

It may raise, exit, loop for ever, print without end, write into its arguments, or return something odd. All of that
becomes a ``Failed``, or plain arrays and lists. Only Ctrl-C passes through.
"""

import contextlib
import itertools
import linecache
import re
import time
import traceback
from collections.abc import Mapping

import numpy as np

from ...gradcheck.probe import same
from .limits import Beginning, OutOfTime, TimeIsUp, time_limit, warnings_into

__all__ = ["Failed", "Local", "Answer", "Other", "plain", "arrays_in", "description", "failure", "printable"]

SECONDS = 10.0      # that one call may take
IN_ALL = 60.0       # seconds that all calls of a check may take together
ITEMS = 100_000     # longest list looked into
NUMBERS = 10**7     # largest array looked at
LONGEST = 1000      # bits of a whole number that is one
SHAPES_DIFFER = ("matmul", "broadcast", "aligned", "dimension", "operand", "einsum", "subscript")   # NumPy's words
ROWS = r"broadcast together with shapes \((\d+),\) \(\1,\d+\)|shapes \((\d+),\d+\) \(\2,\)"   # rows beside numbers


class Failed(Exception):
    """An answer in which something is wrong that ends its check: the facts, of which ``feedback`` makes a sentence.

    Attributes
    ----------
    kind : str
        One of ``gradcheck.inputs.KINDS``.
    what : str
        What is wrong.
    returned : str
        The name of what was returned, if it is about one thing.
    claim : ndarray or None
        What came in its place.
    stage : str or None
        What to fix first, where the kind does not say it.
    unwritten : bool
        Whether it is a stub that nobody has touched.
    about : {"", "shapes", "axis", "call"}
        What an exception complains of, as ``subject`` reads it: shapes that do not fit, a second axis that is missing,
        or how the function is called.
    where : str
        In which case it goes wrong, such as "for a batch of one".
    hint : str
        What the numbers say.
    mistake : Mistake or None
        From the catalogue.
    square : Finding or None
        Where shapes do not fit: what comes out when all sizes are equal.
    """

    mistake = square = None

    def __init__(self, kind, what, returned="", claim=None, *, stage=None, unwritten=False, about="", where="",
                 hint=""):
        super().__init__(what)
        self.kind, self.what, self.returned, self.claim = kind, what, returned, claim
        self.stage, self.unwritten, self.about, self.where, self.hint = stage, unwritten, about, where, hint


class Other:
    """In place of a returned object that is not an array, a number, a string or a list of these."""

    def __init__(self, kind):
        self.kind = kind

    def __repr__(self):
        return self.kind


class Local:
    """Somebody's function in this process, called with a time limit and its printing kept.

    Parameters
    ----------
    function : callable
    seconds : float, optional
        Time limit of one call, where the platform has a timer and this is the main thread. 0 is none.
    in_all : float, optional
        Time limit of all calls together; looked at after each call too, so that it holds without a timer.

    Attributes
    ----------
    printed : str
        The beginning of what the first call printed.
    warned : list of str
        NumPy's warnings, each once.
    """

    def __init__(self, function, seconds=SECONDS, in_all=IN_ALL):
        self.function, self.seconds, self.in_all, self.left = function, seconds, in_all, in_all
        self.printed, self.warned, self._ended = None, [], ""

    def __call__(self, *args):
        if self.left <= 0:   # one call that never ended is enough
            raise OutOfTime(self._ended or self._too_long())
        heard, began = Beginning(), time.perf_counter()
        try:
            with warnings_into(self.warned), contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
                with time_limit(min(self.seconds, self.left)):
                    return plain(self.function(*args))
        except KeyboardInterrupt:
            raise
        except TimeIsUp:
            self._ended, self.left = self._too_long(time.perf_counter() - began), 0
            raise OutOfTime(self._ended) from None
        except BaseException as error:   # SystemExit too
            kind, message, line = description(error)
            raise Failed("raises", failure(kind, message, line), unwritten=type(error) is NotImplementedError,
                         about=subject(kind, message)) from None
        finally:
            self.left -= time.perf_counter() - began
            self.printed = str(heard) if self.printed is None else self.printed

    def _too_long(self, seconds=0.0):
        """The sentence about a call that took so long, or about all of them."""
        if seconds >= self.seconds:
            return f"a call did not finish within {self.seconds:g} seconds: an endless loop, or very slow?"
        return f"the calls of this check took more than {self.in_all:g} seconds in all: each of them is slow"


class Answer:
    """A student's function as the judges see it: called with copies, its arguments looked at afterwards.

    Parameters
    ----------
    call : callable
        ``Local``, or what stands for a function in another process.
    names : sequence of str
        Of the arguments.

    Attributes
    ----------
    changed : list of str
        Arguments in which it wrote.
    """

    def __init__(self, call, names):
        self.call, self.names, self.changed = call, names, []

    @property
    def warned(self):
        return self.call.warned

    def __call__(self, *args):
        given = _copy(list(args))
        result = self.call(*given)
        for name, before, after in zip(self.names, args, given):
            if not _alike(before, after) and name not in self.changed:
                self.changed.append(name)
        return result


def plain(value, depth=5):
    """Turn what was returned into None, numbers, strings, plain arrays, and lists and dicts of such."""
    if type(value) is int and value.bit_length() > LONGEST:
        return Other("whole number of many digits")
    if value is None or type(value) in (bool, int, float, complex, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind == "U" or array.dtype.kind == "O" and all(isinstance(v, str) for v in array.flat):
            return plain(array.tolist(), depth)
        return Other(f"array of {array.dtype}") if array.dtype.kind not in "fiubc" else array
    if depth and isinstance(value, Mapping):
        return {printable(key): plain(value[key], depth - 1) for key in itertools.islice(value, ITEMS)}
    if depth and isinstance(value, (tuple, list)) and len(value) <= ITEMS:
        return [plain(entry, depth - 1) for entry in value]
    if depth and hasattr(value, "__next__"):   # a generator, which unpacks as a tuple does
        return [plain(entry, depth - 1) for entry, _ in zip(value, range(100))]
    if hasattr(value, "__array__"):   # another library's array
        return plain(np.asarray(value), 0)
    return Other(f"{type(value).__name__}")


def arrays_in(result):
    """Return the arrays of numbers in something plain, and numbers as arrays, in order."""
    if isinstance(result, (list, dict)):
        parts = result.values() if isinstance(result, dict) else result
        return [array for part in parts for array in arrays_in(part)]
    if isinstance(result, np.ndarray):
        return [result] if result.dtype.kind in "fiub" else []
    return [np.asarray(result)] if isinstance(result, (int, float)) else []


def description(error):
    """Return the type, the message and the place of an exception, whatever its own methods do."""
    try:
        message = printable(str(error))
    except BaseException:   # noqa: B036: its own __str__ may do anything
        message = ""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.lineno]
    place = own[-1] if own else None
    line = printable(linecache.getline(place.filename, place.lineno).strip()) if place else ""
    return type(error).__name__, message, line


def subject(kind, message):
    """Return what an exception complains of, from Python's and NumPy's own words: see ``Failed.about``."""
    if re.search(ROWS, message):
        return "axis"
    if any(word in message for word in SHAPES_DIFFER):
        return "shapes"
    return "call" if kind == "TypeError" and "argument" in message else ""


def failure(kind, message, line=""):
    """Return the sentence about an exception."""
    sizes = re.search(r"matmul: .*\(size (\d+) is different from (\d+)\)", message)
    if sizes:   # NumPy's own words are for those who wrote it
        message = f"matmul: shapes that do not fit, {sizes.group(1)} where {sizes.group(2)} is needed"
    if re.search(ROWS, message):
        message += ": one number for each row needs a second axis, as in a[:, None]"
    text = f"raised {kind}: {message}" if message else f"raised {kind}"
    return f"{text}, at the line  {line}" if line and kind != "NotImplementedError" else text


def printable(text, limit=300):
    """Return text in one line, without what would steer a terminal or change from run to run, cut to a length."""
    text = " ".join(str(text)[:10 * limit].split())
    text = "".join(c if c.isprintable() else "?" for c in text)
    text = re.sub(r"0x[0-9a-fA-F]{6,}", "0x...", text)
    return text if len(text) <= limit else text[:limit - 3] + "..."


def _copy(value):
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return [_copy(entry) for entry in value] if isinstance(value, list) else value


def _alike(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and same(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    return True
