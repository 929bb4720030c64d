"""The list of all equations, from log p(x) to every gradient, in the order of the derivation.

Number 2.3 is the third equation of notebook 2. Docstrings cite these numbers, traces show them, and ``python -m minivae
derivation`` prints them. The lecture writes phi for the generative parameters (the decoder's) and theta for the
variational ones (the encoder's); Kingma & Welling write it the other way round. So no formula here has either: p
belongs to the decoder, q to the encoder. The lecture's q(z) is q(z|x) here, because the encoder computes it from x.

d before a symbol is the gradient of the loss with respect to it: dy is ∂loss/∂y, dll is ∂loss/∂log p(x|z). The
equations of notebook 6 are not part of the chain; they are about checking gradients, for any function f.
"""

from . import gradients, objective, past_the_bound, practice
from .equation import Equation

__all__ = ["Equation", "EQUATIONS"]

EQUATIONS = (*objective.EQUATIONS, *gradients.EQUATIONS, *practice.EQUATIONS, *past_the_bound.EQUATIONS)
