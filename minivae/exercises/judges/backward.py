"""The judge of backwards: a student's vector-Jacobian product against differences of the frozen forward.

Only her function is foreign. The forward, the inputs and the upstream gradient come from here. ``gradcheck.check_vjp``
looks at one case with all its numbers and at the function's behaviour; further cases (square matrices, a batch of one,
numbers near 0 and large ones) are compared with the package's own backward, where the exercise names it.
"""

import functools
import math

import numpy as np

from ...gradcheck import check_gradient, check_vjp
from ...gradcheck.inputs import of_point
from ...gradcheck.probe import Probe, signs
from ...gradcheck.record import OUTPUT, UPSTREAM, Context
from ...gradcheck.report import Report
from ...gradcheck.words import Diagnosis
from ..answers.foreign import Failed, plain
from ..answers.forms import as_arrays
from .finding import Finding, compare, unchanged
from .naming import better, from_numbers, in_catalogue, lost_digits, shape_hint, unused

__all__ = ["Backward"]

SINGLE = 2.0**-23
ROUNDING = 1e-11   # beside the largest number: how far two correct forms may lie apart
OVERFLOWS = "where the arguments are large"
SHAPES_DIFFER = ("matmul", "broadcast", "aligned", "dimension", "operand", "einsum", "subscript")


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
        case = _Case(self, exercise, self._sizes(rng), rng)
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
        yield _Case(self, exercise, square, rng, words="where all sizes are equal")
        yield _Case(self, exercise, one, rng, words="for a batch of one")
        yield _Case(self, exercise, sizes, rng, 1e-2, words="where all numbers are near 0")
        yield _Case(self, exercise, sizes, rng, 10.0, words="where some numbers are large", order="F")
        yield _Case(self, exercise, sizes, rng, 300.0, words="where some numbers are very large")
        if self.extremes:
            yield _Case(self, exercise, {}, rng, words=OVERFLOWS, arguments=self.extremes)

    def _where_square(self, case, answer, failed, rng):
        """The failure; where shapes did not fit, with what is wrong when all of them do."""
        text = failed.fault.text
        if failed.fault.kind != "raises" or "[:, None]" in text or not any(word in text for word in SHAPES_DIFFER):
            return failed
        try:
            square = _Case(self, case.exercise, dict.fromkeys(case.sizes, 4), rng)
            finding = self._measured(square, answer)
        except Failed:
            return failed
        said = finding.mistake.name if finding.mistake else next(
            (one.text for one in finding.report.diagnoses if one.known and one.kind != "activation"), "")
        if finding.report or not said:
            return failed
        text = f"{text}. Where all sizes are 4 it runs, and d{finding.report.worst.tensor} is wrong"
        return Failed("raises", text if finding.mistake else f"{text}: {said}", mistake=finding.mistake)

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
            raise self._behaviour(case, report.faults[0], claims)
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

    def _behaviour(self, case, fault, claims):
        """The failure that a checker's fault amounts to, in the exercise's words."""
        about = fault.tensors[0] if fault.tensors else ""
        mistake = in_catalogue(case.exercise, case.given, claims, case.shapes)[0] if fault.kind == "upstream" else None
        text = f"d{fault.text}" if about in self.letters else fault.text.removeprefix("backward ")
        return Failed(fault.kind, text, f"d{about}" if about in self.letters else "", mistake=mistake)

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


class _Case:
    """Arguments of one call, and all that goes with them.

    Parameters
    ----------
    judge : Backward
    exercise : Exercise
    sizes : dict of str to int
        Length of each axis.
    rng : numpy.random.Generator
    scale : float, optional
        Below 1 all numbers are made so much smaller, above 1 some of them so much larger.
    words : str, optional
        What is special about the case.
    arguments : dict of str to ndarray, optional
        In place of random ones.
    order : {"C", "F"}, optional
        How they lie in memory.
    """

    def __init__(self, judge, exercise, sizes, rng, scale=1.0, words="", arguments=None, order="C"):
        self.judge, self.exercise, self.sizes, self.scale, self.words = judge, exercise, sizes, scale, words
        if arguments is None:
            drawn = {name: 0.8 * signs([sizes[letter] for letter in axes], rng) for name, axes in judge.letters.items()}
            arguments = judge.prepare(
                {name: array * _factors(scale, array.shape, rng) for name, array in drawn.items()})
        self.arguments = {name: np.asarray(array, order=order) for name, array in arguments.items()}
        self.constants = judge.constants(rng)
        self.forward = functools.partial(judge.forward, **self.constants) if self.constants else judge.forward
        dy = 0.7 * signs(np.shape(self.forward(**self.arguments)), rng)
        if scale != 1:   # upstream gradients of every size, 0 among them
            dy = dy * _mixed([1.0, 1e2, 1e-3, 0.0], dy.shape, rng)
        self._know(dy)

    def _know(self, dy):
        self.dy = dy
        self.known = {**self.arguments, **self.constants, **self.judge.given(dy, **self.arguments)}
        self.given = [self.known[name] for name in self.exercise.arguments]
        self.shapes = {name: np.shape(self.arguments[name.removeprefix("d")]) for name in self.exercise.returns}
        self.all_sizes = {**self.sizes, **self.constants}

    def with_values(self, dy, values):
        """Return the case with another upstream gradient and other arguments."""
        other = object.__new__(_Case)
        vars(other).update(vars(self), arguments=dict(zip(self.arguments, values)))
        other._know(dy)
        return other

    @property
    def context(self):
        """What the gradient checker may look at for a name."""
        in_sight = {**self.arguments, OUTPUT: self.forward(**self.arguments), UPSTREAM: self.dy}
        return Context(self.all_sizes, in_sight, self.dy, arguments=tuple(self.arguments))

    def truth(self):
        """Return by name what the package's own backward returns."""
        with np.errstate(all="ignore"):
            return as_arrays(plain(self.exercise.reference(*self.given)), self.shapes)

    def first_wrong(self, claims, tolerance):
        """Return the first gradient that is not what the package's backward says, as a Comparison, or None."""
        truth, floor = self.truth(), 1e-2 * np.abs(self.dy).max(initial=0)   # where tanh saturates all may be tiny
        tensors = (compare(name.removeprefix("d"), claims[name], truth[name],
                           tolerance * np.abs(truth[name]).max(initial=floor)) for name in claims)
        return next((t for t in tensors if t.state == "differ"), None)

    def against(self, wrong):
        """What the clearest of the wrong numbers is held against: a finite difference, where one confirms the truth."""
        number = wrong.worst
        with np.errstate(all="ignore"):
            forward = of_point(self.forward, list(self.arguments), list(self.arguments.values()))
            found = Probe(forward, self.arguments, self.dy).coordinate(wrong.name, number.index)
        close = abs(found.value - number.measured) <= 2 * found.error + 1e-6 * abs(number.measured)
        return "finite differences" if found.kind == "smooth" and close else "the package's own backward"

    def claims(self, answer):
        """Return by name what the student's function returns; a failure says what its numbers are."""
        try:
            claims = as_arrays(answer(*self.given), self.shapes)
        except Failed as failed:
            if failed.claim is None or failed.returned not in self.shapes:
                raise
            forward = of_point(self.forward, list(self.arguments), list(self.arguments.values()))
            hint = shape_hint(failed, self.shapes[failed.returned], Probe(forward, self.arguments, self.dy))
            mistake, _ = in_catalogue(self.exercise, self.given, {failed.returned: failed.claim}, self.shapes)
            text = f"{failed.fault.text}: {hint}" if hint else failed.fault.text
            raise failed.saying(text, mistake) from None
        unchanged(answer)
        return claims


def _factors(scale, shape, rng):
    """What random numbers are multiplied with: all made smaller, some of them much smaller, or some made larger."""
    return 1.0 if scale == 1 else _mixed([scale, 1.0] if scale > 1 else [scale, scale**2, scale**5], shape, rng)


def _mixed(factors, shape, rng):
    """The factors again and again, as many as there are numbers, in random order."""
    return rng.permutation(np.resize(factors, math.prod(shape))).reshape(shape)
