"""Mistakes that show an array in sight: as a factor that is missing or one too many, or as something added.

A gradient that lacks its noise is the right one divided by eps; weight decay is a multiple of the weights on top.
"""

import itertools

import numpy as np

from .constants import digits, name_of
from .record import broadcasts
from .guesses import factor_sentence
from .record import OUTPUT, UPSTREAM

__all__ = ["companion_factor", "companion_sum"]


def companion_factor(evidence, context):
    """A factor that is itself one of the arrays in sight: missing, or one too many."""
    if evidence.informative < 2 or not evidence.sharp:
        return None
    for name, array in _companions(evidence, context):
        missing = "the upstream gradient is ignored" if name == UPSTREAM else f"lacks the factor {name}"
        for sentence, left, right in (
            (missing, evidence.claimed * array, evidence.measured),
            (f"has the factor {name} once too often", evidence.claimed, evidence.measured * array),
        ):
            error = evidence.error * (1 if right is evidence.measured else np.abs(array))
            found = evidence.factor(left, right, error)
            if found and abs(found[0] - 1) <= max(2 * found[1], 1e-9):
                return sentence
            if found and name_of(*found, context.sizes):
                return f"{sentence}, and {factor_sentence(*found, context.sizes)}"
    return None


def companion_sum(evidence, context):
    """Something added that does not belong: a multiple of an array in sight, or a constant."""
    if evidence.informative < 2 or len(evidence.claimed) < 3 or not evidence.sharp:
        return None
    extra = evidence.claimed - evidence.measured
    error = evidence.error + evidence.tolerance(evidence.claimed)
    if np.abs(extra).max() < 20 * error.max():
        return None
    constant = ("a constant", np.ones_like(extra))
    for name, array in itertools.chain([constant], _companions(evidence, context, own=True)):
        found = evidence.factor(array, extra, error)   # this way round, for the errors are the extra's
        if found and (np.abs(array) > 0).sum() >= 2:
            amount = digits(abs(1 / found[0]), found[1] / found[0] ** 2)
            more = "too much" if found[0] > 0 else "too little"
            if name == evidence.name:
                return f"{more} by {amount} times itself (weight decay?): a term was added or is missing"
            what = f"{amount} everywhere" if name == "a constant" else f"{amount} times {name}"
            return f"{more} by {what}: a term was added or is missing"
    return None


def _companions(evidence, context, own=False):
    shape = evidence.shape
    if own:
        yield evidence.name, evidence.take(evidence.at)
    arrays = dict(context.arrays)
    if own and context.upstream is not None:
        for name in (*context.arguments, OUTPUT):
            array, dy = np.asarray(arrays[name]), context.upstream
            if dy.ndim == 1 and array.ndim == 2 and len(dy) == len(array):
                dy = dy[:, None]
            if broadcasts(dy.shape, array.shape):
                arrays[f"{UPSTREAM} and {name}"] = dy * array
    for name, array in arrays.items():
        array = np.asarray(array, dtype=np.float64)
        if array.ndim == 1 and len(shape) == 2 and array.shape[0] == shape[0]:
            array = array[:, None]
        if not broadcasts(array.shape, shape):
            continue
        values = evidence.take(array)
        if values.size and np.ptp(values) > 1e-6 * np.abs(values).max() and np.isfinite(values).all():
            yield name, values
            if np.abs(values).max() < 100 and name in context.arguments and not own:
                yield f"exp({name})", np.exp(values)
                yield f"exp({name} / 2)", np.exp(values / 2)
