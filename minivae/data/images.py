"""What counts as images here, and the two checks that every array of them passes.

Pixels are uint8 grey levels from 0 to 255, floats, or booleans, which are binary already. Floats that are to
be binarized must lie in [0, 1]. Shapes: N images, D pixels.
"""

import numpy as np

__all__ = ["check_pixels", "flatten_images"]


def check_pixels(images, binary=True, name="images"):
    """Raise unless the pixels are uint8, floats, or booleans, and floats are in range.

    Parameters
    ----------
    images : ndarray
        Of any shape.
    binary : bool, optional
        Whether the pixels are to be made 0 or 1, for which floats must lie in [0, 1]. Otherwise they need only
        be finite: it is the model's likelihood that knows its range.

    Raises
    ------
    ValueError
        Naming what came and what was expected.
    """
    if not isinstance(images, np.ndarray):
        raise ValueError(f"{name} must be a NumPy array; got a {type(images).__name__}. Wrap it in np.asarray?")
    if images.dtype == np.uint8 or images.dtype.kind == "b" or images.size == 0:
        return
    if images.dtype.kind != "f":
        raise ValueError(f"{name} must be uint8 grey levels from 0 to 255, floats in [0, 1] or booleans; got dtype "
                         f"{images.dtype}. Convert grey levels with images.astype(np.uint8)?")
    lowest, highest = float(images.min()), float(images.max())
    if not np.isfinite([lowest, highest]).all():
        what = "NaN" if np.isnan(lowest) else "infinity"
        raise ValueError(f"{name} must be finite; got {what}. Was there a division by zero where they were made?")
    if binary and highest > 1:
        raise ValueError(f"{name} must lie in [0, 1]; got a maximum of {highest}. Divide by 255?")
    if binary and lowest < 0:
        raise ValueError(f"{name} must lie in [0, 1]; got a minimum of {lowest}. Undo a normalization?")


def flatten_images(images, name="images"):
    """Lay the pixels of each image in one row.

    Parameters
    ----------
    images : ndarray, shape (N, rows, columns) or (N, D)
        Grey levels.

    Returns
    -------
    rows : ndarray, shape (N, D)
        Of the same dtype; a view of the images if they lie contiguous in memory.

    Raises
    ------
    ValueError
        If there are no images, or they have another number of axes.
    """
    if not isinstance(images, np.ndarray):
        which = " Pass one part of it, such as data.train_images?" if isinstance(images, tuple) else " Wrap it in np.asarray?"
        raise ValueError(f"{name} must be a NumPy array; got a {type(images).__name__}.{which}")
    if images.ndim not in (2, 3):
        one = " Is it one image? Then images[None]." if images.ndim == 1 else ""
        raise ValueError(f"{name} must have shape (N, rows, columns) or (N, D); got {images.shape}.{one}")
    if images.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {images.shape}.")
    return images.reshape(len(images), -1)
