"""Exercises on two functions of logits that must not overflow."""

import math

import numpy as np

from ..exercise import Exercise
from ..judges.values import Values


def _cases(rng):
    yield "", {"a": 2 * rng.standard_normal((5, int(rng.integers(2, 7))))}
    yield "for a square array", {"a": 5 * rng.standard_normal((4, 4))}
    yield "where the answer is tiny, at -40 to -20", {"a": rng.uniform(-40, -20, (1, 3))}
    yield "where the answer is nearly 1 or a, at 12 to 36", {"a": np.arange(12, 36.0).reshape(4, 6) + rng.random()}
    yield "at ±1000", {"a": np.array([[-1000.0, -710.0, -50.0], [50.0, 710.0, 1000.0]])}


def _each(function):
    """Apply a function of one float to every number: Python's own, and exact to the last digit or two."""
    return lambda a: np.vectorize(function, otypes=[float])(a)


def _logistic(a):
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


def _stable_softplus(a):
    """Equation 5.17 as it stands, for mistakes to be planted in."""
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))


def _softplus(a):
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


EXERCISES = (
    Exercise(
        name="logistic", signature="a -> p", shapes="a (B, D), p (B, D)", notebook=5, place=7, difficulty=1, minutes=10,
        statement="The logistic function 1 / (1 + exp(−a)), which turns logits into probabilities, in a form that "
                  "**never overflows**: NumPy must not warn even for logits of ±1000.",
        hints=("exp of a large positive number overflows, exp of a large negative one quietly becomes 0. Which of the "
               "two does 1 / (1 + exp(−a)) take at a = −1000?",
               "np.where evaluates both branches for every number, including the one that overflows.",
               "tanh never overflows, and the logistic function is a scaled and shifted tanh: compare their values at "
               "0 and far out on both sides."),
        insight="A stable formula computes the same function without the large intermediate number.",
        equations={"": "5.13"},
        judge=Values(_cases, _each(_logistic), lambda a: np.ones_like(a),
                     "Python's own exp", silent=True, precision=3e-15),
        answer="kernels:logistic"),
    Exercise(
        name="softplus", signature="a -> s", shapes="a (B, D), s (B, D)", notebook=5, place=8, difficulty=2, minutes=10,
        statement="The softplus, log(1 + exp(a)), in a form that does not overflow at a = 1000 and keeps the digits of "
                  "a tiny answer: at a = −40 it is 4e-18, not 0.",
        hints=("For large a the answer is a itself, to rounding. Take max(a, 0) out of the logarithm: what is left "
               "inside?",
               "What is left contains exp(−|a|), which never overflows.",
               "1 + 4e-18 is 1 in floating point, and its logarithm is 0. NumPy has a function for the logarithm of "
               "one plus something small."),
        insight="max(a, 0) is the large part, log1p the small one. The softplus is the log-normalizer of every pixel.",
        equations={"": "5.17"},
        judge=Values(_cases, _each(_softplus), lambda a: np.vectorize(_softplus)(a), "Python's own log1p", silent=True,
                     precision=1e-12),
        answer="exercises.sheets.stable:_stable_softplus"),
)
