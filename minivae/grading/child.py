"""The process of one submission: it runs the file and then answers calls, with arrays and nothing else.

What is asked comes in lines on standard input, answers go out on standard output; both are taken away from the
submission before it runs, so that its own printing goes nowhere.
"""

import contextlib
import ctypes
import importlib
import math
import os
import signal
import socket
import sys

import numpy as np

from ..exercises.answers.foreign import Failed, Local, arrays_in, plain
from .channel import decoded, encoded, from_line, to_line
from .submission import run_cells
from .used import Used

__all__ = ["serve", "nurse"]

PR_SET_PDEATHSIG = 1
MEMORY, FILE_SIZE = 4 * 2**30, 64 * 2**20   # bytes that it may take, and write into one file


def nurse():
    """Fork a child for each submission that is asked for on standard input, a socket, and say when it has ended."""
    _import_what_is_needed()
    _end_with_the_grader()
    asked = socket.socket(fileno=0)
    asked.send(b"ready")
    while True:
        folder, pipes, *_ = socket.recv_fds(asked, 10_000, 2)
        if not folder:
            return
        pid = os.fork()
        if not pid:
            _become_a_child(asked, pipes)
            serve(os.fsdecode(folder))
            os._exit(0)
        for pipe in pipes:
            os.close(pipe)
        asked.send(b"%d" % pid)
        os.waitpid(pid, 0)
        asked.send(b"ended")


def _import_what_is_needed():
    """Import once what most submissions import."""
    for name in ("minivae", "minivae.exercises", "IPython.core.inputtransformer2"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _become_a_child(asked, pipes):
    """Leave the nursery: a session, standard streams and random numbers of its own."""
    os.setsid()
    asked.detach()
    for stream, pipe in enumerate(pipes):
        os.dup2(pipe, stream)
        os.close(pipe)
    np.random.seed()


def _check_nothing():
    """Let a notebook's own checks pass by: they take time, and what follows a check that passes takes more."""
    from .. import exercises
    from ..exercises.collection import find

    def check(name, function, **_):
        return exercises.ExerciseReport(find(name), undecided=("not judged", "while it is graded it checks nothing"))

    exercises.check = exercises.course.check = check


def serve(folder=None):
    """Run a submission, which comes with the first request, and serve until the grader goes away."""
    requests, replies = _own_streams()
    _end_with_the_grader()
    _limit_itself()
    sys.dont_write_bytecode = True
    os.chdir(folder or sys.argv[2])
    sys.path.append(os.getcwd())   # last: a numpy.py beside the submission must not stand for NumPy
    _check_nothing()
    server = _Server(requests, replies, Used(os.getcwd()))
    server.send({"started": True})
    asked = from_line(next(requests))

    def begins(number, place):
        server.send({"begins": number, "place": place})

    namespace, trouble = run_cells(asked["cells"], begins, set(asked["skipped"]), asked["last"])
    server.namespace = namespace
    server.send({"names": [name for name, value in namespace.items() if callable(value)], "trouble": trouble})
    for line in requests:
        server.answer(from_line(line))


class _Server:
    def __init__(self, requests, replies, used):
        self.requests, self.replies, self.used, self.namespace = requests, replies, used, {}
        self.calls, self.earlier, self.kept = {}, [], []

    def send(self, message):
        self.replies.write(to_line(message))
        self.replies.flush()

    def answer(self, message):
        """Call the function that is asked for and send what it returns; or send what has been used so far."""
        if "call" not in message:
            self.send({"used": self.used.found})
            return
        name = message["call"]
        watched = contextlib.nullcontext() if name in self.calls else self.used.watched(name)
        call = self.calls.setdefault(name, Local(self.namespace[name], seconds=0, in_all=math.inf))
        given = [decoded(part, self.call_back) for part in message["given"]]
        before = [encoded(part, []) for part in given]
        reply = {"id": message["id"]}
        try:
            with watched:
                result = call(*given)
            overwrote = any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(self.earlier, self.kept))
            reply |= {"result": encoded(result), "overwrote": overwrote}
            self.earlier = arrays_in(result)
            self.kept = [array.copy() for array in self.earlier]
        except Failed as failed:
            reply |= {"failed": failed.fault.text, "unwritten": failed.unwritten, "about": failed.about}
        reply["changed"] = [k for k, part in enumerate(given) if encoded(part, []) != before[k]]
        reply["warned"] = call.warned
        self.send(reply)

    def call_back(self, number):
        """Return what stands here for a function that the grader keeps."""
        def function(at):
            self.send({"ask": number, "at": encoded(plain(at))})
            reply = from_line(next(self.requests))
            if "failed" in reply:
                raise ValueError(reply["failed"])
            value = decoded(reply["value"])
            return value[()] if isinstance(value, np.ndarray) else value
        return function


def _own_streams():
    """Keep standard input and output for the grader, and give the submission empty ones."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return requests, replies


def _end_with_the_grader():
    """Let Linux end this process when the grader is killed; elsewhere it ends when it next reads a request."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        except (OSError, AttributeError):
            pass


def _limit_itself():
    """Bound memory and files, where the platform can."""
    try:
        import resource
    except ImportError:   # Windows
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, FILE_SIZE), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):   # a lower limit stands already, or none can be set
            pass
