"""The look that all figures share: width and colours, and an empty figure to draw in.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart. Lines in one figure also differ in dash
or marker.
"""

from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure

__all__ = ["WIDTH", "BLUE", "ORANGE", "GREEN", "VERMILLION", "PURPLE", "SKY", "GREY", "figure"]

WIDTH = 8  # inches
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#666666"

LOOK = {
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True, "grid.alpha": 0.3,
    "axes.titlesize": 11, "axes.prop_cycle": cycler(color=[BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, GREY]),
}


def figure(rows=1, columns=1, *, height=3.2, mosaic=None, **arguments):
    """Return an empty figure in the look of the course, 8 inches wide, and its axes.

    Parameters
    ----------
    rows, columns : int, optional
        Numbers of panels.
    height : float, optional
        In inches.
    mosaic : str, optional
        Panels of unequal size, in place of rows and columns: letters such as "ab;cc", for two panels above a wide one.
    **arguments
        For `matplotlib.figure.Figure.subplots`, or ``subplot_mosaic``, such as ``sharey=True``.

    Returns
    -------
    figure : Figure
        It belongs to no window and no pyplot state; show it with ``mv.show``.
    axes : Axes, or ndarray of Axes; by letter in a dict for a mosaic
    """
    with rc_context(LOOK):
        made = Figure(figsize=(WIDTH, height), layout="constrained")
        return made, made.subplot_mosaic(mosaic, **arguments) if mosaic else made.subplots(rows, columns, **arguments)
