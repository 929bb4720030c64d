"""The explorer without a browser: the sliders' values, what they decode, and the figure."""

import io

import numpy as np
import pytest

import minivae as mv
from minivae.lesson.explorer import MAGNIFIED, Explorer
from minivae.plots.mosaic import as_png


def small(conditional=False):
    """A model of 3 x 3 pixels with four latents, and five images for it."""
    rng = np.random.default_rng(0)
    model = mv.ConditionalVAE(9, (6,), 4, classes=2) if conditional else mv.VAE(9, (6,), 4)
    x = (rng.random((5, 9)) < 0.5).astype("float32")
    return model, mv.join_labels(x, [0, 1, 0, 1, 0], 2) if conditional else x


@pytest.mark.parametrize("conditional", [False, True])
def test_it_starts_at_a_code_and_moves_one_latent(conditional):
    model, x = small(conditional)
    explorer = Explorer(model, x, sliders=2)
    np.testing.assert_allclose(explorer.start(1).ravel(), model.reconstruct(x[1:2])[0], rtol=1e-6)
    before, latent = explorer.z.copy(), explorer.latents[0]
    moved = explorer.move(latent, 2.5)
    assert explorer.z[latent] == 2.5 and (np.delete(explorer.z, latent) == np.delete(before, latent)).all()
    assert moved.shape == (3, 3) and abs(moved.ravel() - model.reconstruct(x[1:2])[0]).max() > 0
    np.testing.assert_allclose(explorer.start(1).ravel(), model.reconstruct(x[1:2])[0],
                               rtol=1e-6)  # the code was not overwritten


def test_the_sliders_are_the_latents_that_carry_most():
    model, x = small()
    model.parameters["encoder.1.W"][:, [0, 1, 4, 5]] = 0  # mu and log_var of latents 0 and 1
    explorer = Explorer(model, x, sliders=2)
    assert sorted(explorer.latents) == [2, 3] and explorer.kl[0] == 0


def test_the_widget_follows_its_sliders():
    pytest.importorskip("ipywidgets")
    explorer = Explorer(*small(), sliders=2)
    box = explorer.widget()
    which, first, _ = box.children[0].children
    decoded = box.children[2].children[1]
    first.value = 1.5
    assert explorer.z[explorer.latents[0]] == 1.5 and decoded.value == as_png(explorer.image(), MAGNIFIED)
    which.value = 3
    assert explorer.index == 3 and abs(first.value - explorer.mu[3, explorer.latents[0]]) < 1e-6
    np.testing.assert_allclose(explorer.z, explorer.mu[3], atol=1e-6)


def test_the_figure_stands_without_a_widget(capsys):
    model, x = small()
    mv.explore(model, x, sliders=3)
    assert "3 rows of thirteen decoded images" in capsys.readouterr().out
    Explorer(model, x, sliders=3).figure().savefig(io.BytesIO())


def test_what_does_not_fit_is_said():
    model, x = small()
    with pytest.raises(ValueError, match="image_shape must be"):
        Explorer(model, x, image_shape=(2, 4))
    with pytest.raises(ValueError, match="index must be"):
        Explorer(model, x).start(5)
