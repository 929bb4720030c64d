"""The judge of backwards: a student's vector-Jacobian product against differences of the frozen forward.

Only her function is foreign. The forward, the inputs and the upstream gradient come from here. ``gradcheck.check_vjp``
looks at one case with all its numbers and at the function's behaviour; further cases (square matrices, a batch of one,
numbers near 0 and large ones) are compared with the package's own backward, where the exercise names it.
"""

import numpy as np

from ...gradcheck import check_gradient, check_vjp
from ...gradcheck.behaviour import close
from ...gradcheck.report import Report
from ...gradcheck.words import Diagnosis
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from .backward_case import Case
from .finding import Finding, compare, settled, unchanged
from .naming import better, from_numbers, in_catalogue, lost_digits, unused

__all__ = ["Backward"]

SINGLE = 2.0**-23
ROUNDING = 1e-11   # beside the largest number: how far two correct forms may lie apart
OVERFLOWS = "where the arguments are large"
ONE_ANSWER = "gives one answer whatever its arguments: it keeps what its first call was given"


class Backward:
    """Judge of one backward.

    Parameters
    ----------
    forward : callable
        ``forward(*arguments, **constants)`` returns one array.
    letters : dict of str to str
        The forward's arguments and their axes.
    given : callable, optional
        ``given(dy, **arguments)`` returns by name whatever the student's function may be given beside the forward's
        own arguments: the upstream gradient, the forward's output.
    prepare : callable, optional
        ``prepare(arguments)`` makes other values of the random ones, such as pixels.
    constants : callable, optional
        ``constants(rng)`` returns by name the numbers that the forward takes, drawn anew for each case.
    extremes : dict of str to ndarray, optional
        Arguments of one more case, at which a careless formula overflows.
    terms : dict of str to callable, optional
        Parts of the forward's output, by which a missing path is named: ``terms[name](dy, **arguments)``, a number.
    """

    def __init__(self, forward, letters, given, prepare=lambda arguments: arguments, constants=lambda rng: {},
                 extremes=None, terms=None):
        self.forward, self.letters, self.given = forward, letters, given
        self.prepare, self.constants, self.extremes, self.terms = prepare, constants, extremes, terms

    def __call__(self, exercise, answer, rng):
        case = Case(self, exercise, self._sizes(rng), rng)
        try:
            finding = self._measured(case, answer)
        except Failed as failed:
            raise self._where_square(case, answer, failed, rng) from None
        if not finding.report:
            return finding
        self._in_single(case, answer)
        for other in self._further(exercise, rng):
            wrong = self._compared(other, answer)
            if wrong:
                return wrong
        notes = [f"NumPy warns of {text}. The numbers are right all the same; a form in which nothing overflows is "
                 f"silent"
                 for text in answer.warned[:1]]
        tensors = finding.report.tensors
        return Finding(Report(tensors, notes=notes), checked=(
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
            yield Case(self, exercise, {}, rng, words=OVERFLOWS, arguments=self.extremes)

    def _where_square(self, case, answer, failed, rng):
        """The failure; where shapes did not fit, with what is wrong when all of them do."""
        if failed.about != "shapes":
            return failed
        try:
            square = Case(self, case.exercise, dict.fromkeys(case.sizes, 4), rng)
            finding = self._measured(square, answer)
        except Failed:
            return failed
        said = finding.mistake.name if finding.mistake else next(
            (one.text for one in finding.report.diagnoses if one.known and one.kind != "activation"), "")
        if finding.report or not said:
            return failed
        text = f"{failed.fault.text}. Where all sizes are 4 it runs, and d{finding.report.worst.tensor} is wrong"
        return failed.saying(text if finding.mistake else f"{text}: {said}", finding.mistake)

    def _measured(self, case, answer):
        """Return the Finding of a case by finite differences, and by how the function behaves."""
        claims = case.claims(answer)
        known = self._recognised(case, claims)
        if known:
            return known
        failures = []

        def backward(dy, *values):
            other = case.with_values(dy, values)
            try:
                gradients = as_arrays(answer(*other.given), case.shapes)
            except Failed as failed:
                failures.append(failed)
                raise
            return [gradients.get(f"d{name}") for name in self.letters]

        positions = [list(self.letters).index(name.removeprefix("d")) for name in case.exercise.returns]
        report = check_vjp(case.forward, backward, *case.arguments.values(), sizes=case.all_sizes, wrt=positions)
        if any(fault.kind == "raises" for fault in report.faults):   # and not only at the checker's own other arguments
            raise failures[-1]
        unchanged(answer)
        if report.faults:
            raise self._behaviour(case, answer, report.faults[0], claims)
        wrong = [f"d{t.name}" for t in report.tensors if t.state == "differ"]
        first = next((name for name in case.exercise.returns if name in wrong), None)
        if report or first is None:   # right, or not resolved: no mistake to name
            return Finding(report)
        report.tensors = [t for t in report.tensors if f"d{t.name}" == first]
        about = (one for one in report.diagnoses if first.removeprefix("d") in one.tensors)
        said = self._by_terms(case, first, claims[first]) or next(about, None)
        return self._named(case, answer, claims, report, first, said)

    def _compared(self, case, answer):
        """Return the Finding about a case that is wrong by the package's own backward; None where it is right."""
        if case.exercise.reference is None:   # judged by differences, at ordinary numbers
            finding = self._measured(case, answer) if case.scale == 1 else None
            return None if finding is None or finding.report else finding
        try:
            claims = case.claims(answer)
        except Failed as failed:
            more = f": an exponential or a logarithm leaves the range of floats {OVERFLOWS}" * (
                failed.fault.kind == "not finite" and case.words == OVERFLOWS)
            raise failed.saying(f"{failed.fault.text}{more or f', {case.words}'}") from None
        unchanged(answer)
        wrong = case.first_wrong(claims, ROUNDING)
        if wrong is None:
            return None
        said = from_numbers(wrong, case.context)
        return self._named(case, answer, claims, Report([wrong]), f"d{wrong.name}", said)

    def _named(self, case, answer, claims, report, first, said):
        """The Finding about a gradient that is wrong, with whatever name it can get."""
        claims = {first: claims[first], **claims}
        mistake, whole = in_catalogue(case.exercise, case.given, claims, case.shapes)
        constant = unused(answer, case.exercise, case.known, {name: claims[name] for name in case.shapes})
        if constant and (not said or isinstance(case.known[constant], float)):
            said = Diagnosis("argument", (), f"it does not depend on {constant}")
        report.diagnoses = [said._replace(tensors=())] if said is not None and said.known else []
        return Finding(report, better(mistake, whole, said), case.against(report.tensors[0]), where=case.words)

    def _recognised(self, case, claims):
        """The Finding about numbers that are right to a few digits, or those of the catalogue; None without either."""
        if case.exercise.reference is None:
            return None
        wrong = case.first_wrong(claims, 100 * ROUNDING)
        if wrong is None:
            return None
        said, first = lost_digits(wrong.claimed, wrong.measured), f"d{wrong.name}"
        if said:
            return Finding(Report([wrong], diagnoses=[Diagnosis("digits", (), said)]), None, case.against(wrong))
        mistake, whole = in_catalogue(case.exercise, case.given, {first: claims[first], **claims}, case.shapes)
        return Finding(Report([wrong]), mistake, case.against(wrong)) if whole else None

    def _behaviour(self, case, answer, fault, claims):
        """The failure that a checker's fault amounts to, in the exercise's words."""
        settled(answer, case.given)   # it has a sentence for all that a second call shows
        if fault.kind != "upstream":
            return Failed("stale", ONE_ANSWER)
        name = f"d{fault.tensors[0]}" if fault.tensors else next(iter(claims))
        other = case.with_values(2 * case.dy, case.arguments.values()).claims(answer)
        text = (f"{name}: the upstream gradient is ignored: the same comes for any. Multiply by it"
                if close([other[name]], [claims[name]]) else
                f"{name} is not linear in the upstream gradient: what comes for the sum of two is not the sum of what "
                "comes for each")
        mistake, _ = in_catalogue(case.exercise, case.given, claims, case.shapes)
        return Failed("upstream", text, name, mistake=mistake)

    def _by_terms(self, case, first, claim):
        """What the checker says about one gradient, by the terms of the forward where it has terms."""
        if not self.terms:
            return None
        argument = first.removeprefix("d")

        def part(term):
            return lambda point: term(case.dy, **{**case.arguments, **point})

        terms = {name: part(term) for name, term in self.terms.items()}
        report = check_gradient(lambda point: sum(term(point) for term in terms.values()), {argument: claim},
                                {argument: case.arguments[argument]}, terms, sizes=case.all_sizes)
        return next((one for one in report.diagnoses if one.known), None)

    def _in_single(self, case, answer):
        """Raise Failed unless what comes for float32 is what came for float64, which has passed, to its precision."""
        double = case.claims(answer)
        halves = {name: array.astype(np.float32) for name, array in case.arguments.items()}
        given = case.with_values(case.dy.astype(np.float32), halves.values()).given
        try:
            single = as_arrays(answer(*given), case.shapes, np.float32)
        except Failed as failed:
            raise failed.saying(f"{failed.fault.text}, for float32 arguments") from None
        for name in case.shapes:
            bound = 2**9 * SINGLE * max(1, np.abs(double[name]).max(initial=0))
            if compare(name, single[name], double[name], bound).state == "differ":
                raise Failed("dtype", f"{name}: the numbers for float32 arguments are not those for float64", name)
