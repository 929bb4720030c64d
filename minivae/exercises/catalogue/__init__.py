"""The one catalogue of planted bugs and wrong answers, by the place of the mistake.

It serves the exercises, their tests and the gradient checker's. Of two mistakes with the same numbers the first is
named.
"""

from .in_kernels import IN_KERNELS
from .in_model import IN_MODEL
from .in_sheets import IN_SHEETS
from .in_solutions import HINT, IN_SOLUTIONS
from .mistake import Mistake, mistakes_in
from .planting import planted

__all__ = ["Mistake", "MISTAKES", "BUGS", "HINT", "mistakes_in", "planted"]

MISTAKES = (*IN_KERNELS, *IN_MODEL, *IN_SHEETS, *IN_SOLUTIONS)
BUGS = tuple(mistake for mistake in MISTAKES if mistake.seen_by)   # those that the package's own tests see
