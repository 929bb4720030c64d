"""The ladder: a whole VAE checked from its kernels up, so that the first wrong step has a place.

Four rungs: every kernel pair; every node of the trace, perturbed through ``given=``; every parameter; the
whole flat vector in random directions. The model is only asked for what it has in public: its forward and
backward, its parameters, its settings and its kernel pairs.
"""

import numpy as np

from .chain import Chain
from .claims import raised
from .diagnosis import diagnose
from .compare import judge, measure, together
from .inputs import claims_of, scalar_probe
from .ladder_report import LadderReport
from .model_behaviour import model_faults
from .record import ROUNDINGS, Context
from .terms import MeasuredTerms
from .vjp import check_vjp
from .words import Diagnosis

__all__ = ["check_model"]

LIMIT = 40           # numbers of a tensor up to which all are checked
NUMBERS = 2**13      # of data looked at; a larger batch is cut
SIZES = {"B": 4, "D": 5, "K": 2, "H": 5, "I": 5, "O": 2, "S": 3}   # of the arguments on which kernels are checked


def check_model(model, x, eps, rng=None):
    """Check every gradient that a VAE computes, from its kernels to its parameters.

    Parameters
    ----------
    model : VAE
        Left as it is. The differences are taken on a float64 copy of it.
    x : array-like, shape (B, D)
        Data. Of a large batch the first examples are used.
    eps : array-like, shape (B, K)
        Noise, held fixed.
    rng : numpy.random.Generator, optional
        Chooses samples and directions; by default always the same.

    Returns
    -------
    LadderReport
        A Report whose text is a picture of the derivation, with a mark at each arrow; ``first_wrong`` names the
        tensor to look at first.

    Raises
    ------
    ValueError
        If x or eps does not fit the model.

    References
    ----------
    Karpathy's exercise of comparing every intermediate gradient (makemore, part 4, 2022) is the second rung.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    keep = max(2, NUMBERS // max(1, np.shape(x)[-1] if np.ndim(x) else 1))
    samples = max(1, len(eps) // max(1, len(x)))   # rows of noise for each example
    x, eps = (np.array(array, dtype=model.dtype) for array in (x[:keep], eps[:keep * samples]))
    pairs = _check_pairs(model, rng)
    trace = model.forward(x.copy(), eps.copy())
    try:
        faults = model_faults(model, x, eps, rng)
        d, grads = model.backward(model.forward(x.copy(), eps.copy()))
    except Exception as error:   # whatever a wrong backward raises is what there is to report
        return LadderReport(pairs, [], [], faults=[raised("backward", error)])
    if any(fault.kind == "inputs" for fault in faults):   # nothing after it would mean anything
        return LadderReport(pairs, [], [], faults=faults)
    twin = model.copy(dtype="float64")   # the same code and parameters, no memory of calls
    chain = Chain(model.chain)
    nodes, node_probes, more = _check_nodes(twin, x, eps, trace, d, rng)
    parameters, probe, and_more = _check_parameters(twin, x, eps, grads, rng)
    if _rounding_alone(nodes + parameters, trace):
        report = check_model(twin, x, eps, rng)
        report.notes.append("float32 is too coarse for some of the gradients here; those of a float64 copy were checked")
        return report
    wrong = {t.name for t in nodes + parameters if t.state == "differ"}
    wrong |= {name for fault in more + and_more for name in fault.tensors}
    front = chain.front(wrong)
    terms = _terms(twin, x, eps, probe, node_probes)
    diagnoses = _diagnose_front(front, nodes, parameters, chain, trace, d, terms, model)
    return LadderReport(
        pairs, nodes, parameters, chain=chain, front=front, faults=faults + more + and_more, diagnoses=diagnoses,
        directions=together(probe, parameters, rng), notes=_notes(model, len(x), keep, pairs),
    )


def _rounding_alone(tensors, trace):
    """True if all that is off, in a model of less than float64, could be the rounding of a value as large as the loss.

    Such a rounding may enter the slope by itself, or as the share of the slope that a weight made from that value has.
    """
    kind = np.asarray(trace.objective).dtype
    rounding = ROUNDINGS * np.finfo(kind).eps * float(np.abs(trace.objective).mean())
    off = [gap / max(1 / t.typical_size, t.scale) for t in tensors for gap in t.gap[t.off]]
    return bool(off) and kind != np.float64 and max(off) <= rounding


def _check_pairs(model, rng):
    """The first rung: each pair of kernels that the model uses, on small random arguments."""
    pairs = model.pairs() if hasattr(model, "pairs") else {}
    reports = {}
    for name, pair in pairs.items():
        arguments = [rng.standard_normal([SIZES[letter] for letter in letters]) for letters in pair.shapes.values()]
        letters = "".join(pair.shapes.values()) + "S"   # S is in no shape where rows are repeated
        sizes = {letter: n for letter, n in SIZES.items() if letter in letters}
        reports[name] = check_vjp(pair.forward, pair.backward, *arguments, rng=rng, sizes=sizes)
    return reports


def _check_nodes(twin, x, eps, trace, d, rng):
    """The second rung: each symbol of the trace is given, moved, and all that follows runs again."""
    found, probes, faults = [], {}, []
    for symbol, value in trace.items():
        if not twin.chain[symbol]:   # data and noise
            continue
        def loss(point, symbol=symbol):
            return twin.forward(x, eps, given={symbol: point[symbol]}).loss

        probes[symbol] = scalar_probe(loss, {symbol: value})
        claims, more, _ = claims_of({symbol: d[symbol]}, {symbol: np.asarray(value)}, probes[symbol])
        found += [measure(probes[symbol], name, claim, rng, LIMIT) for name, claim in claims.items()]
        faults += more
    return judge(found), probes, faults


def _check_parameters(twin, x, eps, grads, rng):
    """The third rung: each weight and bias."""
    at = {name: value.copy() for name, value in twin.parameters.items()}
    probe = scalar_probe(_of_parameters(twin, x, eps, lambda trace: trace.loss), at)
    claims, faults, _ = claims_of(grads, at, probe)
    return judge([measure(probe, name, claim, rng, LIMIT) for name, claim in claims.items()]), probe, faults


def _of_parameters(twin, x, eps, read):
    held = {}

    def function(point):
        for name, value in point.items():   # only what moved since the last call is written
            if held.get(name) is not value:
                twin.parameters[name] = value
                held[name] = value
        return read(twin.forward(x, eps))

    return function


def _terms(twin, x, eps, probe, node_probes):
    """The two terms of the loss, as functions of the parameters and of each node."""
    beta = twin.forward(x, eps).beta
    reads = {"reconstruction": lambda trace: -trace.log_likelihood.mean(), "kl": lambda trace: beta * trace.kl.mean()}
    by_parameters = MeasuredTerms({name: scalar_probe(_of_parameters(twin, x, eps, read), probe.at)
                                   for name, read in reads.items()})
    by_nodes = {
        symbol: MeasuredTerms({
            name: scalar_probe(lambda point, read=read, symbol=symbol:
                               read(twin.forward(x, eps, given={symbol: point[symbol]})), node_probe.at)
            for name, read in reads.items()})
        for symbol, node_probe in node_probes.items() if symbol in ("mu", "log_var")}
    return by_parameters, by_nodes


def _diagnose_front(front, nodes, parameters, chain, trace, d, terms, model):
    """Name what is wrong with the tensors that nothing before them explains."""
    by_parameters, by_nodes = terms
    B = len(trace.x)
    sizes = {"B": B, "D": trace.x.shape[1], "K": trace.z.shape[1], "S": len(trace.eps) // B, "beta": float(trace.beta)}
    values = {s: v for s, v in trace.items() if s != "loss" and np.ndim(v)}
    gradients = {f"d.{s}": v for s, v in d.items() if s != "loss" and np.ndim(v)}
    found = []
    for t in nodes:
        if t.name in front:
            others = {name: g for name, g in gradients.items() if name != f"d.{t.name}"}
            found += diagnose(nodes, Context(sizes, {**values, **others}), by_nodes.get(t.name), only=[t.name])
    slopes = [t for t in parameters if t.name in front and _activation_missing(t, chain, trace, d)]
    found += [Diagnosis("activation", (t.name,), "the activation's derivative is missing on the way from "
                                                 f"d.{chain.made_from(t.name)[0]}") for t in slopes]
    unexplained = set(front) - {t.name for t in slopes}
    found += diagnose(parameters, Context(sizes), by_parameters, only=unexplained)
    return [one for one in found if one.known] or found


def _activation_missing(t, chain, trace, d):
    """True if a layer's gradient is made from its output's as it is, without the activation's slope."""
    above = chain.made_from(t.name)
    if t.name not in chain.parameters or len(above) != 1 or not above[0].endswith(".h"):
        return False
    dh, below = d[above[0]], trace[chain.layer_inputs(t.name)]
    plain = dh.sum(axis=0) if len(t.shape) == 1 else below.T @ dh
    return np.shape(plain) == t.shape and bool(
        np.abs(plain - t.claim).max() <= 2**10 * t.precision * np.abs(t.claim).max())


def _notes(model, B, keep, pairs):
    notes = [] if pairs else ["no kernel pairs: this model names none (pairs())"]
    if np.dtype(model.dtype) != np.float64:
        notes.append(f"the gradients are the {np.dtype(model.dtype)} model's, the differences those of a float64 copy")
    return notes + ([f"checked on the first {B} examples"] if B == keep else [])
