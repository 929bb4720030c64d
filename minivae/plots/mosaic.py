"""Figures of images side by side, with thin lines between them and labels at the edges.

The checks of arguments that these figures share are here too. Images are grey, from 0, black, to 1, white. Shapes: n
images, D pixels, K latent.
"""

import io
import math
import re

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imsave

from .style import WIDTH

__all__ = ["as_png", "centre_ticks", "check_codes", "check_pictures", "count", "evenly", "image_grid", "image_rows",
           "mosaic", "reconstructions"]


def reconstructions(x, reconstructed, image_shape):
    """Show the first ten images above their reconstructions.

    Parameters
    ----------
    x : ndarray, shape (n, D)
        Originals.
    reconstructed : ndarray, shape (n, D)
        Images decoded from the means of their codes: pixel probabilities, or Gaussian means, which are clipped to
        [0, 1].
    image_shape : (int, int)
        Rows and columns of one image.

    Returns
    -------
    figure : Figure
    """
    x = check_pictures("x", x, image_shape)
    reconstructed = check_pictures("reconstructed", reconstructed, image_shape)
    if len(x) != len(reconstructed):
        raise ValueError(f"reconstructed must hold one image for each in x; got {len(reconstructed)} for {len(x)}.")
    x, reconstructed = x[:10], reconstructed[:10]
    figure, axes = mosaic(np.concatenate([x, reconstructed]), len(x),
                           "Originals and their reconstructions (means, not draws)")
    centre_ticks(axes.set_yticks, image_shape[0], ["original", "reconstruction"])
    figure.alt = (f"{count(len(x), 'original image')} in the upper row; below each its reconstruction, "
                  "the decoder's mean.")
    return figure


def image_grid(images, image_shape, title="Samples", columns=None):
    """Show images in a grid, such as samples from the model.

    Parameters
    ----------
    images : ndarray, shape (n, D)
        Values are clipped to [0, 1]; Gaussian means may be outside it.
    image_shape : (int, int)
        Rows and columns of one image.
    title : str, optional
    columns : int, optional
        Images side by side; by default the grid is about square.

    Returns
    -------
    figure : Figure
    """
    images = check_pictures("images", images, image_shape)
    height, width = image_shape
    across = columns or math.ceil(math.sqrt(len(images) * height / width))
    figure, _ = mosaic(images, min(max(across, 1), len(images)), title)
    figure.alt = f"{title}: a grid of {count(len(images), 'image')}."
    return figure


def image_rows(rows, image_shape, title=""):
    """Show images in rows, each with its label.

    Parameters
    ----------
    rows : dict of str to ndarray, shape (n, D)
        Images by label, the same number in each row. Values are clipped to [0, 1].
    image_shape : (int, int)
        Rows and columns of one image.
    title : str, optional

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If the rows are not of one length.
    """
    pictures = [check_pictures(f"rows[{label!r}]", images, image_shape) for label, images in rows.items()]
    lengths = {label: len(images) for label, images in rows.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"rows must all hold the same number of images; got {lengths}.")
    figure, axes = mosaic(np.concatenate(pictures), len(pictures[0]), title)
    centre_ticks(axes.set_yticks, image_shape[0], list(rows))
    figure.alt = f"{title}: rows of {count(len(pictures[0]), 'image')}, from the top: {', '.join(rows)}."
    return figure


def mosaic(pictures, across, title, xlabel=""):
    """Arrange pictures (n, rows, columns), ``across`` in each row, with thin lines between; one Axes, no ticks."""
    n, rows, columns = pictures.shape
    down = math.ceil(n / across)
    canvas = np.full((down * (rows + 1) + 1, across * (columns + 1) + 1), 0.5)
    for i, picture in enumerate(pictures):
        top, left = i // across * (rows + 1) + 1, i % across * (columns + 1) + 1
        canvas[top:top + rows, left:left + columns] = picture
    inches = min(6.8 / canvas.shape[1], 8 / canvas.shape[0], 1.5 / max(rows, columns))  # for a pixel
    stretch = min(max(1, 0.15 / (inches * (rows + 1))), max(1, columns / rows))  # to give very flat images more height
    height = inches * stretch * canvas.shape[0] + (1 if xlabel else 0.35)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.set_xlabel(xlabel)
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=1, aspect=stretch, interpolation="nearest")  # pixels as they are
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def centre_ticks(set_ticks, size, labels, which=None):
    """Label the middles of a mosaic's rows or columns: all of them, or those at the indices in ``which``."""
    which = range(len(labels)) if which is None else which
    set_ticks([i * (size + 1) + (size + 1) / 2 for i in which], [with_minus_signs(label) for label in labels])


def with_minus_signs(text):
    """Return the text with a minus sign before each negative number; hyphens between letters stay."""
    return re.sub(r"(?<!\w)-(?=[\d.])|(?<=\de)-(?=\d)", "\u2212", str(text))


def evenly(n):
    """Return six or seven indices into a line of n, symmetric and with both ends."""
    return sorted({round(i) for i in np.linspace(0, n - 1, min(n, 6 + n % 2))})


def check_pictures(name, images, image_shape):
    """Check images and return them as floats in [0, 1], shape (n, rows, columns)."""
    sides = image_shape if isinstance(image_shape, (tuple, list)) and len(image_shape) == 2 else (0, 0)
    if not all(isinstance(side, (int, np.integer)) and side > 0 for side in sides):
        raise ValueError(f"image_shape must be rows and columns, such as (28, 28); got {image_shape!r}.")
    rows, columns = sides
    images = np.asarray(images)
    if images.dtype.kind not in "fb":
        raise ValueError(f"{name} must be floats in [0, 1]; got dtype {images.dtype}. Divide by 255?")
    if images.ndim not in (2, 3) or len(images) == 0 or images[0].size != rows * columns:
        raise ValueError(f"{name} must have shape (n, {rows * columns}) for images of {rows} x {columns}; "
                         f"got {images.shape}.")
    if not np.isfinite(images).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity.")
    return np.clip(images.astype(float), 0, 1).reshape(-1, rows, columns)


def check_codes(mu):
    """Check latent means and return them as an array of floats, shape (n, K)."""
    mu = np.asarray(mu)
    if mu.dtype.kind != "f" or mu.ndim != 2 or mu.size == 0:
        raise ValueError(f"mu must be floats of shape (n, K), neither of them 0; got {mu.dtype} of {mu.shape}.")
    if not np.isfinite(mu).all():
        raise ValueError("mu must be finite; got NaN or infinity.")
    return mu.astype(float)


def count(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def as_png(image, magnify):
    """Return an image of grey levels in [0, 1], each pixel magnified to a square, as the bytes of a PNG."""
    file = io.BytesIO()
    imsave(file, np.kron(np.clip(image, 0, 1), np.ones((magnify, magnify))), cmap="gray", vmin=0, vmax=1, format="png")
    return file.getvalue()


def heat_map_png(rows, most):
    """Return a matrix as a picture of one pixel per number, as a PNG: blue at -most, white at 0, red at most."""
    file = io.BytesIO()
    imsave(file, rows, cmap="RdBu_r", vmin=-(most or 1), vmax=most or 1, format="png", metadata={"Software": None})
    return file.getvalue()
