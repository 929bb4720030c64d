"""A training step's way forward and back, over its batch whole or in parts, each in the hands of a thread of its own.

The gradient of a batch is the mean of its examples' gradients (equation 8.6). So every part can work out its own, with the same
parameters and arrays of its own, and the parts' gradients, weighted by their share of the examples, add up to the batch's.
Threads help because NumPy gives up the interpreter's lock while it computes. Shapes: B batch, K latent, S samples per example.
"""

import concurrent.futures

import numpy as np

from .finite import check_backward, check_forward

__all__ = ["Parts"]


class Parts:
    """The forward and backward passes of one step after another; a context, which ends its threads.

    Parameters
    ----------
    model : VAE
    count : int
        Parts of a batch. With 1 there are no threads, and the gradient is that of one pass to the last bit. Every further
        part keeps a gradient of its own, P numbers.
    """

    def __init__(self, model, count):
        self.model = model
        self.traces, self.gradients = [None] * count, [None] * count  # made by the first step, overwritten by the others
        self.threads = concurrent.futures.ThreadPoolExecutor(count - 1) if count > 1 else None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.threads:
            self.threads.shutdown()

    def gradient(self, x, eps, beta, where):
        """Work out the gradient of a batch.

        Parameters
        ----------
        x : ndarray, shape (B, D)
        eps : ndarray, shape (B S, K)
        beta : float
        where : str
            Such as "epoch 3, batch 17", for the message of an error.

        Returns
        -------
        grads : Parameters
            dloss/dparameter of the whole batch; the next call overwrites it.
        traces : list of Trace
            The forward pass of each part.

        Raises
        ------
        NonFiniteError
            At the first number of a part that is not finite.
        """
        B, count = len(x), len(self.traces)
        S = len(eps) // B

        def work(part):
            start, stop = B * part // count, B * (part + 1) // count  # its examples
            self.traces[part], self.gradients[part] = forward_and_back(
                self.model, x[start:stop], eps[S * start:S * stop], beta, where, share=(stop - start) / B,
                trace=self.traces[part], gradients=self.gradients[part])

        others = [self.threads.submit(work, part) for part in range(1, count)]
        work(0)  # this thread takes a part too
        for other in others:
            other.result()
        total = self.gradients[0][1]
        for _, grads in self.gradients[1:]:
            total.flat += grads.flat
        return total, self.traces


def forward_and_back(model, x, eps, beta, where, share, trace, gradients):
    """Take some examples, a ``share`` of their batch, through the chain and back; return their trace and (d, grads)."""
    with np.errstate(over="ignore", invalid="ignore"):  # the checks tell it better
        trace = model.forward(x, eps, beta=beta, out=trace)
        check_forward(trace, where)
        gradients = d, grads = model.backward(trace, d_loss=share, out=gradients)
        check_backward(d, grads, where)
    return trace, gradients
