"""The steps of one pass: every symbol and weight once, in order, with the lines that really compute it."""

import pathlib

import numpy as np
import pytest

import minivae as mv

ROOT = pathlib.Path(mv.__file__).parents[1]
SETTINGS = [
    dict(hidden=(3,), activation="tanh"),
    dict(hidden=(5, 4), activation="relu", dtype="float32"),
    dict(hidden=(), likelihood="gaussian", beta=0.5),
    dict(hidden=(3, 2, 3), likelihood="gaussian", noise_variance="learned"),
]


def walk(**settings):
    rng = np.random.default_rng(0)
    model = mv.VAE(4, latent_dim=2, **settings)
    x, eps = rng.random((3, 4)), rng.standard_normal((3, 2))
    trace = model.forward(x, eps)
    return (model, trace, *model.backward(trace), mv.step_through(model, x, eps))


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_symbol_and_weight_is_passed_once_with_its_value(settings):
    model, trace, d, grads, steps = walk(**settings)
    names = [step.name for step in steps]
    differentiated = [symbol for symbol in trace if symbol not in ("x", "eps")]
    assert names[:len(trace)] == list(trace)
    assert sorted(names[len(trace):]) == sorted(f"d.{name}" for name in [*differentiated, *grads])
    for symbol in trace:
        assert np.array_equal(steps[symbol].value, trace[symbol])
    for name in differentiated:
        assert np.array_equal(steps[f"d.{name}"].value, d[name])
    for name in grads:
        assert np.array_equal(steps[f"d.{name}"].value, grads[name])
    for symbol in ("mu", "log_var"):
        parts = steps[f"d.{symbol}"].parts
        assert list(parts) == [f"d{symbol}_through_z", f"d{symbol}_through_kl"]
        assert np.array_equal(sum(parts.values()), d[symbol])


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_lines_shown_assign_what_they_are_shown_for(settings):
    model, *_, steps = walk(**settings)
    for step in steps:
        for source in step.sources:
            text = (ROOT / source.file).read_text(encoding="utf-8").splitlines()
            assert text[source.line - 1].strip() == source.code.splitlines()[0].strip()
            assert all(line.strip() in map(str.strip, text) for line in source.code.splitlines())
        symbol = step.name.split(".")[-1]
        if symbol in ("W", "b") or step.name.startswith("d.") and symbol in ("h", "z"):
            target = {"W": "dW", "b": "db"}.get(symbol, "dx")
            last = step.sources[-1]
            assert last.name == "dense_backward" and last.code.strip().startswith(f"{target} = ")
        elif symbol == "h":
            assert "trace[symbol] = " in step.sources[0].code
        elif step.name == "d.decoder.log_var":
            assert step.sources[-1].name == "learned_variance_log_likelihood_backward"
        elif not model.chain.get(step.name, (step.name,)):  # data and noise
            assert step.sources[0].code.strip().startswith("t = open_trace(") and f"t.{symbol}" in step.sources[0].code
        else:
            written = "[y]" if symbol in ("logits", "mean") else f".{symbol}"
            assert f"{written} = " in step.sources[0].code or f"{written}, " in step.sources[0].code
        assert step.equations or step.name in ("d.loss", "d.elbo")


def test_a_step_back_comes_after_the_steps_that_it_needs():
    *_, steps = walk(hidden=(3,), activation="tanh")
    order = [step.name for step in steps]
    chain = ["loss", "objective", "log_likelihood", "logits", "decoder.1.W", "decoder.0.h", "decoder.0.W", "z", "sigma",
             "log_var", "encoder.1.W", "encoder.0.h", "encoder.0.W"]
    places = [order.index(f"d.{name}") for name in chain]
    assert places == sorted(places)
    assert order.index("d.kl") < order.index("d.mu") < order.index("d.encoder.1.W")


def test_a_weight_below_an_activation_shows_both():
    *_, steps = walk(hidden=(3,), activation="relu")
    step = steps["d.encoder.0.W"]
    assert [entry.number for entry in step.equations] == ["5.11", "5.5"]
    assert [source.name for source in step.sources] == ["MLP.backward", "relu_backward", "dense_backward"]
    assert [entry.number for entry in steps["d.encoder.1.W"].equations] == ["5.5"]
    assert "d_head = " in steps["d.encoder.1.W"].sources[0].code


def test_a_learned_variance_shows_its_own_kernel_and_says_what_s_is():
    _, trace, *_, steps = walk(hidden=(3,), likelihood="gaussian", noise_variance="learned")
    assert [entry.number for entry in steps["log_likelihood"].equations] == ["5.22", "5.20"]
    assert steps["log_likelihood"].sources[-1].name == "learned_variance_log_likelihood"
    assert steps["d.mean"].sources[-1].name == "learned_variance_log_likelihood_backward"
    assert "[learned_variance_log_likelihood minivae/kernels/density.py:" in repr(trace)


def test_steps_are_a_sequence_and_show_themselves():
    steps = mv.step_through(*mv.toy())
    assert steps[0].name == "x" and steps[-1].name == "d.encoder.0.b" and len(list(steps)) == len(steps)
    assert [step.name for step in steps[2:4]] == ["mu",
                                                  "log_var"] and repr(steps[2:3]).startswith("1. mu  (3, 1)  mean of")
    with pytest.raises(KeyError, match="no step 'zz'; there are x, "):
        steps["zz"]
    text = repr(steps["d.mu"])
    for line in ("d.mu  (3, 1)  the two paths meet", "(7.2)  dmu = dz + dkl mu", "minivae/model/vae.py:",
                 "d.mu = dmu_through_z + dmu_through_kl", "dmu = dkl[:, None] * mu", "d.mu = [[ 0.1878]"):
        assert line in text
    markdown = steps["d.mu"]._repr_markdown_()
    assert r"\tag{7.2}$$" in markdown and "```python\n" in markdown and "d.mu = [[ 0.1878]" in markdown
    whole = steps._repr_markdown_()
    assert whole.count("<details>") == whole.count("\n</details>")
    assert whole.count("\n\n<details><summary>") >= len(steps) - 1
    assert "dmu = dz\n" in markdown and "<details><summary>as it runs, <code>minivae/kernels/gaussian.py:" in markdown


def test_beta_is_passed_on():
    steps = mv.step_through(*mv.toy(), beta=0.0)
    assert not steps["d.kl"].value.any() and not steps["d.mu"].parts["dmu_through_kl"].any()


def test_what_is_no_vae_is_refused():
    _, x, eps = mv.toy()
    with pytest.raises(ValueError, match="model must be a VAE, .*; got a str"):
        mv.step_through("model.npz", x, eps)


@pytest.mark.parametrize("kind, samples, more, meets", [
    (mv.IWAE, 3, {}, {"d.z": 3, "d.mu": 2, "d.log_var": 2}),
    (mv.MonteCarloELBO, 2, {}, {"d.z": 3, "d.mu": 2, "d.log_var": 2}),
    (mv.ConditionalVAE, 1, {"classes": 2}, {"d.mu": 2, "d.log_var": 2}), (mv.PathIWAE, 3, {}, {"d.z": 0, "d.mu": 0}),
])
def test_the_siblings_are_walked_too_and_their_paths_add_up(kind, samples, more, meets):
    model, rng = kind(5, (4,), 2, "tanh", dtype="float64", **more), np.random.default_rng(0)
    x = (rng.random((3, 5)) < 0.5).astype(float)
    x = mv.join_labels(x, [0, 1, 1], 2) if more else x
    eps = rng.standard_normal((3 * samples, 2))
    steps = mv.step_through(model, x, eps)
    d, grads = model.backward(model.forward(x, eps))
    for name, paths in meets.items():
        assert len(steps[name].parts) == paths
        if paths:
            np.testing.assert_allclose(sum(steps[name].parts.values()), steps[name].value, rtol=1e-12)
    for name in grads.keys():
        np.testing.assert_array_equal(steps[f"d.{name}"].value, grads[name])
    assert "d.mu =" in steps["d.mu"].sources[0].code or "d.mu, d.sigma" in steps["d.mu"].sources[0].code
