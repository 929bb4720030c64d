"""The benchmarks of speed and memory still run, and measure what they say."""

import pathlib
import sys
import time

import numpy as np
import pytest

BENCHMARKS = str(pathlib.Path(__file__).parent / "benchmarks")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "path", sys.path.copy())  # the benchmarks put themselves on it
    import step
    monkeypatch.setitem(step.SIZES, "tiny", step.Size((4,), 2, "relu", 1000, 1))
    return "tiny"


def test_an_epoch_and_its_parts(tiny):
    import epoch
    times = epoch.measure(tiny, np.zeros((2000, 28, 28), dtype=np.uint8), 3, time.perf_counter)
    assert {len(values) for values in times.values()} == {3}
    assert all(value > 0 for values in times.values() for value in values)


def test_memory_is_what_the_theory_says(tiny):
    import memory
    held, theory, beside, left = memory.measure(*memory.SIZES[tiny][:4])
    assert theory < held < 1.1 * theory
    assert 0 < beside and abs(left) < 10_000


def test_minivae_in_parts_and_plain_numpy_train_as_minivae_does(tiny):
    from peers import PEERS
    import minivae as mv
    rng = np.random.default_rng(0)
    batches = [((rng.random((6, 784)) < 0.2).astype("float32"), rng.standard_normal((6, 2), dtype="float32")) for _ in range(2)]
    losses = {}
    for name in ("minivae", "minivae, batch in two parts", "plain NumPy"):
        step = PEERS[name](mv.VAE(784, (4,), 2, "tanh"), batches)
        losses[name] = [float(step(i % 2)) for i in range(4)]
    np.testing.assert_allclose(losses["minivae, batch in two parts"], losses["minivae"], rtol=1e-5)
    np.testing.assert_allclose(losses["plain NumPy"], losses["minivae"], rtol=1e-5)
