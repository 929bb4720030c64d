"""Cost per example against the sizes of the model, the batch and the data, beside its theory.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/scale.py

The theory has three terms, and each of its three constants is measured by itself in the same run: operations of the
matrix products over the speed of a large one; bytes that pass through memory over the speed of adding two vectors; and
the fixed cost of a step's Python, that of a model of four pixels, over the batch. Nothing is fitted. Writes
results/scale.md and results/scale.png.
"""

import argparse
import os
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

import minivae as mv   # noqa: E402
from peers import minivae as bare_step   # noqa: E402
from timing import CLOCKS, add_clock, machine, write_tables   # noqa: E402

D, H, K, B = 784, 400, 20, 100   # the point that all lines go through
HIDDEN = (25, 50, 100, 200, 400, 800, 1600, 3200)
LATENT = (2, 5, 10, 20, 50, 100, 200, 500, 1000)
BATCH = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
IMAGES = (500, 1000, 2000, 5000, 10_000, 20_000, 60_000)
BEYOND = ["hidden units", "parameters", "memory to train, GB", "seconds a step", "hours an epoch of 60,000 images"]
ADAM_PASSES = 24      # reads and writes of a vector of P numbers in Adam.step, line by line
WEIGHT_PASSES = 3     # the weights read in forward and backward, their gradient written
PIXEL_PASSES = 40     # over the D pixels: x copied and checked, bias, log-likelihood and its backward
HIDDEN_PASSES = 12    # over each hidden layer: bias, activation and its backward, the bias's gradient


def seconds(run, clock, calls=5, least=0.15):
    """Return the median time of a call, over at least so many calls and ``least`` seconds."""
    run()
    times = []
    while len(times) < calls or sum(times) < least:
        start = clock()
        run()
        times.append(clock() - start)
    return float(np.median(times))


def step_time(hidden, latent, batch, clock, data_dim=D):
    rng = np.random.default_rng(0)
    x = (rng.random((batch, data_dim)) < 0.2).astype("float32")
    step = bare_step(mv.VAE(data_dim, (hidden,), latent), [(x, rng.standard_normal((batch, latent), dtype="float32"))])
    return seconds(lambda: step(0), clock)


def epoch_time(n, clock):
    images, model = mv.load_mnist().train_images[:n], mv.VAE(D, (H,), K)
    return seconds(lambda: mv.train(model, images, epochs=1, batch_size=B, progress=False, threads=1), clock, calls=1)


def constants(clock):
    """Return operations a second, bytes a second, and seconds that a step takes whatever its size."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((1000, 1000), dtype="float32") for _ in range(2))
    c = np.empty_like(a)
    operations = 2 * 1000**3 / seconds(lambda: np.matmul(a, b, out=c), clock)
    moved = 3 * a.nbytes / seconds(lambda: np.add(a, b, out=c), clock)
    return operations, moved, step_time(3, 2, 1, clock, data_dim=4)


def theory(hidden, latent, batch, speeds):
    """Return the seconds of one example by the three terms."""
    first, others = D * hidden, hidden * 2 * latent + latent * hidden + hidden * D
    operations = 4 * first + 6 * others   # forward 2, dW 2, dx 2 a weight, but no dx under the first layer
    parameters = first + others
    moved = 4 * ((ADAM_PASSES + WEIGHT_PASSES) * parameters / batch + PIXEL_PASSES * D + 2 * HIDDEN_PASSES * hidden)
    return operations / speeds[0] + moved / speeds[1] + speeds[2] / batch


def beyond(speeds):
    """Return rows for this model and for models with ten and a thousand times its hidden units, by theory."""
    rows = []
    for times in (1, 10, 1000):
        hidden = times * H
        parameters = (D + 1 + K + 1 + 2 * K + D) * hidden + 2 * K + D
        example = theory(hidden, K, B, speeds)
        rows.append([f"{hidden:,}", f"{parameters:,}", f"{5 * 4 * parameters / 1e9:.3g}", f"{B * example:.2g}",
                     f"{60_000 * example / 3600:.2g}"])
    return rows


def draw(lines, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, len(lines), figsize=(14, 3.6), sharey=True, layout="constrained")
    for axis, (name, sizes, measured, expected) in zip(axes, lines):
        axis.loglog(sizes, measured, "o", label="measured")
        axis.loglog(sizes, expected, "-", label="theory")
        axis.set_xlabel(name)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("microseconds per example")
    axes[0].legend()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_clock(parser)
    clock = CLOCKS[parser.parse_args().clock]
    speeds = constants(clock)
    us = 1e6
    lines = [
        ("hidden units H", HIDDEN, [us * step_time(h, K, B, clock) / B for h in HIDDEN],
         [us * theory(h, K, B, speeds) for h in HIDDEN]),
        ("latents K", LATENT, [us * step_time(H, k, B, clock) / B for k in LATENT],
         [us * theory(H, k, B, speeds) for k in LATENT]),
        ("batch B", BATCH, [us * step_time(H, K, b, clock) / b for b in BATCH],
         [us * theory(H, K, b, speeds) for b in BATCH]),
        ("images N, an epoch of mv.train", IMAGES, [us * epoch_time(n, clock) / n for n in IMAGES],
         [us * theory(H, K, B, speeds)] * len(IMAGES)),
    ]
    parts = []
    for name, sizes, measured, expected in lines:
        rows = [[f"{size:,}", f"{got:.1f}", f"{by_theory:.1f}", f"{got / by_theory:.2f}"]
                for size, got, by_theory in zip(sizes, measured, expected)]
        parts.append((name, ["size", "measured", "theory", "ratio"], rows))
    parts.append(("Ten and a thousand times as wide, by theory", BEYOND, beyond(speeds)))
    write_tables(HERE / "results" / "scale.md", "Cost per example against size",
                 f"{machine()} BLAS threads: {os.environ.get('OPENBLAS_NUM_THREADS', 'all')}. 784-{H}-{K}, relu, batch "
                 f"{B}, one size varied at a time; microseconds per example. Measured by themselves: "
                 f"{speeds[0] / 1e9:.0f} × 10⁹ operations a second, {speeds[1] / 1e9:.0f} × 10⁹ bytes a second, "
                 f"{1e6 * speeds[2]:.0f} microseconds fixed cost of a step.", parts)
    draw(lines, HERE / "results" / "scale.png")


if __name__ == "__main__":
    main()
