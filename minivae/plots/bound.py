"""The figure of the importance-weighted bound against the number of draws, which rises towards log p(x)."""

import numpy as np
from matplotlib.ticker import NullLocator

from .style import BLUE, GREEN, PURPLE, SKY, VERMILLION, figure

__all__ = ["bound_curves"]

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, SKY)
MARKERS = "os^Dv"


def bound_curves(curves):
    """Draw the bound against the number of draws, a line for each model, with two standard errors on either side.

    Parameters
    ----------
    curves : dict of str to BoundCurve
        Up to five curves from ``minivae.evaluation.bound_curve``, by the names to show.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there are no curves, or more than five.
    """
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"curves must hold between 1 and {len(COLOURS)} curves by name; got {len(curves)}.")
    drawing, axes = figure(height=4.2)
    sentences = []
    for (name, curve), colour, marker in zip(curves.items(), COLOURS, MARKERS):
        samples, bound, error = (np.asarray(column, dtype=float) for column in curve)
        axes.errorbar(samples, bound, 2 * np.nan_to_num(error), color=colour, marker=marker, markersize=4, capsize=3,
                      label=name)
        sentences.append(f"{name} goes from {bound[0]:.1f} nats at {samples[0]:,.0f} to {bound[-1]:.1f} at "
                         f"{samples[-1]:,.0f}")
    axes.set_xscale("log")
    measured = sorted({size for curve in curves.values() for size in curve.samples})
    axes.set_xticks(measured, [f"{size:,}" for size in measured])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("draws of z per image, S")
    axes.set_ylabel("nats per image")
    axes.set_title("The bound rises from the ELBO (S = 1) towards log p(x)", fontsize=11)
    axes.legend(frameon=False, loc="lower right")
    drawing.alt = ("A line chart, its horizontal axis logarithmic, of the importance-weighted bound against the number "
                   "of draws: " + "; ".join(sentences) + ".")
    return drawing
