"""Schedules: how the step size and the weight on the KL change from step to step.

Both are pure functions of the number of the step, so a resumed run needs no record of them.
"""

import math

__all__ = ["SCHEDULES", "constant", "cosine", "warm_up"]


def constant(step, steps):
    """Return 1: the step size stays as it is."""
    return 1.0


def cosine(step, steps):
    """Return the fraction of the step size left at ``step`` of ``steps``, both counted from 0.

    Notes
    -----
    Equation 8.10: from 1 to 0 along half a cosine, slowly at both ends.

    References
    ----------
    Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017, without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def warm_up(step, steps):
    """Return the fraction of beta in force at ``step``, counted from 0, of a warm-up of ``steps``.

    Notes
    -----
    Equation 8.11: 1/steps at the first step, 1 at the last. With no warm-up, steps = 0, it is 1 throughout.

    References
    ----------
    Bowman et al., Generating Sentences from a Continuous Space, 2016; Sønderby et al., Ladder
    Variational Autoencoders, 2016.
    """
    return min(1.0, (step + 1) / steps) if steps else 1.0


SCHEDULES = {"constant": constant, "cosine": cosine}
