"""What is known of an equation: its number, its formula, what it means and where the code has it."""

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
        The trace's symbol that it defines; for a hidden layer's output just "h". "d.z" for the gradient of the loss
        with respect to z; "d.W" and "d.b" of any layer's weights and bias. Several, if one line defines several.
    meaning : str
        What it says, in a few words.
    computed_by, differentiated_by : str or None
        The function that computes it and the one that differentiates it, as "module:name" within minivae.
    beside : str or None
        Where several equations define one symbol: another symbol, which a trace has where this one is meant.
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
