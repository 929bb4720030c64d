"""How a VAE's forward and backward behave, asked as two functions of (x, eps): what is tried is in ``behaviour``."""

import numpy as np

from .behaviour import Subject, observe
from .claims import Fault
from .probe import same

__all__ = ["model_faults"]


def model_faults(model, x, eps, rng):
    """Return the faults that show without any difference: state, staleness, an ignored upstream, inputs changed.

    Parameters
    ----------
    model : VAE
    x : ndarray, shape (B, D)
    eps : ndarray, shape (B, K)
    rng : numpy.random.Generator

    Returns
    -------
    list of Fault
    """
    return observe(Whole(model), [x, eps], rng).faults


class Whole(Subject):
    """A model's loss and all its gradients, as functions of the data and the noise."""

    def __init__(self, model):
        self.model, self.names, self.faults = model, [], []
        self.traces = {}   # by the list of arguments that it belongs to, which is kept alive beside it

    def forward(self, args):
        trace = self._watched("forward", args, lambda x, eps: self.model.forward(x, eps))
        self.traces[id(args)] = args, trace
        return np.asarray(trace.loss)

    def backward(self, dy, args):
        _, trace = self.traces[id(args)]
        d, grads = self._watched("backward", args, lambda x, eps: self.model.backward(trace, d_loss=float(dy)))
        gradients = {f"d.{symbol}": value for symbol, value in d.items() if value is not None}
        self.names = [*gradients, "the parameters"]
        return [*gradients.values(), grads.flat]

    def others(self, args, rng):
        """Darker data, in another order, with other noise: in any domain that holds x and 0."""
        x, eps = args
        darker = x[::-1].copy()
        darker[:, :self.model.data_dim] *= 0.5   # the data alone, not a label joined to it
        yield [darker, -0.7 * eps[::-1]]

    def untouched(self):
        return Whole(self.model.copy())

    def _watched(self, which, args, call):
        flat, copies = self.model.parameters.flat.copy(), [arg.copy() for arg in args]
        result = call(*copies)
        now = dict(zip(("x", "eps", "the parameters"), zip([*args, flat], [*copies, self.model.parameters.flat])))
        changed = [Fault("inputs", f"{which} changes {name} in place") for name, (a, b) in now.items() if not same(a, b)]
        self.faults += [fault for fault in changed if fault not in self.faults]
        return result
