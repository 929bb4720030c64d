"""Hamiltonian Monte Carlo for the latents: moves that leave the density p(z) p(x|z)**t unchanged, at any temperature t.

The gradient of log p(x|z) with respect to z is the decoder's own backward pass. All chains of all examples move
together. Shapes: B examples, D data (pixels), K latent, C chains per example, in successive rows.
"""

import numpy as np

from ..model.mlp import WeightsLater

__all__ = ["Chains", "Target"]

JITTER = 0.2  # each move scales its step by a random factor within 1 ± this, so that no orbit closes


class Target:
    """log p(x|z) of some examples and its gradient with respect to z, for C rows of z for each example."""

    def __init__(self, model, x):
        self.model, self.x = model, x[:, :model.data_dim]
        self.label = x[:, model.data_dim:]  # it has columns only in a conditional VAE

    def __call__(self, z):
        """Return log p(x|z), float64 (B C,), and its gradient with respect to z, (B C, K)."""
        model, p, C = self.model, self.model.parameters, len(z) // len(self.x)
        x, trace = self.x.repeat(C, axis=0), {"label": self.label.repeat(C, axis=0)}
        y = model.decoder.forward(z, p, trace)
        log_likelihood = model.likelihood.log_likelihood(y, x, p)
        dy = model.likelihood.backward(np.ones_like(log_likelihood), y, x, p, {})
        dz = model.decoder.backward(dy, z, p, trace, {}, WeightsLater(lambda *layer: None))  # not the weights'
        return log_likelihood.astype(np.float64), dz


class Chains:
    """The state of the chains: z, and log p(x|z) with its gradient at z, which serve every temperature."""

    def __init__(self, target, z):
        self.target, self.z = target, z
        self.log_likelihood, self.slope = target(z)
        self.accepted = np.zeros(len(z))

    def move(self, temperature, step, leapfrog_steps, rng):
        """Make one move of Hamiltonian Monte Carlo, which leaves p(z) p(x|z)**temperature unchanged.

        Parameters
        ----------
        temperature : float
        step : ndarray, shape (B C, 1)
            Step size of the leapfrog, for each chain.
        leapfrog_steps : int
        rng : numpy.random.Generator

        Returns
        -------
        probability : ndarray, shape (B C,)
            The probability with which each move was accepted.

        Notes
        -----
        Equations 11.15 and 11.16.

        References
        ----------
        Neal, MCMC Using Hamiltonian Dynamics, 2011, sections 2.3 and 3.2.
        """
        dtype = self.z.dtype
        step = (step * rng.uniform(1 - JITTER, 1 + JITTER)).astype(dtype)
        momentum = rng.standard_normal(self.z.shape, dtype=dtype)
        z, log_likelihood, slope = self.z, self.log_likelihood, self.slope
        before = energy(z, log_likelihood, momentum, temperature)
        t = dtype.type(temperature)
        # gradient of log p(z) p(x|z)**t with respect to z: -z + t * slope
        with np.errstate(over="ignore", invalid="ignore"):  # a step that flies off is refused below
            momentum = momentum + 0.5 * step * (t * slope - z)
            for i in range(leapfrog_steps):
                z = z + step * momentum
                log_likelihood, slope = self.target(z)
                momentum = momentum + (step if i < leapfrog_steps - 1 else 0.5 * step) * (t * slope - z)
            probability = np.exp(np.minimum(before - energy(z, log_likelihood, momentum, temperature), 0))
        probability = np.where(np.isfinite(probability), probability, 0)
        accept = rng.random(len(z)) < probability
        self.z = np.where(accept[:, None], z, self.z)
        self.slope = np.where(accept[:, None], slope, self.slope)
        self.log_likelihood = np.where(accept, log_likelihood, self.log_likelihood)
        self.accepted += accept
        return probability


def energy(z, log_likelihood, momentum, temperature):
    """Return -log of p(z) p(x|z)**temperature N(momentum; 0, I) without constants, (B C,). Equations 11.11, 11.14."""
    z, momentum = z.astype(np.float64), momentum.astype(np.float64)
    return 0.5 * (z**2).sum(axis=1) + 0.5 * (momentum**2).sum(axis=1) - temperature * log_likelihood
