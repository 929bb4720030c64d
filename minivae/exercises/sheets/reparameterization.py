"""Exercises on the draw from q(z|x)."""

import numpy as np

from ...kernels import reparameterize
from ..exercise import Exercise
from ..judges.backward import Backward
from ..judges.values import Values


def _cases(rng):
    B, K = map(int, rng.permutation([3, 4, 5, 6])[:2])
    for words, shape, size in (("", (B, K), 1.0), ("for one example and one latent", (1, 1), 1.0),
                               ("where numbers are large", (B, K), 30.0),
                               ("where numbers are near 0", (B, K), 1e-3),
                               ("for as many examples as latents", (K, K), 1.0)):
        mu, log_sigma, eps = rng.standard_normal((3, *shape))
        yield words, {"mu": size * mu, "sigma": size * np.exp(log_sigma), "eps": 2 * eps}


def _number_by_number(mu, sigma, eps):
    z = np.empty_like(mu)
    for place in np.ndindex(z.shape):
        z[place] = mu[place] + sigma[place] * eps[place]
    return z


EXERCISES = (
    Exercise(
        name="reparameterize", signature="mu, sigma, eps -> z", shapes="mu (B, K), sigma (B, K), eps (B, K), z (B, K)",
        notebook=4, place=1, difficulty=1, minutes=5,
        statement="Return a draw z from N(mu, sigma²), made from standard normal noise eps that has been drawn "
                  "already.",
        hints=("Which two operations turn N(0, 1) into N(mu, sigma²)?",
               "Scale first, then shift. What you are given is the standard deviation, not the variance."),
        insight="With eps held fixed, z is an ordinary function of mu and sigma. It has a derivative, and a finite "
                "difference can check it.",
        equations={"": "4.5"}, judge=Values(_cases, _number_by_number, against="the line of the derivation"),
        answer="kernels:reparameterize"),
    Exercise(
        name="reparameterize_backward", signature="dz, eps -> dmu, dsigma",
        shapes="dz (B, K), eps (B, K), dmu (B, K), dsigma (B, K)",
        notebook=4, place=2, difficulty=1, minutes=10,
        statement="The backward of `reparameterize`: from ∂loss/∂z to ∂loss/∂mu and ∂loss/∂sigma. eps is noise and has "
                  "no gradient.",
        hints=("If mu moves by a little, by how much does z move? And if sigma does?",
               "Use the same noise as the forward: it is an argument, and nothing is drawn here.",
               "Return new arrays: the caller may write into dmu, and dz must not change with it."),
        insight="The gradient of a random draw is that of a formula with fixed noise: the same eps forward and "
                "backward.",
        equations={"": "4.8"},
        judge=Backward(reparameterize, {"mu": "BK", "sigma": "BK", "eps": "BK"}),
        answer="kernels:reparameterize_backward"),
)
