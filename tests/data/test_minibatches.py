"""Minibatches: every image once, in an order given by the seed, one batch of floats at a time."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minivae.data import BINARIZATIONS, deal, minibatches, prepare


def numbered_images(n, rows=2, columns=3):
    """Grey images that show their number: all pixels of image i are 1 - i / 255."""
    return np.broadcast_to(255 - np.arange(n, dtype=np.uint8)[:, None, None], (n, rows, columns)).copy()


def numbers(batches):
    """The number of every image in batches of grey levels from 0 to 1."""
    return 255 - np.rint(np.concatenate(batches)[:, 0] * 255).astype(int)


@given(n=st.integers(1, 250), batch=st.integers(1, 250), flat=st.booleans(),
       dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 999))
def test_one_epoch_deals_each_image_at_most_once(n, batch, flat, dtype, seed):
    batch = min(batch, n)
    images = numbered_images(n)
    images = images.reshape(n, 6) if flat else images
    batches = list(minibatches(images, batch, "none", rng=np.random.default_rng(seed), dtype=dtype))
    assert len(batches) == n // batch
    for x in batches:
        assert x.shape == (batch, 6) and x.dtype == dtype and x.flags.c_contiguous
        assert (x == x[:, :1]).all()
    dealt = numbers(batches)
    assert len(set(dealt)) == len(dealt) == n // batch * batch
    assert set(dealt) <= set(range(n))


def test_two_epochs_differ_and_a_seed_repeats_them():
    images = numbered_images(50)
    rng, again = np.random.default_rng(5), np.random.default_rng(5)
    epochs = [np.concatenate(list(minibatches(images, 10, "none", rng=rng))) for _ in range(2)]
    assert (epochs[0] != epochs[1]).any()
    for epoch in epochs:
        np.testing.assert_array_equal(np.concatenate(list(minibatches(images, 10, "none", rng=again))), epoch)


def test_a_saved_random_state_repeats_the_next_epoch():
    images = np.full((40, 6), 128, np.uint8)
    rng = np.random.default_rng(5)
    list(minibatches(images, 7, "dynamic", rng=rng))
    state = rng.bit_generator.state
    expected = list(minibatches(images, 7, "dynamic", rng=rng))
    resumed = np.random.default_rng()
    resumed.bit_generator.state = state
    np.testing.assert_array_equal(list(minibatches(images, 7, "dynamic", rng=resumed)), expected)


def test_the_left_over_images_change_from_epoch_to_epoch():
    rng = np.random.default_rng(0)
    left_over = set()
    for _ in range(30):
        left_over |= set(range(10)) - set(numbers(list(minibatches(numbered_images(10), 4, "none", rng=rng))))
    assert left_over == set(range(10))


@pytest.mark.parametrize("how", BINARIZATIONS)
@pytest.mark.parametrize("kind", ["uint8", "float32", "bool"])
def test_every_rule_on_every_kind_of_image(how, kind):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (30, 4, 5), dtype=np.uint8)
    images = {"uint8": grey, "float32": (grey / 255).astype("float32"), "bool": grey > 127}[kind]
    before = images.copy()
    ready = prepare(images, how, rng=rng)
    assert ready.shape == (30, 20)
    for x in minibatches(ready, 7, how, rng=rng):
        assert x.dtype == np.float32 and x.shape == (7, 20)
        assert how == "none" or set(np.unique(x)) <= {0, 1}
    np.testing.assert_array_equal(images, before)


def test_dynamic_draws_anew_each_epoch_and_fixed_does_not():
    images = np.full((8, 50), 128, np.uint8)
    rng = np.random.default_rng(2)
    as_set = lambda batches: {row.tobytes() for x in batches for row in x}
    first, second = (as_set(minibatches(images, 4, "dynamic", rng=rng)) for _ in range(2))
    assert not first & second
    drawn = prepare(images, "fixed", rng=np.random.default_rng(1))
    assert drawn.dtype == bool
    first, second = (as_set(minibatches(drawn, 4, "fixed", rng=rng)) for _ in range(2))
    assert len(first) == 8 and first == second


def test_the_fixed_draw_is_seeded_and_has_the_right_frequency():
    images = np.full((2500, 40), 100, np.uint8)  # more than one stride of a thousand
    drawn = prepare(images, "fixed", rng=np.random.default_rng(1))
    np.testing.assert_array_equal(prepare(images, "fixed", rng=np.random.default_rng(1)), drawn)
    assert (prepare(images, "fixed", rng=np.random.default_rng(2)) != drawn).any()
    p = 100 / 255
    assert abs(drawn.mean() - p) < 4.5 * np.sqrt(p * (1 - p) / drawn.size)
    assert (drawn[:1000] != drawn[1000:2000]).any()


@pytest.mark.parametrize("how", ["dynamic", "threshold", "none"])
def test_prepare_copies_nothing_unless_it_draws(how):
    images = np.random.default_rng(0).integers(0, 256, (20, 2, 3), dtype=np.uint8)
    assert np.shares_memory(prepare(images, how), images)
    flat = images.reshape(20, 6) > 99
    assert prepare(flat, "fixed") is flat or np.shares_memory(prepare(flat, "fixed"), flat)


@pytest.mark.parametrize("how", ["dynamic", "threshold", "none"])
def test_an_epoch_takes_no_more_memory_than_a_few_batches(how):
    """6,000 images: 4.7 MB as bytes, 18.8 MB as floats. A batch of 100 floats is 0.3 MB."""
    images = np.full((6000, 28, 28), 90, np.uint8)
    rng = np.random.default_rng(0)
    tracemalloc.start()
    for x in minibatches(prepare(images, how), 100, how, rng=rng):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_the_fixed_draw_takes_a_byte_a_pixel():
    images = np.full((6000, 28, 28), 90, np.uint8)
    tracemalloc.start()
    prepare(images, "fixed", rng=np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * images.size


GREY = numbered_images(6)

REFUSED = {
    "empty": ({"images": GREY[:0]}, "images must not be empty"),
    "axes": ({"images": GREY[0, 0]}, "images must have shape"),
    "range": ({"images": GREY * 1.0}, r"images must lie in \[0, 1\]; got a maximum of 255.0. Divide by 255\?"),
    "ints": ({"images": GREY.astype(int)}, "images must be uint8 .* got dtype int64"),
    "too large": ({"batch_size": 7}, "batch_size must not exceed the number of images; got 7 for 6 images"),
    "zero": ({"batch_size": 0}, "batch_size must be a positive int; got 0"),
    "negative": ({"batch_size": -3}, "batch_size must be a positive int; got -3"),
    "float": ({"batch_size": 2.0}, "batch_size must be a positive int; got 2.0"),
    "bool": ({"batch_size": True}, "batch_size must be a positive int; got True"),
    "rule": ({"how": "gumbel"}, "how must be one of"),
    "rng": ({"rng": None}, "rng must be a np.random.Generator; got None"),
    "undrawn": ({"how": "fixed"}, r"prepare\(images, 'fixed', rng=rng\)"),
}


@pytest.mark.parametrize("arguments, message", REFUSED.values(), ids=REFUSED)
def test_refused_before_the_first_batch(arguments, message):
    arguments = {"images": GREY, "batch_size": 2, "how": "dynamic", "rng": np.random.default_rng(0), **arguments}
    with pytest.raises(ValueError, match=message):
        minibatches(**arguments)


def test_prepare_refuses():
    with pytest.raises(ValueError, match="how must be one of"):
        prepare(GREY, "sometimes")


def test_the_inner_functions_check_nothing_twice(monkeypatch):
    """On the way from `train` to a batch, images are flattened, checked and sized once, in `prepare`."""
    import sys

    import minivae as mv

    counts = {}
    for module in ("binarize", "minibatches"):
        for name in ("checked_pixels", "flatten_images", "check_how"):
            original = getattr(sys.modules[f"minivae.data.{module}"], name, None)

            def counted(*args, original=original, name=name, **more):
                counts[name] = counts.get(name, 0) + 1
                return original(*args, **more)

            if original:
                monkeypatch.setattr(sys.modules[f"minivae.data.{module}"], name, counted)
    images = np.random.default_rng(0).random((12, 2, 3))
    mv.train(mv.VAE(6, (), 1), images, held_out=images[:4], epochs=3, batch_size=4, progress=False)
    assert counts == {"checked_pixels": 2, "flatten_images": 2, "check_how": 2}  # of two data sets


def test_deal_is_minibatches_of_what_prepare_returned():
    images = np.random.default_rng(0).integers(0, 256, (20, 6), dtype=np.uint8)
    for how in BINARIZATIONS:
        ready = prepare(images, how)
        for one, other in zip(deal(ready, 7, how, np.random.default_rng(1), "float32"),
                              minibatches(ready, 7, how, rng=np.random.default_rng(1))):
            np.testing.assert_array_equal(one, other)


def test_labels_do_not_hide_the_range_of_the_pixels():
    from minivae.model import join_labels

    dark = np.random.default_rng(0).integers(0, 17, (6, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match="images lie between 0 and 16: at the threshold, 127.5, every pixel would "
                                         "become 0"):
        prepare(join_labels(dark, np.arange(6) % 3, 3), "threshold", classes=3)


def test_levels_of_0_and_1_are_binary_already():
    pixels = GREY > 252
    for how in ("dynamic", "fixed", "threshold", "none"):
        prepared = prepare(pixels.astype(np.uint8), how)
        assert prepared.dtype == bool
        np.testing.assert_array_equal(prepared, pixels.reshape(len(pixels), -1))


def test_the_fixed_draw_is_the_same_for_everyone():
    images = np.full((50, 4, 4), 128, np.uint8)
    np.testing.assert_array_equal(prepare(images, "fixed"), prepare(images, "fixed"))
