"""Exercises on the path derivative, the doubly reparameterized gradient, and the weight of an annealed chain."""

import numpy as np

from ...kernels import (
    gaussian_log_density_backward, reparameterize_backward, standard_deviation, standard_deviation_backward,
)
from ..exercise import Exercise
from ..judges.values import Values


def _sticking_the_landing(dz, z, mu, log_var):
    sigma = standard_deviation(log_var)
    eps = (z - mu) / sigma
    slope = dz - z + eps / sigma   # of log w = log p(x|z) + log p(z) - log q(z|x), along z
    dmu, dsigma = reparameterize_backward(slope, eps)
    return dmu, standard_deviation_backward(dsigma, sigma)


def _by_densities(dz, z, mu, log_var):
    """The slopes of both log densities from their own backward, and the factor of log_var from dz/dlog_var."""
    one, zero = np.ones(len(z)), np.zeros_like(z)
    slope = dz + gaussian_log_density_backward(one, z, zero, zero)[0] - gaussian_log_density_backward(
        one, z, mu, log_var)[0]
    return {"dmu": slope, "dlog_var": slope * (z - mu) / 2}


def _draws(rng):
    B, K = map(int, rng.permutation([3, 4, 5, 6])[:2])
    mu, log_var, eps, dz = rng.standard_normal((4, B, K))
    yield "", {"dz": dz, "z": mu + np.exp(log_var / 2) * eps, "mu": mu, "log_var": log_var}
    yield "for a draw at the mean", {"dz": dz, "z": mu, "mu": mu, "log_var": log_var}
    yield "where q is narrow", {"dz": dz, "z": mu + np.exp(log_var / 2 - 3) * eps, "mu": mu, "log_var": log_var - 6}
    yield "for one example", {"dz": dz[:1], "z": mu[:1] + np.exp(log_var[:1] / 2) * eps[:1], "mu": mu[:1],
                              "log_var": log_var[:1]}


def _size(dz, z, mu, log_var):
    """The largest number that is added up: a small difference z - mu has the rounding of z."""
    return (1 + np.abs(dz) + np.abs(z) + (np.abs(z) + np.abs(mu)) * np.exp(-log_var)).max() * (1 + np.abs(z)).max()


def _doubly_reparameterized(log_weight, path):
    share = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return (share[:, :, None] ** 2 * path).sum(axis=1)


def _in_logarithms(log_weight, path):
    """One draw at a time, its squared share by way of its logarithm."""
    log_share = log_weight - np.logaddexp.reduce(log_weight, axis=1, keepdims=True)
    return sum(np.exp(2 * log_share[:, s, None]) * path[:, s] for s in range(path.shape[1]))


def _weights(rng):
    B, S, K = map(int, rng.permutation([3, 4, 5, 6])[:3])
    log_weight, path = 1.5 * rng.standard_normal((B, S)), rng.standard_normal((B, S, K))
    yield "", {"log_weight": log_weight, "path": path}
    yield "for one sample, where it is the path itself", {"log_weight": log_weight[:, :1], "path": path[:, :1]}
    yield "for equal weights", {"log_weight": np.zeros((B, S)) - 90.0, "path": path}
    yield "at the size that images have, -1500 nats", {"log_weight": log_weight - 1500, "path": path}
    yield "where the weights are large", {"log_weight": log_weight + 900, "path": path}
    yield "for images far apart, at -90 and -1500 nats", {"log_weight": log_weight[:2] - np.array([[90.0], [1500.0]]),
                                                         "path": path[:2]}


def _annealed_log_weight(log_likelihood, temperatures):
    rises = temperatures[1:] - temperatures[:-1]
    return log_likelihood @ rises


def _by_parts(log_likelihood, temperatures):
    """Summation by parts: what each change of log p(x|z) costs at the temperature between."""
    falls = log_likelihood[:, :-1] - log_likelihood[:, 1:]
    return log_likelihood[:, -1] * temperatures[-1] - log_likelihood[:, 0] * temperatures[0] + (
        falls * temperatures[1:-1]).sum(axis=1)


def _chains(rng):
    C, T = map(int, rng.permutation([3, 4, 5, 6])[:2])
    rises = rng.uniform(0.2, 1, T)
    temperatures = np.concatenate([[0], np.cumsum(rises)]) / rises.sum()
    log_likelihood = rng.uniform(-4, -1, (C, T))
    yield "", {"log_likelihood": log_likelihood, "temperatures": temperatures}
    yield "for a single step, from the prior", {"log_likelihood": log_likelihood[:, :1],
                                                "temperatures": np.array([0.0, 1.0])}
    yield "for even steps", {"log_likelihood": log_likelihood, "temperatures": np.linspace(0, 1, T + 1)}
    yield "at the size that images have", {"log_likelihood": 300 * log_likelihood, "temperatures": temperatures}


EXERCISES = (
    Exercise(
        name="sticking_the_landing", signature="dz, z, mu, log_var -> dmu, dlog_var", shapes="dz (B, K), z (B, K), mu "
        "(B, K), log_var (B, K), dmu (B, K), dlog_var (B, K)", notebook=11, place=1, difficulty=2, minutes=15,
        statement="The path derivative of log w = log p(x|z) + log p(z) − log q(z|x), for one draw z = mu + sigma eps "
                  "of each example: the gradient with respect to mu and log_var through z alone, without the score. dz "
                  "is the slope of log p(x|z) along z, as the decoder's backward returns it; the prior is N(0, I) and "
                  "q is N(mu, sigma²).",
        hints=("First the slope of log w along z. It has three terms, one from each density.",
               "∂log p(z)/∂z is −z. ∂log q/∂z is −(z − mu) / sigma², and it comes with a minus sign.",
               "z = mu + sigma eps: mu gets the slope as it is. log_var gets it times ½ sigma eps, and sigma eps is "
               "z − mu."),
        insight="Where q is the posterior, the three terms cancel for every draw: no noise is left.",
        equations={"": "11.3"},
        judge=Values(_draws, _by_densities, _size, "the slopes of the three densities, carried through z"),
        answer="exercises.sheets.path_gradients:_sticking_the_landing"),
    Exercise(
        name="doubly_reparameterized", signature="log_weight, path -> gradient",
        shapes="log_weight (B, S), path (B, S, K), gradient (B, K)", notebook=11, place=2, difficulty=2, minutes=15,
        statement="The doubly reparameterized gradient of the importance-weighted bound with respect to mu, from the "
                  "log weights of S draws for each example and from each draw's path, ∂log w_s/∂z_s. An image's log "
                  "weight is a number like −1500.",
        hints=("The plain gradient weighs path and score of each draw with its normalized weight, w_s / Σ_r w_r. What "
               "does the mean of the score part come to, as a path?",
               "It subtracts (w̃_s − w̃_s²) times the path. What is left of w̃_s?",
               "Subtract each example's largest log weight before taking exponentials: the normalized weights do not "
               "change."),
        insight="With one draw it is the path derivative. With S draws of equal weight it is 1/S times their mean.",
        equations={"": "11.9"},
        judge=Values(_weights, _in_logarithms,
                     lambda log_weight, path: np.abs(path).max() * (1 + np.abs(log_weight).max()),
                     "one draw at a time, by way of logarithms"),
        answer="exercises.sheets.path_gradients:_doubly_reparameterized"),
    Exercise(
        name="annealed_log_weight", signature="log_likelihood, temperatures -> log_weight",
        shapes="log_likelihood (C, T), temperatures (N,), log_weight (C,)", notebook=11, place=3, difficulty=1,
        minutes=10,
        statement="The log weight of C annealed chains. log_likelihood holds log p(x|z) at z_0, ..., z_{T−1}, the "
                  "places where each chain stood when the temperature rose; temperatures are the N = T + 1 numbers t_0 "
                  "= 0 < t_1 < ... < t_T = 1.",
        hints=("How much does the log of p(z) p(x|z)^t grow at a fixed z when t rises from t_{i−1} to t_i?",
               "There are T rises for T + 1 temperatures, and each belongs to the place before the move.",
               "With one step, from 0 to 1, the log weight is log p(x|z_0)."),
        insight="Only the rises count: a chain's weight depends on where it stands when the temperature rises.",
        equations={"": "11.12"},
        judge=Values(_chains, _by_parts, lambda log_likelihood, temperatures: np.abs(log_likelihood).max(),
                     "the same sum, by parts"),
        answer="exercises.sheets.path_gradients:_annealed_log_weight"),
)
