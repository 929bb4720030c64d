"""Every symbol of the derivation by name, with the array it stands for.

A forward pass returns a ``Trace`` of values. The backward pass returns a second one, whose entries are the gradients of
the loss with respect to the same symbols and which keeps the first as its ``forward``. So dloss/dz is ``d.z``.
"""

import math
from collections.abc import Mapping

import numpy as np

from .arguments import finite_number
from .mlp import WeightsLater
from .parameters import Parameters

__all__ = ["Trace", "open_trace", "close_trace", "open_gradients"]

SAMPLE = 1000  # a trace that is overwritten keeps a copy of about so many parameters


class Trace(Mapping):
    """An ordered mapping from symbols to arrays, each also an attribute where its name allows.

    Parameters
    ----------
    symbols : sequence of str, optional
        Symbols to hold from the start, with the value None; this fixes their order.
    given : dict of str to ndarray, optional
        Values that these symbols keep, whatever is computed for them.
    forward : Trace, optional
        For a trace of gradients: the trace of the values.

    Attributes
    ----------
    given : dict
    forward : Trace or None
    beta : float or None
        The weight on the KL divergence that this pass used.
    likelihood : str or None
        The kernel that computes log p(x|z) in this pass.
    chain : dict of str to tuple of str
        What each symbol is made from: the ``chain`` of the model that made this trace.
    written : tuple (str, str, int) or None
        Where the function that filled this trace is defined: its name, its file and its first line.
    weights : ndarray or None
        After a forward pass: a copy of the parameters that it used, or of every ``stride``-th of them.
    stride : int

    Examples
    --------
    >>> trace = Trace()
    >>> trace.mu = np.zeros((3, 1))
    >>> trace["mu"].shape
    (3, 1)
    """

    __slots__ = ("_arrays", "given", "forward", "beta", "likelihood", "chain", "written", "weights", "stride", "sealed")

    def __init__(self, symbols=(), given=None, forward=None):
        self._arrays = dict.fromkeys(symbols)
        self.given = given or {}
        self.forward = forward
        self.beta = self.likelihood = self.weights = self.written = None
        self.chain = {}
        self.stride = 1
        self.sealed = False

    def seal(self, sealed=True):
        """Make the arrays read-only, so that backward sees what forward computed; or make them writable again."""
        self.sealed = sealed
        for array in self._arrays.values():
            if isinstance(array, np.ndarray):
                array.flags.writeable = not sealed

    def __getitem__(self, symbol):
        try:
            return self._arrays[symbol]
        except KeyError:
            raise KeyError(f"no symbol {symbol!r} in this trace; it has {', '.join(self)}") from None

    def __setitem__(self, symbol, array):
        if self.sealed:
            raise ValueError(f"a trace records what forward computed; to move {symbol}, call forward(x, eps, "
                             f"given={{{symbol!r}: ...}}).")
        if symbol in self.given:  # the given value stays, whatever was computed
            computed, array = array, self.given[symbol]
            if np.shape(array) != np.shape(computed):
                raise ValueError(
                    f"given[{symbol!r}] must have shape {np.shape(computed)}; got {np.shape(array)}."
                )
        self._arrays[symbol] = array

    def __getattr__(self, symbol):
        if symbol.startswith("_"):  # copy and pickle look for methods that are not there
            raise AttributeError(symbol)
        try:
            return self._arrays[symbol]
        except KeyError:
            raise AttributeError(
                f"no symbol {symbol!r} in this trace; it has {', '.join(self)}. A name with dots goes in brackets, "
                'such as trace["encoder.0.h"].') from None

    def __setattr__(self, name, value):
        if name in self.__slots__:
            super().__setattr__(name, value)
        else:
            self[name] = value

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self):
        return len(self._arrays)

    def __dir__(self):
        return [*super().__dir__(), *self]

    def __repr__(self):
        from .trace_view import as_text  # only when somebody looks
        return as_text(self)

    def _repr_html_(self):
        from .trace_view import as_html
        return as_html(self)


def open_trace(model, x, eps, beta, given, out):
    """Begin a forward pass: check the arguments, and return the trace to fill, ``out`` or a new one.

    It already holds beta, and the model's own copies of data and noise.
    """
    t = Trace(model.symbols) if out is None else out
    if out is not None and (not isinstance(out, Trace) or tuple(out) != model.symbols or out.forward is not None):
        raise ValueError("out must be a Trace that this model's forward returned.")
    if out is not None and out.x.dtype != model.dtype:
        raise ValueError(f"out must be a trace of dtype {model.dtype}, the model's; got {out.x.dtype}.")
    given = given or {}
    unknown = [symbol for symbol in given if symbol not in model.chain]
    if unknown:
        raise ValueError(f"given names {unknown[0]!r}; this model's symbols are {', '.join(model.symbols)}.")
    t.given = {symbol: np.array(array, dtype=model.dtype) for symbol, array in given.items()}
    t.beta = model.beta if beta is None else finite_number("beta", beta)
    t.likelihood, t.chain, t.written = model.likelihood.kernel, model.chain, _place(model.forward)
    t.stride = 1 if out is None else 1 + model.parameters.flat.size // SAMPLE
    t.seal(False)
    for symbol, array in model.checked_data(x).items():
        t[symbol] = array
    t.eps = model.checked_noise(eps, len(t.x))
    return t


def close_trace(model, t):
    """Keep a copy of the parameters that a forward pass has used, and seal its trace.

    A new trace copies them all. A trace that is overwritten step after step copies a sample of about a thousand: an
    optimizer's step shows in any of them, and to copy and compare all would take a tenth of a small step.
    """
    t.weights = model.parameters.flat[::t.stride].copy()
    t.seal()


def open_gradients(model, trace, d_loss, out):
    """Begin a backward pass: return the trace and the parameters to fill, ``out`` or new ones, and d_loss as a float.

    Raises
    ------
    ValueError
        If ``trace`` cannot be differentiated: it is another model's, its pass was not completed, some of its symbols
        were given and not computed, or the parameters were altered since. Or if d_loss is not a finite number.
    """
    if isinstance(trace, Trace) and trace.forward is not None:
        raise ValueError("trace must be what forward returned; got the trace of gradients. Pass its .forward?")
    if not isinstance(trace, Trace) or tuple(trace) != model.symbols or not trace.sealed:
        raise ValueError("trace must be what this model's forward returned, complete.")
    if trace.given:
        raise ValueError(
            f"trace holds given values of {', '.join(trace.given)}, which have no path back to what came before "
            "them. Call forward without given."
        )
    if not model.parameters.same_bits(trace.weights, trace.stride):
        raise ValueError("the parameters were altered since the trace's forward pass, perhaps by an optimizer's step, "
                         "or the trace is another model's. Call forward again.")
    d_loss = finite_number("d_loss", d_loss, least=-math.inf)
    if out is None:
        return _gradients_of(model, trace), model.parameters.zeros_like(), d_loss
    d, grads = out if isinstance(out, (tuple, list)) and len(out) == 2 else (None, None)
    later = isinstance(grads, WeightsLater)
    if later and d is None:
        d = _gradients_of(model, trace)
    trace_of_gradients = isinstance(d, Trace) and tuple(d) == model.symbols and d.forward is not None
    if not trace_of_gradients or not isinstance(grads, (Parameters, WeightsLater)):
        raise ValueError("out must be (d, grads) as this model's backward returned them.")
    alike = later or (grads.shapes == model.parameters.shapes and grads.flat.dtype == model.dtype)
    if grads is model.parameters or not alike:
        raise ValueError("out must hold Parameters for the gradients, of the model's shapes and dtype, and not its "
                         "own.")
    d.forward = trace
    return d, grads, d_loss


def _gradients_of(model, trace):
    d = Trace(model.symbols, forward=trace)
    d.chain, d.written = model.chain, _place(model.backward)
    return d


def _place(method):
    """Return the name of a method, its file and its first line: those of a subclass's own forward, if it has one."""
    code = getattr(method, "__code__", None)
    return code and (method.__qualname__, code.co_filename, code.co_firstlineno)
