"""How the grader starts Python: its own workers, and one process for each submission.

On Linux the process of a submission is forked from a fork server, a Python that has already imported NumPy. Elsewhere
it is started afresh. The fork server knows nothing of the grading: no seed, no solution, no other student's file.
"""

import atexit
import contextlib
import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile

__all__ = ["ForkServer", "NotStarted", "end_of", "forks", "launch", "make_unreadable", "start_folder", "start_python"]

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from minivae.grading.{0} import {1}; {1}()"
PR_SET_DUMPABLE = 4
TO_START, TO_END = 120, 20   # seconds: for Python and NumPy to start, and for a process that was killed to end
HANDED_DOWN = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "WINDIR",
               "USERPROFILE", "LOCALAPPDATA", "PYTHONHOME")   # environment variables; the others may hold secrets
LIBRARIES = ("LD_", "DYLD_")   # prefixes of the variables by which Python's own libraries are found


class NotStarted(OSError):
    """Python itself did not start, which is no submission's fault."""


def forks():
    """Return whether processes are forked: elsewhere a fork after NumPy's import is unsafe, or impossible."""
    return sys.platform == "linux"


def make_unreadable():
    """Keep submissions from reading this process's memory and environment, on Linux. Root can read both anyway."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


def launch(folder):
    """Start the process of a submission, which will run in ``folder``."""
    return ForkServer.current().fork(folder) if forks() else Started(folder)


class Started:
    """The process of a submission, started afresh.

    Attributes
    ----------
    stdin, stdout : binary files
        The pipes to the process and from it.
    """

    def __init__(self, folder):
        self.stderr, self.start_folder = tempfile.TemporaryFile(), start_folder()
        self.process = _start_isolated("serve", [str(folder)], self.start_folder, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=self.stderr)
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    @property
    def running(self):
        return self.process.poll() is None

    def error_message(self):
        """Return what Python wrote when it did not start."""
        return end_of(self.stderr)

    def stop(self):
        """End the process, and all the processes of its session."""
        _kill_group(self.process.pid)
        if not hasattr(os, "killpg"):
            self.process.kill()
        self.process.wait()
        _close(self.stdin, self.stdout)
        self.start_folder.cleanup()


class Forked:
    """The process of a submission, forked by the fork server; to be used like ``Started``."""

    def __init__(self, server, pid, stdin, stdout):
        self.server, self.pid, self.stdin, self.stdout, self._ended = server, pid, stdin, stdout, False

    @property
    def running(self):
        self._ended = self._ended or self.server.message(0) is not None
        return not self._ended

    def error_message(self):
        return ""

    def stop(self):
        """End the process, and all the processes of its session."""
        _kill_group(self.pid)
        if not self._ended and self.server.message(TO_END) is None:
            self.server.stop()
        self._ended = True
        _close(self.stdin, self.stdout)


class ForkServer:
    """A process that forks one submission's process after another, one at a time. ``child.fork_server`` runs in it."""

    _current = None

    @classmethod
    def current(cls):
        """Return this process's fork server, and start a new one if there is none or a submission has ended it."""
        if cls._current is None or cls._current.process.poll() is not None:
            cls._current = cls()
            atexit.register(cls._current.stop)
        return cls._current

    def __init__(self):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)   # which keeps messages apart
        self.stderr, self.start_folder = tempfile.TemporaryFile(), start_folder()
        self.process = _start_isolated("fork_server", [], self.start_folder, stdin=theirs, stdout=subprocess.DEVNULL,
                                       stderr=self.stderr)
        theirs.close()
        if self.message(TO_START) != b"ready":
            self.stop()
            raise NotStarted(f"the process for a submission does not start: {end_of(self.stderr)}")

    def fork(self, folder):
        """Fork a process that will run in ``folder``, and give it two pipes of its own to the grader."""
        (their_stdin, stdin), (stdout, their_stdout) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self.socket, [os.fsencode(str(folder))], [their_stdin, their_stdout])
            pid = int(self.message(TO_START))
        except (OSError, ValueError, TypeError):
            os.close(stdin)
            os.close(stdout)
            self.stop()
            raise NotStarted("the process for a submission does not start: it cannot be forked") from None
        finally:
            os.close(their_stdin)
            os.close(their_stdout)
        return Forked(self, pid, os.fdopen(stdin, "wb", buffering=0), os.fdopen(stdout, "rb", buffering=0))

    def message(self, seconds):
        """Return the server's next message; b"" if the server has ended, None if nothing comes within ``seconds``."""
        try:
            return self.socket.recv(100) if select.select([self.socket], [], [], seconds)[0] else None
        except OSError:
            return b""

    def stop(self):
        _kill_group(self.process.pid)
        self.process.wait()
        self.socket.close()
        self.start_folder.cleanup()
        if type(self)._current is self:
            type(self)._current = None


def start_python(module, function, arguments, folder, **options):
    """Start Python on a function of this package, such as "child" and "serve", in a session of its own."""
    # modules are found where they are found here, but this package comes first, so that no other is taken for it
    path = json.dumps([str(ROOT), *(os.path.abspath(place) for place in sys.path if place)])
    return subprocess.Popen([sys.executable, "-c", BEGIN.format(module, function), path, *arguments],
                            cwd=folder, start_new_session=True, **options)


def start_folder():
    """Return an empty folder to start Python in: the submission's own may hold a random.py."""
    return tempfile.TemporaryDirectory(prefix="minivae-start-", ignore_cleanup_errors=True)


def end_of(file):
    """Return the end of what a process wrote into a file, in one line."""
    file.seek(0)
    return " ".join(file.read().decode("utf-8", "replace")[-600:].split())


def _start_isolated(function, arguments, folder, **streams):
    """Start a function of ``child`` without the grader's environment, which may hold secrets."""
    environment = {key: value for key, value in os.environ.items() if key in HANDED_DOWN or key.startswith(LIBRARIES)}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return start_python("child", function, arguments, folder.name, bufsize=0, env=environment, **streams)


def _kill_group(pid):
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):   # it has ended already
            os.killpg(pid, signal.SIGKILL)


def _close(*files):
    for file in files:
        with contextlib.suppress(OSError):
            file.close()
