"""Gradient descent with momentum, and Adam: each a few lines on one whole vector.

An optimizer changes the parameters in place and keeps its own running vectors, which a checkpoint saves. Equations 8.4,
8.5, 8.8 and 8.9. Shape: P parameters.
"""

import math

import numpy as np

from ..model.arguments import finite_number

__all__ = ["SGD", "Adam", "adam_step"]


class SGD:
    """Stochastic gradient descent, with momentum if asked.

    Parameters
    ----------
    learning_rate : float, optional
        Step size.
    momentum : float, optional
        How much of the last step is kept, from 0 (plain descent) to below 1.

    Notes
    -----
    Equation 8.4: velocity = momentum velocity + gradient; parameters -= learning_rate velocity.

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods, 1964.
    """

    def __init__(self, learning_rate=0.01, momentum=0.0):
        self.learning_rate = finite_number("learning_rate", learning_rate, positive=True)
        self.momentum = _fraction("momentum", momentum)
        self.velocity = None

    def step(self, parameters, gradients):
        """Change ``parameters``, shape (P,), in place by one step against ``gradients``, shape (P,). Equation 8.4."""
        self.begin(parameters, gradients)
        self.move(parameters, gradients)

    def begin(self, parameters, gradients):
        """Begin a step: check both vectors; before the first step, make the running one."""
        _check_vectors(parameters, gradients, self.velocity)
        if self.velocity is None:
            self.velocity = np.zeros_like(parameters)

    def move(self, parameters, gradients, part=slice(None)):
        """Take the step that was begun, on a slice of the vectors or on all. Equation 8.4."""
        velocity = self.velocity[part]
        velocity *= self.momentum
        velocity += gradients[part]
        parameters[part] -= self.learning_rate * velocity

    def settings(self):
        """Return what defines this optimizer, except the step size, which a schedule may change."""
        return {"optimizer": "SGD", "momentum": self.momentum}

    def state(self):
        """Return its running vectors by name, for a checkpoint."""
        return {} if self.velocity is None else {"velocity": self.velocity}

    def restore(self, state):
        """Continue from what ``state`` returned."""
        self.velocity = state.get("velocity")


def adam_step(parameters, g, m, v, t, *, learning_rate, beta1, beta2, epsilon):
    """Return parameters, m and v after step t, counted from 1: Adam as in the paper, the plain form of ``Adam.move``.

    Notes
    -----
    Equations 8.5, 8.8 and 8.9. Every line here makes new vectors, which takes several times as long as ``Adam.move``
    (tests/benchmarks/floor.py measures both).
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return parameters - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


class Adam:
    """Adam: a running mean of the gradient, divided by the root of a running mean of its square.

    Parameters
    ----------
    learning_rate : float, optional
        Step size, η.
    beta1, beta2 : float, optional
        How slowly the two means forget, from 0 to below 1.
    epsilon : float, optional
        Added to the root, ε.

    Notes
    -----
    Equations 8.5, 8.8 and 8.9. The corrected mean of the gradients so far is a weighted sum divided by the sum of the
    weights: m / (1 - beta1**t) = (g_t + beta1 g_{t-1} + ...) / (1 + beta1 + ... + beta1**(t-1)), and likewise for v.
    This class keeps the two sums as vectors, sum_g and sum_g2; the sums of the weights, w1 and w2, are two numbers. The
    step is the same:

        (sum_g / w1) / (sqrt(sum_g2 / w2) + epsilon) = (sqrt(w2) / w1) sum_g / (sqrt(sum_g2) + epsilon sqrt(w2)).

    References
    ----------
    Kingma & Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1 and the end of section 2.
    """

    def __init__(self, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.learning_rate = finite_number("learning_rate", learning_rate, positive=True)
        self.beta1 = _fraction("beta1", beta1)
        self.beta2 = _fraction("beta2", beta2)
        self.epsilon = finite_number("epsilon", epsilon, positive=True)
        self.t, self.sum_g, self.sum_g2, self._scratch = 0, None, None, None

    def step(self, parameters, gradients):
        """Change ``parameters``, shape (P,), in place by one step against ``gradients``, shape (P,)."""
        self.begin(parameters, gradients)
        self.move(parameters, gradients)

    def begin(self, parameters, gradients):
        """Begin a step: check both vectors and count the step; before the first one, make the running vectors."""
        _check_vectors(parameters, gradients, self.sum_g)
        if self.sum_g is None:
            self.sum_g, self.sum_g2 = np.zeros_like(parameters), np.zeros_like(parameters)
        if self._scratch is None or self._scratch.shape != parameters.shape:
            self._scratch = np.empty_like(parameters)
        self.t += 1

    def move(self, parameters, gradients, part=slice(None)):
        """Take the step that was begun, on a slice of the vectors or on all. Equations 8.5, 8.8 and 8.9.

        This is ``adam_step`` above, in place, with m = (1 - beta1) sum_g and v = (1 - beta2) sum_g2.
        """
        w1 = (1 - self.beta1**self.t) / (1 - self.beta1)   # 1 + beta1 + ... + beta1**(t-1)
        w2 = (1 - self.beta2**self.t) / (1 - self.beta2)
        sum_g, sum_g2, scratch, gradients = self.sum_g[part], self.sum_g2[part], self._scratch[part], gradients[part]

        sum_g *= self.beta1
        sum_g += gradients
        sum_g2 *= self.beta2
        sum_g2 += np.multiply(gradients, gradients, out=scratch)
        np.sqrt(sum_g2, out=scratch)        # the step: sum_g / (sqrt(sum_g2) + epsilon), in proportion
        scratch += self.epsilon * math.sqrt(w2)
        np.divide(sum_g, scratch, out=scratch)
        scratch *= self.learning_rate * math.sqrt(w2) / w1
        parameters[part] -= scratch

    def settings(self):
        """Return what defines this optimizer, except the step size, which a schedule may change."""
        return {"optimizer": "Adam", "beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}

    def state(self):
        """Return its running vectors and step count by name, for a checkpoint."""
        return {} if self.sum_g is None else {"sum_g": self.sum_g, "sum_g2": self.sum_g2, "t": np.array(self.t)}

    def restore(self, state):
        """Continue from what ``state`` returned; an empty state is that before the first step."""
        self.sum_g, self.sum_g2, self.t = state.get("sum_g"), state.get("sum_g2"), int(state.get("t", 0))


def _fraction(name, value):
    if finite_number(name, value) >= 1:
        raise ValueError(f"{name} must be below 1; got {value!r}.")
    return float(value)


def _check_vectors(parameters, gradients, running):
    vector = isinstance(parameters, np.ndarray) and parameters.ndim == 1 and parameters.dtype.kind == "f"
    if not vector or not isinstance(gradients, np.ndarray) or gradients.shape != parameters.shape:
        got = " and ".join(f"a {type(value).__name__} of shape {np.shape(value)}" for value in (parameters, gradients))
        raise ValueError(f"parameters and gradients must be two vectors of floats of one length; got {got}. Pass "
                         "model.parameters.flat and grads.flat?")
    if running is not None and running.shape != parameters.shape:
        raise ValueError(
            f"this optimizer has stepped a vector of length {len(running)}; got one of {len(parameters)}. "
            "Make a new optimizer for another model."
        )
