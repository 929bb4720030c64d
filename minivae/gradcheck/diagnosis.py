"""From what was measured to the name of the mistake, or to the admission that it has none.

For each wrong tensor the terms of the objective are tried first, where they are known; then the table of hypotheses, of
which the first that holds is taken; failing all, where the wrong numbers lie is said. What many tensors suffer alike is
said once.
"""

from dataclasses import replace

import numpy as np

from .hypotheses import HYPOTHESES, Hypothesis, array_factors, factors, tested
from .places import place
from .record import Context
from .words import Diagnosis, factor_of, in_words

__all__ = ["MeasuredTerms", "diagnose", "diagnose_model", "diagnose_whole"]

UNKNOWN = Diagnosis("unknown", (), "no simple mistake fits these numbers")
ONE_NUMBER = Diagnosis("unknown", (), "one number alone tells no more than that it is wrong")
NUMBERS = 40           # of a tensor to which the terms are fitted: the largest
CONDITION = 1e6        # of the fit, above which two terms cannot be told apart
CHANGES = (-1.0, 1.0, -2.0, -0.5)   # of a term's weight: missing, doubled, turned round, halved


def diagnose(tensors, context, terms=None, only=None, families=HYPOTHESES):
    """Name what is wrong with each tensor whose claim differs.

    Parameters
    ----------
    tensors : list of Comparison
    context : Context
    terms : MeasuredTerms, optional
    only : collection of str, optional
        Names of the tensors to speak of; by default all.
    families : sequence of callable, optional
        The table of hypotheses: ``family(tensor, context)`` yields them.

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
    return said_once([(tensor.name, _name(tensor.usable(), context, terms, families)) for tensor in wrong], everything)


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
    """The diagnosis of one factor that all the gradients are off by, or None.

    Two tensors of one number each, which say nothing by themselves, may say so together.
    """
    seen = [tensor.usable() for tensor in wrong]
    found = [tensor.factor(tensor.claimed) for tensor in seen]
    if not all(found) or sum(map(len, seen)) < 2:
        return None
    best, error = min(found, key=lambda pair: pair[1])
    if any(abs(other - best) > 2 * (error + its_error) + 1e-9 * abs(best) for other, its_error in found):
        return None
    factor = factor_of(best, error, context.sizes)
    return Diagnosis("factor", (), in_words(factor), factor)


def _name(seen, context, terms, families):
    """The Diagnosis of one tensor, from the numbers that could be measured."""
    if not len(seen):
        return UNKNOWN
    if not seen.claim.any() and seen.informative:
        return Diagnosis("zero", (), "all zero: the gradient was never filled in, or a path to the loss was cut")
    if seen.whole and seen.constant.all():
        return Diagnosis("zero", (), "a gradient where there is none: the function does not change with this tensor "
                                     "at all")
    found = wrong_terms(seen, terms, context.sizes) if terms is not None else None
    found = found or _by_hypotheses(seen, context, families)
    found = found or (_in_a_term(seen, context, terms) if terms is not None else None)
    return found or (ONE_NUMBER if seen.claim.size == 1 else place(seen, context) if seen.sharp else None) or UNKNOWN


def _by_hypotheses(seen, context, families):
    tried = 0
    for family in families:
        if family is not factors and (seen.informative < 2 or not seen.sharp):
            break
        for hypothesis in family(seen, context):
            tried += 1
            found = tested(seen, hypothesis, context.sizes, tried)
            if found:
                return found
    return None


class MeasuredTerms:
    """Derivatives of each term of the objective at the numbers of a tensor, measured on demand.

    Parameters
    ----------
    probes : dict of str to Probe
        One for each term, at the same point as the whole.
    """

    def __init__(self, probes):
        self.probes = probes

    def measure(self, name, indices):
        """Return values and errors, each of shape (numbers, terms)."""
        found = [[probe.coordinate(name, index) for probe in self.probes.values()] for index in indices]
        values = np.array([[estimate.value for estimate in row] for row in found])
        errors = np.array([[e.error if e.kind == "smooth" else np.inf for e in row] for row in found])
        return values, errors


def wrong_terms(seen, terms, sizes):
    """Say which terms are missing, or off by a factor, in one tensor's gradient.

    The gradient of a sum is the sum of its terms' gradients. So the claim is fitted by them, and so is the truth; where
    the two fits have other coefficients, a term was lost, doubled or turned round.

    Parameters
    ----------
    seen : Comparison
    terms : MeasuredTerms
    sizes : dict of str to int

    Returns
    -------
    Diagnosis or None
        None if the claim is not a combination of the terms, or the right one.
    """
    largest = np.argsort(-np.abs(seen.measured) - np.abs(seen.claimed), kind="stable")[:NUMBERS]
    values, errors = terms.measure(seen.name, [seen[k].index for k in largest])
    known = np.isfinite(errors).all(axis=1)
    seen, values, errors, names = seen.rows(largest[known]), values[known], errors[known], list(terms.probes)
    found = _wrong_terms(seen, values, errors, names, sizes)
    if not found and seen.shape and seen.shape[-1] % 2 == 0:   # two things side by side, as [mu | log_var] in a head?
        left = seen.indices[-1] < seen.shape[-1] // 2
        halves = {word: half for word, half in (("first", left), ("second", ~left))
                  if (seen.states[half] != "agree").any()}
        said = {word: _wrong_terms(seen.rows(half), values[half], errors[half], names, sizes)
                for word, half in halves.items()}
        if said and all(said.values()):
            found = "; ".join(f"in the {word} half of the columns, {words}" for word, words in said.items())
    return Diagnosis("term", (), found) if found else None


def _wrong_terms(seen, values, errors, names, sizes):
    """The words for the terms whose coefficients are wrong; "" if there is none, or the fit fails."""
    present = np.flatnonzero(np.abs(values).max(axis=0, initial=0) > 20 * errors.max(axis=0, initial=0))
    if not len(present):
        return ""
    values, errors, names = values[:, present], errors[:, present], [names[k] for k in present]
    tolerance = seen.tolerance(seen.claimed)
    if len(seen) < len(present) + (len(present) > 1):
        return _one_wrong_term(seen.claimed - seen.measured, seen.error + tolerance, values, errors, names)
    claim, truth = _fit(values, errors, seen.claimed, tolerance), _fit(values, errors, seen.measured, seen.error)
    if claim is None or truth is None:
        return ""
    ratios, error = claim[0] / truth[0], 3 * (claim[1] + truth[1])
    if np.ptp(ratios) <= 1e-6 * np.abs(ratios).max():
        return ""   # one factor for all terms says nothing about single terms
    wrong = np.abs(claim[0] - truth[0]) > np.maximum(error, 1e-6 * np.abs(truth[0]))
    return "; ".join(_off_by(name, ratio, its_error, sizes) for name, ratio, its_error
                     in zip(np.array(names)[wrong], ratios[wrong], (error / np.abs(truth[0]))[wrong]))


def _one_wrong_term(extra, error, values, errors, names):
    """With too few numbers for a fit: the one term whose weight has changed in a way that is usual."""
    for k, name in enumerate(names):
        for change in CHANGES:
            allowed = 2 * (error + abs(change) * errors[:, k])
            if np.all(np.abs(extra - change * values[:, k]) <= allowed) and np.abs(extra).max() > 1e3 * allowed.max():
                return _off_by(name, 1 + change, 1e-12, {})
    return ""


def _fit(values, errors, target, target_error):
    """Least squares, or None if what is left exceeds the errors; with the coefficients' own errors."""
    size = np.abs(values).max(axis=0)
    scaled = values / size
    if np.linalg.cond(scaled) > CONDITION:
        return None
    inverse = np.linalg.pinv(scaled)
    coefficients = inverse @ target
    noise = target_error + (np.abs(coefficients) * errors / size).sum(axis=1)
    if np.any(np.abs(scaled @ coefficients - target) > 4 * noise + 4 * np.abs(inverse).sum() * noise.max() * 1e-3):
        return None
    return coefficients / size, (np.abs(inverse) @ noise) / size


def _off_by(term, ratio, error, sizes):
    if abs(ratio) <= error:
        return f"{_called(term)} is missing"
    return f"in {_called(term)}: {in_words(factor_of(ratio, error, sizes))}"


def _called(term):
    return f"the {'KL' if term.lower() == 'kl' else term} term"


def _in_a_term(seen, context, terms):
    """An array that one term of the objective lacks, or has twice, if the others are right."""
    values, errors = terms.measure(seen.name, [seen[k].index for k in range(len(seen))])
    error = errors.sum(axis=1)
    for k, term in enumerate(terms.probes if seen.sharp else ()):
        part = replace(seen, claimed=seen.claimed - values.sum(axis=1) + values[:, k], measured=values[:, k],
                       error=error, bound=error + seen.tolerance(seen.claimed), states=np.full(len(seen), "differ"))
        for hypothesis in array_factors(part, context):
            found = tested(part, hypothesis, context.sizes, 10)
            if found:
                return found._replace(kind="term", text=f"in {_called(term)}: {found.text}")
    return None


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
    families = *HYPOTHESES, lambda seen, context: _without_activation(seen, batch)
    found += diagnose(parameters, Context(sizes), by_parameters, front, families)
    return [one for one in found if one.known] or found


def diagnose_whole(first, tensors, batch, few):
    """Name what is wrong with tensors that were right for some examples of the batch and are wrong for all of it."""
    text = (f"right for {few} of the examples by themselves, wrong for the batch of {len(batch.x)}: are some of its "
            "examples left out, or is a number of examples written into the code?")
    found = diagnose(tensors, Context({"B": len(batch.x), "D": batch.x.shape[1]}), only=first)
    return said_once([(name, Diagnosis("examples", (), text) if one.kind in ("unknown", "place") else one)
                      for one in found for name in one.tensors])


def _without_activation(seen, batch):
    """A layer's gradient that was made from the gradient of its activation's output, without the activation's slope."""
    above = batch.chain.users[seen.name]
    if len(above) == 1 and above[0].endswith(".h"):
        dh, below = batch.d[above[0]], batch.trace[batch.chain.sources[above[0]][0]]
        plain = dh.sum(axis=0) if len(seen.shape) == 1 else below.T @ dh
        if np.shape(plain) == seen.shape:
            yield Hypothesis("activation", f"the activation's derivative is missing on the way from d.{above[0]}",
                             seen.claimed, seen.take(plain), np.zeros(len(seen)), "one")
