"""Two other objectives for the same encoder and decoder, from S draws of z for each example.

Both sample the KL divergence too, as log q(z|x) - log p(z), in place of its closed form. They differ only in how the S
log weights of an example become one number. Their mean is the Monte-Carlo ELBO; the logarithm of the mean weight is the
importance-weighted bound. ``SampledBound`` has the chain of both, forward and backward, written like that of the VAE.
Equations 10.13 and 10.18 to 10.25. Shapes: B batch, D data (pixels), K latent, S samples per example; sample s of
example b is row b S + s.
"""

from functools import cached_property

import numpy as np

from ..kernels import (
    PAIRS, gaussian_log_density, gaussian_log_density_backward, log_mean_exp, log_mean_exp_backward, mean_over_samples,
    mean_over_samples_backward, reparameterize, reparameterize_backward, repeat, repeat_backward, standard_deviation,
    standard_deviation_backward,
)
from .arguments import float_matrix
from .trace import close_trace, open_gradients, open_trace
from .vae import VAE

__all__ = ["MonteCarloELBO", "IWAE"]


class SampledBound(VAE):
    """A VAE whose objective is made from S log weights for each example. It is made and used like ``VAE``.

    Only ``forward`` and ``backward`` differ. ``eps`` has B S rows there, and S follows from their number.
    """

    reported = ("elbo", "log_likelihood", "kl", "objective")

    @cached_property
    def chain(self):
        """What each symbol is made from: the VAE's chain, with a sampled KL and an objective over log weights."""
        own = super().chain
        return {symbol: own[symbol] for symbol in list(own)[:list(own).index("kl")]} | {
            "log_prior": ("z",),
            "log_q": ("z", "mu", "log_var"),
            "kl": ("log_q", "log_prior"),
            "elbo": ("log_likelihood", "kl"),
            "log_weight": ("log_likelihood", "kl"),
            "objective": ("log_weight",),
            "loss": ("objective",),
        }

    def pairs(self):
        """Return the kernel pairs that this model is made of, by name."""
        names = ("repeat", "gaussian_log_density", self.over_samples.__name__)
        own = {name: pair for name, pair in super().pairs().items() if name != "kl_divergence"}
        return own | {name: PAIRS[name] for name in names}

    def checked_noise(self, eps, examples):
        """Return the noise for a number of examples, S rows for each, after a check and as the model's own copy."""
        eps = float_matrix("eps", eps, "(B S, K)", self.latent_dim, self.dtype)
        if len(eps) % examples:
            raise ValueError(f"eps must have shape (B S, K), S rows for each of the {examples} rows of x; "
                             f"got {len(eps)} rows.")
        return eps

    def forward(self, x, eps, beta=None, given=None, out=None):
        """Compute the loss of a batch, and every symbol on the way.

        Parameters
        ----------
        x : array-like, shape (B, D)
            Data, as for ``VAE.forward``.
        eps : array-like, shape (B S, K)
            Standard normal noise, S draws per example, those of one example in successive rows.
        beta, given, out
            As for ``VAE.forward``.

        Returns
        -------
        trace : Trace
            x, encoder.0.h, ..., mu, log_var and sigma with a row for each example; eps, z, decoder.0.h, ..., logits (or
            mean), log_likelihood, log_prior, log_q, kl, elbo and log_weight with a row for each sample; objective,
            one number per example; loss. ``elbo`` is log p(x|z) - kl of one draw, whatever beta is.

        Raises
        ------
        ValueError
            If x, eps, beta, given or out does not fit the model.

        Notes
        -----
        Equations 10.18 to 10.21, and the objective by 10.22 or 10.23. log q(z|x) is computed from z, mu and log_var, so
        that its gradient is easy to follow; where sigma is a million times smaller than mu, float32 resolves z only to
        a tenth of sigma.
        """
        t = open_trace(self, x, eps, beta, given, out)  # with t.x, t.eps and t.beta, checked and copied
        p, y, K, S = self.parameters, self.likelihood.symbol, self.latent_dim, len(t.eps) // len(t.x)

        head = self.encoder.forward(t.x, p, t)                           # (B, 2K)
        t.mu, t.log_var = head[:, :K], head[:, K:]                       # q(z|x) = N(mu, sigma**2)
        t.sigma = standard_deviation(t.log_var)
        mu, log_var, sigma = (repeat(a, S) for a in (t.mu, t.log_var, t.sigma))
        t.z = reparameterize(mu, sigma, t.eps)                           # (B S, K), S draws from q(z|x)
        t[y] = self.decoder.forward(t.z, p, t, out=t.get(y))             # (B S, D)
        t.log_likelihood = self.likelihood.log_likelihood(t[y], repeat(t.x, S), p)
        t.log_prior = gaussian_log_density(t.z, *standard_normal(t.z))   # (B S,), log p(z)
        t.log_q = gaussian_log_density(t.z, mu, log_var)                 # (B S,), log q(z|x)
        t.kl = t.log_q - t.log_prior
        t.elbo = t.log_likelihood - t.kl
        t.log_weight = t.log_likelihood - t.beta * t.kl
        t.objective = self.over_samples(t.log_weight.reshape(-1, S))     # (B,)
        t.loss = -t.objective.mean()
        close_trace(self, t)
        return t

    def backward(self, trace, d_loss=1.0, out=None):
        """Carry the gradient of the loss back to every symbol and every parameter.

        Parameters
        ----------
        trace, d_loss, out
            As for ``VAE.backward``.

        Returns
        -------
        d, grads
            As for ``VAE.backward``.

        Raises
        ------
        ValueError
            As for ``VAE.backward``.

        Notes
        -----
        Equation 7.4, and equations 10.13 and 10.18 to 10.25. The gradient of a log weight is its total derivative:
        through z, and through the mu and log_var on which log q(z|x) also depends directly.
        """
        d, grads, d_loss = open_gradients(self, trace, d_loss, out)
        t, p, y = trace, self.parameters, self.likelihood.symbol
        B, S = len(t.x), len(t.eps) // len(t.x)
        mu, log_var = repeat(t.mu, S), repeat(t.log_var, S)

        # forward: loss = -mean(objective)
        d.loss = self.dtype.type(d_loss)
        d.objective = np.full(B, -d_loss / B, self.dtype)
        # forward: objective = over_samples(log_weight)
        d.log_weight = self.over_samples_backward(d.objective, t.log_weight.reshape(B, S)).reshape(B * S)
        # forward: log_weight = log_likelihood - beta * kl
        d.log_likelihood = d.log_weight.copy()
        d.kl = -t.beta * d.log_weight
        d.elbo = np.zeros_like(d.kl)  # reported, never optimized: the loss does not pass through it
        # forward: kl = log_q - log_prior
        d.log_q, d.log_prior = d.kl.copy(), -d.kl
        # three paths lead from z to the loss: their gradients add
        dz_through_q, dmu_through_q, dlog_var_through_q = gaussian_log_density_backward(d.log_q, t.z, mu, log_var)
        dz_through_prior, _, _ = gaussian_log_density_backward(d.log_prior, t.z, *standard_normal(t.z))
        d[y] = self.likelihood.backward(d.log_likelihood, t[y], repeat(t.x, S), p, grads, out=d[y])
        dz_through_decoder = self.decoder.backward(d[y], t.z, p, t, d, grads)
        d.z = dz_through_decoder + dz_through_prior + dz_through_q
        self.meet_at_encoder(d, t, (dmu_through_q, dlog_var_through_q))
        # forward: [mu | log_var] = encoder(x)
        d_head = np.concatenate([d.mu, d.log_var], axis=1)  # (B, 2K)
        self.encoder.backward(d_head, t.x, p, t, d, grads, needs_dx=False)
        return d, grads

    def meet_at_encoder(self, d, t, score):
        """Carry d.z to sigma, mu and log_var, and add what reaches mu and log_var through log q(z|x): the score.

        Equation 11.1.
        """
        S = len(t.eps) // len(t.x)
        dmu_through_q, dlog_var_through_q = score
        # forward: z = mu + sigma * eps, sigma = exp(log_var / 2), each example's row for all its samples
        dmu_through_z, dsigma = reparameterize_backward(d.z, t.eps)
        d.sigma = repeat_backward(dsigma, S)
        # two paths lead from mu and log_var to the loss: their gradients add
        d.mu = repeat_backward(dmu_through_z + dmu_through_q, S)
        dlog_var_through_z = standard_deviation_backward(d.sigma, t.sigma)
        d.log_var = dlog_var_through_z + repeat_backward(dlog_var_through_q, S)


class MonteCarloELBO(SampledBound):
    """A VAE trained on the ELBO with a sampled KL: the mean of S log weights per example. Equation 10.22.

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, equation 6 (their estimator A).
    """

    over_samples = staticmethod(mean_over_samples)
    over_samples_backward = staticmethod(mean_over_samples_backward)


class IWAE(SampledBound):
    """The importance-weighted autoencoder: the logarithm of the mean of S weights per example. Equation 10.23.

    With S = 1 it is the Monte-Carlo ELBO.

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, section 3.
    """

    over_samples = staticmethod(log_mean_exp)
    over_samples_backward = staticmethod(log_mean_exp_backward)


def standard_normal(z):
    """Return mean and log-variance of the prior N(0, I): zeros of the shape of z."""
    zero = np.zeros_like(z)
    return zero, zero
