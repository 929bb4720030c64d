"""The variational autoencoder: the derivation from log p(x) down to the loss, and back up to every weight.

``forward`` is the right-hand side of the ELBO, one line a symbol. ``backward`` is the chain rule, the same
lines from the bottom to the top. Nothing is hidden between the two: what the backward needs stands in the
trace. Shapes: B batch, D data (pixels), K latent.
"""

import math

import numpy as np

from ..kernels import (
    PAIRS, kl_divergence, kl_divergence_backward, reparameterize, reparameterize_backward, standard_deviation,
    standard_deviation_backward,
)
from .autoencoder import Autoencoder
from .checks import finite_number, float_matrix
from .trace import close_trace, open_gradients, open_trace

__all__ = ["VAE"]


class VAE(Autoencoder):
    """A variational autoencoder of dense layers.

    Parameters
    ----------
    data_dim : int
        D, the number of pixels.
    hidden : sequence of int, optional
        Units in each hidden layer of the encoder, first layer first; the decoder has the same in reverse.
        ``()`` makes both linear.
    latent_dim : int, optional
        K.
    activation : {"relu", "tanh"}, optional
    likelihood : {"bernoulli", "gaussian"}, optional
        What the decoder's output means. Under "bernoulli" data must lie in [0, 1].
    beta : float, optional
        Weight on the KL divergence in the objective. 1 makes the objective the ELBO.
    dtype : {"float32", "float64"}, optional
    seed : int, optional
        Of the weights' first values.
    noise_variance : float or "learned", optional
        Variance of the "gaussian" likelihood: fixed, or learned from 1 on as the parameter ``decoder.log_var``.

    Attributes
    ----------
    parameters : Parameters
    settings : dict
        The arguments above, as given.

    Raises
    ------
    ValueError
        If an argument is not of its kind.

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, section 3 and appendix C.
    """

    reported = ("elbo", "log_likelihood", "kl")  # the symbols of a trace whose means tell how training goes

    @property
    def symbols(self):
        """Names of everything that a trace holds, in the order of the forward pass."""
        return ("x", *self.encoder.h, "mu", "log_var", "sigma", "eps", "z", *self.decoder.h,
                self.likelihood.symbol, "log_likelihood", "kl", "elbo", "objective", "loss")

    def pairs(self):
        """Return the kernel pairs that this model is made of, by name."""
        activation = [self.settings["activation"]] if self.settings["hidden"] else []
        names = ["dense", *activation, "standard_deviation", "reparameterize", "kl_divergence"]
        return {name: PAIRS[name] for name in names} | self.likelihood.pair()

    def forward(self, x, eps, beta=None, given=None, out=None):
        """Compute the loss of a batch, and every symbol on the way.

        Parameters
        ----------
        x : array-like, shape (B, D)
            Data. Copied, and cast to the model's dtype. For a Bernoulli model 0 or 1: ``mv.data.binarize`` makes grey
            levels so.
        eps : array-like, shape (B, K)
            Standard normal noise, one draw per example.
        beta : float, optional
            Weight on the KL divergence in this pass; by default the model's own.
        given : dict of str to array, optional
            Values to use for these symbols in place of computing them, so that any one can be moved and all
            that follows it runs again.
        out : Trace, optional
            A trace of this model and batch size to overwrite in place of making a new one. Whether the parameters were
            altered before ``backward`` is then told from every n-th of them.

        Returns
        -------
        trace : Trace
            x, encoder.0.h, ..., mu, log_var, sigma, eps, z, decoder.0.h, ..., logits (or mean), log_likelihood,
            kl, elbo, objective: in nats, one number per example; loss: one number. ``elbo`` is log p(x|z) - KL
            whatever beta is; only the objective, and so the loss, is weighted.

        Raises
        ------
        ValueError
            If x, eps, beta, given or out does not fit the model.

        Notes
        -----
        Equations 3.1, 3.2, 2.8, 2.9 and 2.10. A symbol in ``given`` has its line run like the others; the trace then
        keeps the given value in place of the computed one.
        """
        t = open_trace(self, given, out)
        t.beta = self.beta if beta is None else finite_number("beta", beta)
        p = self.parameters
        y = self.likelihood.symbol  # "logits" or "mean": what the decoder's output means
        K = self.latent_dim

        t.x = float_matrix("x", x, "(B, D)", self.data_dim, self.dtype, unit_interval=self.likelihood.unit_interval)
        head = self.encoder.forward(t.x, p, t)                           # (B, 2K)
        t.mu, t.log_var = head[:, :K], head[:, K:]                       # q(z|x) = N(mu, sigma**2)
        t.sigma = standard_deviation(t.log_var)
        t.eps = float_matrix("eps", eps, "(B, K)", K, self.dtype, rows=len(t.x))
        t.z = reparameterize(t.mu, t.sigma, t.eps)                       # (B, K), a draw from q(z|x)
        t[y] = self.decoder.forward(t.z, p, t, out=t.get(y))             # (B, D)
        t.log_likelihood = self.likelihood.log_likelihood(t[y], t.x, p)  # (B,), log p(x|z)
        t.kl = kl_divergence(t.mu, t.log_var)                            # (B,), KL(q(z|x) || p(z))
        t.elbo = t.log_likelihood - t.kl                                 # (B,)
        t.objective = t.log_likelihood - t.beta * t.kl                   # (B,)
        t.loss = -t.objective.mean()
        close_trace(self, t)
        return t

    def backward(self, trace, d_loss=1.0, out=None):
        """Carry the gradient of the loss back to every symbol and every parameter.

        Parameters
        ----------
        trace : Trace
            What ``forward`` returned; the parameters must not have changed since.
        d_loss : float, optional
            Upstream gradient: 1 for the gradient of the loss itself.
        out : (Trace, Parameters), optional
            What an earlier call returned, to overwrite in place of making new ones.

        Returns
        -------
        d : Trace
            dloss/dsymbol for each symbol of the trace; None for x and eps, which are data and noise.
        grads : Parameters
            dloss/dparameter.

        Raises
        ------
        ValueError
            If the trace is not this model's, or the parameters were altered since the forward pass.

        Notes
        -----
        Equations 7.1 to 7.4.
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
        # forward: log_likelihood = log p(x|z), y = decoder(z)
        d[y] = self.likelihood.backward(d.log_likelihood, t[y], t.x, p, grads, out=d[y])
        d.z = self.decoder.backward(d[y], t.z, p, t, d, grads)
        # forward: z = mu + sigma * eps, sigma = exp(log_var / 2)
        dmu_through_z, d.sigma = reparameterize_backward(d.z, t.eps)
        dlog_var_through_z = standard_deviation_backward(d.sigma, t.sigma)
        # forward: kl = KL(mu, log_var)
        dmu_through_kl, dlog_var_through_kl = kl_divergence_backward(d.kl, t.mu, t.log_var)
        # two paths lead from mu and log_var to the loss: their gradients add
        d.mu = dmu_through_z + dmu_through_kl
        d.log_var = dlog_var_through_z + dlog_var_through_kl
        # forward: [mu | log_var] = encoder(x)
        d_head = np.concatenate([d.mu, d.log_var], axis=1)  # (B, 2K)
        self.encoder.backward(d_head, t.x, p, t, d, grads, needs_dx=False)
        return d, grads
