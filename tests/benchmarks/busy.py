"""One training step beside busy neighbours: python tests/benchmarks/busy.py [--rounds 10]

The neighbours are processes that this program starts itself: each multiplies in Python without a pause. Every engine
works in a process of its own; they take turns, a burst of steps each, round after round, and ratios are taken within
a round. It is measured with no neighbour, with one, and with two. Engines that are not installed are left out. Writes
results/busy.md.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

from step import BATCHES, SIZES, THREADS   # noqa: E402
from timing import machine, write_tables   # noqa: E402

ENGINES = {  # name -> (engine in peers.py, cores that it may use, threads that its libraries may start)
    "minivae, one thread": ("minivae", 2, 1),
    "minivae, two threads of its own": ("minivae, two threads of its own", 2, 1),
    "minivae, one thread and BLAS's two": ("minivae", 2, 2),
    "PyTorch, fused Adam, one thread": ("PyTorch, fused Adam", 2, 1),
    "PyTorch, fused Adam, two threads": ("PyTorch, fused Adam", 2, 2),
    "JAX, held to one core": ("JAX, jit, donated buffers", 1, 1),
    "JAX, two threads": ("JAX, jit, donated buffers", 2, 2),
}
REFERENCE = "minivae, one thread"
NEIGHBOURS = (0, 1, 2)


@contextlib.contextmanager
def busy(count):
    """Keep so many other processes busy within the block."""
    work = ("import os, sys\nx = 1\nwhile os.getppid() == int(sys.argv[1]):\n"  # it ends if this program is killed
            "  for _ in range(10**6): x = x * 3 % 1000003")
    processes = [subprocess.Popen([sys.executable, "-c", work, str(os.getpid())]) for _ in range(count)]
    try:
        time.sleep(0.3 * bool(count))  # until they have started
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def worker(engine, size, cores, threads):
    """Start an engine in a process of its own, or return None if it is not installed."""
    environment = dict(os.environ, **dict.fromkeys(THREADS, str(threads)))
    command = [sys.executable, str(HERE / "step.py"), "--work", engine, size, str(cores), "wall", "0"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    losses = json.loads(process.stdout.readline())
    return None if isinstance(losses, str) else process


def measure(size, rounds, burst, engines=ENGINES):
    """Return the milliseconds of a step by number of neighbours and engine, one for each round."""
    workers = {name: worker(engine, size, cores, threads) for name, (engine, cores, threads) in engines.items()}
    workers = {name: process for name, process in workers.items() if process is not None}
    times = {count: {name: [] for name in workers} for count in NEIGHBOURS}
    for count in NEIGHBOURS:
        print(f"beside {count}", flush=True)
        with busy(count):
            for _ in range(rounds):
                for name, process in workers.items():
                    time.sleep(0.05)  # for the threads of the one before to lie down
                    print(burst, file=process.stdin, flush=True)
                    times[count][name].append(1000 * json.loads(process.stdout.readline()))
    for process in workers.values():
        process.stdin.close()
        process.wait()
    return times


def rows_of(times):
    """Return a row for each engine: milliseconds and the ratio to minivae on one thread, for each number of neighbours.
    """
    rows = []
    for name in times[0]:
        cells = [name]
        for by_engine in times.values():
            ratios = [time / other for time, other in zip(by_engine[name], by_engine[REFERENCE])]
            cells += [f"{statistics.median(by_engine[name]):.3g}", f"{statistics.median(ratios):.2f}"]
        rows.append(cells)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1], help="which sizes of step.py, from 0 (default 1)")
    arguments = parser.parse_args()
    columns = ["", *(column for words in ("alone", "beside one", "beside two") for column in (f"{words}, ms", "ratio"))]
    tables = []
    for size in [list(SIZES)[i] for i in arguments.sizes]:
        rows = rows_of(measure(size, arguments.rounds, SIZES[size].burst))
        print(size, *("  {:34} {:>9} {:>6} {:>9} {:>6} {:>9} {:>6}".format(*cells) for cells in rows), sep="\n",
              flush=True)
        tables.append((f"{size}, {SIZES[size].activation}", columns, rows))
    if len(rows) == len(ENGINES):
        write_tables(HERE / "results" / "busy.md", "One training step beside busy neighbours",
                     f"{machine()} float32, {BATCHES} batches in turn. Milliseconds a step: the median over "
                     f"{arguments.rounds} rounds, in which the engines took turns; then the median of the ratios to "
                     "minivae on one thread in the same round. The neighbours are one or two processes that "
                     "never pause.", tables)


if __name__ == "__main__":
    main()
