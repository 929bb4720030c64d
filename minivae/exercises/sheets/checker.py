"""The exercise of writing a gradient checker: judged by right gradients, and by planted wrong ones."""

from typing import Callable, NamedTuple

import numpy as np

from ...gradcheck.report import Report
from ..exercise import Exercise
from ..judges.finding import Finding, compare
from ..answers.foreign import Failed, Other


class Case(NamedTuple):
    """A gradient to be checked; ``lesson`` says what a checker that gets it wrong suffers from."""

    f: Callable
    gradient: np.ndarray
    x: np.ndarray
    right: bool
    lesson: str


def _waves(scale=1.0):
    """A function of a (3, 3) array, its gradient at a point, and the point."""
    rng = np.random.default_rng(60)
    m, x = rng.standard_normal((2, 3, 3))
    return lambda x: scale * float((m * np.sin(x)).sum()), scale * m * np.cos(x), x


def _layer():
    """A function of a vector through a tanh layer."""
    rng = np.random.default_rng(61)
    W, c, x = rng.standard_normal((5, 4)), rng.standard_normal(4), rng.standard_normal(5)
    return lambda x: float(np.tanh(x @ W) @ c), W @ (c * (1 - np.tanh(x @ W) ** 2)), x


def _uneven():
    """A gradient whose numbers differ in size, one of them 0 at a point where the function still bends."""
    weights, x = np.array([3.0, 1.0, 0.02, 1.0]), np.array([0.5, -1.0, 2.0, 0.0])
    return lambda x: float((weights * x**3).sum()), 3 * weights * x**2, x


def cases():
    """Yield the gradients, right ones first."""
    for scale, lesson in ((1.0, "it rejects whatever it is given, or its differences are poor"),
                          (1e6, "an absolute tolerance: a loss in the millions is rejected"),
                          (1e-9, "a loss of a billionth is rejected: its tolerance does not go with the gradient's size")):
        f, gradient, x = _waves(scale)
        yield Case(f, gradient, x, True, lesson)
    yield Case(*_layer(), True, "a right gradient of another shape is rejected")
    yield Case(*_uneven(), True, "one number of a right gradient is 0, and its difference 1e-10: beside itself that is a "
                                 "large error, beside the gradient's largest number none")
    f, gradient, x = _waves()
    yield Case(f, 2 * gradient, x, False, "this one is twice the right one: are lengths compared as well as directions?")
    yield Case(f, -gradient, x, False, "the sign is lost: this one is minus the right one")
    for place, word in (((0, 0), "first"), ((2, 2), "last"), ((1, 0), "middle")):
        wrong = gradient.copy()
        wrong[place] += 3.0
        yield Case(f, wrong, x, False, f"only the {word} number of this one is wrong: look at every number")
    yield Case(f, gradient.T, x, False, "this one is transposed: its sum and its norm are right, its places are not")
    f, gradient, x = _waves(1e-9)
    yield Case(f, 2 * gradient, x, False, "an absolute tolerance: with a loss of a billionth everything passes")
    f, gradient, x = _layer()
    yield Case(f, np.zeros(5), x, False, "this one is all zero")
    yield Case(f, gradient * (1 + 0.01 * np.arange(5)), x, False, "this one is off by a few per cent: the tolerance is "
                                                                  "too wide")
    missing = gradient.copy()
    missing[1] = np.nan
    yield Case(f, missing, x, False, "one number of this one is nan: every comparison with nan is False, and so is its `not`")
    f, gradient, x = _uneven()
    small = gradient.copy()
    small[2] *= 1.02
    yield Case(f, small, x, False, "the smallest number of this one is wrong by two per cent, a thousandth of the "
                                   "largest: the tolerance is too wide")


def _judge(exercise, answer):
    said, right = [], []
    for case in cases():
        reply = _truth_value(answer(case.f, case.gradient.copy(), case.x.copy()))
        if answer.changed:
            raise Failed("inputs", f"{answer.changed[0]} is left changed: put back every number that you move, or move a copy")
        said.append(reply)
        right.append(case.right)
    finite = [reply for case, reply in zip(cases(), said) if np.isfinite(case.gradient).all()]
    if len(set(finite)) == 1:
        raise Failed("value", f"it says {finite[0]} to all of the {len(finite)} gradients without a nan, right ones and wrong "
                              "ones")
    for case, reply in zip(cases(), said):
        if reply != case.right:
            sort = "a right gradient is rejected" if case.right else "a wrong gradient is accepted"
            caught = sum(r == case.right for r, case in zip(said, cases()))
            raise Failed("value", f"{caught} of {len(said)} gradients are judged rightly; {sort}: {case.lesson}")
    return Finding(Report([compare("ok", np.array(said, float), np.array(right, float), 0.5)]), None,
                   "what is known of the gradients", (f"{sum(right)} right gradients accepted",
                                             f"{len(right) - sum(right)} planted wrong ones flagged", "inputs left alone"))


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
        shapes="f: a function of an array like x, which returns a number; gradient and x: arrays of one shape, whatever "
               "it is; ok: True or False",
        notebook=6, place=2, difficulty=3, minutes=40,
        statement="Your own gradient checker: True if `gradient` is the gradient of f at x, False if not. It is given "
                  "right gradients and planted wrong ones, of losses worth a billionth, one, and a million. A gradient is "
                  "right if every number is right to about 1e-6 of the gradient's **largest** number.",
        hints=("A numeric derivative for every number of x, moved alone; x must be afterwards what it was before.",
               "Compare with what? An absolute tolerance accepts everything when the loss is small, and nothing when it "
               "is large.",
               "A relative error number by number fails at a number that is 0. The largest number of the gradient, "
               "claimed or measured, is a fair measure for all of them.",
               "np.ndindex(x.shape) goes through the places of an array of any shape."),
        insight="A checker can be wrong in two ways, and only wrong gradients show the second. Plant mistakes in what you "
                "test.",
        equations={}, judge=_judge),
)
