"""A long vector worked on by several threads, a slice to each.

NumPy lets go of Python's interpreter lock while it computes, so threads do run side by side. A line that treats every
number alike and apart from the others, as an optimizer's do, gives the same bits however the vector is cut.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

__all__ = ["in_slices"]

LEAST = 100_000  # numbers in a slice: below that the hand-over takes longer than the work


def in_slices(work, size):
    """Call ``work(part)`` for slices that together cover a vector, all at the same time.

    Parameters
    ----------
    work : callable
    size : int
        Length of the vector.
    """
    threads = max(1, min(thread_count(), size // LEAST))
    edges = [size * thread // threads for thread in range(threads + 1)]
    first, *others = map(slice, edges, edges[1:])
    running = [_pool(os.getpid()).submit(copy_context().run, work, part) for part in others]  # np.errstate goes along
    work(first)
    for other in running:
        other.result()  # waits, and raises what went wrong there


def thread_count():
    """Return how many threads to use: as many as this process has cores, or fewer if the environment says so of BLAS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [os.environ.get(name, "") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")]
    return min([cores, *(int(limit) for limit in limits if limit.isdecimal() and int(limit) > 0)])


@functools.lru_cache(maxsize=1)
def _pool(process):
    """The waiting threads of this process; a fork of it has none of them and must make its own."""
    return ThreadPoolExecutor(max_workers=thread_count())
