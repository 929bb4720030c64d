"""Checks for NaN and infinity during training: the first one stops it, with an error that says where it arose.

Nothing in the model is clamped, so the effect of too long a step is found here and not hidden.
"""

import numpy as np

__all__ = ["NonFiniteError", "check_forward", "check_backward", "check_parameters", "check_means"]

FAR = 20  # larger data are far from the scale of 1 for which the weights are initialized


class NonFiniteError(ArithmeticError):
    """A NaN or an infinity appeared: the message names the term, the epoch, the batch, and what to try.

    Attributes
    ----------
    found : str
        What is not finite, and where.
    reach : float
        The largest absolute value in the batch; 0 if it is not known.
    """

    def __init__(self, found, reach=0.0):
        self.found, self.reach = found, reach
        super().__init__(f"{found} {self.advice()}")

    def advice(self, learning_rate="a smaller learning rate", warm_up="a beta warm-up", dtype="dtype float64"):
        """Return what to try, in the given words: the command line has its own."""
        first = "" if self.reach <= FAR else (
            f"The data reach {self.reach:.3g}: standardize them first, as in (images - images.mean()) / images.std(). ")
        return f"{first}Try a new model with {learning_rate}, {warm_up}, or {dtype}."


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
        _raise(next(name for name, array in trace.items() if not np.all(np.isfinite(array))), where, trace.x)


def check_backward(gradients, grads, where):
    """Raise NonFiniteError if the gradient is not finite, and name where: the first place in the backward pass.

    Parameters
    ----------
    gradients : list of Trace
        The gradients of the backward pass, or of each part of the batch.
    grads : Parameters
        Of the whole batch.
    where : str
    """
    if np.isfinite(np.dot(grads.flat, grads.flat)):  # one pass over the vector, without a temporary array
        return
    x = np.concatenate([d.forward.x for d in gradients])
    for symbol in reversed(list(gradients[0])):
        if any(d[symbol] is not None and not np.all(np.isfinite(d[symbol])) for d in gradients):
            _raise(f"the gradient of {symbol}", where, x)
    for name in reversed(list(grads)):
        if not np.all(np.isfinite(grads[name])):
            _raise(f"the gradient of {name}", where, x)
    _raise("the squared length of the gradient", where, x)


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


def _raise(term, where, x=None):
    raise NonFiniteError(f"{term} is not finite in {where}.", 0.0 if x is None else float(abs(x).max()))
