"""The conditional VAE: the same chain for p(x|y), with the label y joined to x and to z.

The encoder sees [x | label] and the decoder [z | label], the label as one-hot columns. So z need only carry what the
label leaves open: not which digit it is, but how it is written. Equation 10.27. Shapes: B batch, D data (pixels), K
latent, C classes. A row of data is [x | label] throughout, as ``join_labels`` makes it.
"""

from functools import cached_property

import numpy as np

from .arguments import float_matrix, generator, positive_integer
from .labels import join, join_labels
from .mlp import MLP
from .vae import VAE

__all__ = ["ConditionalVAE"]


class LabelledLayers(MLP):
    """Dense layers whose input is joined with the label from the trace."""

    def chain(self, x, outputs):
        """Return the chain of ``MLP.chain`` with the label beside the stack's input."""
        chain = super().chain(x, outputs)
        return {symbol: (x, "label", *sources[1:]) if sources[0] == x else sources for symbol, sources in chain.items()}

    def forward(self, x, parameters, trace, out=None):
        """Carry [x | label] through the layers, as ``MLP.forward`` carries x. Equation 10.27."""
        return super().forward(join(x, trace["label"]), parameters, trace, out)

    def backward(self, dy, x, parameters, trace, d, grads, needs_dx=True):
        """Carry the gradient back to x as ``MLP.backward`` does. The label is data and gets none. Equation 10.27."""
        d_joined = super().backward(dy, join(x, trace["label"]), parameters, trace, d, grads, needs_dx)
        return d_joined[:, :x.shape[1]].copy() if needs_dx else None  # without the columns of the label


class ConditionalVAE(VAE):
    """A VAE of dense layers for p(x|y): the same forward and backward, over layers that see the label too.

    Parameters
    ----------
    data_dim, hidden, latent_dim, ...
        As for ``VAE``.
    classes : int
        C, the number of labels. ``x`` has D + C columns everywhere, and ``z`` has K + C in ``decode``.

    References
    ----------
    Sohn, Lee & Yan, Learning Structured Output Representation using Deep Conditional Generative Models, 2015, section
    4. Kingma et al., Semi-supervised Learning with Deep Generative Models, 2014, section 2 (the decoder p(x|y, z)).
    """

    layers = LabelledLayers

    def __init__(self, data_dim, *args, classes, **more):
        self.conditions = positive_integer("classes", classes)
        super().__init__(data_dim, *args, **more)
        self.settings["classes"] = self.conditions

    @cached_property
    def chain(self):
        """What each symbol is made from: the VAE's chain, with the label beside the data."""
        x, *others = super().chain.items()
        return dict([x, ("label", ()), *others])

    def checked_data(self, x):
        """Return data and label by symbol from rows [x | label] of shape (B, D + C), after a check."""
        x, label = self._split(x)
        return {"x": x, "label": label}

    def decode(self, z):
        """Return E[x|z, y], of shape (B, D), for rows [z | label] of shape (B, K + C), the label one-hot."""
        z = float_matrix("z", z, "(B, K)", self.latent_dim, self.dtype, classes=self.conditions)
        z, label = z[:, :self.latent_dim], z[:, self.latent_dim:]
        self._check_label("z", label)
        return self.likelihood.mean(self.decoder.forward(z, self.parameters, {"label": label}))

    def reconstruct(self, x):
        """Return decode([mu | label]), of shape (B, D): what the model makes of rows [x | label]."""
        mu, _ = self.encode(x)
        return self.decode(join(mu, self._split(x)[1]))

    def generate(self, n, *, rng, draw=False, label=None):
        """Make n new examples: z from the prior, joined with a label, then through the decoder.

        Parameters
        ----------
        n, rng, draw
            As for ``VAE.generate``.
        label : int or array-like of int, shape (n,), optional
            One label for all, or one for each; by default all classes in turn.

        Returns
        -------
        x : ndarray, shape (n, D)

        Raises
        ------
        ValueError
            If an argument has a wrong type or value.
        """
        rng, n = generator(rng), positive_integer("n", n)
        labels = np.arange(n) % self.conditions if label is None else np.atleast_1d(label)
        if labels.shape not in ((1,), (n,)):
            raise ValueError(f"label must be one whole number, or one for each of the n = {n} examples; got shape "
                             f"{labels.shape}.")
        z = rng.standard_normal((n, self.latent_dim)).astype(self.dtype)
        rows = join_labels(z, np.broadcast_to(labels, n), self.conditions)
        y = self.decoder.forward(z, self.parameters, {"label": rows[:, self.latent_dim:]})
        return self.likelihood.draw(y, self.parameters, rng) if draw else self.likelihood.mean(y)

    def _split(self, x):
        """Check rows of [x | label] and return the two, each in the model's dtype."""
        rows = float_matrix("x", x, "(B, D)", self.data_dim, self.dtype, classes=self.conditions)
        label = rows[:, self.data_dim:]
        self._check_label("x", label)
        x = float_matrix("x", rows[:, :self.data_dim], "(B, D)", self.data_dim, self.dtype,
                         unit_interval=self.likelihood.unit_interval)
        return x, label

    def _check_label(self, name, label):
        if not (np.isin(label, (0, 1)).all() and (label.sum(axis=1) == 1).all()):
            raise ValueError(f"the last {self.conditions} columns of {name} must be a label, one of them 1 and the "
                             "others 0. Make such rows with join_labels.")
