"""The watch for the first number that is not finite: it stops training and says where it arose.

There is no clamp anywhere in the model, so a step that was too long shows itself here, and nowhere later.
"""

import numpy as np

__all__ = ["NonFiniteError", "check_forward", "check_backward", "check_parameters", "check_means"]

ADVICE = "Try a new model with a smaller learning rate, a beta warm-up, or dtype float64."


class NonFiniteError(ArithmeticError):
    """A NaN or an infinity appeared: the message names the term, the epoch, the batch, and what to try."""


def check_forward(trace, where):
    """Raise NonFiniteError if the loss is not finite, naming the first symbol of the chain that is not.

    Parameters
    ----------
    trace : Trace
        Of a forward pass.
    where : str
        Such as "epoch 3, batch 17", for the message.
    """
    if not np.isfinite(trace.loss):
        _raise(next(name for name, array in trace.items() if not np.all(np.isfinite(array))), where)


def check_backward(d, grads, where):
    """Raise NonFiniteError if the gradient is not finite, naming the first in the order of the backward pass."""
    if np.isfinite(np.dot(grads.flat, grads.flat)):  # one pass, with nothing to write
        return
    for symbol in reversed(list(d)):
        if d[symbol] is not None and not np.all(np.isfinite(d[symbol])):
            _raise(f"the gradient of {symbol}", where)
    for name in reversed(list(grads)):
        if not np.all(np.isfinite(grads[name])):
            _raise(f"the gradient of {name}", where)
    _raise("the squared length of the gradient", where)


def check_parameters(parameters, where):
    """Raise NonFiniteError if a parameter is not finite, naming it."""
    for name, array in parameters.items():
        if not np.all(np.isfinite(array)):
            _raise(name, where)


def check_means(means, where):
    """Raise NonFiniteError if one of the named means is not finite."""
    for name, mean in means.items():
        if not np.isfinite(mean):
            _raise(name, where)


def _raise(term, where):
    raise NonFiniteError(f"{term} is not finite in {where}. {ADVICE}")
