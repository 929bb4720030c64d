"""The name of a mistake: a record that says what kind it is, of which tensors, off by which factor; and its words.

Whoever wants to know what was found asks the record. Its text is made here, last of all, and read by people alone.
"""

from typing import NamedTuple

from .claims import listed

__all__ = ["Diagnosis", "Factor", "KINDS_OF_DIAGNOSIS"]

KINDS_OF_DIAGNOSIS = {
    "zero": "all zero",
    "factor": "off by one factor, a sign among them",
    "array": "an array in sight is missing as a factor, or is there twice",
    "added": "something was added, or is missing",
    "term": "a term of the objective is missing, doubled or of the wrong sign",
    "swapped": "another tensor's gradient",
    "arranged": "the right numbers lie in another order or shape",
    "upstream": "right for another upstream gradient than the one that was given",
    "argument": "right for other arguments",
    "formula": "the slope that was used, as a formula",
    "activation": "the derivative of the activation is missing",
    "digits": "too few digits",
    "cut": "clipped, or without the numbers of one sign",
    "spread": "one number in place of many",
    "place": "where the wrong numbers lie; what is wrong there is not known",
    "consequence": "nothing fits, and another tensor's mistake may be the reason",
    "unknown": "nothing fits",
    "stated": "said by another part of the program",
}


class Factor(NamedTuple):
    """A number that a gradient is off by: claim = value * truth.

    Attributes
    ----------
    value, error : float
    names : tuple of str
        What it may be made of, such as ``("1/B",)``; empty if nothing is close.
    """

    value: float
    error: float
    names: tuple = ()


class Diagnosis(NamedTuple):
    """What is wrong with some tensors' gradients.

    Attributes
    ----------
    kind : str
        One of ``KINDS_OF_DIAGNOSIS``.
    tensors : tuple of str
        Which gradients it is about; empty where it is about none in particular.
    text : str
        What is wrong, in words, without the tensors' names.
    factor : Factor or None
        The factor that they are off by, alone or beside what ``kind`` says.
    every : bool
        Whether it is about all gradients there are.
    """

    kind: str
    tensors: tuple = ()
    text: str = ""
    factor: Factor = None
    every: bool = False

    @property
    def known(self):
        """Whether it says more than that something is wrong."""
        return self.kind not in ("unknown", "consequence")

    def __str__(self):
        if not self.tensors:
            return self.text
        return f"{'every tensor' if self.every else listed(self.tensors)}: {self.text}"
