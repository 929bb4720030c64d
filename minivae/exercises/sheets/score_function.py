"""The exercise on the score-function estimator, and its judge: is the estimator's mean the gradient?

A finite difference cannot judge what is right only on average. Many rows can. The textbook's estimator, f(z) times the
score, is unbiased; so the difference of a student's rows from its rows must have mean 0. That difference has little
noise, or none, and shows a bias of a few per cent. A baseline only adds to it what has mean 0.
"""

import numpy as np

from ...gradcheck.record import Context
from ...gradcheck.report import Report
from ...kernels import gaussian_log_density_backward
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from ..exercise import Exercise
from ..judges.finding import ONE_ANSWER, Finding, accepted, compare, settled, unchanged
from ..judges.naming import exchanged, from_numbers, in_catalogue, unused

DRAWS = 8000
LIMIT = 4.5    # standard errors that an unbiased mean seldom lies off; two looks must agree
SPREAD = 3.0   # times the scatter of f times the score, beyond which the mean is not resolved
ROWS = 20      # that a mistake is recognised by


class Estimator:
    """Judge of the score-function estimator."""

    def __call__(self, exercise, answer, rng):
        draw = _draws(rng)
        given, claims, truth = self._rows(exercise, answer, draw, rng)
        constant = settled(answer, given)
        unchanged(answer)
        for name in claims:
            z, spread = _bias(claims[name], truth[name])
            if z > LIMIT:   # once in many thousand times by chance: look again
                z = min(z, self._again(exercise, answer, draw, rng, name))
            if z > LIMIT:
                return self._named(exercise, answer, given, claims, truth, name, "biased: the mean of its rows lies "
                                   f"{z:.1f} standard errors from the gradient")
            if spread > SPREAD:
                return self._named(exercise, answer, given, claims, truth, name, f"its rows scatter {spread:.0f} times "
                                   "as widely as f(z) times the score: no mean can be read from them")
        if constant:
            raise Failed("stale", ONE_ANSWER)
        return accepted(f"Its mean is the gradient, to the noise of {DRAWS:,} draws",
                        checked=("shapes", "inputs left alone", "the same answer twice"))

    def _rows(self, exercise, answer, draw, rng):
        """Fresh draws, what the student returns for them, and f times the score."""
        given = draw(rng)
        f_z, z, mu, log_var = given
        truth = dict(zip(exercise.returns, _f_times_score(f_z, z, mu, log_var)))
        return given, as_arrays(answer(*given), {name: z.shape for name in truth}), truth

    def _again(self, exercise, answer, draw, rng, name):
        _, claims, truth = self._rows(exercise, answer, draw, rng)
        return _bias(claims[name], truth[name])[0]

    def _named(self, exercise, answer, given, claims, truth, name, said):
        """The Finding about a mean that is not the gradient, or cannot be told."""
        means = compare(name, claims[name].mean(axis=0), truth[name].mean(axis=0), 1e-300)
        shapes = {key: claim.shape for key, claim in claims.items()}
        mistake, _ = in_catalogue(exercise, given, claims, name, shapes)
        bounds = {key: 1e-9 * np.abs(right).max() for key, right in truth.items()}
        found = exchanged(compare(name, claims[name], truth[name], bounds[name]), truth, bounds)
        found = found or unused(answer, exercise, dict(zip(exercise.arguments, given)), claims)
        if not found:
            wrong = compare(name, claims[name][:ROWS], truth[name][:ROWS], bounds[name])
            arrays = {key: value[:ROWS] for key, value in zip(exercise.arguments, given)}
            found = from_numbers(wrong, Context({"S": DRAWS}, arrays, arguments=tuple(arrays)))
        numbers = [found] if found and found.kind != "place" else []
        return Finding(Report([means], diagnoses=numbers), mistake, "the mean of f(z) times the score", told=said)


def _f_times_score(f_z, z, mu, log_var):
    return gaussian_log_density_backward(f_z, z, mu, log_var)[1:]


def _draws(rng):
    """Return what draws f(z), z, mu and log_var, for a quadratic f and a q that are drawn once."""
    mu, log_var = rng.uniform(-1, 1, 2), rng.permutation([rng.uniform(-1.6, -1.0), rng.uniform(0.5, 1.0)])
    slope, curve = rng.choice([-1, 1], 2) * rng.uniform(0.6, 1.2, 2), rng.uniform(0.4, 0.9, 2)
    level = rng.uniform(-1, 1)

    def draw(rng):
        z = mu + np.exp(0.5 * log_var) * rng.standard_normal((DRAWS, 2))
        f_z = level + (slope * z + curve * z**2).sum(axis=1)
        return [f_z, z, np.tile(mu, (DRAWS, 1)), np.tile(log_var, (DRAWS, 1))]

    return draw


def _bias(rows, unbiased):
    """How many standard errors the mean lies off, and how much more widely than the unbiased rows these scatter."""
    gap = rows - unbiased
    error = gap.std(axis=0) / np.sqrt(len(gap)) + 1e-12 * np.abs(unbiased).max()
    return float((np.abs(gap.mean(axis=0)) / error).max()), float((rows.std(axis=0) / unbiased.std(axis=0)).max())


EXERCISES = (
    Exercise(
        name="score_function", signature="f_z, z, mu, log_var -> dmu, dlog_var",
        shapes="f_z (S,), z (S, K), mu (S, K), log_var (S, K), dmu (S, K), dlog_var (S, K)",
        notebook=4, place=3, difficulty=2, minutes=25,
        statement="The score-function estimator of the gradient of E_q[f(z)] with respect to mu and log_var, q = N(mu, "
                  "sigma²): one estimate for each of S draws z. f_z holds f(z) for each draw; f itself is not given "
                  "and need not be differentiable. The mean of your rows must be the gradient, to the noise of the "
                  "draws.",
        hints=("∇ E_q[f(z)] = E_q[f(z) ∇ log q(z)]: z does not move, the density does.",
               "You need the derivatives of log N(z; mu, sigma²) with respect to mu and to log_var; log_var occurs in "
               "two of its terms.",
               "With ζ = (z − mu) / sigma, which is standard normal, both derivatives are short. E[ζ² − 1] = 0: the "
               "score has mean 0. Does yours?"),
        insight="No derivative of f was needed. The price is variance: compare it with the reparameterized estimator, "
                "which uses the derivative of f.",
        equations={"": "4.1"}, judge=Estimator(),
        answer="exercises.sheets.score_function:_f_times_score", calls=("kernels:gaussian_log_density_backward",)),
)
