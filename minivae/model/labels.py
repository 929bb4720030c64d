"""Labels beside data or latents: one-hot columns at the end of each row, as a conditional VAE takes them.

Shapes: N rows, D data (pixels), C classes.
"""

import numpy as np

from ..data.images import is_binary
from .arguments import positive_integer

__all__ = ["join_labels", "join"]


def join_labels(rows, labels, classes):
    """Join each row of pixels, or of latents, with its label as one-hot columns.

    Parameters
    ----------
    rows : ndarray, shape (N, D) or (N, height, width)
        Grey levels as uint8, booleans, or floats.
    labels : array-like of int, shape (N,)
        From 0 to C - 1.
    classes : int
        C.

    Returns
    -------
    joined : ndarray, shape (N, D + C)
        Of the same dtype. The column of the label has 1; in uint8 it has 255, white, which binarization turns into 1.

    Raises
    ------
    ValueError
        If there are no rows, not one label for each row, or a label that is not a class.
    """
    rows, labels, classes = np.asarray(rows), np.asarray(labels), positive_integer("classes", classes)
    if rows.ndim < 2 or rows.size == 0:
        raise ValueError(f"rows must have shape (N, D) or (N, height, width), N at least 1; got {rows.shape}. Is it "
                         "one example? Then rows.reshape(1, -1).")
    if labels.shape != (len(rows),):
        raise ValueError(f"labels must have shape (N,), one for each of the N = {len(rows)} rows; got {labels.shape}.")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"each label must be a whole number from 0 to {classes - 1}; got dtype {labels.dtype}. "
                         "Convert the labels with .astype(int)?")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(f"each label must be a whole number from 0 to {classes - 1}, of {classes} classes; got "
                         f"{wrong[0]}.")
    if is_binary(rows):
        rows = rows.astype(bool, copy=False)
    on = 255 if rows.dtype == np.uint8 else 1
    one_hot = (on * (labels[:, None] == np.arange(classes))).astype(rows.dtype)  # (N, C)
    return np.concatenate([rows.reshape(len(rows), -1), one_hot], axis=1)


def join(x, label):
    """Put the columns of x and of the label side by side."""
    return np.concatenate([x, label], axis=1)
