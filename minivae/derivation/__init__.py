"""The derivation: the list of all equations, a search by number or symbol, and the source code beside each."""

from .equations import EQUATIONS, Equation
from .registry import as_table, equation, equation_of, find_function, locate
from .source import show_source

__all__ = ["EQUATIONS", "Equation", "equation", "equation_of", "find_function", "locate", "as_table", "show_source"]
