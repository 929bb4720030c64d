"""The exercise of writing a gradient checker: judged by right gradients, and by planted wrong ones."""

from typing import Callable, NamedTuple

import numpy as np

from ..answers.foreign import Failed, Other
from ..exercise import Exercise
from ..judges.finding import accepted


class Case(NamedTuple):
    """A gradient to be checked; ``lesson`` says what a checker that gets it wrong suffers from."""

    f: Callable
    gradient: np.ndarray
    x: np.ndarray
    right: bool
    lesson: str


def _waves(rng):
    """Return what makes a function of a (3, 4) array, its gradient and the point, for a size of the loss."""
    m, x = rng.choice([-1, 1], (3, 4)) * rng.uniform(0.5, 1.5, (3, 4)), rng.uniform(-1, 1, (3, 4))
    return lambda scale: (lambda x: scale * float((m * np.sin(x)).sum()), scale * m * np.cos(x), x)


def _square(rng):
    """A function of a (3, 3) array, its gradient at a point, and the point."""
    m, x = rng.uniform(0.5, 1.5, (3, 3)), rng.uniform(-1, 1, (3, 3))
    return lambda x: float((m * x**2).sum()), 2 * m * x, x


def _layer(rng):
    """A function of a vector through a tanh layer."""
    W, c, x = rng.standard_normal((5, 4)), rng.standard_normal(4), rng.standard_normal(5)
    return lambda x: float(np.tanh(x @ W) @ c), W @ (c * (1 - np.tanh(x @ W) ** 2)), x


def _uneven(rng):
    """A gradient whose numbers differ in size, one of them 0 at a point where the function still bends."""
    weights, x = np.array([3.0, 1.0, 0.02, 1.0]) * rng.uniform(0.8, 1.2, 4), np.array([0.5, -1.0, 2.0, 0.0])
    return lambda x: float((weights * x**3).sum()), 3 * weights * x**2, x


def _cases(rng):
    """Yield the gradients, right ones first."""
    waves = _waves(rng)
    for scale, lesson in ((1.0, "its differences are poor, or its tolerance is too narrow"),
                          (1e6, "an absolute tolerance: a loss in the millions is rejected"),
                          (1e-9, "a loss of a billionth is rejected: its tolerance does not go with the gradient's "
                                 "size")):
        yield Case(*waves(scale), True, lesson)
    layer, uneven, square = _layer(rng), _uneven(rng), _square(rng)
    yield Case(*layer, True, "its differences are poor, or its tolerance is too narrow")
    yield Case(*uneven, True, "one number of a right gradient is 0, and its difference is 1e-10. Relative to itself "
                              "that is a large error, relative to the gradient's largest number none")
    f, gradient, x = waves(1.0)
    factor = rng.uniform(1.5, 3)
    yield Case(f, factor * gradient, x, False, f"this one is {factor:.2g} times the right one: are lengths compared as "
                                               "well as directions?")
    yield Case(f, -gradient, x, False, "the sign is lost: this one is minus the right one")
    for place, word in (((0, 0), "first"), ((2, 3), "last"), ((1, int(rng.integers(4))), "middle")):
        wrong = gradient.copy()
        wrong[place] += rng.choice([-1, 1]) * rng.uniform(2, 4)
        yield Case(f, wrong, x, False, f"only the {word} number of this one is wrong: look at every number")
    g, right, at = square
    yield Case(g, right.T, at, False, "this one is transposed: its sum and its norm are right, its places are not")
    f, gradient, x = waves(1e-9)
    yield Case(f, 2 * gradient, x, False, "an absolute tolerance: with a loss of a billionth everything passes")
    f, gradient, x = layer
    yield Case(f, np.zeros(5), x, False, "this one is all zero")
    yield Case(f, gradient * (1 + 0.01 * np.arange(5)), x, False, "this one is off by a few per cent: the tolerance is "
                                                                  "too wide")
    missing = gradient.copy()
    missing[int(rng.integers(5))] = np.nan
    yield Case(f, missing, x, False, "one number of this one is nan: every comparison with nan is False, and so is its "
                                     "`not`")
    f, gradient, x = uneven
    small = gradient.copy()
    small[2] *= 1.02
    yield Case(f, small, x, False, "the smallest number of this one is wrong by two per cent, a thousandth of the "
                                   "largest: the tolerance is too wide")


def _judge(exercise, answer, rng):
    asked = list(_cases(rng))
    said = dict.fromkeys(range(len(asked)))
    for k in map(int, rng.permutation(len(asked))):   # in an order that nobody can count on
        said[k] = _truth_value(answer(asked[k].f, asked[k].gradient.copy(), asked[k].x.copy()))
        if answer.changed:
            raise Failed("inputs", f"{answer.changed[0]} is left changed: put back every number that you move, or move "
                                   "a copy")
    finite = {said[k] for k, case in enumerate(asked) if np.isfinite(case.gradient).all()}
    if len(finite) == 1:
        raise Failed("value", f"it says {finite.pop()} to all gradients without a nan, right ones and wrong ones")
    judged = [said[k] == case.right for k, case in enumerate(asked)]
    if not all(judged):
        first = asked[judged.index(False)]
        sort = "a right gradient is rejected" if first.right else "a wrong gradient is accepted"
        raise Failed("value", f"{sum(judged)} of {len(asked)} gradients are judged rightly; {sort}",
                     hint=_by_axes(asked, judged) or first.lesson)
    right = sum(case.right for case in asked)
    return accepted(f"It accepts all {right} right gradients and rejects all {len(asked) - right} wrong ones",
                    checked=("inputs left alone",))


def _by_axes(asked, judged):
    """Say that right gradients are rejected for the number of their axes alone; "" if it is not that."""
    verdicts = {(case.x.ndim, ok) for case, ok in zip(asked, judged) if case.right}
    for rejected, taken in ((2, 1), (1, 2)):
        if verdicts == {(rejected, False), (taken, True)}:
            return (f"x may have any number of axes, and those with {rejected} are all rejected. np.ndindex runs over "
                    "the indices of any of them")
    return ""


def _truth_value(reply):
    if isinstance(reply, bool):
        return reply
    if isinstance(reply, np.ndarray) and reply.shape == () and reply.dtype == bool:
        return bool(reply)
    if isinstance(reply, np.ndarray) and reply.dtype == bool:
        raise Failed("shape", f"ok should be one True or False; got {reply.size} of them. Is all() missing?", "ok")
    kind = reply.kind if isinstance(reply, Other) else "None" if reply is None else type(reply).__name__
    raise Failed("dtype", f"ok should be True or False; got {kind}", "ok")


EXERCISES = (
    Exercise(
        name="gradient_checker", signature="f, gradient, x -> ok",
        shapes="f: a function of an array like x, which returns a number; gradient and x: arrays of one shape, "
               "whatever it is; ok: True or False",
        notebook=6, place=2, difficulty=3, minutes=40,
        statement="Your own gradient checker: True if `gradient` is the gradient of f at x, False if not. It is given "
                  "right gradients and planted wrong ones, of losses of a billionth, one and a million. A gradient is "
                  "right if every number is right to about 1e-6 of the gradient's **largest** number.",
        hints=("Take a numeric derivative for every number of x, moving that number alone. Afterwards x must be what "
               "it was before.",
               "Compare with what? An absolute tolerance accepts everything when the loss is small, and nothing when "
               "it is large.",
               "A relative error for each number fails where a number is 0. Compare all errors with the largest number "
               "of the gradient, claimed or measured.",
               "np.ndindex(x.shape) runs over the indices of an array of any shape."),
        insight="A checker can be wrong in two ways: it may reject what is right, and it may accept what is wrong. "
                "Only wrong gradients show the second, so plant mistakes in what you test.",
        equations={}, judge=_judge),
)
