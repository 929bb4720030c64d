"""The conditional VAE: the same chain for p(x|y), with the label y joined to x and to z.

The encoder sees [x | label] and the decoder [z | label], the label as one-hot columns. So the decoder need not learn
from z what the label tells it, and z is left with the rest: of a digit, not which one it is but how it is written.
Equation 10.19. Shapes: B batch, D data (pixels), K latent, C classes. A row of data is [x | label] throughout, as
``join_labels`` makes it.
"""

import math

import numpy as np

from ..kernels import (
    kl_divergence, kl_divergence_backward, reparameterize, reparameterize_backward, standard_deviation,
    standard_deviation_backward,
)
from .checks import finite_number, float_matrix, generator, joined_matrix, positive_integer
from .labels import join, join_labels
from .trace import close_trace, open_gradients, open_trace
from .vae import VAE

__all__ = ["ConditionalVAE"]


class ConditionalVAE(VAE):
    """A VAE of dense layers for p(x|y).

    Parameters
    ----------
    data_dim, hidden, latent_dim, ...
        As for ``VAE``.
    classes : int
        C, the number of labels. ``x`` has D + C columns everywhere, and ``z`` has K + C in ``decode``.

    References
    ----------
    Sohn, Lee & Yan, Learning Structured Output Representation using Deep Conditional Generative Models, 2015, section 4.
    Kingma et al., Semi-supervised Learning with Deep Generative Models, 2014, section 2 (the decoder p(x|y, z)).
    """

    def __init__(self, data_dim, *args, classes, **more):
        self.conditions = positive_integer("classes", classes)
        super().__init__(data_dim, *args, **more)
        self.settings["classes"] = self.conditions

    @property
    def symbols(self):
        """Names of everything that a trace holds, in the order of the forward pass."""
        x, *others = super().symbols
        return (x, "label", *others)

    def forward(self, x, eps, beta=None, given=None, out=None):
        """Compute the loss of a batch, and every symbol on the way.

        Parameters
        ----------
        x : array-like, shape (B, D + C)
            Data, each row joined with its label.
        eps, beta, given, out
            As for ``VAE.forward``.

        Returns
        -------
        trace : Trace
            As ``VAE.forward`` returns it, with ``label`` after ``x``. ``elbo`` is a bound on log p(x|y).

        Raises
        ------
        ValueError
            If x, eps, beta, given or out does not fit the model.

        Notes
        -----
        Equation 10.19.
        """
        t = open_trace(self, given, out)
        t.beta = self.beta if beta is None else finite_number("beta", beta)
        p = self.parameters
        y = self.likelihood.symbol  # "logits" or "mean": what the decoder's output means
        K = self.latent_dim

        t.x, t.label = self._split(x)                                          # (B, D), (B, C)
        head = self.encoder.forward(join(t.x, t.label), p, t)                  # (B, 2K)
        t.mu, t.log_var = head[:, :K], head[:, K:]                             # q(z|x, y) = N(mu, sigma**2)
        t.sigma = standard_deviation(t.log_var)
        t.eps = float_matrix("eps", eps, "(B, K)", K, self.dtype, rows=len(t.x))
        t.z = reparameterize(t.mu, t.sigma, t.eps)                             # (B, K), a draw from q(z|x, y)
        t[y] = self.decoder.forward(join(t.z, t.label), p, t, out=t.get(y))    # (B, D)
        t.log_likelihood = self.likelihood.log_likelihood(t[y], t.x, p)        # (B,), log p(x|z, y)
        t.kl = kl_divergence(t.mu, t.log_var)                                  # (B,), KL(q(z|x, y) || p(z))
        t.elbo = t.log_likelihood - t.kl                                       # (B,)
        t.objective = t.log_likelihood - t.beta * t.kl                         # (B,)
        t.loss = -t.objective.mean()
        close_trace(self, t)
        return t

    def backward(self, trace, d_loss=1.0, out=None):
        """Carry the gradient of the loss back to every symbol and every parameter; see ``VAE.backward``.

        Notes
        -----
        Equations 7.1 to 7.4, with 10.19: the decoder's input is [z | label], and only z has a gradient to pass on.
        """
        t, p = trace, self.parameters
        d, grads = open_gradients(self, t, out)
        d_loss = finite_number("d_loss", d_loss, least=-math.inf)
        y = self.likelihood.symbol
        B = len(t.x)

        # forward: loss = -mean(objective)
        d.loss = self.dtype.type(d_loss)
        d.objective = np.full(B, -d_loss / B, self.dtype)
        # forward: objective = log_likelihood - beta * kl
        d.log_likelihood = d.objective.copy()
        d.kl = -t.beta * d.objective
        d.elbo = np.zeros_like(d.objective)  # reported, never optimized: the loss does not pass through it
        # forward: log_likelihood = log p(x|z, y), y = decoder([z | label])
        d[y] = self.likelihood.backward(d.log_likelihood, t[y], t.x, p, grads, out=d[y])
        d_joined = self.decoder.backward(d[y], join(t.z, t.label), p, t, d, grads)
        d.z = d_joined[:, :self.latent_dim].copy()
        # forward: z = mu + sigma * eps, sigma = exp(log_var / 2)
        dmu_through_z, d.sigma = reparameterize_backward(d.z, t.eps)
        dlog_var_through_z = standard_deviation_backward(d.sigma, t.sigma)
        # forward: kl = KL(mu, log_var)
        dmu_through_kl, dlog_var_through_kl = kl_divergence_backward(d.kl, t.mu, t.log_var)
        # two paths lead from mu and log_var to the loss: their gradients add
        d.mu = dmu_through_z + dmu_through_kl
        d.log_var = dlog_var_through_z + dlog_var_through_kl
        # forward: [mu | log_var] = encoder([x | label])
        d_head = np.concatenate([d.mu, d.log_var], axis=1)  # (B, 2K)
        self.encoder.backward(d_head, join(t.x, t.label), p, t, d, grads, needs_dx=False)
        return d, grads

    def encode(self, x):
        """Return mu and log_var, each of shape (B, K), of q(z|x, y) for rows [x | label] of shape (B, D + C)."""
        head = self.encoder.forward(join(*self._split(x)), self.parameters, {})
        return head[:, :self.latent_dim], head[:, self.latent_dim:]

    def decode(self, z):
        """Return E[x|z, y], of shape (B, D), for rows [z | label] of shape (B, K + C), the label one-hot."""
        z = joined_matrix("z", z, "K", self.latent_dim, self.conditions, self.dtype)
        self._check_label("z", z[:, self.latent_dim:])
        return self.likelihood.mean(self.decoder.forward(z, self.parameters, {}))

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
            If an argument is not of its kind.
        """
        rng, n = generator(rng), positive_integer("n", n)
        labels = np.arange(n) % self.conditions if label is None else np.atleast_1d(label)
        if labels.shape not in ((1,), (n,)):
            raise ValueError(f"label must be one whole number, or one for each of the n = {n} examples; got shape "
                             f"{labels.shape}.")
        z = rng.standard_normal((n, self.latent_dim)).astype(self.dtype)
        y = self.decoder.forward(join_labels(z, np.broadcast_to(labels, n), self.conditions), self.parameters, {})
        return self.likelihood.draw(y, self.parameters, rng) if draw else self.likelihood.mean(y)

    def _split(self, x):
        """Check rows of [x | label] and return the two, each in the model's dtype."""
        rows = joined_matrix("x", x, "D", self.data_dim, self.conditions, self.dtype)
        label = rows[:, self.data_dim:]
        self._check_label("x", label)
        x = float_matrix("x", rows[:, :self.data_dim], "(B, D)", self.data_dim, self.dtype,
                         unit_interval=self.likelihood.unit_interval)
        return x, label

    def _check_label(self, name, label):
        if not (np.isin(label, (0, 1)).all() and (label.sum(axis=1) == 1).all()):
            raise ValueError(f"the last {self.conditions} columns of {name} must be a label, one of them 1 and the others 0. "
                             "Make such rows with join_labels.")
