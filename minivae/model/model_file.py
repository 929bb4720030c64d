"""What a model file holds: a format version, the model's class, its settings as JSON, and the parameters as one array.

The file of a trained model also holds a record of its training: the settings, the epochs, the checksum of the data.
"""

import contextlib
import json

import numpy as np

from ..files import CheckpointError
from .arguments import whole_number

__all__ = ["model_arrays", "model_from_archive"]

FORMAT = 1  # to be increased when an older minivae would misread a newer file
USELESS = (KeyError, TypeError, ValueError, AttributeError, OverflowError, MemoryError, RecursionError)  # for settings


def model_arrays(model):
    """Return the contents of a model's file, by name."""
    return {
        "format": np.array(FORMAT),
        "class": np.array(type(model).__name__),
        "settings": np.array(json.dumps(model.settings)),
        "parameters": model.parameters.flat,
        **({"record": np.array(json.dumps(model.record))} if model.record else {}),
    }


def model_from_archive(wanted, archive):
    """Rebuild a model from its file.

    Parameters
    ----------
    wanted : type
        The class to load: the file must hold a model of this class or of a subclass.
    archive : Archive

    Raises
    ------
    CheckpointError
        If the contents are not a model's, contradict themselves, come from a newer minivae, or hold another class.
    """
    path, missing = archive.path, {"format", "settings", "parameters"} - set(archive.names)
    if missing:
        raise CheckpointError(f"{path} is not a minivae model: it has no {', '.join(sorted(missing))}.")
    try:
        version = int(archive.text("format"))
        if version > FORMAT:
            raise CheckpointError(
                f"{path} has format {version}, and this minivae reads formats up to {FORMAT}. Update minivae."
            )
        settings = json.loads(archive.text("settings"))
        if not isinstance(settings, dict):
            raise ValueError(f"names with values were expected; got a {type(settings).__name__}")
        model_class = _class_named(_class_name(archive, settings, wanted), wanted, path)
        model = model_class(**settings | {"seed": None})  # its parameters are zeros, which take no memory yet
        seed = settings.get("seed", 0)
        model.settings["seed"] = None if seed is None else whole_number("seed", seed)
        model.record = json.loads(archive.text("record")) if "record" in archive.names else None
    except CheckpointError:
        raise
    except USELESS as error:
        raise CheckpointError(
            f"{path} has settings that make no model ({error}). Train again, or restore a copy."
        ) from error
    flat = archive.array("parameters", model.parameters.flat.shape, model.dtype)
    if not np.isfinite(flat).all():
        raise CheckpointError(f"{path} holds parameters that are not finite: its training diverged. Train again?")
    model.parameters.flat = flat
    return model


def _class_name(archive, settings, wanted):
    """Return the name of the class of the model in a file. In files of older versions it has to be inferred."""
    if "class" in archive.names:
        return archive.text("class")
    if "run" in archive.names:
        with contextlib.suppress(*USELESS):
            return json.loads(archive.text("run"))["settings"]["objective"]
    return "ConditionalVAE" if "classes" in settings else wanted.__name__


def _class_named(name, wanted, path):
    """Return the class of that name, which must be ``wanted`` or a subclass."""
    classes = [wanted]
    for kind in classes:  # the list grows while it is read
        classes += kind.__subclasses__()
    found = [kind for kind in classes if kind.__name__ == name]
    if not found and wanted.__name__ != "VAE":
        raise CheckpointError(f"{path} holds a model of class {name}, which is not {wanted.__name__} or made from it. "
                              f"Load it with {' or '.join(dict.fromkeys([f'{name}.load', 'VAE.load']))}.")
    if not found:
        raise CheckpointError(f"{path} holds a model of class {name!r}, and no such class of VAE is defined here. "
                              "Import the module that defines it first.")
    return found[0] if found[0] is wanted else found[-1]  # of several, the one defined last
