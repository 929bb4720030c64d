"""The dense layer, a matrix product and a bias; beneath it, its gradients.

Given dy = dloss/dy, the backward returns dx = dloss/dx, dW = dloss/dW and db = dloss/db: a vector-Jacobian product, in
which the Jacobian itself is never written down. Every layer of the encoder and the decoder is this one. Equations 5.2
and 5.4 to 5.6. Shapes: B batch, I inputs, O outputs.
"""

import numpy as np

from .shapes import check_shapes

__all__ = ["dense", "dense_backward"]


def dense(x, W, b, out=None):
    """Map each row of x through one dense layer: y = x W + b.

    Parameters
    ----------
    x : ndarray, shape (B, I)
        One example a row.
    W : ndarray, shape (I, O)
        Weights.
    b : ndarray, shape (O,)
        Bias.
    out : ndarray, shape (B, O), optional
        Where to write y. Must not overlap x, W or b.

    Returns
    -------
    y : ndarray, shape (B, O)

    Notes
    -----
    Equation 5.2.
    """
    check_shapes(x=(x, "BI"), W=(W, "IO"), b=(b, "O"), out=(out, "BO"))
    y = np.matmul(x, W, out=out)
    y += b
    return y


def dense_backward(dy, x, W, out=(None, None, None), needs_dx=True, needs_dW=True):
    """Carry the gradient of the loss from a dense layer's output to its input, weights and bias.

    Parameters
    ----------
    dy : ndarray, shape (B, O)
        Upstream gradient, dloss/dy.
    x : ndarray, shape (B, I)
        What the forward was given.
    W : ndarray, shape (I, O)
        What the forward was given.
    out : tuple of three, each an ndarray or None, optional
        Where to write dx, dW and db; None allocates.
    needs_dx : bool, optional
        False leaves dx out: the input of the first layer is data, whose gradient nobody needs.
    needs_dW : bool, optional
        False leaves dW and db out: they need only x and dy, and can be computed later.

    Returns
    -------
    dx : ndarray, shape (B, I), or None without ``needs_dx``
    dW : ndarray, shape (I, O), or None without ``needs_dW``
    db : ndarray, shape (O,), or None without ``needs_dW``

    Notes
    -----
    Equations 5.4, 5.5 and 5.6. W and b serve every example, so their gradients sum over the batch; the
    1/B of a mean is already inside dy.
    """
    out_dx, out_dW, out_db = out
    check_shapes(dy=(dy, "BO"), x=(x, "BI"), W=(W, "IO"),
                 out_dx=(out_dx, "BI"), out_dW=(out_dW, "IO"), out_db=(out_db, "O"))
    # forward: y = x @ W + b
    dx = np.matmul(dy, W.T, out=out_dx) if needs_dx else None   # (B, I)
    dW = np.matmul(x.T, dy, out=out_dW) if needs_dW else None   # (I, O)
    db = np.sum(dy, axis=0, out=out_db) if needs_dW else None   # (O,)
    return dx, dW, db
