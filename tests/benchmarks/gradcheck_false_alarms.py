"""What the checks say of correct gradients: python tests/benchmarks/gradcheck_false_alarms.py

Networks of several depths and activations, logistic regression, least squares at its minimum, peers' functions, every
kernel pair and whole VAEs, at loss scales from 1e-6 to 1e+6. None may be called wrong. Writes
results/gradcheck_false_alarms.md.
"""

import collections
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from minivae.gradcheck import check_gradient, check_model, check_unbiased, check_vjp   # noqa: E402
from minivae.kernels import PAIRS   # noqa: E402
from minivae import VAE   # noqa: E402
from linear_case import linear_gaussian_case   # noqa: E402
from gradcheck.nets import MAKERS, network   # noqa: E402
from gradcheck.peers import PEERS   # noqa: E402

SCALES = (1e-6, 4e-5, 1.0, 1e6)


def networks():
    for name, make in MAKERS.items():
        for dtype in (np.float64, np.float32):
            for seed in range(40):
                f, grads, at = make(np.random.default_rng(seed), scale=SCALES[seed % 4], dtype=dtype)
                yield f"{name}, gradient in {np.dtype(dtype).name}", check_gradient(f, grads, at).verdict
    for activation in ("tanh", "relu"):
        for seed in range(40):
            f, grads, at = network(np.random.default_rng(seed), scale=SCALES[seed % 4], activation=activation,
                                   computed_in=np.float32)
            yield f"{activation}, function itself in float32", check_gradient(f, grads, at).verdict


def pairs():
    for name, pair in PAIRS.items():
        for seed in range(40):
            rng = np.random.default_rng(seed)
            sizes = collections.defaultdict(lambda: int(rng.integers(1, 7)))
            scale = 10 ** rng.uniform(-2, 1)
            args = [np.asarray(scale * rng.standard_normal([sizes[letter] for letter in letters]))
                    for letters in pair.shapes.values()]
            yield "kernel pairs", check_vjp(pair.forward, pair.backward, *args).verdict
    for name, peer in PEERS.items():
        for seed in range(20):
            yield "peers' functions", check_vjp(peer.forward, peer.backward,
                                                *peer.make(np.random.default_rng(seed))).verdict


def models():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        settings = dict(data_dim=int(rng.integers(1, 9)), latent_dim=int(rng.integers(1, 4)),
                        hidden=tuple(rng.integers(1, 7, rng.integers(0, 4)).tolist()),
                        activation=("relu", "tanh")[seed % 2], likelihood=("bernoulli", "gaussian")[seed // 2 % 2],
                        beta=float(rng.choice([0.0, 0.5, 1.0, 4.0])), dtype=("float64", "float32")[seed // 4 % 2])
        model = VAE(**settings, seed=seed)
        if seed % 3:
            model.parameters.flat[:] += 0.3 * rng.standard_normal(model.parameters.flat.size).astype(model.dtype)
        batch = int(rng.integers(1, 9))
        x, eps = rng.random((batch, model.data_dim)), rng.standard_normal((batch, model.latent_dim))
        yield f"VAEs, {settings['activation']}, {settings['dtype']}", check_model(model, x, eps).verdict


def estimators():
    estimators, reference = linear_gaussian_case()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        yield "unbiased estimators (2000 draws)", check_unbiased(estimators, reference, draws=2000, rng=rng).verdict


def main():
    counts = collections.defaultdict(collections.Counter)
    for cases in (networks, pairs, models, estimators):
        for name, verdict in cases():
            counts[name][verdict] += 1
    total = sum(counts.values(), collections.Counter())
    text = "\n".join([
        "# Verdicts on correct gradients", "",
        "`python tests/benchmarks/gradcheck_false_alarms.py`. Loss scales 1e-6, 4e-5, 1 and 1e+6; half of the networks "
        "have all biases at zero.", "",
        f"**False alarms: {total['fail']} of {sum(total.values())}.**", "",
        "| correct gradients of | checks | pass | inconclusive | fail |", "|---|---|---|---|---|",
        *(f"| {name} | {sum(c.values())} | {c['pass']} | {c['inconclusive']} | {c['fail']} |"
          for name, c in counts.items()),
        ""])
    (HERE / "results" / "gradcheck_false_alarms.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
