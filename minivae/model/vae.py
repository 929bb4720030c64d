"""The variational autoencoder: the derivation from log p(x) down to the loss, and back up to every weight.

``chain`` says what each symbol is made from. ``forward`` computes the symbols in that order, one line for each;
``backward`` is the chain rule: the same lines, from the last to the first. All that it needs is in the trace. Shapes: B
batch, D data (pixels), K latent.
"""

from functools import cached_property

import numpy as np

from ..kernels import (
    PAIRS, kl_divergence, kl_divergence_backward, reparameterize, reparameterize_backward, standard_deviation,
    standard_deviation_backward,
)
from .autoencoder import Autoencoder
from .trace import close_trace, open_gradients, open_trace

__all__ = ["VAE", "BETWEEN"]

# Other modules read forward and backward as text: the stepper shows their lines beside the equations, a trace cites
# them, and the catalogue of mistakes plants its bugs in them. They rely on these spellings:
#     t = open_trace(...), t.SYMBOL = ..., t[y] = ...    the line that computes a symbol
#     d.SYMBOL = ..., d[y] = ...                         the line that computes its gradient
#     # forward: ...                                     the line that is being differentiated
# and on the names below, of arrays between two symbols; they are shown with the line that uses them.
BETWEEN = ("head", "d_head", "dmu_through_z", "dmu_through_kl", "dlog_var_through_z", "dlog_var_through_kl")


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
    seed : int or None, optional
        Seed of the initial weights. None leaves all parameters at zero, for the caller to fill in.
    noise_variance : float or "learned", optional
        Variance of the "gaussian" likelihood: a fixed number, or "learned", which adds the parameter
        ``decoder.log_var`` and starts from a variance of 1.

    Attributes
    ----------
    parameters : Parameters
    settings : dict
        The arguments above, each as a plain number, word or tuple.

    Raises
    ------
    ValueError
        If an argument has a wrong type or value.

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, section 3 and appendix C.
    """

    reported = ("elbo", "log_likelihood", "kl")  # symbols whose means over the data are reported during training
    right_on_average = False  # True if only the mean of backward's gradient equals the gradient of the mean loss

    @cached_property
    def chain(self):
        """What each symbol is made from, in the order of the forward pass: symbols, and names of parameters.

        The chain's topology is stated here and nowhere else; all that draws, checks or explains the chain reads it.
        Data and noise are made from nothing, so they have no gradient.
        """
        y = self.likelihood.symbol  # "logits" or "mean": what the decoder's output means
        return {
            "x": (),
            **self.encoder.chain("x", ("mu", "log_var")),
            "sigma": ("log_var",),
            "eps": (),
            "z": ("mu", "sigma", "eps"),
            **self.decoder.chain("z", (y,)),
            "log_likelihood": (y, "x", *self.likelihood.shapes),
            "kl": ("mu", "log_var"),
            "elbo": ("log_likelihood", "kl"),
            "objective": ("log_likelihood", "kl"),
            "loss": ("objective",),
        }

    @property
    def symbols(self):
        """Names of everything that a trace holds, in the order of the forward pass."""
        return tuple(self.chain)

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
            Data, copied and cast to the model's dtype. For a Bernoulli model 0 or 1; ``mv.data.binarize`` makes grey
            levels binary.
        eps : array-like, shape (B, K)
            Standard normal noise, one draw per example. Copied and cast likewise.
        beta : float, optional
            Weight on the KL divergence in this pass; by default the model's own.
        given : dict of str to array, optional
            Values to use for these symbols in place of the computed ones; all that follows is computed from them.
        out : Trace, optional
            A trace of this model and batch size, to be overwritten. ``backward`` then looks for altered parameters only
            in a sample of them.

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
        Equations 3.1, 3.2, 2.9, 2.10 and 2.11. The line of a symbol in ``given`` also runs, but the trace keeps the
        given value.
        """
        t = open_trace(self, x, eps, beta, given, out)  # with t.x, t.eps and t.beta, checked and copied
        p, y, K = self.parameters, self.likelihood.symbol, self.latent_dim

        head = self.encoder.forward(t.x, p, t)                           # (B, 2K)
        t.mu, t.log_var = head[:, :K], head[:, K:]                       # q(z|x) = N(mu, sigma**2)
        t.sigma = standard_deviation(t.log_var)
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
            What ``forward`` returned. The parameters must not have changed since.
        d_loss : float, optional
            Upstream gradient: 1 for the gradient of the loss itself.
        out : (Trace, Parameters), optional
            What an earlier call returned, to be overwritten. If ``WeightsLater`` stands in place of the Parameters, the
            gradients of weights and biases are not computed.

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
        d, grads, d_loss = open_gradients(self, trace, d_loss, out)
        t, p, y, B = trace, self.parameters, self.likelihood.symbol, len(trace.x)

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
