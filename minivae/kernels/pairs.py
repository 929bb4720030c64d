"""The table of kernel pairs: each forward beside its backward, in one calling convention.

A kernel's backward takes what its formula needs, sometimes the forward's output and not its input. Here each is adapted
to ``backward(dy, *forward arguments)``, so that the tests and the gradient checker can treat all of them alike.
"""

from typing import Callable, NamedTuple

from .activations import relu, relu_backward, tanh, tanh_backward
from .bernoulli import bernoulli_log_likelihood, bernoulli_log_likelihood_backward
from .dense import dense, dense_backward
from .density import (
    gaussian_log_density, gaussian_log_density_backward, gaussian_log_likelihood,
    gaussian_log_likelihood_backward, learned_variance_log_likelihood, learned_variance_log_likelihood_backward,
)
from .gaussian import (
    kl_divergence, kl_divergence_backward, reparameterize, reparameterize_backward,
    standard_deviation, standard_deviation_backward,
)
from .samples import (
    log_mean_exp, log_mean_exp_backward, mean_over_samples, mean_over_samples_backward, repeat, repeat_backward,
)

__all__ = ["Pair", "PAIRS"]


class Pair(NamedTuple):
    """A forward, its vector-Jacobian product, and the shapes of the forward's arguments.

    Attributes
    ----------
    forward : callable
        ``forward(*arguments)`` returns one array.
    backward : callable
        ``backward(dy, *arguments)`` returns a tuple: the gradients of the first arguments, in order. Noise
        and data, which have none, come last and are left off.
    shapes : dict of str to str
        Argument name to shape letters, such as ``{"x": "BI", "W": "IO", "b": "O"}``.
    """

    forward: Callable
    backward: Callable
    shapes: dict


PAIRS = {
    "dense": Pair(
        dense,
        lambda dy, x, W, b: dense_backward(dy, x, W),
        {"x": "BI", "W": "IO", "b": "O"},
    ),
    "tanh": Pair(
        tanh,
        lambda dy, a: (tanh_backward(dy, tanh(a)),),
        {"a": "BH"},
    ),
    "relu": Pair(
        relu,
        lambda dy, a: (relu_backward(dy, relu(a)),),
        {"a": "BH"},
    ),
    "standard_deviation": Pair(
        standard_deviation,
        lambda dsigma, log_var: (standard_deviation_backward(dsigma, standard_deviation(log_var)),),
        {"log_var": "BK"},
    ),
    "reparameterize": Pair(
        reparameterize,
        lambda dz, mu, sigma, eps: reparameterize_backward(dz, eps),
        {"mu": "BK", "sigma": "BK", "eps": "BK"},
    ),
    "kl_divergence": Pair(
        kl_divergence,
        kl_divergence_backward,
        {"mu": "BK", "log_var": "BK"},
    ),
    "gaussian_log_density": Pair(
        gaussian_log_density,
        gaussian_log_density_backward,
        {"z": "BK", "mu": "BK", "log_var": "BK"},
    ),
    "bernoulli_log_likelihood": Pair(
        bernoulli_log_likelihood,
        lambda dll, logits, x: (bernoulli_log_likelihood_backward(dll, logits, x),),
        {"logits": "BD", "x": "BD"},
    ),
    "gaussian_log_likelihood": Pair(
        gaussian_log_likelihood,
        lambda dll, mean, x: (gaussian_log_likelihood_backward(dll, mean, x),),
        {"mean": "BD", "x": "BD"},
    ),
    "learned_variance_log_likelihood": Pair(
        learned_variance_log_likelihood,
        learned_variance_log_likelihood_backward,
        {"mean": "BD", "log_var": "", "x": "BD"},
    ),
    "repeat": Pair(
        lambda a: repeat(a, 3),
        lambda dy, a: (repeat_backward(dy, 3),),
        {"a": "BK"},
    ),
    "mean_over_samples": Pair(
        mean_over_samples,
        lambda dmean, log_weight: (mean_over_samples_backward(dmean, log_weight),),
        {"log_weight": "BS"},
    ),
    "log_mean_exp": Pair(
        log_mean_exp,
        lambda dlog_mean, log_weight: (log_mean_exp_backward(dlog_mean, log_weight),),
        {"log_weight": "BS"},
    ),
}
