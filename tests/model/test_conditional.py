"""The conditional VAE: its gradients, its bound on log p(x|y), and the checks of labels."""

import numpy as np
import pytest
from checks import check_model_gradient, expected_elbo, model_example
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import SEEDS, model_settings

import minivae as mv
from minivae.gradcheck import check_model

SMALL = dict(data_dim=4, hidden=(5,), latent_dim=1, activation="tanh", dtype="float64")


def kind(**settings):
    return mv.ConditionalVAE(classes=3, **settings)


def example(settings, batch, seed):
    """Return an example as ``model_example`` does, with a label joined to each row."""
    model, x, eps = model_example(settings, batch, seed, kind)
    labels = np.random.default_rng(seed).integers(0, 3, batch)
    return model, mv.join_labels(x, labels, 3), eps


@given(arguments=model_settings(), batch=st.integers(1, 4), seed=SEEDS)
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_every_parameter_and_symbol(arguments, batch, seed):
    assume(check_model_gradient(arguments, batch, seed, d_loss=0.7, example=example))


def test_the_ladder_passes_and_shows_the_whole_chain():
    model, x, eps = example(SMALL | {"latent_dim": 2}, 4, 0)
    report = check_model(model, x, eps)
    assert report.verdict == "pass", report
    assert set(report.picture().replace("→", " ").split()) >= set(model.symbols) - {"x", "label", "eps"}


def test_each_label_has_a_bound_of_its_own():
    """E[ELBO] <= log p(x|y), the evidence by quadrature over z from decode, which takes [z | label]."""
    model, _, _ = example(SMALL, 1, 1)
    model.parameters.flat[:] *= 2
    x = np.array([[0.0, 1.0, 1.0, 0.0]])
    z = np.linspace(-10, 10, 4001)[:, None]
    prior = np.exp(-0.5 * z[:, 0] ** 2) / np.sqrt(2 * np.pi) * (z[1, 0] - z[0, 0])
    evidence = []
    for label in range(3):
        mean = model.decode(mv.join_labels(z, np.full(len(z), label), 3))
        evidence.append(np.log(prior @ np.prod(np.where(x == 1, mean, 1 - mean), axis=1)))
        assert expected_elbo(model, mv.join_labels(x, [label], 3))[0] < evidence[-1]
    assert np.ptp(evidence) > 0.1  # the label matters


def test_generate_reconstruct_and_file(tmp_path):
    model, x, _ = example(SMALL, 4, 2)
    rng = np.random.default_rng
    of_one = model.generate(6, rng=rng(0), label=2)
    assert of_one.shape == (6, 4) and (of_one != model.generate(6, rng=rng(0), label=1)).any()
    np.testing.assert_array_equal(model.generate(6, rng=rng(0)), model.generate(6, rng=rng(0), label=[0, 1, 2] * 2))
    z = rng(0).standard_normal((6, 1))
    np.testing.assert_array_equal(of_one, model.decode(mv.join_labels(z, np.full(6, 2), 3)))
    assert set(np.unique(model.generate(6, rng=rng(0), label=2, draw=True))) <= {0.0, 1.0}
    mu, _ = model.encode(x)
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(np.concatenate([mu, x[:, 4:]], axis=1)))
    model.save(tmp_path / "model.npz")
    loaded = mv.VAE.load(tmp_path / "model.npz")
    assert type(loaded) is mv.ConditionalVAE and loaded.settings == model.settings
    np.testing.assert_array_equal(loaded.reconstruct(x), model.reconstruct(x))


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float32"])
def test_labels_survive_binarization(dtype):
    rng = np.random.default_rng(3)
    images = (rng.integers(0, 256, (50, 2, 2)) if dtype == "uint8" else rng.random((50, 2, 2)) < 0.5).astype(dtype)
    labels = rng.integers(0, 3, 50)
    rows = mv.join_labels(images, labels, 3)
    assert rows.dtype == images.dtype and rows.shape == (50, 7)
    for how in ("dynamic", "fixed", "threshold", "none"):
        pixels = mv.data.binarize(rows, how, rng=rng)
        np.testing.assert_array_equal(pixels[:, 4:], np.eye(3)[labels])
        np.testing.assert_array_equal(pixels[:, :4] > 0.5,
                                      mv.data.binarize(rows[:, :4], how, rng=rng) > 0.5) if how in (
            "threshold", "none") else None
    binary = mv.join_labels((images > images.max() / 2).astype(np.uint8), labels, 3)
    assert binary.dtype == bool  # 0 and 1 as bytes are pixels, not two nearly black greys


def test_it_trains_with_labels_and_says_what_is_wrong():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 300)
    images = np.where(np.eye(3)[labels] == 1, 230, 20).astype(np.uint8)  # the label is all there is to know
    model = mv.ConditionalVAE(3, (8,), 1, classes=3)
    mv.train(model, mv.join_labels(images, labels, 3), epochs=60, batch_size=30, learning_rate=1e-2, progress=False)
    for label in range(3):
        shown = model.generate(50, rng=rng, label=label).mean(axis=0)
        assert shown.argmax() == label and shown[label] > 0.8 and np.delete(shown, label).max() < 0.2
    with pytest.raises(ValueError, match="classes must be a positive integer"):
        mv.ConditionalVAE(3, (8,), 1, classes=0)
    with pytest.raises(ValueError, match="x must have shape"):
        model.forward(rng.random((2, 3)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="must be a label"):
        model.forward(np.ones((2, 6)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="each label must be a whole number from 0 to 2"):
        mv.join_labels(images, labels + 1, 3)
    with pytest.raises(ValueError, match="each label must be a whole number from 0 to 2, of 3 classes; got -1"):
        mv.join_labels(images, labels - 1, 3)
    with pytest.raises(ValueError, match="labels must have shape"):
        mv.join_labels(images, labels[:5], 3)
    with pytest.raises(ValueError, match="each label must be a whole number from 0 to 2, of 3 classes; got 3"):
        model.generate(4, rng=rng, label=3)
    with pytest.raises(ValueError,
                       match=r"label must be one whole number, or one for each of the n = 2 .* got shape \(3,\)"):
        model.generate(2, rng=rng, label=[0, 1, 2])
    for labels in (["1"], [0.0]):
        with pytest.raises(ValueError, match="each label must be a whole number from 0 to 2; got dtype"):
            mv.join_labels(images[:1], labels, 3)
    with pytest.raises(ValueError, match="rows must have shape .* N at least 1"):
        mv.join_labels(images[:0], np.zeros(0, int), 3)
    with pytest.raises(ValueError, match="columns of z must be a label"):
        model.decode(np.zeros((2, 4)))
    for without in (lambda x: model.decode(x[:, :1]), lambda x: mv.log_evidence(model, x, rng=rng), model.encode,
                    lambda x: mv.evaluation.unit_activity(model, x)):
        with pytest.raises(ValueError, match=r"[+] C\) = .*Join it with its labels: join_labels\([xz], labels, 3\)"):
            without(rng.random((2, 3)))
    with pytest.raises(ValueError, match=r"6 columns each .* got 3. Join them: join_labels\(images, labels, 3\)"):
        mv.train(model, images, progress=False)
    with pytest.raises(ValueError, match="samples is for models of several draws; got 5 for a ConditionalVAE"):
        mv.train(model, mv.join_labels(images, labels=np.zeros(len(images), int), classes=3), samples=5, progress=False)
