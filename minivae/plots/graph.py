"""The figure of the chain from data to loss: each symbol with its value and gradient, and arrows to what uses it."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ..derivation import equation_of
from ..model import Trace
from .style import BLUE, GREY, VERMILLION, WIDTH

__all__ = ["computation_graph"]

ROW = 0.68                    # inches
BOX = np.array([0.86, 0.66])  # width and height of a box, in columns and rows
MOST = 4                      # numbers that a box shows; for more, it shows the range
COLUMNS = {"log_var": 1, "sigma": 1, "eps": 1, "kl": 2}  # of the boxes that are not in column 0


def computation_graph(d, example=0):
    """Draw every symbol of one pass of a VAE, with its value and gradient for one example of the batch.

    Parameters
    ----------
    d : Trace
        The trace of gradients from ``VAE.backward``. The values are those of its forward trace.
    example : int, optional
        Which row of the batch. The loss is that of the whole batch.

    Returns
    -------
    figure : Figure
        The forward pass goes from top to bottom, the backward pass from bottom to top; each value and gradient has the
        number of its equation. Where two arrows leave a symbol, two gradients add. The elbo is left out, because it is
        only reported.

    Raises
    ------
    ValueError
        If d is not a plain VAE's trace of gradients, or has no such example.
    """
    t = d.forward if isinstance(d, Trace) else None
    if t is None or t.chain.get("z") != ("mu", "sigma", "eps") or {"label", "log_weight"} & set(t):
        raise ValueError("d must be the trace of gradients that VAE.backward returned.")
    if not 0 <= example < len(t.x):
        raise ValueError(f"example must be at least 0 and less than {len(t.x)}, the batch's size; got {example}.")
    places, arrows = _layout(t)
    rows = 1 + max(row for _, row in places.values())
    figure = Figure(figsize=(WIDTH, ROW * rows + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.55, 2.45), ylim=(rows - 0.5, -0.5))
    axes.axis("off")
    axes.set_title("What each symbol is (=), and how the loss changes with it (∂)", fontsize=11)
    for start, end in arrows:
        _arrow(axes, places[start], places[end], set(places.values()))
    for symbol, place in places.items():
        _box(axes, place, symbol, d, example)
    figure.alt = (f"A flow chart of {len(places)} boxes from x at the top through mu, log_var, sigma and z to the loss "
                  "at the bottom; each holds a symbol's value and its gradient. From mu and from log_var two arrows "
                  "leave, one towards z and one to the KL; from x one goes to the encoder and one to the "
                  f"log-likelihood. Example {example}: dz {_numbers(_row(d.z, example))}, dmu "
                  f"{_numbers(_row(d.mu, example))}.")
    return figure


def _layout(t):
    """Return the (column, row) of each symbol, and the arrows between symbols, without the elbo, which enters none.

    A symbol is one row below the lowest of those that it is made from, and the noise is beside z.
    """
    arrows = [(source, symbol) for symbol, sources in t.chain.items() for source in sources
              if source in t and symbol != "elbo"]
    rows = {}
    for symbol in t:
        rows[symbol] = 1 + max((rows[source] for source, user in arrows if user == symbol), default=-1)
    rows["eps"] = rows["z"]
    return {symbol: (COLUMNS.get(symbol, 0), rows[symbol]) for symbol in t if symbol != "elbo"}, arrows


def _arrow(axes, start, end, taken):
    """Draw an arrow from box to box by the shortest way around the boxes between them."""
    (column, row), (to_column, to_row) = start, end
    half = BOX / 2
    between = {(column, place) for place in range(row + 1, to_row)}
    if column == to_column and taken & between:  # along the left margin
        left = column - half[0]
        axes.plot([left, left - 0.08, left - 0.08], [row, row, to_row], color=GREY, linewidth=1)
        ends = (left - 0.08, to_row), (left, to_row)
    elif row == to_row:
        ends = (column - half[0], row), (to_column + half[0], to_row)
    elif column == to_column:
        ends = (column, row + half[1]), (to_column, to_row - half[1])
    elif to_column > column:   # to the right and down: from the lower right corner
        ends = (column + half[0] - 0.06, row + half[1]), (to_column - half[0] + 0.06, to_row - half[1])
    elif to_row - row == 1:    # to the left and down, next row
        ends = (column - half[0] + 0.06, row + half[1]), (to_column + half[0] - 0.06, to_row - half[1])
    else:                      # from afar: to the side
        ends = (column, row + half[1]), (to_column + half[0], to_row)
    bent = {"connectionstyle": "angle,angleA=90,angleB=0,rad=8"} if to_row - row > 2 and column != to_column else {}
    axes.annotate("", xy=ends[1], xytext=ends[0],
                  arrowprops=dict(arrowstyle="-|>", color=GREY, linewidth=1, shrinkA=0, shrinkB=0, **bent))


def _box(axes, place, symbol, d, example):
    """Draw a symbol's name, value and gradient, and to their right the numbers of their equations."""
    corner, (width, height) = np.array(place) - BOX / 2, BOX
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.06", facecolor="white",
                                  edgecolor="black", linewidth=0.8, mutation_aspect=2))
    value, gradient = d.forward[symbol], d[symbol]
    lines = [(symbol, "black", None), (f"= {_numbers(_row(value, example))}", BLUE, equation_of(symbol, d)),
             ("no gradient" if gradient is None else f"∂ {_numbers(_row(gradient, example))}", VERMILLION,
              equation_of(f"d.{symbol}", d))]
    for line, (text, colour, entry) in enumerate(lines):
        y = corner[1] + (0.2 + 0.3 * line) * height
        axes.text(corner[0] + 0.03, y, text, color=colour, fontsize=7.5, family="monospace", va="center",
                  fontweight="bold" if line == 0 else "normal")
        axes.text(corner[0] + width - 0.03, y, entry.number if entry else "", color=GREY, fontsize=6.5, va="center",
                  ha="right")


def _row(array, example):
    return np.atleast_1d(array if np.ndim(array) == 0 else array[example])


def _numbers(row):
    if len(row) > MOST:
        return f"{row.min():.3f} … {row.max():.3f}"
    return " ".join(f"{number:.3f}" for number in row)
