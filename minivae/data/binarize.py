"""Binarization: grey levels become the zeros and ones that a Bernoulli likelihood describes.

A grey level is read as the probability that its pixel is on. The rule of binarization is part of a data set's
definition: numbers of nats under different rules cannot be compared.
"""

import numpy as np

from .images import checked_pixels

__all__ = ["BINARIZATIONS", "binarize"]

BINARIZATIONS = {
    "dynamic": "a new draw of every pixel in each epoch, on with the probability given by its grey level",
    "fixed": "one such draw, kept for all epochs (our own draw, not the file that some papers share)",
    "threshold": "on where the grey level is above one half of white",
    "none": "grey levels left as they are, from 0 to 1: under a Bernoulli the nats are a loose lower bound on those "
            "of \"dynamic\"",
}


def binarize(images, how, *, rng=None, dtype="float32"):
    """Make every pixel 0 or 1, by one of four rules.

    Parameters
    ----------
    images : ndarray, any shape
        uint8 grey levels from 0 to 255; floats in [0, 1], or any finite floats for "none"; or booleans. Booleans, and
        uint8 of which none is above 1, are already binary, and no rule changes them.
    how : {"dynamic", "fixed", "threshold", "none"}
        ``BINARIZATIONS`` says what each means. "fixed" draws like "dynamic"; the difference is that the caller keeps
        the result for all epochs.
    rng : np.random.Generator, optional
        For the draws of "dynamic" and "fixed".
    dtype : dtype, optional
        Of the result: a float type; or bool, one byte per pixel, except for "none".

    Returns
    -------
    pixels : ndarray, shape of images
        A new array.

    Raises
    ------
    ValueError
        If the rule is unknown, the pixels are out of range, a threshold would make them all equal, or rng or dtype
        has the wrong type.

    Notes
    -----
    For uint8, P(pixel = 1) is exactly grey / 255: a pixel of 255 is always on, and one of 0 never.

    References
    ----------
    Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, 2008, for such draws. Burda, Grosse &
    Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5 and, on one fixed draw, appendix D.
    """
    check_how(how)
    images = checked_pixels(images, how)
    dtype = np.dtype(dtype)
    if dtype.kind != "f" and (dtype.kind != "b" or how == "none"):
        raise ValueError(f"dtype must be a float, or bool unless how is 'none'; got {dtype}.")
    return binarize_checked(images, how, rng, dtype)


def binarize_checked(images, how, rng, dtype):
    """Do the work of ``binarize``, on pixels that ``checked_pixels`` has returned or on some of them."""
    if images.dtype.kind == "b":
        return images.astype(dtype)
    if how == "none":
        return np.divide(images, white_of(images), dtype=dtype)
    if how == "threshold":
        return (images > white_of(images) / 2).astype(dtype)
    return draw_pixels(images, rng).astype(dtype, copy=False)


def white_of(images):
    """Return the number that means white: 255 for grey levels in bytes, 1 otherwise."""
    return 255 if images.dtype == np.uint8 else 1


def draw_pixels(images, rng):
    """Draw each pixel once, as a boolean, on with the probability given by its grey level."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a np.random.Generator to draw pixels; got {rng!r}. "
                         "Pass rng=np.random.default_rng(seed)?")
    if images.dtype == np.uint8:
        # of the 255 equally likely values 0 to 254, exactly g are below the grey level g
        return rng.integers(0, 255, images.shape, dtype=np.uint8) < images
    return rng.random(images.shape) < images


def check_how(how):
    """Raise a ValueError unless ``how`` is the name of a rule."""
    if how not in BINARIZATIONS:
        raise ValueError(f"how must be one of {', '.join(BINARIZATIONS)}; got {how!r}.")
