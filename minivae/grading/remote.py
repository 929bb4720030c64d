"""A submission's process as the grader sees it: it runs a file, and its functions are called with a time limit.

Inputs, finite differences and verdicts stay on the grader's side. The other side only returns arrays: a submission that
patches the package or forges a message there can send wrong numbers and no more. ``child`` is that other side.
"""

import contextlib
import os
import pathlib
import queue
import tempfile
import threading
import time

import numpy as np

from ..exercises.answers.foreign import Failed, arrays_in, plain, printable
from ..exercises.answers.limits import OutOfTime
from .channel import LONGEST, Garbled, checked_reply, decoded, encoded, from_line, to_line
from .launch import TO_START, NotStarted, launch
from .used import MOST

__all__ = ["Process", "RemoteFunction", "Stopped"]

REMEMBERED = 100             # returned arrays, kept because the submission may overwrite them later
PATIENCE, GRACE = 0.2, 0.5   # seconds between two looks at the process; and for a reply that is still on its way
ENDED = "its process ended before it answered: os._exit, a crash, or out of memory"


class Stopped(Failed):
    """The process has ended, or the grader had to end it."""

    def __init__(self, text):
        super().__init__("raises", text, stage="raises")


class Process:
    """One submission's file, running.

    Parameters
    ----------
    cells : list of (str, str)
        Its code.
    beside : dict of str to bytes
        Files that are in the folder where it runs.
    seconds : float
        Time limit for running the file, and then for each exercise. Only the time spent waiting for the process counts,
        not the grader's own work.
    budget : list of float
        One number, the seconds that are left for the whole submission; it is counted down here.

    Attributes
    ----------
    names : set of str
        Names of the functions that the file defines.
    trouble : str
        The first thing that went wrong in running the file, or "".
    """

    def __init__(self, cells, beside, seconds, budget):
        self.cells, self.seconds, self.budget = cells, seconds, budget
        self.count, self.buffer = 0, b""
        self.folder = tempfile.TemporaryDirectory(prefix="minivae-grade-", ignore_cleanup_errors=True)
        for name, data in beside.items():
            target = pathlib.Path(self.folder.name, name)
            with contextlib.suppress(OSError, ValueError):   # a name that this system cannot have
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        self.process = launch(self.folder.name)
        self.requests, self.replies = queue.Queue(), queue.Queue()
        threading.Thread(target=self._exchange, daemon=True).start()   # it may hang for ever, and nobody waits for it
        self._start()

    def _start(self):
        """Wait until Python has started in the process; the time for this does not count."""
        self.left, start_budget = TO_START, [float(TO_START)]
        self.budget, budget = start_budget, self.budget
        try:
            if self._ask(b"", "starting").get("started") is not True:
                raise Stopped("it sent something else")
        except (Failed, OutOfTime) as error:
            message = printable(self.process.error_message(), 400)
            self.stop()
            raise NotStarted(f"the process for a submission does not start: {message or error}") from None
        finally:
            self.budget = budget

    def run(self, skipped=(), last=None):
        """Run the file.

        Raises
        ------
        Failed or OutOfTime
            If the file ended the process, or took too long; ``reached`` is then the number, place and seconds of the
            statement that was running.
        """
        self.renew()
        self.reached, since = None, time.monotonic()
        message = to_line({"cells": self.cells, "skipped": sorted(skipped), "last": last})
        try:
            reply = self._ask(message, "running the file")
            while set(reply) == {"begins", "place"}:
                if type(reply["begins"]) is not int or not isinstance(reply["place"], str):
                    raise Stopped("running the file: its process sent something that is not an answer")
                self.reached, since = (reply["begins"], printable(reply["place"], 80), 0.0), time.monotonic()
                reply = self._ask(b"", "running the file")
            names, trouble = reply.get("names"), reply.get("trouble")
            if not isinstance(names, list) or not isinstance(trouble, str):   # written by the file, not by the child
                raise Stopped("running the file: its process sent something that is not an answer")
            self.names = {name for name in names if isinstance(name, str)}
            self.trouble = printable(trouble)
        except BaseException:
            if self.reached:
                self.reached = (*self.reached[:2], time.monotonic() - since)
            self.stop()
            raise

    def renew(self):
        """Start the time limit again, for the next exercise."""
        self.left = self.seconds

    def call(self, name, given):
        """Call a function of the submission and return its reply; meanwhile call those of ours that it asks for."""
        functions = []
        self.count += 1
        message = {"call": name, "id": self.count, "given": [encoded(part, functions) for part in given]}
        reply = self._reply(to_line(message), name, len(given))
        while "ask" in reply:
            reply = self._reply(to_line(_answer(functions, reply)), name, len(given))
        return reply

    def used(self):
        """Return the process's own list of what it has used so far; an empty list if it sends none."""
        with contextlib.suppress(Failed, OutOfTime):
            used = self._ask(to_line({"used": None}), "what it used").get("used") if self.running else None
            if isinstance(used, list) and len(used) <= MOST and all(isinstance(text, str) for text in used):
                return [printable(text, 150) for text in used]
        return []

    def _reply(self, line, name, arguments):
        try:
            return checked_reply(self._ask(line, name), self.count, arguments)
        except Garbled as error:
            self.stop()
            raise Stopped(f"its process sent something that is not an answer: {error}") from None

    def _ask(self, line, doing):
        self.requests.put(line)
        reply = self._wait()
        if isinstance(reply, str):
            self.stop()
            raise Stopped(f"{doing}: {reply}" if doing == "running the file" else reply)
        try:
            return from_line(reply)
        except Garbled as error:
            self.stop()
            raise Stopped(f"its process sent something that is not an answer: {error}") from None

    def _wait(self):
        """Wait for a reply. A process that has ended sends none, even if another one still holds its pipe open."""
        while True:
            ended, began = not self.running, time.monotonic()
            try:
                return self.replies.get(timeout=GRACE if ended else max(0.0, min(PATIENCE, self.left, self.budget[0])))
            except queue.Empty:
                if ended:
                    return ENDED
                if self.budget[0] <= 0:
                    self.stop()
                    raise OutOfTime("the time for the whole submission is over")
                if self.left <= 0:
                    self.stop()
                    raise OutOfTime(f"it did not finish within {self.seconds:g} seconds: an endless loop, or very "
                                    "slow?")
            finally:
                waited = time.monotonic() - began
                self.left -= waited
                self.budget[0] -= waited

    def _exchange(self):
        """Write a request and read its reply, until the process is stopped; runs in a thread of its own."""
        for line in iter(self.requests.get, None):
            try:
                self.process.stdin.write(line)
                self.replies.put(self._read())
            except (OSError, ValueError):
                self.replies.put(ENDED)

    def _read(self):
        parts = [self.buffer]
        length = len(self.buffer)
        while b"\n" not in parts[-1]:
            part = os.read(self.process.stdout.fileno(), 2**16)
            length += len(part)
            if not part:
                return ENDED
            if length > LONGEST:
                return "its process sent more than can be an answer"
            parts.append(part)
        line, _, self.buffer = b"".join(parts).partition(b"\n")
        return line

    def stop(self):
        """End the process and the processes that it has started."""
        self.process.stop()
        self.requests.put(None)
        self.folder.cleanup()

    @property
    def running(self):
        return self.process.running


class RemoteFunction:
    """A function of a submission, called in its process; to be used like a ``foreign.Local``."""

    def __init__(self, process, name):
        self.process, self.name = process, name
        self.warned, self.printed, self._returned = [], "", []
        self._stopped = Stopped("its process has ended")

    def __call__(self, *given):
        if not self.process.running:   # every call after the one that ended it says why
            raise self._stopped
        try:
            reply = self.process.call(self.name, given)
        except Stopped as stopped:
            self._stopped = stopped
            raise
        for k in reply["changed"]:
            _fill_with_nan(given[k])
        self.warned = [printable(text) for text in reply["warned"]]
        if "failed" in reply:
            raise Failed("raises", printable(reply["failed"], 500), unwritten=reply["unwritten"],
                         about=reply["about"])
        if reply["overwrote"]:
            for array in self._returned:   # the array that was overwritten may have been returned many times
                _fill_with_nan(array)
        try:
            result = decoded(reply["result"])
        except Garbled as error:
            raise Failed("dtype", f"what it returned cannot be read: {error}") from None
        self._returned = [*self._returned, *arrays_in(result)][-REMEMBERED:]
        return result


def _answer(functions, reply):
    """Return the value of one of the grader's functions, at a point that the submission chose."""
    try:
        with np.errstate(all="ignore"):
            return {"value": encoded(plain(functions[reply["ask"]](decoded(reply["at"]))))}
    except Exception as error:   # the point may be anything
        return {"failed": f"{type(error).__name__}: {printable(error)}"}


def _fill_with_nan(value):
    """Make it visible on this side that the submission changed an array on its side."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        value.fill(np.nan)
    elif isinstance(value, dict):
        value.clear()
