"""A submission's process as the grader sees it: functions to be called, each with a time limit.

Inputs, differences and verdicts stay on this side. What comes from the other side is an answer, whoever wrote it: a
patched package or a forged message there gains nothing here but wrong numbers.
"""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from ..exercises.answers.foreign import Failed, arrays_in, plain, printable
from ..exercises.answers.limits import OutOfTime
from .channel import LONGEST, Garbled, decoded, encoded, from_line, to_line

__all__ = ["Process", "Remote", "Stopped"]

ROOT = pathlib.Path(__file__).resolve().parents[3]
BEGIN = ("import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
         "from minivae.grading.child import main; main(sys.argv[2])")
REMEMBERED = 100             # arrays handed over that may turn out to have been filled anew
PATIENCE, GRACE = 0.2, 0.5   # seconds between two looks at the process, and for a reply that is still on its way
ENDED = "its process ended before it answered: os._exit, a crash, or out of memory"
HANDED_DOWN = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE",
               "LOCALAPPDATA")   # of the environment; there may be secrets in the rest


class Stopped(Failed):
    """The process has ended, or had to be ended."""

    def __init__(self, text):
        super().__init__("raises", text)


class Process:
    """One submission, running.

    Parameters
    ----------
    path : path-like
    seconds : float
        Time limit: of running the file, and then of each exercise. Only the waiting for it counts, not the grader's own
        work in between.

    Attributes
    ----------
    names : set of str
        Of the functions that it defines.
    trouble : str
        The first thing that went wrong in it, or "".
    """

    def __init__(self, path, seconds):
        self.seconds, self.count, self.buffer = seconds, 0, b""
        self.folder = tempfile.TemporaryDirectory(prefix="minivae-grade-", ignore_cleanup_errors=True)
        environment = {key: os.environ[key] for key in HANDED_DOWN if key in os.environ}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, _places(), str(pathlib.Path(path).resolve())], bufsize=0, cwd=self.folder.name,
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self.out, self.back = queue.Queue(), queue.Queue()
        threading.Thread(target=self._exchange, daemon=True).start()   # it may hang for ever; nobody waits for it
        self.renew()
        try:
            told = self._ask(b"", "running the file")
            names, trouble = told.get("names"), told.get("trouble")
            if not isinstance(names, list):   # written by the file, not by the child
                raise Stopped("running the file: its process sent something that is not an answer")
            self.names = {str(name) for name in names}
            self.trouble = printable(trouble) if isinstance(trouble, str) else ""
        except BaseException:
            self.stop()
            raise

    def renew(self):
        """Begin the time limit anew."""
        self.left = self.seconds

    def call(self, name, given):
        """Call a function over there; return the reply, a dict, and answer what it asks meanwhile."""
        functions = []
        self.count += 1
        message = {"call": name, "id": self.count, "given": [encoded(part, functions) for part in given]}
        reply = self._ask(to_line(message), name)
        while "ask" in reply:
            reply = self._ask(to_line(_answer(functions, reply)), name)
        if reply.get("id") != self.count:
            self.stop()
            raise Stopped("its process sent an answer to another question")
        return reply

    def _ask(self, line, doing):
        self.out.put(line)
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
        """Wait for a reply, but not for a process that has ended while another still holds its pipe."""
        while True:
            ended, began = not self.running, time.monotonic()
            try:
                return self.back.get(timeout=GRACE if ended else max(0.0, min(PATIENCE, self.left)))
            except queue.Empty:
                if ended:
                    return ENDED
                if self.left <= 0:
                    self.stop()
                    raise OutOfTime(f"it did not finish within {self.seconds:g} seconds: an endless loop, or very "
                                    f"slow?")
            finally:
                self.left -= time.monotonic() - began

    def _exchange(self):
        """Write a line, read a line, for ever."""
        while True:
            line = self.out.get()
            try:
                self.process.stdin.write(line)
                self.back.put(self._read())
            except (OSError, ValueError):
                self.back.put(ENDED)

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
        """End the process and whatever it has started."""
        try:
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        except OSError:   # it has ended already
            pass
        self.process.wait()
        self.folder.cleanup()

    @property
    def running(self):
        return self.process.poll() is None


class Remote:
    """One function of a submission, to be called like a ``foreign.Local``."""

    def __init__(self, process, name):
        self.process, self.name = process, name
        self.warned, self.printed, self._handed = [], "", []

    def __call__(self, *given):
        if not self.process.running:
            raise Stopped("its process has ended")
        reply = self.process.call(self.name, given)
        for k in reply.get("changed") or ():
            if isinstance(k, int) and 0 <= k < len(given):
                _spoil(given[k])
        if reply.get("overwrote") is True:
            for array in self._handed:   # the one that it fills anew may have been handed over many times
                _spoil(array)
        self.warned = [printable(text) for text in reply.get("warned") or () if isinstance(text, str)]
        if isinstance(reply.get("failed"), str):
            raise Failed("raises", printable(reply["failed"], 500), unwritten=reply.get("unwritten") is True)
        try:
            result = decoded(reply.get("result"))
        except Garbled as error:
            raise Failed("dtype", f"what it returned cannot be read: {error}") from None
        self._handed = [*self._handed, *arrays_in(result)][-REMEMBERED:]
        return result


def _places():
    """Where modules are found, as here, but not in whatever folder a submission may write to."""
    return json.dumps([str(ROOT), *(os.path.abspath(place) for place in sys.path if place)])


def _answer(functions, reply):
    """What a function that was kept here says, at a point that comes from there."""
    try:
        with np.errstate(all="ignore"):
            return {"value": encoded(plain(functions[reply["ask"]](decoded(reply.get("at")))))}
    except Exception as error:   # the point may be anything
        return {"failed": f"{type(error).__name__}: {printable(error)}"}


def _spoil(value):
    """Make it visible here that an array was changed over there."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        value.fill(np.nan)
    elif isinstance(value, dict):
        value.clear()
