"""The figure of a finite difference's error against its step, a V, with the smaller error of extrapolation."""

import numpy as np
from matplotlib.figure import Figure

from ..gradcheck import step_error
from .style import BLUE, GREEN, GREY, VERMILLION, WIDTH

__all__ = ["plot_step_error"]


def plot_step_error(f, at, name=None, index=(), exact=None):
    """Draw the error of a central difference against its step, for one number, with its two causes.

    Parameters
    ----------
    f, at, name, index, exact
        As for ``minivae.gradcheck.step_error``, which measures the errors.

    Returns
    -------
    figure : Figure

    Notes
    -----
    On logarithmic axes the truncation error, h**2 f'''/6, has slope 2, and the rounding error, that of the values
    divided by 2h, has slope -1. The horizontal line is the estimated error of the extrapolated derivative; a diamond
    shows its true error, if ``exact`` is given.

    References
    ----------
    Press et al., Numerical Recipes, 3rd edition, section 5.7.
    """
    v = step_error(f, at, name, index, exact)
    figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.loglog(v.steps, v.errors, "o", color=BLUE, markersize=4, label="central difference")
    if v.truncation.any():
        axes.loglog(v.steps, v.truncation, "--", color=VERMILLION, label="truncation, slope 2")
    axes.loglog(v.steps, v.rounding, ":", color=GREEN, label="rounding, slope −1", linewidth=2)
    axes.axhline(v.error, color="black", linewidth=1, label="extrapolated: its estimated error")
    seen = v.errors[v.errors > 0]
    lowest = min(seen.min(), v.error or seen.min())
    if exact is not None:
        true_error = max(abs(v.value - exact), np.finfo(float).eps * abs(exact), 1e-300)  # a logarithmic axis has no 0
        axes.loglog(v.step, true_error, "D", color="black", markersize=6, label="extrapolated: its true error")
        axes.annotate("its true error", (v.step, true_error), (0, 9), textcoords="offset points", ha="center")
        lowest = min(lowest, true_error)
    axes.axvline(v.best_step, color=GREY, linewidth=1, linestyle="-.", label="best step of a central difference")
    axes.set_ylim(0.1 * lowest, 10 * seen.max())
    axes.set_xlabel("step h, in the number's own unit")
    axes.set_ylabel("error of the slope, in its own unit")
    axes.set_title(f"Error of a finite difference against its step; extrapolated slope {v.value:.10g} ± {v.error:.1g}",
                   fontsize=11)
    axes.grid(alpha=0.3)
    name_the_lines(axes, v)
    falls = "falls with slope 2" if v.truncation.any() else "shows no slope of 2"
    figure.alt = (f"A V on logarithmic axes: the error of a central difference {falls} as the step shrinks to "
                  f"{v.best_step:.0e} and then rises with slope minus 1. A horizontal line marks the extrapolated "
                  f"value's estimated error, {v.error:.0e}"
                  + (f", and a diamond its true error, {true_error:.0e}." if exact is not None else "."))
    return figure


def name_the_lines(axes, v):
    """Write the name of each line beside it, in place of a legend."""
    def write(words, at, offset, **look):
        axes.annotate(words, at, offset, textcoords="offset points", **look)

    right, left = len(v.steps) // 8, -len(v.steps) // 5  # the longest step comes first
    if v.truncation.any():
        write("truncation, slope 2", (v.steps[right], v.truncation[right]), (-10, 4), color=VERMILLION, ha="right")
    write("rounding, slope −1", (v.steps[left], v.rounding[left]), (12, 12), color=GREEN)
    write("estimated error of the extrapolated slope", (v.steps.min(), v.error), (0, -14))
    write("best step of a\ncentral difference", (v.best_step, axes.get_ylim()[0]), (6, 6), color=GREY)
