"""The name of a mistake: a record that says what kind it is, of which tensors, off by which factor; and its words.

What was found stands in the record; its text is for people alone, and no part of the program reads it back. A factor of
0.2000 says little, and 1/B says where to look: a factor is told by what it may be made of.
"""

import itertools
import math
import re
from typing import NamedTuple

__all__ = ["Diagnosis", "Factor", "factor_of", "in_words", "names_of", "digits", "listed", "KINDS_OF_DIAGNOSIS"]

KINDS_OF_DIAGNOSIS = {
    "zero": "all zero, or not zero where nothing moves the function",
    "factor": "off by one factor, a sign among them",
    "array": "an array in sight is missing as a factor, or is there twice",
    "added": "something was added, or is missing",
    "term": "a term of the objective is missing, doubled or of the wrong sign",
    "swapped": "another tensor's gradient",
    "arranged": "the right numbers lie in another order or shape",
    "upstream": "right for another upstream gradient than the one that was given",
    "argument": "right for other arguments",
    "formula": "the slope that was used, as a formula",
    "activation": "the derivative of the activation is missing",
    "examples": "right for some examples of a batch, wrong for all of it",
    "digits": "too few digits",
    "cut": "clipped, or without the numbers of one sign",
    "spread": "one number in place of many",
    "place": "where the wrong numbers lie; what is wrong there is not known",
    "unknown": "nothing fits",
    "stated": "said by another part of the program",
}
HINTS = {"2": "a 1/2 is missing", "1/2": "a 1/2 too many, or a 2 is missing"}
HALVES = {"2": 2, "1/2": 1 / 2}
PLAIN = {"4": 4, "1/4": 1 / 4, "255": 255, "1/255": 1 / 255, "log(2)": math.log(2), "1/log(2)": 1 / math.log(2)}
SHOWN_AS_ONE = 5e-4   # a factor closer to 1 is told by its distance from it


class Factor(NamedTuple):
    """A number that a gradient is off by: claim = value * truth.

    Attributes
    ----------
    value, error : float
    names : tuple of str
        What it may be made of, such as ``("1/B",)``; empty if nothing is closer than chance would give.
    sizes : dict of str to int
        The sizes that stand in the names.
    """

    value: float
    error: float
    names: tuple = ()
    sizes: dict = {}


class Diagnosis(NamedTuple):
    """What is wrong with some tensors' gradients.

    Attributes
    ----------
    kind : str
        One of ``KINDS_OF_DIAGNOSIS``.
    tensors : tuple of str
        Which gradients it is about; empty where it is about none in particular.
    text : str
        What is wrong, in words, without the tensors' names.
    factor : Factor or None
        The factor that they are off by, alone or beside what ``kind`` says.
    every : bool
        Whether it is about all gradients there are.
    """

    kind: str
    tensors: tuple = ()
    text: str = ""
    factor: Factor = None
    every: bool = False

    @property
    def known(self):
        """Whether it says more than that something is wrong."""
        return self.kind != "unknown"

    def __str__(self):
        if not self.tensors:
            return self.text
        return f"{'every tensor' if self.every else listed(self.tensors)}: {self.text}"


def factor_of(value, error, sizes, alone=False):
    """Return the Factor of a value known to an error, with the names that chance does not explain.

    Parameters
    ----------
    value, error : float
    sizes : dict of str to int
        Lengths of axes in sight; earlier entries are preferred.
    alone : bool, optional
        Whether it comes from a single number: then the name is the only evidence, and must be closer.
    """
    names = ("-1",) if abs(value + 1) <= max(error, 1e-9) else names_of(value, error, sizes, 1e-3 if alone else 5e-2)
    there = {size: n for size, n in sizes.items()
             if any(re.search(rf"(?<![\w.]){re.escape(size)}(?![\w\[])", name) for name in names)}
    return Factor(value, error, names, there)


def in_words(factor):
    """Say what is likely to be wrong with a gradient that is off by a factor."""
    if factor.names == ("-1",):
        return "sign flipped (factor -1.000)"
    if abs(factor.value - 1) < SHOWN_AS_ONE:
        more = "large" if factor.value > 1 else "small"
        return (f"too {more} by the same share, {abs(factor.value - 1):.0e}, everywhere: does a constant have too few "
                "digits, or was a small one added?")
    text = f"factor {digits(factor.value, factor.error)}"
    if not factor.names:
        return f"{text}, the same everywhere: a constant is missing, or there is one too many"
    options = [name.lstrip("-") for name in factor.names]
    text += f" = {' or '.join(factor.names)}" + "".join(f", {size} = {n:g}" for size, n in factor.sizes.items())
    hints = [HINTS[option] for option in options if option in HINTS]
    axes = [size for size, n in factor.sizes.items() if isinstance(n, int)]
    times, divided = ([axis for axis in axes if form.format(axis) in options] for form in ("{}", "1/{}"))
    hints += [f"a sum over {' or '.join(times)} in place of a mean"] if times else []
    hints += [f"a mean over {' or '.join(divided)} in place of a sum, or divided by it twice"] if divided else []
    if not hints and len(axes) and abs(factor.value) != 1:
        hints += _quotient(abs(factor.value), factor)
    hints += ["the sign flipped"] if factor.value < 0 else []
    return text + (f": {', or '.join(hints)}?" if hints else "")


def _quotient(value, factor):
    """The hint for a factor p/q of two numbers in sight, or of one and its neighbour."""
    known = {n + k for n in factor.sizes.values() if isinstance(n, int) for k in (0, -1)}
    for q in sorted(known):
        p = round(value * q)
        if p in known and 1 < min(p, q) and p != q and abs(value - p / q) <= max(factor.error, 1e-9 * value):
            return [f"divided by {q} in place of {p}"]
    return []


def digits(value, error):
    """Return a number as text, to the digits that its error supports, four at most."""
    if value == 0:
        return "0"
    supported = 4 if error == 0 else min(4, math.floor(-math.log10(error / abs(value))))
    return f"{value:#.{max(supported, 1)}g}".rstrip(".")


def names_of(factor, error, sizes, chance=5e-2):
    """Return what a factor may be made of, such as ``("1/B",)``, the plainest first; three at most.

    Parameters
    ----------
    factor, error : float
    sizes : dict of str to int
        The lengths of axes in sight; earlier entries are preferred.
    chance : float, optional
        How many of the numbers that were tried may lie within the error of any factor: with more, a name says nothing.
    """
    value, tried, known = abs(factor), 0, {name: n for name, n in sizes.items() if n not in (0, 1)}
    error = max(error, 1e-9 * value)
    for candidates in _candidates(known):
        tried += len(candidates)
        found = [name for name, number in candidates.items() if abs(value - number) <= error and abs(number - 1) > 1e-6]
        if tried * error > chance * value:
            return ()
        if found:
            return tuple(("-" if factor < 0 else "") + name for name in found[:3])
    return ()


def _candidates(sizes):
    """Yield dicts of names and values, the plainest first."""
    yield HALVES | sizes | {f"1/{name}": 1 / n for name, n in sizes.items()}
    found = dict(PLAIN)
    for name, n in sizes.items():
        found |= {f"{name}**2": n**2, f"1/{name}**2": 1 / n**2, f"sqrt({name})": math.sqrt(n),
                  f"1/sqrt({name})": 1 / math.sqrt(n), f"2 {name}": 2 * n, f"1/(2 {name})": 0.5 / n,
                  f"{name}/2": n / 2, f"2/{name}": 2 / n}
    yield found
    found = {}
    for (name, n), (other, m) in itertools.combinations(sizes.items(), 2):
        found |= {f"{name} {other}": n * m, f"1/({name} {other})": 1 / (n * m),
                  f"{name}/{other}": n / m, f"{other}/{name}": m / n}
    for name, n in sizes.items():
        if n > 2:   # last: it is often two sizes by chance
            found |= {f"({name} - 1)/{name}": (n - 1) / n, f"{name}/({name} - 1)": n / (n - 1)}
    yield found


def listed(names):
    """Return names as part of a sentence, the first three of many."""
    if len(names) <= 3:
        return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"{', '.join(names[:3])} and {len(names) - 3} more"
