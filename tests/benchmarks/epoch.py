"""What the loop adds to its steps: an epoch through mv.train beside the same number of bare steps.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/epoch.py

The epoch shuffles, binarizes, draws its noise, watches for numbers that are not finite, keeps the history and shows its
bar. The bare steps are forward, backward and Adam on batches that are ready. Both take turns. Writes results/epoch.md.
"""

import argparse
import contextlib
import io
import os
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

import minivae as mv   # noqa: E402
from peers import minivae as bare_step   # noqa: E402
from step import BATCHES, SIZES   # noqa: E402
from timing import CLOCKS, COLUMNS, add_clock, machine, row, write_tables   # noqa: E402


def measure(size, images, rounds, clock):
    """Return the milliseconds per step of each part in every round, by name."""
    hidden, latent, activation, batch, _ = SIZES[size]
    images = images[:max(12_000, 20 * batch)]
    steps, rng = len(images) // batch, np.random.default_rng(0)
    model = mv.VAE(784, hidden, latent, activation)

    def batches():
        return mv.data.minibatches(images, batch, "dynamic", rng=rng)

    ready = [(x, rng.standard_normal((batch, latent), dtype="float32")) for _, x in zip(range(BATCHES), batches())]
    step = bare_step(mv.VAE(784, hidden, latent, activation), ready)

    def epoch():
        with contextlib.redirect_stderr(io.StringIO()):
            mv.train(model, images, epochs=1, batch_size=batch, threads=1)

    parts = {
        "an epoch of mv.train": epoch,
        "its steps alone": lambda: [step(i % BATCHES) for i in range(steps)],
        "its data alone: shuffled, binarized": lambda: [x for x in batches()],
        "its noise alone": lambda: [rng.standard_normal((batch, latent), dtype="float32") for _ in range(steps)],
    }
    times = {name: [] for name in parts}
    for name, run in list(parts.items()) * (rounds + 1):
        start = clock()
        run()
        times[name].append(1000 * (clock() - start) / steps)
    return {name: values[1:] for name, values in times.items()}  # the first round warmed up


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    add_clock(parser)
    arguments = parser.parse_args()
    images, parts = mv.load_mnist().train_images, []
    for size in SIZES:
        times = measure(size, images, arguments.rounds, CLOCKS[arguments.clock])
        rows = [row(name, times[name], times["its steps alone"]) for name in times]
        parts.append((size, COLUMNS, rows))
        print(size, *("  {:36} {:>8} {:>16} {:>8}".format(*cells) for cells in rows), sep="\n", flush=True)
    write_tables(HERE / "results" / "epoch.md", "What the loop adds to its steps",
                f"{machine()} BLAS threads: {os.environ.get('OPENBLAS_NUM_THREADS', 'all')}. Milliseconds a step "
                f"({arguments.clock} time): the median over {arguments.rounds} rounds and the middle half; "
                "then the ratio to the steps alone, round by round.",
                 parts)


if __name__ == "__main__":
    main()
