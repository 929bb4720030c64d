"""Which cores are ours, and a BLAS held to one thread while threads of our own share them.

BLAS's own threads wait for each other at every matrix product, and they spin while they wait. On an idle machine that
gains little; beside a busy neighbour a step takes twice as long. So training and evaluation hold BLAS to one thread
while they compute, and give its threads back afterwards.
"""

import contextlib
import functools
import math
import os
import pathlib
import threading

import threadpoolctl

__all__ = ["free_cores", "one_blas_thread", "hold_this_thread"]


def free_cores():
    """Return how many cores this process may use: those of its affinity, fewer if its container is limited to fewer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, _container_limit())))


def _container_limit(root="/"):
    """Return how many cores' time the control groups of this process may use, infinity if there is no limit (Linux)."""
    root, limits = pathlib.Path(root), [math.inf]
    with contextlib.suppress(OSError, ValueError):
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").split()
        for _, controllers, group in (line.split(":", 2) for line in groups):
            mount = root / "sys/fs/cgroup" / ("cpu" if "cpu" in controllers.split(",") else "")
            place = mount / group.lstrip("/")
            if not place.exists():  # as inside a container, which sees its own group as the top
                place = mount
            depth = len(place.parts) - len(mount.parts)
            # a parent's limit counts too
            limits += [_limit_of(folder) for folder in [place, *place.parents][:depth + 1]]
    return min(limits)


def _limit_of(folder):
    """Return a control group's limit on processor time, in cores: version 2 keeps it in one file, version 1 in two."""
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
    """Holds BLAS to one thread from the first block that asks for it to the end of the last."""

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
    """Let this thread set limits: newer versions of threadpoolctl otherwise heed only the first thread that did."""
    for library in _controller().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


def hold_this_thread():
    """Hold BLAS to one thread in a worker that starts within the block: under OpenMP each thread has its own limit."""
    _controller().limit(limits=1, user_api="blas")


@functools.cache
def _controller():
    import numpy  # noqa: F401  (the controller finds the libraries that are loaded by now)
    return threadpoolctl.ThreadpoolController()


_hold = _Hold()


@contextlib.contextmanager
def one_blas_thread():
    """Hold NumPy's matrix products to one thread within a ``with`` block, and give their threads back afterwards.

    Blocks may be nested, and may run in several threads at once: the last to end gives the threads back.

    Yields
    ------
    blas : str
        What was held, for the record of a run: the library and its version, or that no known library was found. Then
        everything runs just as well, and the library decides about its threads.

    References
    ----------
    threadpoolctl, which scikit-learn uses for the same purpose.
    """
    with _hold:
        found = [f"{library['internal_api']} {library['version']}" for library in _controller().info()
                 if library["user_api"] == "blas"]
        yield (f"{', '.join(found)}, held to one thread" if found else
               "unknown to threadpoolctl, with threads of its own")
