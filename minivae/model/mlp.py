"""A stack of dense layers with one activation between them: the encoder is one, the decoder another.

The stack itself stores no numbers. Weights come from ``Parameters``; what the forward computes goes into the trace,
where the backward finds it. Equation 5.7. Shapes: B batch, H hidden.
"""

import math

import numpy as np

from ..kernels import dense, dense_backward, relu, relu_backward, tanh, tanh_backward

__all__ = ["MLP", "WeightsLater", "ACTIVATIONS"]

ACTIVATIONS = {"relu": (relu, relu_backward), "tanh": (tanh, tanh_backward)}


class MLP:
    """Dense layers of the given sizes; an activation after each but the last.

    Parameters
    ----------
    name : str
        "encoder" or "decoder": how its symbols begin, as in ``encoder.0.W`` and ``encoder.0.h``.
    sizes : sequence of int
        Number of inputs, of units in each hidden layer, and of outputs.
    activation : {"relu", "tanh"}
    """

    def __init__(self, name, sizes, activation):
        self.sizes = tuple(sizes)
        layers = range(len(sizes) - 1)
        self.W = [f"{name}.{layer}.W" for layer in layers]
        self.b = [f"{name}.{layer}.b" for layer in layers]
        self.h = [f"{name}.{layer}.h" for layer in layers[:-1]]
        self.activation = activation

    def shapes(self):
        """Return the shape of every weight and bias by name, first layer first."""
        shapes = {}
        for W, b, inputs, outputs in zip(self.W, self.b, self.sizes, self.sizes[1:]):
            shapes[W], shapes[b] = (inputs, outputs), (outputs,)
        return shapes

    def chain(self, x, outputs):
        """Return what each hidden layer's h and each output is made from: the layer's input, weights and biases.

        Parameters
        ----------
        x : str
            Symbol of the stack's input.
        outputs : tuple of str
            Symbols into which the columns of the last layer are split.
        """
        inputs = (x, *self.h)
        symbols = [(h,) for h in self.h] + [outputs]
        return {symbol: (inputs[layer], self.W[layer], self.b[layer])
                for layer, made in enumerate(symbols) for symbol in made}

    def initialize(self, parameters, *, rng):
        """Draw the weights so that signals keep their scale from layer to layer; biases start at zero.

        Notes
        -----
        The variance of a weight is 2 / inputs under a relu, which halves the signal's power (He et al., Delving
        Deep into Rectifiers, 2015, equation 10), and 2 / (inputs + outputs) under a tanh or under nothing
        (Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010,
        equation 12).
        """
        for layer, (W, b) in enumerate(zip(self.W, self.b)):
            inputs, outputs = self.sizes[layer], self.sizes[layer + 1]
            under_relu = self.activation == "relu" and layer < len(self.h)
            variance = 2 / inputs if under_relu else 2 / (inputs + outputs)
            parameters[W] = rng.normal(0, math.sqrt(variance), (inputs, outputs))
            parameters[b] = np.zeros(outputs)

    def forward(self, x, parameters, trace, out=None):
        """Carry x through the layers, and store each hidden output in ``trace``.

        Parameters
        ----------
        x : ndarray, shape (B, inputs)
        parameters : Parameters
        trace : Trace or dict
            Where each hidden output goes; an array that is already there is overwritten in place.
        out : ndarray, shape (B, outputs), optional
            Where to write y.

        Returns
        -------
        y : ndarray, shape (B, outputs)
            Output of the last layer, which has no activation.

        Notes
        -----
        Equation 5.7 for each hidden layer. For the decoder, y is what equations 5.12 and 5.19 define; for the encoder
        it is [mu | log_var].
        """
        activation, _ = ACTIVATIONS[self.activation]
        h = x
        for layer, symbol in enumerate(self.h):
            a = dense(h, parameters[self.W[layer]], parameters[self.b[layer]], out=trace.get(symbol))
            trace[symbol] = activation(a, out=a)
            h = trace[symbol]
        return dense(h, parameters[self.W[-1]], parameters[self.b[-1]], out=out)

    def backward(self, dy, x, parameters, trace, d, grads, needs_dx=True):
        """Carry the gradient of the loss back from the stack's output to its input, weights and biases.

        Parameters
        ----------
        dy : ndarray, shape (B, outputs)
            Upstream gradient.
        x, parameters, trace
            What the forward was given, and the trace that it filled.
        d : Trace
            Where the gradient of each hidden output goes.
        grads : Parameters or WeightsLater
            Where the gradients of weights and biases go.
        needs_dx : bool, optional
            False leaves dx out.

        Returns
        -------
        dx : ndarray, shape (B, inputs), or None without ``needs_dx``
        """
        _, activation_backward = ACTIVATIONS[self.activation]
        for layer in reversed(range(1, len(self.W))):
            below = self.h[layer - 1]
            dh = empty_for_dx(trace[below]) if d.get(below) is None else d[below]
            d[below] = layer_backward(dy, trace[below], self.W[layer], self.b[layer], parameters, grads, dx=dh)
            dy = activation_backward(d[below], trace[below])
        dx = layer_backward(dy, x, self.W[0], self.b[0], parameters, grads, needs_dx=needs_dx)
        return dx


class WeightsLater(dict):
    """Stands in place of the gradients in a backward pass that does not compute those of weights and biases.

    They can be computed later, because they need only each layer's input x and the gradient dy of its output
    (equations 5.5 and 5.6). The gradient of a parameter of the likelihood is kept here, under its name.

    Parameters
    ----------
    note : callable
        ``note(W, b, x, dy)`` is called for each layer, with the names of its weights and biases.
    """

    def __init__(self, note):
        super().__init__()
        self.note = note


def layer_backward(dy, x, W, b, parameters, grads, dx=None, needs_dx=True):
    """Carry the gradient back through the dense layer whose parameters are named W and b, and return dx."""
    if isinstance(grads, WeightsLater):
        grads.note(W, b, x, dy)
        return dense_backward(dy, x, parameters[W], out=(dx, None, None), needs_dx=needs_dx, needs_dW=False)[0]
    return dense_backward(dy, x, parameters[W], out=(dx, grads[W], grads[b]), needs_dx=needs_dx)[0]


def empty_for_dx(x):
    """Return an array for the gradient of x, in column order if the batch is smaller than the layer.

    This makes dy @ W.T up to a third faster, because BLAS then reads W, the larger factor, row by row.
    """
    batch, units = x.shape
    return np.empty_like(x, order="F" if batch < units else "C")
