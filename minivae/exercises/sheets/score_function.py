"""The judge of a Monte-Carlo gradient estimator: is its mean the gradient?

A finite difference cannot judge what is right only on average. Many rows can: ``gradcheck.check_unbiased`` holds their
mean against the exact gradient, in standard errors.
"""

import numpy as np

from ...gradcheck import check_unbiased
from ...gradcheck.report import Report
from ...gradcheck.record import Context
from ...kernels import gaussian_log_density_backward
from ..exercise import Exercise
from ..judges.finding import Finding, compare, first_wrong, name_in_catalogue
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from ..judges.values import settled

DRAWS, SEED = 8000, 43
MU, LOG_VAR = np.array([0.3, -0.8]), np.array([-1.4, 0.9])   # deviations of 0.5 and 1.6: sigma for sigma squared shows
SLOPE, CURVE, LEVEL = np.array([1.0, -0.7]), np.array([0.8, 0.4]), -0.5


def _f(z):
    """LEVEL + SLOPE z + CURVE z², summed over the latents: not differentiated by anybody."""
    return LEVEL + (SLOPE * z + CURVE * z**2).sum(axis=1)


def _exact():
    """The gradient of E_q[f], which is LEVEL + SLOPE mu + CURVE (mu² + exp(log_var))."""
    return {"dmu": SLOPE + 2 * CURVE * MU, "dlog_var": CURVE * np.exp(LOG_VAR)}


class Estimator:
    """Judge of the score-function estimator, by the z-score of its mean."""

    def __call__(self, exercise, answer):
        rng = np.random.default_rng(SEED)
        given, claims = self._rows(exercise, answer, DRAWS, rng)
        settled(exercise, answer, given)
        if answer.changed:
            raise Failed("inputs", f"{answer.changed[0]} is changed in place. Write into new arrays")
        tensors = []
        for name, exact in _exact().items():
            rows = [claims[name]]

            def one(_, rows=rows, name=name):
                if not len(rows[0]):
                    rows[0] = self._rows(exercise, answer, DRAWS, rng)[1][name]
                first, rows[0] = rows[0][0], rows[0][1:]
                return first

            facts = check_unbiased({name: one}, exact, draws=DRAWS).estimators[0]
            spread = 4 * facts.standard_error if facts.state == "agree" else 1e-300
            tensors.append(compare(name, facts.mean, exact, np.maximum(spread, 1e-300)))
            if facts.state != "agree":
                return self._named(exercise, given, claims, tensors[-1], facts)
        return Finding(Report(tensors), None, "the exact gradient",
                       ("shapes", "dtype", "inputs left alone", f"z-scores of {DRAWS:,} draws"))

    def _rows(self, exercise, answer, draws, rng):
        mu, log_var = np.tile(MU, (draws, 1)), np.tile(LOG_VAR, (draws, 1))
        z = mu + np.exp(0.5 * log_var) * rng.standard_normal((draws, 2))
        given = [_f(z), z, mu, log_var]
        return given, as_arrays(answer(*given), {"dmu": z.shape, "dlog_var": z.shape})

    def _named(self, exercise, given, claims, tensor, facts):
        """The finding about a biased mean: recognised row by row, or by what the mean is off by."""
        shapes = {name: claim.shape for name, claim in claims.items()}
        name = name_in_catalogue(exercise, given, {tensor.name: claims[tensor.name], **claims}, shapes)
        size = np.abs(facts.standard_error).max()
        rough = compare(tensor.name, facts.mean, _exact()[tensor.name], 4 * size)
        _, sentence = first_wrong([rough], Context({"S": DRAWS}))
        biased = f"biased: its mean over the draws lies {facts.z:.1f} standard errors from the gradient"
        return Finding(Report([tensor], diagnoses=[s for s in (biased, sentence) if s]), name, "the exact gradient")


EXERCISES = (
    Exercise(
        name="score_function", signature="f_z, z, mu, log_var -> dmu, dlog_var",
        shapes="f_z (S,), z (S, K), mu (S, K), log_var (S, K), dmu (S, K), dlog_var (S, K)",
        notebook=4, place=3, difficulty=2, minutes=25,
        statement="The score-function estimator of the gradient of E_q[f(z)] by mu and log_var, q = N(mu, sigma²): one "
                  "estimate for each of S draws z, of which f_z holds f(z). f itself is not at hand, and need not be "
                  "differentiable. The mean of your rows is held against the exact gradient by a z-score.",
        hints=("∇ E_q[f(z)] = E_q[f(z) ∇ log q(z)]: z does not move, the density does.",
               "You need the slope of log N(z; mu, sigma²) by mu and by log_var; log_var stands in two of its terms.",
               "With ζ = (z − mu) / sigma, a standard normal number, both slopes are short. E[ζ² − 1] = 0: the score has "
               "mean 0. Does yours?"),
        insight="No derivative of f was needed. The price is variance: compare with the reparameterized estimator, which "
                "knows the slope of f.",
        equations={"": "3.8"}, judge=Estimator(),
        reference=lambda f_z, z, mu, log_var: gaussian_log_density_backward(f_z, z, mu, log_var)[1:],
        built_from=("kernels:gaussian_log_density_backward",)),
)
