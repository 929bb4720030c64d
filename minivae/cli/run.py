"""A training run in a folder: the model and its checkpoint, the history as CSV, and the pictures.

The settings are a plain dictionary, with one default for each, which the command line's options fill.
"""

import contextlib
import csv
import io
import pathlib
import time

import numpy as np

from ..data import binarize, load_idx, load_mnist, prepare
from ..files import whole_file
from ..model import IWAE, VAE, ConditionalVAE, MonteCarloELBO, join_labels
from ..model.checks import positive_integer
from ..training import load_checkpoint, train

__all__ = ["DEFAULTS", "load_data", "resolve", "run", "open_model"]

DEFAULTS = {
    "data": "mnist", "hidden": [400], "latent": 20, "activation": "relu", "likelihood": "bernoulli",
    "noise_variance": 1.0, "objective": "elbo", "samples": None, "beta": 1.0, "beta_warm_up": 0.0, "epochs": 10,
    "batch": 128, "learning_rate": 1e-3, "schedule": "constant", "binarize": None, "holdout": None,
    "output_bias": "data", "seed": 0, "dtype": "float32", "conditional": False,
}

OBJECTIVES = {"elbo": VAE, "monte-carlo": MonteCarloELBO, "iwae": IWAE}

PRETRAINED = pathlib.Path(__file__).parents[1] / "model" / "pretrained"

PICTURES = {"learning_curves.png", "reconstructions.png", "samples.png", "latent_plane.png", "latent_scatter.png",
            "traversals.png", "classes.png"}


def load_data(name):
    """Return the data set of that name: "mnist", or the folder of a set of IDX files."""
    return load_mnist() if name == "mnist" else load_idx(name)


def resolve(folder, chosen, *, resume=False, force=False):
    """Complete the settings of a run: those chosen, else those the run was started with, else the defaults.

    Parameters
    ----------
    folder : path
    chosen : dict
        Some of the settings in ``DEFAULTS``.
    resume, force : bool, optional
        Whether to continue a run that the folder holds, or to begin anew over it.

    Returns
    -------
    settings : dict
    epochs_done : int

    Raises
    ------
    FileExistsError
        If the folder holds a run and neither was asked for, or is a file.
    """
    if pathlib.Path(folder).is_file():
        raise FileExistsError(f"{folder} is a file; --out names a folder, new or a run's own.")
    model_file = pathlib.Path(folder) / "model.npz"
    if model_file.exists() and not force:
        if not resume:
            raise FileExistsError(
                f"{model_file} exists already. Go on with it (--resume), begin again over it (--force), or choose "
                "another folder (--out)."
            )
        saved = load_checkpoint(model_file)
        _check_conflicts(model_file, chosen, saved.notes)
        settings = DEFAULTS | {name: saved.notes[name] for name in DEFAULTS if name in saved.notes} | chosen
        return settings, len(saved.history)
    return DEFAULTS | chosen, 0


def _check_conflicts(model_file, chosen, notes):
    """Raise a ValueError in the command line's words if a choice contradicts the run's own settings.

    A data set is known by its contents, which training compares, and not by its name; epochs may be added.
    """
    for name, value in chosen.items():
        saved = notes.get(name)  # as JSON gave it back: a list, as the command line's own
        if name in notes and name not in ("data", "epochs") and value != saved:
            raise ValueError(f"the run in {model_file} has --{name.replace('_', '-')} {saved}; got {value}. Go on without "
                             "it, or train into another folder (--out).")


def run(folder, settings, *, resume=False, progress=True, parts=1):
    """Train as the settings say, and leave model.npz, history.csv and the pictures in the folder.

    Returns
    -------
    summary : dict
        "history", "seconds" of training, names of the "files" written, "settings".
    """
    folder = pathlib.Path(folder)
    data = load_data(settings["data"])
    if settings["binarize"] is None:
        settings = settings | {"binarize": "dynamic" if settings["likelihood"] == "bernoulli" else "none"}
    settings = settings | {"samples": draws_per_image(settings["objective"], settings["samples"], default=5)}
    if settings["holdout"] is None:
        settings = settings | {"holdout": min(10_000, len(data.train_images) // 6)}
    settings = settings | {"image_shape": data.train_images.shape[1:]}
    images, held_out = _split(data.train_images, settings["holdout"])
    labels, held_out_labels = data.train_labels[:len(images)], data.train_labels[len(images):]
    model = _new_model(settings, images, int(data.train_labels.max()) + 1 if settings["conditional"] else 0)
    images = with_labels(model, images, labels)
    held_out = held_out if held_out is None else with_labels(model, held_out, held_out_labels)
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    try:
        history = _train(folder, model, images, held_out, settings, resume, progress, parts)
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only if nothing was written to it
        raise
    seconds = time.perf_counter() - start
    write_history(folder / "history.csv", history)
    shown = images
    if held_out is not None:
        shown, labels = held_out, held_out_labels
    pictures = draw_pictures(folder, model, history, shown, labels, settings["binarize"], settings["image_shape"])
    for name in PICTURES - set(pictures):  # of an earlier run of other settings, which --force began again over
        (folder / name).unlink(missing_ok=True)
    return {"history": history, "seconds": seconds, "files": ["model.npz", "history.csv", *pictures],
            "settings": settings}


def _train(folder, model, images, held_out, settings, resume, progress, parts):
    return train(
        model, images, held_out=held_out, epochs=settings["epochs"], batch_size=settings["batch"],
        learning_rate=settings["learning_rate"], schedule=settings["schedule"], samples=settings["samples"],
        binarize=settings["binarize"], beta_warm_up=settings["beta_warm_up"], seed=settings["seed"],
        checkpoint=folder / "model.npz", resume=resume, notes=settings, progress=progress, parts=parts,
    )


def _split(images, holdout):
    if not 0 <= holdout < len(images):
        raise ValueError(f"holdout must leave images to train on; got {holdout} of {len(images):,}. Hold out fewer "
                         "(--holdout), or none (0).")
    return images[:len(images) - holdout], images[len(images) - holdout:] if holdout else None


def with_labels(model, images, labels):
    """Return the rows that a model takes: the images, joined with their labels for a conditional one."""
    return join_labels(images, labels, model.conditions) if model.conditions else images


def kind_of_model(objective, classes):
    """Return the class of model for an objective, or for labels of so many classes, and what it takes beside the rest."""
    if classes and objective != "elbo":
        raise ValueError(f"conditional goes with the objective elbo alone; got {objective}. Leave one of the two out.")
    return (ConditionalVAE, {"classes": classes}) if classes else (OBJECTIVES[objective], {})


def draws_per_image(objective, samples, *, default):
    """Return S as chosen or by default; 1 for the ELBO, the one objective that has no more."""
    if objective == "elbo":
        if samples not in (None, 1):
            raise ValueError(f"--samples is for the objectives over several draws; got {samples} for the elbo. Leave it out, or "
                             "choose --objective iwae.")
        return 1
    return default if samples is None else positive_integer("--samples", samples)


def _new_model(settings, images, classes):
    kind, more = kind_of_model(settings["objective"], classes)
    model = kind(
        images[0].size, settings["hidden"], settings["latent"], settings["activation"], settings["likelihood"],
        noise_variance=settings["noise_variance"], beta=settings["beta"], dtype=settings["dtype"], seed=settings["seed"],
        **more,
    )
    if settings["output_bias"] == "data":
        images = prepare(images, "none")
        model.start_output_at(images.mean(axis=0, dtype=np.float64) / (255 if images.dtype == np.uint8 else 1))
    return model


def write_history(path, history):
    """Write the history as CSV, one epoch a line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    with whole_file(path) as file:
        file.write(text.getvalue().encode("utf-8"))


def draw_pictures(folder, model, history, images, labels, how, shape):
    """Draw what the model learned, from the given images of that shape, and return the names of the files."""
    from .. import plots  # matplotlib takes longer to import than all the rest

    rng = np.random.default_rng(0)

    def pixels(some):
        return binarize(some, how, rng=rng, dtype=model.dtype)

    images = prepare(images, how)
    x = pixels(images[:10])
    figures = {
        "learning_curves.png": plots.learning_curves(history),
        "reconstructions.png": plots.reconstructions(x[:, :model.data_dim], model.reconstruct(x), shape),
        "samples.png": plots.image_grid(model.generate(64, rng=rng), shape,
                                        title="New images: z drawn from the prior, then the mean of p(x|z)"),
    }
    mu, _ = model.encode(pixels(images[:2000]))
    if model.latent_dim <= 2:
        figures["latent_scatter.png"] = plots.latent_scatter(mu, labels[:2000])
    if model.conditions:
        figures["classes.png"] = plots.image_grid(
            _styles(model, rng), shape, columns=model.conditions,
            title="Each row one z from the prior, each column a label: the mean of p(x|z, y)")
    elif model.latent_dim <= 2:
        figures["latent_plane.png"] = plots.latent_plane(model.decode, shape, latent_dim=model.latent_dim)
    else:
        figures["traversals.png"] = plots.traversals(model.decode, mu, shape)
    for name, figure in figures.items():
        plots.save(figure, folder / name)
    return list(figures)


def _styles(model, rng, n=6):
    """Decode each of n latents with every label in turn, shape (n C, D)."""
    z = np.repeat(rng.standard_normal((n, model.latent_dim)).astype(model.dtype), model.conditions, axis=0)
    return model.decode(join_labels(z, np.arange(len(z)) % model.conditions, model.conditions))


def open_model(path):
    """Load a model from its file, or from the folder of its run.

    Returns
    -------
    model : VAE
    notes : dict
        The settings of the run that trained it, and "image_shape"; the defaults for what the file does not say.
    """
    path = pathlib.Path(path)
    path = path / "model.npz" if path.is_dir() else path
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Train a model first (python -m minivae train), or name another.")
    saved = load_checkpoint(path, require_run=False)
    model = saved.model
    side = round(model.data_dim**0.5)
    shape = (side, side) if side * side == model.data_dim else (1, model.data_dim)
    how = saved.settings.get("binarize", "dynamic" if model.likelihood.unit_interval else "none")
    return model, {"data": "mnist", "binarize": how, "image_shape": shape} | saved.notes
