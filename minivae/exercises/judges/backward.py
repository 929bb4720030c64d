"""The judge of backwards: a student's vector-Jacobian product against differences of the frozen forward.

Only her function is foreign. The forward, the inputs and the upstream gradient come from here. The first case is
observed as ``gradcheck.check_vjp`` does it, and what was seen then is checked with all its numbers. Further cases
(square matrices, a batch of one, numbers near 0 and large ones) are called once each. In every case the numbers are
compared with the package's own backward, by which a mistake gets its name.
"""

import contextlib

import numpy as np

from ...gradcheck.behaviour import TwoFunctions, close, observe
from ...gradcheck.inputs import KINDS
from ...gradcheck.checks import check_observed
from ...gradcheck.report import Report
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from .backward_case import Case
from .finding import ONE_ANSWER, Finding, compare, settled, unchanged
from .naming import by_terms, explained, from_numbers, in_catalogue, lost_digits, named, unused

__all__ = ["Backward"]

SINGLE = 2.0**-23
IGNORED = "the upstream gradient is ignored: the same comes for any. Multiply by it"
NOT_LINEAR = ("is not linear in the upstream gradient: what comes for the sum of two is not the sum of what comes for "
              "each")


class Backward:
    """Judge of one backward.

    Parameters
    ----------
    forward : callable
        ``forward(*arguments, **constants)`` returns one array.
    letters : dict of str to str
        The forward's arguments and their axes.
    given : callable, optional
        ``given(dy, **arguments)`` returns by name what the student's function may be given beside the upstream
        gradient, which comes first, and the forward's own arguments: the forward's output, the parts of the upstream.
    prepare : callable, optional
        ``prepare(arguments)`` makes other values of the random ones, such as pixels.
    constants : callable, optional
        ``constants(rng)`` returns by name the numbers that the forward takes, drawn anew for each case.
    extremes : dict of str to ndarray, optional
        Arguments of one more case, at which a careless formula overflows.
    terms : dict of str to callable, optional
        Parts of the forward's output, by which a missing path is named: ``terms[name](dy, **arguments)``, a number.
    """

    def __init__(self, forward, letters, given=lambda dy, **_: {}, *, prepare=lambda arguments: arguments,
                 constants=lambda rng: {}, extremes=None, terms=None):
        self.forward, self.letters, self.given = forward, letters, given
        self.prepare, self.constants, self.extremes, self.terms = prepare, constants, extremes, terms

    def __call__(self, exercise, answer, rng):
        case = Case(self, exercise, self._sizes(rng), rng)
        try:
            finding = self._observed(case, answer)
        except Failed as failed:
            raise self._where_square(case, answer, failed, rng) from None
        if not finding.report:
            return finding
        self._in_single(case, answer)
        for other in self._further(exercise, rng):
            if not exercise.answer and not other.ordinary:
                continue
            claims = other.claims(answer)
            wrong = other.first_wrong(claims)
            if wrong:
                return self._named(other, answer, claims, wrong, lambda: from_numbers(wrong, other.context))
        return Finding(Report(finding.report.tensors), checked=(
            "shapes, square ones among them", "a batch of one", "numbers near 0 and large ones", "float32",
            "inputs left alone", "the same answer twice"))

    def _sizes(self, rng):
        """Sizes by letter, all different, so that every factor can be told from the others; J is even."""
        letters = dict.fromkeys("".join(self.letters.values()))
        sizes = dict(zip(letters, map(int, rng.permutation([3, 4, 5, 6, 7]))))
        return {letter: 2 * int(rng.integers(4, 6)) if letter == "J" else size for letter, size in sizes.items()}

    def _further(self, exercise, rng):
        """The cases beyond the first, each with what is special about it."""
        sizes = self._sizes(rng)
        square = dict.fromkeys(sizes, 2 * int(rng.integers(1, 3)))
        one = {letter: {"B": 1, "J": 2}.get(letter, int(rng.integers(1, 4))) for letter in sizes}
        yield Case(self, exercise, square, rng, words="where all sizes are equal")
        yield Case(self, exercise, one, rng, words="for a batch of one")
        yield Case(self, exercise, sizes, rng, 1e-2, words="where all numbers are near 0")
        yield Case(self, exercise, sizes, rng, 10.0, words="where some numbers are large", order="F")
        yield Case(self, exercise, sizes, rng, 300.0, words="where some numbers are very large")
        if self.extremes:
            yield Case(self, exercise, {}, rng, words="where the arguments are large", arguments=self.extremes)

    def _where_square(self, case, answer, failed, rng):
        """The failure; where shapes did not fit, with what is wrong when all of them do."""
        if failed.about == "shapes":
            with contextlib.suppress(Failed):
                finding = self._observed(Case(self, case.exercise, dict.fromkeys(case.sizes, 4), rng), answer)
                said = next((one.text for one in finding.report.diagnoses if one.kind != "activation"), "")
                if not finding.report and (finding.mistake or said):
                    failed.square, failed.mistake = finding, finding.mistake
                    failed.hint = "" if finding.mistake else said
        return failed

    def _observed(self, case, answer):
        """Return the Finding of a case whose function is observed as the gradient checker does: once, for all."""
        failures = []

        def backward(dy, *values):
            if failures and failures[-1][0].kind not in ("raises", "not finite"):   # as for any numbers
                raise failures[-1][0]
            other = case.with_values(dy, values)
            try:
                gradients = as_arrays(answer(*other.given), case.shapes)
            except Failed as failed:
                failures.append((failed, other))
                raise
            return [gradients.get(f"d{name}") for name in self.letters]

        functions = TwoFunctions(case.forward, backward, list(case.arguments))
        seen = observe(functions, list(case.arguments.values()), np.random.default_rng(0))
        dy, gradients, _, faults = seen
        unchanged(answer)
        if gradients is None:
            failed, other = failures[-1]
            raise explained(failed, case.exercise, other.given, other.truth())
        case = case.with_values(dy, case.arguments.values())
        returned = {f"d{name}": gradient for name, gradient in zip(case.arguments, gradients)}
        claims = {name: returned[name] for name in case.shapes}
        fault = min(faults, key=lambda fault: KINDS.index(fault.kind), default=None)
        if fault and fault.kind != "upstream":
            raise self._unsettled(case, answer)
        wrong = case.first_wrong(claims)
        digits = wrong and lost_digits(wrong)
        if digits:   # too few of them are no longer linear either
            return Finding(Report([wrong], diagnoses=[digits]), None, case.against(wrong))
        if fault:
            raise self._not_linear(case, answer, claims)

        def checked():
            return check_observed(functions, list(case.arguments.values()), seen, sizes=case.all_sizes)

        if wrong is None:
            return Finding(checked())

        def say():
            report = checked()
            if report.faults:
                raise Failed("stale", ONE_ANSWER)
            about = (one for one in report.diagnoses if wrong.name in one.tensors and one.known)
            return self._by_terms(case, wrong) or next(about, None)

        return self._named(case, answer, claims, wrong, say)

    def _named(self, case, answer, claims, wrong, say):
        """The Finding about a gradient that is wrong, with whatever name it can get."""
        mistake, said = named(case.exercise, case.given, claims, f"d{wrong.name}", case.shapes,
                              lambda: unused(answer, case.exercise, case.known, claims, say()))
        return Finding(Report([wrong], diagnoses=said), mistake, case.against(wrong), where=case.words)

    def _unsettled(self, case, answer):
        """The failure of a function that keeps something, in the exercise's words."""
        settled(answer, case.given)   # it has a sentence for all that a second call shows
        return Failed("stale", ONE_ANSWER)

    def _not_linear(self, case, answer, claims):
        """The failure of a function that is not linear in the upstream gradient, by what it answers to multiples."""
        cases = {factor: case.with_values(factor * case.dy, case.arguments.values()) for factor in (2, -1, 1e3, 1e-3)}
        others = {factor: other.claims(answer) for factor, other in cases.items()}
        for name, claim in claims.items():
            if all(close([other[name]], [factor * claim]) for factor, other in others.items()):
                continue
            ignored = all(close([other[name]], [claim]) for other in others.values())
            failed = Failed("upstream", f"{name}: {IGNORED}" if ignored else f"{name} {NOT_LINEAR}", name)
            failed.mistake, _ = in_catalogue(case.exercise, cases[-1].given, others[-1], name, case.shapes)
            return failed
        return Failed("upstream", "it is not linear in the upstream gradient where some of that is 0, tiny or large")

    def _by_terms(self, case, wrong):
        """What the checker says about one gradient, by the terms of the forward where it has terms."""
        if not self.terms:
            return None

        def part(term):
            return lambda point: term(case.dy, **{**case.arguments, **point})

        terms = {name: part(term) for name, term in self.terms.items()}
        return by_terms(wrong, case.arguments[wrong.name], lambda point: sum(term(point) for term in terms.values()),
                        terms, case.all_sizes)

    def _in_single(self, case, answer):
        """Raise Failed unless what comes for float32 is what came for float64, which has passed, to its precision."""
        double = case.claims(answer)
        halves = {name: array.astype(np.float32) for name, array in case.arguments.items()}
        given = case.with_values(case.dy.astype(np.float32), halves.values()).given
        try:
            single = as_arrays(answer(*given), case.shapes, np.float32)
        except Failed as failed:
            failed.where = "for float32 arguments"
            raise
        for name in case.shapes:
            bound = 2**9 * SINGLE * max(1, np.abs(double[name]).max(initial=0))
            if compare(name, single[name], double[name], bound).state == "differ":
                raise Failed("dtype", f"{name}: the numbers for float32 arguments are not those for float64", name)
