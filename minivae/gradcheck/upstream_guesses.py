"""Mistakes of a backward that is right for something else: another upstream gradient, other arguments.

Here the forward is at hand, so each guess can be measured: the differences are taken again under the upstream
gradient, or at the arguments, that the mistake would amount to.
"""

import numpy as np

from .record import broadcasts
from .record import OUTPUT

__all__ = ["passed_through", "product_alone", "transposed_factor", "other_upstream", "other_arguments", "diagonal_alone", "slope_as_formula"]


def passed_through(evidence, context):
    """The upstream gradient itself, or its sum over an axis, in place of the tensor's gradient."""
    dy, shape = context.upstream, evidence.shape
    if dy is None:
        return None
    if dy.shape == shape and evidence.is_all(dy):
        return "the upstream gradient is passed on as it came: the derivative of the function itself is missing"
    for axis in range(dy.ndim) if dy.ndim > 1 else ():
        for keep in (False, True):
            total = np.asarray(dy.sum(axis=axis, keepdims=keep))
            if total.shape == shape and evidence.is_all(total):
                spread_again = broadcasts(shape, dy.shape) and (keep or axis == 0)
                return (f"the upstream gradient summed over axis {axis} and nothing else: the derivative of what follows "
                        "is missing" if spread_again else f"the upstream gradient summed over the wrong axis (axis {axis})")
    return None


def product_alone(evidence, context):
    """The upstream gradient times one argument, as if a matrix product were all that the function does."""
    dy = context.upstream
    if dy is None or dy.ndim != 2 or len(evidence.shape) != 2:
        return None
    for name in context.arguments:
        array = context.arrays[name]
        for product in (lambda: array.T @ dy, lambda: dy @ array.T) if array.ndim == 2 else ():
            try:
                found = product()
            except ValueError:   # they do not fit together
                continue
            if found.shape == evidence.shape and evidence.is_all(found):
                return (f"the upstream gradient times {name} and nothing else: the derivative of what follows the "
                        "product is missing (an activation's?)")
    return None


def transposed_factor(evidence, context):
    """A square matrix used in place of its transpose (or the other way round) in the last product of the chain."""
    claim = evidence.claim
    if claim.ndim != 2 or not evidence.whole or not evidence.sharp:
        return None
    truth = evidence.table()
    for name in context.arguments:
        array = context.arrays[name]
        if name == evidence.name or array.ndim != 2 or len(array) != array.shape[1] or np.linalg.cond(array) > 1e4:
            continue
        for used in (array, array.T):   # in place of used.T
            right = [claim @ np.linalg.solve(used, used.T)] if len(array) == claim.shape[1] else []
            right += [used.T @ np.linalg.solve(used, claim)] if len(array) == claim.shape[0] else []
            if any(np.abs(found - truth).max() <= 1e-6 * np.linalg.cond(array) * evidence.largest for found in right):
                return f"{name} is taken for its transpose: transposed where it should not be, or the other way round"
    return None


def other_upstream(evidence, context):
    """Right for another upstream gradient than the one that was given."""
    dy = context.upstream
    if dy is None or context.measured_anew is None or not evidence.sharp:
        return None
    for sentence, weight in _upstreams(dy):
        if _fits_anew(evidence, context, weight=weight):
            return sentence
    return None


def other_arguments(evidence, context):
    """Right for other arguments: one transposed, reversed, or with the forward's output in its place."""
    if context.measured_anew is None or not evidence.sharp:
        return None
    output = context.arrays.get(OUTPUT)
    for name, array in context.arrays.items():
        if name not in context.arguments:
            continue
        if array.ndim >= 2 and array.shape[-2] == array.shape[-1] > 1:
            if _fits_anew(evidence, context, moved={name: array.swapaxes(-1, -2)}):
                return f"{name} is taken for its transpose: transposed where it should not be, or the other way round"
        for axis, n in enumerate(array.shape):
            if n > 1 and _fits_anew(evidence, context, moved={name: np.flip(array, axis)}):
                return f"{name} reversed along axis {axis}: right if it lay the other way round"
        if output is not None and output.shape == array.shape and _fits_anew(evidence, context, moved={name: output}):
            return f"the derivative is taken at the forward's output in place of {name}"
    return None


def diagonal_alone(evidence, context):
    """Each output differentiated by the input in its own place, and by no other."""
    dy = context.upstream
    if dy is None or dy.shape != evidence.shape or not evidence.sharp or context.measured_anew is None:
        return None
    for i in _telling(evidence):
        index = evidence[i].index
        own = np.zeros_like(dy)
        own[index] = dy[index]
        value, error = context.measured_anew(evidence.name, [index], weight=own)
        if not evidence.fits(evidence.claimed[[i]], 1.0, value, error):
            return None
    return "each output is differentiated by its own input alone: how it depends on the others is missing"


def _fits_anew(evidence, context, **changes):
    """True if the claim is what is measured under the changes, at the telling places."""
    few = _telling(evidence)
    value, error = context.measured_anew(evidence.name, [evidence[i].index for i in few], **changes)
    clear = np.abs(value).max(initial=0) > 20 * error.max(initial=0)
    return clear and evidence.fits(evidence.claimed[few], 1.0, value, error)


def _telling(evidence):
    """The six numbers of the claim that are the most wrong, and the six that are the largest."""
    sizes = evidence.claimed - evidence.measured, evidence.claimed
    return np.union1d(*(np.argsort(-np.abs(size), kind="stable")[:6] for size in sizes))


def _upstreams(dy):
    yield "the upstream gradient is ignored: taken as all ones", np.ones_like(dy)
    yield "only the sign of the upstream gradient is used", np.sign(dy)
    yield "the upstream gradient is squared", dy**2
    yield "the upstream gradient's absolute value is used", np.abs(dy)
    if dy.ndim > 1:
        yield "the mean of the whole upstream gradient is used in place of each one's own", np.full_like(dy, dy.mean())
        yield "the sum of the whole upstream gradient is used in place of each one's own", np.full_like(dy, dy.sum())
    for axis, n in enumerate(dy.shape):
        if n == 1:
            continue
        where = f"of axis {axis}" if dy.ndim > 1 else "of the upstream gradient"
        for name, place in (("first", 0), ("last", n - 1)):
            mask = np.zeros_like(dy)
            mask[(slice(None),) * axis + (place,)] = 1
            alone = np.broadcast_to(dy.take([place], axis=axis), dy.shape)
            yield f"the {name} entry {where} is used in place of each one's own", alone
            yield f"only the {name} entry {where} is used (one example in place of all?)", dy * mask
            yield f"the {name} entry {where} is left out", dy * (1 - mask)
        spread = np.broadcast_to(dy.mean(axis=axis, keepdims=True), dy.shape)
        yield f"the mean of the upstream gradient over axis {axis} is used in place of each one's own", spread
        yield f"the sum of the upstream gradient over axis {axis} is used in place of each one's own", spread * n
        yield f"the upstream gradient is shifted by one along axis {axis}", np.roll(dy, 1, axis)
        yield f"the upstream gradient is shifted by one along axis {axis}", np.roll(dy, -1, axis)
        if n > 2 and n % 2 == 0:
            yield f"the two halves of axis {axis} of the upstream gradient have changed places", np.roll(dy, n // 2, axis)


def slope_as_formula(evidence, context):
    """For a function of each number alone: the slope that was used, as a formula in the input or the output."""
    dy, claim = context.upstream, evidence.claim
    if dy is None or dy.shape != claim.shape or claim.size < 4 or np.any(dy == 0):
        return None
    slope = (claim / dy).ravel()
    rounding = 2**12 * evidence.precision
    for name, array in ((n, context.arrays.get(n)) for n in (OUTPUT, evidence.name)):
        if array is None or array.shape != claim.shape:
            continue
        for power, values in (("", array.ravel()), (" squared", array.ravel() ** 2)):
            if not np.ptp(values):
                continue
            design = np.stack([np.ones_like(values), values / np.abs(values).max()], axis=1)
            (constant, rate), *_ = np.linalg.lstsq(design, slope, rcond=None)
            largest = np.abs(slope).max()
            if abs(rate) > 1e-3 * largest and np.abs(design @ (constant, rate) - slope).max() <= rounding * largest:
                constant = 0.0 if abs(constant) <= rounding * largest else constant
                formula = f"{_linear(constant, rate / np.abs(values).max(), rounding)}{name}{power}"
                return f"the upstream gradient was multiplied by {formula}, which is not the slope of the forward"
    return None


def _linear(constant, rate, rounding):
    times = "" if abs(abs(rate) - 1) <= rounding else f"{abs(rate):.4g} times "
    if constant == 0:
        return ("minus " if rate < 0 else "") + times
    return f"{constant:.4g} {'-' if rate < 0 else '+'} {times}"
