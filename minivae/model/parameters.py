"""All weights and biases as one vector, with a named view of each.

One vector keeps the rest short: an optimizer is a few lines on whole vectors, a checkpoint is one array, and a finite
difference changes one number. The gradient of the loss is another ``Parameters``.
"""

import math
from collections.abc import Mapping

import numpy as np

__all__ = ["Parameters"]


class Parameters(Mapping):
    """A flat vector and its named views.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        The shape of each parameter by name, in the order of the vector.
    dtype : dtype, optional

    Attributes
    ----------
    flat : ndarray, shape (P,)
        All numbers, end to end. They start at zero; change them in place.

    Examples
    --------
    >>> parameters = Parameters({"encoder.0.W": (3, 2), "encoder.0.b": (2,)})
    >>> parameters["encoder.0.W"][0, 1] = 5.0
    >>> parameters.flat
    array([0., 5., 0., 0., 0., 0., 0., 0.])
    """

    def __init__(self, shapes, dtype=np.float64):
        self.shapes = dict(shapes)
        self._places, stop = {}, 0
        for name, shape in self.shapes.items():
            start, stop = stop, stop + math.prod(shape)
            self._places[name] = slice(start, stop)
        self._flat = np.zeros(stop, dtype)

    @property
    def flat(self):
        return self._flat

    @flat.setter
    def flat(self, values):
        """Copy values in, so that ``parameters.flat += step`` changes these numbers and no others."""
        if np.shape(values) != self._flat.shape:
            raise ValueError(f"flat has shape {self._flat.shape}; got {np.shape(values)}.")
        self._flat[...] = values

    def __getitem__(self, name):
        if name not in self._places:
            raise KeyError(f"no parameter {name!r}; there are {', '.join(self)}")
        return self._flat[self._places[name]].reshape(self.shapes[name])

    def __setitem__(self, name, value):
        """Copy value into the view of that name; its shape must be the view's own."""
        view = self[name]
        if np.shape(value) != view.shape:
            raise ValueError(f"{name} has shape {view.shape}; got {np.shape(value)}.")
        view[...] = value

    def __iter__(self):
        return iter(self.shapes)

    def __len__(self):
        return len(self.shapes)

    def zeros_like(self):
        """Return another Parameters of the same names, shapes and dtype, all zero."""
        return Parameters(self.shapes, self._flat.dtype)

    def same_bits(self, flat, stride=1):
        """Return whether every number, or every ``stride``-th, has the same bits as that in the vector ``flat``."""
        bits = f"u{self._flat.itemsize}"  # as integers, for which -0.0 and 0.0 differ and NaN equals itself
        return np.array_equal(self._flat[::stride].view(bits), flat.view(bits))

    def __repr__(self):
        width = max(map(len, self.shapes), default=0)
        lines = [f"Parameters: {self._flat.size:,} numbers, {self._flat.dtype}"]
        lines += [f"  {name:{width}}  {shape}" for name, shape in self.shapes.items()]
        return "\n".join(lines)
