"""A movie of training, as a GIF: the same latents decoded after every epoch."""

import pathlib
import tempfile

import numpy as np
from matplotlib.animation import PillowWriter

from ..files import whole_file
from .mosaic import check_pictures, mosaic, with_minus_signs

__all__ = ["save_movie"]

HOLD = 5  # how many frames long the last one is shown


def save_movie(path, frames, image_shape, captions=None, *, columns=None, seconds=0.4, dots=60):
    """Write a movie of images that change, such as those decoded from the same latents after each epoch.

    Parameters
    ----------
    path : str or path-like
        A name that ends in .gif, in a folder that exists. The file is written whole or not at all.
    frames : sequence of ndarray, each of shape (n, D)
        The same n images at successive times. Values are clipped to [0, 1].
    image_shape : (int, int)
        Rows and columns of one image.
    captions : sequence of str, optional
        One for each frame, such as "epoch 3, ELBO -105.2"; by default "epoch 1" and so on.
    columns : int, optional
        Images side by side; by default about as many as rows.
    seconds : float, optional
        How long a frame is shown; the last one is shown five times as long.
    dots : int, optional
        Dots per inch; the picture is at most 8 inches wide.

    Raises
    ------
    ValueError
        If there are no frames, if they differ in shape, or if an argument does not fit.
    """
    path, frames = pathlib.Path(path), list(frames)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"path must end in .gif; got {path}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} to. Make it first?")
    if not frames:
        raise ValueError("frames must hold at least one array of images; got none.")
    captions = [f"epoch {i}" for i in range(1, len(frames) + 1)] if captions is None else list(captions)
    if len(captions) != len(frames):
        raise ValueError(f"captions must hold one for each of the {len(frames)} frames; got {len(captions)}.")
    if not seconds > 0:
        raise ValueError(f"seconds must be above 0; got {seconds}.")
    pictures = [check_pictures(f"frames[{i}]", frame, image_shape) for i, frame in enumerate(frames)]
    if len({picture.shape for picture in pictures}) > 1:
        raise ValueError("frames must hold the same number of images each; got "
                         f"{[len(picture) for picture in pictures]}.")
    across = columns or int(np.ceil(np.sqrt(len(pictures[0]))))
    writer = PillowWriter(fps=1 / seconds)
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "movie.gif"
        writer.setup(mosaic(pictures[0], across, "")[0], made, dpi=dots)
        for picture, caption in zip(pictures, captions):
            writer.fig, _ = mosaic(picture, across, with_minus_signs(caption))
            writer.grab_frame()
        for _ in range(HOLD - 1):
            writer.grab_frame()
        writer.finish()
        with whole_file(path) as file:
            file.write(made.read_bytes())
