"""The exercise on a numeric derivative with a good step."""

import numpy as np

from ...gradcheck.record import Context
from ...gradcheck.report import Report
from ..answers.foreign import Failed
from ..answers.forms import as_number
from ..exercise import Exercise
from ..judges.finding import Finding, compare
from ..judges.naming import from_numbers

PRECISION = 3e-9   # a central difference with a good step reaches 1e-10, a one-sided one hardly 1e-8

def _cases(rng):
    """Yield words, a function, where, and the slope there, in an order that nobody can count on."""
    a, u, c, s = rng.uniform(0.5, 1.5, 4)
    far, near = 10 ** rng.uniform(7, 8.3), 10 ** rng.uniform(5.3, 6.3)
    found = [
        ("exp", np.exp, a, np.exp(a)), ("sin", np.sin, -u, np.cos(u)), ("exp", lambda x: np.exp(c * x), 0.0, c),
        ("a polynomial", lambda x: x**3 + c * x, -3 * u, 27 * u**2 + c),
        ("the square root", np.sqrt, near, 0.5 / np.sqrt(near)),
        ("a parabola", lambda x: c * x * x, far, 2 * c * far),
        ("1e-9 times exp", lambda x: 1e-9 * np.exp(x), s, 1e-9 * np.exp(s)),
        ("1e6 times exp", lambda x: 1e6 * np.exp(x), s, 1e6 * np.exp(s))]
    for k in rng.permutation(len(found)):
        words, f, x, slope = found[k]
        yield f"for {words} at {x:.3g}", f, float(x), float(slope)


def _judge(exercise, answer, rng):
    tensors = []
    for words, f, x, exact in _cases(rng):
        points = []

        def watched(at, f=f, points=points):
            points.extend(np.ravel(np.real(at) + np.abs(np.imag(at))))
            if len(points) > 100_000:
                raise RuntimeError("f was called 100,000 times; a few are enough")
            return f(at)

        slope = as_number(answer(watched, x), "slope")
        if not np.array_equal(as_number(answer(watched, x), "slope"), slope, equal_nan=True):
            raise Failed("noise", "gives another answer on the second call")
        tensor = compare("slope", np.array(slope), np.array(exact), PRECISION * abs(exact))
        if tensor.state != "agree":
            why = _factor(slope, exact) or _about_the_step(np.array(points, float) - x, x)
            return Finding(Report([tensor], diagnoses=[why]), None, "the exact slope", where=words)
        tensors.append(tensor)
    return Finding(Report(tensors), None, "the exact slope", (f"a relative error below {PRECISION:.0e}",))


def _factor(slope, exact):
    """The gradient checker's Diagnosis of a slope that is off by a factor with a name, or None."""
    if abs(slope / exact - 1) <= 1e-2:
        return None
    found = from_numbers(compare("slope", np.array(slope), np.array(exact), 1e-6 * abs(exact)), Context())
    return found if found and found.factor and found.factor.names else None


def _about_the_step(steps, x):
    """Say what is wrong with the points at which f was evaluated, from their distances to x."""
    if not len(steps):
        return "f was never called"
    size = max(1.0, abs(x))
    longest = float(np.abs(steps).max())
    if longest == 0:
        return "the step is 0 here"
    if (steps >= 0).all() or (steps <= 0).all():
        return ("f is evaluated on one side of x only: the error of a one-sided difference falls with the step, that "
                "of a central one with its square")
    if longest < 2e-7 * size:
        return f"the step, {longest:.0e}, is too short for this x: the rounding error of f is divided by it"
    if longest > 1e-4 * size:
        return f"the step, {longest:.0e}, is too long: the higher derivatives of f show"
    return "the step does not suit this x"


EXERCISES = (
    Exercise(
        name="numeric_derivative", signature="f, x -> slope",
        shapes="f: a function of one number; x: a number; slope: a number",
        notebook=6, place=1, difficulty=2, minutes=20,
        statement="The derivative of f at x from values of f alone, to a relative error below 3e-9: at x = 0 and at x "
                  "= 1e8, for functions of size 1e-9 and of size 1e6.",
        hints=("Evaluate f on both sides of x: the contribution of f'' then cancels, and the error falls with the "
               "square of the step.",
               "The step must be long enough for the rounding error of f, about 1e-16 of f, and short enough for its "
               "third derivative. The two errors grow as 1e-16 / h and as h²; their sum is smallest where they are "
               "about equal.",
               "Near x = 1e8 the next float is 1e-8 away: a step that suits x = 1 is lost to rounding there. Let the "
               "step grow with |x|, but do not let it vanish at 0."),
        insight="The best step is about the cube root of the precision, times the size of x, and even so about a third "
                "of the digits is lost. (A one-sided difference loses half of them.) The checker that judged your "
                "answer extrapolates and loses fewer.",
        equations={}, judge=_judge),
)
