"""The two activations, tanh and relu, each differentiated from its saved output.

The output is enough: the slope of tanh is 1 - y**2, and the output of relu is positive exactly where its input is. So
the forward need not keep its input. Equations 5.8 to 5.11. Shapes: B batch, H hidden.
"""

import numpy as np

from .shapes import check_shapes

__all__ = ["tanh", "tanh_backward", "relu", "relu_backward"]


def tanh(a, out=None):
    """Squash each number into (-1, 1): y = tanh(a).

    Parameters
    ----------
    a : ndarray, shape (B, H)
        Pre-activation.
    out : ndarray, shape (B, H), optional
        Where to write y; may be a itself.

    Returns
    -------
    y : ndarray, shape (B, H)

    Notes
    -----
    Equation 5.8.
    """
    check_shapes(a=(a, "BH"), out=(out, "BH"))
    return np.tanh(a, out=out)


def tanh_backward(dy, y, out=None):
    """Carry the gradient of the loss from tanh's output to its input.

    Parameters
    ----------
    dy : ndarray, shape (B, H)
        Upstream gradient, dloss/dy.
    y : ndarray, shape (B, H)
        The forward's output.
    out : ndarray, shape (B, H), optional
        Where to write da. Must not overlap dy or y.

    Returns
    -------
    da : ndarray, shape (B, H)

    Notes
    -----
    Equation 5.10: da = dy (1 - y**2).
    """
    check_shapes(dy=(dy, "BH"), y=(y, "BH"), out=(out, "BH"))
    # forward: y = tanh(a)
    da = np.multiply(y, y, out=out)
    np.subtract(1, da, out=da)
    da *= dy
    return da


def relu(a, out=None):
    """Replace each negative number by 0: y = max(a, 0).

    Parameters
    ----------
    a : ndarray, shape (B, H)
        Pre-activation.
    out : ndarray, shape (B, H), optional
        Where to write y; may be a itself.

    Returns
    -------
    y : ndarray, shape (B, H)

    Notes
    -----
    Equation 5.9.
    """
    check_shapes(a=(a, "BH"), out=(out, "BH"))
    return np.maximum(a, 0, out=out)


def relu_backward(dy, y, out=None):
    """Carry the gradient of the loss from relu's output to its input.

    Parameters
    ----------
    dy : ndarray, shape (B, H)
        Upstream gradient, dloss/dy.
    y : ndarray, shape (B, H)
        The forward's output.
    out : ndarray, shape (B, H), optional
        Where to write da.

    Returns
    -------
    da : ndarray, shape (B, H)

    Notes
    -----
    Equation 5.11: da = dy where y > 0, else 0. At a = 0 relu has no derivative; 0 is used there, which is one of
    its subgradients.
    """
    check_shapes(dy=(dy, "BH"), y=(y, "BH"), out=(out, "BH"))
    # forward: y = max(a, 0)
    return np.multiply(dy, y > 0, out=out)
