"""The Bernoulli likelihood, from logits: each pixel is a biased coin, and the decoder gives the bias.

Logits, not probabilities: log(1 - p) is minus infinity once p rounds to 1, while the same number computed from
the logit stays finite. Equations 5.13, 5.16 and 5.18. In nats, summed over the pixels: one number per example.
Shapes: B batch, D data (pixels).
"""

import numpy as np

from .shapes import check_shapes

__all__ = ["logistic", "bernoulli_log_likelihood", "bernoulli_log_likelihood_backward"]


def logistic(logits, out=None):
    """Turn logits into probabilities: 1 / (1 + exp(-a)), written as (1 + tanh(a/2)) / 2.

    Parameters
    ----------
    logits : ndarray, shape (B, D)
        Log-odds, any real numbers.
    out : ndarray, shape (B, D), optional
        Where to write the probabilities; may be logits itself.

    Returns
    -------
    probabilities : ndarray, shape (B, D)
        In [0, 1]. Exact to rounding absolutely, not relatively: in float32 a logit of -20 gives 0. So a
        log-likelihood is never log(probabilities); it comes from the logits.

    Notes
    -----
    Equation 5.13. The form with tanh never overflows.
    """
    check_shapes(logits=(logits, "BD"), out=(out, "BD"))
    probabilities = np.multiply(logits, 0.5, out=out)
    np.tanh(probabilities, out=probabilities)
    probabilities += 1
    probabilities *= 0.5
    return probabilities


def bernoulli_log_likelihood(logits, x):
    """Log probability of binary pixels under the decoder's logits, in nats.

    Parameters
    ----------
    logits : ndarray, shape (B, D)
        The decoder's output: the log-odds that a pixel is on.
    x : ndarray, shape (B, D)
        Pixels, 0 or 1. A grey level between them is accepted: the result is then the mean of log p(x|z) over binary
        pixels that are 1 with that probability, since log p(x|z) is linear in x.

    Returns
    -------
    log_likelihood : ndarray, shape (B,)
        log p(x|z), summed over the pixels. Never above 0 for x in [0, 1].

    Notes
    -----
    Equation 5.16, x a - log(1 + exp(a)), with log(1 + exp(a)) = max(a, 0) + log1p(exp(-abs(a))), which never
    overflows. Taking x a - max(a, 0) first keeps full precision where the pixel is certain: the two cancel
    exactly, and only the small logarithm remains.
    """
    check_shapes(logits=(logits, "BD"), x=(x, "BD"))
    excess = np.abs(logits)                       # log1p(exp(-abs(a))), in place:
    np.negative(excess, out=excess)               # the softplus minus max(a, 0)
    np.exp(excess, out=excess)
    np.log1p(excess, out=excess)
    log_probability = x * logits                  # (B, D)
    log_probability -= np.maximum(logits, 0)
    log_probability -= excess
    return log_probability.sum(axis=1)


def bernoulli_log_likelihood_backward(dll, logits, x, out=None):
    """Carry the gradient of the loss from the Bernoulli log-likelihood to the logits.

    Parameters
    ----------
    dll : ndarray, shape (B,)
        Upstream gradient, dloss/dlog_likelihood, one number per example.
    logits, x : ndarray, shape (B, D)
        What the forward was given.
    out : ndarray, shape (B, D), optional
        Where to write dlogits. Must not overlap logits or x.

    Returns
    -------
    dlogits : ndarray, shape (B, D)

    Notes
    -----
    Equation 5.18: observed minus expected, x - logistic(a). There is no gradient for x: it is data.
    """
    check_shapes(dll=(dll, "B"), logits=(logits, "BD"), x=(x, "BD"), out=(out, "BD"))
    # forward: log_likelihood = sum(x * logits - log(1 + exp(logits)))
    dlogits = logistic(logits, out=out)
    np.subtract(x, dlogits, out=dlogits)
    dlogits *= dll[:, None]
    return dlogits
