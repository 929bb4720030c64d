"""What runs in the process of a submission: its file, and then its functions, whenever the grader calls them.

Requests come as lines on standard input and replies leave on standard output. Both streams are taken from the
submission before it runs, so what it prints goes nowhere. ``remote`` is the grader's side of the same exchange.
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

__all__ = ["fork_server", "serve"]

PR_SET_PDEATHSIG = 1
MEMORY, FILE_SIZE = 4 * 2**30, 64 * 2**20   # bytes that it may use, and that it may write into one file


def fork_server():
    """Fork a process for each request on standard input, a socket; send its pid, and a message when it has ended."""
    _import_what_is_needed()
    _end_with_the_grader()
    grader = socket.socket(fileno=0)
    grader.send(b"ready")
    while True:
        folder, pipes, *_ = socket.recv_fds(grader, 10_000, 2)
        if not folder:
            return
        in_session, until_then = os.pipe()
        pid = os.fork()
        if not pid:
            _leave_the_server(grader, pipes, in_session, until_then)
            serve(os.fsdecode(folder))
            os._exit(0)
        for pipe in (*pipes, until_then):
            os.close(pipe)
        os.read(in_session, 1)   # returns once the child has a session: the grader may end it from here on
        os.close(in_session)
        grader.send(b"%d" % pid)
        os.waitpid(pid, 0)
        grader.send(b"ended")


def _import_what_is_needed():
    """Import what most submissions import, once for all of them."""
    for name in ("minivae", "minivae.exercises", "IPython.core.inputtransformer2"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _leave_the_server(grader, pipes, *of_the_server):
    """Give a forked process a session, standard streams and random numbers of its own."""
    os.setsid()
    for pipe in of_the_server:
        os.close(pipe)
    grader.detach()
    for stream, pipe in enumerate(pipes):
        os.dup2(pipe, stream)
        os.close(pipe)
    np.random.seed()


def _check_nothing():
    """Make ``exercises.check`` do nothing: a notebook's own checks take time, and so does what follows a passed one."""
    from .. import exercises
    from ..exercises.collection import find

    def check(name, function, **_):
        return exercises.ExerciseReport(find(name), undecided=("not judged", "while it is graded it checks nothing"))

    exercises.check = exercises.course.check = check


def serve(folder=None):
    """Run the submission that comes with the first request, then answer requests until the grader closes the pipe."""
    requests, replies = _own_streams()
    _end_with_the_grader()
    _limit_itself()
    sys.dont_write_bytecode = True
    os.chdir(folder or sys.argv[2])
    sys.path.append(os.getcwd())   # last: a numpy.py beside the submission must not replace NumPy
    _check_nothing()
    server = _Server(requests, replies, Used(os.getcwd()))
    server.send({"started": True})
    request = from_line(next(requests))

    def begins(number, place):
        server.send({"begins": number, "place": place})

    namespace, trouble = run_cells(request["cells"], begins, set(request["skipped"]), request["last"])
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
        """Call the function that the message names and send its result; or send what has been used so far."""
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
            reply |= {"failed": failed.what, "unwritten": failed.unwritten, "about": failed.about}
        reply["changed"] = [k for k, part in enumerate(given) if encoded(part, []) != before[k]]
        reply["warned"] = call.warned
        self.send(reply)

    def call_back(self, number):
        """Return a function that asks the grader to call one of its own; the number says which."""
        def function(at):
            self.send({"ask": number, "at": encoded(plain(at))})
            reply = from_line(next(self.requests))
            if "failed" in reply:
                raise ValueError(reply["failed"])
            value = decoded(reply["value"])
            return value[()] if isinstance(value, np.ndarray) else value
        return function


def _own_streams():
    """Take standard input and output for the exchange with the grader, and leave empty ones to the submission."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return requests, replies


def _end_with_the_grader():
    """Let Linux end this process if the grader is killed. Elsewhere it ends when it next reads a request."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        except (OSError, AttributeError):
            pass


def _limit_itself():
    """Limit memory and the size of files, where the platform can."""
    try:
        import resource
    except ImportError:   # Windows
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, FILE_SIZE), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):   # a lower limit is set already, or none can be set
            pass
