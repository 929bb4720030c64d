"""What the decoder's output means: the logits of a Bernoulli, or the mean of a Gaussian.

Either is log p(x|z), its gradient, and how to show or draw a picture from it. The model is the same around
both. Shapes: B batch, D data.
"""

import numpy as np

from ..kernels import (
    PAIRS, bernoulli_log_likelihood, bernoulli_log_likelihood_backward, gaussian_log_likelihood,
    gaussian_log_likelihood_backward, logistic,
)

__all__ = ["Bernoulli", "Gaussian"]


class Bernoulli:
    """Binary pixels, each a coin whose log-odds the decoder gives. Equations 5.11 and 5.12."""

    symbol = "logits"
    unit_interval = True  # data must lie in [0, 1]

    def pair(self):
        """The kernel pair by its name."""
        return {"bernoulli_log_likelihood": PAIRS["bernoulli_log_likelihood"]}

    def log_likelihood(self, logits, x):
        return bernoulli_log_likelihood(logits, x)

    def backward(self, dll, logits, x, out=None):
        return bernoulli_log_likelihood_backward(dll, logits, x, out=out)

    def mean(self, logits):
        return logistic(logits)

    def draw(self, logits, rng):
        return (rng.random(logits.shape) < logistic(logits)).astype(logits.dtype)

    def output_for_mean(self, mean):
        """Logits whose probabilities are the given mean, kept away from 0 and 1, where logits are infinite."""
        mean = np.clip(mean, 0.001, 0.999)
        return np.log(mean) - np.log1p(-mean)


class Gaussian:
    """Real-valued pixels with the same fixed noise on each. Equations 5.13 and 5.14.

    Parameters
    ----------
    noise_variance : float
    """

    symbol = "mean"
    unit_interval = False

    def __init__(self, noise_variance):
        self.noise_variance = noise_variance

    def pair(self):
        """The kernel pair by its name, with this noise variance."""
        return {"gaussian_log_likelihood": PAIRS["gaussian_log_likelihood"]._replace(
            forward=self.log_likelihood, backward=lambda dll, mean, x: (self.backward(dll, mean, x),))}

    def log_likelihood(self, mean, x):
        return gaussian_log_likelihood(mean, x, self.noise_variance)

    def backward(self, dll, mean, x, out=None):
        return gaussian_log_likelihood_backward(dll, mean, x, self.noise_variance, out=out)

    def mean(self, mean):
        return mean

    def draw(self, mean, rng):
        noise = rng.standard_normal(mean.shape).astype(mean.dtype)
        return mean + np.sqrt(self.noise_variance).astype(mean.dtype) * noise

    def output_for_mean(self, mean):
        return mean
