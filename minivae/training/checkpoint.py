"""A checkpoint: everything that a run needs to go on as if it had never stopped.

The file is a model file (so ``VAE.load`` reads it) with the optimizer's vectors and a record of the run added.
"""

import json
from typing import NamedTuple

import numpy as np

from ..files import CheckpointError, read_arrays, write_arrays
from ..model import VAE
from ..model.model_file import model_arrays, model_from_arrays

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
        What decides the run's course. A run resumes only with the same.
    history : list of dict
        One entry per finished epoch.
    random_state : dict
        State of the run's bit generator.
    notes : dict
        The caller's own.
    """

    model: VAE
    optimizer: dict
    settings: dict
    history: list
    random_state: dict
    notes: dict


def save_checkpoint(path, checkpoint):
    """Write a checkpoint, whole or not at all: until it is complete, the one before it stays."""
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
        False takes a file that ``VAE.save`` wrote, too: all but the model is then empty.

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
    arrays = read_arrays(path)
    model = model_from_arrays(VAE, arrays, path)
    if "run" not in arrays and not require_run:
        return Checkpoint(model, {}, {}, [], {}, {})
    if "run" not in arrays:
        raise CheckpointError(f"{path} holds a model but no run to resume. Train into another folder?")
    try:
        record = json.loads(str(arrays["run"]))
        parts = [record[name] for name in Checkpoint._fields[2:]]
        np.random.default_rng().bit_generator.state = record["random_state"]  # takes a state that is one, or raises
        if not all(isinstance(part, kind) for part, kind in zip(parts, (dict, list, dict, dict))):
            raise ValueError("not of the form that training writes")
        if not all(isinstance(row, dict) for row in record["history"]):
            raise ValueError("its history has a line that is none")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path} has a record of its run that cannot be read ({error}). Train again?") from error
    return Checkpoint(model, _optimizer_state(arrays, model, record["settings"], path), *parts)


def _optimizer_state(arrays, model, settings, path):
    """Return the optimizer's arrays, checked against the model's and against the optimizer's kind."""
    optimizer = {name.removeprefix(OPTIMIZER): array for name, array in arrays.items() if name.startswith(OPTIMIZER)}
    expected = {"Adam": {"sum_g", "sum_g2", "t"}, "SGD": {"velocity"}}.get(settings.get("optimizer"), set())
    if optimizer and set(optimizer) != expected:
        raise CheckpointError(f"{path}: the optimizer's state must be {sorted(expected)}; got {sorted(optimizer)}. Train again?")
    for name, array in optimizer.items():
        if name == "t" and array.ndim == 0 and array.dtype.kind == "i":
            continue
        if name == "t" or (array.shape != model.parameters.flat.shape or array.dtype != model.dtype):
            raise CheckpointError(
                f"{path}: {OPTIMIZER}{name} must have shape {() if name == 't' else model.parameters.flat.shape} and dtype "
                f"{'int64' if name == 't' else model.dtype}; got {array.shape} and {array.dtype}. Train again, or restore a copy."
            )
    return optimizer
