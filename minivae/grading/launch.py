"""Starting the process of a submission: forked from one that has imported NumPy already, or, but on Linux, anew.

A nursery is a Python that has imported what submissions need and knows nothing of the grading: no seed, no reference,
nobody's file. For each submission it forks a child, which has pipes of its own to the grader, and says when it ended.
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

__all__ = ["NotStarted", "launched", "make_unreadable", "import_path", "forks"]

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN = ("import json, sys; sys.path[:] = json.loads(sys.argv[1]); from minivae.grading import child; child.{}()")
PR_SET_DUMPABLE = 4
TO_START, TO_END = 120, 20   # seconds that Python and NumPy may take to start, and a process that was killed to end
HANDED_DOWN = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "WINDIR",
               "USERPROFILE", "LOCALAPPDATA", "PYTHONHOME")   # of the environment; there may be secrets in the rest
LIBRARIES = ("LD_", "DYLD_")   # beginnings of those by which Python's own libraries are found


class NotStarted(OSError):
    """Python itself did not start: no submission's fault."""


def import_path():
    """Where modules are found, as here; first the place of this package, so that no other is taken for it."""
    return json.dumps([str(ROOT), *(os.path.abspath(place) for place in sys.path if place)])


def forks():
    """True where children are forked: elsewhere a fork after NumPy's import is not safe, or there is none."""
    return sys.platform == "linux"


def make_unreadable():
    """Keep a submission from reading this process's memory and environment, where Linux allows it: root may anyway."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


def launched(folder):
    """Start the process of a submission, which is to run in a folder."""
    return Nursery.one().child(folder) if forks() else Anew(folder)


class Anew:
    """A process that is started by itself.

    Attributes
    ----------
    stdin, stdout : binary files
        To it, and from it.
    """

    def __init__(self, folder):
        self.told, self.empty = tempfile.TemporaryFile(), _empty()
        self.process = _python("serve", [str(folder)], self.empty, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=self.told)
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    @property
    def running(self):
        return self.process.poll() is None

    def words(self):
        """What Python said when it did not start."""
        return _words(self.told)

    def stop(self):
        """End the process and whatever it has started in its session."""
        _kill_group(self.process.pid)
        if not hasattr(os, "killpg"):
            self.process.kill()
        self.process.wait()
        for file in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                file.close()
        self.empty.cleanup()


class Nursery:
    """A process that forks one child after another, one at a time."""

    _ready = None

    @classmethod
    def one(cls):
        """Return the nursery of this process; a new one if a submission has ended the last."""
        if cls._ready is None or cls._ready.process.poll() is not None:
            cls._ready = cls()
            atexit.register(cls._ready.stop)
        return cls._ready

    def __init__(self):
        self.socket, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)   # it keeps messages apart
        self.told, self.empty = tempfile.TemporaryFile(), _empty()
        self.process = _python("nurse", [], self.empty, stdin=there, stdout=subprocess.DEVNULL, stderr=self.told)
        there.close()
        if self.said(TO_START) != b"ready":
            self.stop()
            raise NotStarted(f"the process for a submission does not start: {_words(self.told)}")

    def child(self, folder):
        """Fork a child that will run in the folder."""
        (there_in, stdin), (stdout, there_out) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self.socket, [os.fsencode(str(folder))], [there_in, there_out])
            pid = int(self.said(TO_START))
        except (OSError, ValueError):
            os.close(stdin)
            os.close(stdout)
            self.stop()
            raise NotStarted("the process for a submission does not start: it cannot be forked") from None
        finally:
            os.close(there_in)
            os.close(there_out)
        return Child(self, pid, os.fdopen(stdin, "wb", buffering=0), os.fdopen(stdout, "rb", buffering=0))

    def said(self, seconds):
        """Return what the nursery says next; nothing if it has ended, None if it says nothing in time."""
        try:
            return self.socket.recv(100) if select.select([self.socket], [], [], seconds)[0] else None
        except OSError:
            return b""

    def stop(self):
        _kill_group(self.process.pid)
        self.process.wait()
        self.socket.close()
        self.empty.cleanup()
        if type(self)._ready is self:
            type(self)._ready = None


class Child:
    """A child of the nursery, as ``Anew``."""

    def __init__(self, nursery, pid, stdin, stdout):
        self.nursery, self.pid, self.stdin, self.stdout, self._ended = nursery, pid, stdin, stdout, False

    @property
    def running(self):
        self._ended = self._ended or self.nursery.said(0) is not None
        return not self._ended

    def words(self):
        return ""

    def stop(self):
        """End the process and whatever it has started in its session."""
        _kill_group(self.pid)
        if not self._ended and self.nursery.said(TO_END) is None:
            self.nursery.stop()
        self._ended = True
        for file in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                file.close()


def _python(what, words, empty, **streams):
    """Start Python on a function of ``child`` in an empty folder, with the environment emptied."""
    environment = {key: value for key, value in os.environ.items() if key in HANDED_DOWN or key.startswith(LIBRARIES)}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return subprocess.Popen([sys.executable, "-c", BEGIN.format(what), import_path(), *words], bufsize=0,
                            cwd=empty.name, env=environment, start_new_session=True, **streams)


def _empty():
    """A folder to start Python in: the submission's own may hold a random.py."""
    return tempfile.TemporaryDirectory(prefix="minivae-start-", ignore_cleanup_errors=True)


def _kill_group(number):
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):   # it has ended already
            os.killpg(number, signal.SIGKILL)


def _words(file):
    file.seek(0)
    return " ".join(file.read().decode("utf-8", "replace")[-600:].split())
