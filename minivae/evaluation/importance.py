"""log p(x) by importance sampling: q(z|x) proposes latents, and each is weighted by the ratio of p(x, z) to q(z|x).

The ELBO is a bound; this estimates log p(x) itself, from below, and comes closer as samples are added. The effective
sample size and the curve of the bound (``curve.py``) show how close it is. Equations 10.1, 10.2, 10.6 and 10.7. In
nats, one number per example. Shapes: B batch, D data (pixels), K latent, S samples per example.
"""

import math
import sys
import time
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..kernels import gaussian_log_density, log_mean_exp, reparameterize, standard_deviation
from ..model.arguments import generator, positive_integer
from .cores import free_cores, one_blas_thread, thread_pool

__all__ = ["Evidence", "log_evidence", "importance_estimate", "evidence_of", "draw_weights", "over_examples"]

NUMBERS = 100_000  # of a layer's output at a time, so that they stay in the cache


class Evidence(NamedTuple):
    """An estimate of log p(x) for each example, and how far it can be trusted.

    Attributes
    ----------
    log_px : ndarray, shape (B,)
        In nats. Too low on average, by about half the square of the standard error where that is small.
    standard_error : ndarray, shape (B,)
        Of log_px, from the spread of the weights; NaN for a single sample. Too small where a few weights dominate: the
        largest may not have been drawn yet, and the spread cannot show those. ``bound_curve`` shows more.
    effective_samples : ndarray, shape (B,)
        From 1 to S: the number of equally weighted draws whose mean would have the same variance. Near 1 a single draw
        dominates, and neither log_px nor its standard error can be trusted. A large number does not prove that they
        can: all draws may miss the same part of the posterior, and where q is much narrower than the posterior the rare
        large weights may not have been drawn yet.
    """

    log_px: np.ndarray
    standard_error: np.ndarray
    effective_samples: np.ndarray


def log_evidence(model, x, samples=5000, *, rng, progress=False):
    """Estimate log p(x) for each example by importance sampling.

    Parameters
    ----------
    model : VAE
    x : array-like, shape (B, D)
        Data, as for ``VAE.forward``.
    samples : int, optional
        S, the number of draws of z for each example. The literature uses 5000.
    rng : numpy.random.Generator
    progress : bool, optional
        Whether to print an estimate of the time it takes and to show a progress bar, on standard error.

    Returns
    -------
    log_px : ndarray, shape (B,)
        float64, in nats.

    Raises
    ------
    ValueError
        If an argument does not fit.
    ArithmeticError
        If the logarithm of a weight is not finite.

    Notes
    -----
    Equation 10.2. ``importance_estimate`` also returns the standard errors and the effective sample sizes. Threads
    share the examples, one for each free core; meanwhile each of NumPy's matrix products runs on one thread.

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, sections 3 and 5.
    """
    return importance_estimate(model, x, samples, rng=rng, progress=progress).log_px


def importance_estimate(model, x, samples=5000, *, rng, progress=False):
    """Estimate log p(x) as ``log_evidence`` does, with its standard error and the effective sample size.

    Parameters and errors are those of ``log_evidence``.

    Returns
    -------
    Evidence
    """
    parts = over_examples(lambda draws: evidence_of(draws.log_weight), model, x, samples, rng=rng, progress=progress)
    return Evidence(*(np.concatenate(column) for column in zip(*parts)))


def evidence_of(log_weight):
    """Turn the logarithms of an example's weights into the estimate of log p(x).

    Parameters
    ----------
    log_weight : ndarray, shape (B, S)

    Returns
    -------
    Evidence

    Notes
    -----
    Equations 10.2, 10.6 and 10.7. By the delta method, the standard error of log_px is that of the mean weight divided
    by the mean weight; in terms of the effective sample size it is the square root of (S / ESS - 1) / (S - 1).

    References
    ----------
    Owen, Monte Carlo Theory, Methods and Examples, 2013, sections 9.1 to 9.3.
    """
    S = log_weight.shape[1]
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))  # (B, S), the largest is 1
    effective = weight.sum(axis=1) ** 2 / (weight**2).sum(axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 for a single sample
        error = np.sqrt(np.maximum(S / effective - 1, 0) / np.float64(S - 1))
    return Evidence(log_mean_exp(log_weight), error, effective)


class Draws(NamedTuple):
    """The log-likelihoods and the log weights of the draws for some examples.

    Attributes
    ----------
    log_likelihood, log_weight : ndarray, shape (B, S)
        log p(x|z) and log w, float64.
    """

    log_likelihood: np.ndarray
    log_weight: np.ndarray


def draw_weights(model, x, mu, log_var, samples, *, rng):
    """Draw z from N(mu, sigma**2) for one example, and compute the weight of each draw.

    Parameters
    ----------
    model : VAE
    x : ndarray, shape (1, D)
        In the model's dtype; of a conditional VAE [x | label].
    mu, log_var : ndarray, shape (1, K)
        As ``model.encode(x)`` returns them. Any other Gaussian estimates the same log p(x), with more or less noise.
    samples : int
    rng : numpy.random.Generator

    Returns
    -------
    Draws
        Of shape (1, S).

    Notes
    -----
    Equation 10.1. log q(z|x) is computed from eps and not from z, by the change of variables of equation 4.5: where
    sigma is small beside mu, z - mu would lose eps to rounding.
    """
    p, K = model.parameters, model.latent_dim
    x, label = x[:, :model.data_dim], x[:, model.data_dim:]  # the label has columns only in a conditional VAE
    sigma = standard_deviation(log_var)
    draws = Draws(np.empty((1, samples)), np.empty((1, samples)))
    rows = max(1, NUMBERS // max(model.decoder.sizes))
    for start in range(0, samples, rows):
        eps = rng.standard_normal((min(rows, samples - start), K), dtype=model.dtype)
        zero = np.zeros_like(eps)
        z = reparameterize(to_rows(mu, eps), to_rows(sigma, eps), eps)                      # (rows, K)
        y = model.decoder.forward(z, p, {"label": to_rows(label, eps)})                      # (rows, D)
        log_likelihood = model.likelihood.log_likelihood(y, to_rows(x, y), p)               # (rows,), log p(x|z)
        log_prior = gaussian_log_density(z, zero, zero)
        log_q = gaussian_log_density(eps, zero, zero) - 0.5 * log_var.sum()
        here = slice(start, start + len(eps))
        draws.log_likelihood[0, here] = log_likelihood
        draws.log_weight[0, here] = log_likelihood + (log_prior - log_q)
    return draws


def to_rows(row, like):
    """Repeat one row, of shape (1, n), as often as ``like`` has rows, without a copy."""
    return np.broadcast_to(row, (len(like), row.shape[1]))


@one_blas_thread()
def over_examples(reduce, model, x, samples, *, rng, progress=False):
    """Draw the samples of each example in turn, and keep only the result of ``reduce``.

    Parameters
    ----------
    reduce : callable
        Maps the Draws of one example to something small.
    model, x, samples, rng, progress
        As for ``log_evidence``.

    Returns
    -------
    list
        One result per example.

    Notes
    -----
    Each example has a random generator of its own, seeded from ``rng``, so the numbers do not depend on the order of
    the threads. Beyond x itself, memory does not grow with B; it grows with S by 16 bytes for each example in work.
    """
    x = model.rows(x)
    with np.errstate(all="ignore"):
        mu, log_var = model.encode(x)
    samples = positive_integer("samples", samples)
    seeds = generator(rng).integers(2**63, size=len(x))

    def draws_of(n, samples=samples):
        with np.errstate(all="ignore"):  # the check below has a better message
            one = slice(n, n + 1)
            return draw_weights(model, x[one], mu[one], log_var[one], samples, rng=np.random.default_rng(seeds[n]))

    def result(n):
        draws = draws_of(n)
        if not np.isfinite(draws.log_weight).all():
            raise ArithmeticError(f"log p(x) of example {n} is not finite: there are log weights from "
                                  f"{draws.log_weight.min()} to {draws.log_weight.max()}. Are the model's parameters "
                                  "finite? Try dtype float64.")
        return reduce(draws)

    with thread_pool(min(len(x), free_cores())) as pool:
        if progress:
            print(f"{len(x):,} {'image' if len(x) == 1 else 'images'}, {samples:,} "
                  f"{'draw' if samples == 1 else 'draws'} of z each: "
                  f"{duration(_seconds(pool, draws_of, len(x), samples))}.", file=sys.stderr)
        return list(tqdm(pool.map(result, range(len(x))), desc=f"log p(x), {samples:,} draws each", total=len(x),
                         unit="image", disable=not progress, smoothing=0))


def _seconds(pool, draws_of, count, samples):
    """Estimate how long ``draws_of`` takes for ``count`` examples, from a few of them and a few of their draws."""
    few, examples, shortest = min(samples, 200), range(min(count, 8)), math.inf
    for _ in range(2):  # the first time is slower than those that follow
        start = time.perf_counter()
        list(pool.map(lambda n: draws_of(n, few), examples))
        shortest = min(shortest, time.perf_counter() - start)
    return shortest * count / len(examples) * samples / few


def duration(seconds):
    """Return a number of seconds in words, rounded."""
    if seconds < 1:
        return "less than a second"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 100 * 60 else f"about {seconds / 3600:.0f} hours"
