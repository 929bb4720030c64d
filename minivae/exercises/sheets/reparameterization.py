"""Exercises on the draw from q(z|x) and on its two gradient estimators."""

import numpy as np

from ...kernels import gaussian_log_density_backward, reparameterize, reparameterize_backward
from ..backward import Backward
from ..estimator import Estimator
from ..exercise import Exercise
from ..values import Values


def _cases():
    rng = np.random.default_rng(40)
    for words, shape in (("", (5, 6)), (" with one example and one latent", (1, 1))):
        mu, log_sigma, eps = rng.standard_normal((3, *shape))
        yield words, {"mu": mu, "sigma": np.exp(log_sigma), "eps": eps}


def _number_by_number(mu, sigma, eps):
    z = np.empty_like(mu)
    for place in np.ndindex(z.shape):
        z[place] = mu[place] + sigma[place] * eps[place]
    return z


EXERCISES = (
    Exercise(
        name="reparameterize", signature="mu, sigma, eps -> z", shapes="mu (B, K), sigma (B, K), eps (B, K), z (B, K)",
        notebook=4, place=1, difficulty=1, minutes=5,
        statement="A draw z from N(mu, sigma²), made from standard normal noise eps that somebody else has drawn.",
        hints=("Which two operations turn N(0, 1) into N(mu, sigma²)?",
               "Stretch first, move after. What you are given is the standard deviation, not the variance."),
        insight="With eps held fixed z is an ordinary function of mu and sigma: it has a derivative, and a finite "
                "difference can check it.",
        equations={"": "4.2"}, judge=Values(_cases, _number_by_number, against="the line of the derivation"),
        reference=lambda mu, sigma, eps: reparameterize(mu, sigma, eps), built_from=("kernels:reparameterize",)),
    Exercise(
        name="reparameterize_backward", signature="dz, eps -> dmu, dsigma",
        shapes="dz (B, K), eps (B, K), dmu (B, K), dsigma (B, K)",
        notebook=4, place=2, difficulty=1, minutes=10,
        statement="The backward of `reparameterize`: from ∂loss/∂z to ∂loss/∂mu and ∂loss/∂sigma. eps is noise and has no "
                  "gradient.",
        hints=("If mu moves by a little, by how much does z move? And if sigma does?",
               "The noise must be the very noise that the forward used: it is an argument, and nothing is drawn here.",
               "Return new arrays: whoever gets dmu may write into it, and dz must not change with it."),
        insight="The gradient of a random draw is a matter of its noise: the same eps forward and backward.",
        equations={"": "4.3"},
        judge=Backward(reparameterize, {"mu": "BK", "sigma": "BK", "eps": "BK"}, lambda dy, **_: {"dz": dy}),
        reference=lambda dz, eps: reparameterize_backward(dz, eps), built_from=("kernels:reparameterize_backward",)),
    Exercise(
        name="score_function", signature="f_z, z, mu, log_var -> dmu, dlog_var",
        shapes="f_z (S,), z (S, K), mu (S, K), log_var (S, K), dmu (S, K), dlog_var (S, K)",
        notebook=4, place=3, difficulty=2, minutes=25,
        statement="The score-function estimator of the gradient of E_q[f(z)] by mu and log_var, q = N(mu, sigma²): one "
                  "estimate for each of S draws z, of which f_z holds f(z). f itself is not at hand, and need not be "
                  "differentiable. The mean of your rows is held against the exact gradient by a z-score.",
        hints=("∇ E_q[f(z)] = E_q[f(z) ∇ log q(z)]: z does not move, the density does.",
               "You need the slope of log N(z; mu, sigma²) by mu and by log_var; log_var stands in two of its terms.",
               "With ζ = (z − mu) / sigma, a standard normal number, both slopes are short. E[ζ² − 1] = 0: the score has "
               "mean 0. Does yours?"),
        insight="No derivative of f was needed. The price is variance: compare with the reparameterized estimator, which "
                "knows the slope of f.",
        equations={"": "3.8"}, judge=Estimator(),
        reference=lambda f_z, z, mu, log_var: gaussian_log_density_backward(f_z, z, mu, log_var)[1:],
        built_from=("kernels:gaussian_log_density_backward",)),
)
