"""Stochastic gradients: does a Monte-Carlo estimator have the right mean, and at what variance?

A finite difference cannot judge a gradient that is right only on average. Many draws can: the distance of their
mean from the reference, in standard errors, is a z-score that is seldom beyond 4 if the estimator is unbiased.
Variances are shown side by side, because a smaller variance is what makes one unbiased estimator better than another.
"""

from collections.abc import Mapping
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

__all__ = ["check_unbiased", "UnbiasedReport", "EstimatorFacts"]

FALSE_ALARM = 1e-3    # probability that an unbiased estimator looks biased at first; more draws must confirm it
RESOLUTION = 0.1      # a standard error above this share of the reference's largest number resolves nothing
ZERO = 1e-9           # a reference below this share of the spread of a draw counts as zero
ZERO_RESOLUTION = 0.05   # then a standard error above this share of the spread resolves nothing


class EstimatorFacts(NamedTuple):
    """What the draws of one estimator show.

    Attributes
    ----------
    name : str
    mean, standard_error : ndarray
        Of the draws, shaped as the gradient.
    variance : float
        Of a single draw, averaged over the gradient's numbers.
    z : float
        The largest distance of the mean from the reference, in standard errors.
    limit : float
        What z seldom exceeds if the estimator is unbiased.
    state : {"agree", "differ", "unresolved", "broken"}
        "broken": some draws are not finite.
    broken : int
        How many draws are not finite.
    """

    name: str
    mean: np.ndarray
    standard_error: np.ndarray
    variance: float
    z: float
    limit: float
    state: str
    broken: int = 0


class UnbiasedReport:
    """The outcome of ``check_unbiased``: verdict, estimators, and a text with their variances side by side.

    Parameters
    ----------
    estimators : list of EstimatorFacts
    reference : ndarray
    draws : int
    """

    def __init__(self, estimators, reference, draws):
        self.estimators, self.reference, self.draws = list(estimators), reference, draws

    @property
    def verdict(self):
        states = {facts.state for facts in self.estimators}
        return "fail" if states & {"differ", "broken"} else "inconclusive" if "unresolved" in states else "pass"

    def __bool__(self):
        return self.verdict == "pass"

    @property
    def worst(self):
        return max(self.estimators, key=lambda facts: facts.z)

    @property
    def diagnosis(self):
        """A sentence for each estimator that is biased, or too noisy to tell."""
        words = {"differ": "biased: its mean lies {0} standard errors from the reference (limit {1:.1f})",
                 "unresolved": "too noisy to tell: take more draws", "agree": "",
                 "broken": "{2} of its draws are not finite"}
        return [f"{facts.name}: {words[facts.state].format(_short(facts.z), facts.limit, facts.broken)}"
                for facts in self.estimators if facts.state != "agree"]

    def __str__(self):
        marks = {"agree": "✓", "differ": "✗", "unresolved": "?", "broken": "✗"}
        width = max(len(facts.name) for facts in self.estimators)
        least = min((facts.variance for facts in self.estimators if not facts.broken), default=0.0)
        lines = [f"unbiasedness check: {self.verdict.upper()} ({self.draws:,} draws)",
                 f"   {'estimator':{width}}  largest z  limit  variance of a draw"]
        for facts in self.estimators:
            times = f" ({facts.variance / least:.1f} times the least)" if least and facts.variance > least else ""
            lines.append(f"{marks[facts.state]}  {facts.name:{width}}  {_short(facts.z):>9}  {facts.limit:5.1f}  "
                         f"{facts.variance:.3g}{times}")
        return "\n".join(lines + [f"  {sentence}" for sentence in self.diagnosis])

    __repr__ = __str__

    def _repr_html_(self):
        import html
        return f"<pre style='font-family: monospace'>{html.escape(str(self))}</pre>"


def _short(z):
    return f"{z:.1f}" if z < 1e6 else f"{z:.1e}"


def check_unbiased(estimators, reference, *, draws=4000, rng=None):
    """Compare the means of Monte-Carlo gradient estimators with a reference.

    Parameters
    ----------
    estimators : dict of str to callable
        ``estimator(rng)`` returns one draw of the gradient, from fresh noise that it takes from ``rng``.
    reference : array-like
        The gradient that they should have on average: a closed form, or an estimate with a negligible error.
    draws : int, optional
        How many draws to take of each; if they disagree with the reference, four times as many follow.
    rng : numpy.random.Generator, optional
        By default always the same.

    Returns
    -------
    UnbiasedReport

    Raises
    ------
    ValueError
        If there is no estimator, draws is not at least 100, the reference is not finite, or an estimator's shape is not
        the reference's.

    Notes
    -----
    With n numbers in the gradient, z is compared with the normal quantile at 1 - 0.001 / 2n (Bonferroni), and an
    alarm must be confirmed by new draws. A bias below the standard error is missed: so the verdict is "inconclusive"
    if the standard error is not small beside the reference. If the reference is zero, it must be small beside the
    spread of a single draw.

    References
    ----------
    Mohamed, Rosca, Figurnov & Mnih, Monte Carlo gradient estimation in machine learning, JMLR 21, 2020, sections 4
    (score function) and 5 (pathwise, or reparameterized).
    """
    rng = np.random.default_rng(0) if rng is None else rng
    reference = np.asarray(reference, dtype=np.float64)
    if not isinstance(estimators, Mapping) or not estimators:
        raise ValueError(f"estimators must be a dict with at least one function of rng; got {estimators!r}.")
    if reference.size == 0:
        raise ValueError(f"reference must hold at least one number; got shape {reference.shape}.")
    if not np.isfinite(reference).all():
        raise ValueError(f"reference must be finite; got {reference[~np.isfinite(reference)][0]}.")
    if draws < 100:
        raise ValueError(f"draws must be at least 100, for means to be nearly normal; got {draws}.")
    found, largest = [], np.abs(reference)
    for name, estimator in estimators.items():
        facts, largest = _look(name, estimator, reference, draws, rng, largest)
        if facts.state == "differ":
            again, largest = _look(name, estimator, reference, 4 * draws, rng, largest)
            facts = again if again.state == "differ" else facts._replace(state=again.state, z=again.z)
        found.append(facts)
    return UnbiasedReport(found, reference, draws)


def _look(name, estimator, reference, draws, rng, largest):
    """Return the facts of one estimator, and the largest draws so far: an error below their rounding is no error."""
    samples = [np.asarray(estimator(rng)) for _ in range(draws)]
    for sample in samples:
        if sample.dtype.kind not in "fiub":
            raise ValueError(f"estimators[{name!r}] must return real numbers; got dtype {sample.dtype}.")
        if sample.shape != reference.shape:
            raise ValueError(f"estimators[{name!r}] must return shape {reference.shape}, the reference's; "
                             f"got {sample.shape}.")
    samples = np.array(samples, dtype=np.float64)
    broken = ~np.isfinite(samples.reshape(draws, -1)).all(axis=1)
    if broken.any():
        mean = np.full(reference.shape, np.nan)
        return EstimatorFacts(name, mean, mean, np.nan, np.inf, 0.0, "broken", int(broken.sum())), largest
    with np.errstate(over="ignore"):   # beyond 1e154 a square is too large for floats
        mean, variance = samples.mean(axis=0), samples.var(axis=0, ddof=1)
    largest = np.maximum(largest, np.abs(samples).max(axis=0))
    rounding = 2**-40 * largest   # for an estimator without noise
    error = np.sqrt(variance / draws) + rounding
    gap = np.abs(mean - reference)
    z = float(np.divide(gap, error, out=np.where(gap > 0, np.inf, 0.0), where=error > 0).max())
    limit = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * max(1, reference.size)))
    state = "differ" if z > limit else "agree"
    size, spread = np.abs(reference).max(initial=0), float(np.sqrt(variance.max(initial=0)))
    fine = RESOLUTION * size if size > ZERO * spread else ZERO_RESOLUTION * spread
    if state == "agree" and not error.max() <= max(fine, 2 * rounding.max()) < np.inf:
        state = "unresolved"
    return EstimatorFacts(name, mean, error, float(variance.mean()), z, limit, state), largest
