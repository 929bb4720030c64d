"""The figures of the course: learning curves, images, the latent space, the chain and the sketch of a VAE.

A function that draws returns a matplotlib Figure, 8 inches wide, that belongs to no window and no pyplot state. Its
attribute ``alt`` describes it in words. It raises a ValueError if an array has the wrong shape, or values that are not
finite floats. Colours are those of Okabe and Ito, which colour-blind readers can tell apart.
"""

import pathlib

from ..files import whole_file
from . import backend  # noqa: F401  (must come first: it imports matplotlib)
from .bound import bound_curves
from .curves import learning_curves
from .graph import computation_graph
from .latent import latent_plane, latent_scatter, traversals
from .mosaic import image_grid, image_rows, reconstructions
from .movie import save_movie
from .schematic import schematic
from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, figure
from .v_curve import plot_step_error

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "PURPLE", "SKY", "VERMILLION", "bound_curves", "check_png",
           "computation_graph", "figure", "image_grid", "image_rows", "latent_plane", "latent_scatter",
           "learning_curves", "plot_step_error", "reconstructions", "save", "save_movie", "schematic",
           "traversals"]

DOTS = 150  # per inch, in files


def check_png(path, name="path"):
    """Raise a ValueError unless the path ends in .png, and a FileNotFoundError if its folder does not exist."""
    path = pathlib.Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{name} must end in .png; got {path}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {path.parent} to write {path.name} to. Make it first?")


def save(figure, path):
    """Write a figure to a PNG file, whole or not at all.

    Parameters
    ----------
    figure : Figure
    path : str or path
        Its folder must exist.
    """
    check_png(path)
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=DOTS)
