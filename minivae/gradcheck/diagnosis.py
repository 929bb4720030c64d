"""From what was measured to the name of the mistake, or to the admission that it has none.

For each wrong tensor the guesses are tried in turn and the first that fits is taken. Where many tensors suffer
alike it is said once.
"""

import numpy as np

from .companions import companion_factor, companion_sum
from .record import broadcasts
from .guesses import arrangement, arrangements, factor, factor_diagnosis, from_nothing, swapped, zero
from .patterns import PATTERNS
from .compare import LIMIT
from .terms import alone, term_sentence
from .upstream_guesses import (
    diagonal_alone, other_arguments, other_upstream, passed_through, product_alone, slope_as_formula, transposed_factor,
)
from .words import Diagnosis

__all__ = ["diagnose", "diagnose_shape", "UNKNOWN"]

# from the simplest to the most particular, each with the kind of what it finds
GUESSES = {zero: "zero", from_nothing: "zero", factor: "factor", swapped: "swapped", companion_factor: "array",
           passed_through: "upstream", arrangement: "arranged", product_alone: "activation", other_upstream: "upstream",
           other_arguments: "argument", transposed_factor: "argument", companion_sum: "added",
           diagonal_alone: "activation", slope_as_formula: "formula"}
UNKNOWN = "no simple mistake fits these numbers"
CONSEQUENCE = "wrong as well, perhaps only because of the above"


def diagnose(tensors, context, terms=None, only=None):
    """Name what is wrong with each tensor whose claim differs.

    Parameters
    ----------
    tensors : list of Comparison
    context : Context
    terms : MeasuredTerms, optional
    only : collection of str, optional
        Names of the tensors to speak of; by default all.

    Returns
    -------
    list of Diagnosis
        What is the same for many tensors is said once.
    """
    wrong = [facts for facts in tensors if facts.state == "differ" and (only is None or facts.name in only)]
    everything = len(wrong) == len([t for t in tensors if t.scale > 0]) and len(wrong) > 1
    common = _common_factor(wrong, context) if everything else None
    if common:
        return [common._replace(tensors=tuple(t.name for t in wrong), every=True)]
    groups = {}
    for facts in wrong:
        found = _name(facts, context, terms)
        alike = found.factor and found.factor.names or found.text   # however many digits it is known to
        groups.setdefault((found.kind, alike), []).append((facts.name, found))
    named = []
    for (kind, _), found in sorted(groups.items(), key=lambda item: item[0][0] == "unknown"):   # unknown comes last
        names, same = zip(*found)
        fullest = max(same, key=lambda one: len(one.text))
        named.append(fullest._replace(tensors=names, every=everything and len(groups) == 1 and kind != "unknown"))
    if len(named) > 1 and not named[-1].known and context.upstream is None:
        named[-1] = Diagnosis("consequence", named[-1].tensors, CONSEQUENCE)
    return named


def _common_factor(wrong, context):
    """The diagnosis of one factor that all the gradients are off by, or None."""
    found = [facts.usable().factor(facts.usable().claimed) for facts in wrong]
    if not all(found):
        return None
    best, error = min(found, key=lambda pair: pair[1])
    if any(abs(other - best) > 2 * (error + its_error) + 1e-9 * abs(best) for other, its_error in found):
        return None
    return factor_diagnosis(best, error, context.sizes)


def _name(facts, context, terms):
    evidence = facts.usable()
    for guess, kind in GUESSES.items():
        found = guess(evidence, context)
        if guess is factor and terms is not None:
            sentence = term_sentence(evidence, terms, context.sizes)
            found = Diagnosis("term", (), sentence) if sentence else found
        if found:
            return found if isinstance(found, Diagnosis) else Diagnosis(kind, (), found)
    for term, part in alone(evidence, terms) if terms is not None and evidence.sharp else ():
        sentence = companion_factor(part, context)
        if sentence:
            return Diagnosis("term", (), f"in the {term} term: {sentence}")
    for pattern, kind in PATTERNS.items() if evidence.sharp else ():
        sentence = pattern(evidence, context)
        if sentence:
            return Diagnosis(kind, (), sentence)
    return Diagnosis("unknown", (), UNKNOWN)


def diagnose_shape(claim, name, shape, probe):
    """Say what a gradient of the wrong shape is, by holding its numbers against differences.

    Parameters
    ----------
    claim : ndarray
    name : str
        Of the tensor, among the probe's arguments.
    shape : tuple of int
        The right shape.
    probe : Probe

    Returns
    -------
    str or None
    """
    if claim.size == 0 or np.prod(shape) == 0:
        return None
    size = int(np.prod(shape))
    places = np.arange(size) if size <= LIMIT else np.unique(np.random.default_rng(0).integers(0, size, 12))
    indices = [tuple(map(int, np.unravel_index(place, shape))) for place in places]
    found = [probe.coordinate(name, index) for index in indices]
    measured = np.array([estimate.value for estimate in found])
    error = np.array([estimate.error for estimate in found])
    largest = np.abs(measured).max()
    for sentence, candidate in [*arrangements(claim, shape), *_reductions(claim, shape)]:
        values = np.array([candidate[index] for index in indices])
        if largest and np.all(np.abs(values - measured) <= error + 1e-6 * largest):
            return sentence
    total = measured.sum()
    if len(places) == size > 1 and abs(total) > 1e-3 * largest and abs(claim.sum() - total) <= error.sum() + 1e-6 * largest:
        return "summed over everything" if claim.size == 1 else "its total is right: summed over the wrong axis?"
    return None


def _reductions(claim, shape):
    for axis in range(claim.ndim):
        for keep in (False, True):
            total = claim.sum(axis=axis, keepdims=keep)
            if total.shape == shape:
                yield f"the sum over axis {axis} is missing", total
                yield f"the mean over axis {axis} is missing", total / claim.shape[axis]
    if shape == ():
        yield "the sum over everything is missing", claim.sum()
    if claim.size and broadcasts(claim.shape, shape):
        yield "right, but not spread out to the tensor's shape", np.broadcast_to(claim, shape)
