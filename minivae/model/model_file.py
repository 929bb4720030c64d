"""What a model file holds: a format version, the settings as JSON, and the parameters as one array."""

import json

import numpy as np

from ..files import CheckpointError

__all__ = ["model_arrays", "model_from_arrays"]

FORMAT = 1  # to be raised when an older minivae would misread a newer file


def model_arrays(model):
    """Return the contents of a model's file, by name."""
    return {
        "format": np.array(FORMAT),
        "settings": np.array(json.dumps(model.settings)),
        "parameters": model.parameters.flat,
    }


def model_from_arrays(model_class, arrays, path):
    """Rebuild a model from the contents of its file.

    Raises
    ------
    CheckpointError
        If the contents are not a model's, contradict themselves, or come from a newer minivae. ``path`` is named
        in the message.
    """
    missing = {"format", "settings", "parameters"} - set(arrays)
    if missing:
        raise CheckpointError(f"{path} is not a minivae model: it has no {', '.join(sorted(missing))}.")
    try:
        version = int(arrays["format"])
        if version > FORMAT:
            raise CheckpointError(
                f"{path} has format {version}, and this minivae reads formats up to {FORMAT}. Update minivae."
            )
        settings = json.loads(str(arrays["settings"]))
        if "classes" in settings:  # the file of a conditional VAE says so by this
            from .conditional import ConditionalVAE as model_class
        model = model_class(**settings)
    except CheckpointError:
        raise
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise CheckpointError(
            f"{path} has settings that make no model ({error}). Train again, or restore a copy."
        ) from error
    flat, expected = arrays["parameters"], model.parameters.flat
    if flat.shape != expected.shape or flat.dtype != expected.dtype:
        raise CheckpointError(
            f"{path}: by its settings the parameters must have shape {expected.shape} and dtype {expected.dtype}; "
            f"got {flat.shape} and {flat.dtype}. Train again, or restore a copy."
        )
    if not np.isfinite(flat).all():
        raise CheckpointError(f"{path} holds parameters that are not finite: their training went astray. Train again?")
    expected[...] = flat
    return model
