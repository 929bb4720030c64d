"""The report on a model: all its numbers, from one set of draws and one set of pixels.

``python -m minivae evaluate`` prints what is computed and laid out here.
"""

import math
from typing import NamedTuple

import numpy as np

from ..data import prepare
from ..data.binarize import binarize_checked
from ..kernels import kl_divergence
from ..model.arguments import generator, positive_integer
from . import annealed
from .active import THRESHOLD, active_units
from .cores import one_blas_thread
from .curve import bound_in_groups, mean_curve, sample_sizes
from .importance import evidence_of, importance_estimate, over_examples

__all__ = ["evaluate", "evaluate_annealed", "as_text", "doubt"]

FEW = 10  # with fewer effective samples, log p(x) of an example is little more than a lower bound
SETTLED = 0.1  # nats by which the bound may still rise over the last doubling of the number of draws


@one_blas_thread()
def evaluate(model, images, *, binarize, rng, samples=100, progress=False):
    """Measure a model on a data set: the ELBO and its parts, log p(x), and how far to trust it.

    Parameters
    ----------
    model : VAE
    images : ndarray, shape (N, rows, columns) or (N, D)
        uint8 grey levels, or floats.
    binarize : {"dynamic", "fixed", "threshold", "none"}
        How grey levels become pixels; "dynamic" draws them once, from ``rng``.
    rng : numpy.random.Generator
        For pixels and latents.
    samples : int, optional
        S, draws of z for each example. Use 5000 for numbers to compare with those of papers.
    progress : bool, optional
        Whether to show a progress bar, on standard error.

    Returns
    -------
    numbers : dict
        Means over the examples, in nats:

        - "elbo", "log_likelihood", "kl": the ELBO, E_q[log p(x|z)] from all draws, and the KL in closed form;
          "elbo_se", the standard error over the examples;
        - "log_px", the importance estimate of log p(x); "log_px_se", its standard error over other images of the same
          kind; "log_px_draws_se", its standard error over other draws of z for the same images, by equation 10.6 or
          from the two halves of the draws, whichever is larger. The latter is rough for a few examples, and None where
          ``doubt`` is raised, because the estimate is then too low by more than that;
        - "gap": log_px - elbo;
        - "samples"; "effective_samples", the median over the examples; "few_effective", the fraction of the examples
          with fewer than ten;
        - "bound": the importance-weighted bound by number of samples, and "bound_draws_se";
        - "active_units", "latents" and "images", counts.

        A value is None where it cannot be estimated from one example or one draw.

    Raises
    ------
    ValueError
        If an argument does not fit.
    ArithmeticError
        If log p(x) of an example is not finite.
    """
    rng, samples = generator(rng), positive_integer("samples", samples)
    images = prepare(images, binarize, data_dim=model.input_dim, classes=model.conditions)
    x = binarize_checked(images, binarize, rng, model.dtype)
    sizes = sample_sizes(samples)

    def reduce(draws):
        return _Example(draws.log_likelihood.mean(), *(column[0] for column in evidence_of(draws.log_weight)),
                        bound_in_groups(draws.log_weight[0], sizes))

    parts = over_examples(reduce, model, x, samples, rng=rng, progress=progress)
    log_likelihood, log_px, error, effective, curves = map(np.array, zip(*parts))
    kl = kl_divergence(*model.encode(x)).astype(np.float64)
    elbo = log_likelihood - kl
    curve = mean_curve(sizes, curves)
    numbers = {
        "elbo": _mean(elbo), "elbo_se": _standard_error(elbo), "log_likelihood": _mean(log_likelihood), "kl": _mean(kl),
        "log_px": _mean(log_px), "log_px_se": _standard_error(log_px),
        "log_px_draws_se": _finite(max(np.sqrt((error**2).sum()) / len(x), curve.standard_error[-1])),
        "gap": _mean(log_px - elbo),
        "samples": samples, "effective_samples": float(np.median(effective)), "few_effective": _mean(effective < FEW),
        "bound": dict(zip(sizes, map(float, curve.bound))),
        "bound_draws_se": dict(zip(sizes, map(_finite, curve.standard_error))),
        "active_units": active_units(model, x) if len(x) > 1 else None, "latents": model.latent_dim, "images": len(x),
    }
    return numbers | ({"log_px_draws_se": None} if doubt(numbers) else {})


def evaluate_annealed(model, images, *, binarize, rng, samples=100, progress=False):
    """Measure log p(x) of some images twice: by annealing, and by importance sampling of the same binary pixels.

    Parameters
    ----------
    model : VAE
    images, binarize
        As for ``evaluate``.
    rng : numpy.random.Generator
    samples : int, optional
        Draws of z per image for the importance estimate.
    progress : bool, optional
        Whether to print an estimate of the time it takes and to show a progress bar, on standard error.

    Returns
    -------
    numbers : dict
        Means over the images, in nats: "log_px" by annealing, with its standard errors "log_px_se" over the images and
        "log_px_draws_se" over the chains; "importance", log p(x) by importance sampling; the "difference" of the two,
        image by image, and its standard error "difference_se"; and "images", "chains", "temperatures", "acceptance".
    """
    images = prepare(images, binarize, data_dim=model.input_dim, classes=model.conditions)
    x = binarize_checked(images, binarize, rng=generator(rng), dtype=model.dtype)
    chains, temperatures = annealed.CHAINS, annealed.TEMPERATURES
    found = annealed.annealed_estimate(model, x, chains, temperatures, rng=rng, progress=progress)
    importance = importance_estimate(model, x, samples, rng=rng, progress=progress).log_px
    difference, n = found.log_px - importance, len(x)

    def error(column):
        return float(column.std(ddof=1) / np.sqrt(n)) if n > 1 else None

    return {"log_px": float(found.log_px.mean()), "log_px_se": error(found.log_px),
            "log_px_draws_se": float(np.sqrt((found.standard_error**2).sum()) / n),
            "importance": float(importance.mean()), "samples": samples,
            "difference": float(difference.mean()), "difference_se": error(difference),
            "images": n, "chains": chains, "temperatures": temperatures, "acceptance": float(found.acceptance.mean())}


class _Example(NamedTuple):
    log_likelihood: float
    log_px: float
    standard_error: float
    effective_samples: float
    curve: np.ndarray


def as_text(numbers):
    """Return the numbers from ``evaluate`` as text, one on each line, with an explanation where one is needed."""
    def plus_minus(name, source):
        return "" if numbers[name] is None else f" ± {numbers[name]:.2g}{source}"

    errors = plus_minus("log_px_se", " over images") + plus_minus("log_px_draws_se", " over draws")
    lower = "  a lower bound: more draws would raise it" if doubt(numbers) else ""
    active = "unknown from one image" if numbers["active_units"] is None else (
        f"{numbers['active_units']:9} of {numbers['latents']} latents: those whose mean varies from image to image, by "
        f"a variance over {THRESHOLD}")
    curve = ", ".join(f"{size:,}: {bound:.2f}" for size, bound in numbers["bound"].items())
    return "\n".join([
        f"  log p(x)     {numbers['log_px']:9.2f}{errors}{lower}",
        f"  ELBO         {numbers['elbo']:9.2f}{plus_minus('elbo_se', ' over images')}",
        f"  log p(x|z)   {numbers['log_likelihood']:9.2f}",
        f"  KL           {numbers['kl']:9.2f}",
        f"  gap          {numbers['gap']:9.2f}  log p(x) - ELBO",
        f"  active units {active}",
        f"  ESS          {numbers['effective_samples']:9.1f} of {numbers['samples']:,} draws, for the median image: "
        f"how many draws of equal weight\n{'':25}would do as well. It is below {FEW}, too few, for "
        f"{numbers['few_effective']:.0%} of the images",
        f"  bound by number of draws: {curve}",
    ])


def doubt(numbers):
    """Return a sentence on why the estimate of log p(x) cannot be trusted, or None if it can."""
    *fewer, last = numbers["bound"]
    before = max((size for size in fewer if 2 * size <= last), default=None)
    more = f"Try --samples {max(5000, 10 * last)}."
    if numbers["effective_samples"] < FEW:
        return ("log p(x) is not to be trusted yet, only as a lower bound: half of the images have an effective "
                f"sample size of {numbers['effective_samples']:.1f} or less. {more}")
    if before is None:
        return None
    rise = numbers["bound"][last] - numbers["bound"][before]
    if rise / math.log2(last / before) > SETTLED:
        return (f"log p(x) is somewhat higher than its estimate, which still rose by {rise:.2f} nats from {before:,} "
                f"draws to {last:,}. {more}")
    return None


def _mean(column):
    return float(column.mean())


def _standard_error(column):
    return float(column.std(ddof=1) / np.sqrt(len(column))) if len(column) > 1 else None


def _finite(number):
    return float(number) if np.isfinite(number) else None
