"""The mistakes that one tensor's numbers can give away, each a guess that must fit all that was measured.

Every guess takes the evidence and what else is in context, and returns a sentence or None.
"""

import itertools
import re

import numpy as np

from .constants import digits, name_of
from .words import Diagnosis, Factor

__all__ = ["zero", "from_nothing", "factor", "factor_sentence", "factor_diagnosis", "arrangement", "arrangements", "swapped"]


def zero(evidence, context):
    if not evidence.claim.any() and evidence.informative:
        return "all zero: the gradient was never filled in, or a path to the loss was cut"


def from_nothing(evidence, context):
    if evidence.whole and evidence.constant.all():
        return "a gradient where there is none: the function does not change with this tensor at all"


def factor(evidence, context):
    found = evidence.factor(evidence.claimed)
    if found and abs(found[0] - 1) > 2 * found[1]:
        return factor_diagnosis(*found, context.sizes)


def factor_diagnosis(factor, error, sizes):
    """The diagnosis of gradients that are off by a constant factor."""
    name = name_of(factor, error, sizes)
    names = ("-1",) if abs(factor + 1) <= max(error, 1e-9) else tuple(name.split(" or ")) if name else ()
    return Diagnosis("factor", (), factor_sentence(factor, error, sizes), Factor(factor, error, names))


def factor_sentence(factor, error, sizes):
    """Say what a gradient that is off by a constant factor is likely to suffer from."""
    if abs(factor + 1) <= max(error, 1e-9):
        return "sign flipped (factor -1.000)"
    name, text = name_of(factor, error, sizes), f"factor {digits(factor, error)}"
    if name is None:
        return f"{text}: a constant that should not be there, or one that is missing"
    options = [option.lstrip("-") for option in name.split(" or ")]
    words = set(re.findall(r"[\w.\[\]]+", name))
    sized = {size: value for size, value in sizes.items() if size in words}
    text += f" = {name}" + "".join(f", {size} = {value:g}" for size, value in sized.items())
    hints = [HINTS[option] for option in options if option in HINTS]
    axes = [size for size, value in sized.items() if isinstance(value, int)]
    times, divided = ([axis for axis in axes if form.format(axis) in options] for form in ("{}", "1/{}"))
    hints += [f"a sum over {' or '.join(times)} in place of a mean"] if times else []
    hints += [f"a mean over {' or '.join(divided)} in place of a sum, or divided by it twice"] if divided else []
    hints += ["the sign flipped"] if factor < 0 else []
    return text + (f": {', or '.join(hints)}?" if hints else "")


HINTS = {"2": "a 1/2 is missing", "1/2": "a 1/2 too many, or a 2 is missing"}


def arrangements(claim, shape):
    """Yield what the tensor would be if its numbers lay otherwise, with the name of the mistake."""
    if claim.ndim == 2 and claim.T.shape == shape:
        yield "transposed", claim.T
    elif claim.ndim > 2:
        for axes in itertools.permutations(range(claim.ndim)):
            if axes != tuple(range(claim.ndim)) and claim.transpose(axes).shape == shape:
                yield f"axes in another order (transpose{axes} puts it right)", claim.transpose(axes)
    if claim.shape != shape:
        if claim.size == np.prod(shape):
            yield "the right numbers in another shape (reshape)", claim.reshape(shape)
        return
    if claim.ndim >= 2:
        yield "reshaped in the wrong order of axes", claim.ravel("F").reshape(shape)
        yield "reshaped in the wrong order of axes", claim.ravel().reshape(shape, order="F")
    for axis, n in enumerate(shape):
        if n > 1:
            yield f"reversed along axis {axis}", np.flip(claim, axis)
        if n > 2 and n % 2 == 0 and axis == len(shape) - 1:
            yield f"the two halves of axis {axis} have changed places", np.roll(claim, n // 2, axis)
        for shift in (1, -1) if n > 2 else ():
            yield f"shifted by {abs(shift)} along axis {axis}", np.roll(claim, shift, axis)


def arrangement(evidence, context):
    if evidence.informative < 2 or not evidence.sharp:
        return None
    for name, rearranged in arrangements(evidence.claim, evidence.shape):
        found = evidence.factor(rearranged[evidence.indices])
        if found:
            same = abs(found[0] - 1) <= max(2 * found[1], 1e-9)
            return name if same else f"{name}, and {factor_sentence(*found, context.sizes)}"
    return None


def swapped(evidence, context):
    """Another tensor's gradient in this one's place: told from the numbers returned for that other."""
    for other, claim in context.claims.items():
        if other != evidence.name and claim is not None and claim.shape == evidence.shape:
            if evidence.informative >= min(2, claim.size) and evidence.fits(claim[evidence.indices]):
                return f"swapped: its gradient was returned for {other}"
    return None
