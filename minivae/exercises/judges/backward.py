"""The judge of backwards: a student's vector-Jacobian product against differences of the frozen forward.

Only her function is foreign. The forward, the inputs and the upstream gradient come from here; the numbers and the
behaviour are looked at by ``gradcheck.check_vjp``.
"""

import numpy as np

from ...gradcheck import check_gradient, check_vjp
from ...gradcheck.behaviour import Pair, observe
from ...gradcheck.inputs import of_point
from ...gradcheck.probe import Probe, signs
from ...gradcheck.report import Report
from ...gradcheck.words import Diagnosis
from .finding import Finding, beside, compare, known, name_in_catalogue, shape_hint
from ..answers.foreign import Failed
from ..answers.forms import as_arrays

__all__ = ["Backward", "draw", "SIZES"]

SIZES = (   # of a batch on which every number of a factor can be told from the others; of one example; of another batch
    dict(B=5, I=6, O=7, H=4, D=7, K=6, J=12, S=6),
    dict(B=1, I=2, O=3, H=2, D=1, K=1, J=2, S=1),
    dict(B=3, I=7, O=4, H=5, D=5, K=2, J=4, S=3),
)
SINGLE = 2.0**-23
OVERFLOWS = " where the arguments are large: an exponential or a logarithm leaves the range of floats"
SHAPES_DIFFER = ("matmul", "broadcast", "aligned", "dimension", "operand", "einstein", "subscript")


def draw(letters, sizes, rng):
    """Return an array for each name, of the shape that its letters say, none of its numbers close to 0."""
    return {name: 0.8 * signs([sizes[letter] for letter in axes], rng) for name, axes in letters.items()}


class Backward:
    """Judge of one backward.

    Parameters
    ----------
    forward : callable
        ``forward(*arguments)`` returns one array.
    letters : dict of str to str
        The forward's arguments and their axes.
    given : callable, optional
        ``given(dy, **arguments)`` returns by name whatever the student's function may be given beside the forward's
        own arguments: the upstream gradient, the forward's output.
    prepare : callable, optional
        ``prepare(arguments)`` makes other values of the random ones, such as pixels.
    extremes : dict of str to ndarray, optional
        Arguments of one more case, at which a careless formula overflows.
    terms : dict of str to callable, optional
        Parts of the forward's output, by which a missing path is named: ``terms[name](dy, **arguments)``, a number.
    """

    def __init__(self, forward, letters, given, prepare=lambda arguments: arguments, extremes=None, terms=None):
        self.forward, self.letters, self.given = forward, letters, given
        self.prepare, self.extremes, self.terms = prepare, extremes, terms

    def __call__(self, exercise, answer):
        tensors, checked = [], ["shapes", "dtype", "inputs left alone", "the same answer twice"]
        for case, sizes in enumerate(SIZES):
            sizes = {letter: n for letter, n in sizes.items() if letter in "".join(self.letters.values())}
            arguments = self.prepare(draw(self.letters, sizes, np.random.default_rng(case)))
            if case == 2:
                arguments = {name: np.asfortranarray(array) for name, array in arguments.items()}
            try:
                finding = self.look(exercise, answer, arguments, sizes)
            except Failed as failed:
                raise self._where_square(exercise, answer, failed, sizes) from None
            if not finding.report:
                return finding
            tensors += finding.report.tensors
            if case == 0:
                self.in_single(exercise, answer, arguments)
        if self.extremes:
            try:
                finding = self.look(exercise, answer, self.extremes, {})
            except Failed as failed:
                if failed.fault.kind != "not finite":
                    raise
                raise Failed("not finite", failed.fault.text + OVERFLOWS, failed.returned) from None
            if answer.warned:
                raise Failed("not finite", f"NumPy warns of {answer.warned[0]}{OVERFLOWS}")
            if not finding.report:
                return finding
            checked.append("large arguments")
        return Finding(Report(tensors), checked=(*checked, "float32"))

    def _where_square(self, exercise, answer, failed, sizes):
        """The failure; where shapes did not fit, with what is wrong when all of them do."""
        text = failed.fault.text
        if failed.fault.kind != "raises" or "[:, None]" in text or not any(word in text for word in SHAPES_DIFFER):
            return failed
        square = {letter: 4 for letter in sizes}
        try:
            finding = self.look(exercise, answer, self.prepare(draw(self.letters, square, np.random.default_rng(9))), square)
        except Failed:
            return failed
        said = finding.mistake or next(iter(finding.report.diagnosis), "")
        if not said:
            return failed
        text = f"{failed.fault.text}. Where all sizes are 4 it runs, and d{finding.report.worst.tensor} is wrong"
        return Failed("raises", text if finding.mistake else f"{text}: {said}", mistake=finding.mistake)

    def look(self, exercise, answer, arguments, sizes):
        """Return the Finding for one set of arguments."""
        dy = 0.7 * signs(np.shape(self.forward(**arguments)), np.random.default_rng(7))
        given, shapes = self._given(exercise, dy, arguments), self._shapes(exercise, arguments)
        try:
            claims = as_arrays(answer(*given), shapes)
        except Failed as failed:
            raise self._explained(exercise, failed, given, shapes, dy, arguments) from None
        self._unchanged(answer)
        sizes = {**sizes, **{name: value for name, value in self.given(dy, **arguments).items() if isinstance(value, float)}}
        positions = [list(self.letters).index(name.removeprefix("d")) for name in exercise.returns]

        failures = []

        def backward(dy, *values):
            given = self._given(exercise, dy, dict(zip(arguments, values)))
            try:
                gradients = as_arrays(answer(*given), shapes)
            except Failed as failed:
                failures.append(failed)
                raise
            return [gradients.get(f"d{name}") for name in self.letters]

        pair = Pair(self.forward, backward, list(arguments))
        *_, faults = observe(pair, list(arguments.values()), np.random.default_rng(0))
        if any(fault.kind == "raises" for fault in faults):   # and not only at the checker's own other arguments
            raise failures[-1]
        self._unchanged(answer)
        if faults:   # before any number is looked at, which takes longer
            raise self._behaviour(exercise, faults[0], claims, given, shapes, arguments)
        report = check_vjp(self.forward, backward, *arguments.values(), sizes=sizes, wrt=positions)
        self._unchanged(answer)
        return self._named(exercise, report, claims, given, shapes, dy, arguments, sizes)

    def _given(self, exercise, dy, arguments):
        known = {**arguments, **self.given(dy, **arguments)}
        return [known[name] for name in exercise.arguments]

    def _shapes(self, exercise, arguments):
        return {name: np.shape(arguments[name.removeprefix("d")]) for name in exercise.returns}

    def _explained(self, exercise, failed, given, shapes, dy, arguments):
        """The failure with what the numbers say about it."""
        if failed.claim is None or failed.returned not in shapes:
            return failed
        forward = of_point(self.forward, list(arguments), list(arguments.values()))
        hint = shape_hint(failed, shapes[failed.returned], Probe(forward, arguments, dy))
        name = name_in_catalogue(exercise, given, {failed.returned: failed.claim}, shapes)
        text = f"{failed.fault.text}: {hint}" if hint else failed.fault.text
        return Failed(failed.fault.kind, text, failed.returned, failed.claim, name)

    def _unchanged(self, answer):
        if answer.changed:
            raise Failed("inputs", f"{answer.changed[0]} is changed in place: whoever called still needs it. Write into "
                                   "new arrays")

    def _behaviour(self, exercise, fault, claims, given, shapes, arguments):
        """The failure that a checker's fault amounts to, in the exercise's words."""
        about = fault.text.partition(": ")[0]
        name = name_in_catalogue(exercise, given, claims, shapes) if fault.kind == "upstream" else None
        text = f"d{fault.text}" if about in arguments else fault.text.removeprefix("backward ")
        return Failed(fault.kind, text, f"d{about}" if about in arguments else "", mistake=name)

    def _named(self, exercise, report, claims, given, shapes, dy, arguments, sizes):
        if report.faults:
            raise self._behaviour(exercise, report.faults[0], claims, given, shapes, arguments)
        if report:
            return Finding(report)
        wrong = [f"d{t.name}" for t in report.tensors if t.state == "differ"]
        first = next((name for name in exercise.returns if name in wrong), None)
        if first is None:   # not resolved: no mistake to name
            return Finding(report)
        name = name_in_catalogue(exercise, given, {first: claims[first], **claims}, shapes)
        report.diagnoses = [Diagnosis("stated", (), beside(name, self._sentence(report, first, claims, dy, arguments, sizes)))]
        report.tensors = [t for t in report.tensors if f"d{t.name}" == first]
        return Finding(report, name)

    def _sentence(self, report, first, claims, dy, arguments, sizes):
        """What the checker says about one gradient, by terms where the forward has terms."""
        argument = first.removeprefix("d")
        if self.terms:
            def part(term):
                return lambda point: term(dy, **{**arguments, **point})

            terms = {name: part(term) for name, term in self.terms.items()}
            by_terms = check_gradient(lambda point: sum(term(point) for term in terms.values()), {argument: claims[first]},
                                      {argument: arguments[argument]}, terms, sizes=sizes)
            if any(map(known, by_terms.diagnoses)):
                return known(by_terms.diagnoses[0])
        for diagnosis in report.diagnoses:
            if argument in diagnosis.tensors:
                return known(diagnosis)
        return ""

    def in_single(self, exercise, answer, arguments):
        """Raise Failed unless what comes for float32 is what came for float64, which has passed, to its precision."""
        dy = 0.7 * signs(np.shape(self.forward(**arguments)), np.random.default_rng(7))
        shapes = self._shapes(exercise, arguments)
        double = as_arrays(answer(*self._given(exercise, dy, arguments)), shapes)
        halves = {name: array.astype(np.float32) for name, array in arguments.items()}
        single = as_arrays(answer(*self._given(exercise, dy.astype(np.float32), halves)), shapes, np.float32)
        for name in shapes:
            bound = 2**9 * SINGLE * max(1, np.abs(double[name]).max())
            if compare(name, single[name], double[name], bound).state == "differ":
                raise Failed("dtype", f"{name}: for float32 arguments other numbers come than for float64", name)
