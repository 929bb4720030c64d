"""Submissions graded side by side: workers, each a process of the grader's own, which hand back rows.

A worker that ends, whatever a submission did to it, costs that submission's row and is replaced by another. Tasks and
rows are lines of JSON, which cannot run anything where they are read.
"""

import base64
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

from ..exercises.answers.foreign import printable
from .folder import Submission
from .grade import Graded, grade
from .launch import TO_END, NotStarted, import_path, make_unreadable

__all__ = ["graded_by", "work"]

BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from minivae.grading.workers import work; work()"
READY = b'"ready"\n'


def graded_by(jobs, submissions, settings):
    """Yield each submission's number and row, as they come.

    Parameters
    ----------
    jobs : int
        Workers.
    submissions : list of Submission
    settings : tuple
        The further arguments of ``grade``.

    Raises
    ------
    NotStarted
        If Python does not start.
    """
    tasks, rows, workers, over = queue.Queue(), queue.Queue(), [], threading.Event()
    some = whole = False
    for task in enumerate(submissions):
        tasks.put(task)
    for _ in range(min(jobs, len(submissions))):
        threading.Thread(target=_hand_out, args=(tasks, rows, workers, over, settings), daemon=True).start()
    try:
        for _ in submissions:
            number, row = rows.get()
            if isinstance(row, Exception):
                if not some or not isinstance(row, NotStarted):
                    raise row
                row = Graded(submissions[number].name, {}, [f"could not be judged: {printable(row, 300)}"])
            some = True
            yield number, row
        whole = True
    finally:
        over.set()
        for worker in list(workers):
            if not whole:
                worker.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(TO_END)


def _hand_out(tasks, rows, workers, over, settings):
    """Hand one submission after another to a worker, in a thread of the grader."""
    worker = None
    while not over.is_set():
        try:
            number, submission = tasks.get_nowait()
        except queue.Empty:
            break
        try:
            if worker is None:
                worker = _worker()
                workers.append(worker)
            worker.stdin.write(_task(submission, settings))
            worker.stdin.flush()
            row = _row_of(worker.stdout.readline())
        except NotStarted as error:
            row = error
        except (OSError, ValueError, KeyError, TypeError):   # it ended, or wrote what is no row
            text = "could not be judged: the grader's process ended while it graded this"
            row, worker = Graded(submission.name, {}, [*submission.trouble, text]), None
        except Exception as error:
            row = error
        rows.put((number, row))
    if worker is not None:
        worker.stdin.close()


def _worker():
    """Start a worker; NotStarted if Python does not start, which is no submission's fault."""
    with tempfile.TemporaryDirectory(prefix="minivae-start-") as empty, tempfile.TemporaryFile() as told:
        worker = subprocess.Popen([sys.executable, "-c", BEGIN, import_path()], cwd=empty, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=told, start_new_session=True)
        if worker.stdout.readline() != READY:
            worker.kill()
            told.seek(0)
            words = printable(told.read()[-600:].decode("utf-8", "replace"), 400)
            raise NotStarted(f"the grader's own process does not start: {words}")
        return worker


def work():
    """Grade what comes on standard input until it ends: a worker's main function."""
    make_unreadable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # so that the submission's process is ended too
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    tasks, rows = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    rows.write(READY)
    rows.flush()
    for line in tasks:
        try:
            row = grade(*_task_of(line))._asdict()
        except NotStarted as error:
            row = {"not started": str(error)}
        rows.write(json.dumps(row).encode("ascii") + b"\n")
        rows.flush()


def _task(submission, settings):
    """A submission and the settings as a line; files that lie beside it may hold any bytes."""
    beside = {path: base64.b64encode(data).decode("ascii") for path, data in submission.beside.items()}
    message = {"submission": submission._asdict() | {"beside": beside}, "settings": list(settings)}
    return json.dumps(message).encode("ascii") + b"\n"


def _task_of(line):
    """The arguments of ``grade``, from a line."""
    message = json.loads(line)
    beside = {path: base64.b64decode(data) for path, data in message["submission"]["beside"].items()}
    return Submission(**message["submission"] | {"beside": beside}), *message["settings"]


def _row_of(line):
    """A row from a worker's line; ValueError, KeyError or TypeError if it is none."""
    message = json.loads(line)
    if "not started" in message:
        raise NotStarted(message["not started"])
    if not (isinstance(message["name"], str) and isinstance(message["answers"], dict)
            and isinstance(message["trouble"], list) and isinstance(message["used"], list)
            and isinstance(message["seconds"], float)):
        raise ValueError("no row")
    return Graded(message["name"], message["answers"], message["trouble"], message["seconds"], message["used"])


def _end_with(parent):
    """End this process when the grader has ended, be it by a kill."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
