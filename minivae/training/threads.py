"""One training step, on one thread or shared among several.

On one thread a step is forward, backward and the optimizer's step. Several threads share a step in two phases. First,
each takes some rows of the batch forward and back, as far as the gradient of every layer's output; the examples are
independent up to there. Then each takes some rows of the weights, computes their gradients, x.T @ dy over the whole
batch (equations 5.5 and 5.6), and moves them. So no gradient is stored twice or summed over threads. Threads help
because NumPy releases the interpreter while it computes. Shapes: B batch, D data (pixels), K latent, S samples per
example.
"""

import concurrent.futures
import itertools
import math

import numpy as np

from ..evaluation.cores import free_cores, hold_this_thread
from ..kernels import dense_backward
from ..model import IWAE, VAE, ConditionalVAE, MonteCarloELBO
from ..model.mlp import WeightsLater
from .finite import check_backward, check_forward
from .optimizers import SGD, Adam

__all__ = ["steps_on", "choose_threads", "can_share", "cut_by_rows"]

SHARE = 20_000_000  # parameters times rows for which another thread pays: tests/benchmarks/where_numpy_ends.md


def can_share(model, optimizer):
    """Return whether threads can share a step: only for the package's own models and optimizers, not subclasses."""
    return type(model) in (VAE, MonteCarloELBO, IWAE, ConditionalVAE) and type(optimizer) in (Adam, SGD)


def choose_threads(model, optimizer, rows):
    """Return how many threads should share a step on ``rows`` rows: one if it is small, at most the free cores."""
    if not can_share(model, optimizer):
        return 1
    return max(1, min(free_cores(), rows, model.parameters.flat.size * rows // SHARE))


def steps_on(threads, model, optimizer, batch_size, samples):
    """Return a context manager whose method ``take`` takes one training step, on one or several threads.

    Parameters
    ----------
    threads : int
    model : VAE
    optimizer : Adam or SGD
    batch_size, samples : int
        B and S.
    """
    if threads == 1:
        return SingleThreadSteps(model, optimizer)
    return SharedSteps(model, optimizer, batch_size, samples, threads)


class SingleThreadSteps:
    """Training steps on one thread. Each step overwrites the arrays of the one before."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.trace = self.gradients = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def take(self, x, eps, beta, where):
        """Take one step.

        Parameters
        ----------
        x : ndarray, shape (B, D)
        eps : ndarray, shape (B S, K)
        beta : float
        where : str
            Such as "epoch 3, batch 17", for the message of an error.

        Returns
        -------
        traces : list of Trace
            The forward passes; here one, for the whole batch.

        Raises
        ------
        NonFiniteError
            At the first NaN or infinity, before the parameters are changed.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # the checks have a better message
            self.trace = self.model.forward(x, eps, beta=beta, out=self.trace)
            check_forward(self.trace, where)
            self.gradients = d, grads = self.model.backward(self.trace, out=self.gradients)
            check_backward([d], grads, where)
            self.optimizer.step(self.model.parameters.flat, grads.flat)
        return [self.trace]


class SharedSteps:
    """Training steps shared by threads, in two phases: rows of the batch, then rows of the weights."""

    def __init__(self, model, optimizer, batch_size, samples, threads):
        self.model, self.optimizer, self.threads = model, optimizer, threads
        self.grads = model.parameters.zeros_like()
        self.shares = cut_by_rows(model.parameters.shapes, threads)
        self.traces, self.gradients = [None] * threads, [None] * threads  # made by the first step, then overwritten
        self.layers = {}  # each layer's W and b -> its number, and its x and dy for the whole batch
        for stack, rows in ((model.encoder, batch_size), (model.decoder, batch_size * samples)):
            for W, b, inputs, outputs in zip(stack.W, stack.b, stack.sizes, stack.sizes[1:]):
                x, dy = (np.empty((rows, size), model.dtype) for size in (inputs, outputs))
                self.layers[W, b] = len(self.layers), x, dy
        self.squares = np.empty((threads, len(self.layers), 2))  # sums of squares of x and dy

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(self.threads - 1, initializer=hold_this_thread)
        return self

    def __exit__(self, *error):
        self.pool.shutdown()

    def take(self, x, eps, beta, where):
        """Take one step, like ``SingleThreadSteps.take``; every thread has a trace of its own."""
        self._each(lambda thread: self._rows_of_the_batch(thread, x, eps, beta, where))
        for name in self.model.likelihood.shapes:  # a parameter of the likelihood's own: one number, if any
            self.grads[name] = sum(own[name] for _, own in self.gradients)
        if not self._surely_finite(len(eps)):
            self._each(self._rows_of_the_weights)
            with np.errstate(over="ignore", invalid="ignore"):
                check_backward([d for d, _ in self.gradients], self.grads, where)
        self.optimizer.begin(self.model.parameters.flat, self.grads.flat)
        self._each(self._rows_of_the_weights_and_step)
        return self.traces

    def _surely_finite(self, rows):
        """Return whether the gradient's squared length has a finite upper bound, from the lengths of all x and dy.

        |x.T @ dy|**2 <= |x|**2 |dy|**2 (Cauchy and Schwarz), and likewise for the bias, whose x is a column of ones.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            own = sum(np.square(self.grads[name], dtype=np.float64) for name in self.model.likelihood.shapes)
            x, dy = np.sum(self.squares, axis=0).T
            return own + np.sum((x + rows) * dy) < np.finfo(self.model.dtype).max

    def _rows_of_the_batch(self, thread, x, eps, beta, where):
        """Take this thread's examples forward, and back to the gradient of every layer's output."""
        B, S = len(x), len(eps) // len(x)
        start, stop = B * thread // self.threads, B * (thread + 1) // self.threads

        def note(W, b, x, dy):
            samples = len(x) // (stop - start)  # 1 in the encoder, S in the decoder
            rows = slice(samples * start, samples * stop)
            layer, all_x, all_dy = self.layers[W, b]
            all_x[rows], all_dy[rows] = x, dy
            self.squares[thread, layer] = np.vdot(x, x), np.vdot(dy, dy)

        with np.errstate(over="ignore", invalid="ignore"):  # the checks have a better message
            trace = self.model.forward(x[start:stop], eps[S * start:S * stop], beta=beta, out=self.traces[thread])
            check_forward(trace, where)
            d = self.gradients[thread] and self.gradients[thread][0]
            self.gradients[thread] = self.model.backward(trace, d_loss=(stop - start) / B, out=(d, WeightsLater(note)))
            self.traces[thread] = trace

    def _rows_of_the_weights(self, thread):
        """Compute the gradients of this thread's slice of the parameters, over the whole batch."""
        _, share = self.shares[thread]
        with np.errstate(over="ignore", invalid="ignore"):
            for (W, b), (_, x, dy) in self.layers.items():
                if W in share or b in share:
                    rows = share.get(W, slice(0))  # rows of W belong to some of the layer's inputs
                    dense_backward(dy, x[:, rows], self.model.parameters[W][rows], needs_dx=False,
                                   out=(None, self.grads[W][rows], self.grads[b] if b in share else None))

    def _rows_of_the_weights_and_step(self, thread):
        """Compute these gradients, and let the optimizer move this thread's slice."""
        self._rows_of_the_weights(thread)
        part, _ = self.shares[thread]
        with np.errstate(over="ignore", invalid="ignore"):
            self.optimizer.move(self.model.parameters.flat, self.grads.flat, part)

    def _each(self, work):
        """Let every thread, this one included, do its share of the work; return the results when all have finished."""
        others = [self.pool.submit(work, thread) for thread in range(1, self.threads)]
        try:
            first = work(0)
        finally:
            concurrent.futures.wait(others)
        return [first, *(other.result() for other in others)]  # which raises what the other raised


def cut_by_rows(shapes, threads):
    """Cut the parameter vector into a slice for each thread, of nearly equal length, without cutting a row of a weight.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        As in ``Parameters.shapes``.
    threads : int

    Returns
    -------
    shares : list of (slice, dict of str to slice)
        For each thread, its slice of the vector and, by name, the rows of each parameter in it. A bias is one row.
    """
    size, start = sum(map(math.prod, shapes.values())), 0
    shares, lengths = [{} for _ in range(threads)], [0] * threads
    for name, shape in shapes.items():
        rows = shape[0] if len(shape) == 2 else 1
        length = math.prod(shape) // rows
        # the first row that begins at or after the thread's share of the vector, `edge / threads` of it
        edges = [min(max(-(-(size * edge // threads - start) // length), 0), rows) for edge in range(threads + 1)]
        for thread, (first, last) in enumerate(zip(edges, edges[1:])):
            if first < last:
                shares[thread][name] = slice(first, last) if len(shape) == 2 else slice(None)
                lengths[thread] += (last - first) * length
        start += math.prod(shape)
    ends = [0, *itertools.accumulate(lengths)]
    return [(slice(*part), share) for part, share in zip(itertools.pairwise(ends), shares)]
