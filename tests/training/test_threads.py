"""Threads that share a step: the same model up to rounding, the same bits each time, and one NaN stops them all."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minivae as mv
from minivae.training import load_checkpoint, loop
from minivae.training.threads import SharedSteps, choose_threads, cut_by_rows, steps_on

IMAGES = np.random.default_rng(0).integers(0, 256, (100, 4, 4), dtype=np.uint8)
KINDS = {
    "vae": (mv.VAE, {}, 1), "deep": (mv.VAE, {"hidden": (7, 5), "activation": "tanh"}, 1),
    "linear": (mv.VAE, {"hidden": ()}, 1),
    "gaussian": (mv.VAE, {"likelihood": "gaussian", "noise_variance": 0.5}, 1),
    "learned variance": (mv.VAE, {"likelihood": "gaussian", "noise_variance": "learned"}, 1),
    "monte carlo": (mv.MonteCarloELBO, {}, 3), "iwae": (mv.IWAE, {}, 3),
    "conditional": (mv.ConditionalVAE, {"classes": 3}, 1),
}


def trained(kind="vae", **arguments):
    kind, settings, samples = KINDS[kind]
    model = kind(16, **{"hidden": (8,), "latent_dim": 2, "dtype": "float64"} | settings)
    images = mv.join_labels(IMAGES, np.arange(100) % 3, 3) if "classes" in settings else IMAGES
    history = mv.train(model, images, samples=samples, **{"epochs": 2, "batch_size": 25, "schedule": "constant",
                                                           "progress": False} | arguments)
    return model.parameters.flat, [list(row.values()) for row in history]


@pytest.mark.parametrize("kind", KINDS)
def test_threads_train_the_same_model_to_rounding(kind):
    weights, history = trained(kind, threads=1)
    for threads in (2, 3):  # 25 images have no equal halves or thirds
        others, other_history = trained(kind, threads=threads)
        np.testing.assert_allclose(others, weights, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(other_history, history, rtol=1e-11)


def test_as_many_threads_as_images_and_another_optimizer():
    np.testing.assert_allclose(trained(threads=25)[0], trained(threads=1)[0], rtol=1e-9, atol=1e-12)
    sgd, one = (trained(threads=threads, optimizer=mv.SGD(0.01, momentum=0.9)) for threads in (2, 1))
    np.testing.assert_allclose(sgd[0], one[0], rtol=1e-9, atol=1e-12)


def test_one_thread_is_forward_backward_and_step_to_the_last_bit():
    model, plain = mv.VAE(16, (8,), 2), mv.VAE(16, (8,), 2)
    adam, rng = mv.Adam(), np.random.default_rng(0)
    with steps_on(1, model, mv.Adam(), 25, 1) as training:
        for _ in range(3):
            x, eps = rng.random((25, 16)), rng.standard_normal((25, 2))
            training.take(x, eps, 1.0, "here")
            _, grads = plain.backward(plain.forward(x, eps))
            adam.step(plain.parameters.flat, grads.flat)
    np.testing.assert_array_equal(model.parameters.flat, plain.parameters.flat)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_number_of_threads_gives_the_same_bits_and_a_resumed_run_keeps_it(tmp_path, monkeypatch, threads):
    weights, _ = trained(threads=threads, epochs=3)
    np.testing.assert_array_equal(trained(threads=threads, epochs=3)[0], weights)
    trained(threads=threads, epochs=1, checkpoint=tmp_path / "m.npz")
    assert load_checkpoint(tmp_path / "m.npz").work["threads"] == threads
    monkeypatch.setattr(loop, "choose_threads", lambda *given: 3)
    resumed, _ = trained(epochs=3, checkpoint=tmp_path / "m.npz", resume=True)
    np.testing.assert_array_equal(resumed, weights)
    assert load_checkpoint(tmp_path / "m.npz").work["threads"] == threads


def test_threads_are_for_large_steps_and_free_cores(monkeypatch):
    from minivae.training import threads
    monkeypatch.setattr(threads, "free_cores", lambda: 2)
    large, adam = mv.VAE(784, (400,), 20), mv.Adam()
    assert [choose_threads(large, adam, rows) for rows in (20, 128, 1024)] == [1, 2, 2]
    assert choose_threads(mv.VAE(784, (200, 200), 50), adam, 20) == 1
    assert choose_threads(mv.VAE(16, (8,), 2), adam, 1000) == 1
    monkeypatch.setattr(threads, "free_cores", lambda: 1)
    assert choose_threads(large, adam, 1024) == 1


def test_what_threads_do_not_know_they_leave_to_one(monkeypatch):
    from minivae.training import threads
    monkeypatch.setattr(threads, "free_cores", lambda: 2)

    class Own(mv.VAE):
        pass

    class OwnAdam(mv.Adam):
        pass

    assert choose_threads(Own(784), mv.Adam(), 1024) == choose_threads(mv.VAE(784), OwnAdam(), 1024) == 1
    with pytest.raises(ValueError, match="package's own models and optimizers; got 2 for a Own and a Adam"):
        mv.train(Own(16, (8,), 2), IMAGES, batch_size=25, threads=2, progress=False)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4), st.integers(1, 6))
def test_every_number_has_one_thread(layers, threads):
    shapes = {}
    for n, (inputs, outputs) in enumerate(layers):
        shapes |= {f"{n}.W": (inputs, outputs), f"{n}.b": (outputs,)}
    shapes["log_var"] = ()
    owner = mv.Parameters(shapes)
    owner.flat[...] = -1
    for thread, (part, rows) in enumerate(cut_by_rows(shapes, threads)):
        assert (owner.flat[part] == -1).all()
        for name, here in rows.items():
            if name != "log_var":
                owner[name][here] = thread
            else:
                owner[name] = thread
        assert (owner.flat[part] == thread).all() and (owner.flat == thread).sum() == part.stop - part.start
    assert (owner.flat >= 0).all() and (np.diff(owner.flat) >= 0).all()
    longest = max(outputs for _, outputs in layers)
    sizes = [(owner.flat == thread).sum() for thread in range(threads)]
    assert all(abs(size - owner.flat.size / threads) <= 2 * longest + 1 for size in sizes)


def test_each_thread_has_its_examples_and_a_watch_of_its_own(monkeypatch):
    forward, seen, all_at_once = mv.VAE.forward, set(), threading.Barrier(2, timeout=60)

    def watched(self, *args, **kwargs):
        all_at_once.wait()
        seen.add(threading.get_ident())
        return forward(self, *args, **kwargs)

    before, eps = threading.active_count(), np.zeros((10, 2))
    with steps_on(2, mv.VAE(16, (8,), 2), mv.Adam(), 10, 1) as training:
        monkeypatch.setattr(mv.VAE, "forward", watched)
        training.take(np.ones((10, 16)), eps, 1.0, "here")
        start = training.model.parameters.flat.copy()
        eps[9] = 3e38  # overflows for the second thread alone, and nobody warns
        with pytest.raises(mv.NonFiniteError, match="is not finite in epoch 1"):
            training.take(np.ones((10, 16)), eps, 1.0, "epoch 1")
        np.testing.assert_array_equal(training.model.parameters.flat, start)
    assert len(seen) == 2 and threading.active_count() == before


@pytest.mark.parametrize("layer, symbol", [("decoder.1", None), ("encoder.0", None), (None, "z")])
def test_a_bad_gradient_stops_all_threads_before_the_step(monkeypatch, layer, symbol):
    backward = mv.VAE.backward

    def spoiled(self, trace, d_loss, out):
        d, grads = out
        note = grads.note

        def spoil(W, b, x, dy):
            if W == f"{layer}.W" and len(x) == 13:  # the second thread's examples
                dy = np.full_like(dy, np.inf)
            note(W, b, x, dy)

        grads.note = spoil
        d, grads = backward(self, trace, d_loss, out)
        if symbol and len(trace.x) == 13:
            d[symbol][0, 0] = np.nan
            grads.note("decoder.0.W", "decoder.0.b", np.full((13, 2), np.nan), np.ones((13, 8)))
        return d, grads

    monkeypatch.setattr(mv.VAE, "backward", spoiled)
    model = mv.VAE(16, (8,), 2)
    start = model.parameters.flat.copy()
    with pytest.raises(mv.NonFiniteError,
                       match=f"the gradient of {symbol or layer}.* is not finite in epoch 1, batch 1"):
        mv.train(model, IMAGES, batch_size=25, threads=2, progress=False)
    np.testing.assert_array_equal(model.parameters.flat, start)


def test_the_bound_on_the_gradient_is_one_and_no_alarm_by_itself(monkeypatch):
    usual, _ = trained(threads=2)
    surely = SharedSteps._surely_finite
    for at_most, found in ((0.0, False), (1e-6, False), (1e30, True)):  # in place of the largest float
        with steps_on(2, mv.VAE(16, (8,), 2, dtype="float64"), mv.Adam(), 10, 1) as training:
            rng = np.random.default_rng(0)
            training.take(rng.random((10, 16)), rng.standard_normal((10, 2)), 1.0, "here")
            monkeypatch.setattr("minivae.training.threads.np.finfo", lambda dtype: SimpleNamespace(max=at_most))
            assert surely(training, 10) == found
            monkeypatch.setattr("minivae.training.threads.np.finfo",
                                lambda dtype: SimpleNamespace(max=np.dot(training.grads.flat, training.grads.flat)))
            assert not surely(training, 10)  # the bound is not below the squared length itself
            monkeypatch.undo()
    monkeypatch.setattr(SharedSteps, "_surely_finite", lambda self, rows: False)
    np.testing.assert_array_equal(trained(threads=2)[0], usual)
