"""What notebooks 1 to 5 state of bias, variance, bounds and digits, each on a small case where it can be evaluated."""

import pathlib
import re

import nbformat
import numpy as np
import pytest
from linear_case import at_true_posterior, linear_model

import minivae as mv
from minivae.evaluation import exact_log_evidence

NOTEBOOKS = pathlib.Path(mv.__file__).parents[1] / "notebooks"

# Notebook 1, section 1.8: x = z + tau eps, at x_k = sqrt(1 + tau²)


def normal(x, variance):
    return np.exp(-x**2 / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def second_moment(tau):
    """ρ of equation 1.7 for one latent."""
    x = np.sqrt(1 + tau**2)
    return normal(x, 1 + tau**2 / 2) / (2 * tau * np.sqrt(np.pi)) / normal(x, 1 + tau**2) ** 2


def divergence(tau):
    """KL(posterior ‖ prior) of one latent."""
    mean, variance = 1 / np.sqrt(1 + tau**2), tau**2 / (1 + tau**2)
    return 0.5 * (mean**2 + variance - 1 - np.log(variance))


@pytest.mark.parametrize("tau", (0.3, 1.0, 3.0))
def test_the_second_moment_and_the_divergence_are_those_of_the_integrals(tau):
    z, x = np.linspace(-9, 9, 3601), np.sqrt(1 + tau**2)
    prior, likelihood = normal(z, 1), normal(x - z, tau**2)
    step, evidence = z[1] - z[0], normal(x, 1 + tau**2)
    posterior = likelihood * prior / evidence
    assert posterior.sum() * step == pytest.approx(1, abs=1e-10)
    assert (likelihood**2 * prior).sum() * step / evidence**2 == pytest.approx(second_moment(tau), rel=1e-9)
    assert (posterior * np.log(likelihood / evidence)).sum() * step == pytest.approx(divergence(tau), rel=1e-9)
    assert np.log(second_moment(tau)) > divergence(tau)


def test_the_cost_of_naive_draws_follows_the_divergence_and_not_the_number_of_latents():
    assert 50 * divergence(3.0) < 5 * divergence(0.3) and second_moment(3.0) ** 50 < second_moment(0.3) ** 5


def test_naive_draws_are_unbiased_for_the_evidence_and_too_low_for_its_logarithm():
    tau, rng, repeats = 0.3, np.random.default_rng(0), 2000
    x = np.sqrt(1 + tau**2)
    ratio = normal(x - rng.standard_normal((repeats, 100)), tau**2).mean(axis=1) / normal(x, 1 + tau**2)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(repeats)
    logs, leading = np.log(ratio), -(second_moment(tau) - 1) / 200
    error = logs.std() / np.sqrt(repeats)
    assert logs.mean() < -3 * error and abs(logs.mean() - leading) < 4 * error + 0.3 * abs(leading)
    assert np.median(logs[:1999]) == np.log(np.median(ratio[:1999]))      # a median knows nothing of Jensen


def test_where_exponentials_vanish():
    assert np.exp(np.float32(-103.9)) > 0 == np.exp(np.float32(-104.1))
    assert np.exp(-745.0) > 0 == np.exp(-745.2)


# Notebook 2: the toy, by quadrature over eps and over z

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
BARS = np.vstack([np.zeros(4), np.tril(np.ones((4, 4)))])


def at_nodes(model, x):
    """The trace of each picture at each node: rows n * 60 + node."""
    return model.forward(np.repeat(x, len(NODES), axis=0), np.tile(NODES, len(x))[:, None])


def log_evidence(model, x):
    z = np.linspace(-9, 9, 601)
    given = {"z": np.tile(z, len(x))[:, None]}
    trace = model.forward(np.repeat(x, len(z), axis=0), np.zeros((len(z) * len(x), 1)), given=given)
    joint = np.exp(trace.log_likelihood.reshape(len(x), -1) - 0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.log(joint.sum(axis=1) * (z[1] - z[0]))


def log_weights(trace):
    """log w of each row: log p(x|z) + log p(z) - log q(z|x)."""
    density = mv.kernels.gaussian_log_density
    zero = np.zeros_like(trace.z)
    return trace.log_likelihood + density(trace.z, zero, zero) - density(trace.z, trace.mu, trace.log_var)


def test_the_logarithm_of_a_mean_of_draws_is_biased_and_one_draw_of_the_logarithm_is_not():
    model, x, _ = mv.toy()
    trace = at_nodes(model, x)
    log_w = log_weights(trace).reshape(3, -1)
    bound, truth = log_w @ WEIGHTS, log_evidence(model, x)
    np.testing.assert_allclose(bound, trace.elbo.reshape(3, -1) @ WEIGHTS, atol=1e-9)  # one mean, closed or sampled
    pairs = np.logaddexp(log_w[:, :, None], log_w[:, None, :]) - np.log(2)      # two draws, the logarithm outside
    of_two = np.einsum("nij,i,j->n", pairs, WEIGHTS, WEIGHTS)
    assert (bound + 0.01 < of_two).all() and (of_two + 0.001 < truth).all()


def test_a_decoder_trained_on_the_elbo_alone_can_lower_the_evidence():
    model, _, _ = mv.toy()
    model.parameters["encoder.1.b"] += [1, 0]

    def gradient():
        """Of the mean ELBO over the bars, with respect to all weights."""
        total = 0
        for node, weight in zip(NODES, WEIGHTS):
            if weight > 1e-9:
                total = total - weight * model.backward(model.forward(BARS, np.full((5, 1), node)))[1].flat
        return total

    def elbo():
        return (at_nodes(model, BARS).elbo.reshape(5, -1) @ WEIGHTS).mean()

    decoder = np.concatenate([np.full(w.size, name.startswith("decoder")) for name, w in model.parameters.items()])
    before = elbo(), log_evidence(model, BARS).mean()
    for _ in range(10):
        model.parameters.flat += 0.1 * decoder * gradient()
    after = elbo(), log_evidence(model, BARS).mean()
    assert after[0] > before[0] + 1 and after[1] < before[1] - 0.15 and after[0] < after[1]


def test_the_appendix_quotes_the_lecture_and_the_first_notebook_names_it():
    paths = (NOTEBOOKS / f"{name}.ipynb" for name in ("01_maximum_likelihood", "02_elbo"))
    first, second = (path.read_text(encoding="utf-8") for path in paths)
    assert "Alireza Aghamohammadi" in first
    assert "Computing the exact posterior $p(x \\\\mid \\\\phi)$ is intractable." in second
    for path in NOTEBOOKS.glob("0[345]_*.ipynb"):                                # what is wrong with it is said once
        assert "lecture" not in path.read_text(encoding="utf-8"), path


# Notebook 3, section 3.3, and notebook 4, section 4.8: the KL in closed form or sampled


def variance(values):
    return values**2 @ WEIGHTS - (values @ WEIGHTS) ** 2


def two_terms(model, x):
    """log p(x|z) and the sampled KL at every node, (B, 60) each."""
    trace = at_nodes(model, x)
    return trace.log_likelihood.reshape(len(x), -1), (trace.log_likelihood - log_weights(trace)).reshape(len(x), -1)


def test_a_sampled_kl_makes_a_trained_elbo_less_noisy_and_a_blind_one_noisier():
    model, x, _ = mv.toy()
    log_likelihood, kl = two_terms(model, x)
    np.testing.assert_allclose(variance(log_likelihood), [0.331, 0.515, 1.037], atol=1e-3)
    np.testing.assert_allclose(variance(log_likelihood - kl), [0.0535, 0.097, 0.071], atol=1e-3)
    alone = (model.encode(x)[0] ** 2 * np.exp(model.encode(x)[1]) + 0.5 * np.expm1(model.encode(x)[1]) ** 2).ravel()
    np.testing.assert_allclose(variance(kl), alone, rtol=1e-8)                               # equation 3.8
    model.parameters["decoder.0.W"] = np.zeros((1, 2))
    log_likelihood, kl = two_terms(model, x)
    np.testing.assert_allclose(variance(log_likelihood - kl) - variance(log_likelihood), alone, rtol=1e-8)


def test_at_the_posterior_the_sampled_elbo_is_the_evidence_at_every_draw():
    model = at_true_posterior(linear_model(0, orthogonal=True))
    x = np.random.default_rng(1).standard_normal((1, 5))
    trace = model.forward(np.repeat(x, 50, axis=0), np.random.default_rng(2).standard_normal((50, 2)))
    np.testing.assert_allclose(log_weights(trace), exact_log_evidence(model, x)[0], atol=1e-10)
    assert trace.elbo.var() > 0.1


def test_the_shipped_model_has_the_less_noisy_elbo_with_a_sampled_kl():
    model, rng = mv.load_pretrained(), np.random.default_rng(0)
    x = model.generate(8, rng=rng, draw=True)
    trace = model.forward(np.repeat(x, 30, axis=0), rng.standard_normal((240, 50)))
    ratio = log_weights(trace).reshape(8, 30).var(axis=1) / trace.elbo.reshape(8, 30).var(axis=1)
    assert (ratio < 1).sum() >= 7 and ratio.mean() < 0.8


def gradients(model, x):
    """Of each example's ELBO with respect to mu and log_var: a pair of arrays (B, 60) for each of three estimators."""
    trace = at_nodes(model, x)
    slope = model.backward(trace, d_loss=-float(len(trace.z)))[0].z              # of log p(x|z) at each row
    symbols = slope, trace.z, trace.mu, trace.log_var, trace.sigma
    slope, z, mu, log_var, sigma = (values.reshape(len(x), -1) for values in symbols)
    path = slope - z + NODES / sigma
    return {"closed": (slope - mu, 0.5 * (slope * NODES * sigma - np.expm1(log_var))),
            "sampled": (slope - z, 0.5 * (slope * NODES * sigma - (z * sigma * NODES - 1))),
            "path": (path, 0.5 * path * NODES * sigma)}, slope, sigma


def test_the_gradient_of_a_sampled_kl_is_the_noisier_for_mu_though_its_value_is_not():
    model, x, _ = mv.toy()
    by, slope, sigma = gradients(model, x)
    for mean in zip(*([values @ WEIGHTS for values in pair] for pair in by.values())):        # for mu, then for log_var
        np.testing.assert_allclose(mean, np.broadcast_to(mean[0], (3, 3)), atol=1e-6)
    for_mu, for_log_var = ({name: variance(pair[i]) for name, pair in by.items()} for i in (0, 1))
    assert (for_mu["closed"] < for_mu["sampled"]).all()
    assert ((for_log_var["closed"] < for_log_var["sampled"]) == [True, True, False]).all()
    assert (for_mu["path"] < 0.2 * for_mu["closed"]).all()
    assert (for_log_var["path"] < 0.35 * for_log_var["closed"]).all()
    curvature = (slope * NODES) @ WEIGHTS / sigma[:, 0]                          # E[f''], by equation 4.9
    np.testing.assert_allclose(for_mu["sampled"] - for_mu["closed"], sigma[:, 0] ** 2 * (1 - 2 * curvature), rtol=1e-5)


def test_the_path_derivative_vanishes_at_the_posterior_and_is_not_always_best():
    model = at_true_posterior(linear_model(0, D=3, K=1))
    by, _, sigma = gradients(model, np.random.default_rng(1).standard_normal((2, 3)))
    np.testing.assert_allclose(by["path"][0], 0, atol=1e-9)
    np.testing.assert_allclose(variance(by["sampled"][0]), 1 / sigma[:, 0] ** 2, rtol=1e-8)   # minus the score
    blind, x, _ = mv.toy()
    blind.parameters["decoder.0.W"] = np.zeros((1, 2))
    by, _, sigma = gradients(blind, x)
    np.testing.assert_allclose(variance(by["closed"][0]), 0, atol=1e-12)
    np.testing.assert_allclose(variance(by["path"][0]), (1 / sigma[:, 0] - sigma[:, 0]) ** 2, rtol=1e-8)


# Notebook 4


def test_the_variance_that_check_unbiased_reports_is_a_mean_over_the_numbers():
    report = mv.gradcheck.check_unbiased({"two": lambda rng: rng.standard_normal(2) * [1, 3]}, np.zeros(2), draws=4000)
    (facts,) = report.estimators
    assert facts.variance == pytest.approx(5, rel=0.1)                           # (1 + 9) / 2, not 10


def test_a_kink_has_a_pathwise_gradient_and_a_step_has_none():
    mu, sigma, z = -0.3, 0.8, np.linspace(-8, 8, 160_001)
    q, score, step = normal(z - mu, sigma**2), (z - mu) / sigma**2, z[1] - z[0]
    kink, above = np.maximum(z, 0), 0.5 * (np.sign(z) + 1)
    assert (q * kink * score).sum() * step == pytest.approx((q * above).sum() * step, rel=1e-7)
    assert (q * above * score).sum() * step == pytest.approx(normal(mu, sigma**2), rel=1e-7)  # the density at the step


# Notebook 5, section 5.7: where the logarithms of probabilities fail


@pytest.mark.parametrize("dtype, plus, minus, halved", (
    (np.float32, 16.64, -88.73, -17.3), (np.float64, 36.74, -709.79, -37.4)))
def test_logarithms_of_probabilities_fail_at_both_ends_and_from_logits_at_none(dtype, plus, minus, halved):
    def probability(a):
        return 1 / (1 + np.exp(-np.array([a], dtype)))

    with np.errstate(over="ignore"):
        assert probability(plus - 0.02) < 1 == probability(plus + 0.02)
        assert probability(minus + 0.02) > 0 == probability(minus - 0.02)
    holds, fails = (0.5 * (1 + np.tanh(np.array([0.5 * a], dtype))) for a in (halved, 2.5 * halved))
    assert holds > 0 == fails
    for a in (plus, minus, 1000, -1000):
        on, off = (mv.kernels.bernoulli_log_likelihood(np.array([[a]], dtype), np.array([[x]], dtype)) for x in (1, 0))
        assert min(on, off) == pytest.approx(-abs(a), rel=1e-6) and max(on, off) <= 0


# What is folded is right: the code in answers runs and agrees


def answers(name):
    """The code in the folded answers of a notebook, by the function that it defines first."""
    nb = nbformat.read(next(NOTEBOOKS.glob(f"{name}*.ipynb")), as_version=4)
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return {re.search(r"def (\w+)", block)[1]: block for block in code if "def " in block}


@pytest.mark.parametrize("name, function", (("03", "kl"), ("04", "score_function"), ("05", "tied_backward")))
def test_the_code_in_a_folded_answer_is_right(name, function):
    names = {"np": np}
    exec(answers(name)[function], names)
    rng = np.random.default_rng(0)
    if function == "score_function":
        assert mv.exercises.check(function, names[function])
        return
    if function == "kl":                                                         # its value, and not its gradient alone
        z = np.linspace(-20, 20, 4001)
        q, prior = normal(z - 0.7, np.exp(-1)), normal(z - names["m"], names["s"] ** 2)
        by_quadrature = (q * np.log(np.maximum(q, 1e-300) / prior)).sum() * (z[1] - z[0])
        assert names["kl"](np.array([[0.7]]), np.array([[-1.0]])) == pytest.approx(by_quadrature, rel=1e-9)
    forward, backward = {"kl": ("kl", "kl_backward"), "tied_backward": (None, function)}[function]
    arguments = [rng.standard_normal(shape) for shape in ([(5, 3)] * 2 if forward else [(5, 4), (4, 2)])]
    assert mv.gradcheck.check_vjp(names[forward] if forward else lambda x, W: x @ W @ W.T, names[backward], *arguments)


@pytest.mark.parametrize("name", ("01", "02", "03", "04", "05"))
def test_every_exercise_has_a_cell_to_write_in_and_a_check(name):
    nb = nbformat.read(next(NOTEBOOKS.glob(f"{name}*.ipynb")), as_version=4)
    cells = [cell.source for cell in nb.cells]
    asked = [i for i, cell in enumerate(cells) if "**Exercise.**" in cell or "## Exercise\n" in cell]
    assert asked
    for i in asked:
        assert "raise NotImplementedError" in cells[i + 1], cells[i]
        assert re.search(r"check|try:", cells[i + 2] + cells[i + 3]), cells[i + 1]
