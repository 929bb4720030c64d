"""All exercises, in the order of the course, from the files in ``sheets``."""

import importlib
import pkgutil

from . import sheets

__all__ = ["EXERCISES", "find", "after"]


def _collected():
    found = [exercise for module in pkgutil.iter_modules(sheets.__path__)
             for exercise in importlib.import_module(f"{sheets.__name__}.{module.name}").EXERCISES]
    return {exercise.name: exercise for exercise in sorted(found, key=lambda e: (e.notebook, e.place))}


EXERCISES = _collected()


def find(name):
    """Return the exercise of that name, or raise a ValueError that lists similar ones."""
    if name not in EXERCISES:
        similar = [other for other in EXERCISES if str(name).lower().strip() in other] or list(EXERCISES)
        raise ValueError(f"there is no exercise {name!r}; there are {', '.join(similar)}.")
    return EXERCISES[name]


def after(exercise):
    """Return the exercise that comes next, or None after the last."""
    order = list(EXERCISES.values())
    place = order.index(exercise) + 1
    return order[place] if place < len(order) else None
