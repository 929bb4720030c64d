"""What notebooks 6 to 10 state, each on the smallest case where it can be evaluated."""

import itertools
import pathlib
from statistics import NormalDist

import numpy as np
import pytest

import minivae as mv
from minivae.evaluation import exact_log_evidence, quadrature_log_evidence

TOY, TOY_X, TOY_EPS = mv.toy()
PICTURES = np.array(list(np.ndindex(2, 2, 2, 2)), dtype=float)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


def expected_elbo(model, rows, mu, log_var):
    """Over eps, by quadrature, with one q for all rows."""
    q = {"mu": np.tile(mu, (len(rows), 1)), "log_var": np.tile(log_var, (len(rows), 1))}
    elbos = [model.forward(rows, np.full((len(rows), 1), e), given=q).elbo for e in NODES]
    return WEIGHTS @ elbos / WEIGHTS.sum()


# Notebook 6


def ridders(f, x, h, ratio, rows, stop):
    """The value that changed least and that change, with Numerical Recipes' stopping rule where stop is true."""
    def difference(h):
        return (f(x + h) - f(x - h)) / (2 * h)

    T, best = [[difference(h)]], (np.inf, 0.0)
    for k in range(1, rows):
        T.append([difference(h / ratio**k)])
        for j in range(1, k + 1):
            T[k].append(T[k][j - 1] + (T[k][j - 1] - T[k - 1][j - 1]) / (ratio ** (2 * j) - 1))
            change = max(abs(T[k][j] - T[k][j - 1]), abs(T[k][j] - T[k - 1][j - 1]))
            if change <= best[0]:
                best = change, T[k][j]
        if stop and abs(T[k][k] - T[k - 1][k - 1]) >= 2 * best[0]:
            break
    return best


@pytest.mark.parametrize("ratio, rows, stop", [(2, 8, False), (1.4, 10, True)])
def test_the_least_change_covers_the_error_in_about_half_of_the_cases(ratio, rows, stop):
    functions = ((np.exp, np.exp), (np.sin, np.cos), (np.tanh, lambda x: 1 - np.tanh(x) ** 2))
    covered = []
    for f, slope in functions:
        for x in np.random.default_rng(0).standard_normal(50):
            change, value = ridders(f, x, 0.5, ratio, rows, stop)
            covered.append(abs(value - slope(x)) <= change)
    assert 0.35 < np.mean(covered) < 0.65


def test_the_exercise_on_a_checker_asks_for_the_losses_that_the_notebook_names():
    notebook = (pathlib.Path(__file__).parents[2] / "notebooks" / "06_gradient_check.ipynb").read_text(encoding="utf-8")
    for text in (str(mv.exercises.statement("gradient_checker")), notebook):
        assert "a billionth, one and a million" in text


# Notebook 7


def test_a_gradients_own_direction_is_blind_to_missing_blocks_and_a_random_one_is_not():
    model, x, eps = mv.toy()
    start, grads = model.parameters.flat.copy(), model.backward(model.forward(x, eps))[1].flat.copy()

    def slope(v, h=1e-6):
        losses = []
        for end in (start + h * v, start - h * v):
            model.parameters.flat = end
            losses.append(model.forward(x, eps).loss)
        return (losses[0] - losses[1]) / (2 * h)

    rng = np.random.default_rng(0)
    for _ in range(5):
        claim = np.where(rng.random(grads.size) < 0.5, grads, 0)  # any numbers missing
        v = rng.standard_normal(grads.size)
        assert slope(claim) == pytest.approx(claim @ claim, rel=1e-6)
        assert slope(v) == pytest.approx(grads @ v, rel=1e-6) != pytest.approx(claim @ v, rel=1e-3)


# Notebook 8


def test_a_minibatch_is_unbiased_for_the_pictures_that_remain_and_over_the_first_draw_for_all():
    values = np.array([1.0, 4.0, 9.0, 2.0])  # one number of each picture's gradient
    second = {}
    for order in itertools.permutations(range(4)):
        second.setdefault(frozenset(order[:2]), []).append(values[list(order[2:])].mean())
    for first, means in second.items():  # given the first minibatch
        assert np.mean(means) == pytest.approx(np.delete(values, list(first)).mean())
        assert np.mean(means) != pytest.approx(values.mean())
    assert np.mean([np.mean(means) for means in second.values()]) == pytest.approx(values.mean())


def test_the_longest_step_of_adam_follows_a_run_of_zeros():
    w, adam = np.zeros(1), mv.Adam(1.0, epsilon=1e-30)
    for _ in range(5_000):
        adam.step(w, np.zeros(1))
    adam.step(w, np.ones(1))
    assert abs(w[0]) == pytest.approx((1 - 0.9) / np.sqrt(1 - 0.999), rel=1e-2)


@pytest.mark.parametrize("beta1, beta2", [(0.9, 0.999), (0.5, 0.9), (0.9, 0.9)])
def test_no_step_of_adam_is_longer_than_by_cauchy_and_schwarz(beta1, beta2):
    bound, reached = (1 - beta1) / np.sqrt((1 - beta2) * (1 - beta1**2 / beta2)), []
    rng = np.random.default_rng(0)
    for gradients in (np.ones(50), (beta2 / beta1) ** np.arange(400), *rng.standard_normal((20, 50)).cumsum(axis=1)):
        for zeros in (0, 10, 20_000):
            w, adam = np.zeros(1), mv.Adam(1.0, beta1, beta2, 1e-30)
            adam.t = zeros                                     # zero gradients change nothing but the count of steps
            for g in gradients:
                before = w[0]
                adam.step(w, np.array([g]))
                reached.append(abs(w[0] - before))
    assert 0.999 * bound < max(reached) < (1 + 1e-9) * bound


@pytest.mark.parametrize("ratio, gains", [(0.8, True), (1.25, False)])
def test_a_small_latent_pays_if_and_only_if_the_correlations_top_eigenvalue_exceeds_beta(ratio, gains):
    pictures = (np.random.default_rng(0).random((40, 6)) < [0.5, 0.3, 0.5, 0.7, 0.2, 0.5]).astype(float)
    pictures[:, 1:3] = pictures[:, :1]  # three pixels that go together
    p = pictures.mean(axis=0)
    deviation = np.sqrt(p * (1 - p))
    eigenvalues, axes = np.linalg.eigh(np.corrcoef(pictures.T))
    beta = ratio * eigenvalues[-1]

    def mean_objective(size):
        w = size * axes[:, -1] / deviation                    # the decoder: logits of the means, plus z w
        model = mv.VAE(6, hidden=(), latent_dim=1, beta=beta, dtype="float64")
        model.parameters["decoder.0.W"], model.parameters["decoder.0.b"] = w[None], np.log(p / (1 - p))
        precision = size**2 + beta                            # the best q, to second order
        model.parameters["encoder.0.W"] = np.stack([w / precision, np.zeros(6)], axis=1)
        model.parameters["encoder.0.b"] = [-p @ w / precision, np.log(beta / precision)]
        values = [model.forward(pictures, np.full((40, 1), e)).objective.mean() for e in NODES]
        return WEIGHTS @ values / WEIGHTS.sum()

    assert (mean_objective(0.05) > mean_objective(0.0)) == gains


def test_the_elbo_may_rank_models_of_different_beta_against_log_px():
    variance, data = 2.0, np.sqrt(2) * np.array([[-1.0], [1.0]])

    def model(beta):
        w2 = max(variance - beta, 0)
        vae = mv.VAE(1, hidden=(), latent_dim=1, likelihood="gaussian", dtype="float64")
        vae.parameters["decoder.0.W"] = [[np.sqrt(w2)]]
        vae.parameters["encoder.0.W"] = [[np.sqrt(w2) / (w2 + beta), 0]]
        vae.parameters["encoder.0.b"] = [0, np.log(beta / (w2 + beta))]
        return vae

    def elbo(vae):
        return np.mean([vae.forward(data, np.full((2, 1), e)).elbo for e in (-1.0, 1.0)])

    narrow, collapsed = model(0.1), model(5.0)
    assert elbo(narrow) < elbo(collapsed) - 0.5
    assert exact_log_evidence(narrow, data).mean() > exact_log_evidence(collapsed, data).mean() + 0.1


def test_what_grey_levels_score_at_best_is_minus_their_entropy():
    x, p = 0.3, np.linspace(0.01, 0.99, 99)
    score = x * np.log(p) + (1 - x) * np.log(1 - p)
    assert p[score.argmax()] == pytest.approx(x)
    assert score.max() == pytest.approx(x * np.log(x) + (1 - x) * np.log(1 - x))


# Notebook 9


def test_a_latent_without_kl_moves_pixels_by_more_than_a_hundredth_and_by_little():
    model, rng = mv.load_pretrained(), np.random.default_rng(0)
    codes = rng.standard_normal((20, 50)).astype(np.float32)
    spread = abs(model.parameters["decoder.0.W"]).max(axis=1)
    changes = []
    for k in np.argsort(spread)[:31]:  # those that the decoder hardly reads
        low, high = codes.copy(), codes.copy()
        low[:, k], high[:, k] = -3, 3
        changes.append(abs(model.decode(high) - model.decode(low)).max(axis=1))
    assert 0.01 < np.max(changes) < 0.05


def test_information_from_a_batch_errs_down_with_the_own_q_in_it_and_up_without():
    rng, N, M, draws = np.random.default_rng(0), 12, 4, 40_000
    mu, sigma = rng.standard_normal(N), np.full(N, 0.2)
    grid = np.arange(-6, 6, 0.005)

    def density(z, n):
        return np.exp(-0.5 * ((z - mu[n]) / sigma[n]) ** 2) / (sigma[n] * np.sqrt(2 * np.pi))

    each = np.array([density(grid, n) for n in range(N)])
    information = (each * np.log((each + 1e-300) / each.mean(axis=0))).sum() * 0.005 / N
    n = rng.integers(N, size=draws)
    z = mu[n] + sigma[n] * rng.standard_normal(draws)
    own = density(z, n)
    independent = np.mean([density(z, rng.integers(N, size=draws)) for _ in range(M - 1)], axis=0)
    others = np.mean([density(z, (n + rng.integers(1, N, size=draws)) % N) for _ in range(M - 1)], axis=0)
    kept, left_out = np.log(own / (own / M + (1 - 1 / M) * independent)), np.log(own / others)
    error, other_error = kept.std() / np.sqrt(draws), left_out.std() / np.sqrt(draws)
    assert kept.mean() + 4 * error < information < left_out.mean() - 4 * other_error
    assert kept.max() <= np.log(M) + 1e-12 and information <= np.log(N)


# Notebook 10


@pytest.mark.parametrize("seed", range(5))
def test_grey_levels_under_a_bernoulli_bound_the_mean_evidence_of_their_binary_draws(seed):
    rng = np.random.default_rng(seed)
    levels = rng.random((1, 4))
    probability = np.where(PICTURES == 1, levels, 1 - levels).prod(axis=1)
    mu, log_var = rng.standard_normal((2, 1, 1))  # any q that does not depend on the draw
    grey, draws = expected_elbo(TOY, levels, mu, log_var)[0], expected_elbo(TOY, PICTURES, mu, log_var)
    evidence, evidences = quadrature_log_evidence(TOY, levels)[0], quadrature_log_evidence(TOY, PICTURES)
    assert grey == pytest.approx(probability @ draws, abs=1e-12)
    assert grey < evidence < probability @ evidences < (probability * np.log(probability)).sum()


@pytest.mark.parametrize("s", [100, 1, 12**-0.5, 0.1, 0.01])
def test_a_density_of_noisy_levels_bounds_the_probability_of_the_level(s):
    density, u = NormalDist(100.5, s), (np.arange(1000) + 0.5) / 1000
    noisy = np.mean(-0.5 * ((u - 0.5) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi)))
    probabilities = np.diff([density.cdf(k) for k in range(257)])
    assert noisy <= np.log(probabilities[100]) <= 0 and probabilities.sum() <= 1
    assert noisy <= -0.5 * np.log(2 * np.pi * np.e / 12) + 1e-6  # the best: as wide as the noise itself
    assert np.log2(256) - (noisy + np.log(256)) / np.log(2) == pytest.approx(-noisy / np.log(2))  # the unit of 10.32


def test_a_grid_is_exponentially_accurate_for_tanh_and_not_for_relu():
    kinked = mv.VAE(**TOY.settings | {"activation": "relu"})
    kinked.parameters.flat = TOY.parameters.flat

    def grid_sum(model, h):
        z = np.arange(-12, 12 + h / 2, h)[:, None]
        log_prior = -0.5 * (z[:, 0] ** 2 + np.log(2 * np.pi))
        rows = [model.forward(np.tile(row, (len(z), 1)), 0 * z, given={"z": z}).log_likelihood for row in TOY_X]
        return np.log([(np.exp(log_p + log_prior) * h).sum() for log_p in rows])

    smooth, kink = (abs(grid_sum(model, 1 / 8) - grid_sum(model, 2**-10)).max() for model in (TOY, kinked))
    assert smooth < 1e-13 and kink > 1e-5


@pytest.mark.parametrize("latents, beta", [(2, 1.0), (2, 3.0), (4, 1.0), (4, 3.0)])
def test_water_fills_only_as_many_axes_as_there_are_latents(latents, beta):
    variances, s2 = np.array([8.0, 4.0, 2.0, 1.5, 0.5]), 1.0
    level = beta * s2
    used = (np.arange(5) < latents) & (variances > level)
    w2 = np.where(used, variances - level, 0)
    vae = mv.VAE(5, hidden=(), latent_dim=5, likelihood="gaussian", noise_variance=s2, dtype="float64")
    vae.parameters["decoder.0.W"] = np.diag(np.sqrt(w2))
    vae.parameters["encoder.0.W"] = np.concatenate([np.diag(np.sqrt(w2) / (w2 + level)), np.zeros((5, 5))], axis=1)
    vae.parameters["encoder.0.b"] = np.concatenate([np.zeros(5), np.log(level / (w2 + level))])
    axes = np.diag(np.sqrt(5 * variances))
    data = np.concatenate([axes, -axes])  # covariance diag(variances)
    traces = [vae.forward(data, np.full((10, 5), e)) for e in (-1.0, 1.0)]
    rate, distortion = np.mean([t.kl for t in traces]), -np.mean([t.log_likelihood for t in traces])
    error = used.sum() * level + variances[~used].sum()
    assert rate == pytest.approx(0.5 * np.log(variances[used] / level).sum())
    assert distortion == pytest.approx(0.5 * (5 * np.log(2 * np.pi * s2) + error / s2))
    shannon = np.minimum(variances, level).sum()
    assert error == pytest.approx(shannon) if (variances > level).sum() <= latents else error > shannon + 0.1


def test_the_encoders_signal_is_minus_the_gradient_of_the_bias():
    """E[delta d delta / d mu] = ½ d Var[w] / d mu / p², the leading term of 10.27."""
    x, log_px = TOY_X[1:2], quadrature_log_evidence(TOY, TOY_X[1:2])[0]
    z = np.arange(-14, 14, 0.01)[:, None]
    log_joint = TOY.forward(np.tile(x, (len(z), 1)), 0 * z, given={"z": z}).log_likelihood
    log_joint = log_joint - 0.5 * (z[:, 0] ** 2 + np.log(2 * np.pi))

    def relative_variance(mu, log_var=-0.2):
        log_q = mv.kernels.gaussian_log_density(z, np.full_like(z, mu), np.full_like(z, log_var))
        return (np.exp(2 * (log_joint - log_px) - log_q) * 0.01).sum() - 1

    def signal(mu, log_var=-0.2):
        iwae = mv.IWAE(**TOY.settings)
        iwae.parameters.flat = TOY.parameters.flat
        now = iwae.encode(x)
        iwae.parameters["encoder.1.b"] += [mu - now[0][0, 0], log_var - now[1][0, 0]]
        eps = np.arange(-9, 9, 0.01)[:, None]
        trace = iwae.forward(np.tile(x, (len(eps), 1)), eps)
        d, _ = iwae.backward(trace, d_loss=-len(eps))
        ratio = np.exp(trace.log_weight.ravel() - log_px)
        return ((ratio - 1) * ratio * d.mu[:, 0] * np.exp(-0.5 * eps[:, 0] ** 2) / np.sqrt(2 * np.pi) * 0.01).sum()

    difference = (relative_variance(0.4 + 1e-4) - relative_variance(0.4 - 1e-4)) / 2e-4
    assert signal(0.4) == pytest.approx(0.5 * difference, rel=1e-5)


@pytest.mark.parametrize("power, least", [(2, 0.5), (4, 0.75)])
def test_which_widths_leave_the_weights_their_moments(power, least):
    """E_q[w^power] = ∫ p(x, z)^power / q^(power - 1) dz, p(x|z) constant far out: finite if the integrand decays."""
    def decays(variance, far=1e3):
        return -power * far**2 / 2 + (power - 1) * far**2 / (2 * variance) < 0
    assert decays(least + 0.01) and not decays(least - 0.01)
    z = np.array([[30.0], [60.0]])
    far = TOY.forward(np.tile(TOY_X[1], (2, 1)), 0 * z, given={"z": z}).log_likelihood
    assert far[0] == pytest.approx(far[1], abs=1e-6)  # the tanh units have saturated


def test_as_many_latents_as_pictures_but_one_leave_no_residual():
    pictures = np.random.default_rng(0).random((6, 10))
    singular = np.linalg.svd(pictures - pictures.mean(axis=0), compute_uv=False)
    assert (singular[5:] ** 2).sum() < 1e-28 < (singular[4:] ** 2).sum()
    with pytest.raises(ValueError, match="Take fewer latents"):
        mv.evaluation.ppca(pictures, 5)
    assert np.isfinite(exact_log_evidence(mv.VAE(10, (), 2, likelihood="gaussian", dtype="float64"), pictures)).all()
