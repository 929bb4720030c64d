"""Training learns, repeats itself bit for bit, stops at the first bad number, and resumes."""

import contextlib
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minivae as mv
from minivae.training import loop
from minivae.training.schedules import cosine, warm_up

IMAGES = np.random.default_rng(0).integers(0, 256, (100, 4, 4), dtype=np.uint8)


def small_model(**settings):
    return mv.VAE(16, (8,), 2, **settings)


def quiet(model, images=IMAGES, **arguments):
    return mv.train(model, images,
                    **{"epochs": 3, "batch_size": 16, "schedule": "constant", "progress": False} | arguments)


def test_it_learns_real_digits():
    data = mv.load_mnist()
    images, held_out = data.train_images[:10_000], data.train_images[-1000:]
    model = mv.VAE(784, (100,), 10)
    history = mv.train(model, images, epochs=3, batch_size=100, learning_rate=2e-3, held_out=held_out, progress=False)
    elbos = [row["held_out_elbo"] for row in history]
    assert elbos == sorted(elbos)
    # a model without latents, an independent coin for each pixel loaded by the mean image, has this log p(x)
    p = np.clip(images.mean(axis=0) / 255, 1e-4, 1 - 1e-4)
    grey = held_out / 255
    coins = (grey * np.log(p) + (1 - grey) * np.log1p(-p)).sum(axis=(1, 2)).mean()
    assert elbos[-1] > coins + 40
    assert elbos[-1] > -165
    for row in history:
        assert row["elbo"] == pytest.approx(row["log_likelihood"] - row["kl"], rel=1e-5)
        assert row["kl"] > 1


def test_the_importance_weighted_bound_is_raised_and_reported(tmp_path):
    model = mv.IWAE(16, (8,), 2)
    history = quiet(model, samples=4, epochs=12, learning_rate=1e-2, held_out=IMAGES[:50],
                    checkpoint=tmp_path / "m.npz")
    assert history[-1]["held_out_objective"] > history[0]["held_out_objective"] + 0.05
    for row in history:
        assert row["objective"] > row["elbo"] and row["held_out_objective"] > row["held_out_elbo"]  # Jensen
    loaded = mv.VAE.load(tmp_path / "m.npz")
    assert type(loaded) is mv.IWAE
    np.testing.assert_array_equal(loaded.parameters.flat, model.parameters.flat)
    with pytest.raises(ValueError, match="objective was 'IWAE', now 'VAE'"):
        quiet(mv.VAE(16, (8,), 2), epochs=12, learning_rate=1e-2, held_out=IMAGES[:50], checkpoint=tmp_path / "m.npz",
              resume=True)


def test_samples_resume_to_the_same_bits(tmp_path):
    through = mv.IWAE(16, (8,), 2)
    quiet(through, samples=3, epochs=4)
    quiet(mv.IWAE(16, (8,), 2), samples=3, epochs=2, checkpoint=tmp_path / "m.npz")
    resumed = mv.IWAE(16, (8,), 2)
    quiet(resumed, samples=3, epochs=4, checkpoint=tmp_path / "m.npz", resume=True)
    np.testing.assert_array_equal(resumed.parameters.flat, through.parameters.flat)


def test_samples_are_for_objectives_over_samples():
    with pytest.raises(ValueError, match="samples is for"):
        quiet(small_model(), samples=5)
    with pytest.raises(ValueError, match="samples must be a positive integer"):
        quiet(mv.IWAE(16, (8,), 2), samples=0)


@pytest.mark.parametrize("binarize", ["dynamic", "fixed", "threshold", "none"])
def test_the_same_seed_gives_the_same_bits(binarize):
    runs = [small_model() for _ in range(3)]
    histories = [quiet(model, binarize=binarize, held_out=IMAGES[:20], seed=seed)
                 for model, seed in zip(runs, (5, 5, 6))]
    np.testing.assert_array_equal(runs[0].parameters.flat, runs[1].parameters.flat)
    assert histories[0] == histories[1]
    assert (runs[0].parameters.flat != runs[2].parameters.flat).any()


@pytest.mark.parametrize("settings", [{}, {"schedule": "cosine"}, {"binarize": "fixed"}, {"beta_warm_up": 2},
                                      {"optimizer": lambda: mv.SGD(0.01, momentum=0.9)}])
@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_resumed_equals_uninterrupted(tmp_path, monkeypatch, settings, stop_after):
    def arguments():
        return {name: value() if callable(value) else value for name, value in settings.items()}

    whole = small_model()
    expected = quiet(whole, held_out=IMAGES[:20], checkpoint=tmp_path / "whole.npz", **arguments())

    class Killed(Exception):
        pass

    steps = 0

    def forward_until_killed(self, *args, original=mv.VAE.forward, **kwargs):
        nonlocal steps
        steps += kwargs.get("beta") is not None  # a training step, not an evaluation
        if steps > stop_after * (100 // 16) + 3:  # in the middle of an epoch
            raise Killed
        return original(self, *args, **kwargs)

    path = tmp_path / "model.npz"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(mv.VAE, "forward", forward_until_killed)
        quiet(small_model(), held_out=IMAGES[:20], checkpoint=path, **arguments())
    resumed = small_model()
    history = quiet(resumed, held_out=IMAGES[:20], checkpoint=path, resume=True, **arguments())
    np.testing.assert_array_equal(resumed.parameters.flat, whole.parameters.flat)
    assert history == expected
    assert path.read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_an_optimizer_used_before_resumes_too(tmp_path, monkeypatch):
    def resumable(optimizer, path):
        model = small_model()
        quiet(model, optimizer=optimizer, checkpoint=path, resume=True, schedule="cosine")
        return model

    class Killed(Exception):
        pass

    def killed(self, *args, original=mv.Adam.step, **kwargs):
        original(self, *args, **kwargs)
        if self.t == killed.at:
            raise Killed

    adam, path = mv.Adam(), tmp_path / "model.npz"
    for killed.at in (3, 15):  # in the first epoch, before any checkpoint of it, and in the third
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(mv.Adam, "step", killed)
            resumable(adam, path)
        assert adam.learning_rate == 1e-3  # the schedule's last step is not left in it
    resumed, whole = resumable(adam, path), resumable(mv.Adam(), tmp_path / "whole.npz")
    np.testing.assert_array_equal(resumed.parameters.flat, whole.parameters.flat)


def test_measuring_held_out_data_does_not_disturb_training():
    one, other = small_model(), small_model()
    quiet(one)
    quiet(other, held_out=IMAGES[:20])
    np.testing.assert_array_equal(one.parameters.flat, other.parameters.flat)


def test_every_step_has_fresh_noise_and_counts_in_the_history(monkeypatch):
    noise, betas, means, forward = [], [], [], mv.VAE.forward

    def watched(self, x, eps, **kwargs):
        trace = forward(self, x, eps, **kwargs)
        noise.append(eps)
        betas.append(trace.beta)
        means.append([float(trace[name].mean()) for name in ("elbo", "log_likelihood", "kl")])
        return trace

    monkeypatch.setattr(mv.VAE, "forward", watched)
    history = quiet(small_model(dtype="float64", beta=2.0), beta_warm_up=2)
    steps, noise = 100 // 16, np.array(noise)
    n = noise.size
    # in full precision
    assert len(np.unique(noise)) == n and (noise != noise.astype(np.float32)).any(axis=(1, 2)).all()
    assert abs(noise.mean()) < 4.5 / np.sqrt(n) and abs(noise.var() - 1) < 4.5 * np.sqrt(2 / n)
    np.testing.assert_allclose(betas, [2 * min(1, (step + 1) / (2 * steps)) for step in range(3 * steps)])
    reported = [[row[name] for name in ("elbo", "log_likelihood", "kl")] for row in history]
    np.testing.assert_allclose(reported, np.mean(np.reshape(means, (3, steps, 3)), axis=1))


def test_resume_without_a_checkpoint_starts_afresh(tmp_path):
    model, fresh = small_model(), small_model()
    quiet(model, checkpoint=tmp_path / "a.npz", resume=True)
    quiet(fresh)
    np.testing.assert_array_equal(model.parameters.flat, fresh.parameters.flat)


def test_a_finished_run_is_left_alone_and_may_be_extended(tmp_path):
    path = tmp_path / "model.npz"
    history = quiet(small_model(), checkpoint=path)
    before = path.read_bytes()
    again = small_model()
    assert quiet(again, checkpoint=path, resume=True) == history
    assert path.read_bytes() == before
    longer, whole = small_model(), small_model()
    quiet(longer, checkpoint=path, resume=True, epochs=5)
    quiet(whole, epochs=5)
    np.testing.assert_array_equal(longer.parameters.flat, whole.parameters.flat)


@pytest.mark.parametrize("change, named", [
    ({"batch_size": 8}, "batch_size was 16, now 8"), ({"learning_rate": 0.5}, "learning_rate was 0.005, now 0.5"),
    ({"seed": 1}, "seed was 0, now 1"), ({"binarize": "none"}, "binarize was 'dynamic', now 'none'"),
    ({"schedule": "cosine"}, "schedule"), ({"held_out": IMAGES[:5]}, "held_out was None"),
    ({"images": IMAGES[::-1]}, "images was"), ({"optimizer": mv.SGD(1e-3)}, "optimizer was 'Adam', now"),
    ({"model": small_model(beta=2.0)}, "model.beta was 1.0, now 2.0"),
])
def test_conflicting_settings_are_refused_and_lose_nothing(tmp_path, change, named):
    path = tmp_path / "model.npz"
    quiet(small_model(), checkpoint=path)
    before = path.read_bytes()
    arguments = {"model": small_model(), "checkpoint": path, "resume": True, "epochs": 5} | change
    start = arguments["model"].parameters.flat.copy()
    with pytest.raises(ValueError, match=named):
        quiet(**arguments)
    assert path.read_bytes() == before
    np.testing.assert_array_equal(arguments["model"].parameters.flat, start)


def test_a_cosine_run_is_not_stretched(tmp_path):
    quiet(small_model(), checkpoint=tmp_path / "m.npz", schedule="cosine")
    with pytest.raises(ValueError, match="epochs was 3, now 4"):
        quiet(small_model(), checkpoint=tmp_path / "m.npz", schedule="cosine", resume=True, epochs=4)


@pytest.mark.parametrize("change, named", [
    ({"epochs": 0}, "epochs"), ({"batch_size": 0}, "batch_size"), ({"batch_size": 101}, "batch_size.*101"),
    ({"learning_rate": -1}, "learning_rate"), ({"schedule": "linear"}, "schedule"),
    ({"binarize": "maybe"}, "binarize must be one of"),
    ({"images": IMAGES[:0]}, "images must not be empty"), ({"images": IMAGES.astype(float)}, "Divide by 255"),
    ({"images": IMAGES[:, :2]}, "images must have 16 pixels each for this model; got 8"),
    ({"held_out": IMAGES[:, :2]}, "held_out must have 16 pixels"),
    ({"held_out": IMAGES[:0]}, "held_out must not be empty"),
    ({"threads": 0}, "threads must be a positive integer"),
    ({"threads": 17}, "threads must be at most the batch size, 16; got 17"),
    ({"seed": -1}, "seed"), ({"beta_warm_up": -1}, "beta_warm_up"),
    ({"optimizer": mv.Adam(), "learning_rate": 0.1}, "learning_rate is for the default optimizer"),
    ({"resume": True}, "resume needs a checkpoint"), ({"model": IMAGES}, "model must be a VAE; got a ndarray"),
    ({"optimizer": mv.Adam}, "optimizer must be an optimizer object"),
    ({"images": (IMAGES, IMAGES)}, "Pass one part of it"),
])
def test_bad_arguments(change, named):
    with pytest.raises(ValueError, match=named):
        quiet(**{"model": small_model()} | change)


def test_numbers_of_numpy_serve_as_arguments(tmp_path):
    model, plain = small_model(), small_model()
    quiet(model, epochs=np.int64(1), batch_size=np.int32(16), seed=np.uint8(5), beta_warm_up=np.float32(0.5),
          checkpoint=tmp_path / "m.npz")
    quiet(plain, epochs=1, seed=5, beta_warm_up=0.5)
    np.testing.assert_array_equal(model.parameters.flat, plain.parameters.flat)


def test_the_first_bad_number_stops_training(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(mv.NonFiniteError,
                       match=r"^(encoder.0.h|mu|log_var|sigma|z|decoder.0.h|logits|kl) is not finite in epoch "
                                                r"1, batch 2. Try a new model with a smaller learning rate"):
        quiet(small_model(), checkpoint=path, learning_rate=1e30)
    assert not list(tmp_path.iterdir())  # what holds no epoch is no run: the next try meets nothing
    quiet(small_model(), checkpoint=path, resume=True)
    before = mv.training.load_checkpoint(path)
    empty = before._replace(model=small_model(), history=[])  # as older versions left behind
    mv.training.checkpoint.save_checkpoint(path, empty)
    # other settings: it is no run that they contradict
    quiet(small_model(), checkpoint=path, resume=True, learning_rate=2e-3)
    assert len(mv.training.load_checkpoint(path).history) > 0


@pytest.mark.parametrize("size", [1e4, 300.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_far_from_1_are_to_be_standardized_first(size, dtype):
    """Standardizing helps, and none of the other suggestions does; so it comes first, and only there."""
    x = size * np.random.default_rng(0).standard_normal((60, 8))
    make = lambda: mv.VAE(8, (6,), 2, likelihood="gaussian", dtype=dtype)
    big = pytest.raises(mv.NonFiniteError,
                        match=r"The data reach [0-9.e+]+: standardize them first, as in \(images - images.mean\(\)")
    with big:
        mv.train(make(), x, epochs=1, batch_size=20, progress=False)
    for learning_rate in (1e-3, 1e30):
        standard = (x - x.mean()) / x.std()
        with pytest.raises(mv.NonFiniteError, match=r"\. Try a new") if learning_rate > 1 else contextlib.nullcontext():
            mv.train(make(), standard, epochs=1, batch_size=20, learning_rate=learning_rate, progress=False)


def test_a_bad_gradient_stops_training_before_the_step(monkeypatch):
    backward = mv.VAE.backward

    def spoiled(self, *args, **kwargs):
        d, grads = backward(self, *args, **kwargs)
        grads["decoder.0.W"][0, 0] = np.inf
        return d, grads

    monkeypatch.setattr(mv.VAE, "backward", spoiled)
    model = small_model()
    start = model.parameters.flat.copy()
    with pytest.raises(mv.NonFiniteError, match="the gradient of decoder.0.W is not finite in epoch 1, batch 1"):
        quiet(model)
    np.testing.assert_array_equal(model.parameters.flat, start)


def test_a_bad_last_step_is_not_saved(tmp_path, monkeypatch):
    step, steps = mv.Adam.step, 100 // 16

    def spoiled(self, parameters, gradients):
        step(self, parameters, gradients)
        if self.t == 2 * steps:
            parameters[-1] = np.nan

    monkeypatch.setattr(mv.Adam, "step", spoiled)
    path = tmp_path / "model.npz"
    with pytest.raises(mv.NonFiniteError, match="decoder.1.b is not finite in epoch 2, after its last step"):
        quiet(small_model(), checkpoint=path)
    assert np.isfinite(mv.VAE.load(path).parameters.flat).all()


def test_held_out_numbers_are_watched_too():
    with pytest.raises(mv.NonFiniteError, match="held_out_[a-z_]+ is not finite in epoch 1"):
        quiet(small_model(), IMAGES[:16], optimizer=mv.SGD(1e4), held_out=IMAGES, epochs=1)


def test_a_gradient_that_is_not_finite_is_named():
    from minivae.training.finite import check_backward, check_forward, check_parameters

    model = small_model()
    trace = model.forward(IMAGES.reshape(100, -1) / 255, np.zeros((100, 2)))
    d, grads = model.backward(trace)
    check_forward(trace, "here")
    check_backward([d], grads, "here")
    check_parameters(model.parameters, "here")
    grads["decoder.0.W"][0, 0] = np.nan
    with pytest.raises(mv.NonFiniteError, match="the gradient of decoder.0.W is not finite in epoch 1, batch 2"):
        check_backward([d], grads, "epoch 1, batch 2")
    d.z[0, 0] = np.inf
    with pytest.raises(mv.NonFiniteError, match="the gradient of z is not finite"):
        check_backward([d], grads, "here")
    model.parameters["encoder.1.b"][1] = np.inf
    with pytest.raises(mv.NonFiniteError, match="encoder.1.b is not finite"):
        check_parameters(model.parameters, "here")
    trace.seal(False)
    trace.sigma[0, 0] = np.nan
    for loss in (np.nan, np.inf, -np.inf):
        trace.loss = np.float32(loss)
        with pytest.raises(mv.NonFiniteError, match="sigma is not finite"):
            check_forward(trace, "here")


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    quiet(small_model(), checkpoint=path, epochs=1)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        quiet(small_model(), checkpoint=path, epochs=2, resume=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


def test_standardized_data_trains_a_gaussian_model():
    images = np.random.default_rng(1).standard_normal((64, 16)) * 3 - 1
    history = quiet(small_model(likelihood="gaussian"), images, batch_size=8, learning_rate=1e-2, epochs=10)
    assert history[-1]["elbo"] > history[0]["elbo"]


@given(st.integers(1, 1000))
def test_schedules(steps):
    rates = [cosine(step, steps) for step in range(steps)]
    assert rates[0] == 1 and all(0 < rate <= 1 for rate in rates)
    assert rates == sorted(rates, reverse=True)
    assert abs(cosine(steps, steps)) < 1e-15 and abs(cosine(1, 2) - 0.5) < 1e-15
    betas = [warm_up(step, steps) for step in range(steps + 3)]
    assert betas[0] == 1 / steps and betas[steps - 1:] == [1.0] * 4 and warm_up(0, 0) == 1.0


def test_schedules_are_used():
    history = quiet(small_model(beta=2.0), schedule="cosine", beta_warm_up=2, learning_rate=0.01, epochs=4)
    steps = 100 // 16
    assert [row["beta"] for row in history] == [1.0, 2.0, 2.0, 2.0]
    assert history[1]["learning_rate"] == 0.01 * cosine(2 * steps - 1, 4 * steps)


def test_the_bar_shows_the_three_numbers(capsys):
    mv.train(small_model(), IMAGES, epochs=1, batch_size=2, held_out=IMAGES[:10])
    shown = capsys.readouterr().err
    for piece in ("epoch 1/1", "50/50", "ELBO", "log p(x|z)", "KL", "held-out ELBO"):
        assert piece in shown


def test_memory_stays_level(monkeypatch):
    import tracemalloc

    peaks, update = [], loop.EpochBar.step

    def measured(self, means):
        update(self, means)
        peaks.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(loop.EpochBar, "step", measured)
    tracemalloc.start()
    quiet(mv.VAE(16, (100,), 2), epochs=4)
    tracemalloc.stop()
    half = len(peaks) // 2
    assert abs(max(peaks[half:]) - max(peaks[2:half])) < 20_000  # bytes; the parameters alone take 17,000


def test_the_default_optimizer_has_its_own_step_size_and_schedule(monkeypatch):
    seen = {}

    def watched(model, optimizer, *data, **settings):
        seen.update(settings, rate=optimizer.learning_rate)
        return settings

    monkeypatch.setattr(loop, "run_settings", watched)
    for arguments, expected in (({}, (5e-3, "cosine")), ({"learning_rate": 0.01}, (0.01, "cosine")),
                                ({"optimizer": mv.Adam()}, (1e-3, "constant")),
                                ({"schedule": "constant"}, (5e-3, "constant")),
                                ({"optimizer": mv.SGD(0.1), "schedule": "cosine"}, (0.1, "cosine"))):
        mv.train(small_model(), IMAGES, epochs=1, progress=False, **arguments)
        assert (seen["rate"], seen["schedule"]) == expected and seen["batch_size"] == 100
