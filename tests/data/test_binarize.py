"""Binarization: each rule does what it says, exactly, and refuses what is not an image."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minivae as mv
from minivae.data import BINARIZATIONS, binarize
from minivae.data.images import flatten_images, range_hint

EVERY_GREY = np.arange(256, dtype=np.uint8)


def test_dynamic_draws_with_the_probability_that_the_grey_level_says():
    """Each grey level's frequency over 4,000 draws, in standard errors z.

    Were every probability off by one grey level, 1/255, the mean of z would move by 0.78 and that of z**2 by
    0.74. Their own standard errors over 254 levels are 0.063 and 0.089, and four of each are allowed.
    """
    n = 4000
    drawn = binarize(np.broadcast_to(EVERY_GREY, (n, 256)), "dynamic", rng=np.random.default_rng(0))
    p = EVERY_GREY[1:-1] / 255
    z = (drawn[:, 1:-1].mean(axis=0) - p) / np.sqrt(p * (1 - p) / n)
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 4 * 0.063
    assert abs((z**2).mean() - 1) < 4 * 0.089


def test_dynamic_draw_is_exact():
    """A generator that returns every value once shows the exact probability: ``grey`` of 255 outcomes are on."""
    class EveryValueOnce(np.random.Generator):
        def integers(self, low, high, size, dtype):
            return np.broadcast_to(np.arange(low, high, dtype=dtype)[:, None], size)

    rng = EveryValueOnce(np.random.PCG64(0))
    drawn = binarize(np.broadcast_to(EVERY_GREY, (255, 256)), "dynamic", rng=rng)
    np.testing.assert_array_equal(drawn.sum(axis=0), EVERY_GREY)


@pytest.mark.parametrize("how", ["dynamic", "fixed"])
@pytest.mark.parametrize("make", [lambda on: np.uint8(255) * on, lambda on: on.astype("float32"),
                                  lambda on: on.astype("float64")])
def test_black_stays_off_and_white_stays_on(how, make):
    rng = np.random.default_rng(0)
    on = rng.random((500, 400)) < 0.5
    np.testing.assert_array_equal(binarize(make(on), how, rng=rng), on)


def test_a_black_float_stays_off_even_where_the_draw_is_0():
    class Zero(np.random.Generator):
        def random(self, size):
            return np.zeros(size)

    drawn = binarize(np.array([[0.0, 1e-300]]), "dynamic", rng=Zero(np.random.PCG64(0)))
    np.testing.assert_array_equal(drawn, [[0, 1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float_images_are_drawn_with_their_own_probability(dtype):
    n = 4000
    p = np.linspace(0.02, 0.98, 97).astype(dtype)
    drawn = binarize(np.broadcast_to(p, (n, 97)), "dynamic", rng=np.random.default_rng(1))
    z = (drawn.mean(axis=0) - p) / np.sqrt(p * (1 - p) / n)
    assert np.abs(z).max() < 4.5


def test_dynamic_is_fresh_and_seeded():
    images = np.full((20, 30), 128, np.uint8)
    rng = np.random.default_rng(3)
    first, second = binarize(images, "dynamic", rng=rng), binarize(images, "dynamic", rng=rng)
    assert (first != second).any()
    np.testing.assert_array_equal(binarize(images, "dynamic", rng=np.random.default_rng(3)), first)
    np.testing.assert_array_equal(binarize(images, "fixed", rng=np.random.default_rng(3)), first)


def test_threshold_is_one_half_for_both_kinds_of_image():
    expected = EVERY_GREY >= 128
    np.testing.assert_array_equal(binarize(EVERY_GREY, "threshold"), expected)
    np.testing.assert_array_equal(binarize(EVERY_GREY / 255, "threshold"), expected)
    np.testing.assert_array_equal(binarize(np.float32([0.5, 0.5000001]), "threshold"), [0, 1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_none_keeps_grey_levels(dtype):
    np.testing.assert_array_equal(binarize(EVERY_GREY, "none", dtype=dtype), np.arange(256, dtype=dtype) / 255)
    grey = np.linspace(0, 1, 7, dtype=dtype)
    got = binarize(grey, "none", dtype=dtype)
    np.testing.assert_array_equal(got, grey)
    assert not np.shares_memory(got, grey)


def test_none_leaves_the_range_of_floats_to_the_likelihood():
    """A Gaussian model's data may be any real numbers; a Bernoulli model refuses these itself."""
    images = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(binarize(images, "none", dtype="float64"), images)


@given(how=st.sampled_from(list(BINARIZATIONS)), kind=st.sampled_from(["uint8", "float32", "float64", "bool"]),
       dtype=st.sampled_from(["float32", "float64"]), shape=st.lists(st.integers(1, 6), min_size=1, max_size=3),
       strided=st.booleans(), seed=st.integers(0, 999))
def test_any_image_any_rule(how, kind, dtype, shape, strided, seed):
    rng = np.random.default_rng(seed)
    grey = rng.integers(0, 256, shape, dtype=np.uint8)
    grey.flat[0], grey.flat[-1] = 0, 255  # on both sides of the threshold
    images = {"uint8": grey, "bool": grey > 100}.get(kind, grey / 255).astype(kind)
    images = images[::-1].T if strided else images
    before = images.copy()
    got = binarize(images, how, rng=rng, dtype=dtype)
    assert got.shape == images.shape and got.dtype == dtype and got.flags.writeable
    np.testing.assert_array_equal(images, before)
    assert not np.shares_memory(got, images)
    if how != "none":
        assert set(np.unique(got)) <= {0, 1}
        one_byte = binarize(images, "threshold", dtype=bool)
        assert one_byte.dtype == bool
    if kind == "bool":
        np.testing.assert_array_equal(got, images)


@pytest.mark.parametrize("how", BINARIZATIONS)
def test_bytes_of_0_and_1_are_binary_and_so_are_their_labels(how):
    """The same rule holds in binarize, prepare and join_labels; as grey levels these would be almost black."""
    from minivae.data import prepare
    from minivae.model import join_labels

    on = np.random.default_rng(0).random((40, 30)) < 0.7
    for pixels in (on, on[:1, :1], np.zeros_like(on), np.ones_like(on)):
        for made in (binarize(pixels.astype(np.uint8), how, rng=np.random.default_rng(1)),
                     prepare(pixels.astype(np.uint8), how),
                     join_labels(pixels.astype(np.uint8), np.zeros(len(pixels), int), 2)[:, :-2]):
            np.testing.assert_array_equal(made, pixels)
    assert set(np.unique(join_labels(on.astype(np.uint8), np.zeros(40, int), 2)[:, -2:])) == {0, 1}


def test_a_batch_is_judged_by_its_data_set():
    """A grey level of 1 in 255 is not a white pixel, even if it is the largest of its batch."""
    from minivae.data import deal, prepare

    images = np.zeros((2, 5), np.uint8)
    images[0, 0], images[1] = 1, 255
    rows = np.concatenate(list(deal(prepare(images, "none"), 1, "none", np.random.default_rng(0), "float64")))
    np.testing.assert_allclose(np.sort(rows[:, 0]), [1 / 255, 1])


@pytest.mark.parametrize("low, high, hint", [
    (0, 255, "Divide by 255"), (0, 128, "Divide by 255"), (0, 16, "Is 16 white? Then divide by 16."),
    (0, 100, "divide by 100"),
    (0, 1023, "Divide by 1023"), (0, 3000, "Divide by 4095"), (3, 65535, "Divide by 65535"), (-1, 1, r"(x + 1) / 2"),
    (-2.4, 3.1, "standardized? Undo it, or model real numbers: likelihood gaussian"), (-1e4, 3e4, "gaussian"),
    (0, 2.7, "Divide by the largest number that a pixel can be"), (0, 1e7, "Divide by the largest number"),
])
def test_what_the_range_suggests(low, high, hint):
    assert hint in range_hint(low, high)
    for name, refuse in (("images", lambda x: binarize(x, "dynamic", rng=np.random.default_rng(0))),
                         ("x", lambda x: mv.VAE(3, dtype="float64").encode(x))):
        with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\]; got a m.*{re.escape(hint)}"):
            refuse(np.array([[low, (low + high) / 2, high]]))


def test_dark_bytes_are_noticed():
    sixteen = np.arange(34, dtype=np.uint8).reshape(2, 17) % 17
    with pytest.raises(ValueError,
                       match=r"between 0 and 16: at the threshold, 127.5, every pixel would become 0. .* \(255 / 16\)"):
        binarize(sixteen, "threshold")
    with pytest.raises(ValueError, match="every pixel would become 1"):
        binarize(200 + sixteen, "threshold")
    with pytest.raises(ValueError,
                       match=r"at the threshold, 0.5, every pixel would become 0. Spread them .* \(1 / 0.0627"):
        binarize(sixteen / 255, "threshold")
    for how in ("dynamic", "fixed", "none"):
        with pytest.warns(UserWarning, match="uint8 from 0 to 16, and 255 means white: .* If 16 is white, give images "
                                             "/ 16."):
            binarize(sixteen, how, rng=np.random.default_rng(0))
    for one_tone in (np.zeros((2, 3), np.uint8), np.full((2, 3), 7, np.uint8)):  # nothing is lost that was there
        assert not binarize(one_tone, "threshold").any()


def test_whole_numbers_of_another_kind_hear_how_to_convert_them():
    for low, high, hint in ((0, 1, "astype(bool)"), (0, 255, "astype(np.uint8)"),
                            (0, 16, "Is 16 white? Then divide by 16."),
                            (-3, 2, "standardized"), (0, 65535, "Divide by 65535")):
        with pytest.raises(ValueError, match=f"got dtype int32, from {low} to {high}.*{re.escape(hint)}"):
            binarize(np.array([[low, high]], np.int32), "dynamic", rng=np.random.default_rng(0))


GREY = np.full((2, 3), 7, np.uint8)

REFUSED = {
    "max": (np.full((2, 3), 255.0), {}, r"images must lie in \[0, 1\]; got a maximum of 255.0. Divide by 255\?"),
    "min": (np.full((2, 3), -0.5), {}, r"images must lie in \[0, 1\]; got a minimum of -0.5"),
    "nan": (np.array([[0.5, np.nan]]), {}, "images must be finite; got NaN"),
    "infinity": (np.array([[0.5, np.inf]]), {}, "images must be finite; got infinity"),
    "nan, none": (np.array([[0.5, np.nan]]), {"how": "none"}, "images must be finite; got NaN"),
    "int64": (np.ones((2, 3), int), {}, "images must be uint8 .* got dtype int64"),
    "int8": (np.ones((2, 3), np.int8), {}, "images must be uint8 .* got dtype int8"),
    "complex": (np.ones((2, 3), complex), {}, "got dtype complex128"),
    "object": (np.full((2, 3), None), {}, "got dtype object"),
    "list": ([[0.5]], {}, "images must be a NumPy array; got a list"),
    "rule": (GREY, {"how": "stochastic"}, "how must be one of dynamic, fixed, threshold, none; got 'stochastic'"),
    "no rule": (GREY, {"how": None}, "how must be one of .* got None"),
    "no rng": (GREY, {"rng": None}, r"rng must be a np.random.Generator to draw pixels; got None"),
    "seed for rng": (GREY, {"rng": 0}, "rng must be .* got 0"),
    "dtype": (GREY, {"dtype": "uint8"}, "dtype must be a float, .* got uint8"),
    "bool greys": (GREY, {"how": "none", "dtype": bool}, "dtype must be a float, .* got bool"),
}


@pytest.mark.parametrize("images, arguments, message", REFUSED.values(), ids=REFUSED)
def test_refused(images, arguments, message):
    arguments = {"how": "dynamic", "rng": np.random.default_rng(0), **arguments}
    with pytest.raises(ValueError, match=message):
        binarize(images, **arguments)


def test_flatten_images():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    flat = flatten_images(images)
    assert flat.shape == (2, 12) and np.shares_memory(flat, images)
    np.testing.assert_array_equal(flatten_images(flat), flat)
    for wrong in (images[0, 0], images[None]):
        with pytest.raises(ValueError, match=r"images must have shape \(N, rows, columns\) or \(N, D\); got"):
            flatten_images(wrong)
    for empty in (images[:0], images[:, :0], flat[:0]):
        with pytest.raises(ValueError, match="images must not be empty; got shape"):
            flatten_images(empty)


def test_images_on_one_side_of_the_threshold_are_refused_with_what_helps():
    dark, light = np.array([[3, 16]], np.uint8), np.array([[228, 255]], np.uint8)
    with pytest.raises(ValueError, match=r"every pixel would become 0. Spread them"):
        binarize(dark, "threshold")
    with pytest.raises(ValueError, match=r"every pixel would become 1. Take another rule, such as dynamic"):
        binarize(light, "threshold")
