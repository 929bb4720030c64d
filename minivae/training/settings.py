"""What decides the course of a run, and whether two runs are the same one."""

import json
import zlib

import numpy as np

__all__ = ["run_settings", "check_same_settings", "checksum", "training_record"]


def run_settings(model, optimizer, images, held_out, **arguments):
    """Return everything that the result depends on, but for how the work is shared out, as JSON would give it back.

    Data sets are named by shape and checksum, so that a moved folder is the same data and an edited one is not.
    """
    settings = {f"model.{name}": value for name, value in model.settings.items()}
    settings["objective"] = type(model).__name__
    settings |= optimizer.settings() | {"learning_rate": optimizer.learning_rate} | arguments
    settings |= {"images": checksum(images), "held_out": checksum(held_out)}
    return json.loads(json.dumps(settings))


def training_record(settings, epochs):
    """Return what a model file says of its training: the run's settings, not the model's own, and the epochs done."""
    return {name: value for name, value in settings.items() if not name.startswith("model.")} | {
        "epochs": epochs, "planned_epochs": settings["epochs"]}


def check_same_settings(wanted, saved, path):
    """Raise a ValueError that lists what a run was started with and is now to be resumed with, if they differ."""
    ignored = {"epochs"} if wanted["schedule"] == saved.get("schedule") == "constant" else set()
    differing = [name for name in wanted if name not in ignored and wanted[name] != saved.get(name)]
    if differing:
        listed = "; ".join(f"{name} was {saved.get(name)!r}, now {wanted[name]!r}" for name in differing)
        raise ValueError(f"the run in {path} has other settings: {listed}. Resume with its own, or train elsewhere.")


def checksum(images):
    """Name images by dtype, shape and checksum; None if there are none."""
    if images is None:
        return None
    return f"{images.dtype} {images.shape}, crc32 {zlib.crc32(np.ascontiguousarray(images)):08x}"
