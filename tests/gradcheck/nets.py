"""Right functions of many kinds, with right gradients: what no check may call wrong.

Each maker takes a generator and returns a scalar function of a dict, its gradients and a point. ``scale``
multiplies the loss; ``unit`` is the size of a parameter that matters; ``dtype`` is the claimed gradients'.
"""

import numpy as np


def logistic_regression(rng, *, scale=1.0, unit=1.0, dtype=np.float64):
    """Mean negative log-likelihood of binary labels."""
    rows, columns = int(rng.integers(1, 30)), int(rng.integers(1, 8))
    X, y = rng.standard_normal((rows, columns)), (rng.random(rows) < 0.5).astype(float)
    at = {"w": unit * rng.standard_normal(columns), "b": unit * np.array(rng.standard_normal())}

    def f(at):
        a = (X @ at["w"] + at["b"]) / unit
        return scale * (np.logaddexp(0, a) - y * a).mean()

    residual = scale * (1 / (1 + np.exp(-(X @ at["w"] + at["b"]) / unit)) - y) / (rows * unit)
    return f, {"w": (X.T @ residual).astype(dtype), "b": residual.sum().astype(dtype)}, at


def network(rng, *, scale=1.0, unit=1.0, dtype=np.float64, activation="relu", depth=2, batch=None,
            computed_in=np.float64):
    """Squared error of a multilayer perceptron, mean over the batch; half of the time its biases are zero."""
    rows = batch or int(rng.integers(1, 40))
    hidden, columns = int(rng.integers(1, 12)), int(rng.integers(1, 8))
    X, target = rng.standard_normal((rows, columns)), rng.standard_normal((rows, 3))
    sizes = [columns] + [hidden] * depth + [3]
    zero_biases = rng.random() < 0.5
    at = {}
    for k, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        at[f"W{k}"] = unit * rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        at[f"b{k}"] = 0 * at[f"W{k}"][0] if zero_biases else unit * 0.1 * rng.standard_normal(outputs)
    squash = np.tanh if activation == "tanh" else lambda a: np.maximum(a, 0)

    def layers(at, kind=np.float64):
        h = [X.astype(kind)]
        for k in range(depth + 1):
            a = h[-1] @ (at[f"W{k}"] / unit).astype(kind) + (at[f"b{k}"] / unit).astype(kind)
            h.append(squash(a) if k < depth else a)
        return h

    def f(at):
        return scale * ((layers(at, computed_in)[-1] - target.astype(computed_in)) ** 2).sum() / rows

    h = layers(at)
    d, grads = 2 * scale * (h[-1] - target) / rows, {}
    for k in reversed(range(depth + 1)):
        grads[f"W{k}"], grads[f"b{k}"] = (h[k].T @ d / unit).astype(dtype), (d.sum(axis=0) / unit).astype(dtype)
        d = d @ (at[f"W{k}"] / unit).T
        if k:
            d = d * (1 - h[k] ** 2 if activation == "tanh" else h[k] > 0)
    return f, grads, at


def at_the_minimum(rng, *, scale=1.0, dtype=np.float64):
    """Least squares at its solution, where the gradient is nothing but rounding."""
    X, y = rng.standard_normal((20, 4)), rng.standard_normal(20)
    w = np.linalg.lstsq(X, y, rcond=None)[0]
    gradient = (2 * scale * X.T @ (X @ w - y)).astype(dtype)
    return lambda at: scale * ((X @ at["w"] - y) ** 2).sum(), {"w": gradient}, {"w": w}


MAKERS = {
    "logistic regression": logistic_regression,
    "relu, 2 layers": network,
    "relu, 6 layers": lambda rng, **more: network(rng, depth=6, **more),
    "relu, one example": lambda rng, **more: network(rng, batch=1, **more),
    "tanh, 2 layers": lambda rng, **more: network(rng, activation="tanh", **more),
    "tanh, 6 layers": lambda rng, **more: network(rng, activation="tanh", depth=6, **more),
    "least squares at its minimum": at_the_minimum,
}
