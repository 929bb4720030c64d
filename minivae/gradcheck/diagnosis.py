"""From what was measured to the name of the mistake, or to the admission that it has none.

For each wrong tensor the hypotheses are tested in turn, and the first that holds is taken; failing all, where the wrong
numbers lie is said. Where many tensors suffer alike it is said once.
"""

import numpy as np

from .compare import LIMIT
from .hypotheses import HYPOTHESES, array_factors, arrangements, factors, tested
from .places import PATTERNS, formula
from .record import Context, broadcasts
from .terms import alone, name_terms
from .words import Diagnosis, factor_of, in_words

__all__ = ["diagnose", "diagnose_model", "diagnose_shape", "diagnose_whole"]

UNKNOWN = Diagnosis("unknown", (), "no simple mistake fits these numbers")
ONE_NUMBER = Diagnosis("unknown", (), "one number alone tells no more than that it is wrong")


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
    wrong = [tensor for tensor in tensors if tensor.state == "differ" and (only is None or tensor.name in only)]
    everything = len(wrong) == len([t for t in tensors if t.scale > 0]) and len(wrong) > 1
    common = _common_factor(wrong, context) if everything else None
    if common:
        return [common._replace(tensors=tuple(t.name for t in wrong), every=True)]
    return said_once([(tensor.name, _name(tensor.usable(), context, terms)) for tensor in wrong], everything)


def said_once(named, everything=False):
    """Return diagnoses, each given with a tensor's name, with all the names that share it; what is unknown last."""
    groups = []
    for name, found in named:
        group = next((group for group in groups if _alike(group[0][1], found)), None)
        if group is None:
            groups.append(group := [])
        group.append((name, found))
    said = []
    for group in sorted(groups, key=lambda group: not group[0][1].known):
        names, same = zip(*group)
        fullest = max(same, key=lambda one: len(one.text))
        said.append(fullest._replace(tensors=names, every=everything and len(groups) == 1 and fullest.known))
    return said


def _alike(one, other):
    """True if two diagnoses say the same, to however many digits each knows its factor."""
    if one.kind != other.kind or (one.factor is None) != (other.factor is None):
        return False
    if one.factor is None:
        return one.text == other.text
    close = abs(one.factor.value - other.factor.value) <= 2 * (one.factor.error + other.factor.error)
    return one.factor.names == other.factor.names and (bool(one.factor.names) or close)


def _common_factor(wrong, context):
    """The diagnosis of one factor that all the gradients are off by, or None."""
    seen = [tensor.usable() for tensor in wrong]
    found = [tensor.factor(tensor.claimed) for tensor in seen]
    if not all(found) or sum(map(len, seen)) < 2:
        return None
    best, error = min(found, key=lambda pair: pair[1])
    if any(abs(other - best) > 2 * (error + its_error) + 1e-9 * abs(best) for other, its_error in found):
        return None
    factor = factor_of(best, error, context.sizes)
    return Diagnosis("factor", (), in_words(factor), factor)


def _name(seen, context, terms):
    """The Diagnosis of one tensor, from the numbers that could be measured."""
    if not len(seen):
        return UNKNOWN
    if not seen.claim.any() and seen.informative:
        return Diagnosis("zero", (), "all zero: the gradient was never filled in, or a path to the loss was cut")
    if seen.whole and seen.constant.all():
        return Diagnosis("zero", (), "a gradient where there is none: the function does not change with this tensor "
                                     "at all")
    named = name_terms(seen, terms, context.sizes) if terms is not None else None
    return named or _by_hypotheses(seen, context) or _in_a_term(seen, context, terms) or _by_places(seen, context)


def _by_hypotheses(seen, context):
    tried = 0
    for family in HYPOTHESES:
        if family is not factors and (seen.informative < 2 or not seen.sharp):
            break
        for hypothesis in family(seen, context):
            tried += 1
            found = tested(seen, hypothesis, context.sizes, tried)
            if found:
                return found
    return None


def _in_a_term(seen, context, terms):
    """What is wrong in one term of the objective, if the others are right."""
    for term, part in alone(seen, terms) if terms is not None and seen.sharp else ():
        for hypothesis in array_factors(part, context):
            found = tested(part, hypothesis, context.sizes, 10)
            if found:
                return found._replace(kind="term", text=f"in the {term} term: {found.text}")
    return None


def _by_places(seen, context):
    if seen.claim.size == 1:
        return ONE_NUMBER
    if not seen.sharp:
        return UNKNOWN
    found = formula(seen, context)
    return found or next(filter(None, (pattern(seen) for pattern in PATTERNS)), UNKNOWN)


def diagnose_model(front, nodes, parameters, batch):
    """Name what is wrong with a model's tensors.

    Parameters
    ----------
    front : list of str
        The wrong tensors that nothing before them explains.
    nodes, parameters : list of Comparison
    batch : Batch
        Of ``model``.

    Returns
    -------
    list of Diagnosis
    """
    if not front:
        return []
    by_parameters, by_nodes = batch.terms()
    trace, d, B = batch.trace, batch.d, len(batch.x)
    sizes = {"B": B, "D": trace.x.shape[1], "K": trace.z.shape[1], "S": len(trace.eps) // B, "beta": float(trace.beta)}
    values = {s: v for s, v in trace.items() if s != "loss" and np.ndim(v)}
    gradients = {f"d.{s}": v for s, v in d.items() if s != "loss" and np.ndim(v)}
    found = []
    for t in nodes:
        if t.name in front:
            others = {name: g for name, g in gradients.items() if name != f"d.{t.name}"}
            found += diagnose(nodes, Context(sizes, {**values, **others}), by_nodes.get(t.name), only=[t.name])
    slopes = [t for t in parameters if t.name in front and _activation_missing(t, batch)]
    found += [Diagnosis("activation", (t.name,), "the activation's derivative is missing on the way from "
                                                 f"d.{batch.chain.made_from(t.name)[0]}") for t in slopes]
    unexplained = set(front) - {t.name for t in slopes}
    found += diagnose(parameters, Context(sizes), by_parameters, only=unexplained)
    return [one for one in found if one.known] or found


def diagnose_whole(first, tensors, batch, few):
    """Name what is wrong with tensors that were right for some examples of the batch and are wrong for all of it."""
    text = (f"right for {few} of the examples by themselves, wrong for the batch of {len(batch.x)}: are some of its "
            "examples left out, or is a number of examples written into the code?")
    found = diagnose(tensors, Context({"B": len(batch.x), "D": batch.x.shape[1]}), only=first)
    return said_once([(name, Diagnosis("examples", (), text) if one.kind in ("unknown", "place") else one)
                      for one in found for name in one.tensors])


def _activation_missing(t, batch):
    """True if a layer's gradient is made from its output's as it is, without the activation's slope."""
    above = batch.chain.made_from(t.name)
    if len(above) != 1 or not above[0].endswith(".h"):
        return False
    dh, below = batch.d[above[0]], batch.trace[batch.chain.layer_inputs(t.name)]
    plain = dh.sum(axis=0) if len(t.shape) == 1 else below.T @ dh
    return np.shape(plain) == t.shape and bool(
        np.abs(plain - t.claim).max() <= 2**10 * t.precision * np.abs(t.claim).max())


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
    same_total = abs(claim.sum() - total) <= error.sum() + 1e-6 * largest
    if len(places) == size > 1 and abs(total) > 1e-3 * largest and same_total:
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
