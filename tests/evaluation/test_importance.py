"""The importance estimate of log p(x) and its standard error, against exact values."""

import tracemalloc

import numpy as np
import pytest
from checks import Z_SCORE, model_example
from linear_case import at_true_posterior, linear_model

import minivae as mv
from minivae.evaluation import evidence_of, exact_log_evidence, importance, importance_estimate, quadrature_log_evidence
from minivae.evaluation.importance import draw_weights


def rng(seed=0):
    return np.random.default_rng(seed)


def wide_bernoulli_model(seed, K, dtype="float64"):
    """A random model with q wider than the posterior: N(mu, 1.2), where the prior already is N(0, 1)."""
    model, x, _ = model_example(dict(data_dim=6, hidden=(4,), latent_dim=K, activation="tanh", dtype=dtype), 5, seed)
    model.parameters["encoder.1.W"][:, K:] = 0
    model.parameters["encoder.1.b"][K:] = np.log(1.2)
    return model, np.round(x)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise_variance", [0.4, "learned"])
def test_it_agrees_with_exact_values_of_linear_models(seed, noise_variance):
    """Standard errors near 0.02 nats; the bias, half their square, is a hundredth of them."""
    model = at_true_posterior(linear_model(seed, K=2 + seed % 2, noise_variance=noise_variance), spread=1.3)
    x = model.generate(6, rng=rng(seed), draw=True)
    estimate = importance_estimate(model, x, 4000, rng=rng(seed))
    assert estimate.standard_error.max() < 0.05 and estimate.effective_samples.min() > 100
    assert np.all(np.abs(estimate.log_px - exact_log_evidence(model, x)) < Z_SCORE * estimate.standard_error)


@pytest.mark.parametrize("K", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_quadrature_of_bernoulli_models(K, dtype, seed):
    model, x = wide_bernoulli_model(seed, K, dtype)
    estimate = importance_estimate(model, x, 4000, rng=rng(seed))
    assert estimate.log_px.dtype == np.float64 and estimate.standard_error.max() < 0.05
    exact = quadrature_log_evidence(model, x)
    assert np.all(np.abs(estimate.log_px - exact) < Z_SCORE * estimate.standard_error)
    np.testing.assert_array_equal(mv.log_evidence(model, x, 4000, rng=rng(seed)), estimate.log_px)


def test_the_standard_error_covers_as_it_promises():
    """In 400 repetitions a frequency of 0.95 has a standard error of 0.011, and one of 0.683 has 0.023."""
    model = at_true_posterior(linear_model(5, K=2), spread=1.5)
    x = model.generate(1, rng=rng(6), draw=True).repeat(400, axis=0)
    estimate = importance_estimate(model, x, 1000, rng=rng(7))
    z = (estimate.log_px - exact_log_evidence(model, x)) / estimate.standard_error
    assert abs(np.mean(np.abs(z) < 1.96) - 0.95) < Z_SCORE * 0.011
    assert abs(np.mean(np.abs(z) < 1) - 0.683) < Z_SCORE * 0.023
    assert abs(z.mean()) < Z_SCORE / 20


@pytest.mark.parametrize("K", [1, 3])
def test_at_the_true_posterior_every_draw_weighs_the_same(K):
    model = at_true_posterior(linear_model(8, K=K, orthogonal=True))
    x = rng(9).standard_normal((4, 5))
    estimate = importance_estimate(model, x, 50, rng=rng(10))
    np.testing.assert_allclose(estimate.log_px, exact_log_evidence(model, x), rtol=1e-12)
    np.testing.assert_allclose(estimate.effective_samples, 50, rtol=1e-12)
    assert estimate.standard_error.max() < 1e-7
    np.testing.assert_allclose(mv.log_evidence(model, x, 1, rng=rng(11)), exact_log_evidence(model, x), rtol=1e-12)


def test_effective_sample_size_of_known_weights():
    log_weight = np.full((4, 8), -1000.0)
    log_weight[1, 3], log_weight[2, :2], log_weight[3] = 0, 5, np.log(np.arange(1, 9))
    found = evidence_of(log_weight)
    np.testing.assert_allclose(found.effective_samples, [8, 1, 2, 36**2 / 204])
    np.testing.assert_allclose(found.log_px, [-1000, -np.log(8), 5 - np.log(4), np.log(4.5)])
    weights = np.arange(1, 9)  # the textbook's form of the standard error
    np.testing.assert_allclose(found.standard_error,
                               [0, 1, np.sqrt(12 / 28), weights.std(ddof=1) / weights.mean() / np.sqrt(8)])
    for shift in (-1e4, 1e4):  # weights far beyond the largest and smallest float
        moved = evidence_of(log_weight[3:] + shift)
        np.testing.assert_allclose(moved.log_px - shift, found.log_px[3], atol=1e-11)
        np.testing.assert_allclose(moved.effective_samples, found.effective_samples[3], rtol=1e-10)


def test_a_single_sample_has_no_standard_error():
    model, x = wide_bernoulli_model(0, 2)
    estimate = importance_estimate(model, x, 1, rng=rng())
    assert np.isnan(estimate.standard_error).all() and (estimate.effective_samples == 1).all()
    assert np.isfinite(estimate.log_px).all()


def test_a_q_that_misses_the_posterior_shows_in_the_effective_sample_size():
    model = at_true_posterior(linear_model(5, K=2, orthogonal=True))
    model.parameters["encoder.0.b"][:2] += 8 * np.exp(0.5 * model.parameters["encoder.0.b"][2:])  # eight sigma off
    x = model.generate(3, rng=rng(6), draw=True)
    estimate = importance_estimate(model, x, 2000, rng=rng(7))
    assert estimate.effective_samples.max() < 20
    assert np.all(estimate.log_px < exact_log_evidence(model, x))


class Replay:
    """Stands in for a generator, and gives out the same noise in any precision and in any pieces."""

    def __init__(self, noise):
        self.noise = noise

    def standard_normal(self, shape, dtype):
        piece, self.noise = self.noise[:shape[0]], self.noise[shape[0]:]
        return piece.astype(dtype)


def weights_of(model, x, noise):
    x = x.astype(model.dtype)
    return draw_weights(model, x, *model.encode(x), len(noise), rng=Replay(noise)).log_weight[0]


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_float32_weights_are_those_of_float64(likelihood):
    settings = dict(data_dim=784, hidden=(60,), latent_dim=10, activation="tanh", likelihood=likelihood)
    single = mv.VAE(**settings, dtype="float32")
    single.parameters.flat[:] *= 1.5
    double = single.copy(dtype="float64")
    x = (rng(0).random((1, 784)) < 0.3).astype(float)
    noise = rng(1).standard_normal((300, 10)).astype(np.float32)
    # of some -1000 nats
    np.testing.assert_allclose(weights_of(single, x, noise), weights_of(double, x, noise), atol=2e-3)


def test_sharp_posteriors_keep_their_noise_in_float32():
    """sigma is a millionth of mu, so that z - mu has lost most of eps: log q must not be taken from z."""
    single = mv.VAE(3, (), 1, dtype="float32", likelihood="gaussian")
    single.parameters.flat[:] = 0.1
    single.parameters["encoder.0.b"] = np.array([1.0, -28.0])
    double = single.copy(dtype="float64")
    noise = rng(2).standard_normal((50, 1)).astype(np.float32)
    np.testing.assert_allclose(weights_of(single, np.ones((1, 3)), noise), weights_of(double, np.ones((1, 3)), noise),
                               atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logit", [30.0, 500.0, 1e4])
def test_large_logits_give_the_exact_number(dtype, logit):
    """The decoder gives the same output for all z, and q is the prior, so every weight is p(x)."""
    model = mv.VAE(4, (3,), 2, dtype=dtype)
    model.parameters.flat[:] = 0
    model.parameters["decoder.1.b"] = np.array([logit, -logit, logit, 0])
    x = np.array([[1.0, 0, 1, 1], [1, 1, 1, 0], [0, 1, 0, 1]])
    expected = np.array([0, -logit, -3 * logit]) - np.log(2)
    np.testing.assert_allclose(mv.log_evidence(model, x, 20, rng=rng()), expected, rtol=1e-6)


def test_pieces_and_threads_change_nothing(monkeypatch):
    model, x = wide_bernoulli_model(1, 2)
    whole = importance_estimate(model, x, 100, rng=rng(3))
    monkeypatch.setattr(importance, "free_cores", lambda: 1)
    np.testing.assert_array_equal(importance_estimate(model, x, 100, rng=rng(3)), whole)
    monkeypatch.setattr(importance, "NUMBERS", 42)  # seven rows at a time, and two at the end
    np.testing.assert_allclose(importance_estimate(model, x, 100, rng=rng(3)), whole, rtol=1e-10)
    monkeypatch.setattr(importance, "NUMBERS", 1)
    np.testing.assert_allclose(importance_estimate(model, x, 100, rng=rng(3)), whole, rtol=1e-10)
    assert not np.array_equal(importance_estimate(model, x, 100, rng=rng(4)).log_px, whole.log_px)


def test_an_example_does_not_depend_on_those_after_it():
    model, x = wide_bernoulli_model(1, 1)
    both = mv.log_evidence(model, x[:2], 100, rng=rng(3))
    np.testing.assert_allclose(mv.log_evidence(model, x[:1], 100, rng=rng(3)), both[:1], rtol=1e-12)


def test_memory_stays_bounded():
    model = mv.VAE(784, (50,), 5)
    x = np.zeros((3, 784))
    tracemalloc.start()
    mv.log_evidence(model, x, 20_000, rng=rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # all logits of one example would be 63 MB


def test_every_kind_of_model_has_it():
    _, x = wide_bernoulli_model(2, 2)
    for kind in (mv.VAE, mv.MonteCarloELBO, mv.IWAE):
        model = kind(6, (4,), 2, beta=3.0, seed=1)
        values = mv.log_evidence(model, x, 50, rng=rng(5))
        np.testing.assert_array_equal(values, mv.log_evidence(mv.VAE(6, (4,), 2, seed=1), x, 50, rng=rng(5)))


def test_of_a_conditional_model_it_is_log_p_of_x_given_the_label():
    model = mv.ConditionalVAE(6, (4,), 1, "tanh", classes=3, dtype="float64")
    model.parameters.flat[:] += 0.3 * rng(1).standard_normal(model.parameters.flat.size)
    model.parameters["encoder.1.W"][:, 1:] = 0
    model.parameters["encoder.1.b"][1:] = np.log(1.2)
    x, labels = np.round(rng(2).random((5, 6))), np.array([0, 1, 2, 0, 1])
    rows = mv.join_labels(x, labels, 3)
    z = np.linspace(-9, 9, 2001)[:, None]
    prior = np.exp(-0.5 * z[:, 0] ** 2) / np.sqrt(2 * np.pi) * (z[1, 0] - z[0, 0])
    exact = [np.log(prior @ np.prod(np.where(image == 1, p, 1 - p), axis=1))
             for image, p in ((image, model.decode(mv.join_labels(z, np.full(len(z), label), 3)))
                              for image, label in zip(x, labels))]
    estimate = importance_estimate(model, rows, 4000, rng=rng(3))
    assert np.all(np.abs(estimate.log_px - exact) < Z_SCORE * estimate.standard_error)


GOOD = np.ones((2, 4))


@pytest.mark.parametrize("x, samples, generator, message", [
    (GOOD * np.nan, 5, rng(), "x must be finite"), (GOOD * 2, 5, rng(), r"x must lie in \[0, 1\]"),
    (GOOD[0], 5, rng(), r"x must have shape \(B, D\)"),
    (GOOD[:, :3], 5, rng(), r"x must have shape \(B, D\) = \(any, 4\)"),
    (GOOD[:0], 5, rng(), "x is empty"), (GOOD.astype(np.uint8), 5, rng(), "x must be an array of floats"),
    (GOOD, 0, rng(), "samples must be a positive integer; got "
                     "0"), (GOOD, 2.5, rng(), "samples must be a positive integer"),
    (GOOD, -1, rng(), "samples must be"), (GOOD, 5, 0, "rng must be a np.random.Generator; got 0"),
])
def test_bad_arguments_are_named(x, samples, generator, message):
    with pytest.raises(ValueError, match=message):
        mv.log_evidence(mv.VAE(4, (3,), 2), x, samples, rng=generator)


@pytest.mark.parametrize("name, value", [("decoder.1.b", np.nan), ("encoder.1.W", np.inf), ("encoder.1.b", 1e30)])
def test_a_weight_that_is_not_a_number_is_no_estimate(name, value):
    model = mv.VAE(4, (3,), 2)
    model.parameters[name][...] = value
    with pytest.raises(ArithmeticError, match="log p\\(x\\) of example 0 is not finite: .* Try dtype float64"):
        mv.log_evidence(model, GOOD, 5, rng=rng())


def test_the_progress_bar_is_asked_for(capsys):
    model = mv.VAE(4, (3,), 2)
    mv.log_evidence(model, GOOD, 5, rng=rng())
    assert capsys.readouterr().err == ""
    mv.log_evidence(model, GOOD, 5, rng=rng(), progress=True)
    shown = capsys.readouterr().err
    assert shown.startswith("2 images, 5 draws of z each: less than a second.\n") and "2/2" in shown


@pytest.mark.parametrize("seconds, words", [(0.2, "less than a second"), (7.4, "about 7 s"), (180, "about 3 min"),
                                            (7200, "about 2 hours")])
def test_times_in_words(seconds, words):
    assert importance.duration(seconds) == words


def test_the_time_is_estimated_from_a_few_draws(monkeypatch):
    """Of 1,000 examples and 1,000 draws, 8 and 200 are tried, twice; each takes 1 ms on a clock that only they move."""
    tried = []
    monkeypatch.setattr(importance.time, "perf_counter", lambda: 1e-3 * len(tried))
    with importance.thread_pool(1) as pool:
        seconds = importance._seconds(pool, lambda n, few: tried.append((n, few)), 1000, 1000)
    assert tried == 2 * [(n, 200) for n in range(8)] and seconds == pytest.approx(1e-3 * 1000 * 1000 / 200)
