"""How many cores there are for this process, and threads of our own on them, with BLAS limited to one thread.

The threads of BLAS wait for each other at every matrix product, and use a core while they wait. That gains little on an
idle machine, and beside another busy process a step takes twice as long. So training and evaluation limit BLAS to one
thread while they compute, and lift the limit afterwards.
"""

import concurrent.futures
import contextlib
import functools
import math
import os
import pathlib
import threading

import threadpoolctl

__all__ = ["free_cores", "one_blas_thread", "hold_this_thread", "thread_pool"]


def free_cores():
    """Return how many cores this process may use: those of its affinity, or fewer by the limit of a container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, _container_limit())))


def _container_limit(root="/"):
    """Return the limit on this process's processor time by its control groups (Linux), in cores; infinity if none."""
    root, limits = pathlib.Path(root), [math.inf]
    with contextlib.suppress(OSError, ValueError):
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").split()
        for _, controllers, group in (line.split(":", 2) for line in groups):
            mount = root / "sys/fs/cgroup" / ("cpu" if "cpu" in controllers.split(",") else "")
            place = mount / group.lstrip("/")
            if not place.exists():  # in a container, which sees its own group as the root
                place = mount
            depth = len(place.parts) - len(mount.parts)
            # a limit of a parent group holds too
            limits += [_limit_of(folder) for folder in [place, *place.parents][:depth + 1]]
    return min(limits)


def _limit_of(folder):
    """Return a control group's limit on processor time, in cores, from one file (version 2) or two (version 1)."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8")
                             for name in ("quota", "period"))
        return int(quota) / int(period) if quota != "max" and int(quota) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


class _Hold:
    """Limits BLAS to one thread from the start of the first block that asks for it to the end of the last."""

    def __init__(self):
        self.lock, self.blocks, self.limits = threading.Lock(), 0, None

    def __enter__(self):
        with self.lock:
            if self.blocks == 0:
                _take_control()
                self.limits = _controller().limit(limits=1, user_api="blas")
            self.blocks += 1

    def __exit__(self, *error):
        with self.lock:
            self.blocks -= 1
            if self.blocks == 0:
                _take_control()
                self.limits.__exit__(*error)


def _take_control():
    """Let this thread set limits: newer versions of threadpoolctl otherwise obey only the first thread that set one."""
    for library in _controller().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


def hold_this_thread():
    """Limit BLAS to one thread in a worker thread: under OpenMP each thread has a limit of its own."""
    _controller().limit(limits=1, user_api="blas")


@functools.cache
def _controller():
    import numpy  # noqa: F401  (the controller finds the libraries that are loaded by now)
    return threadpoolctl.ThreadpoolController()


_hold = _Hold()


@contextlib.contextmanager
def one_blas_thread():
    """Limit NumPy's matrix products to one thread within a ``with`` block, and lift the limit afterwards.

    Blocks may be nested, and may run in several threads at once: the last one to end lifts the limit.

    Yields
    ------
    blas : str
        The library and its version, for the record of a run; or that no known library was found. Then everything still
        works, and the library decides how many threads it uses.

    References
    ----------
    threadpoolctl, which scikit-learn uses for the same purpose.
    """
    with _hold:
        found = [f"{library['internal_api']} {library['version']}" for library in _controller().info()
                 if library["user_api"] == "blas"]
        yield (f"{', '.join(found)}, held to one thread" if found else
               "unknown to threadpoolctl, with threads of its own")


@contextlib.contextmanager
def thread_pool(threads):
    """Open a pool of threads in which BLAS is limited to one thread each, for use within ``one_blas_thread``."""
    pool = concurrent.futures.ThreadPoolExecutor(threads, initializer=hold_this_thread)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # after an error or Ctrl-C, work that has not begun is dropped
