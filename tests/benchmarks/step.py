"""One training step (forward, backward, Adam) beside other engines: python tests/benchmarks/step.py [--threads 1]

Every engine works in a process of its own, for their thread pools disturb each other. They take turns, a burst of steps
each, round after round, so that whatever else the machine does falls on all alike; ratios are taken within a round. All
start from the same weights, see the same batches, and must report the same losses. Writes results/step_THREADS.md.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

from timing import CLOCKS, COLUMNS, add_clock, machine, row, write_tables   # noqa: E402



class Size(NamedTuple):
    """A model and its batch, and how many steps make a burst: enough for threads to find their cores."""

    hidden: tuple
    latent: int
    activation: str
    batch: int
    burst: int


SIZES = {
    "784-200-200-50, batch 20": Size((200, 200), 50, "tanh", 20, 100),
    "784-500-20, batch 100": Size((500,), 20, "tanh", 100, 60),
    "784-400-20, batch 128": Size((400,), 20, "relu", 128, 60),
    "784-500-20, batch 1024": Size((500,), 20, "relu", 1024, 12),
}
IWAE_SIZE = {"784-200-200-50, IWAE of 5 samples, batch 200": Size((200, 200), 50, "tanh", 200, 8)}  # minivae alone
IWAE_SAMPLES = 5
BATCHES, CHECKED = 16, 20  # batches, each used again and again; steps whose losses must agree
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def work(peer, size, threads, clock, alone):
    """Be one engine: report the first losses, then time a burst for every number that comes in."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import numpy as np
    import minivae as mv
    from peers import PEERS
    (hidden, latent, activation, batch, _), rng = (SIZES | IWAE_SIZE)[size], np.random.default_rng(0)
    kind, samples = (mv.IWAE, IWAE_SAMPLES) if size in IWAE_SIZE else (mv.VAE, 1)
    model = kind(784, hidden, latent, activation)
    images = mv.load_mnist().train_images
    x = mv.data.minibatches(images[:BATCHES * batch], batch, "dynamic", rng=rng)
    batches = [(x, rng.standard_normal((batch * samples, latent), dtype="float32")) for x in x]
    try:
        step = PEERS[peer](model, batches)
        losses = [step(i % BATCHES) for i in range(CHECKED)]
    except ImportError as error:
        return print(json.dumps(f"not installed: {error.name}"), flush=True)
    print(json.dumps([None if loss is None else float(loss) for loss in losses]), flush=True)
    done = 0
    for line in sys.stdin:
        times = []
        if alone:
            set_priority(os.SCHED_FIFO, 5)
        for done in range(done, done + int(line)):
            start = clock()
            step(done % BATCHES)
            times.append(clock() - start)
        if alone:
            set_priority(os.SCHED_OTHER, 0)
        print(json.dumps(float(np.median(times))), flush=True)


def set_priority(policy, priority):
    """Give all threads of this process a place among everything else on the machine."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setscheduler(int(thread), policy, os.sched_param(priority))


def measure(size, names, threads, rounds, clock, alone):
    """Return the milliseconds of every engine in every round, by name; an engine that is not there has none."""
    workers, losses, times = {}, {}, {}
    for name in names:
        if ("of its own" in name and threads == 1) or ("minivae" not in name and size in IWAE_SIZE):
            continue
        blas = 1 if "of its own" in name else threads
        environment = dict(os.environ, **dict.fromkeys(THREADS, str(blas)))
        command = [sys.executable, __file__, "--work", name, size, str(threads), clock, str(int(alone))]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        first = json.loads(worker.stdout.readline())
        if isinstance(first, str):
            print(f"  {name}: {first}")
            continue
        workers[name], losses[name], times[name] = worker, first, []
    for name, values in losses.items():
        for value, ours in zip(values, losses["minivae"]):
            if value is not None and abs(value / ours - 1) > 1e-3:
                raise SystemExit(f"{name} does not compute the same: losses {values}, minivae's {losses['minivae']}")
    for _ in range(rounds):
        for name, worker in workers.items():
            time.sleep(0.05)  # for the threads of the one before to lie down
            print((SIZES | IWAE_SIZE)[size].burst, file=worker.stdin, flush=True)
            times[name].append(1000 * json.loads(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return times


def main():
    from peers import PEERS
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of every engine (default: all)")
    parser.add_argument("--rounds", type=int, default=30)
    add_clock(parser)
    parser.add_argument("--alone", action="store_true",
                        help="real-time priority while an engine's steps are timed: for a "
                        "machine that is busy with other things (Linux, as root)")
    parser.add_argument("--only", nargs="*", default=list(PEERS), help="names of engines")
    parser.add_argument("--sizes", nargs="*", type=int, default=range(len(SIZES) + 1), help="which sizes, from 0")
    arguments = parser.parse_args()
    parts = []
    for size in [[*SIZES, *IWAE_SIZE][i] for i in arguments.sizes]:
        print(size, flush=True)
        times = measure(size, dict.fromkeys(["minivae", *arguments.only]), arguments.threads, arguments.rounds,
                        arguments.clock, arguments.alone)
        rows = [row(name, times[name], times["minivae"]) for name in times]
        parts.append((f"{size}, {(SIZES | IWAE_SIZE)[size].activation}", COLUMNS, rows))
        print(*("  {:32} {:>8} {:>16} {:>8}".format(*cells) for cells in rows), sep="\n", flush=True)
    if set(arguments.only) == set(PEERS) and len(parts) == len(SIZES) + 1:
        write_tables(HERE / "results" / f"step_{arguments.threads}.md", "One training step beside other engines",
                     f"{machine()} {arguments.threads} thread(s) each, float32"
                     f"{', real-time priority' * arguments.alone}. Milliseconds a step ({arguments.clock} time): the "
                     f"median over {arguments.rounds} rounds, in which the engines took turns, and the middle half of "
                     "the rounds; then the median of the ratios to minivae's time of the same round: above 1 is slower "
                     "than minivae.", parts)


if __name__ == "__main__":
    if "--work" in sys.argv:
        peer, size, threads, clock, alone = sys.argv[2:]
        work(peer, size, int(threads), CLOCKS[clock], alone == "1")
    else:
        main()
