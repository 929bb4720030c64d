"""How a VAE's forward and backward behave: a backward that depends on its trace alone, and writes nowhere else."""

import numpy as np

from .behaviour import close
from .claims import Fault
from .probe import same

__all__ = ["model_faults"]


def model_faults(model, x, eps):
    """Return the faults that show without any difference: state, staleness, an ignored upstream, inputs changed.

    Parameters
    ----------
    model : VAE
    x : ndarray, shape (B, D)
    eps : ndarray, shape (B, K)
        Both are handed to the model as they are, to see whether it writes there.

    Returns
    -------
    list of Fault
    """
    faults, given = [], (x.copy(), eps.copy(), model.parameters.flat.copy())
    trace = model.forward(x, eps)
    if not same(np.asarray(trace.loss), np.asarray(model.forward(x, eps).loss)):
        faults.append(Fault("noise", "forward gives another loss on the second call: it draws fresh noise or keeps "
                                     "state"))
    held = model.backward(trace)
    first = _arrays(held)
    again = _arrays(model.backward(trace))
    if not close(first, again):
        faults.append(Fault("state", "backward gives other gradients on the second call: it accumulates, or draws "
                                     "fresh noise"))
    elif not (model.backward(trace, d_loss=-1.0) and close(_arrays(held), first)):
        faults.append(Fault("state", "backward overwrites the gradients that it returned before"))
    else:
        faults += _upstream(model, trace, first) + _stale(model, x, eps, trace, first)
    for name, before, now in zip(("x", "eps", "the parameters"), given, (x, eps, model.parameters.flat)):
        if not same(before, now):
            faults.append(Fault("inputs", f"a forward or backward pass changes {name} in place"))
    return faults


def _upstream(model, trace, first):
    tripled = _arrays(model.backward(trace, d_loss=3.0))
    if close(tripled[-1:], first[-1:]):   # the parameters' gradients
        return [Fault("upstream", "the loss's upstream gradient is ignored: d_loss=3 gives what d_loss=1 gives")]
    if not close(tripled, [3 * g for g in first]):
        return [Fault("upstream", "the gradients are not in proportion to the loss's upstream gradient d_loss")]
    return []


def _stale(model, x, eps, trace, first):
    """Another batch goes through between forward and backward; and, in a fresh model, before everything."""
    darker = x[::-1].copy()
    darker[:, :model.data_dim] *= 0.5   # the data alone, not a label joined to it: in any domain that holds x and 0
    other = darker, -0.7 * eps[::-1]
    model.forward(*other)
    if not close(_arrays(model.backward(trace)), first):
        return [Fault("stale", "stale cache: after a forward on another batch, backward answers for that one")]
    fresh, untouched = model.copy(), model.copy()
    fresh.backward(fresh.forward(*other))
    after = _arrays(fresh.backward(fresh.forward(x, eps)))
    if not close(after, _arrays(untouched.backward(untouched.forward(x, eps)))):
        return [Fault("stale", "stale cache: what backward answers depends on the batch that the model saw first")]
    return []


def _arrays(result):
    """Copies of all gradients, in the parameters' precision: no array is more exact for being stored in more digits."""
    d, grads = result
    kind = grads.flat.dtype
    return [np.array(value, kind) for value in d.values() if value is not None] + [np.array(grads.flat)]
