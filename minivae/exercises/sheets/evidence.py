"""Exercises on the evidence: the logarithm of a mean of tiny numbers, and the naive estimate with its error."""

import math
from fractions import Fraction

import numpy as np

from ..exercise import Exercise
from ..judges.values import Values


def _arrays(rng):
    B, S = map(int, rng.permutation([3, 4, 5, 6])[:2])
    log_w = 2 * rng.standard_normal((B, S))
    yield "", {"log_w": log_w, "axis": 1}
    yield "along axis 0", {"log_w": log_w, "axis": 0}
    yield "for a square array, along axis 0", {"log_w": 3 * rng.standard_normal((S, S)), "axis": 0}
    yield "for an array of one axis", {"log_w": log_w[0], "axis": 0}
    yield "along the middle one of three axes", {"log_w": rng.standard_normal((2, S, 3)), "axis": 1}
    yield "along the last of three axes, which is -1", {"log_w": rng.standard_normal((3, 2, S)), "axis": -1}
    yield "for one number, which is the answer itself", {"log_w": log_w[:, :1], "axis": 1}
    yield "at the size that images have, -1500 nats", {"log_w": 40 * log_w - 1500, "axis": 1}
    yield "where the numbers are large", {"log_w": log_w + 900, "axis": 1}
    yield "for rows far apart, at -90 and -1500 nats", {"log_w": log_w[:2] - np.array([[90.0], [1500.0]]), "axis": 1}
    yield "where some logarithms are -inf", {"log_w": np.where(np.arange(S) % 3 == 1, -np.inf, log_w - 800), "axis": 1}
    yield "where a whole row is -inf", {"log_w": np.where(np.arange(B)[:, None] == 1, -np.inf, log_w), "axis": 1}


def _two_at_a_time(log_w, axis):
    """Add the numbers two at a time, which never leaves the range of floats."""
    return np.logaddexp.reduce(log_w, axis=axis) - math.log(log_w.shape[axis])


def _largest(log_w, axis):
    return 1 + np.abs(np.where(np.isfinite(log_w), log_w, 0)).max(axis=axis)


def _log_mean_exp(log_w, axis):
    """Equation 1.6 as it stands, for mistakes to be planted in."""
    largest = log_w.max(axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    return np.squeeze(largest, axis) + np.log(np.exp(log_w - largest).mean(axis=axis))


def _draws(rng):
    B, S = map(int, rng.permutation([3, 5, 7, 8])[:2])
    log_likelihood = rng.standard_normal((B, S))
    yield "", {"log_likelihood": log_likelihood}
    yield "for two draws", {"log_likelihood": log_likelihood[:, :2]}
    yield "for as many pictures as draws", {"log_likelihood": rng.standard_normal((S, S))}
    yield "for one picture", {"log_likelihood": log_likelihood[:1] - 3}
    yield "at the size that images have, -1500 nats", {"log_likelihood": 3 * log_likelihood - 1500}
    yield "where one draw hits and the others miss", {"log_likelihood": np.array([[-90.0, -800.0, -1000.0, -950.0]])}


def _in_fractions(log_likelihood):
    """The mean and its error in exact arithmetic, from each row's weights in units of the largest."""
    log_p_x, relative_error = [], []
    for row in log_likelihood:
        w = [Fraction(math.exp(value - row.max())) for value in row]
        mean = sum(w) / len(w)
        variance = sum((value - mean) ** 2 for value in w) / (len(w) - 1)
        log_p_x.append(row.max() + math.log(mean))
        relative_error.append(math.sqrt(variance / len(w)) / mean)
    return {"log_p_x": np.array(log_p_x), "relative_error": np.array(relative_error)}


def _naive_estimate(log_likelihood):
    """Equation 1.5, with the error of equation 1.7 from the draws themselves, for mistakes to be planted in."""
    S = log_likelihood.shape[1]
    largest = log_likelihood.max(axis=1, keepdims=True)
    w = np.exp(log_likelihood - largest)
    log_p_x = largest[:, 0] + np.log(w.mean(axis=1))
    relative_error = w.std(axis=1, ddof=1) / np.sqrt(S) / w.mean(axis=1)
    return log_p_x, relative_error


EXERCISES = (
    Exercise(
        name="log_mean_exp", signature="log_w, axis -> log_mean",
        shapes="log_w any shape, log_mean the same without the axis",
        notebook=1, place=1, difficulty=2, minutes=15,
        statement="The logarithm of a mean, from the logarithms of its terms: log mean(exp(log_w)) along one axis of "
                  "an array with any number of axes. Nothing may overflow, and no sum may underflow to 0: an image's "
                  "log p(x|z) is a number like −1500. A term may be 0, and its logarithm −inf; where all terms are 0, "
                  "the answer is −inf.",
        hints=("exp(−1500) is 0 in floating point, and log 0 is −inf. What can be taken out of the sum as a factor, so "
               "that its logarithm is added afterwards?",
               "Subtract the largest along that axis, so that the largest exponential is exp(0). keepdims=True keeps "
               "the axis, and the shapes fit.",
               "If the largest is −inf, −inf − (−inf) is nan. Subtract 0 there: the mean is 0, and its logarithm −inf.",
               "It is the logarithm of a mean, not of a sum: with one term that term's logarithm must come back."),
        insight="Taking out the largest term changes nothing but the range: one exponential is exp(0), all others are "
                "smaller.",
        equations={"": "1.6"},
        judge=Values(_arrays, _two_at_a_time, _largest, "the sum, two terms at a time"),
        answer="exercises.sheets.evidence:_log_mean_exp"),
    Exercise(
        name="naive_estimate", signature="log_likelihood -> log_p_x, relative_error",
        shapes="log_likelihood (B, S), log_p_x (B,), relative_error (B,)",
        notebook=1, place=2, difficulty=2, minutes=15,
        statement="The naive estimate of p(x), and how far it can be trusted. log_likelihood holds log p(x|z) at S "
                  "draws of z from the prior, for each of B pictures. Return the logarithm of the estimate of p(x), "
                  "and the estimate's standard error relative to itself: the standard deviation of the draws (with S − "
                  "1 in the variance) divided by √S, and by the estimate. Both must come out for numbers like −1500.",
        hints=("The estimate is a mean of p(x|z), not of log p(x|z): `log_mean_exp` again.",
               "Both the standard deviation and the mean are proportional to the largest p(x|z). What happens to that "
               "factor in their ratio?",
               "NumPy's std divides by S unless you say ddof=1. A mean of S draws scatters √S times less than one "
               "draw."),
        insight="The error comes from the same draws as the estimate. Where no draw hits, neither of them shows it: "
                "the error looks small, and is not.",
        equations={"log_p_x": "1.5", "relative_error": "1.7"},
        judge=Values(_draws, _in_fractions, lambda log_likelihood: 1 + np.abs(log_likelihood).max(axis=1),
                     "exact fractions"),
        answer="exercises.sheets.evidence:_naive_estimate"),
)
