"""Functions that are no VAE, with their derivatives by hand: what peers bring to the checker.

Each pair is a forward, a backward in the convention ``backward(dy, *args)``, and a maker of arguments. The wrong
ones are small changes that people make, with a word or two that the diagnosis should contain ("" where the mistake has
no name).
"""

from typing import Callable, NamedTuple

import numpy as np


class Peer(NamedTuple):
    forward: Callable
    backward: Callable
    make: Callable   # make(rng) -> arguments
    wrong: dict      # name -> (backward, part of the diagnosis)


def logistic_loss(w, b, X, y):
    """Mean negative log-likelihood of a logistic regression, one number."""
    a = X @ w + b
    return (np.logaddexp(0, a) - y * a).mean()


def logistic_loss_backward(d, w, b, X, y, count=len, sign=1.0):
    r = d * sign * (1 / (1 + np.exp(-(X @ w + b))) - y) / count(y)
    return X.T @ r, r.sum()


def least_squares(w, X, y):
    return 0.5 * (X @ w - y) ** 2


def least_squares_backward(d, w, X, y):
    return X.T @ (d * (X @ w - y))


def softmax_cross_entropy(logits, target):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - (target * shifted).sum(axis=1)


def _softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_cross_entropy_backward(d, logits, target):
    return d[:, None] * (_softmax(logits) - target)


def softmax(logits):
    """Probabilities of each row."""
    return _softmax(logits)


def softmax_backward(dp, logits):
    p = _softmax(logits)
    return p * (dp - (dp * p).sum(axis=1, keepdims=True))


def conv1d(x, w):
    """Valid correlation of each row with one kernel."""
    n = x.shape[1] - len(w) + 1
    return sum(w[k] * x[:, k:k + n] for k in range(len(w)))


def conv1d_backward(dy, x, w, flip=False):
    n = dy.shape[1]
    dx = np.zeros_like(x)
    for k in range(len(w)):
        dx[:, k:k + n] += (w[::-1] if flip else w)[k] * dy
    return dx, np.array([(dy * x[:, k:k + n]).sum() for k in range(len(w))])


def layernorm(x, gain, shift):
    centred = x - x.mean(axis=1, keepdims=True)
    return gain * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) + shift


def layernorm_backward(dy, x, gain, shift, centre=True):
    centred = x - x.mean(axis=1, keepdims=True)
    inverse = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    n = centred * inverse
    dn = dy * gain
    dx = dn - n * (dn * n).mean(axis=1, keepdims=True)
    if centre:
        dx = dx - dn.mean(axis=1, keepdims=True)
    return inverse * dx, (dy * n).sum(axis=0), dy.sum(axis=0)


def attention(q, k, v):
    """Scaled dot-product attention of one head."""
    return _softmax(q @ k.T / np.sqrt(q.shape[1])) @ v


def attention_backward(dy, q, k, v, scale=True):
    root = np.sqrt(q.shape[1])
    p = _softmax(q @ k.T / root)
    dp = dy @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / (root if scale else 1)
    return ds @ k, ds.T @ q, p.T @ dy


def matmul(a, b):
    return a @ b


def matmul_backward(dy, a, b):
    return dy @ b.T, a.T @ dy


def mean_pool(x):
    return x.mean(axis=0)


def mean_pool_backward(dy, x):
    return np.broadcast_to(dy / len(x), x.shape)


def gelu(a):
    return 0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))


def gelu_backward(dy, a):
    t = np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3))
    return dy * (0.5 * (1 + t) + 0.5 * a * (1 - t**2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * a**2))


def recurrence(x, h, W):
    """Three steps of h = tanh(h W + x)."""
    for _ in range(3):
        h = np.tanh(h @ W + x)
    return h


def recurrence_backward(dh, x, h, W, steps=3):
    states = [h]
    for _ in range(3):
        states.append(np.tanh(states[-1] @ W + x))
    dx, dW = np.zeros_like(x), np.zeros_like(W)
    for step in reversed(range(3 - steps, 3)):
        da = dh * (1 - states[step + 1] ** 2)
        dx, dW, dh = dx + da, dW + states[step].T @ da, da @ W.T
    return dx, dh, dW


def _normal(*shapes):
    return lambda rng: [rng.standard_normal(shape) for shape in shapes]


def _one_hot(rng, rows, columns):
    return np.eye(columns)[rng.integers(0, columns, rows)]


PEERS = {
    "logistic loss": Peer(
        logistic_loss, logistic_loss_backward,
        lambda rng: [rng.standard_normal(3), rng.standard_normal(()), rng.standard_normal((7, 3)),
                     (rng.random(7) < 0.5).astype(float)],
        {"a sum for the mean": (lambda d, *a: logistic_loss_backward(d, *a, count=lambda y: 1), "factor 7.000 = B"),
         "the sign": (lambda d, *a: logistic_loss_backward(d, *a, sign=-1.0), "sign flipped"),
         "upstream ignored": (lambda d, *a: logistic_loss_backward(1.0, *a), "upstream"),
         "twice averaged": (lambda d, w, b, X, y: logistic_loss_backward(d / 7, w, b, X, y), "1/B")}),
    "least squares": Peer(
        least_squares, least_squares_backward, _normal(4, (6, 4), 6),
        {"doubled": (lambda d, w, X, y: X.T @ (2 * d * (X @ w - y)), "factor 2.000 = 2"),
         "averaged": (lambda d, w, X, y: X.T @ (d * (X @ w - y)) / len(y), "1/B"),
         "weight decay": (lambda d, w, X, y: X.T @ (d * (X @ w - y)) + 0.01 * w, "0.01000 times itself"),
         "one example": (lambda d, w, X, y: X[0] * (d * (X @ w - y))[0], "only the first"),
         "last example lost": (lambda d, w, X, y: X[:-1].T @ (d * (X @ w - y))[:-1], "the last entry")}),
    "softmax cross-entropy": Peer(
        softmax_cross_entropy, softmax_cross_entropy_backward,
        lambda rng: [rng.standard_normal((5, 4)), _one_hot(rng, 5, 4)],
        {"the sign": (lambda d, a, t: d[:, None] * (t - _softmax(a)), "sign flipped"),
         "target forgotten": (lambda d, a, t: d[:, None] * _softmax(a), "target"),
         "averaged": (lambda d, a, t: d[:, None] * (_softmax(a) - t) / len(a), "1/B"),
         "upstream summed": (lambda d, a, t: d.sum() * (_softmax(a) - t), "sum of the upstream")}),
    "softmax": Peer(
        softmax, softmax_backward, _normal((5, 4)),
        {"the diagonal alone": (lambda dp, a: dp * _softmax(a) * (1 - _softmax(a)), ""),
         "the mean not taken off": (lambda dp, a: dp * _softmax(a), "")}),
    "convolution": Peer(
        conv1d, conv1d_backward, _normal((4, 9), 3),
        {"kernel turned round": (lambda dy, x, w: conv1d_backward(dy, x, w, flip=True), "w reversed"),
         "dw turned round": (lambda dy, x, w: (conv1d_backward(dy, x, w)[0], conv1d_backward(dy, x, w)[1][::-1]),
                             "reversed"),
         "dw averaged": (lambda dy, x, w: (conv1d_backward(dy, x, w)[0], conv1d_backward(dy, x, w)[1] / len(x)),
                         "1/B")}),
    "layer normalization": Peer(
        layernorm, layernorm_backward, _normal((5, 6), 6, 6),
        {"mean not differentiated": (lambda dy, *a: layernorm_backward(dy, *a, centre=False), ""),
         "gain and shift swapped": (lambda dy, *a: tuple(np.array(layernorm_backward(dy, *a), object)[[0, 2, 1]]),
                                    "swapped"),
         "shift averaged": (lambda dy, *a: (*layernorm_backward(dy, *a)[:2], dy.mean(axis=0)), "1/B")}),
    "attention": Peer(
        attention, attention_backward, _normal((5, 4), (6, 4), (6, 3)),
        {"the root is forgotten": (lambda dy, *a: attention_backward(dy, *a, scale=False), "factor 2.000"),
         "v's sign": (lambda dy, *a: (*attention_backward(dy, *a)[:2], -attention_backward(dy, *a)[2]),
                      "sign flipped")}),
    "matrix product": Peer(
        matmul, matmul_backward, _normal((4, 4), (4, 4)),
        {"b not transposed": (lambda dy, a, b: (dy @ b, a.T @ dy), "transpose"),
         "db transposed": (lambda dy, a, b: (dy @ b.T, dy.T @ a), "transposed"),
         "swapped": (lambda dy, a, b: (a.T @ dy, dy @ b.T), "swapped")}),
    "mean": Peer(
        mean_pool, mean_pool_backward, _normal((5, 3)),
        {"not divided": (lambda dy, x: np.broadcast_to(dy, x.shape), "factor 5.000 = B"),
         "all zero": (lambda dy, x: np.zeros(x.shape), "zero")}),
    "gelu": Peer(
        gelu, gelu_backward, _normal((5, 3)),
        {"the slope of a half": (lambda dy, a: 0.5 * gelu_backward(dy, a), "1/2"),
         "passed on": (lambda dy, a: dy, "passed on")}),
    "recurrence": Peer(
        recurrence, recurrence_backward, _normal((5, 3), (5, 3), (3, 3)),
        {"one step back only": (lambda dh, *a: recurrence_backward(dh, *a, steps=1), ""),
         "the slope is forgotten": (lambda dh, x, h, W: (dh, dh @ W.T, h.T @ dh), "")}),
}
