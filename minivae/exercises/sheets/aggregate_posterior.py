"""Exercises on the aggregate posterior of notebook 9: drawing from it, and its density."""

import math

import numpy as np

from ..exercise import Exercise
from ..judges.values import Values


def _codes(rng):
    N, M, K = map(int, rng.permutation([3, 4, 5, 6, 7])[:3])
    for words, (n, m, k), spread in (("", (N, M, K), 1.0), ("for one draw of one latent", (N, 1, 1), 1.0),
                                     ("for as many draws as examples", (N, N, K), 1.0),
                                     ("for narrow q far apart", (N, M, 2), 30.0)):
        narrow = -6 if spread > 1 else 0
        yield words, {"mu": spread * rng.standard_normal((n, k)), "log_var": narrow + rng.standard_normal((n, k)),
                      "n": rng.integers(0, n, m), "eps": rng.standard_normal((m, k))}
    twice = {"mu": np.arange(6.0).reshape(3, 2), "log_var": rng.standard_normal((3, 2))}
    yield "where one example is drawn twice", {**twice, "n": np.array([2, 2, 0]), "eps": rng.standard_normal((3, 2))}


def _one_by_one(mu, log_var, n, eps):
    return np.array([[mu[i, k] + math.exp(log_var[i, k] / 2) * noise[k] for k in range(len(noise))]
                     for i, noise in zip(n, eps)])


def _aggregate_draws(mu, log_var, n, eps):
    """A draw from equation 9.2 is a draw from one of its parts, for mistakes to be planted in."""
    return mu[n] + np.exp(0.5 * log_var[n]) * eps


def _points(rng):
    N, M, K = map(int, rng.permutation([2, 3, 4, 5, 6])[:3])
    for words, (n, m, k), spread in (("", (N, M, K), 1.0), ("for a single example, whose q it is", (1, M, K), 1.0),
                                     ("for one point and one latent", (N, 1, 1), 1.0),
                                     ("for as many points as examples", (N, N, K), 1.0),
                                     ("for many latents", (N, M, 40), 1.0), ("far from all codes", (N, M, 3), 80.0)):
        yield words, {"z": spread * rng.standard_normal((m, k)), "mu": rng.standard_normal((n, k)),
                      "log_var": rng.uniform(-2, 1, (n, k))}


def _densities_added(z, mu, log_var):
    """Each Gaussian by itself in Python's floats, then added up two at a time."""
    result = []
    for point in z:
        logs = [math.fsum(-0.5 * ((a - m) ** 2 / math.exp(v) + v + math.log(2 * math.pi))
                          for a, m, v in zip(point, *example)) for example in zip(mu, log_var)]
        result.append(float(np.logaddexp.reduce(logs)) - math.log(len(logs)))
    return np.array(result)


def _aggregate_log_density(z, mu, log_var):
    """The logarithm of equation 9.2 as it stands, for mistakes to be planted in."""
    distance = (z[:, None, :] - mu) ** 2 / np.exp(log_var)
    log_q = -0.5 * (distance + log_var + np.log(2 * np.pi)).sum(axis=2)
    largest = log_q.max(axis=1, keepdims=True)
    return largest[:, 0] + np.log(np.exp(log_q - largest).mean(axis=1))


EXERCISES = (
    Exercise(
        name="aggregate_draws", signature="mu, log_var, n, eps -> z",
        shapes="mu (N, K), log_var (N, K), n (M,), eps (M, K), z (M, K)",
        notebook=9, place=1, difficulty=1, minutes=5,
        statement="M draws from the aggregate posterior of N examples. mu and log_var are what the encoder returns for "
                  "the N examples. n holds M indices drawn uniformly from 0 to N − 1, and eps holds M rows of standard "
                  "normal noise. Return one z for each index.",
        hints=("The aggregate is a mean of N densities. To draw from a mean of densities, choose one of them with "
               "equal probability, and draw from that one.",
               "mu[n] picks the chosen rows, some of them perhaps twice. What else belongs to the chosen example?",
               "The encoder gives log sigma²; the noise is scaled by sigma."),
        insight="Choose an example, then draw from its q: these are the draws that the decoder sees in training.",
        equations={"": "9.2"}, judge=Values(_codes, _one_by_one, against="draws made one by one"),
        answer="exercises.sheets.aggregate_posterior:_aggregate_draws"),
    Exercise(
        name="aggregate_log_density", signature="z, mu, log_var -> log_density",
        shapes="z (M, K), mu (N, K), log_var (N, K), log_density (M,)",
        notebook=9, place=2, difficulty=2, minutes=20,
        statement="The log density of the aggregate posterior at M points z: the logarithm of the mean of the N "
                  "densities q(z|x_n) = N(z; mu_n, sigma_n²), which the encoder gives as mu and log_var. In nats, and "
                  "finite even where every density underflows to 0.",
        hints=("First log q(z_m|x_n) for every pair: an array (M, N, K), summed over the latents. z[:, None, :] has "
               "the axis for the examples.",
               "Then the logarithm of a mean over the examples, from logarithms: `log_mean_exp` along axis 1.",
               "Each latent's log density has three terms: the squared distance over sigma², log sigma² and log 2π, "
               "all times −½."),
        insight="The mutual information and the mismatch are computed from this density; at every point all N examples "
                "count.",
        equations={"": "9.2"},
        judge=Values(_points, _densities_added, lambda z, mu, log_var: 1 + np.abs(_densities_added(z, mu, log_var)),
                     "the densities added one by one"),
        answer="exercises.sheets.aggregate_posterior:_aggregate_log_density"),
)
