"""The one catalogue of planted bugs and wrong answers, for the exercises, their tests and the gradient checker's."""

from .mistakes import MISTAKES, Mistake, mistakes_in
from .planting import planted
from .wrong_answers import WRONG_ANSWERS
from .wrong_solutions import HINT

__all__ = ["Mistake", "MISTAKES", "WRONG_ANSWERS", "HINT", "mistakes_in", "planted"]
