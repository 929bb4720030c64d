"""Path gradients: the same mean as the plain ones, no noise at the true posterior, the same for the decoder."""

import numpy as np
import pytest
from linear_case import at_true_posterior, linear_model

import minivae as mv
from minivae.model.path import path_to_encoder

PAIRS = {"elbo": (mv.MonteCarloELBO, mv.PathMonteCarloELBO), "iwae": (mv.IWAE, mv.PathIWAE)}
Z_SCORE = 4.5


def twins(objective, beta=1.0):
    """Return two models of the same weights, with the plain and the path gradient, and three images."""
    plain, path = (kind(5, (4,), 2, activation="tanh", dtype="float64", beta=beta, seed=3) for kind in PAIRS[objective])
    rng = np.random.default_rng(1)
    plain.parameters.flat[:] += 0.4 * rng.standard_normal(plain.parameters.flat.size)
    path.parameters.flat = plain.parameters.flat
    return plain, path, (rng.random((3, 5)) < 0.5).astype(float)


def gradients(model, x, samples, draws, seed):
    """Return dmu and dlog_var for many draws, shape (draws, images, 2 K); each image is repeated in one batch."""
    many = np.tile(x, (draws, 1))
    d, _ = model.backward(model.forward(many, np.random.default_rng(seed).standard_normal(
        (len(many) * samples, model.latent_dim))))
    return len(many) * np.concatenate([d.mu, d.log_var], axis=1).reshape(draws, len(x), -1)


@pytest.mark.parametrize("objective, beta", [("elbo", 1.0), ("elbo", 0.4), ("iwae", 1.0), ("iwae", 0.4)])
def test_both_gradients_have_the_same_mean(objective, beta):
    """With the same noise for both, their difference has little noise; its mean is zero."""
    plain, path, x = twins(objective, beta)
    difference = gradients(plain, x, 4, 20_000, 7) - gradients(path, x, 4, 20_000, 7)
    assert (difference.std(axis=0) > 1e-3).all()
    z = difference.mean(axis=0) / (difference.std(axis=0) / np.sqrt(len(difference)))
    assert np.abs(z).max() < Z_SCORE


@pytest.mark.parametrize("objective", PAIRS)
def test_the_decoders_gradient_is_the_same_to_the_last_bit(objective):
    plain, path, x = twins(objective)
    eps = np.random.default_rng(0).standard_normal((12, 2))
    (d, grads), (d_path, grads_path) = (model.backward(model.forward(x, eps)) for model in (plain, path))
    for name in grads.keys():
        assert np.array_equal(grads[name], grads_path[name]) == name.startswith("decoder"), name
    np.testing.assert_array_equal(d.logits, d_path.logits)


@pytest.mark.parametrize("objective", PAIRS)
def test_at_the_true_posterior_the_path_is_silent(objective):
    """log w is then log p(x) for every z: its slope along z is zero, and so is the encoder's gradient, draw by draw."""
    linear = at_true_posterior(linear_model(4, orthogonal=True))
    plain, path = (kind(**linear.settings) for kind in PAIRS[objective])
    plain.parameters.flat = path.parameters.flat = linear.parameters.flat
    x, rng = linear.generate(3, rng=np.random.default_rng(0), draw=True), np.random.default_rng(1)
    eps = rng.standard_normal((9, linear.latent_dim))
    for model, least, most in ((plain, 1e-3, np.inf), (path, 0, 1e-12)):
        d, _ = model.backward(model.forward(x, eps))
        assert least <= max(np.abs(d.mu).max(), np.abs(d.log_var).max()) <= most


def test_less_noise_where_q_is_near_the_posterior():
    linear = at_true_posterior(linear_model(4, orthogonal=True))
    plain, path = (kind(**linear.settings) for kind in PAIRS["iwae"])
    plain.parameters.flat = path.parameters.flat = linear.parameters.flat + 0.02
    x = linear.generate(3, rng=np.random.default_rng(0), draw=True)
    noise = [gradients(model, x, 8, 400, 2).var(axis=0).sum() for model in (plain, path)]
    assert noise[1] < 0.2 * noise[0]


def test_the_toys_variances():
    """Of dmu, one draw: with the score 4.5, 7.2 and 3.8; along the path alone 0.50, 0.28 and 0.28 (equation 10.19)."""
    toy, x, _ = mv.toy()
    rng = np.random.default_rng(0)
    found = []
    for kind in PAIRS["elbo"]:
        model = kind(**toy.settings)
        model.parameters.flat = toy.parameters.flat
        many = x.repeat(20_000, axis=0)
        d, _ = model.backward(model.forward(many, rng.standard_normal((len(many), 1))))
        found.append((d.mu * len(many)).reshape(3, -1).var(axis=1))
    np.testing.assert_allclose(found[0], [4.5, 7.2, 3.8], rtol=0.05)
    np.testing.assert_allclose(found[1], [0.50, 0.28, 0.28], rtol=0.05)


def test_check_unbiased_is_the_judge():
    """In the linear model at the true posterior the mean gradient is zero; a biased path gradient is detected."""
    linear = at_true_posterior(linear_model(4, orthogonal=True))
    plain, path = (kind(**linear.settings) for kind in PAIRS["iwae"])
    plain.parameters.flat = path.parameters.flat = linear.parameters.flat
    x = linear.generate(2, rng=np.random.default_rng(0), draw=True)

    def by(model, bias=0.0):
        return lambda rng: model.backward(model.forward(x, rng.standard_normal((6, 2))))[0].mu + bias

    report = mv.gradcheck.check_unbiased({"plain": by(plain), "path": by(path)}, np.zeros((2, 2)), draws=600)
    assert report.verdict == "pass", str(report)
    plain_facts, path_facts = report.estimators
    assert path_facts.variance < 1e-20 < 1e-4 < plain_facts.variance
    assert mv.gradcheck.check_unbiased({"path": by(path, 0.01)}, np.zeros((2, 2)), draws=200).verdict == "fail"


class WithoutSquares(mv.PathIWAE):
    """Each sample's path counts by its weight, in place of its square: the score was dropped, not moved to the path."""

    def meet_at_encoder(self, d, t, score):
        path_to_encoder(d, t)


def test_a_wrong_path_gradient_is_caught():
    """Away from the true posterior the weights vary, and the score of the IWAE has no mean of zero."""
    plain, right, wrong = (kind(6, (), 2, dtype="float64", seed=1)
                           for kind in (mv.IWAE, mv.PathIWAE, WithoutSquares))
    for model in (plain, right, wrong):
        model.parameters.flat[:] = 0.8 * np.random.default_rng(0).standard_normal(plain.parameters.flat.size)
    x = np.eye(6)[:1]

    def by(model, copies=1):
        def draw(rng):
            eps = rng.standard_normal((3 * copies, 2))
            return model.backward(model.forward(x.repeat(copies, axis=0), eps))[0].mu.sum(axis=0)
        return draw

    reference = by(plain, 100_000)(np.random.default_rng(1))
    report = mv.gradcheck.check_unbiased({"right": by(right, 50), "wrong": by(wrong, 50)}, reference, draws=100)
    assert [facts.state for facts in report.estimators] == ["agree", "differ"], str(report)


@pytest.mark.parametrize("objective", PAIRS)
def test_a_finite_difference_is_no_judge_and_check_model_says_so(objective):
    """A finite difference of the objective for one draw gives the plain gradient, not the path gradient."""
    plain, path, x = twins(objective)
    eps, h = np.random.default_rng(0).standard_normal((6, 2)), 1e-6
    mu = plain.forward(x, eps).mu
    for k in range(2):
        up, down = (path.forward(x, eps, given={"mu": mu + step * (np.arange(2) == k)}).objective for step in (h, -h))
        found = [-3 * model.backward(model.forward(x, eps))[0].mu[:, k] for model in (plain, path)]
        np.testing.assert_allclose(found[0], (up - down) / (2 * h), atol=1e-8)
        assert np.abs(found[1] - found[0]).min() > 1e-3
    with pytest.raises(ValueError, match=r"check_unbiased\({") as refused:
        mv.gradcheck.check_model(path, x, eps)
    shown = str(refused.value).partition(":\n")[2].partition("Its decoder's")[0].strip()   # the call runs as it stands
    drawn, reference = eval(shown, {"check_unbiased": lambda estimators, reference: (
        estimators[type(path).__name__](np.random.default_rng(0)), reference), "np": np, "model": path, "x": x,
        "eps": eps, "reference": path.parameters.flat})
    assert drawn.shape == reference.shape
    assert mv.gradcheck.check_model(plain, x, eps)


@pytest.mark.parametrize("kind", [mv.PathIWAE, mv.PathMonteCarloELBO])
def test_it_is_saved_trained_and_loaded_as_what_it_is(kind, tmp_path):
    model = kind(6, (4,), 2)
    images = (np.random.default_rng(0).random((40, 6)) < 0.5).astype("float32")
    history = mv.train(model, images, epochs=2, batch_size=20, samples=3, progress=False)
    assert len(history) == 2
    model.save(tmp_path / "model.npz")
    assert type(mv.VAE.load(tmp_path / "model.npz")) is kind


def test_the_command_line_trains_along_the_path():
    from minivae.cli.kinds import kind_of_model

    assert kind_of_model("elbo", 0, "path")[0] is mv.PathMonteCarloELBO
    assert kind_of_model("iwae", 0, "path")[0] is mv.PathIWAE
    assert kind_of_model("iwae", 0)[0] is mv.IWAE
    with pytest.raises(ValueError, match="--conditional"):
        kind_of_model("elbo", 10, "path")
