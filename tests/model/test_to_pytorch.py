"""A minivae checkpoint, moved to PyTorch, gives the same loss and gradients there. Skipped without torch."""

import numpy as np
import pytest

import minivae as mv

pytest.importorskip("torch")


@pytest.mark.parametrize("hidden, activation, dtype, tolerance, processes", [
    ((7, 5), "tanh", "float64", 1e-12, 1), ((6,), "relu", "float64", 1e-12, 1), ((), "relu", "float64", 1e-12, 1),
    ((7, 5), "tanh", "float32", 1e-5, 1), ((6,), "relu", "float32", 1e-5, 1), ((), "relu", "float32", 1e-5, 1),
    ((7, 5), "tanh", "float64", 1e-12, 2),   # two starts of PyTorch, which one case is enough for
])
def test_same_loss_same_gradients(hidden, activation, dtype, tolerance, processes, tmp_path):
    from benchmarks.to_pytorch import in_pytorch
    model, rng = mv.VAE(9, hidden, 3, activation, beta=1.5, dtype=dtype, seed=1), np.random.default_rng(0)
    model.parameters.flat += 0.1 * rng.standard_normal(model.parameters.flat.size)  # biases, too, away from zero
    model.save(tmp_path / "model.npz")
    x = (rng.random((4, 9)) < 0.5).astype(dtype)
    eps = rng.standard_normal((4, 3)).astype(dtype)
    trace = model.forward(x, eps)
    _, grads = model.backward(trace)
    loss, named = in_pytorch(tmp_path / "model.npz", x, eps, processes)
    assert loss == pytest.approx(float(trace.loss), rel=tolerance)
    assert named.keys() == grads.keys()
    for name, gradient in grads.items():
        np.testing.assert_allclose(named[name], gradient, rtol=0, atol=tolerance * np.abs(gradient).max())


@pytest.mark.parametrize("model", [mv.VAE(9, (3,), 2, likelihood="gaussian"), mv.ConditionalVAE(9, (3,), 2, classes=2)])
def test_what_it_cannot_be_is_refused(model):
    from benchmarks.to_pytorch import TorchVAE
    with pytest.raises(ValueError, match="for a Bernoulli VAE without labels"):
        TorchVAE(model)
