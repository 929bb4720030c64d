"""The V of a finite difference: its error against its step, and the error that the checker reaches.

If the step is too long, the curvature of the function shows (an error like h**2); if it is too short, the rounding of
its values does (an error like 1/h). The checker's extrapolation goes below the tip of the V.
"""

from typing import NamedTuple

import numpy as np

from .inputs import as_point, scalar_probe
from .noise import measure_noise

__all__ = ["StepError", "step_error"]


class StepError(NamedTuple):
    """What is needed to draw the V.

    Attributes
    ----------
    steps : ndarray, shape (n,)
        Of plain central differences, longest first.
    errors : ndarray, shape (n,)
        |central difference - reference|, NaN where the function has no value.
    truncation, rounding : ndarray, shape (n,)
        The two branches of the error: slope 2 on logarithmic axes, from curvature, and slope -1, from rounding. The
        first is zero where the errors show no curvature: on a straight line, at a corner.
    best_step : float
        The best step of the plain difference, where the sum of the branches is smallest.
    step : float
        Longest step of the attempt that the checker chose.
    value, error : float
        The extrapolated derivative and its estimated error.
    reference : float
        The derivative that the errors are measured from: the exact one if it was given, else ``value``.
    evaluations : int
        How often the checker called the function to find ``value``.
    """

    steps: np.ndarray
    errors: np.ndarray
    truncation: np.ndarray
    rounding: np.ndarray
    best_step: float
    step: float
    value: float
    error: float
    reference: float
    evaluations: int


def step_error(f, at, name=None, index=(), exact=None, steps=None):
    """Measure the error of a central difference over many steps, for one number.

    Parameters
    ----------
    f : callable
        ``f(at)`` returns one number.
    at : dict of str to ndarray
        The point.
    name : str, optional
        The tensor; by default the first.
    index : tuple of int, optional
        Which number of it.
    exact : float, optional
        The true derivative, if known.
    steps : array-like, optional
        By default four a decade, from 1 to 1e-13 times the size of the number.

    Returns
    -------
    StepError

    Notes
    -----
    Equations 6.3 and 6.4, with both constants estimated from the measured errors.

    References
    ----------
    Press et al., Numerical Recipes, 3rd edition, section 5.7.
    """
    at = as_point(at)
    name = next(iter(at)) if name is None else name
    probe = scalar_probe(f, at)
    measure_noise(probe, [name], np.random.default_rng(0))
    before = probe.evaluations
    estimate = probe.coordinate(name, index)
    evaluations = probe.evaluations - before
    reference = estimate.value if exact is None else float(exact)
    length = probe.size_of(name, index)
    steps = length * 10.0 ** -np.arange(0, 13.01, 0.25) if steps is None else np.asarray(steps, dtype=np.float64)
    line = probe.line_of(name, index)
    ends = np.array([[line(h)[0], line(-h)[0]] for h in steps])
    with np.errstate(all="ignore"):
        errors = np.abs((ends[:, 0] - ends[:, 1]) / (2 * steps) - reference)
    moved = (ends != 0).any(axis=1)   # a step below the function's own resolution shows nothing
    noise, curvature = _branches(steps[moved], errors[moved], line(float(steps[-1]))[1])
    best = (noise / (2 * curvature)) ** (1 / 3) if curvature else float(steps[np.nanargmin(errors)])
    return StepError(steps, errors, curvature * steps**2, noise / steps, best, estimate.step, estimate.value,
                     estimate.error, reference, evaluations)


def _branches(steps, errors, rounding_bound):
    """Fit noise / h to the short steps, and curvature * h**2 to the long ones if they have that slope."""
    long = (errors / steps**2)[errors > 20 * rounding_bound / steps][-8:]
    curvature = float(np.median(long)) if len(long) > 2 and long.max() < 4 * long.min() else 0.0
    short = (errors > 0) & (curvature * steps**2 < 0.01 * errors)
    if not curvature:   # a straight line, or a corner: only the shortest steps surely show rounding
        short &= np.arange(len(steps)) >= len(steps) // 2
    noise = float(np.median((errors * steps)[short])) if short.any() else rounding_bound
    return noise, curvature
