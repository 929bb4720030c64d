"""What training holds in memory, by tracemalloc: python tests/benchmarks/memory.py

After a step the arrays that stay are counted, then the most that a later step holds beside them, then what two hundred
steps leave behind. In theory the first is five vectors of P parameters (the weights, their gradients, Adam's two sums
and its scratch) and two traces (values and gradients) of B rows; the last is nothing. Writes results/memory.md.
"""

import pathlib
import sys
import tracemalloc

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

import minivae as mv   # noqa: E402
from peers import minivae as bare_step   # noqa: E402
from step import SIZES   # noqa: E402
from timing import machine, write_tables   # noqa: E402

MB = 1e6


def measure(hidden, latent, activation, batch):
    """Return bytes: held after two steps, by theory, beside them at a step's peak, left behind by two hundred steps."""
    rng = np.random.default_rng(0)
    x = (rng.random((batch, 784)) < 0.2).astype("float32")
    eps = rng.standard_normal((batch, latent), dtype="float32")
    mv.VAE, mv.Adam  # imported now, for their code is no part of it
    tracemalloc.start()
    model = mv.VAE(784, hidden, latent, activation)
    step = bare_step(model, [(x, eps)])
    for _ in range(2):
        step(0)
    held, _ = tracemalloc.get_traced_memory()
    for _ in range(10):
        step(0)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in range(200):
        step(0)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    values = 784 + 2 * sum(hidden) + 784 + 6 * latent   # a trace's numbers for one example: x, h, logits; mu to z
    gradients = 2 * sum(hidden) + 784 + 6 * latent
    theory = 4 * (5 * model.parameters.flat.size + batch * (values + gradients))
    return held, theory, peak - before, after - before


def main():
    rows = []
    for size, shape in SIZES.items():
        held, theory, beside, left = measure(*shape[:4])
        rows.append([size, f"{held / MB:.2f}", f"{theory / MB:.2f}", f"{beside / MB:.2f}", f"{left:,}"])
        print("  ".join(rows[-1]), flush=True)
    write_tables(HERE / "results" / "memory.md", "What training holds in memory",
                 f"{machine()} Megabytes, float32: the arrays that stay from step to step; the same by theory, five "
                 "vectors of parameters and two traces; the most that a step holds beside them for a while; and the "
                 "bytes that two hundred steps leave behind.",
                 [("Forward, backward, Adam", ["", "held, MB", "theory, MB", "beside, MB", "left behind, bytes"],
                   rows)])


if __name__ == "__main__":
    main()
