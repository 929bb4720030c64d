"""A training run in a folder: the model with its checkpoint, the history as CSV, and the pictures.

Its settings are a plain dictionary: the defaults are here, and the options of the command line replace some of them.
"""

import contextlib
import pathlib
import time
import warnings

import numpy as np

from ..data import load_idx, load_mnist, prepare
from ..files import CheckpointError
from ..model import join_labels
from ..training import NonFiniteError, load_checkpoint, train
from ..training.settings import checksum
from .drawings import PICTURES, Frames, draw_pictures, write_history
from .kinds import draws_per_image, new_model

__all__ = ["DEFAULTS", "labels_to_draw", "load_data", "open_model", "resolve", "run", "test_rows"]

DEFAULTS = {
    "data": "mnist", "hidden": [400], "latent": 20, "activation": "relu", "likelihood": "bernoulli",
    "noise_variance": 1.0, "objective": "elbo", "gradient": "plain", "samples": None, "beta": 1.0, "beta_warm_up": 0.0,
    "epochs": 10, "batch": 100, "learning_rate": 5e-3, "schedule": "cosine", "binarize": None, "holdout": None,
    "output_bias": "data", "seed": 0, "dtype": "float32", "conditional": False,
}

PRETRAINED = pathlib.Path(__file__).parents[1] / "model" / "pretrained"


def load_data(name):
    """Return the data set of that name: "mnist", or a folder of IDX files."""
    if name == "mnist":
        return load_mnist()
    try:
        return load_idx(name)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"{error} Check --data.") from error


@contextlib.contextmanager
def remembered_by(model_file):
    """If data are not found within a ``with`` block, add to the error that a run was trained on them."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} The run in {model_file} was trained on this; if it has moved, name its new "
                                "place with --data.") from error


def resolve(folder, chosen, *, resume=False, force=False):
    """Return all settings of a run: those chosen, else those with which the run was started, else the defaults.

    Parameters
    ----------
    folder : path
    chosen : dict
        Some of the settings in ``DEFAULTS``.
    resume, force : bool, optional
        Whether to continue the run in the folder, or to replace it by a new one.

    Returns
    -------
    settings : dict
    epochs_done : int

    Raises
    ------
    FileExistsError
        If the folder holds a run and both are False, or if it is a file.
    """
    if pathlib.Path(folder).exists() and not pathlib.Path(folder).is_dir():
        raise FileExistsError(f"{folder} is a file; --out names a folder, a new one or that of a run.")
    model_file = pathlib.Path(folder) / "model.npz"
    if not model_file.exists() or force:
        return DEFAULTS | chosen, 0
    try:
        saved = load_checkpoint(model_file)
    except CheckpointError:
        if resume:
            raise
        saved = None
    if saved and not saved.history:  # without an epoch there is no run to resume
        return DEFAULTS | chosen, 0
    if not resume:
        raise FileExistsError(f"{model_file} exists already. Go on with it (--resume), start again and replace it "
                              "(--force), or choose another folder (--out).")
    _check_conflicts(model_file, chosen, saved)
    settings = DEFAULTS | {name: saved.notes[name] for name in DEFAULTS if name in saved.notes} | chosen
    return settings, len(saved.history)


def _check_conflicts(model_file, chosen, saved):
    """Raise a ValueError that names the option if a choice contradicts the run's own settings.

    Data sets are compared by their contents, in ``run``, and not by name; epochs may be added.
    """
    for name, value in chosen.items():
        before = saved.notes.get(name)  # from JSON: a list, as the command line has it
        if name in saved.notes and name not in ("data", "epochs") and value != before:
            raise ValueError(f"the run in {model_file} has --{name.replace('_', '-')} {before}; got {value}. Go on "
                             "without it, or train into another folder (--out).")
    epochs, before = chosen.get("epochs"), saved.notes.get("epochs")
    if epochs not in (None, before) and saved.settings.get("schedule") != "constant":
        raise ValueError(f"the run in {model_file} has --epochs {before}, over which its step size falls to zero; got "
                         f"{epochs}. Go on without it, or train into another folder (--out).")


def _check_same_images(model_file, settings, images, held_out):
    """Raise a ValueError that names --data if the run in the file was trained on other images."""
    saved = load_checkpoint(model_file)
    now = {name: checksum(rows if rows is None else prepare(rows, settings["binarize"]))
           for name, rows in (("images", images), ("held_out", held_out))}
    if saved.history and any(saved.settings.get(name) != found for name, found in now.items()):
        raise ValueError(f"--data: {settings['data']} does not hold the images that the run in {model_file} was "
                         f"trained on: they were {saved.settings.get('images')}; these are {now['images']}. Name its "
                         "data, or train into another folder (--out).")


def run(folder, settings, *, resume=False, progress=True, threads=None, pictures=True, movie=False):
    """Train as the settings say, and write model.npz, history.csv and, if wanted, pictures and a movie to the folder.

    Returns
    -------
    summary : dict
        "history", "seconds" of training, names of the "files" written, "settings", and how the "work" was shared.
    """
    if pictures or movie:
        from .. import plots  # noqa: F401  (now, so that a missing library does not show only after the training)
    folder = pathlib.Path(folder)
    model_file = folder / "model.npz"
    resumed = resume and model_file.exists() and load_checkpoint(model_file).notes.get("data") == settings["data"]
    with remembered_by(model_file) if resumed else contextlib.nullcontext():
        data = load_data(settings["data"])
    if settings["binarize"] is None:
        settings = settings | {"binarize": "dynamic" if settings["likelihood"] == "bernoulli" else "none"}
    settings = settings | {"samples": draws_per_image(settings["objective"], settings["samples"], default=5)}
    if settings["holdout"] is None:
        settings = settings | {"holdout": min(10_000, len(data.train_images) // 6)}
    settings = settings | {"image_shape": data.train_images.shape[1:]}
    images, held_out = _split(data.train_images, settings["holdout"])
    labels, held_out_labels = data.train_labels[:len(images)], data.train_labels[len(images):]
    _check_batch(settings["batch"], len(images), threads or 1)
    classes = int(data.train_labels.max()) + 1 if settings["conditional"] else 0
    if classes:
        settings = settings | {"labels": labels_in(labels, classes)}
    model = new_model(settings, images, classes)
    images = with_labels(model, images, labels)
    held_out = held_out if held_out is None else with_labels(model, held_out, held_out_labels)
    if resume and model_file.exists():
        _check_same_images(model_file, settings, images, held_out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"--out: the folder {folder} cannot be made: {error.strerror}.") from error
    start = time.perf_counter()
    frames = Frames(model, settings) if movie else None
    try:
        history = _train(folder, model, images, held_out, settings, resume, progress, threads, frames)
    except BaseException as error:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only if nothing was written to it
        if isinstance(error, NonFiniteError):
            raise ArithmeticError(_what_to_try(error, model_file)) from error
        raise
    seconds = time.perf_counter() - start
    write_history(folder / "history.csv", history)
    shown = images
    if held_out is not None:
        shown, labels = held_out, held_out_labels
    drawn = draw_pictures(folder, model, history, shown, labels, settings) if pictures else []
    for name in PICTURES - set(drawn) if pictures or not resume else []:  # of an earlier run that --force replaced
        (folder / name).unlink(missing_ok=True)
    if not resume:
        (folder / "learning.gif").unlink(missing_ok=True)
    if movie and frames.images:
        frames.save(folder / "learning.gif")
        drawn.append("learning.gif")
    return {"history": history, "seconds": seconds, "files": ["model.npz", "history.csv", *drawn], "settings": settings,
            "work": load_checkpoint(folder / "model.npz").work}


def _train(folder, model, images, held_out, settings, resume, progress, threads, frames):
    return train(
        model, images, held_out=held_out, epochs=settings["epochs"], batch_size=settings["batch"],
        learning_rate=settings["learning_rate"], schedule=settings["schedule"], samples=settings["samples"],
        binarize=settings["binarize"], beta_warm_up=settings["beta_warm_up"], seed=settings["seed"],
        checkpoint=folder / "model.npz", resume=resume, notes=settings, progress=progress, threads=threads,
        after_epoch=frames,
    )


def _what_to_try(error, model_file):
    """Return what to try after a run has diverged, in terms of the options."""
    advice = error.advice("a smaller --learning-rate", "--beta-warm-up", "--dtype float64")
    where = " in another folder (--out), or in place of this run (--force)" if model_file.exists() else ""
    return f"{error.found} {advice.removesuffix('.')}{where}."


def _check_batch(batch, count, threads):
    if threads > batch:
        raise ValueError(f"--threads must be at most the batch size, {batch} (--batch); got {threads}.")
    if batch > count:
        raise ValueError(f"--batch must be at most the number of training images; got {batch} for {count:,}. Take "
                         "smaller batches, or hold out fewer images (--holdout).")


def _split(images, holdout):
    if not 0 <= holdout < len(images):
        raise ValueError(f"--holdout must leave images to train on; got {holdout} of {len(images):,}. Hold out fewer, "
                         "or none (0).")
    return images[:len(images) - holdout], images[len(images) - holdout:] if holdout else None


def with_labels(model, images, labels):
    """Return the rows that a model takes: the images; for a conditional model, joined with their labels."""
    return join_labels(images, labels, model.conditions) if model.conditions else images


def labels_in(labels, classes):
    """Return the labels that occur, and warn of classes that do not: the model cannot learn those."""
    there = np.unique(labels).tolist()
    missing = sorted(set(range(classes)) - set(there))
    if missing:
        warnings.warn(f"no training image has the label {', '.join(map(str, missing))}: no image of it will be "
                      "generated.", stacklevel=2)
    return there


def labels_to_draw(model, notes, n, label=None):
    """Return labels for n images to generate: the given one, or in turn all those that occurred in training."""
    there = notes.get("labels", list(range(model.conditions)))
    if label is not None and label not in there:
        successive = there == list(range(there[0], there[-1] + 1))
        known = f"from {there[0]} to {there[-1]}" if successive else f"one of {there}"
        raise ValueError(f"--label must be a label that the model was trained on, {known}; got {label}.")
    return np.resize(there if label is None else [label], n)


def test_rows(model, test, data):
    """Return the test images of a data set as rows for a model."""
    images, labels = test.test_images, test.test_labels
    if images[0].size != model.data_dim:
        raise ValueError(f"--data must hold images of {model.data_dim} pixels for this model; those of {data} have "
                         f"{images[0].size}.")
    if model.conditions and labels.max() >= model.conditions:
        raise ValueError(f"--data must hold labels up to {model.conditions - 1} for this model; those of {data} go up "
                         f"to {labels.max()}.")
    return with_labels(model, images, labels)


def open_model(path):
    """Load a model from its file, or from the folder of its run.

    Returns
    -------
    model : VAE
    notes : dict
        The settings of the run that trained it, and "image_shape"; defaults for what the file does not record.
    """
    path = pathlib.Path(path)
    path = path / "model.npz" if path.is_dir() else path
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Train a model first (python -m minivae train), name another, "
                                "or take the one that comes with the package (--pretrained).")
    saved = load_checkpoint(path, require_run=False)
    model = saved.model
    side = round(model.data_dim**0.5)
    shape = (side, side) if side * side == model.data_dim else (1, model.data_dim)
    how = saved.settings.get("binarize", "dynamic" if model.likelihood.unit_interval else "none")
    return model, {"data": "mnist", "binarize": how, "image_shape": shape} | saved.notes
