"""Which terms of the objective a claimed gradient contains, and how often.

The gradient of a sum is the sum of its terms' gradients. So the claim, tensor by tensor, is fitted by the
measured gradients of the terms (least squares), and so is the measured gradient of the whole; where the two
fits have other coefficients, the term has been lost, doubled or turned round.
"""

from dataclasses import replace

import numpy as np

from .words import Diagnosis, digits, factor_of

__all__ = ["MeasuredTerms", "name_terms", "alone"]


class MeasuredTerms:
    """Derivatives of each term at the coordinates of a tensor, measured on demand.

    Parameters
    ----------
    probes : dict of str to Probe
        One for each term, at the same point as the whole.
    """

    def __init__(self, probes):
        self.probes = probes

    def measure(self, name, indices):
        """Return values and errors, each of shape (coordinates, terms)."""
        found = [[probe.coordinate(name, index) for probe in self.probes.values()] for index in indices]
        values = np.array([[estimate.value for estimate in row] for row in found])
        errors = np.array([[e.error if e.kind == "smooth" else np.inf for e in row] for row in found])
        return values, errors


def alone(evidence, terms):
    """Yield each term's name with the evidence on it alone: the claim minus the other terms, against its gradient."""
    values, errors = terms.measure(evidence.name, [evidence[k].index for k in range(len(evidence))])
    for k, term in enumerate(terms.probes):
        rest = values.sum(axis=1) - values[:, k]
        yield term, replace(evidence, claimed=evidence.claimed - rest, measured=values[:, k], error=errors.sum(axis=1),
                            bound=errors.sum(axis=1) + evidence.tolerance(evidence.claimed),
                            states=np.full(len(evidence), "differ"))


def name_terms(evidence, terms, sizes):
    """Say which term is missing, doubled or of the wrong sign in one tensor's gradient.

    Parameters
    ----------
    evidence : Comparison
    terms : MeasuredTerms
    sizes : dict of str to int

    Returns
    -------
    Diagnosis or None
        None if the claim is not a combination of the terms, or the right one.
    """
    order = np.argsort(-np.abs(evidence.measured) - np.abs(evidence.claimed), kind="stable")[:40]
    values, errors = terms.measure(evidence.name, [evidence[i].index for i in order])
    keep = np.isfinite(errors).all(axis=1)
    rows, values, errors = order[keep], values[keep], errors[keep]
    whole = _compare(evidence, rows, values, errors, list(terms.probes), sizes)
    if whole or len(evidence.shape) == 0 or evidence.shape[-1] % 2:
        return Diagnosis("term", (), whole) if whole else None
    half = evidence.shape[-1] // 2   # a head may pack two things side by side, as [mu | log_var]
    parts = []
    left = evidence.indices[-1][rows] < half
    for word, chosen in (("first", left), ("second", ~left)):
        if _right(evidence, rows[chosen]):
            continue
        sentence = _compare(evidence, rows[chosen], values[chosen], errors[chosen], list(terms.probes), sizes)
        if sentence is None:
            return None
        parts.append(f"in the {word} half of the columns, {sentence}")
    return Diagnosis("term", (), "; ".join(parts)) if parts else None


def _right(evidence, rows):
    return bool((evidence.states[rows] == "agree").all())


def _compare(evidence, rows, values, errors, names, sizes):
    loud = np.abs(values).max(axis=0, initial=0) > 20 * errors.max(axis=0, initial=0)
    present = np.flatnonzero(loud).tolist()
    if not present or not len(rows):
        return None
    values, errors, names = values[:, present], errors[:, present], [names[k] for k in present]
    claimed, tolerance = evidence.claimed[rows], evidence.tolerance(evidence.claimed[rows])
    if len(rows) < len(present) + (len(present) > 1):
        return _simplest(claimed - evidence.measured[rows], evidence.error[rows] + tolerance, values, errors, names)
    claim = _fit(values, errors, claimed, tolerance)
    truth = _fit(values, errors, evidence.measured[rows], evidence.error[rows])
    if claim is None or truth is None:
        return None
    ratios = claim[0] / truth[0]
    if np.ptp(ratios) <= 1e-6 * np.abs(ratios).max():
        return None   # one factor for all terms says nothing about single terms
    sentences = []
    for name, wrong, right, error in zip(names, claim[0], truth[0], claim[1] + truth[1]):
        if abs(wrong - right) > 3 * error and abs(wrong - right) > 1e-6 * abs(right):
            sentences.append(_word(name, wrong, right, error, sizes))
    return ", ".join(sentences) or None


def _simplest(extra, error, values, errors, names):
    """With too few numbers for a fit: a term of weight 1 that is missing, doubled, halved or turned round."""
    for k, name in enumerate(names):
        for change in (-1.0, 1.0, -2.0, -0.5):
            allowed = 2 * (error + abs(change) * errors[:, k])
            if np.all(np.abs(extra - change * values[:, k]) <= allowed) and np.abs(extra).max() > 1e3 * allowed.max():
                return _word(name, 1 + change, 1.0, 1e-12, {})
    return None


def _fit(values, errors, target, target_error):
    """Least squares, or None if what is left exceeds the errors; with the coefficients' own errors."""
    size = np.abs(values).max(axis=0)
    scaled = values / size
    if np.linalg.cond(scaled) > 1e6:
        return None
    inverse = np.linalg.pinv(scaled)
    coefficients = inverse @ target
    noise = target_error + (np.abs(coefficients) * errors / size).sum(axis=1)
    if np.any(np.abs(scaled @ coefficients - target) > 4 * noise + 4 * np.abs(inverse).sum() * noise.max() * 1e-3):
        return None
    return coefficients / size, (np.abs(inverse) @ noise) / size


def _word(term, wrong, right, error, sizes):
    term = f"the {'KL' if term.lower() == 'kl' else term} term"
    if abs(wrong) <= 3 * error:
        return f"{term} is missing"
    ratio, ratio_error = wrong / right, error / abs(right)
    if abs(ratio + 1) <= max(3 * ratio_error, 1e-9):
        return f"{term} has its sign flipped"
    factor = factor_of(ratio, 3 * ratio_error, sizes)
    shown = f"factor {digits(ratio, ratio_error)}" + (f" = {' or '.join(factor.names)}" if factor.names else "")
    if factor.names[:1] == ("2",):
        return f"twice {term} ({shown}): its 1/2 is missing?"
    if factor.names[:1] == ("1/2",):
        return f"half {term} ({shown})"
    return f"{term} is there with {shown}"
