"""What must be true of the kernels and of the model, each as a function that raises AssertionError if it is not.

Property tests call these with what hypothesis draws; the tests of the catalogue call them with fixed examples, to
see that every mistake makes at least one fail. ``GRADIENT_CHECKS`` compare a backward with its forward and
``MEANING_CHECKS`` a forward with what it should mean.
"""

import itertools
import math

import numpy as np

import minivae as mv
from minivae.kernels import PAIRS
from finite_differences import gradient, relative_error
from strategies import arrays

TOLERANCE = 1e-7  # relative to the tensor's largest entry; the errors measured lie near 1e-11
Z_SCORE = 4.5     # of a Monte-Carlo test: by chance 7 in a million, and the seeds are fixed


# --- the gradient is the gradient of the forward ----------------------------------------------------------

def check_pair(name, sizes, scale, seed, layout="contiguous"):
    """A kernel's backward, with a random upstream gradient, against differences of its forward."""
    pair = PAIRS[name]
    arguments = arrays(pair.shapes.values(), sizes, scale, seed, layout)
    if name == "relu":  # no derivative at 0: keep off it by more than the difference's reach
        arguments[0] += 0.1 * np.sign(arguments[0])
    dy = np.random.default_rng(seed + 1).standard_normal(pair.forward(*arguments).shape)
    gradients = pair.backward(dy, *arguments)
    numeric = [gradient(lambda _: np.vdot(dy, pair.forward(*arguments)), argument)
               for argument in arguments[:len(gradients)]]
    for argument, written, expected in zip(arguments, gradients, numeric):
        assert written.shape == argument.shape
        assert relative_error(written, expected) < TOLERANCE, f"{name}: {written} against {expected}"


def model_example(settings, batch, seed, kind=mv.VAE, samples=1):
    """Return a model with random biases too, data and noise; relu units are kept away from zero if possible."""
    rng = np.random.default_rng(seed)
    model = kind(**settings)
    model.parameters.flat[:] += 0.3 * rng.standard_normal(model.parameters.flat.size)
    x = rng.random((batch, model.data_dim))
    eps = rng.standard_normal((batch * samples, model.latent_dim))
    return model, x, eps


def nearest_kink(model, trace):
    """The smallest distance from 0 of any pre-activation in the trace."""
    p, distances = model.parameters, [np.inf]
    for stack, h in ((model.encoder, trace.x), (model.decoder, trace.z)):
        h = np.concatenate([h, trace.label], axis=1) if "label" in trace else h
        for W, b, symbol in zip(stack.W, stack.b, stack.h):
            distances.append(np.abs(h @ p[W] + p[b]).min())
            h = trace[symbol]
    return min(distances)


def check_model_gradient(settings, batch, seed, d_loss=1.0, example=model_example):
    """Every parameter's gradient, and every symbol's, against differences of the loss.

    Returns False, without a check, if a relu is so close to its kink that a difference might step over it.
    """
    model, x, eps = example(settings, batch, seed)
    trace = model.forward(x, eps)
    if settings["activation"] == "relu" and nearest_kink(model, trace) < 0.05:
        return False
    other = model.forward(x[::-1], -eps)  # another batch in between, and its backward, must leave no mark
    model.backward(other)
    d, grads = model.backward(trace, d_loss=d_loss)
    numeric = gradient(lambda _: d_loss * model.forward(x, eps).loss, model.parameters.flat)
    scale = np.abs(numeric).max()
    assert relative_error(grads.flat, numeric, scale) < TOLERANCE
    assert not d.elbo.any()  # reported, and not on the way to the loss
    for symbol in set(trace) - {"x", "label", "eps", "elbo", "loss"}:
        value = trace[symbol].copy()
        numeric = gradient(lambda value: d_loss * model.forward(x, eps, given={symbol: value}).loss, value)
        assert relative_error(d[symbol], numeric) < TOLERANCE, symbol
    return True


# --- the forward is the right forward -----------------------------------------------------------------------

def check_moments_of_z():
    """z = mu + sigma eps has mean mu and variance exp(log_var)."""
    n, rng = 200_000, np.random.default_rng(3)
    log_var = np.array([[-1.0, 0.0, 1.5]])
    mu = np.array([[0.5, -2.0, 0.0]])
    kernels = mv.kernels
    z = kernels.reparameterize(mu.repeat(n, 0), kernels.standard_deviation(log_var).repeat(n, 0),
                               rng.standard_normal((n, 3)))
    var = np.exp(log_var[0])
    assert np.all(np.abs(z.mean(axis=0) - mu[0]) < Z_SCORE * np.sqrt(var / n))
    assert np.all(np.abs(z.var(axis=0) - var) < Z_SCORE * var * math.sqrt(2 / n))


def check_kl_values():
    """Known values of the KL, and its mean over draws: KL = E_q[log q(z) - log p(z)]."""
    kl = mv.kernels.kl_divergence
    known = [((0.0, 0.0), 0.0), ((1.0, 0.0), 0.5), ((0.0, math.log(4)), 0.5 * (3 - math.log(4))),
             ((-2.0, math.log(0.25)), 0.5 * (4 - 0.75 + math.log(4)))]
    for (mu, log_var), value in known:
        assert math.isclose(kl(np.array([[mu]]), np.array([[log_var]]))[0], value, rel_tol=1e-14, abs_tol=1e-15)
    mu, log_var = np.array([[1.0, -0.5]]), np.array([[0.7, -1.2]])
    n, rng = 100_000, np.random.default_rng(4)
    z = mu + np.exp(log_var / 2) * rng.standard_normal((n, 2))
    log_q = -0.5 * (np.log(2 * np.pi) + log_var + (z - mu) ** 2 / np.exp(log_var)).sum(axis=1)
    log_p = -0.5 * (np.log(2 * np.pi) + z**2).sum(axis=1)
    sample = log_q - log_p
    assert abs(sample.mean() - kl(mu, log_var)[0]) < Z_SCORE * sample.std() / math.sqrt(n)
    summed = kl(np.array([[1.0, 1.0, 1.0]]), np.zeros((1, 3)))[0]
    assert math.isclose(summed, 1.5, rel_tol=1e-14)  # summed over the latents, not averaged


def binary_images(data_dim):
    """Every binary image of that many pixels, one a row."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=data_dim)))


def check_bernoulli_is_a_distribution():
    """The probabilities of all images sum to 1, and those with a pixel on sum to what decode says of it."""
    model, _, _ = model_example(dict(data_dim=6, hidden=(5,), latent_dim=2, activation="tanh", dtype="float64"), 1, 5)
    x = binary_images(6)
    for z in np.random.default_rng(6).standard_normal((5, 2)):
        trace = model.forward(x, np.zeros((len(x), 2)), given={"z": np.tile(z, (len(x), 1))})
        p = np.exp(trace.log_likelihood)
        assert math.isclose(p.sum(), 1, rel_tol=1e-12)
        np.testing.assert_allclose(p @ x, model.decode(z[None])[0], rtol=1e-12)


def gaussian_examples(variance, **settings):
    """Return two models with that noise variance, one fixed and one learned."""
    for noise_variance in (variance, "learned"):
        model, _, _ = model_example(dict(activation="tanh", likelihood="gaussian", noise_variance=noise_variance,
                                         dtype="float64") | settings, 1, 7)
        if noise_variance == "learned":
            model.parameters["decoder.log_var"] = math.log(variance)
        yield model


def check_gaussian_is_a_distribution():
    """The Gaussian likelihood integrates to 1 over the line, and its mean is what decode says."""
    for model in gaussian_examples(0.3, data_dim=1, hidden=(3,), latent_dim=2):
        x = np.linspace(-12, 12, 4001)[:, None]
        z = np.array([[0.3, -1.1]])
        trace = model.forward(x, np.zeros((len(x), 2)), given={"z": z.repeat(len(x), 0)})
        p, width = np.exp(trace.log_likelihood), x[1, 0] - x[0, 0]
        assert math.isclose(p.sum() * width, 1, rel_tol=1e-9)
        assert math.isclose((p * x[:, 0]).sum() * width, model.decode(z)[0, 0], rel_tol=1e-9)
        assert math.isclose((p * (x[:, 0] - model.decode(z)[0, 0]) ** 2).sum() * width, 0.3, rel_tol=1e-9)


def check_draws_have_the_means():
    """The frequencies that generate draws are the means it shows, pixel by pixel."""
    sizes = dict(data_dim=4, hidden=(3,), latent_dim=1)
    bernoulli, _, _ = model_example(dict(activation="tanh", dtype="float64") | sizes, 1, 8)
    for model in (bernoulli, *gaussian_examples(0.5, **sizes)):
        likelihood = model.settings["likelihood"]
        n = 50_000  # standard error of a frequency: at most 0.5 / sqrt(n) = 0.0022
        means = model.generate(n, rng=np.random.default_rng(9))
        draws = model.generate(n, rng=np.random.default_rng(9), draw=True)  # the same latents
        assert np.all((means >= 0) & (means <= 1)) or likelihood == "gaussian"
        noise = draws - means
        assert np.all(np.abs(noise.mean(axis=0)) < Z_SCORE * noise.std(axis=0) / math.sqrt(n))
        variance = means * (1 - means) if likelihood == "bernoulli" else np.full_like(means, 0.5)
        np.testing.assert_allclose((noise**2).mean(axis=0), variance.mean(axis=0), rtol=0.05)


def expected_elbo(model, x):
    """E_q[log p(x|z)] - KL by quadrature over eps, for K = 1: shape (B,)."""
    nodes = np.linspace(-9, 9, 361)
    weights = np.exp(-0.5 * nodes**2) / np.exp(-0.5 * nodes**2).sum()
    return sum(weight * model.forward(x, np.full((len(x), 1), node)).elbo for node, weight in zip(nodes, weights))


def log_evidence_by_quadrature(model, x):
    """log of the integral of p(x|z) p(z) over z for K = 1, from decode alone: shape (B,)."""
    z = np.linspace(-12, 12, 6001)[:, None]
    mean = model.decode(z)  # (Z, D)
    if model.settings["likelihood"] == "bernoulli":
        log_p = np.log(mean) @ x.T + np.log1p(-mean) @ (1 - x).T  # (Z, B)
    else:
        v = model.settings["noise_variance"]
        log_p = -0.5 * (((x[None] - mean[:, None]) ** 2 / v) + np.log(2 * np.pi * v)).sum(axis=2)
    log_joint = log_p - 0.5 * (z**2 + np.log(2 * np.pi))
    top = log_joint.max(axis=0)
    return np.log(np.exp(log_joint - top).sum(axis=0) * (z[1, 0] - z[0, 0])) + top, log_joint, z


def check_bound():
    """E[ELBO] <= log p(x), and the gap is KL(q || p(z|x)): equations 2.6 and 2.8, by quadrature."""
    for seed, likelihood in itertools.product(range(4), ("bernoulli", "gaussian")):
        model, x, _ = model_example(
            dict(data_dim=3, hidden=(4,), latent_dim=1, activation="tanh", likelihood=likelihood, noise_variance=0.5,
                 dtype="float64", seed=seed), 4, seed)
        x = np.round(x) if likelihood == "bernoulli" else x
        elbo = expected_elbo(model, x)
        log_px, log_joint, z = log_evidence_by_quadrature(model, x)
        assert np.all(elbo <= log_px + 1e-9)
        mu, log_var = (array[:, 0] for array in model.encode(x))
        log_q = -0.5 * (np.log(2 * np.pi) + log_var + (z - mu) ** 2 / np.exp(log_var))  # (Z, B)
        gap = (np.exp(log_q) * (log_q - (log_joint - log_px))).sum(axis=0) * (z[1, 0] - z[0, 0])
        np.testing.assert_allclose(log_px - elbo, gap, atol=1e-7)


def check_linear_gaussian():
    """At the true posterior of a linear model the ELBO is log N(x; b, W'W + v I) exactly."""
    rng = np.random.default_rng(11)
    D, K, v = 5, 2, 0.4
    model = mv.VAE(D, (), K, likelihood="gaussian", noise_variance=v, dtype="float64")
    p = model.parameters
    W = np.linalg.qr(rng.standard_normal((D, K)))[0].T * [[1.5], [0.7]]  # (K, D), orthogonal rows: a diagonal posterior
    b = rng.standard_normal(D)
    precision = 1 + (W**2).sum(axis=1) / v                               # of z given x, (K,)
    to_mu = W.T / v / precision
    p["decoder.0.W"], p["decoder.0.b"] = W, b
    p["encoder.0.W"] = np.concatenate([to_mu, np.zeros((D, K))], axis=1)
    p["encoder.0.b"] = np.concatenate([-b @ to_mu, -np.log(precision)])
    x = rng.standard_normal((3, D))
    covariance = W.T @ W + v * np.eye(D)
    centred = x - b
    exact = -0.5 * (D * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
                    + (centred * np.linalg.solve(covariance, centred.T).T).sum(axis=1))
    # the log-likelihood is quadratic in eps, so two Gauss-Hermite nodes an axis, -1 and 1, integrate it exactly
    elbo = np.mean([model.forward(x, np.tile(eps, (3, 1)).astype(float)).elbo
                    for eps in itertools.product([-1, 1], repeat=K)], axis=0)
    np.testing.assert_allclose(elbo, exact, rtol=1e-12)


def check_some_model_gradient(settings, batch):
    """A model of these settings whose relus keep away from zero."""
    assert any(check_model_gradient(settings, batch, seed, d_loss=1.7) for seed in range(50))


def check_path_gradients():
    """Their mean is that of the plain gradient, by quadrature over the noise of one sample and of two."""
    toy, x, _ = mv.toy()
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for samples, kinds in ((1, (mv.MonteCarloELBO, mv.PathMonteCarloELBO)), (2, (mv.IWAE, mv.PathIWAE))):
        eps = np.array(list(itertools.product(nodes, repeat=samples))).reshape(-1, 1)
        weight = np.prod(list(itertools.product(weights / weights.sum(), repeat=samples)), axis=1)
        means = []
        for kind in kinds:
            model = kind(**toy.settings | {"beta": 0.7})
            model.parameters.flat = toy.parameters.flat
            d, _ = model.backward(model.forward(np.tile(x[1], (len(weight), 1)), eps), d_loss=-3.0 * len(weight))
            means.append(weight @ np.concatenate([d.mu, d.log_var], axis=1))
        np.testing.assert_allclose(means[0], means[1], atol=1e-6)


def check_annealed_chains():
    """E[w] = p(x) from the prior up, E[1/w] = 1/p(x) from the posterior down, at so few steps that mistakes show."""
    model = mv.VAE(3, (), 1, likelihood="gaussian", noise_variance=2.0, dtype="float64", seed=None)
    model.parameters["decoder.0.W"] = np.array([[1.0, 0.5, -1.0]])
    found = mv.evaluation.bracket(model, 300, chains=8, temperatures=10, rng=np.random.default_rng(0))
    exact = mv.evaluation.exact_log_evidence(model, found.x)
    for ratio in (np.exp(found.lower.log_px - exact), np.exp(exact - found.upper.log_px)):
        assert abs(ratio.mean() - 1) < Z_SCORE * ratio.std() / np.sqrt(len(ratio)) < 0.2


GRADIENT_CHECKS = [
    *(lambda name=name, seed=seed: check_pair(name, dict(zip("BIOHKDS", (3, 2, 4, 2, 3, 4, 5))), 1.0, seed)
      for name in PAIRS for seed in (0, 1)),
    lambda: check_pair("dense", dict(zip("BIO", (3, 3, 3))), 1.0, 0),
    *(lambda activation=activation, likelihood=likelihood, hidden=hidden, batch=batch: check_some_model_gradient(
        dict(data_dim=4, hidden=hidden, latent_dim=2, activation=activation, likelihood=likelihood, noise_variance=0.5,
             beta=0.7, dtype="float64"), batch)
      for activation in ("relu", "tanh") for likelihood in ("bernoulli", "gaussian") for hidden in ((), (3,), (5, 3))
      for batch in (3, 2)),
    lambda: check_some_model_gradient(dict(data_dim=4, hidden=(3,), latent_dim=2, activation="tanh",
                                           likelihood="gaussian",
                                           noise_variance="learned", dtype="float64"), 3),
]

MEANING_CHECKS = [check_moments_of_z, check_kl_values, check_bernoulli_is_a_distribution,
                  check_gaussian_is_a_distribution, check_draws_have_the_means, check_bound, check_linear_gaussian,
                  check_path_gradients, check_annealed_chains]
