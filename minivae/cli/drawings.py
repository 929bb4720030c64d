"""What a run writes beside its model: the history as a table, the pictures, and the movie."""

import csv
import io

import numpy as np

from ..data import prepare
from ..data.binarize import binarize_checked
from ..files import whole_file
from ..model import join_labels

__all__ = ["Frames", "PICTURES", "draw_pictures", "write_history"]

PICTURES = {"learning_curves.png", "reconstructions.png", "samples.png", "latent_plane.png", "latent_scatter.png",
            "traversals.png", "classes.png"}


def write_history(path, history):
    """Write the history as CSV, one line for each epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    with whole_file(path) as file:
        file.write(text.getvalue().encode("utf-8"))


def draw_pictures(folder, model, history, images, labels, settings):
    """Draw what the model has learned, from the given images, and return the names of the files."""
    from .. import plots  # matplotlib takes longer to import than all the rest

    rng, shape = np.random.default_rng(0), settings["image_shape"]

    def pixels(some):
        return binarize_checked(some, settings["binarize"], rng, model.dtype)

    images = prepare(images, settings["binarize"], data_dim=model.input_dim, classes=model.conditions)
    x = pixels(images[:10])
    chosen = {"label": np.resize(settings["labels"], 64)} if model.conditions else {}
    figures = {
        "learning_curves.png": plots.learning_curves(history),
        "reconstructions.png": plots.reconstructions(x[:, :model.data_dim], model.reconstruct(x), shape),
        "samples.png": plots.image_grid(model.generate(64, rng=rng, **chosen), shape,
                                        title="New images: z drawn from the prior, then the mean of p(x|z)"),
    }
    mu, _ = model.encode(pixels(images[:2000]))
    if model.latent_dim <= 2:
        figures["latent_scatter.png"] = plots.latent_scatter(mu, labels[:2000])
    if model.conditions:
        figures["classes.png"] = plots.image_grid(
            _styles(model, settings["labels"], rng), shape, columns=len(settings["labels"]),
            title="Each row one z from the prior, each column a label: the mean of p(x|z, y)")
    elif model.latent_dim <= 2:
        figures["latent_plane.png"] = plots.latent_plane(model.decode, shape, latent_dim=model.latent_dim)
    else:
        figures["traversals.png"] = plots.traversals(model.decode, mu, shape)
    for name, figure in figures.items():
        plots.save(figure, folder / name)
    return list(figures)


class Frames:
    """The frames of the movie: the same 36 latents, decoded after each epoch, or after about 60 of many epochs.

    ``train`` calls it after each epoch with the history.
    """

    def __init__(self, model, settings):
        self.model, self.settings = model, settings
        self.every = -(-settings["epochs"] // 60)
        z = np.random.default_rng(0).standard_normal((36, model.latent_dim)).astype(model.dtype)
        self.z = join_labels(z, np.resize(settings["labels"], 36), model.conditions) if model.conditions else z
        self.images, self.captions = [], []

    def __call__(self, history):
        epoch = history[-1]["epoch"]
        if epoch % self.every == 0 or epoch == self.settings["epochs"]:
            held_out = "held_out_elbo" in history[-1]
            elbo = history[-1]["held_out_elbo" if held_out else "elbo"]
            self.images.append(self.model.decode(self.z))
            self.captions.append(f"epoch {epoch}: ELBO {elbo:.1f} nats{', held out' * held_out}")

    def save(self, path):
        """Write the frames as a GIF, whole or not at all."""
        from .. import plots
        plots.save_movie(path, self.images, self.settings["image_shape"], self.captions)


def _styles(model, labels, rng, n=6):
    """Decode each of n latents with every label in turn, shape (n len(labels), D)."""
    z = np.repeat(rng.standard_normal((n, model.latent_dim)).astype(model.dtype), len(labels), axis=0)
    return model.decode(join_labels(z, np.tile(labels, n), model.conditions))
