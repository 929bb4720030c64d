"""Bounds on what somebody else's function may do while it runs: time, output, warnings."""

import contextlib
import io
import signal
import sys
import threading
import warnings

import numpy as np

__all__ = ["Beginning", "OutOfTime", "TimeIsUp", "time_limit", "warnings_into"]

PRINTED = 2000      # characters kept of what it prints


class TimeIsUp(BaseException):
    """Not an Exception, so that a student's ``except Exception`` lets it through."""


class OutOfTime(BaseException):
    """A check that took too long, which says nothing about the answer. No Exception, so that no judge catches it."""


class Beginning(io.TextIOBase):
    """A stream that keeps the beginning of what is written to it."""

    def __init__(self):
        self.parts, self.room = [], PRINTED

    def write(self, text):
        if self.room > 0:
            self.parts.append(text[:self.room])
            self.room -= len(text)
        return len(text)

    def __str__(self):
        return "".join(self.parts) + ("..." if self.room < 0 else "")


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TimeIsUp in the block after so many seconds, where there is a timer and this is the main thread.

    A bare ``except:`` in the block catches it. So it is raised once more at the next line that runs there, which is a
    line of that handler, and the timer goes off again and again.
    """
    main = threading.current_thread() is threading.main_thread()
    if not seconds or not main or not hasattr(signal, "setitimer"):
        yield
        return
    running, traced, caller = True, sys.gettrace(), sys._getframe(2)   # beyond contextlib's own frame

    def at_next_line(frame, event, argument):
        if running and event == "line":
            raise TimeIsUp
        return at_next_line

    def stop(signum, frame):
        if running:
            sys.settrace(lambda *_: None)   # no frame but those that run now
            while frame not in (None, caller):
                frame.f_trace, frame = at_next_line, frame.f_back
            raise TimeIsUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.settrace(traced)


@contextlib.contextmanager
def warnings_into(heard):
    """Put NumPy's warnings of the block in a list, each once, and show none."""
    def keep(message, category, *_, **__):
        text = " ".join(str(message).split())
        if issubclass(category, RuntimeWarning) and text not in heard and len(heard) < 20:
            heard.append(text)

    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        warnings.showwarning = keep
        yield
