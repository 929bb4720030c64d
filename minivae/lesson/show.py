"""Showing a figure in a notebook, with alt text. Outside a notebook the alt text is printed instead."""

import io
import sys

__all__ = ["in_notebook", "show"]

PIXELS_PER_INCH, SHOWN_PER_INCH = 160, 95  # nearly twice the resolution at which it is shown: sharp on a good screen


def in_notebook():
    """Return whether this runs in IPython: in a notebook's kernel or in its terminal."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def show(figure, alt=None):
    """Show a figure in the notebook, with a description for readers who cannot see it.

    Parameters
    ----------
    figure : matplotlib Figure
        From ``mv.plots``, or any other.
    alt : str, optional
        What the figure shows, in words: the kind of chart, the axes, what there is to see. By default the figure's
        attribute ``alt``, which all figures of ``mv.plots`` have.

    Raises
    ------
    ValueError
        If there is no description.
    """
    alt = " ".join((alt or getattr(figure, "alt", "")).split())
    if not alt:
        raise ValueError("alt is missing: say in a sentence what the figure shows, for readers who cannot see it.")
    if not in_notebook():
        print(alt)
        return
    from IPython.display import display

    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})  # the same bytes each time
    width = round(SHOWN_PER_INCH * figure.get_figwidth())
    display({"image/png": png.getvalue(), "text/plain": alt}, raw=True,
            metadata={"image/png": {"alt": alt, "width": width}})
