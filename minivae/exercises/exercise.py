"""What an exercise is: its words, its signature, and who judges an answer.

An exercise is data. The sheets hold one file for each small group of them; a new file there is a new exercise. Shapes:
B batch, I inputs and O outputs of a layer, H hidden, D data (pixels), K latent, S samples.
"""

import pkgutil
import re
from dataclasses import dataclass
from typing import Callable

from ..derivation.equations import EQUATIONS

__all__ = ["Exercise", "stars"]

PACKAGE = __package__.partition(".")[0]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    name : str
        Of the function to write.
    signature : str
        Arguments and what is returned, such as ``"dy, x, W -> dx, dW, db"``.
    shapes : str
        Of both, in the project's letters.
    notebook, place : int
        The notebook it belongs to, and its place among that notebook's exercises.
    difficulty : int
        1 to 3; its points when it is graded.
    minutes : int
    statement : str
        What to write, as Markdown.
    hints : tuple of str
        Each says more than the one before; none is the solution.
    insight : str
        What is worth keeping, said when the answer is right.
    equations : dict of str to str
        For what is returned, by name, the number of its line in the derivation; under "" the line for all others.
    judge : callable
        ``judge(exercise, answer, rng)`` returns a Finding, or raises Failed. Its cases are drawn from ``rng``.
    answer : str, optional
        The package's own, such as "kernels:dense_backward", as in ``Mistake.changes``. It serves to recognise mistakes:
        the same call with a mistake planted.
    calls : tuple of str
        The functions that it calls and in which a mistake may be planted too.
    """

    name: str
    signature: str
    shapes: str
    notebook: int
    place: int
    difficulty: int
    minutes: int
    statement: str
    hints: tuple
    insight: str
    equations: dict
    judge: Callable
    answer: str = ""
    calls: tuple = ()

    @property
    def arguments(self):
        """Names of what the function is given, in order."""
        return _names(self.signature.split("->")[0])

    @property
    def returns(self):
        """Names of what it returns, in order."""
        return _names(self.signature.split("->")[1])

    @property
    def call(self):
        """The signature as one reads it: ``dense_dW(dy, x) → dW``."""
        return f"{self.name}({', '.join(self.arguments)}) → {', '.join(self.returns)}"

    @property
    def letters(self):
        """The axes of whatever has a shape, by name, such as ``{"dy": ["B", "O"]}``."""
        return {name: _names(axes) for name, axes in re.findall(r"(\w+) \(([^()]*)\)", self.shapes)}

    @property
    def built_from(self):
        """The functions whose mistakes show in an answer, its own first."""
        return (self.answer, *self.calls) if self.answer else ()

    @property
    def reference(self):
        """The package's own answer as a function, or None."""
        return pkgutil.resolve_name(f"{PACKAGE}.{self.answer}") if self.answer else None

    @property
    def points(self):
        return self.difficulty

    def line(self, returned="", mistake=None):
        """Return the number of the derivation's line to look at, or None.

        Parameters
        ----------
        returned : str, optional
            What was returned and is wrong.
        mistake : Mistake, optional
            The line belongs to what was done wrong; without a name for it, to what is returned.
        """
        own = self.equations.get(returned, self.equations.get(""))
        if mistake is None:
            return own
        if mistake.equation is not None:
            return mistake.equation or None
        computed = [entry.number for entry in EQUATIONS if entry.computed_by == mistake.changes[0][0]]
        return own if own in computed or not computed else computed[0] if len(computed) == 1 else None


def stars(exercise):
    """Return the difficulty as stars."""
    return "★" * exercise.difficulty + "☆" * (3 - exercise.difficulty)


def _names(text):
    return tuple(name.strip() for name in text.split(",") if name.strip())
