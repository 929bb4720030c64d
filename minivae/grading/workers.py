"""Several submissions graded at once: workers, which are processes of the grader's own and send back rows.

A worker that ends, whatever a submission did to it, loses the row of that submission only, and another worker takes its
place. Tasks and rows are sent as lines of JSON: reading them cannot run anything.
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
from .launch import TO_END, NotStarted, end_of, make_unreadable, start_folder, start_python

__all__ = ["graded_by", "work"]

READY = b'"ready"\n'


def graded_by(jobs, submissions, settings):
    """Grade submissions on several workers, and yield the number and the row of each as it is done.

    Parameters
    ----------
    jobs : int
        How many workers.
    submissions : list of Submission
    settings : tuple
        The arguments of ``grade`` that follow the submission.

    Raises
    ------
    NotStarted
        If Python does not start.
    """
    tasks, rows, workers, over = queue.Queue(), queue.Queue(), [], threading.Event()
    some_graded = all_graded = False
    for task in enumerate(submissions):
        tasks.put(task)
    for _ in range(min(jobs, len(submissions))):
        threading.Thread(target=_feed_a_worker, args=(tasks, rows, workers, over, settings), daemon=True).start()
    try:
        for _ in submissions:
            number, row = rows.get()
            if isinstance(row, Exception):
                if not some_graded or not isinstance(row, NotStarted):
                    raise row
                row = Graded(submissions[number].name, {}, [f"could not be judged: {printable(row, 300)}"])
            some_graded = True
            yield number, row
        all_graded = True
    finally:
        over.set()
        for worker in list(workers):
            if not all_graded:
                worker.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(TO_END)


def _feed_a_worker(tasks, rows, workers, over, settings):
    """Send one submission after another to a worker and wait for its row; runs in a thread of the grader."""
    worker = None
    while not over.is_set():
        try:
            number, submission = tasks.get_nowait()
        except queue.Empty:
            break
        try:
            if worker is None:
                worker = _start_worker()
                workers.append(worker)
            worker.stdin.write(_task_to_line(submission, settings))
            worker.stdin.flush()
            row = _row_from_line(worker.stdout.readline())
        except NotStarted as error:
            row = error
        except (OSError, ValueError, KeyError, TypeError):   # it has ended, or its line is not a row
            text = "could not be judged: the grader's process ended while it graded this"
            row, worker = Graded(submission.name, {}, [*submission.trouble, text]), None
        except Exception as error:
            row = error
        rows.put((number, row))
    if worker is not None:
        worker.stdin.close()


def _start_worker():
    """Start a worker, or raise NotStarted if Python does not start, which is no submission's fault."""
    with start_folder() as folder, tempfile.TemporaryFile() as stderr:
        worker = start_python("workers", "work", [], folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=stderr)
        if worker.stdout.readline() != READY:
            worker.kill()
            raise NotStarted(f"the grader's own process does not start: {printable(end_of(stderr), 400)}")
        return worker


def work():
    """Grade the submissions that come on standard input until it ends: the main function of a worker."""
    make_unreadable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # an exit also ends the submission's process
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    tasks, rows = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    rows.write(READY)
    rows.flush()
    for line in tasks:
        try:
            row = grade(*_task_from_line(line))._asdict()
        except NotStarted as error:
            row = {"not started": str(error)}
        rows.write(json.dumps(row).encode("ascii") + b"\n")
        rows.flush()


def _task_to_line(submission, settings):
    """Return a submission and the settings as a line of JSON; the bytes of its other files are in base 64."""
    beside = {path: base64.b64encode(data).decode("ascii") for path, data in submission.beside.items()}
    message = {"submission": submission._asdict() | {"beside": beside}, "settings": list(settings)}
    return json.dumps(message).encode("ascii") + b"\n"


def _task_from_line(line):
    """Return the arguments of ``grade`` from a line."""
    message = json.loads(line)
    beside = {path: base64.b64decode(data) for path, data in message["submission"]["beside"].items()}
    return Submission(**message["submission"] | {"beside": beside}), *message["settings"]


def _row_from_line(line):
    """Return the row in a worker's line; raise ValueError, KeyError or TypeError if it is not one."""
    message = json.loads(line)
    if "not started" in message:
        raise NotStarted(message["not started"])
    if not (isinstance(message["name"], str) and isinstance(message["answers"], dict)
            and isinstance(message["trouble"], list) and isinstance(message["used"], list)
            and isinstance(message["seconds"], float)):
        raise ValueError("not a row")
    return Graded(message["name"], message["answers"], message["trouble"], message["seconds"], message["used"])


def _end_with(parent):
    """End this process once the grader has ended, even if the grader was killed."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
