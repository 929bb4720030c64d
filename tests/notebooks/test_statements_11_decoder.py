"""What sections 11.12 to 11.16 state, tried beyond the cases that they show: what the bound does to a decoder."""

import itertools

import numpy as np
import pytest

import minivae as mv
from minivae.evaluation import quadrature_log_evidence

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
GRID = np.linspace(-9, 9, 721)
PRIOR = np.exp(-0.5 * GRID**2) / np.sqrt(2 * np.pi) * (GRID[1] - GRID[0])
PICTURES = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
SHARES = np.random.default_rng(0).dirichlet(np.ones(8))


def log_likelihood(w, z):
    """log p(x|z) of every picture, with logits z w_d: (8, len(z))."""
    logits = np.outer(z, w)
    return PICTURES @ logits.T - np.logaddexp(0, logits).sum(axis=1)


def log_p(w):
    return np.log(np.exp(log_likelihood(w, GRID)) @ PRIOR)


def best_elbo(w):
    """Newton's step for mu, and 1 / sigma² = minus the mean second derivative, as in section 11.12."""
    mu, sigma = np.zeros((8, 1)), np.full((8, 1), 0.6)
    for _ in range(60):
        p = 1 / (1 + np.exp(-(mu + sigma * NODES)[:, :, None] * w))
        slope = ((PICTURES[:, None] - p) @ w) @ WEIGHTS - mu[:, 0]
        curve = 1 + ((p * (1 - p)) @ w**2) @ WEIGHTS
        mu, sigma = mu + 0.7 * (slope / curve)[:, None], curve[:, None] ** -0.5
    z = mu + sigma * NODES
    logits = z[:, :, None] * w
    inside = (PICTURES[:, None] * logits - np.logaddexp(0, logits)).sum(axis=2) @ WEIGHTS
    return inside - (0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma))[:, 0]


def test_what_the_maximizer_of_the_elbo_loses_it_gains_at_least_in_the_gap():
    """11.20 to 11.22, along a line of decoders c w, for data that no such decoder generates."""
    w = np.array([1.0, 0.5, -0.8])
    shares = 0.9 * np.exp(log_p(4 * w)) + 0.1 / 8
    scales = np.linspace(2, 4, 21)
    like = np.array([shares @ log_p(c * w) for c in scales])
    bound = np.array([shares @ best_elbo(c * w) for c in scales])
    gap = like - bound
    ml, best = like.argmax(), bound.argmax()
    assert (gap > 0).all() and 0 < min(best, ml) and max(best, ml) < len(scales) - 1 and best != ml
    assert gap[ml] - gap[best] >= like[ml] - like[best] > 0
    assert np.sign(best - ml) == -np.sign(np.gradient(gap)[ml])   # down the slope of the gap


@pytest.mark.parametrize("s2, beta, lam", [(1.0, 1.0, 2.0), (0.3, 2.0, 0.5), (2.0, 0.7, 1.5), (0.8, 3.0, 2.41)])
def test_a_small_code_of_a_linear_vae_grows_or_dies_by_an_eigenvalue(s2, beta, lam):
    """11.23 and 11.24: the package's own gradient at the collapsed point, with k encoder steps for one."""
    model = mv.VAE(2, hidden=(), latent_dim=1, likelihood="gaussian", noise_variance=s2, beta=beta, dtype="float64",
                   seed=None)
    along = np.array([0.6, 0.8])
    data = np.sqrt(lam) * np.vstack([along, -along])

    def slopes(w, e, log_var=0.0):
        model.parameters["decoder.0.W"] = w * along[None]
        model.parameters["encoder.0.W"] = np.stack([e * along, np.zeros(2)], axis=1)
        model.parameters["encoder.0.b"] = np.array([0.0, log_var])
        grads = [model.backward(model.forward(data, np.full((2, 1), eps)))[1] for eps in (-1.0, 1.0)]
        mean = {name: -(grads[0][name] + grads[1][name]) / 2 for name in grads[0]}
        return np.array([mean["decoder.0.W"][0] @ along, mean["encoder.0.W"][:, 0] @ along, mean["encoder.0.b"][1]])

    h = 1e-5
    jacobian = np.array([(slopes(*step) - slopes(*-step)) / (2 * h) for step in h * np.eye(3)]).T
    expected = np.array([[-1 / s2, lam / s2, 0], [lam / s2, -beta * lam, 0], [0, 0, -beta / 2]])
    np.testing.assert_allclose(jacobian, expected, atol=1e-8)
    for k in (0.05, 1.0, 20.0):
        a, b = 1 / s2, k * beta * lam
        rate = 0.5 * (np.sqrt((a + b) ** 2 + 4 * k * lam * (lam - beta * s2) / s2**2) - a - b)
        found = np.linalg.eigvals(np.diag([1, k]) @ jacobian[:2, :2]).real.max()
        np.testing.assert_allclose(found, rate, atol=1e-7 * (1 + k))
        assert (rate > 0) == (lam > beta * s2)
    slow, fast = 1e-7, 1e6
    for k, limit in ((slow, slow * lam * (lam - beta * s2) / s2), (fast, (lam / (beta * s2) - 1) / s2)):
        np.testing.assert_allclose(np.linalg.eigvals(np.diag([1, k]) @ expected[:2, :2]).max(), limit, rtol=1e-3)


def test_no_mean_elbo_exceeds_minus_the_entropy():
    """11.25, term by term: the gap as a divergence of densities on a grid, not as a difference."""
    model, _, _ = mv.toy()
    pictures = np.array(list(np.ndindex(2, 2, 2, 2)), dtype=float)
    shares = np.random.default_rng(1).dirichlet(np.ones(16))
    log_px = quadrature_log_evidence(model, pictures)
    mu, log_var = model.encode(pictures)
    logits = model.forward(np.zeros((len(GRID), 4)), np.zeros((len(GRID), 1)), given={"z": GRID[:, None]}).logits
    log_posterior = (pictures @ logits.T - np.logaddexp(0, logits).sum(axis=1)
                     - 0.5 * (GRID**2 + np.log(2 * np.pi)) - log_px[:, None])
    log_q = -0.5 * ((GRID - mu) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi))
    gap = (np.exp(log_q) * (log_q - log_posterior)).sum(axis=1) * (GRID[1] - GRID[0])
    elbo = WEIGHTS @ [model.forward(pictures, np.full((16, 1), eps)).elbo for eps in NODES]
    entropy, divergence = -shares @ np.log(shares), shares @ (np.log(shares) - log_px)
    assert gap.min() > 0 and divergence > 0
    np.testing.assert_allclose(shares @ elbo, -entropy - divergence - shares @ gap, atol=1e-9)


def residuals(logits, shares):
    p = 1 / (1 + np.exp(-logits))
    r, v = PICTURES - p, shares @ (p * (1 - p))
    return r, v, (r.T * shares) @ r / np.sqrt(np.outer(v, v))


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.5])
def test_a_small_code_pays_by_the_eigenvalues_of_the_residuals(beta):
    """11.26: with the best of all q the objective is β log E_p(z)[p(x|z)^(1/β)], here for decoders that see x_<d."""
    rng = np.random.default_rng(2)
    seen = rng.standard_normal((3, 3)) * np.tri(3, k=-1)           # pixel d sees those before it
    logits = PICTURES @ seen.T + rng.standard_normal(3)
    r, v, C = residuals(logits, SHARES)

    def best(w):
        at = logits[:, None] + NODES[:, None] * w                  # (8, nodes, 3)
        inside = (PICTURES[:, None] * at - np.logaddexp(0, at)).sum(axis=2)
        return SHARES @ (beta * np.log(np.exp(inside / beta) @ WEIGHTS))

    values, vectors = np.linalg.eigh(C)
    for eigenvalue, direction in zip(values, vectors.T):
        w = 1e-2 * direction / np.sqrt(v)
        gain = (best(w) - best(0 * w)) / 1e-4
        np.testing.assert_allclose(gain, (eigenvalue - beta) / (2 * beta), atol=2e-3)


def test_residuals_of_the_true_conditionals_have_eigenvalues_of_exactly_one():
    """So a decoder that knows them gains nothing from a small code at β = 1."""
    table = SHARES.reshape(2, 2, 2)
    first, second = table.sum(axis=(1, 2)), table.sum(axis=2)
    x = PICTURES.astype(int)
    p = np.stack([np.full(8, first[1]), second[x[:, 0], 1] / first[x[:, 0]],
                  table[x[:, 0], x[:, 1], 1] / second[x[:, 0], x[:, 1]]], axis=1)
    np.testing.assert_allclose(residuals(np.log(p / (1 - p)), SHARES)[2], np.eye(3), atol=1e-12)


def test_steps_under_too_dear_a_kl_are_paid_back():
    """11.27, for the linear map near the collapsed point: further dear steps delay by the same ratio each."""
    lam, eta = 1.7, 0.04

    def step(beta):
        return np.eye(2) + eta * np.array([[-1, lam], [lam, -beta * lam]])

    def steps_back(dear):
        code = np.linalg.matrix_power(step(5.0), dear) @ [1.0, 1.0]
        values, vectors = np.linalg.eigh(step(1.0))
        return -np.log(abs(vectors[:, -1] @ code)) / np.log(values[-1])   # along the growing direction

    r = {b: 0.5 * (np.sqrt((1 + b * lam) ** 2 + 4 * lam * (lam - b)) - 1 - b * lam) for b in (5.0, 1.0)}
    ratio = -np.log1p(eta * r[5.0]) / np.log1p(eta * r[1.0])
    np.testing.assert_allclose((steps_back(600) - steps_back(300)) / 300, ratio, rtol=1e-9)


def test_pairwise_independent_pixels_can_hide_three_bits():
    """11.14's pictures: correlations of zero, entropy 3 log 2, where independent pixels need 7 log 2."""
    bits = np.array(list(np.ndindex(2, 2, 2)))
    pictures = bits @ bits[1:].T % 2
    np.testing.assert_allclose(np.corrcoef(pictures.T), np.eye(7), atol=1e-12)
    assert len({tuple(row) for row in pictures}) == 8
    for pair in itertools.combinations(range(7), 2):
        assert sorted(map(tuple, pictures[:, pair])) == sorted(2 * [(0, 0), (0, 1), (1, 0), (1, 1)])
