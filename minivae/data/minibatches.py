"""Deals a data set out in shuffled minibatches, one epoch at a time.

The data set stays as it is, a byte a pixel; only the batch at hand becomes floats. Shapes: N images, B batch, D data
(pixels).
"""

import numpy as np

from .binarize import binarize_checked, check_how, draw_pixels
from .images import checked_pixels, flatten_images

__all__ = ["deal", "minibatches", "prepare"]

FIXED_SEED = 0


def prepare(images, how, *, rng=None, data_dim=None, classes=0, name="images"):
    """Make a data set ready for `deal`: flattened, checked, and drawn if the draw is fixed. This is done once.

    Parameters
    ----------
    images : ndarray, shape (N, rows, columns) or (N, D)
        uint8 grey levels; floats in [0, 1], for "none" any finite ones; or booleans.
    how : {"dynamic", "fixed", "threshold", "none"}
        How `binarize` is to treat them.
    rng : np.random.Generator, optional
        "fixed" draws from it, once, here; by default from a seed that never changes, so that every run and every model
        sees the same pixels.
    data_dim : int, optional
        D, if the images are to have that many pixels; for a conditional model D + C.
    classes : int, optional
        C, how many of these columns are the label's.
    name : str, optional
        What to call the images in an error message.

    Returns
    -------
    images : ndarray, shape (N, D)
        For "fixed" an array of booleans, the same for every epoch; otherwise the images themselves, flat. Those
        that are binary already become booleans.

    Raises
    ------
    ValueError
        If there are no images, their pixels are out of range, or the rule is unknown.
    """
    check_how(how)
    images = flatten_images(images, name)
    if data_dim is not None and images.shape[1] != data_dim:
        if classes:
            raise ValueError(f"{name} must have {data_dim} columns each for this model, {data_dim - classes} pixels "
                             f"and {classes} of a label; got {images.shape[1]}. Join them: join_labels({name}, labels, "
                             f"{classes}).")
        raise ValueError(f"{name} must have {data_dim} pixels each for this model; got {images.shape[1]}. Is it their "
                         "model?")
    if classes:
        checked_pixels(images[:, :-classes], how, name)  # the label's columns may be white where no pixel is
    images = checked_pixels(images, "none" if classes else how, name)
    if how != "fixed" or images.dtype.kind == "b":
        return images
    rng = np.random.default_rng(FIXED_SEED) if rng is None else rng
    drawn = np.empty(images.shape, dtype=bool)
    for start in range(0, len(images), 1000):  # by the thousand, to keep the random numbers few
        drawn[start:start + 1000] = draw_pixels(images[start:start + 1000], rng)
    return drawn


def minibatches(images, batch_size, how, *, rng, dtype="float32"):
    """Go once through the images in a fresh random order, a minibatch at a time.

    Parameters
    ----------
    images : ndarray, shape (N, rows, columns) or (N, D)
        What `prepare` returned, or any images if how is not "fixed".
    batch_size : int
        B, from 1 to N.
    how : {"dynamic", "fixed", "threshold", "none"}
        How `binarize` is to treat each minibatch.
    rng : np.random.Generator
        Shuffles the images, and draws the pixels if how is "dynamic".
    dtype : dtype, optional
        The model's.

    Returns
    -------
    batches : iterator of ndarray, shape (B, D)
        N // B of them, each a new array. The few images left after the last whole batch are left out of this epoch;
        the next one shuffles anew.

    Raises
    ------
    ValueError
        At once, not at the first batch: if there are no images, or fewer than a batch, or an argument is not what it
        should be.
    """
    check_how(how)
    images = checked_pixels(flatten_images(images), how)
    check_batch_size(batch_size, len(images))
    if how == "fixed" and images.dtype.kind != "b":
        raise ValueError("images must be drawn once before the first epoch if how is 'fixed'; got grey levels. "
                         "Call images = prepare(images, 'fixed', rng=rng) first.")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a np.random.Generator; got {rng!r}. Pass np.random.default_rng(seed)?")
    return deal(images, batch_size, how, rng, dtype)


def deal(images, batch_size, how, rng, dtype):
    """Do what `minibatches` does, with images that `prepare` has returned: nothing is checked again."""
    order = rng.permutation(len(images))
    for start in range(0, len(images) - batch_size + 1, batch_size):
        batch = images[order[start:start + batch_size]]  # (B, D), a byte a pixel
        yield binarize_checked(batch, how, rng, dtype)


def check_batch_size(batch_size, n_images):
    """Return batch_size as an int, or raise unless it is a positive one and there are images enough for one batch."""
    if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool) or batch_size < 1:
        raise ValueError(f"batch_size must be a positive int; got {batch_size!r}.")
    if batch_size > n_images:
        raise ValueError(f"batch_size must not exceed the number of images; got {batch_size} for {n_images} "
                         f"{'image' if n_images == 1 else 'images'}. Take a smaller batch, or more images.")
    return int(batch_size)
