"""Exercises on the importance-weighted bound."""

import math

import numpy as np

from ...kernels import log_mean_exp
from ..exercise import Exercise
from ..judges.backward import Backward
from ..judges.values import Values


def _cases(rng):
    B, S = map(int, rng.permutation([3, 4, 5, 6])[:2])
    log_weight = 2 * rng.standard_normal((B, S))
    yield "", {"log_weight": log_weight}
    yield "for one sample, where it is the log weight itself", {"log_weight": log_weight[:, :1]}
    yield "for as many examples as samples", {"log_weight": 2 * rng.standard_normal((S, S))}
    yield "at the size that images have, -1500 nats", {"log_weight": 40 * log_weight - 1500}
    yield "where the weights are large", {"log_weight": log_weight[:2] + 900}
    yield "for images far apart, at -90 and -1500 nats", {"log_weight": log_weight[:2] - np.array([[90.0], [1500.0]])}
    yield "where one draw is far below the others", {"log_weight": np.array([[-90.0, -95.0, -5000.0]])}


def _one_by_one(log_weight):
    """Add the weights two at a time, which never leaves the range of floats."""
    return np.array([float(np.logaddexp.reduce(row)) - math.log(len(row)) for row in log_weight])


EXERCISES = (
    Exercise(
        name="importance_weighted_bound", signature="log_weight -> bound", shapes="log_weight (B, S), bound (B,)",
        notebook=10, place=1, difficulty=2, minutes=15,
        statement="The importance-weighted bound from the logarithms of S weights for each example: the logarithm of "
                  "their mean, log (1/S) Σ_s w_s. An image's log weight is a number like −1500.",
        hints=("exp(−1500) is 0 in floating point, and log 0 is −inf. What can be taken out of the sum as a factor, so "
               "that its logarithm is added afterwards?",
               "Each example has its own largest log weight: subtract it, so that the largest exponential is exp(0).",
               "It is the logarithm of a mean, not of a sum. With S = 1 the log weight itself must come back."),
        insight="On average the bound rises towards log p(x) as samples are added.",
        equations={"": "10.23"},
        judge=Values(_cases, _one_by_one, lambda log_weight: 1 + np.abs(log_weight).max(axis=1),
                     "the sum, two weights at a time"),
        answer="kernels:log_mean_exp"),
    Exercise(
        name="importance_weighted_bound_backward", signature="dbound, log_weight -> dlog_weight",
        shapes="dbound (B,), log_weight (B, S), dlog_weight (B, S)", notebook=10, place=2, difficulty=2, minutes=15,
        statement="The backward of `importance_weighted_bound`: how much of the gradient each sample receives. dbound "
                  "is the upstream gradient, one number for each example.",
        hints=("Differentiate log Σ_s exp(log w_s) with respect to one log w_s. The 1/S is a constant factor of the "
               "sum: what happens to it?",
               "The share of a sample is its weight divided by the sum of the example's weights. The shares sum to 1.",
               "exp(−1500) again: the same trick as in the forward works here, and does not change the shares."),
        insight="Each sample's share of the gradient is its share of the sum: one good draw can receive nearly all of "
                "it.",
        equations={"": "10.24"},
        judge=Backward(log_mean_exp, {"log_weight": "BS"},
                       extremes={"log_weight": np.array([[-1500.0, -1501.0, -1499.0], [-800.0, -5000.0, -801.0]])}),
        answer="kernels:log_mean_exp_backward"),
)
