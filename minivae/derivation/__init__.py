"""The derivation: the one list of equations, how to find them, and the package's own source beside them."""

from .equations import EQUATIONS, Equation
from .registry import as_table, equation, equation_of, find_function, locate
from .source import show_source

__all__ = ["EQUATIONS", "Equation", "equation", "equation_of", "find_function", "locate", "as_table", "show_source"]
