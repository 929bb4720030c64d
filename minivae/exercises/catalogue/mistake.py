"""What a mistake is: a small change to correct source, with the name it should be called by.

A mistake is planted by rewriting the source of the function it is in, so that it is what somebody would really
write; if that line changes, planting fails loudly. Exercises recognise a student's mistake by it: her numbers are
those of the planted source. Tests use it both ways: every mistake must make a check fail, and must get its name.
"""

from typing import NamedTuple

__all__ = ["Mistake", "mistakes_in"]


class Mistake(NamedTuple):
    """A planted bug, or a wrong answer.

    Attributes
    ----------
    name : str
        What was done wrong, in the project's words.
    changes : tuple of (str, str, str)
        Function as "module:name" within minivae, or "solutions:NAME" for an exercise's solution in its notebook; the
        right text in its source; and the wrong text.
    diagnosis : str
        What a checker that knows the mistake should say; a part of the sentence is enough. Empty: its name.
    equation : str, optional
        The derivation's line to look at, where it is not the one that the function changed computes; "" for none.
    seen_by : {"gradients", "meaning", ""}
        Which of the package's own tests fail where it is planted. "meaning" is for what no gradient check can see: a
        wrong forward whose backward fits it, a gradient that is right on average alone, a wrong estimate. Empty: only
        an exercise meets it.
    """

    name: str
    changes: tuple
    diagnosis: str = ""
    equation: str | None = None
    seen_by: str = ""


def mistakes_in(target, *entries, seen_by=""):
    """Return the mistakes in one function: (name, right text, wrong text), then a diagnosis and an equation if any.

    ``...`` in place of the right text is that of the entry before.
    """
    found, text = [], None
    for name, right, wrong, *more in entries:
        text = text if right is ... else right
        found.append(Mistake(name, ((target, text, wrong),), *more, seen_by=seen_by))
    return tuple(found)
