"""Exercises on two functions of logits that must survive any logit."""

import math

import numpy as np

from ...kernels import bernoulli_log_likelihood, logistic
from ..exercise import Exercise
from ..judges.values import Values


def _cases():
    rng = np.random.default_rng(50)
    yield "", {"a": 2 * rng.standard_normal((5, 6))}
    yield " where the answer is tiny, at -40 and -30", {"a": np.array([[-40.0, -30.0, -20.0]])}
    yield " far out, at ±1000", {"a": np.array([[-1000.0, -710.0, -50.0], [50.0, 710.0, 1000.0]])}


def _each(function):
    """Apply a function of one float to every number: Python's own, and exact to the last digit or two."""
    return lambda a: np.vectorize(function, otypes=[float])(a)


def _logistic(a):
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


def _softplus(a):
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


EXERCISES = (
    Exercise(
        name="logistic", signature="a -> p", shapes="a (B, D), p (B, D)", notebook=5, place=7, difficulty=1, minutes=10,
        statement="The logistic function 1 / (1 + exp(−a)), which turns logits into probabilities, so that **nothing "
                  "overflows**: for logits of ±1000 too NumPy must have nothing to warn of.",
        hints=("exp of a large positive number overflows, exp of a large negative one quietly becomes 0. Which of the two "
               "does 1 / (1 + exp(−a)) take at a = −1000?",
               "np.where computes both of its branches for every number, the one that overflows too.",
               "tanh never overflows, and the logistic function is a tanh, halved and moved: compare their values at 0 and "
               "far out on both sides."),
        insight="A stable formula is an identity chosen with care: the same function, without the large intermediate.",
        equations={"": "5.10"},
        judge=Values(_cases, _each(_logistic), lambda a: np.ones_like(a), "Python's own exp", silent=True, precision=3e-15),
        reference=lambda a: logistic(a), built_from=("kernels:logistic",)),
    Exercise(
        name="softplus", signature="a -> s", shapes="a (B, D), s (B, D)", notebook=5, place=8, difficulty=2, minutes=10,
        statement="log(1 + exp(a)), so that nothing overflows at a = 1000, and that a tiny answer keeps its digits: at "
                  "a = −40 it is 4e-18, not 0.",
        hints=("For large a the answer is a itself, to rounding. Take max(a, 0) out of the logarithm: what is left inside?",
               "What is left has exp(−|a|), which never overflows.",
               "1 + 4e-18 is 1 in floating point, and its logarithm 0. NumPy has a function for the logarithm of one plus "
               "something small."),
        insight="max(a, 0) carries what is large, log1p what is small. This is the log-normalizer of every pixel.",
        equations={"": "5.11"},
        judge=Values(_cases, _each(_softplus), lambda a: np.vectorize(_softplus)(a), "Python's own log1p", silent=True,
                     precision=1e-12),
        reference=lambda a: -bernoulli_log_likelihood(a.reshape(-1, 1), 0 * a.reshape(-1, 1)).reshape(a.shape),
        built_from=("kernels:bernoulli_log_likelihood",)),
)
