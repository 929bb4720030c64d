"""The floor of a training step: its pieces, each measured alone and added up: python tests/benchmarks/floor.py

On one thread. The pieces are the matrix products, the passes over the batch's arrays (likelihood, activations,
biases, the copy of the data), Adam's sums and products, and Adam's square root and quotient. What a step takes beyond
their sum is Python, the small arrays of the latents, and the watch for numbers that are not finite. Adam is measured
in place and as the textbook writes it. Pieces and steps take turns. Writes results/floor.md.
"""

import argparse
import pathlib
import statistics
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

import minivae as mv   # noqa: E402
from minivae.evaluation.cores import one_blas_thread   # noqa: E402
from minivae.kernels import bernoulli_log_likelihood, bernoulli_log_likelihood_backward   # noqa: E402
from minivae.model.mlp import ACTIVATIONS   # noqa: E402
from minivae.training.optimizers import adam_step   # noqa: E402
from minivae.training.threads import steps_on   # noqa: E402
from peers import matrix_products   # noqa: E402
from step import SIZES   # noqa: E402
from timing import machine, write_tables   # noqa: E402


def pieces(size):
    """Return the pieces of a step and the whole, each as a function to time, by name."""
    hidden, latent, activation, batch, _ = SIZES[size]
    rng, model = np.random.default_rng(0), mv.VAE(784, hidden, latent, activation)
    x, eps = (rng.random((batch, 784)) < 0.2).astype("float32"), rng.standard_normal((batch, latent), dtype="float32")
    logits, dlogits, copy = (np.empty_like(x) for _ in range(3))
    logits[...] = rng.standard_normal(x.shape)
    dll, (forward, backward) = np.full(batch, -1 / batch, np.float32), ACTIVATIONS[activation]
    hs = [rng.standard_normal((batch, units), dtype="float32") for units in hidden for _ in ("encoder", "decoder")]
    g, m, v, p, scratch = (rng.random(model.parameters.flat.size, dtype="float32") for _ in range(5))
    whole = steps_on(1, model, mv.Adam(), batch, 1)
    adam, constants = mv.Adam(), dict(learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8)

    def over_the_batch():
        copy[...] = x
        np.add(logits, logits[0], out=dlogits)
        bernoulli_log_likelihood(logits, x)
        bernoulli_log_likelihood_backward(dll, logits, x, out=dlogits)
        dlogits.sum(axis=0)
        for h in hs:
            np.add(h, h[0], out=h)
            h.sum(axis=0)
            backward(h, forward(h, out=h))

    def sums_and_products():
        for a, b in ((m, 0.9), (m, g), (v, 0.999)):
            (np.add if b is g else np.multiply)(a, b, out=a)
        np.multiply(g, g, out=scratch)
        np.add(v, scratch, out=v)
        np.add(scratch, 1e-8, out=scratch)
        np.multiply(scratch, 1e-12, out=scratch)
        np.subtract(p, scratch, out=p)

    def root_and_quotient():
        np.sqrt(v, out=scratch)
        np.divide(m, scratch, out=scratch)

    products = matrix_products(model, [(x, eps)])
    return {"matrix products": lambda: products(0), "passes over the batch": over_the_batch,
            "Adam's sums and products": sums_and_products, "Adam's square root and quotient": root_and_quotient}, {
            "the step": lambda: whole.take(x, eps, 1.0, "here"), "of it Adam, in place": lambda: adam.step(p, g),
            "Adam as the textbook writes it": lambda: adam_step(p, g, m, v, 10, **constants)}


def measure(size, rounds):
    """Return the milliseconds of every piece and of the whole, in every round, by name."""
    parts, whole = pieces(size)
    times = {name: [] for name in parts | whole}
    with one_blas_thread():
        for name, run in [*(parts | whole).items()] * (rounds + 3):
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start))
    times = {name: values[3:] for name, values in times.items()}
    times["their sum, the floor"] = [sum(together) for together in zip(*(times[name] for name in parts))]
    return {name: times[name] for name in [*parts, "their sum, the floor", *whole]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    tables = []
    for size in SIZES:
        times = measure(size, arguments.rounds)
        rows = [[name, f"{statistics.median(values):.3g}",
                 f"{statistics.median(a / b for a, b in zip(values, times['the step'])):.2f}"]
                 for name, values in times.items()]
        print(size, *("  {:34} {:>8} {:>6}".format(*cells) for cells in rows), sep="\n", flush=True)
        tables.append((f"{size}, {SIZES[size].activation}", ["", "ms", "of the step"], rows))
    write_tables(HERE / "results" / "floor.md", "The floor of a training step",
                 f"{machine()} One thread, float32. Medians of {arguments.rounds} rounds in which pieces and step took "
                 "turns; then the median of the ratios to the step of the same round.", tables)


if __name__ == "__main__":
    main()
