"""The ELBO of a data set is the average of what the model's own parts give."""

import numpy as np
import pytest
from checks import expected_elbo, model_example

import minivae as mv

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 2, 2), dtype=np.uint8)


def test_it_is_the_mean_over_examples():
    model = mv.VAE(4, (3,), 2)
    means = mv.evaluate_elbo(model, IMAGES, binarize="threshold", rng=np.random.default_rng(0))
    x = (IMAGES.reshape(30, 4) > 127).astype(np.float32)
    trace = model.forward(x, np.random.default_rng(0).standard_normal((30, 2)))
    for name in ("elbo", "log_likelihood", "kl"):
        assert means[name] == pytest.approx(float(trace[name].mean()), rel=1e-6)
    assert means["elbo_se"] == pytest.approx(trace.elbo.std(ddof=1) / np.sqrt(30), rel=1e-5)
    assert means["elbo"] == pytest.approx(means["log_likelihood"] - means["kl"])


def test_it_estimates_the_expected_elbo():
    model, x, _ = model_example(dict(data_dim=3, hidden=(4,), latent_dim=1, activation="tanh", dtype="float64"), 1, 0)
    x = np.round(x)
    n = 40_000
    means = mv.evaluate_elbo(model, x.repeat(n, 0), binarize="none", rng=np.random.default_rng(1))
    assert abs(means["elbo"] - expected_elbo(model, x)[0]) < 4.5 * means["elbo_se"]


def test_one_example_has_no_standard_error():
    means = mv.evaluate_elbo(mv.VAE(4, (3,), 2), IMAGES[:1], binarize="none", rng=np.random.default_rng(0))
    assert means["elbo_se"] is None and np.isfinite(means["elbo"])


def test_bad_arguments():
    good = dict(binarize="none", rng=np.random.default_rng(0))
    for change, message in (({"rng": 0}, "rng must be"), ({"batch_size": 0}, "batch_size must be"),
                            ({"binarize": "x"}, "one of")):
        with pytest.raises(ValueError, match=message):
            mv.evaluate_elbo(mv.VAE(4), IMAGES, **good | change)
    with pytest.raises(ValueError, match="images must have 5 pixels"):
        mv.evaluate_elbo(mv.VAE(5), IMAGES, **good)


@pytest.mark.parametrize("binarize", ["dynamic", "fixed"])
def test_the_same_seed_gives_the_same_number(binarize):
    model = mv.VAE(4, (3,), 2)
    one, two, other = (mv.evaluate_elbo(model, IMAGES, binarize=binarize, rng=np.random.default_rng(seed))
                       for seed in (0, 0, 1))
    assert one == two != other


def test_beta_does_not_enter():
    plain, weighted = mv.VAE(4, (3,), 2), mv.VAE(4, (3,), 2, beta=7.0)
    assert (mv.evaluate_elbo(plain, IMAGES, binarize="none", rng=np.random.default_rng(0))
            == mv.evaluate_elbo(weighted, IMAGES, binarize="none", rng=np.random.default_rng(0)))
