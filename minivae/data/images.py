"""Arrays of images: what is accepted, and the check of their pixels.

Pixels are uint8 grey levels from 0 to 255, floats, or booleans. Floats that are to become 0 or 1 must lie in [0, 1].
Images are binary if they are booleans, or uint8 of which none is above 1. Shapes: N images, D pixels.
"""

import warnings

import numpy as np

__all__ = ["checked_pixels", "flatten_images", "is_binary", "range_hint"]


def is_binary(images):
    """Return whether pixels are already binary: booleans, or uint8 of which none is above 1.

    Only this function decides it. As a grey level out of 255, a uint8 of 1 would be almost black.
    """
    return images.dtype.kind == "b" or images.dtype == np.uint8 and (images.size == 0 or images.max() <= 1)


def checked_pixels(images, how, name="images"):
    """Check pixels once, before they are binarized.

    Parameters
    ----------
    images : ndarray
        Of any shape.
    how : {"dynamic", "fixed", "threshold", "none"}
        The rule that ``binarize`` will use. Under "none" floats need only be finite; the model checks their range.
    name : str, optional
        What to call the images in an error message.

    Returns
    -------
    images : ndarray
        The same array; as booleans if it is binary already.

    Raises
    ------
    ValueError
        If the pixels are not uint8, floats or booleans, are out of range, or would all become equal. The message says
        what their range suggests.

    Warns
    -----
    UserWarning
        If all uint8 grey levels are below one half of 255, as those from 0 to 16 are.
    """
    if not isinstance(images, np.ndarray):
        raise ValueError(f"{name} must be a NumPy array; got a {type(images).__name__}. Wrap it in np.asarray?")
    if is_binary(images):
        return images.astype(bool, copy=False)
    if images.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be uint8 grey levels from 0 to 255, floats in [0, 1] or booleans; got dtype "
                         f"{images.dtype}.")
    if images.size == 0:
        return images
    low, high = images.min().item(), images.max().item()
    if images.dtype.kind != "f" and images.dtype != np.uint8:
        raise ValueError(f"{name} must be uint8 grey levels from 0 to 255, floats in [0, 1] or booleans; got dtype "
                         f"{images.dtype}, from {low} to {high}. {_conversion(low, high, name)}")
    if not np.isfinite([low, high]).all():
        what = "NaN" if np.isnan(low) else "infinity"
        raise ValueError(f"{name} must be finite; got {what}. Was there a division by zero where they were made?")
    white = 255 if images.dtype == np.uint8 else 1
    if how != "none" and not 0 <= low <= high <= white:
        worst = f"minimum of {low}" if low < 0 else f"maximum of {high}"
        raise ValueError(f"{name} must lie in [0, 1]; got a {worst}. {range_hint(low, high)}")
    if how == "threshold" and low < high and (low > white / 2) == (high > white / 2):
        level = int(low > white / 2)
        remedy = "Take another rule, such as dynamic." if level else (
            f"Spread them from 0 to {white}: {name} * ({white} / {high:g})?")
        raise ValueError(f"{name} lie between {low} and {high}: at the threshold, {white / 2}, every pixel would "
                         f"become {level}. {remedy}")
    if white == 255 and low < high < 128:
        warnings.warn(f"{name} are uint8 from {low} to {high}, and 255 means white: they will be very dark. If {high} "
                      f"is white, give {name} / {high}.", stacklevel=3)
    return images


def _conversion(low, high, name):
    """Return how to turn whole numbers of another dtype into pixels."""
    if 0 <= low and high <= 1:
        return f"Convert them with {name}.astype(bool)?"
    if 0 <= low and 128 <= high <= 255:
        return f"Convert them with {name}.astype(np.uint8)?"
    return range_hint(low, high)


def range_hint(low, high):
    """Return what the range of pixels suggests, if it is not [0, 1].

    Parameters
    ----------
    low, high : float
        The smallest pixel and the largest.

    Returns
    -------
    hint : str
        A question, or a piece of advice.
    """
    if low < 0:
        return ("Map [-1, 1] to [0, 1] with (x + 1) / 2?" if -1 <= low and high <= 1 else
                "Were they standardized? Undo it, or model real numbers: likelihood gaussian, binarize none.")
    if 128 <= high <= 65535:
        bits = max(8, int(high).bit_length())
        return f"Divide by {2**bits - 1}?"
    if high < 128 and high == int(high):
        return f"Is {high:g} white? Then divide by {high:g}."
    return ("Divide by the largest number that a pixel can be, or model real numbers: likelihood gaussian, binarize "
            "none.")


def flatten_images(images, name="images"):
    """Put the pixels of each image in one row.

    Parameters
    ----------
    images : ndarray, shape (N, rows, columns) or (N, D)
        Grey levels.
    name : str, optional
        What to call the images in an error message.

    Returns
    -------
    rows : ndarray, shape (N, D)
        Of the same dtype; a view if the images are contiguous in memory.

    Raises
    ------
    ValueError
        If there are no images, or the number of axes is wrong.
    """
    if not isinstance(images, np.ndarray):
        remedy = ("Pass one part of it, such as data.train_images" if isinstance(images, tuple)
                  else "Wrap it in np.asarray")
        raise ValueError(f"{name} must be a NumPy array; got a {type(images).__name__}. {remedy}?")
    if images.ndim not in (2, 3):
        one = " Is it one image? Then images[None]." if images.ndim == 1 else ""
        raise ValueError(f"{name} must have shape (N, rows, columns) or (N, D); got {images.shape}.{one}")
    if images.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {images.shape}.")
    return images.reshape(len(images), -1)
