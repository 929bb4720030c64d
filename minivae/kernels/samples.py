"""Several draws of z for each example: copying an example for its draws, and combining their numbers.

The S samples of B examples are stored as B S rows; sample s of example b is row b S + s. So every other kernel still
sees two axes. The S numbers of an example become one again in two ways: by their mean, for the Monte-Carlo ELBO, or by
the logarithm of the mean of their exponentials, for the importance-weighted bound. Equations 10.13 and 10.22 to 10.24.
Shapes: B batch, K latent, S samples per example.
"""

import numpy as np

from .shapes import check_shapes

__all__ = ["repeat", "repeat_backward", "mean_over_samples", "mean_over_samples_backward", "log_mean_exp",
           "log_mean_exp_backward"]


def repeat(a, samples):
    """Copy each example's row once for each of its samples: row b becomes rows b S to b S + S - 1.

    Parameters
    ----------
    a : ndarray, shape (B, K)
        One row per example.
    samples : int
        S.

    Returns
    -------
    y : ndarray, shape (B S, K)

    Notes
    -----
    Equation 10.13.
    """
    check_shapes(a=(a, "BK"))
    return np.repeat(a, samples, axis=0)


def repeat_backward(dy, samples):
    """Carry the gradient of the loss from an example's samples back to the example.

    Parameters
    ----------
    dy : ndarray, shape (B S, K)
        Upstream gradient.
    samples : int
        What the forward was given.

    Returns
    -------
    da : ndarray, shape (B, K)

    Notes
    -----
    Equation 10.13: what is used S times receives the sum of S gradients.
    """
    check_shapes(dy=(dy, "RK"))
    rows, K = dy.shape
    if rows % samples:
        raise ValueError(f"dy must have {samples} rows for each example; got {rows}, which is not a multiple "
                         f"of {samples}.")
    # forward: y = repeat each row S times
    return dy.reshape(rows // samples, samples, K).sum(axis=1)


def mean_over_samples(log_weight):
    """Mean over the samples of each example.

    Parameters
    ----------
    log_weight : ndarray, shape (B, S)

    Returns
    -------
    mean : ndarray, shape (B,)

    Notes
    -----
    Equation 10.22.
    """
    check_shapes(log_weight=(log_weight, "BS"))
    return log_weight.mean(axis=1)


def mean_over_samples_backward(dmean, log_weight):
    """Carry the gradient of the loss from the mean to the samples, an equal share to each.

    Parameters
    ----------
    dmean : ndarray, shape (B,)
        Upstream gradient, one number per example.
    log_weight : ndarray, shape (B, S)
        What the forward was given.

    Returns
    -------
    dlog_weight : ndarray, shape (B, S)

    Notes
    -----
    Equation 10.22.
    """
    check_shapes(dmean=(dmean, "B"), log_weight=(log_weight, "BS"))
    # forward: mean = sum(log_weight) / S
    S = log_weight.shape[1]
    return np.repeat(dmean[:, None] / S, S, axis=1)


def log_mean_exp(log_weight):
    """Logarithm of the mean weight of each example, from the logarithms of the weights.

    Parameters
    ----------
    log_weight : ndarray, shape (B, S)
        log w, any finite numbers.

    Returns
    -------
    log_mean : ndarray, shape (B,)
        log((w_1 + ... + w_S) / S).

    Notes
    -----
    Equation 10.23. Weights may be as small as exp(-105), which is 0 in float32, or exp(-750), which is 0 in float64.
    So the largest weight of an example is divided out before the exponential, and its logarithm is added at the end.

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, equation 8.
    """
    check_shapes(log_weight=(log_weight, "BS"))
    largest = log_weight.max(axis=1)
    return largest + np.log(np.exp(log_weight - largest[:, None]).mean(axis=1))


def log_mean_exp_backward(dlog_mean, log_weight):
    """Carry the gradient of the loss to each sample's log weight, in proportion to its weight.

    Parameters
    ----------
    dlog_mean : ndarray, shape (B,)
        Upstream gradient, one number per example.
    log_weight : ndarray, shape (B, S)
        What the forward was given.

    Returns
    -------
    dlog_weight : ndarray, shape (B, S)

    Notes
    -----
    Equation 10.24: the share of a sample is its normalized weight, w_s / (w_1 + ... + w_S), a softmax.

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, equation 13.
    """
    check_shapes(dlog_mean=(dlog_mean, "B"), log_weight=(log_weight, "BS"))
    # forward: log_mean = log(sum(exp(log_weight)) / S)
    share = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)  # (B, S), each row sums to 1
    return dlog_mean[:, None] * share
