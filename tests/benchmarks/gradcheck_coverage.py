"""How often the numeric derivative's estimated error covers its true error.

    python tests/benchmarks/gradcheck_coverage.py

Functions of one variable, multiplied and stretched by factors from 1e-6 to 1e+6, and weights of networks in float64
and float32. The factors SAFETY and ROUNDING of ``numeric.py`` were chosen here. Writes results/gradcheck_coverage.md.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from minivae.gradcheck.inputs import scalar_probe   # noqa: E402
from minivae.gradcheck.noise import measure_noise   # noqa: E402
from minivae.gradcheck.numeric import derivative   # noqa: E402
from gradcheck.nets import network   # noqa: E402

SEEDS = 1000
EPS = 2.0**-52
FUNCTIONS = {
    "exp(x)": (np.exp, np.exp),
    "sin(x)": (np.sin, np.cos),
    "sin(50 x)": (lambda x: np.sin(50 * x), lambda x: 50 * np.cos(50 * x)),
    "tanh(x)": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "log|x|": (lambda x: np.log(abs(x)), lambda x: 1 / x),
    "sqrt|x|": (lambda x: np.sqrt(abs(x)), lambda x: 0.5 * np.sign(x) / np.sqrt(abs(x))),
    "3 x + 1": (lambda x: 3 * x + 1, lambda x: 3.0),
    "x^2": (lambda x: x * x, lambda x: 2 * x),
    "x^5": (lambda x: x**5, lambda x: 5 * x**4),
    "softplus(x)": (lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x))),
    "1/(1 + 25 x^2)": (lambda x: 1 / (1 + 25 * x * x), lambda x: -50 * x / (1 + 25 * x * x) ** 2),
    "exp(-20 x^2)": (lambda x: np.exp(-20 * x * x), lambda x: -40 * x * np.exp(-20 * x * x)),
    "|x|^3": (lambda x: abs(x) ** 3, lambda x: 3 * x * abs(x)),
    "max(x, 0.01)": (lambda x: max(x, 0.01), lambda x: float(x > 0.01)),
    "10^6 + sin(x)": (lambda x: 1e6 + np.sin(x), np.cos),
}


def one_variable(f, slope, seed):
    """Return (true error, estimated error, |slope|, evaluations) or None at a corner."""
    rng = np.random.default_rng(seed)
    height, stretch = 10 ** rng.uniform(-6, 6, 2)
    x, calls = rng.standard_normal() / stretch, 0
    base = float(height * f(stretch * x))

    def line(t):
        nonlocal calls
        calls += 1
        with np.errstate(all="ignore"):
            value = float(height * f(stretch * (x + t)))
        return value - base, EPS * max(abs(value), abs(base)) + EPS * abs(value - base) * abs(x / t)

    length = abs(x) if seed % 2 else max(abs(x), 1 / stretch)
    found = derivative(line, length / 16)
    true = height * stretch * float(slope(stretch * x))
    return None if found.kind != "smooth" else (abs(found.value - true), found.error, abs(true), calls)


def weights(seed, activation, computed_in):
    """Yield the same for some weights of a network, whose true slope is its float64 backward's."""
    rng = np.random.default_rng(seed)
    f, grads, at = network(rng, activation=activation, scale=10 ** rng.uniform(-6, 6), depth=int(rng.integers(1, 5)),
                           computed_in=computed_in)
    probe = scalar_probe(f, at)
    for name, g in grads.items():
        measure_noise(probe, [name], rng)
        largest = np.abs(g).max()
        for place in rng.choice(g.size, min(4, g.size), replace=False):
            index, before = np.unravel_index(place, g.shape), probe.evaluations
            found = probe.coordinate(name, index)
            if found.kind == "smooth":
                rounding = 2**-46 * largest   # of the float64 backward itself
                yield max(0.0, abs(found.value - g[index]) - rounding), found.error, largest, probe.evaluations - before


def row(name, cases):
    """One line of the table."""
    cases = np.array(list(cases))
    true, estimated, size, calls = cases[np.isfinite(cases[:, 1])].T
    covered, size = true <= estimated, np.maximum(size, 1e-300)
    return (len(covered), int(covered.sum()),
            f"| {name} | {len(covered)} | {100 * covered.mean():.2f} % | {np.median(true / size):.0e} | "
            f"{np.median(estimated / size):.0e} | {np.median(calls):.0f} |")


def main():
    rows = [row(name, filter(None, (one_variable(f, slope, seed) for seed in range(SEEDS))))
            for name, (f, slope) in FUNCTIONS.items()]
    for activation in ("tanh", "relu"):
        for computed_in in (np.float64, np.float32):
            cases = [case for seed in range(120) for case in weights(seed, activation, computed_in)]
            rows.append(row(f"weights, {activation}, {np.dtype(computed_in).name}", cases))
    cases, covered = sum(r[0] for r in rows), sum(r[1] for r in rows)
    text = "\n".join([
        "# Coverage of the numeric derivative's estimated error", "",
        "`python tests/benchmarks/gradcheck_coverage.py`. Each function is multiplied and stretched by random factors "
        "from 1e-6 to 1e+6; weights are those of random networks. Errors are relative: to the true slope, for weights "
        "to the largest slope of the tensor. Points at a corner are left out.", "",
        f"**Covered: {covered} of {cases}, {100 * covered / cases:.3f} %.**", "",
        "| function | cases | covered | median true error | median estimate | median evaluations |",
        "|---|---|---|---|---|---|", *(r[2] for r in rows), ""])
    (HERE / "results" / "gradcheck_coverage.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
