"""Exercises on the two likelihoods: binary pixels from logits, real ones from means."""

import itertools
import math

import numpy as np

from ...kernels import bernoulli_log_likelihood, gaussian_log_likelihood
from ..exercise import Exercise
from ..judges.backward import Backward
from ..judges.values import Values
from .stable import _softplus


def _pixels(arguments):
    """Pixels 0 or 1 in place of the random x, logits that keep their size."""
    return {**arguments, "x": (arguments["x"] > 0).astype(float)}


def _certain():
    """Logits so large that the pixel is certain, right and wrong."""
    logits = np.array([[1000.0, -1000.0, 40.0], [-1000.0, 1000.0, 800.0]])
    return {"logits": logits, "x": np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])}


def _bernoulli_cases(rng):
    B, D = map(int, rng.permutation([3, 4, 5, 6, 7])[:2])
    for words, shape, size in (("", (B, D), 2.0), ("for one pixel", (1, 1), 1.0), (
                               "for as many examples as pixels", (D, D), 2.0),
                               ("where some logits are large", (B, D), 30.0)):
        yield words, {"logits": size * rng.standard_normal(shape), "x": (rng.random(shape) < 0.5).astype(float)}
    every = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    yield "over all images of four pixels", {"logits": np.tile(rng.standard_normal(4), (16, 1)), "x": every}
    yield "at logits of ±1000", _certain()


def _log_probability(logits, x):
    """Pixel by pixel: log of p where the pixel is on and of 1 − p where it is off, in Python's own arithmetic."""
    return np.array([sum(-_softplus(-a) if on else -_softplus(a) for a, on in zip(row, pixels))
                     for row, pixels in zip(logits.tolist(), x.tolist())])


def _gaussian_cases(rng):
    B, D = map(int, rng.permutation([3, 4, 5, 6, 7])[:2])
    for words, shape, size in (("", (B, D), 1.0), ("for one pixel", (1, 1), 1.0), (
                               "for as many examples as pixels", (D, D), 1.0),
                               ("where the residuals are large", (B, D), 30.0)):
        mean, x = size * rng.standard_normal((2, *shape))
        yield words, {"mean": mean, "x": x, "noise_variance": float(rng.uniform(1.5, 3))}
    yield "for noise_variance = 1", {"mean": mean, "x": x, "noise_variance": 1.0}
    yield "for a small noise_variance", {"mean": mean, "x": x, "noise_variance": float(rng.uniform(0.01, 0.1))}


def _log_density(mean, x, noise_variance):
    """Number by number, as statistics.NormalDist has it."""
    def log_pdf(m, value):
        return -((value - m) ** 2) / (2 * noise_variance) - math.log(math.sqrt(2 * math.pi * noise_variance))

    return np.array([sum(map(log_pdf, row, values)) for row, values in zip(mean.tolist(), x.tolist())])


_BERNOULLI, _GAUSSIAN = {"logits": "BD", "x": "BD"}, {"mean": "BD", "x": "BD"}

EXERCISES = (
    Exercise(
        name="bernoulli_log_likelihood", signature="logits, x -> log_likelihood",
        shapes="logits (B, D), x (B, D), log_likelihood (B,)", notebook=5, place=9, difficulty=2, minutes=20,
        statement="log p(x|z) of binary pixels, 0 or 1, under the decoder's logits: one number for each example, in "
                  "nats, summed over the pixels. It must stay accurate for logits of ±1000.",
        hints=("With p = logistic(a), a pixel contributes x log p + (1 − x) log(1 − p). Put p in and simplify: p goes "
               "away.",
               "log p = a − log(1 + exp(a)) and log(1 − p) = −log(1 + exp(a)). What is left of x log p + (1 − x) log(1 "
               "− p)?",
               "The stable softplus of the last exercise is one of its two terms."),
        insight="log(1 − p) is −inf once p rounds to 1; written in logits, it stays finite. The exponential of the "
                "log-likelihood, summed over all possible images, is 1.",
        equations={"": "5.16"},
        judge=Values(_bernoulli_cases, _log_probability, lambda logits, x: (1 + np.abs(logits)).sum(axis=1),
                     "the probability, pixel by pixel"),
        answer="kernels:bernoulli_log_likelihood"),
    Exercise(
        name="bernoulli_log_likelihood_backward", signature="dll, logits, x -> dlogits",
        shapes="dll (B,), logits (B, D), x (B, D), dlogits (B, D)", notebook=5, place=10, difficulty=1, minutes=15,
        statement="The backward of `bernoulli_log_likelihood`. dll is the upstream gradient: one number for each "
                  "example. x is data and has no gradient.",
        hints=("Differentiate x a − log(1 + exp(a)) with respect to a.",
               "The derivative of the softplus is a function that you have met, in a form that never overflows.",
               "dll is (B,), the pixels are (B, D): one upstream number serves all pixels of its example."),
        insight="Observed minus expected. The slope of the logistic function has cancelled: that is why this "
                "likelihood is written in logits.",
        equations={"": "5.18"},
        judge=Backward(bernoulli_log_likelihood, _BERNOULLI, prepare=_pixels, extremes=_certain()),
        answer="kernels:bernoulli_log_likelihood_backward"),
    Exercise(
        name="gaussian_log_likelihood", signature="mean, x, noise_variance -> log_likelihood",
        shapes="mean (B, D), x (B, D), log_likelihood (B,)", notebook=5, place=11, difficulty=1, minutes=10,
        statement="log p(x|z) of real-valued pixels, each a Gaussian about the decoder's mean with one fixed "
                  "noise_variance: one number for each example, in nats, summed over the pixels, the normalizing "
                  "constant included.",
        hints=("Take the logarithm of the density of N(mean, noise_variance) at x. It has two terms.",
               "The constant ½ log(2π noise_variance) belongs to every pixel, so D times to each example.",
               "noise_variance is already a variance: nothing is squared but the residual."),
        insight="Without its constant it is a scaled squared error: just as good to train on, but no density, so its "
                "nats cannot be compared with another model's.",
        equations={"": "5.20"},
        judge=Values(_gaussian_cases, _log_density, lambda mean, x, noise_variance: (
            1 + (x - mean) ** 2 / noise_variance).sum(axis=1), "the density, pixel by pixel"),
        answer="kernels:gaussian_log_likelihood"),
    Exercise(
        name="gaussian_log_likelihood_backward", signature="dll, mean, x, noise_variance -> dmean",
        shapes="dll (B,), mean (B, D), x (B, D), dmean (B, D)", notebook=5, place=12, difficulty=1, minutes=10,
        statement="The backward of `gaussian_log_likelihood` with respect to the decoder's mean. dll is the upstream "
                  "gradient, one number for each example.",
        hints=("The constant does not depend on mean. What is the derivative of −½ (x − mean)² / noise_variance with "
               "respect to mean?",
               "Do not forget the inner derivative, −1: it cancels the minus sign in front."),
        insight="The residual divided by the variance: the smaller the noise that a decoder claims, the larger its "
                "gradient.",
        equations={"": "5.21"},
        judge=Backward(gaussian_log_likelihood, _GAUSSIAN,
                       constants=lambda rng: {"noise_variance": float(rng.uniform(1.5, 3))}),
        answer="kernels:gaussian_log_likelihood_backward"),
)
