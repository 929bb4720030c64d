"""The settings on which the result of a run depends, and their comparison when a run is resumed."""

import json
import zlib

import numpy as np

__all__ = ["run_settings", "check_same_settings", "checksum", "training_record"]


def run_settings(model, optimizer, images, held_out, **arguments):
    """Return everything on which the result depends, except how threads share the work, in the types that JSON has.

    Data sets are identified by shape and checksum: a moved folder is the same data, an edited one is not.
    """
    settings = {f"model.{name}": value for name, value in model.settings.items()}
    settings["objective"] = type(model).__name__
    settings |= optimizer.settings() | {"learning_rate": optimizer.learning_rate} | arguments
    settings |= {"images": checksum(images), "held_out": checksum(held_out)}
    return json.loads(json.dumps(settings))


def training_record(settings, epochs):
    """Return what a model file records of its training: the run's settings without the model's, and the epochs done."""
    return {name: value for name, value in settings.items() if not name.startswith("model.")} | {
        "epochs": epochs, "planned_epochs": settings["epochs"]}


def check_same_settings(wanted, saved, path):
    """Raise a ValueError if a run is resumed with other settings than it was started with; it lists the differences."""
    ignored = {"epochs"} if wanted["schedule"] == saved.get("schedule") == "constant" else set()
    differing = [name for name in wanted if name not in ignored and wanted[name] != saved.get(name)]
    if differing:
        listed = "; ".join(f"{name} was {saved.get(name)!r}, now {wanted[name]!r}" for name in differing)
        raise ValueError(f"the run in {path} has other settings: {listed}. Resume with its own, or train elsewhere.")


def checksum(images):
    """Identify images by dtype, shape and checksum; None if there are none."""
    if images is None:
        return None
    return f"{images.dtype} {images.shape}, crc32 {zlib.crc32(np.ascontiguousarray(images)):08x}"
