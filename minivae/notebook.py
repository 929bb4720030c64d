"""What the notebooks show beside numbers: figures with alt text, and the package's own source, live.

Outside a notebook a figure is described in words and source is printed.
"""

import inspect
import io
import sys
import textwrap

from .derivation import EQUATIONS, find, locate

__all__ = ["show", "show_source", "Source"]

PIXELS_PER_INCH, SHOWN_PER_INCH = 160, 95  # twice as fine as it is shown, nearly: sharp on a good screen


def show(figure, alt=None):
    """Show a figure in the notebook, with its description for those who cannot see it.

    Parameters
    ----------
    figure : matplotlib Figure
        From ``mv.plots``, or any other.
    alt : str, optional
        What the picture shows, in words: the kind of chart, the axes, what there is to see. By default the
        figure's attribute ``alt``, which all figures of ``mv.plots`` carry.

    Raises
    ------
    ValueError
        If there is no description.
    """
    alt = " ".join((alt or getattr(figure, "alt", "")).split())
    if not alt:
        raise ValueError("alt is missing: say in a sentence what the figure shows, for readers who cannot see it.")
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        print(alt)  # no notebook: the words stand for the picture
        return
    from IPython.display import display

    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})  # the same bytes each time
    width = round(SHOWN_PER_INCH * figure.get_figwidth())
    display({"image/png": png.getvalue(), "text/plain": alt}, raw=True,
            metadata={"image/png": {"alt": alt, "width": width}})


def show_source(function, since=None, until=None, *, docstring=False):
    """Show a function of the package as it stands in its file, with the equations that it implements.

    Parameters
    ----------
    function : str
        As in the registry of equations: "kernels:dense_backward", "model.vae:VAE.forward".
    since, until : str, optional
        Show only the lines from the first that contains ``since`` to the next that contains ``until``; ``since``
        alone shows one line.
    docstring : bool, optional
        Whether to show the docstring too.

    Returns
    -------
    source : Source
        Shows itself; let it be a cell's last line.

    Raises
    ------
    ValueError
        If no line contains ``since`` or ``until``.

    Examples
    --------
    ``mv.show_source("kernels:reparameterize_backward", "dmu =", "dsigma =")`` shows the two lines that matter.
    """
    return Source(function, since, until, docstring)


class Source:
    """Lines of a function of the package, read from its file.

    Attributes
    ----------
    function, file : str
    line : int
        Where the lines begin.
    code : str
    equations : list of Equation
        Those that the registry says the function computes, or differentiates.
    """

    def __init__(self, function, since=None, until=None, docstring=False):
        self.function, self.file, self.line = locate(function)
        lines, numbers = _lines(find(function), docstring)
        if since is not None:
            start = _first(lines, since, 0, function)
            stop = start if until is None else _first(lines, until, start, function)
            lines, numbers = lines[start:stop + 1], numbers[start:stop + 1]
        self.line, self.code = numbers[0], textwrap.dedent("\n".join(lines)).strip("\n")
        own = [e for e in EQUATIONS if function == e.computed_by]
        self.equations = own or [e for e in EQUATIONS if function == e.differentiated_by]

    def __repr__(self):
        return f"{self.file}:{self.line}  {self.function}\n{self.code}"

    def _repr_markdown_(self):
        numbers = ", ".join(entry.number for entry in self.equations)
        cited = f" · equation{'s' * (len(self.equations) > 1)} {numbers}" if numbers else ""
        return f"`{self.file}:{self.line}` · `{self.function}`{cited}\n\n```python\n{self.code}\n```"


def _lines(function, docstring):
    """A function's source lines and their numbers in the file, with the docstring or without."""
    lines, start = inspect.getsourcelines(function)
    lines = [line.rstrip("\n") for line in lines]
    numbers = list(range(start, start + len(lines)))
    quotes = [i for i, line in enumerate(lines) if '"""' in line]
    if function.__doc__ and not docstring:
        last = quotes[0] if lines[quotes[0]].count('"""') == 2 else quotes[1]
        del lines[quotes[0]:last + 1], numbers[quotes[0]:last + 1]
    return lines, numbers


def _first(lines, text, start, function):
    for i in range(start, len(lines)):
        if text in lines[i]:
            return i
    raise ValueError(f"no line of {function} contains {text!r}" + (" from there on." if start else "."))
