"""Exercises on the bound of notebook 2: its two terms by quadrature, and from them to the loss."""

import math

import numpy as np

from ..exercise import Exercise
from ..judges.values import Values

NODES = 801   # of the grid, which reaches 12 standard deviations of q and of the prior to either side


def _models(rng):
    """Linear models of one latent, x = w z + noise, whose ELBO has a closed form for any Gaussian q."""
    for words, B, mu, sigma in (("", int(rng.integers(3, 6)), rng.uniform(-1.5, 1.5, 6), rng.uniform(0.4, 1.5, 6)),
                                ("for one picture", 1, rng.uniform(1, 2, 1), rng.uniform(0.3, 0.7, 1)),
                                ("for narrow q", 2, rng.uniform(-2, 2, 2), rng.uniform(0.12, 0.2, 2)),
                                ("where q is the prior", 2, np.zeros(2), np.ones(2)),
                                ("where q is the posterior", 3, None, None)):
        x, slope, noise = 2 * rng.standard_normal(B), rng.uniform(0.5, 2), rng.uniform(0.5, 1.2)
        if mu is None:
            sigma = np.full(B, (1 + slope**2 / noise**2) ** -0.5)
            mu = sigma**2 * slope * x / noise**2
        mu, sigma = mu[:B, None], sigma[:B, None]
        reach = 12 * max(1.0, float(sigma.max())) + float(np.abs(mu).max())
        z = np.linspace(-reach, reach, NODES * (1 if sigma.min() > 0.25 else 3))
        yield words, {"log_likelihood": _log_normal(x[:, None], slope * z, noise), "log_prior": _log_normal(z, 0, 1),
                      "log_q": _log_normal(z, mu, sigma), "spacing": float(z[1] - z[0]),
                      "model": (x, slope, noise, mu[:, 0], sigma[:, 0])}


def _log_normal(x, mean, sigma):
    return -0.5 * ((x - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)


def _closed_form(model, **_):
    """Both terms for x = w z + noise and a Gaussian q: the expected square is (x - w mu)² + w² sigma²."""
    x, slope, noise, mu, sigma = model
    expected = -0.5 * (((x - slope * mu) ** 2 + slope**2 * sigma**2) / noise**2 + math.log(2 * math.pi * noise**2))
    kl = 0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma)
    return {"expected": expected, "kl": kl, "elbo": expected - kl}


def _terms(log_likelihood, log_prior, log_q, spacing, model):
    q = np.exp(log_q)
    return (q * (np.abs(log_likelihood) + np.abs(log_prior) + np.abs(log_q))).sum(axis=1) * spacing


def _elbo_by_quadrature(log_likelihood, log_prior, log_q, spacing):
    """Equations 2.4 to 2.6 as they stand, for mistakes to be planted in."""
    q = np.exp(log_q)
    expected = (q * log_likelihood).sum(axis=1) * spacing
    kl = (q * (log_q - log_prior)).sum(axis=1) * spacing
    return expected, kl, expected - kl


def _batches(rng):
    B, D, K = map(int, rng.permutation([2, 3, 4, 5, 6])[:3])
    for words, shape, beta in (("", (B, D, K), rng.uniform(0.3, 0.7)), ("with beta = 1", (B, D, K), 1.0),
                               ("with beta = 4", (B, K, D), 4.0), ("with beta = 0", (B, D, K), 0.0),
                               ("for a batch of one", (1, D, K), 0.5), ("for one pixel and one latent", (B, 1, 1), 0.5),
                               ("for as many examples as pixels and latents", (B, B, B), 2.0)):
        b, d, k = shape
        yield words, {"log_p": -rng.exponential(2.0, (b, d)), "kl_k": rng.exponential(1.0, (b, k)), "beta": beta}


def _summed_exactly(log_p, kl_k, beta):
    elbo, objective = [], []
    for pixels, latents in zip(log_p, kl_k):
        elbo.append(math.fsum([*pixels, *-latents]))
        objective.append(math.fsum([*pixels, *(-beta * latents)]))
    return {"elbo": np.array(elbo), "objective": np.array(objective),
            "loss": np.array(-math.fsum(objective) / len(objective))}


def _objective_and_loss(log_p, kl_k, beta):
    """Equations 2.9 to 2.11 as they stand, for mistakes to be planted in."""
    log_likelihood = log_p.sum(axis=1)
    kl = kl_k.sum(axis=1)
    elbo = log_likelihood - kl
    objective = log_likelihood - beta * kl
    loss = -objective.mean()
    return elbo, objective, loss


EXERCISES = (
    Exercise(
        name="elbo_by_quadrature", signature="log_likelihood, log_prior, log_q, spacing -> expected, kl, elbo",
        shapes="log_likelihood (B, G), log_prior (G,), log_q (B, G), spacing a number, expected (B,), kl (B,), "
               "elbo (B,)",
        notebook=2, place=1, difficulty=1, minutes=10,
        statement="The ELBO of B pictures for one latent, with the integrals as sums over a grid of G values of z that "
                  "lie `spacing` apart. Given are log p(x|z), log p(z) and log q(z|x) at every grid point. Return the "
                  "expected log-likelihood E_q[log p(x|z)], the KL divergence of q(z|x) from the prior, and the ELBO.",
        hints=("An expectation under q is an integral of q times something. What you are given is log q.",
               "KL(q ‖ p) is the expectation under q of log q − log p, for the prior p.",
               "An integral over the grid is a sum over axis 1, times the spacing. q already holds the weights, so it "
               "is a sum and not a mean."),
        insight="Each term is one integral against q. For a model with many latents there is no grid, and a draw from "
                "q takes its place.",
        equations={"expected": "2.4", "kl": "2.5", "elbo": "2.6"},
        judge=Values(_models, _closed_form, _terms, "the closed form of a linear model", precision=1e-9),
        answer="exercises.sheets.lower_bound:_elbo_by_quadrature"),
    Exercise(
        name="objective_and_loss", signature="log_p, kl_k, beta -> elbo, objective, loss",
        shapes="log_p (B, D), kl_k (B, K), beta a number, elbo (B,), objective (B,), loss a number",
        notebook=2, place=2, difficulty=1, minutes=10,
        statement="From the parts to the loss. log_p holds the log-probability of each of D pixels of B pictures, "
                  "given one draw of z: given z the pixels are independent. kl_k holds each latent's share of the KL, "
                  "which add up to the KL of the picture. Return the one-draw estimate of the ELBO and the objective "
                  "with weight beta, for each picture, and the loss: one number. In nats, by the convention of the "
                  "course.",
        hints=("The probability of a picture is a product over its pixels. What is its logarithm?",
               "elbo is the estimate of the bound whatever beta is; beta stands in the objective alone.",
               "Summed over pixels and latents, averaged over the batch. The loss goes down when the objective goes "
               "up."),
        insight="With one sum too few or one mean too many, the model is trained with another beta than the one that "
                "was set.",
        equations={"elbo": "2.9", "objective": "2.10", "loss": "2.11"},
        judge=Values(_batches, _summed_exactly, lambda log_p, kl_k, beta: np.abs(log_p).sum() + beta * kl_k.sum(),
                     "sums in exact arithmetic"),
        answer="exercises.sheets.lower_bound:_objective_and_loss"),
)
