"""Turns grey levels into the zeros and ones that a Bernoulli likelihood is about.

A grey level is read as the probability that its pixel is on. Binarization is part of a data set's definition:
a number of nats means nothing without its rule, and numbers under different rules answer different questions.
"""

import numpy as np

from .images import checked_pixels

__all__ = ["BINARIZATIONS", "binarize"]

BINARIZATIONS = {
    "dynamic": "a fresh draw of every pixel each epoch, on with the probability that its grey level says",
    "fixed": "one such draw, kept for all epochs (our own draw, not the file that some papers share)",
    "threshold": "on where the grey level is above one half of white",
    "none": "grey levels left as they are, from 0 to 1: under a Bernoulli the nats are a loose lower bound on those "
            "of \"dynamic\"",
}


def binarize(images, how, *, rng=None, dtype="float32"):
    """Make the pixels of images 0 or 1, by one of four rules.

    Parameters
    ----------
    images : ndarray, any shape
        uint8 grey levels from 0 to 255; floats in [0, 1], for "none" any finite ones; or booleans. Booleans, and uint8
        of which none is above 1, are binary already, and every rule leaves them as they are.
    how : {"dynamic", "fixed", "threshold", "none"}
        ``BINARIZATIONS`` says what each means. A call with "fixed" is a call with "dynamic"; the difference is that
        the caller keeps what "fixed" returns.
    rng : np.random.Generator, optional
        For the draws of "dynamic" and "fixed".
    dtype : dtype, optional
        Of the result: a float, or bool, which takes a byte a pixel and is not for "none".

    Returns
    -------
    pixels : ndarray, shape of images
        A new array.

    Raises
    ------
    ValueError
        If the rule is unknown, the pixels are out of range, a threshold would make them all alike, or rng or dtype is
        not of the right kind.

    Notes
    -----
    P(pixel = 1) = grey / 255 exactly, for uint8: a 255 is always on and a 0 never.

    References
    ----------
    Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, 2008: pixels drawn so. Burda, Grosse &
    Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5 and, on one fixed draw, appendix D.
    """
    check_how(how)
    images = checked_pixels(images, how)
    dtype = np.dtype(dtype)
    if dtype.kind != "f" and (dtype.kind != "b" or how == "none"):
        raise ValueError(f"dtype must be a float, or bool unless how is 'none'; got {dtype}.")
    return binarize_checked(images, how, rng, dtype)


def binarize_checked(images, how, rng, dtype):
    """Do what `binarize` does, to pixels that `checked_pixels` has returned or to some of these."""
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
    """Draw each pixel once, as a boolean, on with the probability that its grey level says."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a np.random.Generator to draw pixels; got {rng!r}. "
                         "Pass rng=np.random.default_rng(seed)?")
    if images.dtype == np.uint8:
        # 255 values, 0 to 254, equally likely; of these, as many as the grey level says are below it
        return rng.integers(0, 255, images.shape, dtype=np.uint8) < images
    return rng.random(images.shape) < images


def check_how(how):
    """Raise unless how names a rule."""
    if how not in BINARIZATIONS:
        raise ValueError(f"how must be one of {', '.join(BINARIZATIONS)}; got {how!r}.")
