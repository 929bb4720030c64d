"""What a model checks of its arguments, and its smaller promises."""

import copy
import pathlib
import pickle
import re

import numpy as np
import pytest
from checks import model_example

import minivae as mv

TOY = dict(data_dim=4, hidden=(3,), latent_dim=2, dtype="float64")


@pytest.mark.parametrize("argument, value", [
    ("data_dim", 0), ("data_dim", 4.0), ("data_dim", True), ("hidden", (0,)), ("hidden", 400), ("hidden", "400"),
    ("hidden", (3.5,)), ("latent_dim", -1), ("activation", "sigmoid"), ("likelihood", "poisson"),
    ("noise_variance", 0), ("noise_variance", float("nan")), ("noise_variance", "fixed"),
    ("noise_variance", "learned"), ("beta", -1), ("beta", float("inf")), ("dtype", "float16"),
    ("dtype", int), ("seed", -1), ("seed", 0.5),
])
def test_a_wrong_setting_is_named(argument, value):
    with pytest.raises(ValueError, match=argument):
        mv.VAE(**TOY | {argument: value})


GOOD_X, GOOD_EPS = np.full((3, 4), 0.5), np.zeros((3, 2))


@pytest.mark.parametrize("x, message", [
    (GOOD_X * 510, r"x must lie in \[0, 1\]; got a maximum of 255.0. Divide by 255\?"),
    (GOOD_X - 1, r"x must lie in \[0, 1\]; got a minimum of -0.5"),
    (GOOD_X * np.nan, "x must be finite"), (GOOD_X * np.inf, "x must be finite"),
    (np.ones((3, 4), int), "x must be an array of floats; got dtype int64"),
    (np.ones((3, 4), np.uint8), "x must be an array of floats; got dtype uint8. Divide by 255"),
    (GOOD_X * 2.002, r"x must lie in \[0, 1\]; got a maximum of 1.001"),
    (GOOD_X.astype(object), "x must be an array of floats .*got dtype object"),
    ("images", "x must be an array of floats of shape .*got a str"),
    ([[0.5], [0.5, 0.5]], "x must .*got a list of uneven rows"),
    (GOOD_X[0], r"x must have shape \(B, D\) = \(any, 4\); got \(4,\)"),
    (GOOD_X.reshape(3, 2, 2), r"got \(3, 2, 2\). Flatten each image"),
    (GOOD_X[:, None], r"got \(3, 1, 4\). Flatten each image"),
    (GOOD_X[:1].reshape(2, 2), r"got \(2, 2\). Is it one example\? Then x.reshape\(1, -1\)"),
    (GOOD_X[:, :3], r"x must have shape \(B, D\) = \(any, 4\); got \(3, 3\)"),
    (GOOD_X[:0], "x is empty"),
])
def test_bad_data_is_refused(x, message):
    model = mv.VAE(**TOY)
    for call in (lambda: model.forward(x, GOOD_EPS), lambda: model.encode(x), lambda: model.reconstruct(x)):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("eps", [GOOD_EPS[:2], GOOD_EPS[:, :1], GOOD_EPS[:, 0], GOOD_EPS[:1], GOOD_EPS * np.nan,
                                 GOOD_EPS.astype(int), GOOD_EPS[None], None])
def test_bad_noise_is_refused(eps):
    with pytest.raises(ValueError, match=r"eps must (have shape \(B, K\) = \((3|any), 2\)|be )") as caught:
        mv.VAE(**TOY).forward(GOOD_X, eps)
    assert "one example" not in str(caught.value)


def test_a_value_too_large_for_float32_is_refused():
    with pytest.raises(ValueError, match="x must be finite in float32"):
        mv.VAE(4, likelihood="gaussian").encode(np.full((1, 4), 1e300))


def test_a_gaussian_model_takes_any_real_data():
    model = mv.VAE(**TOY, likelihood="gaussian")
    model.forward(GOOD_X * -300, GOOD_EPS)


def test_a_learned_variance_is_one_more_parameter():
    fixed, learned = (mv.VAE(**TOY, likelihood="gaussian", noise_variance=variance) for variance in (1.0, "learned"))
    assert list(learned.parameters) == [*fixed.parameters, "decoder.log_var"]
    assert learned.parameters["decoder.log_var"].shape == () and learned.parameters["decoder.log_var"] == 0
    one, two = (model.forward(GOOD_X, GOOD_EPS + 1) for model in (fixed, learned))
    np.testing.assert_allclose(two.log_likelihood, one.log_likelihood, rtol=1e-14)
    rng = np.random.default_rng
    np.testing.assert_array_equal(fixed.generate(5, rng=rng(0), draw=True), learned.generate(5, rng=rng(0), draw=True))


def test_other_bad_arguments():
    model = mv.VAE(**TOY)
    with pytest.raises(ValueError, match="beta"):
        model.forward(GOOD_X, GOOD_EPS, beta=-0.5)
    with pytest.raises(ValueError, match="given names 'zeta'; this model's symbols are x, encoder.0.h, mu"):
        model.forward(GOOD_X, GOOD_EPS, given={"zeta": 1})
    with pytest.raises(ValueError, match=r"given\['z'\] must have shape \(3, 2\); got \(3, 1\)"):
        model.forward(GOOD_X, GOOD_EPS, given={"z": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="rng must be a np.random.Generator; got 0"):
        model.generate(3, rng=0)
    with pytest.raises(ValueError, match="n must be a positive integer"):
        model.generate(0, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"z must have shape \(B, K\) = \(any, 2\)"):
        model.decode(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="out must be a Trace"):
        model.forward(GOOD_X, GOOD_EPS, out={})
    with pytest.raises(ValueError, match="out"):
        model.forward(GOOD_X, GOOD_EPS, out=model.forward(GOOD_X[:2], GOOD_EPS[:2]))


def test_backward_refuses_what_would_give_a_wrong_gradient():
    model = mv.VAE(**TOY)
    trace = model.forward(GOOD_X, GOOD_EPS)
    d, grads = model.backward(trace)
    with pytest.raises(ValueError, match="the trace of gradients. Pass its .forward"):
        model.backward(d)
    for wrong in ({}, mv.Trace(), mv.VAE(4, (3, 3), 2).forward(GOOD_X, GOOD_EPS)):
        with pytest.raises(ValueError, match="trace must be what this model's forward returned"):
            model.backward(wrong)
    with pytest.raises(ValueError, match="given values of z"):
        model.backward(model.forward(GOOD_X, GOOD_EPS, given={"z": np.ones((3, 2))}))
    for wrong in ((trace, grads), d, (d, grads.flat), 5):
        with pytest.raises(ValueError, match="out must"):
            model.backward(trace, out=wrong)
    with pytest.raises(ValueError, match="and not its own"):
        model.backward(trace, out=(d, model.parameters))
    for change in (lambda: mv.Adam().step(model.parameters.flat, grads.flat),
                   lambda: model.parameters["decoder.1.b"].__setitem__(0, 1e-9),
                   lambda: model.parameters.flat.__imul__(-1), lambda: model.parameters.flat.__imul__(2),
                   lambda: model.parameters["encoder.0.W"].__setitem__(slice(None),
                                                                       model.parameters["encoder.0.W"][::-1])):
        trace = model.forward(GOOD_X, GOOD_EPS)
        change()
        with pytest.raises(ValueError, match="parameters were altered"):
            model.backward(trace)


def test_an_overwritten_trace_sees_an_optimizers_step():
    model, rng = mv.VAE(784, (50, 40), 5, "tanh"), np.random.default_rng(0)
    x, eps = (rng.random((3, 784)) < 0.2).astype("float32"), rng.standard_normal((3, 5))
    trace = model.forward(x, eps, out=model.forward(x, eps))
    assert 500 < trace.weights.size < 5000 < model.parameters.flat.size
    _, grads = model.backward(trace)
    for optimizer in (mv.Adam(1e-5), mv.SGD(1e-5)):
        trace = model.forward(x, eps, out=trace)
        optimizer.step(model.parameters.flat, grads.flat)
        with pytest.raises(ValueError, match="parameters were altered"):
            model.backward(trace)


def test_a_trace_cannot_be_edited():
    model = mv.VAE(**TOY)
    trace = model.forward(GOOD_X, GOOD_EPS)
    for symbol, array in trace.items():
        if symbol != "loss":
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
        with pytest.raises(ValueError, match="call forward"):
            trace[symbol] = array
    with pytest.raises(ValueError, match="given"):
        trace.z = trace.z + 1
    again = model.forward(1 - GOOD_X, GOOD_EPS, out=trace)  # offered: overwritten, and sealed again
    assert again is trace and not trace.z.flags.writeable


def test_arguments_of_another_dtype_are_refused_not_mixed():
    single, double = mv.VAE(**TOY | {"dtype": "float32"}), mv.VAE(**TOY)
    x, eps = GOOD_X, GOOD_EPS
    with pytest.raises(ValueError, match="out must be a trace of dtype float32"):
        single.forward(x, eps, out=double.forward(x, eps))
    trace = single.forward(x, eps)
    d, _ = single.backward(trace)
    with pytest.raises(ValueError, match="shapes and dtype"):
        single.backward(trace, out=(d, double.backward(double.forward(x, eps))[1]))
    assert single.backward(trace, d_loss=np.float64(2))[0].loss.dtype == np.float32
    for wrong in (float("nan"), np.ones(3), "1"):
        with pytest.raises(ValueError, match="d_loss must be a finite number; got"):
            single.backward(trace, d_loss=wrong)


def test_beta_is_set_once():
    model = mv.VAE(**TOY, beta=2.0)
    assert model.beta == 2.0
    with pytest.raises(AttributeError):
        model.beta = 4.0
    assert mv.VAE(4, (3,), 2, "relu", "bernoulli", 4.0).beta == 4.0  # the order that the documentation gives


def test_an_interrupted_forward_leaves_a_trace_that_backward_refuses():
    model = mv.VAE(**TOY)
    trace = model.forward(GOOD_X, GOOD_EPS)
    with pytest.raises(ValueError):
        model.forward(GOOD_X, GOOD_EPS * np.nan, out=trace)
    with pytest.raises(ValueError):
        model.backward(trace)


def test_nothing_held_is_overwritten():
    model = mv.VAE(**TOY)
    x, eps = GOOD_X.copy(), GOOD_EPS + 1
    trace = model.forward(x, eps)
    d, grads = model.backward(trace)
    kept = copy.deepcopy((trace, d, grads))
    x[...], eps[...] = 0, 0  # the trace holds copies
    model.backward(model.forward(1 - GOOD_X, -eps))
    for now, then in zip((trace, d), kept):
        for symbol in now:
            np.testing.assert_array_equal(now[symbol], then[symbol])
    np.testing.assert_array_equal(grads.flat, kept[2].flat)


def test_given_replaces_a_symbol_and_what_follows_it():
    model, x, eps = model_example(TOY, 3, 0)
    plain = model.forward(x, eps)
    z = plain.z + 1
    moved = model.forward(x, eps, given={"z": z})
    assert list(moved) == list(plain) == list(model.symbols)
    for symbol in ("mu", "kl"):
        np.testing.assert_array_equal(moved[symbol], plain[symbol])
    np.testing.assert_array_equal(moved.z, z)
    assert not np.shares_memory(moved.z, z)
    np.testing.assert_allclose(model.decode(z), mv.kernels.logistic(moved.logits))
    for symbol in plain:
        if symbol not in ("x", "eps"):
            same = model.forward(x, eps, given={symbol: plain[symbol]})
            np.testing.assert_array_equal(same.loss, plain.loss)


def test_beta_weights_the_objective_and_nothing_else():
    model, x, eps = model_example(TOY | {"beta": 3.0}, 3, 0)
    for beta, trace in ((3.0, model.forward(x, eps)), (0.5, model.forward(x, eps, beta=0.5))):
        assert trace.beta == beta
        np.testing.assert_allclose(trace.elbo, trace.log_likelihood - trace.kl)
        np.testing.assert_allclose(trace.objective, trace.log_likelihood - beta * trace.kl)
        np.testing.assert_allclose(trace.loss, -trace.objective.mean())


def test_generate_draws_its_latents_from_the_prior():
    model = mv.VAE(2, (), 2, likelihood="gaussian", dtype="float64")
    model.parameters["decoder.0.W"] = np.eye(2)
    n = 20_000
    z = model.generate(n, rng=np.random.default_rng(0))  # the linear decoder's means are the latents themselves
    assert np.all(np.abs(z.mean(axis=0)) < 4.5 / np.sqrt(n))
    assert np.all(np.abs(z.var(axis=0) - 1) < 4.5 * np.sqrt(2 / n))
    assert abs((z[:, 0] * z[:, 1]).mean()) < 4.5 / np.sqrt(n)


def test_encode_decode_reconstruct_generate():
    model, x, eps = model_example(TOY, 5, 0)
    mu, log_var = model.encode(x)
    trace = model.forward(x, eps)
    np.testing.assert_array_equal(mu, trace.mu)
    np.testing.assert_array_equal(log_var, trace.log_var)
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(mu))
    images = model.generate(6, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(images, model.generate(6, rng=np.random.default_rng(0)))
    assert images.shape == (6, 4) and images.dtype == np.float64
    draws = model.generate(6, rng=np.random.default_rng(0), draw=True)
    assert set(np.unique(draws)) <= {0.0, 1.0} and draws.dtype == np.float64


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_output_can_start_at_the_mean_image(likelihood):
    model = mv.VAE(**TOY, likelihood=likelihood)
    mean = np.array([0.1, 0.5, 0.9, 0.3])
    model.start_output_at(mean)
    model.parameters["decoder.1.W"] = np.zeros((3, 4))
    np.testing.assert_allclose(model.decode(np.ones((1, 2)))[0], mean, rtol=1e-12)
    model.start_output_at(np.array([0.0, 1.0, 0.5, 0.5]))
    ends = np.log([1 / 999, 999]) if likelihood == "bernoulli" else [0, 1]
    np.testing.assert_allclose(model.parameters["decoder.1.b"][:2], ends)
    wrong = [(mean[:3], r"mean must have shape \(1, D\)"), (mean * np.nan, "mean must be finite")]
    wrong += [(mean * 255, "mean must lie in .* Divide by 255")] if likelihood == "bernoulli" else []
    for value, message in wrong:
        with pytest.raises(ValueError, match=message):
            model.start_output_at(value)


@pytest.mark.parametrize("activation, variances", [("relu", (2 / 300, 2 / 240)), ("tanh", (2 / 500, 2 / 240))])
def test_weights_start_at_the_named_scale(activation, variances):
    model = mv.VAE(300, (200,), 20, activation)
    for name, variance in zip(("encoder.0.W", "encoder.1.W"), variances):
        W = model.parameters[name]
        n = W.size  # the relative standard error of a variance is sqrt(2 / n)
        assert abs(W.var() / variance - 1) < 4.5 * np.sqrt(2 / n)
        assert abs(W.mean()) < 4.5 * np.sqrt(variance / n)
    assert not model.parameters["encoder.0.b"].any()
    np.testing.assert_array_equal(model.parameters.flat, mv.VAE(300, (200,), 20, activation).parameters.flat)
    assert (model.parameters.flat != mv.VAE(300, (200,), 20, activation, seed=1).parameters.flat).any()


def test_shapes_of_stacks():
    model = mv.VAE(7, (6, 5), 2)
    assert model.encoder.sizes == (7, 6, 5, 4) and model.decoder.sizes == (2, 5, 6, 7)
    assert mv.VAE(7, (), 2).symbols == ("x", "mu", "log_var", "sigma", "eps", "z", "logits", "log_likelihood", "kl",
                                        "elbo", "objective", "loss")


def test_trace_is_a_mapping_with_attributes():
    model, x, eps = model_example(TOY, 3, 0)
    trace = model.forward(x, eps)
    d, _ = model.backward(trace)
    assert trace.z is trace["z"] and "z" in trace and "z" in dir(trace)
    assert d.forward is trace and d.x is None and d.eps is None and list(d) == list(trace)
    with pytest.raises(AttributeError, match="no symbol 'zed' in this trace; it has x, encoder.0.h"):
        trace.zed
    twin = pickle.loads(pickle.dumps(d))
    np.testing.assert_array_equal(twin.z, d.z)


@pytest.mark.parametrize("likelihood, equation", [("bernoulli", "5.16"), ("gaussian", "5.20")])
def test_a_trace_shows_itself(likelihood, equation):
    model, x, eps = model_example(TOY | {"likelihood": likelihood}, 3, 0)
    trace = model.forward(x, eps)
    d, _ = model.backward(trace)
    for text in (repr(d), d._repr_html_()):
        for symbol in trace:
            assert symbol in text
        for piece in ("4.5", "latent code", "(3, 2)", equation, "z = mu + sigma ⊙ eps",
                      "0: the loss does not depend on it"):
            assert piece in text
    assert "reparameterize minivae/kernels/gaussian.py:" in repr(trace)
    source = pathlib.Path(mv.__file__).parent.joinpath("model", "vae.py").read_text(encoding="utf-8").splitlines()
    for shown, trace_name, symbols in ((repr(trace), "t", ("mu", "elbo", "objective", "loss")),
                                       (repr(d), "d", ("mu", "z", "kl"))):
        for symbol in symbols:  # the very line, in the VAE's own chain
            line = re.search(rf"^{symbol} .*\n.*vae.py:(\d+)", shown, re.MULTILINE).group(1)
            assert re.search(rf"\b{trace_name}\.{symbol}\b.* = ", source[int(line) - 1])
    for number in trace.z.ravel():  # small arrays print whole
        assert f"{number:.4f}".rstrip("0") in repr(trace)
    assert "gradient" in repr(d) and "gradient" not in repr(trace)
    wide = mv.VAE(50, (3,), 20)
    text = repr(wide.forward(np.full((9, 50), 0.25), np.zeros((9, 20))))
    assert "value    0.25\n" in text
