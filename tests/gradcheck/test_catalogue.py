"""The one catalogue of mistakes, seen by the checker: none passes, and nine in ten of those with a name get it."""

import collections
import functools

import numpy as np
import pytest

from gradcheck.vae_case import vae_case
from minivae import kernels
from minivae.exercises.catalogue import MISTAKES, planted
from minivae.gradcheck import check_gradient, check_vjp
from strategies import in_turn

SIZES = collections.defaultdict(lambda: 4, B=5, D=7, K=3)
SEEN = [mistake for mistake in MISTAKES if mistake.seen_by == "gradients"]
OF_STUDENTS = [m for m in MISTAKES if not m.seen_by and m.changes[0][0].startswith("kernels:")
               and m.changes[0][0].endswith("_backward")]
IN_KERNELS = [m for m in SEEN if m.changes[0][0].startswith("kernels:")] + OF_STUDENTS
SEEDS = (0, 1)
SEEDS_AND_SCALES = ((0, 4e-5), (1, 1e6))
IN_MODEL = [m for m in SEEN if not m.changes[0][0].startswith("kernels:") and "stale" not in m.diagnosis]


@functools.cache   # two tests look at the same reports
def kernel_report(mistake, seed):
    """Check the pair that a mistake is planted in; a square shape where another would raise."""
    name = mistake.changes[0][0].split(":")[1].removesuffix("_backward")
    square = dict(B=4, I=4, O=4) if name == "dense" and seed % 2 else {}
    sizes = SIZES | square
    rng = np.random.default_rng(seed)
    with planted(mistake):
        pair = kernels.PAIRS[name]
        args = [rng.standard_normal([sizes[letter] for letter in letters]) for letters in pair.shapes.values()]
        if name == "relu":
            args[0][0, 0] = 0.0
        if "noise variance" in mistake.name:
            return check_vjp(lambda mean, x: kernels.gaussian_log_likelihood(mean, x, 2.0),
                             lambda d, mean, x: kernels.gaussian_log_likelihood_backward(d, mean, x, 2.0), *args)
        return check_vjp(pair.forward, pair.backward, *args)


def named(mistake, report):
    words = mistake.diagnosis.replace("factor B", "= B").lower()
    return any(words in sentence.lower() for sentence in report.diagnosis)


@pytest.mark.parametrize("mistake, seed", in_turn(IN_KERNELS, SEEDS))
def test_none_in_a_kernel_passes(mistake, seed):
    assert kernel_report(mistake, seed).verdict == "fail"


@functools.cache
def model_report(mistake, seed, scale):
    with planted(mistake):
        return check_gradient(*vae_case(seed, scale), sizes={"B": 5, "beta": 1.5})


@pytest.mark.parametrize("mistake, seed_and_scale", in_turn(IN_MODEL, SEEDS_AND_SCALES))
def test_none_in_the_model_passes(mistake, seed_and_scale):
    assert model_report(mistake, *seed_and_scale).verdict == "fail"


def test_nine_in_ten_are_named():
    results = [(m, named(m, kernel_report(m, SEEDS[i % 2]))) for i, m in enumerate(IN_KERNELS) if m.diagnosis]
    results += [(m, named(m, model_report(m, *SEEDS_AND_SCALES[i % 2]))) for i, m in enumerate(IN_MODEL)
                if m.diagnosis and m.diagnosis != "upstream"]
    unnamed = [mistake.name for mistake, ok in results if not ok]
    assert len(unnamed) <= len(results) / 10, unnamed
