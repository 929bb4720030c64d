"""An equation of the derivation: its number, its formula, its meaning, and the code that implements it."""

from typing import NamedTuple

__all__ = ["Equation"]


class Equation(NamedTuple):
    """One line of the derivation.

    Attributes
    ----------
    number : str
        Notebook and place in it, such as "2.3".
    plain : str
        The formula as plain text.
    latex : str
        The formula as LaTeX, for mathematics mode.
    symbol : str or None
        The symbol of the trace that it defines, or several; "h" for the output of a hidden layer, "d.z" for the
        gradient of the loss with respect to z, "d.W" and "d.b" for those of any layer's weights and bias.
    meaning : str
        What it means, in a few words.
    computed_by, differentiated_by : str or None
        The function that computes it and the one that differentiates it, as "module:name" within minivae.
    beside : str or None
        If several equations define the symbol: another symbol, which a trace holds if this equation is meant.
    """

    number: str
    plain: str
    latex: str
    symbol: str | None
    meaning: str
    computed_by: str | None = None
    differentiated_by: str | None = None
    beside: str | None = None

    def __repr__(self):
        return f"({self.number})  {self.plain}    {self.meaning}"

    def _repr_latex_(self):  # what a notebook shows
        return f"$${self.latex} \\tag{{{self.number}}}$$"
