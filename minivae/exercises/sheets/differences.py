"""The exercise on a numeric derivative with a good step."""

import numpy as np

from ...gradcheck.report import Report
from ...gradcheck.record import Context
from ..exercise import Exercise
from ..judges.finding import Finding, compare, first_wrong
from ..answers.foreign import Failed
from ..answers.forms import as_number

PRECISION = 3e-9   # a central difference with a good step reaches 1e-10, a one-sided one hardly 1e-8

CASES = (   # words, function, where, slope
    ("exp at 1", np.exp, 1.0, np.e),
    ("sin at -0.5", np.sin, -0.5, np.cos(0.5)),
    ("exp at 0", np.exp, 0.0, 1.0),
    ("a polynomial at -3", lambda x: x**3 + 2 * x, -3.0, 29.0),
    ("the square root at 1e6", np.sqrt, 1e6, 5e-4),
    ("a parabola at 1e8", lambda x: x * x, 1e8, 2e8),
    ("1e-9 times exp at 0.5", lambda x: 1e-9 * np.exp(x), 0.5, 1e-9 * np.exp(0.5)),
)


def _judge(exercise, answer):
    tensors = []
    for words, f, x, exact in CASES:
        points = []

        def watched(at, f=f, points=points):
            points.append(np.real(at) + abs(np.imag(at)))
            if len(points) > 100_000:
                raise RuntimeError("f was called 100,000 times; a few are enough")
            return f(at)

        slope = as_number(answer(watched, x), "slope")
        if not np.array_equal(as_number(answer(watched, x), "slope"), slope, equal_nan=True):
            raise Failed("noise", "gives another answer on the second call")
        tensor = compare("slope", np.array(slope), np.array(exact), PRECISION * abs(exact))
        if tensor.state != "agree":
            _, factor = first_wrong([compare("slope", np.array(slope), np.array(exact), 1e-6 * abs(exact))], Context())
            why = factor if abs(slope / exact - 1) > 1e-2 and ("= " in factor or "sign" in factor) else ""
            why = why or _about_the_step(np.ravel(points).astype(float) - x, x)
            report = Report([tensor], diagnoses=[f"at {words}: {why}" if why else f"at {words}"])
            return Finding(report, None, "the exact slope")
        tensors.append(tensor)
    return Finding(Report(tensors), None, "the exact slope", (f"a relative error below {PRECISION:.0e}",))


def _about_the_step(steps, x):
    """Say what is wrong with where f was asked for its value."""
    if not len(steps):
        return "f was never called"
    size = max(1.0, abs(x))
    longest = float(np.abs(steps).max())
    if longest == 0:
        return "the step is 0 here"
    if (steps >= 0).all() or (steps <= 0).all():
        return ("f is asked on one side of x only: the error of a one-sided difference falls with the step, that of a "
                "central one with its square")
    if longest < 2e-7 * size:
        return f"the step, {longest:.0e}, is too short beside x: the rounding of f is divided by it"
    if longest > 1e-4 * size:
        return f"the step, {longest:.0e}, is too long: the curvature of f shows"
    return "the step does not suit this x"


EXERCISES = (
    Exercise(
        name="numeric_derivative", signature="f, x -> slope",
        shapes="f: a function of one number; x: a number; slope: a number",
        notebook=6, place=1, difficulty=2, minutes=20,
        statement="The derivative of f at x from values of f alone, to a relative error below 3e-9: for x = 0 and for x = "
                  "1e8, for a function worth 1e-9 as for one worth a million.",
        hints=("Ask f on both sides of x: what the parabola in f does then cancels, and the error falls with the square "
               "of the step.",
               "The step must be long enough for the rounding of f, some 1e-16 of it, and short enough for the curvature. "
               "Where 1e-16 / h and h² are of one size, the sum is least.",
               "Near x = 1e8 the neighbouring float is 1e-8 away: a step that suits x = 1 is lost there. Let it grow with "
               "|x|, and let it not vanish at 0."),
        insight="The best step is about the cube root of the precision, times the size of x: half of the digits are lost "
                "even so. The checker that judged you extrapolates, and loses fewer.",
        equations={}, judge=_judge),
)
