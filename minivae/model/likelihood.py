"""What the decoder's output means: the logits of a Bernoulli, or the mean of a Gaussian.

Each class has log p(x|z), its gradient, and the mean and draws of p(x|z); the rest of the model is the same for all of
them. They are passed the model's parameters, and the gradients of these, because one likelihood has a parameter of its
own. Shapes: B batch, D data.
"""

import numpy as np

from ..kernels import (
    PAIRS, bernoulli_log_likelihood, bernoulli_log_likelihood_backward, gaussian_log_likelihood,
    gaussian_log_likelihood_backward, learned_variance_log_likelihood, learned_variance_log_likelihood_backward,
    logistic,
)

__all__ = ["Bernoulli", "Gaussian", "LearnedGaussian", "likelihood_of"]


def likelihood_of(settings):
    """Return the likelihood that a model's settings name."""
    if settings["likelihood"] == "bernoulli":
        return Bernoulli()
    variance = settings["noise_variance"]
    return LearnedGaussian(variance) if variance == "learned" else Gaussian(variance)


class Bernoulli:
    """Binary pixels, each a coin whose log-odds the decoder gives. Equations 5.16 and 5.18."""

    symbol = "logits"
    kernel = "bernoulli_log_likelihood"
    unit_interval = True  # data must lie in [0, 1]
    shapes = {}           # of the likelihood's own parameters, by name

    def pair(self):
        """Return the kernel pair by its name."""
        return {self.kernel: PAIRS[self.kernel]}

    def log_likelihood(self, logits, x, parameters):
        return bernoulli_log_likelihood(logits, x)

    def backward(self, dll, logits, x, parameters, grads, out=None):
        return bernoulli_log_likelihood_backward(dll, logits, x, out=out)

    def mean(self, logits):
        return logistic(logits)

    def draw(self, logits, parameters, rng):
        return (rng.random(logits.shape) < logistic(logits)).astype(logits.dtype)

    def output_for_mean(self, mean):
        """Logits whose probabilities are the given mean, kept away from 0 and 1, where logits are infinite."""
        mean = np.clip(mean, 0.001, 0.999)
        return np.log(mean) - np.log1p(-mean)


class Gaussian:
    """Real-valued pixels, all with the same fixed noise variance. Equations 5.20 and 5.21.

    Parameters
    ----------
    noise_variance : float
    """

    symbol = "mean"
    kernel = "gaussian_log_likelihood"
    unit_interval = False
    shapes = {}

    def __init__(self, noise_variance):
        self.noise_variance = noise_variance

    def variance(self, parameters):
        """Noise variance of each pixel, s squared."""
        return self.noise_variance

    def pair(self):
        """Return the kernel pair by its name, with this noise variance."""
        return {self.kernel: PAIRS[self.kernel]._replace(
            forward=lambda mean, x: gaussian_log_likelihood(mean, x, self.noise_variance),
            backward=lambda dll, mean, x: (gaussian_log_likelihood_backward(dll, mean, x, self.noise_variance),))}

    def log_likelihood(self, mean, x, parameters):
        return gaussian_log_likelihood(mean, x, self.noise_variance)

    def backward(self, dll, mean, x, parameters, grads, out=None):
        return gaussian_log_likelihood_backward(dll, mean, x, self.noise_variance, out=out)

    def mean(self, mean):
        return mean

    def draw(self, mean, parameters, rng):
        noise = rng.standard_normal(mean.shape).astype(mean.dtype)
        return mean + np.sqrt(self.variance(parameters)).astype(mean.dtype) * noise

    def output_for_mean(self, mean):
        return mean


class LearnedGaussian(Gaussian):
    """Real-valued pixels, all with the same learned noise variance. Equations 5.22 and 5.23.

    With a variance for each pixel the likelihood would have no maximum: for a pixel that the decoder predicts exactly,
    such as one that is always black, the variance would go to zero and the density to infinity.
    """

    kernel = "learned_variance_log_likelihood"
    log_var = "decoder.log_var"
    shapes = {log_var: ()}

    def variance(self, parameters):
        return np.exp(parameters[self.log_var])

    def pair(self):
        return {self.kernel: PAIRS[self.kernel]}

    def log_likelihood(self, mean, x, parameters):
        return learned_variance_log_likelihood(mean, parameters[self.log_var], x)

    def backward(self, dll, mean, x, parameters, grads, out=None):
        dmean, grads[self.log_var] = learned_variance_log_likelihood_backward(
            dll, mean, parameters[self.log_var], x, out=out)
        return dmean
