"""Shuffled minibatches of a data set, one epoch at a time.

The data set keeps one byte per pixel; only the current batch is converted to floats. Shapes: N images, B batch, D data
(pixels).
"""

import numpy as np

from .binarize import binarize_checked, check_how, draw_pixels
from .images import checked_pixels, flatten_images

__all__ = ["deal", "minibatches", "prepare"]

FIXED_SEED = 0


def prepare(images, how, *, rng=None, data_dim=None, classes=0, name="images"):
    """Prepare a data set for training, once: flatten it, check it, and draw its pixels if the draw is fixed.

    Parameters
    ----------
    images : ndarray, shape (N, rows, columns) or (N, D)
        uint8 grey levels; floats in [0, 1], or any finite floats for "none"; or booleans.
    how : {"dynamic", "fixed", "threshold", "none"}
        The rule by which ``binarize`` makes them binary.
    rng : np.random.Generator, optional
        For the one draw of "fixed". By default a generator with a constant seed, so that every run and every model
        sees the same pixels.
    data_dim : int, optional
        D, to check that the images have that many pixels; for a conditional model D + C.
    classes : int, optional
        C, how many of these columns are the label's.
    name : str, optional
        What to call the images in an error message.

    Returns
    -------
    images : ndarray, shape (N, D)
        For "fixed" an array of booleans, the same for every epoch; otherwise the flattened images. Binary images
        become booleans.

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
    for start in range(0, len(images), 1000):  # a thousand at a time, to need less memory
        drawn[start:start + 1000] = draw_pixels(images[start:start + 1000], rng)
    return drawn


def minibatches(images, batch_size, how, *, rng, dtype="float32"):
    """Go through the images once in a new random order, one minibatch at a time.

    Parameters
    ----------
    images : ndarray, shape (N, rows, columns) or (N, D)
        What ``prepare`` returned; or any images, if ``how`` is not "fixed".
    batch_size : int
        B, from 1 to N.
    how : {"dynamic", "fixed", "threshold", "none"}
        The rule by which ``binarize`` makes each minibatch binary.
    rng : np.random.Generator
        Shuffles the images, and draws the pixels if how is "dynamic".
    dtype : dtype, optional
        The model's.

    Returns
    -------
    batches : iterator of ndarray, shape (B, D)
        N // B batches, each a new array. The few images left over after the last whole batch are not used in this
        epoch.

    Raises
    ------
    ValueError
        At the call, not at the first batch: if there are fewer images than one batch, or an argument is wrong.
    """
    check_how(how)
    images = checked_pixels(flatten_images(images), how)
    check_batch_size(batch_size, len(images))
    if how == "fixed" and images.dtype.kind != "b":
        raise ValueError("images must be drawn once, before the first epoch, if how is 'fixed'; got grey levels. "
                         "Call images = prepare(images, 'fixed', rng=rng) first.")
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a np.random.Generator; got {rng!r}. Pass np.random.default_rng(seed)?")
    return deal(images, batch_size, how, rng, dtype)


def deal(images, batch_size, how, rng, dtype):
    """Do the work of ``minibatches``, without checks, on images that ``prepare`` has returned."""
    order = rng.permutation(len(images))
    for start in range(0, len(images) - batch_size + 1, batch_size):
        batch = images[order[start:start + batch_size]]  # (B, D), a byte a pixel
        yield binarize_checked(batch, how, rng, dtype)


def check_batch_size(batch_size, n_images):
    """Return batch_size as an int, or raise a ValueError unless it is positive and at most the number of images."""
    if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool) or batch_size < 1:
        raise ValueError(f"batch_size must be a positive int; got {batch_size!r}.")
    if batch_size > n_images:
        raise ValueError(f"batch_size must not exceed the number of images; got {batch_size} for {n_images} "
                         f"{'image' if n_images == 1 else 'images'}. Take a smaller batch, or more images.")
    return int(batch_size)
