"""One derivative by finite differences, with an error estimate that can be trusted.

Central differences at halving steps are extrapolated to step zero. Two things are added to the classic
method: a lower bound on the error, from the rounding of the function's values; and the even part of the function,
which vanishes with the step where the function is smooth, and stays at a kink. Nothing here knows about tensors:
the function has one variable, and the question is its slope at 0.
"""

import math
from typing import NamedTuple

__all__ = ["Estimate", "derivative", "repeated", "Tableau"]

LEVELS = 6          # halvings of the step within one attempt
ATTEMPTS = 5        # starting steps tried before giving up
SAFETY = 10.0       # error = SAFETY * (change in the last extrapolation) + ROUNDING * (rounding of the values)
ROUNDING = 4.0      # both calibrated in tests/benchmarks/gradcheck_coverage.py
SHORTEST = 2.0**-24  # shortest step tried where the function has no value, relative to the first
SPREAD = 8.0         # standard errors of a mean of nine, whose errors may be correlated
UNSETTLED = 10.0    # factor on the error while the extrapolation changes by more than rounding: hidden kinks?
SUFFICIENT = 1e-8   # relative error at which no better step is looked for


class Estimate(NamedTuple):
    """A slope and what is known about it.

    Attributes
    ----------
    value : float
        The slope at 0. At a kink, the mean of the two one-sided slopes.
    error : float
        Bound on the distance to the true slope; it held in at least 99.9 % of the cases measured. Infinite
        if nothing could be measured.
    kind : {"smooth", "kink", "edge"}
        One slope; two (the function has a corner); or that of one side, if the function ends there.
    step : float
        Largest step of the attempt that gave the value.
    slopes : tuple of two floats
        Slope to the left and to the right of 0.
    reach : float
        Largest change of the function per unit of step, among those that were clearly more than rounding.
    constant : bool
        Whether the function did not change at all, not by one bit.
    """

    value: float
    error: float
    kind: str
    step: float
    slopes: tuple
    reach: float
    constant: bool


class Tableau:
    """Values at steps h, h/2, h/4, ... extrapolated to h = 0, one row at a time.

    Parameters
    ----------
    first_power : {1, 2}
        The values are limit + c h**p + c' h**(p + s) + ...: p = 2 for central differences, 1 for the even part.
    spacing : {1, 2}, optional
        s: 2 for both of them, 1 for one-sided differences.

    Notes
    -----
    Each column removes one power: T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (2**p_j - 1). The last
    correction, and the distance to the row above, show how far the limit may still be; the rounding of the values is
    carried through the same recursion. Ridders' method takes the least change in the whole table for the error,
    which is often too small; here the factors SAFETY and ROUNDING were chosen by measurement.

    References
    ----------
    Richardson, The approximate arithmetical solution by finite differences, 1911.
    Ridders, Accurate computation of F'(x) and F'(x) F''(x), Advances in Engineering Software 4, 1982.
    Press et al., Numerical Recipes, 3rd edition, section 5.7.
    """

    def __init__(self, first_power, spacing=2):
        self.first_power, self.spacing = first_power, spacing
        self.values, self.noises = [], []   # the last row of the tableau, and of its rounding
        self.rows, self.before = 0, 0.0     # and the last value but one, not extrapolated
        self.value, self.truncation, self.rounding, self.error = 0.0, math.inf, math.inf, math.inf

    def add(self, value, noise):
        """Add the value at the next, halved step, with a bound on its rounding. Equation 6.6, if central."""
        above, above_noise = self.values, self.noises
        self.before = above[0] if above else value
        self.values, self.noises = [value], [noise]
        for j in range(len(above)):
            weight = 1 / (2 ** (self.first_power + self.spacing * j) - 1)
            correction = (self.values[j] - above[j]) * weight
            self.values.append(self.values[j] + correction)
            self.noises.append(self.noises[j] * (1 + weight) + above_noise[j] * weight)
            change = max(abs(correction), abs(self.values[j + 1] - above[j]))
            if j + 1 < len(above):
                change = max(change, abs(self.values[j + 1] - above[j + 1]))
            self._consider(self.values[j + 1], change, self.noises[j + 1])
        self.rows += 1

    def _consider(self, value, truncation, rounding):
        error = SAFETY * truncation + ROUNDING * rounding
        if self.rows >= 2 and error < self.error:
            self.value, self.truncation, self.rounding, self.error = value, truncation, rounding, error

    @property
    def settled(self):
        """True once most of the error is rounding, which smaller steps only make worse."""
        return SAFETY * self.truncation <= ROUNDING * self.rounding

    @property
    def drift(self):
        """Distance of the last value from the limit if the value before it was clearly nearer, else 0.

        Powers of h come nearer with every halving. Several corners within the steps may suggest a wrong limit, from
        which the values then move away.
        """
        last, before = abs(self.values[0] - self.value), abs(self.before - self.value)
        return last if self.rows >= 3 and last > before + ROUNDING * self.noises[0] else 0.0


class _Attempt(NamedTuple):
    step: float
    slope: Tableau
    jump: Tableau   # half the difference of the one-sided slopes
    reach: float
    constant: bool

    @property
    def smooth(self):
        return abs(self.jump.value) <= self.jump.error < math.inf

    @property
    def settled(self):
        return self.slope.settled and self.jump.settled

    @property
    def error(self):
        if not self.smooth:
            return math.inf
        one_sided = abs(self.jump.value) + self.slope.error   # the corner may be real
        known = max(self.slope.error, self.jump.error, one_sided) * (1 if self.settled else UNSETTLED)
        return max(known, self.slope.drift)

    @property
    def too_short(self):
        """True if rounding outweighs truncation, so that longer steps may tell more."""
        noisy = all(table.truncation <= ROUNDING * table.rounding for table in (self.slope, self.jump))
        return bool(self.slope.rows) and (self.reach == 0 or noisy and self.smooth)


def _attempt(line, step):
    slope, jump, reach, constant = Tableau(2), Tableau(1), 0.0, True
    for level in range(LEVELS):
        h = step / 2**level
        (up, up_noise), (down, down_noise) = line(h), line(-h)
        if not math.isfinite(up) or not math.isfinite(down):
            slope, jump = Tableau(2), Tableau(1)   # start again, closer to the point
            continue
        noise = (up_noise + down_noise) / (2 * h)
        slope.add((up - down) / (2 * h), noise)
        jump.add((up + down) / (2 * h), 2 * noise)  # twice: the value at 0 enters here
        constant = constant and up == down == 0
        if max(abs(up), abs(down)) > 64 * (up_noise + down_noise):
            reach = max(reach, abs(up) / h, abs(down) / h)
        if slope.rows >= 4 and slope.settled and jump.settled:
            break
    return _Attempt(step, slope, jump, reach, constant)


def derivative(line, step, scale=0.0, *, wide=0.0):
    """Slope of a function of one variable at 0, with an error estimate.

    Parameters
    ----------
    line : callable
        ``line(t)`` returns two floats: the change of the function between 0 and t, and a bound on that
        change's rounding. A value that is not finite means: no value there.
    step : float
        Where to begin: about a tenth of the length over which the function changes. A poor choice costs
        evaluations, not accuracy: other steps are tried until the error is small or nothing helps.
    scale : float, optional
        A slope beside which the error should be small; a smaller error is not looked for.
    wide : float, optional
        The shortest step to try next if the first shows hardly more than rounding.

    Returns
    -------
    Estimate

    Notes
    -----
    Equations 6.2 and 6.7, extrapolated. If truncation dominates (or a kink lies within the step), the next attempt
    takes shorter steps; if rounding dominates, longer ones; after one of each, the geometric mean. A step that is too
    long shows in the changes of the extrapolation, in the even part, and in disagreement with a shorter one.
    """
    shortest_rough, longest_noisy = math.inf, 0.0
    attempts = []
    for _ in range(ATTEMPTS):
        here = _attempt(line, step)
        attempts.append(here)
        best = _best(attempts)
        if 0 < longest_noisy < step and here.reach == 0:
            break   # still nothing but rounding
        if best.error <= SUFFICIENT * max(abs(best.slope.value), scale):
            break
        if here.too_short:
            longest_noisy = max(longest_noisy, step)
        else:
            shortest_rough = min(shortest_rough, step)
        if not here.slope.rows and step < SHORTEST * attempts[0].step:
            break
        if longest_noisy == 0:
            step = shortest_rough / (2**8 if here.slope.rows else 2**16)   # no value at all: the domain ends close by
        elif shortest_rough == math.inf:
            step = max(longest_noisy * 2**5, wide)
        elif shortest_rough < 8 * longest_noisy:
            break
        else:
            step = math.sqrt(shortest_rough * longest_noisy)
    if not any(attempt.slope.rows for attempt in attempts):
        return _one_sided(line, attempts[0].step)
    return _summary(attempts, best)


def _best(attempts):
    """Return the attempt with the smallest error among those that no attempt with shorter steps contradicts."""
    def believable(attempt):
        shorter = [other for other in attempts if other.step < attempt.step and other.smooth]
        return all(abs(attempt.slope.value - other.slope.value) <= other.error for other in shorter)

    return min(filter(believable, attempts), key=lambda attempt: attempt.error)


def _summary(attempts, best):
    seen = best.reach, all(attempt.constant for attempt in attempts)
    kinked = [attempt for attempt in attempts if attempt.jump.error < abs(attempt.jump.value)]
    if kinked:
        corner = min(kinked, key=lambda attempt: max(attempt.slope.error, attempt.jump.error))
        error, half = max(corner.slope.error, corner.jump.error), corner.jump.value
        if best.error >= max(error, 0.1 * abs(half)):   # no shorter step shows that the corner is elsewhere
            value = corner.slope.value
            return Estimate(value, error, "kink", corner.step, (value - half, value + half), *seen)
    value = best.slope.value
    return Estimate(value, best.error, "smooth", best.step, (value, value), *seen)


def _one_sided(line, step):
    """Return the slope where the function has values on only one side of 0, or on neither."""
    best = Estimate(0.0, math.inf, "edge", step, (0.0, 0.0), 0.0, False)
    for side in (1, -1):
        for first in (step, step / 2**8, step / 2**16):
            table, reach, plain = Tableau(1, spacing=1), 0.0, []
            for level in range(LEVELS + 2):
                h = first / 2**level
                change, noise = line(side * h)
                if math.isfinite(change):
                    table.add(side * change / h, noise / h)
                    reach = max(reach, abs(change) / h)
                    plain.append(side * change / h)
            steps = [abs(b - a) for a, b in zip(plain, plain[1:])]
            grows = len(steps) > 2 and steps[2] > 0.9 * steps[1] > 0.7 * steps[0] > 0   # as a root's slope does at 0
            if table.error < best.error and not grows:
                best = Estimate(table.value, table.error, "edge", first, (table.value, table.value), reach, False)
    return best


def repeated(line, estimate):
    """Measure a slope again with nine first steps around that of an estimate, and average.

    Parameters
    ----------
    line : callable
        As for ``derivative``.
    estimate : Estimate

    Returns
    -------
    Estimate
        The one given, unless the mean is better: where the error is rounding, its scatter is measured here, not
        bounded.
    """
    attempts = [_attempt(line, estimate.step * 2 ** (k / 9)) for k in range(-4, 5)]
    values = [attempt.slope.value for attempt in attempts
              if attempt.smooth and attempt.slope.truncation <= ROUNDING * attempt.slope.rounding]
    if estimate.kind != "smooth" or not estimate.reach or len(values) < 7:
        return estimate
    mean = math.fsum(values) / len(values)
    scatter = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    error = SPREAD * scatter / math.sqrt(len(values)) + 1e-16 * abs(mean)
    if error >= estimate.error:
        return estimate
    return estimate._replace(value=mean, error=error, slopes=(mean, mean))
