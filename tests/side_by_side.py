"""Tests in several processes: copies of this one, forked after the imports, which take one test file after another.

Their reports are shown as if the tests had run in this process. This is for Linux only, where a fork is safe with every
BLAS. With ``--pdb``, ``-s`` or ``--processes 1``, or for a single file, the tests run in this process.
"""

import itertools
import multiprocessing
import os
import sys
import traceback
import warnings
from multiprocessing.connection import wait

import pytest

MOST = 4   # processes by default


def pytest_addoption(parser):
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    parser.addoption("--processes", type=int, metavar="N", default=min(cores, MOST),
                     help=f"run the tests in so many processes (default: one a core, {MOST} at most)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Run the tests in copies of this process; return None, which leaves them to pytest, where they are to run here."""
    option = session.config.option
    files = [list(items) for _, items in itertools.groupby(session.items, lambda item: item.path)]
    processes = min(option.processes, len(files))
    if processes < 2 or session.testsfailed or option.collectonly or option.usepdb or option.capture == "no":
        return None
    session.config._tmp_path_factory.getbasetemp()   # one for all, which this process removes in time
    context = multiprocessing.get_context("fork")
    following = context.Value("i", 0)                # the next file that nobody has taken
    copies = {}
    for _ in range(processes):
        here, there = context.Pipe(duplex=False)
        copies[here] = context.Process(target=_take_files, args=(session, files, following, there))
        copies[here].start()
        there.close()
    try:
        _show(session, copies)
    finally:
        for copy in copies.values():
            copy.terminate()
            copy.join()
    return True


def _take_files(session, files, following, there):
    """Run in a copy: take one test file after another, and send the reports; None at the end."""
    config = session.config
    try:
        config.pluginmanager.unregister(name="terminalreporter")
        capture = config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()   # into a file that is the other processes' too
        capture.start_global_capturing()
        config.pluginmanager.register(_Sender(config, there))
        while (number := _taken(following)) < len(files):
            for item, after in itertools.zip_longest(files[number], files[number][1:]):
                config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        there.send(None)
    except BaseException:
        there.send(("", None, traceback.format_exc()))


def _taken(following):
    with following.get_lock():
        following.value += 1
        return following.value - 1


class _Sender:
    """A plugin that sends what pytest would show: (test, its place, nothing as it begins, a report or a warning)."""

    def __init__(self, config, there):
        self.config, self.there = config, there

    def pytest_runtest_logstart(self, nodeid, location):
        self.there.send((nodeid, location, None))

    def pytest_runtest_logreport(self, report):
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.there.send((report.nodeid, report.location, data))

    def pytest_warning_recorded(self, warning_message, nodeid, location):
        warned = warning_message
        again = warnings.WarningMessage(str(warned.message), warned.category, warned.filename, warned.lineno)
        self.there.send((nodeid, location, again))


def _show(session, copies):
    """Pass the reports of the copies to pytest, until all copies have finished."""
    hook, at, busy = session.config.hook, {}, set(copies)
    while busy:
        for here in wait(busy):
            try:
                message = here.recv()
            except EOFError:
                pytest.exit(f"a process that ran tests has ended: in {at.get(here)}", returncode=1)
            if message is None:
                busy.remove(here)
                continue
            at[here], location, news = message
            if isinstance(news, str):
                pytest.exit(f"a process that ran tests has broken off:\n{news}", returncode=1)
            if isinstance(news, warnings.WarningMessage):
                hook.pytest_warning_recorded.call_historic(kwargs=dict(
                    warning_message=news, when="runtest", nodeid=at[here], location=location))
            elif news is not None:
                report = hook.pytest_report_from_serializable(config=session.config, data=news)
                hook.pytest_runtest_logreport(report=report)
                if report.when == "teardown":
                    hook.pytest_runtest_logfinish(nodeid=at[here], location=location)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
