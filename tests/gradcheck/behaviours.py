"""Pairs of forward and backward that misbehave, each with the words that the diagnosis should contain.

The numbers may be right; what is wrong is how they come about.
"""

import numpy as np


def _tanh_backward(dy, a):
    return dy * (1 - np.tanh(a) ** 2)


class Accumulating:
    """A gradient that is added to and never set back."""

    def __init__(self):
        self.total = 0

    def __call__(self, dy, a):
        self.total = self.total + _tanh_backward(dy, a)
        return self.total


class Overwriting:
    """One array for every answer, filled anew in each call."""

    def __init__(self):
        self.array = None

    def __call__(self, dy, a):
        if self.array is None:
            self.array = np.empty_like(a)
        np.multiply(dy, 1 - np.tanh(a) ** 2, out=self.array)
        return self.array


class Layer:
    """A layer that answers for the last batch its forward has seen; with ``first`` for the first."""

    def __init__(self, first=False):
        self.first, self.y = first, None

    def forward(self, a):
        y = np.tanh(a)
        self.y = y if self.y is None or not self.first else self.y
        return y

    def backward(self, dy, a):
        return dy * (1 - self.y**2)


def _writes_in_forward(a):
    a *= 1.5
    return np.tanh(a)


def _writes_in_backward(dy, a):
    a[...] = np.tanh(a)
    return dy * (1 - a**2)


def _writes_in_upstream(dy, a):
    dy *= 1 - np.tanh(a) ** 2
    return dy


def _noisy_forward(a):
    return np.tanh(a) + 0.1 * np.random.standard_normal(a.shape)


def _noisy_backward(dy, a):
    return _tanh_backward(dy, a) * (1 + 0.1 * np.random.standard_normal(a.shape))


def _raises(dy, a):
    raise KeyError("a key that is not there")


def behaviours():
    """Return name: (forward, backward, words), made anew so that no state is shared."""
    last, first = Layer(), Layer(first=True)
    return {
        "accumulates": (np.tanh, Accumulating(), "accumulates"),
        "overwrites": (np.tanh, Overwriting(), "overwrites"),
        "stale, last batch": (last.forward, last.backward, "stale"),
        "stale, first batch": (first.forward, first.backward, "stale"),
        "forward changes its input": (_writes_in_forward, _tanh_backward, "forward changes"),
        "backward changes its input": (np.tanh, _writes_in_backward, "backward changes"),
        "backward changes the upstream": (np.tanh, _writes_in_upstream, "changes the upstream gradient"),
        "fresh noise forward": (_noisy_forward, _tanh_backward, "noise"),
        "fresh noise backward": (np.tanh, _noisy_backward, "noise"),
        "upstream ignored": (np.tanh, lambda dy, a: 1 - np.tanh(a) ** 2, "upstream gradient is ignored"),
        "upstream squared": (np.tanh, lambda dy, a: _tanh_backward(dy**2, a), "not linear"),
        "upstream's sign only": (np.tanh, lambda dy, a: _tanh_backward(np.sign(dy), a), "not linear"),
        "upstream cut at 5": (np.tanh, lambda dy, a: _tanh_backward(np.clip(dy, -5, 5), a), "not linear"),
        "tiny upstream dropped": (np.tanh, lambda dy, a: _tanh_backward(dy * (np.abs(dy) > 0.002), a), "not linear"),
        "divides by the upstream": (np.tanh, lambda dy, a: _tanh_backward(dy * dy / dy, a), "holds nan"),
        "raises": (np.tanh, _raises, "KeyError"),
        "returns nothing": (np.tanh, lambda dy, a: None, "no gradient"),
        "wrong shape": (np.tanh, lambda dy, a: _tanh_backward(dy, a).sum(axis=0), "shape"),
        "transposed shape": (np.tanh, lambda dy, a: _tanh_backward(dy, a).T, "transposed"),
        "one too many": (np.tanh, lambda dy, a: (_tanh_backward(dy, a), dy), "2 gradients for 1"),
        "not finite": (np.tanh, lambda dy, a: _tanh_backward(dy, a) * np.nan, "not finite"),
        "a string": (np.tanh, lambda dy, a: "0.5", "array of real numbers"),
    }
