"""What a diagnosis may look at beside a tensor's own numbers."""

from typing import Callable, NamedTuple

import numpy as np

__all__ = ["Sight", "UPSTREAM", "OUTPUT"]

UPSTREAM, OUTPUT = "the upstream gradient", "the forward's output"


class Sight(NamedTuple):
    """What a diagnosis may look at beside the tensor's own numbers.

    Attributes
    ----------
    sizes : dict of str to int
        Lengths of axes by name.
    arrays : dict of str to ndarray
        Arguments, output and upstream gradient, by the words to call them.
    upstream : ndarray or None
    measured_anew : callable or None
        ``measured_anew(name, indices, weight=None, moved=None)`` measures under another upstream gradient, or with
        other arguments, and returns values and errors.
    claims : dict of str to ndarray
        The gradients claimed for all tensors.
    arguments : sequence of str
        Which of the arrays are arguments of the function.
    """

    sizes: dict = {}
    arrays: dict = {}
    upstream: np.ndarray = None
    measured_anew: Callable = None
    claims: dict = {}
    arguments: tuple = ()
