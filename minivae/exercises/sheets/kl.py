"""Exercises on the KL divergence of q(z|x) from the prior."""

import numpy as np

from ...kernels import gaussian_log_density, kl_divergence
from ..exercise import Exercise
from ..judges.backward import Backward
from ..judges.values import Values


def _cases(rng):
    B, K = map(int, rng.permutation([3, 4, 5, 6])[:2])
    yield "", {"mu": rng.standard_normal((B, K)), "log_var": rng.standard_normal((B, K))}
    yield "for one example and one latent", {"mu": rng.uniform(1, 2, (1, 1)), "log_var": rng.uniform(-1, -0.5, (1, 1))}
    yield "for as many examples as latents", {"mu": rng.standard_normal((K, K)), "log_var": rng.standard_normal((K, K))}
    yield "at the prior, where it is 0", {"mu": np.zeros((2, 3)), "log_var": np.zeros((2, 3))}
    yield "for a narrow q", {"mu": rng.standard_normal((2, 3)), "log_var": -12 + rng.standard_normal((2, 3))}
    yield "for a wide q far from the prior", {"mu": 20 * rng.standard_normal((2, 3)),
                                              "log_var": 7 + rng.standard_normal((2, 3))}


def _by_definition(mu, log_var):
    """E_q[log q(z) - log p(z)], equation 2.5: quadratic in z, so that two nodes an axis, eps = -1 and 1, are exact."""
    sigma, zero = np.exp(0.5 * log_var), np.zeros((1, 1))
    kl = np.zeros(len(mu))
    for k in range(mu.shape[1]):
        m, s, lv = mu[:, k:k + 1], sigma[:, k:k + 1], log_var[:, k:k + 1]
        for z in (m - s, m + s):
            kl += 0.5 * (gaussian_log_density(z, m, lv) - gaussian_log_density(z, 0 * z + zero, 0 * z + zero))
    return kl


def _size(mu, log_var):
    return (mu**2 + np.exp(log_var) + 1 + np.abs(log_var)).sum(axis=1)


EXERCISES = (
    Exercise(
        name="kl_divergence", signature="mu, log_var -> kl", shapes="mu (B, K), log_var (B, K), kl (B,)",
        notebook=3, place=1, difficulty=1, minutes=10,
        statement="The KL divergence of q(z|x) = N(mu, sigma²) from the prior N(0, I), in closed form: one number for "
                  "each example, in nats, summed over the latents. The encoder gives log_var = log sigma².",
        hints=("For one latent, work out E_q[log q(z)] and E_q[log p(z)] separately. They need only E_q[(z − mu)²] = "
               "sigma² and E_q[z²] = mu² + sigma².",
               "The two log 2π cancel. Four terms are left: sigma², its logarithm, mu² and a constant.",
               "Test it at mu = 0, log_var = 0: q is the prior there, and the divergence is 0. One factor stands in "
               "front of all four terms."),
        insight="It is never negative, and 0 only where q is the prior. It is summed over the latents, not averaged, "
                "as the log-likelihood in the same loss is summed over the pixels.",
        equations={"": "3.7"}, judge=Values(_cases, _by_definition, _size, against="its definition (exact quadrature)"),
        answer="kernels:kl_divergence"),
    Exercise(
        name="kl_divergence_backward", signature="dkl, mu, log_var -> dmu, dlog_var",
        shapes="dkl (B,), mu (B, K), log_var (B, K), dmu (B, K), dlog_var (B, K)",
        notebook=3, place=2, difficulty=1, minutes=15,
        statement="The backward of `kl_divergence`. dkl is the upstream gradient, ∂loss/∂kl: one number for each "
                  "example.",
        hints=("Differentiate the closed form, equation 3.7, with respect to one mu_k and to one log_var_k, all others "
               "held fixed.",
               "log_var occurs in two of the four terms: in an exponential, and by itself.",
               "dkl has shape (B,), mu has (B, K). One upstream number serves all K latents of its example: give it a "
               "second axis of length 1."),
        insight="The KL pulls mu towards 0 in proportion to mu, and log_var in proportion to sigma² − 1. At the prior "
                "both gradients are 0.",
        equations={"": "3.9"},
        judge=Backward(kl_divergence, {"mu": "BK", "log_var": "BK"}),
        answer="kernels:kl_divergence_backward"),
)
