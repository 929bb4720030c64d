"""log p(x) by annealed importance sampling: chains that move from the prior to the posterior in many small steps.

Importance sampling with q(z|x) fails without notice where q misses a part of the posterior. Annealed importance
sampling needs no q. Each chain starts at the prior, from which it is easy to draw. The weight of log p(x|z), the
temperature, rises from 0 to 1 in small steps; at each, Hamiltonian Monte Carlo (``hmc.py``) moves the chain towards the
new density. Run backwards, from an exact draw of the posterior, the same chain errs on the other side. Data drawn from
the model come with such a draw, so for them the two runs bracket log p(x).

In nats, one number per example. Shapes: B examples, D data (pixels), K latent, C chains per example, T temperatures.
The chains of one example are in successive rows.
"""

import sys
import time
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..model import join_labels
from ..model.arguments import generator, positive_integer
from .cores import free_cores, one_blas_thread, thread_pool
from .hmc import Chains, Target
from .importance import NUMBERS, duration, evidence_of

__all__ = ["Annealed", "Bracket", "annealed_estimate", "annealed_log_evidence", "bracket", "temperature_schedule"]

CHAINS, TEMPERATURES = 16, 500   # by default
PILOT_CHAINS = 4    # per example, to find the step sizes
FIRST_STEP = 0.1    # of the leapfrog; later ones adapt
ACCEPTANCE = 0.65   # the acceptance rate at which Hamiltonian Monte Carlo moves farthest for its cost


class Annealed(NamedTuple):
    """An estimate of log p(x) for each example, from C chains.

    Attributes
    ----------
    log_px : ndarray, shape (B,)
        In nats. Too low on average from chains that start at the prior, too high from chains that start at the
        posterior.
    standard_error : ndarray, shape (B,)
        Of log_px, from the spread of the C weights; NaN for a single chain. Too small where a few weights dominate.
    effective_chains : ndarray, shape (B,)
        From 1 to C: the number of equally weighted draws whose mean would have the same variance.
    acceptance : ndarray, shape (B,)
        The share of moves that were accepted, over all temperatures.
    """

    log_px: np.ndarray
    standard_error: np.ndarray
    effective_chains: np.ndarray
    acceptance: np.ndarray


class Bracket(NamedTuple):
    """log p(x) of data drawn from the model, from below and from above.

    Attributes
    ----------
    x : ndarray, shape (B, D)
        The data; of a conditional model [x | label].
    z : ndarray, shape (B, K)
        The latents from which x was drawn: one exact draw from each posterior.
    lower, upper : Annealed
        Chains run forward from the prior and back from z. E[lower.log_px] <= log p(x) <= E[upper.log_px]. The chains of
        ``upper`` all start at the same z; its standard error treats them as independent and is too small.
    """

    x: np.ndarray
    z: np.ndarray
    lower: Annealed
    upper: Annealed


def annealed_log_evidence(model, x, chains=CHAINS, temperatures=TEMPERATURES, *, rng, leapfrog_steps=10,
                          progress=False):
    """Estimate log p(x) for each example by annealed importance sampling.

    Parameters
    ----------
    model : VAE
        Only its decoder is used.
    x : array-like, shape (B, D)
        Data, as for ``VAE.forward``.
    chains : int, optional
        C, the number of chains for each example.
    temperatures : int, optional
        T, the number of steps from the prior to the posterior. Doubling it improves the estimate more than doubling the
        chains.
    rng : numpy.random.Generator
    leapfrog_steps : int, optional
        Number of gradients in one move of Hamiltonian Monte Carlo; there is one move at each temperature.
    progress : bool, optional
        Whether to show a progress bar, on standard error.

    Returns
    -------
    log_px : ndarray, shape (B,)
        float64, in nats. The mean weight is unbiased for p(x), so its logarithm is too low on average.

    Raises
    ------
    ValueError
        If an argument does not fit.
    ArithmeticError
        If a weight is not finite.

    References
    ----------
    Neal, Annealed Importance Sampling, 2001, sections 2 and 3. Wu, Burda, Salakhutdinov & Grosse, On the Quantitative
    Analysis of Decoder-Based Generative Models, 2017, section 3.
    """
    return annealed_estimate(model, x, chains, temperatures, rng=rng, leapfrog_steps=leapfrog_steps,
                             progress=progress).log_px


def annealed_estimate(model, x, chains=CHAINS, temperatures=TEMPERATURES, *, rng, leapfrog_steps=10, progress=False):
    """Estimate log p(x) as ``annealed_log_evidence`` does, with standard errors and acceptance rates.

    Parameters and errors are those of ``annealed_log_evidence``.

    Returns
    -------
    Annealed
    """
    x = model.rows(x)
    plan = Plan(chains, temperatures, leapfrog_steps)

    def forward_run(rows, rng):
        return (plan.forward(Target(model, x[rows]), plan.step_sizes(Target(model, x[rows]), rng), rng),)

    (estimate,) = _in_blocks(forward_run, model, len(x), plan, rng, progress)
    return estimate


def bracket(model, n, chains=CHAINS, temperatures=TEMPERATURES, *, rng, leapfrog_steps=10, labels=None, progress=False):
    """Draw n examples from the model, and bound log p(x) of each from both sides: bidirectional Monte Carlo.

    Parameters
    ----------
    model : VAE
    n : int
        B, the number of examples to draw: z from the prior, x from p(x|z).
    chains, temperatures, rng, leapfrog_steps, progress
        As for ``annealed_log_evidence``.
    labels : array-like of int, shape (n,), optional
        For a conditional model, whose bracket is for log p(x|y); by default drawn at random, all classes alike.

    Returns
    -------
    Bracket

    Raises
    ------
    ValueError, ArithmeticError
        As for ``annealed_log_evidence``.

    Notes
    -----
    A pair (z, x) drawn from p(z) p(x|z) is also a pair drawn from p(x) p(z|x). So z is an exact draw from the posterior
    of this x; for given data there is no such draw in general. All chains of an example run back from this z. The mean
    of 1/w is unbiased for 1/p(x), and minus its logarithm is too high on average.

    References
    ----------
    Grosse, Ghahramani & Adams, Sandwiching the Marginal Likelihood Using Bidirectional Monte Carlo, 2015, section 3.
    """
    rng, n = generator(rng), positive_integer("n", n)
    z = rng.standard_normal((n, model.latent_dim)).astype(model.dtype)
    code = z if not model.conditions else join_labels(z, _labels(n, labels, rng, model.conditions), model.conditions)
    y = model.decoder.forward(z, model.parameters, {"label": code[:, model.latent_dim:]})
    x = np.concatenate([model.likelihood.draw(y, model.parameters, rng), code[:, model.latent_dim:]], axis=1)
    plan = Plan(chains, temperatures, leapfrog_steps)

    def both_runs(rows, rng):
        target = Target(model, x[rows])
        steps = plan.step_sizes(target, rng)
        return plan.forward(target, steps, rng), plan.reverse(target, z[rows], steps, rng)

    return Bracket(x, z, *_in_blocks(both_runs, model, n, plan, rng, progress))


def temperature_schedule(temperatures):
    """Return t_0 = 0 < t_1 < ... < t_T = 1, with small steps at both ends, where the density changes most.

    References
    ----------
    Wu et al., 2017, section 4.1: a logistic curve from -4 to 4, stretched to [0, 1].
    """
    curve = np.tanh(np.linspace(-2, 2, positive_integer("temperatures", temperatures) + 1))
    return (curve - curve[0]) / (curve[-1] - curve[0])


class Plan:
    """The settings of a run, numbers of chains and steps, and the forward and reverse runs that use them."""

    def __init__(self, chains, temperatures, leapfrog_steps):
        self.chains, self.schedule = positive_integer("chains", chains), temperature_schedule(temperatures)
        self.leapfrog_steps = positive_integer("leapfrog_steps", leapfrog_steps)

    def moves(self):
        """Return how many moves of C chains a forward run takes, with those of the pilot chains in proportion."""
        return (len(self.schedule) - 1) * (1 + PILOT_CHAINS / self.chains)

    def step_sizes(self, target, rng):
        """Find step sizes for each example and temperature, on pilot chains that are then discarded.

        Returns
        -------
        steps : ndarray, shape (T, B)

        Notes
        -----
        In the real runs the step sizes are fixed. If they adapted to the chains that they move, the moves would no
        longer leave the density unchanged, and the weights would be biased.
        """
        B = len(target.x)
        chains = Chains(target, _from_prior(target, B * PILOT_CHAINS, rng))
        log_step, steps = np.full(B, np.log(FIRST_STEP)), np.empty((len(self.schedule) - 1, B))
        gain = max(0.1, min(1.0, 50 / len(steps)))
        for i, temperature in enumerate(self.schedule[1:]):
            steps[i] = np.exp(log_step)
            probability = chains.move(temperature, _by_chain(steps[i], PILOT_CHAINS), self.leapfrog_steps, rng)
            log_step += gain * (probability.reshape(B, -1).mean(axis=1) - ACCEPTANCE)
        return steps

    def forward(self, target, steps, rng):
        """Run from the prior up: weigh by each rise of the temperature, then move at the new one. Equation 11.12."""
        chains = Chains(target, _from_prior(target, len(target.x) * self.chains, rng))
        log_weight = np.zeros(len(chains.z))
        for (low, high), step in zip(zip(self.schedule, self.schedule[1:]), steps):
            log_weight += (high - low) * chains.log_likelihood
            chains.move(high, _by_chain(step, self.chains), self.leapfrog_steps, rng)
        return self._estimate(log_weight, chains, +1)

    def reverse(self, target, z, steps, rng):
        """Run from the posterior down: the same moves and weights in the opposite order. Equation 11.17."""
        chains = Chains(target, z.repeat(self.chains, axis=0))
        log_weight = np.zeros(len(chains.z))
        for (low, high), step in reversed(list(zip(zip(self.schedule, self.schedule[1:]), steps))):
            chains.move(high, _by_chain(step, self.chains), self.leapfrog_steps, rng)
            log_weight += (high - low) * chains.log_likelihood
        return self._estimate(log_weight, chains, -1)

    def _estimate(self, log_weight, chains, sign):
        """Return log mean w of the forward run (sign 1), or -log mean 1/w of the reverse run (sign -1)."""
        if not np.isfinite(log_weight).all():
            raise ArithmeticError(f"a log weight is not finite: they go from {log_weight.min()} to {log_weight.max()}. "
                                  "Are the model's parameters finite? Try dtype float64.")
        found = evidence_of(sign * log_weight.reshape(-1, self.chains))       # of w, or of 1/w
        acceptance = chains.accepted.reshape(-1, self.chains).mean(axis=1) / (len(self.schedule) - 1)
        return Annealed(sign * found.log_px, found.standard_error, found.effective_samples, acceptance)


def _seconds_a_move(model, n, plan):
    """Return the seconds that one move takes, measured on the chains of n images that are all zero."""
    target, rng = Target(model, np.zeros((n, model.input_dim), model.dtype)), np.random.default_rng(0)
    chains = Chains(target, _from_prior(target, n * plan.chains, rng))
    start = time.perf_counter()
    chains.move(0.0, np.full((len(chains.z), 1), FIRST_STEP), plan.leapfrog_steps, rng)
    return time.perf_counter() - start


def _from_prior(target, rows, rng):
    return rng.standard_normal((rows, target.model.latent_dim), dtype=target.model.dtype)


def _by_chain(step, chains):
    return step.repeat(chains)[:, None]


def _labels(n, labels, rng, classes):
    return rng.integers(classes, size=n) if labels is None else labels


@one_blas_thread()
def _in_blocks(run, model, n, plan, rng, progress):
    """Run the examples in blocks on several threads, and join the results.

    Each block has a random generator of its own, so the result does not depend on the order of the threads. A block is
    so small that a layer's output stays in the cache.
    """
    size = max(1, NUMBERS // max(model.decoder.sizes) // plan.chains)
    blocks = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    seeds = generator(rng).integers(2**63, size=len(blocks))
    threads = min(len(blocks), free_cores())
    if progress:
        seconds = plan.moves() * _seconds_a_move(model, min(n, size), plan) * len(blocks) / threads
        print(f"Annealing {n:,} images on {plan.chains} chains each takes {duration(seconds)}.", file=sys.stderr)
    with thread_pool(threads) as pool:
        work = pool.map(lambda block, seed: run(block, np.random.default_rng(seed)), blocks, seeds)
        parts = list(tqdm(work, desc=f"annealing, {plan.chains} chains each", total=len(blocks), unit="block",
                          disable=not progress, smoothing=0))
    return [Annealed(*map(np.concatenate, zip(*runs))) for runs in zip(*parts)]
