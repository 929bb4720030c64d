"""The capstone's solution, a whole VAE without the package: its gradients are the package's, a wrong part is named."""

import json
import pathlib

import numpy as np
import pytest

import minivae as mv

PATH = pathlib.Path(__file__).parents[2] / "notebooks" / "solutions" / "08_your_own_vae.ipynb"
CELLS = ["".join(cell["source"]) for cell in json.loads(PATH.read_text(encoding="utf-8"))["cells"]
         if cell["cell_type"] == "code"]
OWN = [source for source in CELLS if source.startswith("def ")]
PARTS_CHECK = next(source for source in CELLS if source.startswith("parts = "))


def scope(change=("", "")):
    """The notebook's functions, with one piece of their text changed."""
    names = {"np": np, "mv": mv, "exercises": mv.exercises}
    text = "\n".join(OWN)
    assert text.count(change[0]) >= 1
    exec(text.replace(*change), names)
    return names


def test_its_gradients_are_the_packages():
    own = scope()
    p, x, eps = own["small_case"](3)
    loss, d = own["loss_and_gradients"](p, x, eps)
    model = own["as_package"](p)
    trace = model.forward(x, eps)
    _, grads = model.backward(trace)
    assert abs(loss - trace.loss) < 1e-12
    for i, name in enumerate(("encoder.0", "encoder.1", "decoder.0", "decoder.1")):
        np.testing.assert_allclose(d[f"W{i}"], grads[f"{name}.W"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(d[f"b{i}"], grads[f"{name}.b"], rtol=1e-9, atol=1e-12)


def test_it_is_a_page_without_the_package():
    body = [line for source in OWN for line in source.splitlines()
            if line.strip() and "as_package" not in line and "###" not in line]
    assert len(body) < 110
    for name in ("loss_and_gradients", "train", "adam"):
        source = next(source for source in OWN if source.startswith(f"def {name}("))
        assert "mv." not in source and "exercises" not in source


def test_it_learns():
    own, rng = scope(), np.random.default_rng(0)
    images = np.repeat(np.eye(8, dtype="float32")[rng.integers(8, size=400)], 2, axis=1)
    _, elbos = own["train"](images, epochs=12, batch=20, H=16, K=3, learning_rate=1e-2, rng=rng)
    assert len(elbos) == 12 and elbos[-1] > elbos[0] + 1


@pytest.mark.parametrize("change, name", [
    (("dy * (1 - y**2)", "dy * (1 - y)"), "tanh_backward"),
    (("return dz, dz * eps", "return dz, dz"), "reparameterize_backward"),
    (("dkl[:, None] * 0.5 *", "dkl[:, None] *"), "kl_divergence_backward"),
    (("mu + sigma * eps", "mu + sigma**2 * eps"), "reparameterize"),
])
def test_a_wrong_part_is_named_before_training(change, name, capsys):
    own = scope(change)
    exec(PARTS_CHECK, own)
    assert f"Mend this one first:\n✗ {name}" in capsys.readouterr().out and not own["parts_are_right"]


@pytest.mark.parametrize("change, words", [
    (("dmu + dmu_kl", "dmu"), "Mend the gradient first"),
    (("dsigma * 0.5 * sigma", "dsigma"), "Mend the gradient first"),
    (("-1 / B, x.dtype", "-1, x.dtype"), "Mend the gradient first"),
    (("B, K = eps.shape", "B, K = eps.shape; eps = 2 * eps"), "but the loss is not"),
])
def test_a_wrong_pass_is_named_before_training(change, words, capsys):
    assert not scope(change)["check_pass"]()
    assert words in capsys.readouterr().out


def test_right_parts_and_a_right_pass_are_ready(capsys):
    own = scope()
    exec(PARTS_CHECK, own)
    assert own["parts_are_right"] and own["check_pass"]()
