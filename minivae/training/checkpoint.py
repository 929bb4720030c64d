"""A checkpoint: everything that a run needs to continue as if it had never stopped.

The file is a model file, so ``VAE.load`` reads it, with the optimizer's vectors and a record of the run added.
"""

import json
from typing import NamedTuple

import numpy as np

from ..files import CheckpointError, open_arrays, write_arrays
from ..model import VAE
from ..model.arguments import positive_integer
from ..model.model_file import model_arrays, model_from_archive

__all__ = ["Checkpoint", "save_checkpoint", "load_checkpoint"]

OPTIMIZER = "optimizer."  # how the names of the optimizer's arrays begin in the file


class Checkpoint(NamedTuple):
    """A run as it stood at the end of an epoch.

    Attributes
    ----------
    model : VAE
    optimizer : dict of str to ndarray
        As ``Adam.state`` returns it.
    settings : dict
        The settings on which the result depends; a run resumes only with the same ones.
    history : list of dict
        One entry per finished epoch.
    random_state : dict
        State of the run's bit generator.
    notes : dict
        The caller's own.
    work : dict
        How the work was shared when the run last continued: the number of "threads", and what is known of the "blas".
        Empty in files of older versions.
    """

    model: VAE
    optimizer: dict
    settings: dict
    history: list
    random_state: dict
    notes: dict
    work: dict


def save_checkpoint(path, checkpoint):
    """Write a checkpoint, whole or not at all: the one before it stays until this one is complete."""
    model, optimizer, *record = checkpoint
    record = dict(zip(Checkpoint._fields[2:], record))
    write_arrays(path, {
        **model_arrays(model),
        **{OPTIMIZER + name: array for name, array in optimizer.items()},
        "run": np.array(json.dumps(record)),
    })


def load_checkpoint(path, require_run=True):
    """Read what ``save_checkpoint`` wrote.

    Parameters
    ----------
    path : str or path-like
    require_run : bool, optional
        False also accepts a file that ``VAE.save`` wrote; everything but the model is then empty.

    Returns
    -------
    checkpoint : Checkpoint

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If the file is damaged, or holds a model without a run.
    """
    with open_arrays(path) as archive:
        model = model_from_archive(VAE, archive)
        if "run" not in archive.names and not require_run:
            return Checkpoint(model, {}, {}, [], {}, {}, {})
        if "run" not in archive.names:
            raise CheckpointError(f"{path} holds a model but no run to resume. Train into another folder?")
        try:
            record = json.loads(archive.text("run"))
            record.setdefault("work", {})
            parts = [record[name] for name in Checkpoint._fields[2:]]
            np.random.default_rng().bit_generator.state = record["random_state"]  # raises unless it is a state
            if not all(isinstance(part, kind) for part, kind in zip(parts, (dict, list, dict, dict, dict))):
                raise ValueError("not of the form that training writes")
            if not all(isinstance(row, dict) for row in record["history"]):
                raise ValueError("a line of its history is not a record")
            positive_integer("threads", record["work"].get("threads", 1))
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            message = f"{path} has a record of its run that cannot be read ({error}). Train again?"
            raise CheckpointError(message) from error
        return Checkpoint(model, _optimizer_state(archive, model, record["settings"]), *parts)


def _optimizer_state(archive, model, settings):
    """Return the optimizer's arrays, after a check that they fit the model and the kind of optimizer."""
    names = {name.removeprefix(OPTIMIZER) for name in archive.names if name.startswith(OPTIMIZER)}
    expected = {"Adam": {"sum_g", "sum_g2", "t"}, "SGD": {"velocity"}}.get(settings.get("optimizer"), set())
    if names and names != expected:
        raise CheckpointError(f"{archive.path}: the optimizer's state must be {sorted(expected)}; got {sorted(names)}. "
                              "Train again?")
    like = {name: (model.parameters.flat.shape, model.dtype) for name in names}
    if "t" in names:
        like["t"] = (), np.dtype(int)
    return {name: archive.array(OPTIMIZER + name, *like[name]) for name in sorted(names)}
