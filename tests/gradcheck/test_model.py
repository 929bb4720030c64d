"""check_model: right models pass whatever their settings, and a planted mistake is found at its place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minivae as mv
from minivae import IWAE
from minivae.exercises.catalogue import BUGS, mistakes_in, planted
from minivae.gradcheck import check_model
from strategies import a_part, model_settings

BY_NAME = {mistake.name: mistake for mistake in BUGS}


def example(seed=0, batch=3, kind=mv.VAE, **changes):
    rng = np.random.default_rng(seed)
    given = dict(data_dim=4, hidden=(3,), latent_dim=2, activation="tanh", dtype="float64", beta=1.5,
                 seed=seed) | changes
    model = kind(**given)
    model.parameters.flat[:] += 0.1 * rng.standard_normal(model.parameters.flat.size).astype(model.dtype)
    return model, rng.random((batch, given["data_dim"])), rng.standard_normal((batch, given["latent_dim"]))


@a_part(0.2)
@given(chosen=model_settings(), batch=st.integers(1, 6), seed=st.integers(0, 1000))
def test_right_models_never_fail(chosen, batch, seed):
    model, x, eps = example(batch=batch, **chosen | {"seed": seed})
    before = model.parameters.flat.copy()
    report = check_model(model, x, eps)
    assert report.verdict != "fail", str(report)
    assert report.verdict == "pass" or chosen["activation"] == "relu", str(report)
    assert np.array_equal(before, model.parameters.flat)


def test_a_node_before_several_relus_at_their_corners_is_not_called_wrong():
    """One unit that is 0 feeds two that are 0 as well: the chain rule's zero is neither one-sided slope."""
    model, x, eps = example(hidden=(3, 1, 2), latent_dim=1, activation="relu", batch=2, seed=1)
    for name in ("encoder.0.W", "encoder.0.b", "encoder.1.b", "encoder.2.b"):
        model.parameters[name][:] = 0
    model.parameters["encoder.2.W"] = [[1.0, -1.5]]
    report = check_model(model, x, eps)
    assert report.verdict == "inconclusive", str(report)
    with planted(BY_NAME["dmu is zero"]):
        assert check_model(model, x, eps).verdict == "fail"


def test_a_learned_variance_has_its_arrow():
    learned = dict(likelihood="gaussian", noise_variance="learned")
    report = check_model(*example(**learned))
    assert report.verdict == "pass" and "↓ ✓ kl       → ✓ decoder.log_var" in str(report)
    with planted(BY_NAME["dlog_var forgets that there are D pixels"]):
        report = check_model(*example(**learned))
    assert report.verdict == "fail" and report.first_wrong == "decoder.log_var"


@pytest.mark.parametrize("activation", ["relu", pytest.param("tanh", marks=pytest.mark.thorough)])
def test_a_float32_model_of_some_size_passes(activation):
    model, x, eps = example(batch=4, data_dim=784, hidden=(64,), latent_dim=8, dtype="float32", activation=activation)
    report = check_model(model, x, eps)
    assert report.verdict == "pass", str(report)
    assert any("float64 copy" in note for note in report.notes)


def test_weights_that_float32_cannot_hold_are_no_mistake():
    """Log weights of -10^5: their rounding in float32 moves the weights, and so the gradients, by per cents."""
    model, x, _ = example(kind=IWAE, batch=2, data_dim=3, latent_dim=1, hidden=(), likelihood="gaussian",
                          dtype="float32")
    for name, value in model.parameters.items():
        value *= 1e-3 if name.startswith("decoder") else 1 / 200
    x, eps = 200 * (4 * x - 2), np.random.default_rng(1).standard_normal((4, 1))
    report = check_model(model, x, eps)
    assert report.verdict == "pass" and "float64 copy" in report.notes[0], str(report)
    with planted(BY_NAME["1/B twice"]):
        report = check_model(*example(batch=2, data_dim=2, latent_dim=1, hidden=(), dtype="float32"))
    # no rounding is so large
    assert report.verdict == "fail" and not any("too coarse" in note for note in report.notes)


def test_a_mean_over_the_samples_is_named():
    model, x, _ = example(kind=IWAE, batch=4, data_dim=5, latent_dim=1, hidden=())
    with planted(mistakes_in("kernels:repeat_backward", ("", ".sum(axis=1)", ".mean(axis=1)"))[0]):
        report = check_model(model, x, np.random.default_rng(0).standard_normal((12, 1)))
    assert report.verdict == "fail" and any("mu: factor 0.3333 = 1/S" in sentence for sentence in report.diagnosis)


def test_a_report_shows_where_to_look_and_fits_a_screen():
    with planted(BY_NAME["1/B twice"]):
        text = str(check_model(*example(hidden=(3, 3))))
    assert len(text.splitlines()) <= 40 and "more tensors are wrong, perhaps only because of the above" in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("✗")] == ["objective"]


PLACES = {
    "sigma's backward lacks its half": ("log_var", "factor 2"),
    "dsigma lacks eps": ("sigma", "lacks the factor eps"),
    "dmu is zero": ("mu", "reconstruction term is missing"),
    "the KL's path into mu is dropped": ("mu", "mu: the KL term is missing"),
    "z's path into log_var is dropped": ("log_var", "log_var: the reconstruction term is missing"),
    "dlogits has its sign flipped": ("logits", "sign flipped"),
    "db is zero": ("decoder.1.b", "all zero"),
    "1/B twice": ("objective", "factor 0.3333 = 1/B"),
    "a sum over the batch in place of the mean": ("objective", "factor 3.000 = B"),
    "beta is forgotten": ("kl", "factor 0.6667 = 1/beta"),
    "mu and log_var change places in the head": ("encoder.1.W", "have changed places"),
    "a layer's activation is not differentiated": ("decoder.0.W", "activation's derivative is missing"),
    "the loss's upstream gradient is ignored": (None, "upstream gradient is ignored"),
    "the backward draws its noise anew": ("sigma", "noise"),
}


@pytest.mark.parametrize("name", [name for name in PLACES if name in BY_NAME])
def test_the_first_wrong_tensor_is_named(name):
    place, words = PLACES[name]
    with planted(BY_NAME[name]):
        report = check_model(*example())
    assert report.verdict == "fail" and report.first_wrong == place, str(report)
    assert any(words in sentence for sentence in report.diagnosis), report.diagnosis
    assert place is None or f"← look at {place} first" in str(report)


class FirstBatch(mv.VAE):
    """Uses the first batch's z ever after."""

    def backward(self, trace, d_loss=1.0, out=None):
        self.first = getattr(self, "first", trace.z.copy())
        kept, trace._arrays["z"] = trace.z, self.first if self.first.shape == trace.z.shape else trace.z
        try:
            return super().backward(trace, d_loss, out)
        finally:
            trace._arrays["z"] = kept


class Accumulates(mv.VAE):
    """Adds each gradient to the one before."""

    def backward(self, trace, d_loss=1.0, out=None):
        d, grads = super().backward(trace, d_loss, out)
        grads.flat[:] += getattr(self, "total", 0)
        self.total = grads.flat.copy()
        return d, grads


@pytest.mark.parametrize("kind, words", [(FirstBatch, "stale cache"), (Accumulates, "accumulates")])
def test_state_is_caught(kind, words):
    report = check_model(*example(kind=kind))
    assert report.verdict == "fail" and words in report.diagnosis[0]


def test_the_picture_has_a_mark_for_every_symbol_and_parameter():
    model, x, eps = example()
    report = check_model(model, x, eps)
    picture = report.picture()
    names = [s for s in model.symbols if s not in ("x", "eps")] + list(model.parameters)
    assert all(f"✓ {name}" in picture for name in names)
    assert str(report) == str(check_model(model, x, eps)) and "<pre" in report._repr_html_()


def test_a_backward_that_raises_is_reported():
    class Raises(mv.VAE):
        def backward(self, trace, d_loss=1.0, out=None):
            raise IndexError("beyond the end")

    report = check_model(*example(kind=Raises))
    assert report.verdict == "fail" and "IndexError" in report.diagnosis[0]
