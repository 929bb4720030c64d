"""The table of mistakes that a gradient's numbers can give away.

Each hypothesis says that, at all numbers measured, a left side made from the claim is one factor times a right side
made from the truth. One tester fits the factor. It accepts the hypothesis only if the wrong numbers agree with it to
more digits than chance would give, considering how many hypotheses have been tried.
"""

import itertools
import math
from typing import Callable, NamedTuple

import numpy as np

from .places import arrangements, clear, too_many_for_chance
from .record import OUTPUT, UPSTREAM, broadcasts
from .words import Diagnosis, digits, factor_of, in_words

__all__ = ["Hypothesis", "HYPOTHESES", "array_factors", "factors", "tested"]

CERTAIN = 2.0     # decimal digits of agreement required, beyond those that trying many hypotheses gives by chance
AT_MOST = 8.0     # digits that one number can add
NAMES = 100       # about so many names a factor may have


class Hypothesis(NamedTuple):
    """left = factor * right, at the numbers that were measured.

    Attributes
    ----------
    kind : str
        Of the diagnosis.
    words : str or callable
        What it means if the factor is 1; or a function of the factor and its error that returns the words.
    left, right : ndarray, shape (n,)
    error : ndarray, shape (n,), optional
        Of ``right``; by default that of the differences.
    factors : {"one", "named", "any"}
        Which factors it allows.
    at : ndarray of int, optional
        Which of the measured numbers it is about; by default all.
    """

    kind: str
    words: str | Callable
    left: np.ndarray
    right: np.ndarray
    error: np.ndarray = None
    factors: str = "named"
    at: np.ndarray = None


def tested(seen, hypothesis, sizes, tried=1):
    """Return the Diagnosis that follows from a hypothesis, or None if the numbers do not support it.

    Parameters
    ----------
    seen : Comparison
        The numbers that could be measured.
    hypothesis : Hypothesis
    sizes : dict of str to int
    tried : int, optional
        How many hypotheses have been tried, this one included.
    """
    kind, words, left, right, error, factors, at = hypothesis
    seen = seen if at is None else seen.rows(at)
    error = seen.error if error is None else error
    if not np.isfinite(left).all() or not np.isfinite(right).all():
        return None
    found = seen.factor(left, right, error)
    if found is None:
        return None
    value, its_error = found
    one = abs(value - 1) <= max(2 * its_error, 1e-10)
    free = factors == "any" and not one
    factor = None if one else factor_of(value, its_error, sizes, alone=seen.claim.size == 1)
    if not one and (factors == "one" or not factor.names and (not free or seen.claim.size == 1)):
        return None
    if seen.claim.size > 1:
        agreement = _agreement(seen, hypothesis, value, error, free)
        if agreement < CERTAIN + math.log10(tried) + (not one and not free) * math.log10(NAMES):
            return None
    if callable(words):
        return Diagnosis(kind, (), words(value, its_error), factor if kind == "added" else None)   # an amount
    text = ", and ".join(filter(None, [words, in_words(factor) if factor else ""]))
    return Diagnosis(kind, (), text, factor) if text else None


def _agreement(seen, hypothesis, value, error, free):
    """To how many decimal digits, all together, the wrong numbers agree with a hypothesis.

    A zero agrees with any factor; what counts is in how many ways so many zeros could have been placed. Numbers of one
    size agree with each other in any order, so they are counted once. Where more numbers are right as they stand than
    are wrong, the truth is the same in both orders (a palindrome, a symmetric matrix), and the wrong ones are no
    evidence of another order. Where only signs are wrong, only their places are evidence.
    """
    left, right, rearranged = hypothesis.left, hypothesis.right, hypothesis.kind == "arranged"
    if rearranged and (~seen.off & (left != 0)).sum() > seen.off.sum():
        return 0.0
    signs_alone = (clear(seen) & ~seen.off).any() and seen.fits(np.abs(seen.claimed), 1.0, np.abs(seen.measured))
    if signs_alone and not too_many_for_chance(seen, seen.off):
        return 0.0
    allowed = 2 * (np.abs(value) * error + seen.tolerance(left))
    with np.errstate(all="ignore"):
        each = np.clip(np.log10(np.abs(left) / allowed), 0, AT_MOST)
    wrong = seen.off & (left != 0)
    pairs = np.stack([left, value * right], axis=1)[wrong] / max(np.abs(left).max(), 1e-300)
    pairs = np.round(np.abs(pairs) if rearranged else pairs, 6)
    each = each[wrong] if free else each[wrong][np.unique(pairs, axis=0, return_index=True)[1]]   # once each
    zeros, there = seen.off & (left == 0) & (right == 0), seen.off | clear(seen)
    ways = math.log10(math.comb(int(there.sum()), int(zeros.sum())))
    fitted = free or rearranged   # to any one of them
    return each.sum() + ways - (each.max(initial=0) if fitted else 0)


def factors(seen, context):
    """The claim is the truth times a number."""
    yield Hypothesis("factor", "", seen.claimed, seen.measured, factors="any")


def swaps(seen, context):
    """Another tensor's gradient in this one's place: told from the numbers returned for that other."""
    for other, claim in context.claims.items():
        if other != seen.name and claim is not None and claim.shape == seen.shape:
            yield Hypothesis("swapped", f"swapped: its gradient was returned for {other}", seen.take(claim),
                             seen.measured, factors="one")


def array_factors(seen, context):
    """A factor that is itself one of the arrays in sight: missing, or one too many."""
    for name, array in _in_sight(seen, context):
        missing = "the upstream gradient is ignored" if name == UPSTREAM else f"lacks the factor {name}"
        kind = "upstream" if name == UPSTREAM else "array"
        yield Hypothesis(kind, missing, seen.claimed * array, seen.measured)
        yield Hypothesis("array", f"has the factor {name} once too often", seen.claimed, seen.measured * array,
                         seen.error * np.abs(array))


def passed_through(seen, context):
    """The upstream gradient itself, or its sum over an axis, in place of the tensor's gradient."""
    dy, shape, exact = context.upstream, seen.shape, np.zeros(len(seen))
    if dy is None:
        return
    allowed = "one" if (clear(seen) & ~seen.off).any() else "any"   # a multiple of it would not be right anywhere
    taken = [("passed on as it came: the derivative of the function itself is missing", dy)]
    for axis, keep in itertools.product(range(dy.ndim) if dy.ndim > 1 else (), (False, True)):
        spread_again = broadcasts(shape, dy.shape) and (keep or axis == 0)
        words = (f"summed over axis {axis} and nothing else: the derivative of what follows is missing" if spread_again
                 else f"summed over the wrong axis (axis {axis})")
        taken.append((words, dy.sum(axis=axis, keepdims=keep)))
    for words, array in taken:
        if np.shape(array) == shape:
            words = f"the upstream gradient {'is ' if array is dy else ''}{words}"
            yield Hypothesis("upstream", lambda *_, words=words: words, seen.claimed, seen.take(array), exact, allowed)


def arranged(seen, context):
    """The right numbers in another order."""
    for name, rearranged in arrangements(seen.claim, seen.shape):
        yield Hypothesis("arranged", name, seen.take(rearranged), seen.measured)


def other_upstreams(seen, context):
    """Right for another upstream gradient than the one given: with the Jacobian's rows at hand, a product each."""
    dy = context.upstream
    if dy is None or context.rows is None:
        return
    few = _telling(seen)
    rows, error = context.rows(seen.name, [seen[k].index for k in few])   # (few, size of the output)
    for words, weight in _upstreams(dy) if np.isfinite(rows).all() else ():
        weight = weight.ravel()
        yield Hypothesis("upstream", words, seen.claimed[few], rows @ weight, error @ np.abs(weight), "one", few)


def _upstreams(dy):
    """Yield what a backward may have used in place of its upstream gradient, with the words for it."""
    yield "the upstream gradient is ignored: taken as all ones", np.ones_like(dy)
    yield "only the sign of the upstream gradient is used", np.sign(dy)
    yield "the upstream gradient is squared", dy**2
    yield "the upstream gradient's absolute value is used", np.abs(dy)
    axes = {axis: n for axis, n in enumerate(dy.shape) if n > 1}
    for axis in (*axes, None) if dy.ndim > 1 else axes:
        over = "the whole upstream gradient" if axis is None else f"the upstream gradient over axis {axis}"
        for name, reduced in (("mean", dy.mean), ("sum", dy.sum)):
            spread = np.broadcast_to(reduced(axis=axis, keepdims=True), dy.shape)
            yield f"the {name} of {over} is used in place of each one's own", spread
    for axis, n in axes.items():
        where = f"of axis {axis}" if dy.ndim > 1 else "of the upstream gradient"
        for name, place in (("first", 0), ("last", n - 1)):
            mask = np.zeros_like(dy)
            mask[(slice(None),) * axis + (place,)] = 1
            alone = np.broadcast_to(dy.take([place], axis=axis), dy.shape)
            yield f"the {name} entry {where} is used in place of each one's own", alone
            yield f"only the {name} entry {where} is used (one example in place of all?)", dy * mask
            yield f"the {name} entry {where} is left out", dy * (1 - mask)
        yield f"the upstream gradient is reversed along axis {axis}", np.flip(dy, axis)
        for shift in (1, -1):
            yield f"the upstream gradient is shifted by one along axis {axis}", np.roll(dy, shift, axis)
        if n > 2 and n % 2 == 0:
            halves = np.roll(dy, n // 2, axis)
            yield f"the two halves of axis {axis} of the upstream gradient have changed places", halves


def other_arguments(seen, context):
    """Right for other arguments: one transposed, reversed, or with the forward's output in its place."""
    if context.measured_anew is None:
        return
    few = _telling(seen)
    indices = [seen[k].index for k in few]
    for name, words, moved in _other_arguments(context):
        value, error = context.measured_anew(seen.name, indices, moved={name: moved})
        yield Hypothesis("argument", words, seen.claimed[few], value, error, "one", few)


def _other_arguments(context):
    """Yield an argument's name, the words for what was taken in its place, and that."""
    output = context.arrays.get(OUTPUT)
    for name in context.arguments:
        array = context.arrays[name]
        if array.ndim >= 2 and array.shape[-2] == array.shape[-1] > 1:
            words = f"{name} is taken for its transpose: transposed where it should not be, or the other way round"
            yield name, words, array.swapaxes(-1, -2)
        for axis in (axis for axis, n in enumerate(array.shape) if n > 1):
            words = f"{name} reversed along axis {axis}: right if it lay the other way round"
            yield name, words, np.flip(array, axis)
        if output is not None and output.shape == array.shape:
            yield name, f"the derivative is taken at the forward's output in place of {name}", output


def added(seen, context):
    """Something added that does not belong: a multiple of an array in sight, or a constant."""
    extra = seen.claimed - seen.measured
    error = seen.error + seen.tolerance(seen.claimed)
    if len(seen) < 3 or np.abs(extra).max() < 20 * error.max():
        return
    for name, array in itertools.chain([("a constant", np.ones_like(extra))], _in_sight(seen, context, added=True)):
        if (np.abs(array) > 0).sum() >= 2:   # the array on the left, for the errors are the extra's
            yield Hypothesis("added", lambda value, its, name=name: _too_much(name, value, its, seen.name), array,
                             extra, error, "any")


def _too_much(name, value, error, own):
    amount = f"too {'much' if value > 0 else 'little'} by {digits(abs(1 / value), error / value**2)}"
    of = {own: "times itself (weight decay?)", "a constant": "everywhere"}.get(name, f"times {name}")
    return f"{amount} {of}: a term was added or is missing"


def other_slopes(seen, context):
    """For a function of each number alone: its slope was taken to be a + b v, v the input, the output, or a square."""
    dy = context.upstream
    if dy is None or dy.shape != seen.shape or len(seen) < 4 or np.any(dy == 0):
        return
    slope = seen.claimed / seen.take(dy)
    for name, power in itertools.product((OUTPUT, seen.name), (1, 2)):
        values = np.asarray(context.arrays.get(name, 0.0), np.float64)
        if values.shape == seen.shape and np.ptp(values):
            values = seen.take(values) ** power
            called = name + (" squared" if power == 2 else "")
            yield Hypothesis("formula", lambda b, error, v=values.mean(), called=called: _linear(
                slope.mean() - b * v, b, called), slope - slope.mean(), values - values.mean(), 0 * values, "any")


def _linear(a, b, called):
    small = 1e-9 * (abs(a) + abs(b))
    times = called if f"{abs(b):.4g}" == "1" else f"{abs(b):.4g} times {called}"
    sum_of = f"{'minus ' if b < 0 else ''}{times}" if abs(a) <= small else f"{a:.4g} {'-' if b < 0 else '+'} {times}"
    return f"the upstream gradient was multiplied by {sum_of}, which is not the slope of the forward"


def _in_sight(seen, context, added=False):
    """Yield the arrays that fit the tensor, by name, at the numbers measured; to be added, products as well."""
    arrays = dict(context.arrays)
    if added:
        arrays = {seen.name: seen.at, **arrays}
        dy = context.upstream
        for name in (*context.arguments, OUTPUT) if dy is not None else ():
            array = np.asarray(arrays[name])
            column = dy[:, None] if dy.ndim == 1 and array.ndim == 2 and len(dy) == len(array) else dy
            if broadcasts(column.shape, array.shape):
                arrays[f"{UPSTREAM} and {name}"] = column * array
    for name, array in arrays.items():
        array = np.asarray(array, dtype=np.float64)
        if array.ndim == 1 and len(seen.shape) == 2 and array.shape[0] == seen.shape[0]:
            array = array[:, None]
        if not broadcasts(array.shape, seen.shape):
            continue
        values = seen.take(array)
        if values.size and np.isfinite(values).all() and np.ptp(values) > 1e-6 * np.abs(values).max():
            yield name, values
            if np.abs(values).max() < 100 and name in context.arguments and not added:
                yield f"exp({name})", np.exp(values)
                yield f"exp({name} / 2)", np.exp(values / 2)


def _telling(seen):
    """The six numbers of the claim that are the most wrong, and the six that are the largest."""
    sizes = seen.claimed - seen.measured, seen.claimed
    return np.union1d(*(np.argsort(-np.abs(size), kind="stable")[:6] for size in sizes))


# from the simplest to the most particular
HYPOTHESES = (factors, swaps, array_factors, passed_through, arranged, other_upstreams, other_arguments, added,
              other_slopes)
