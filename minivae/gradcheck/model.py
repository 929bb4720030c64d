"""A whole VAE checked from its kernels up, so that the first wrong step can be found.

Four rungs of a ladder: every kernel pair; every node of the trace, perturbed through ``given=``; every parameter; the
whole flat vector in random directions. The model is only asked for what it has in public: its forward and backward, its
chain, its parameters and its kernel pairs.
"""

from dataclasses import replace

import numpy as np

from .agreement import along, precision_of, together
from .behaviour import Subject, observe
from .chain import Chain, ModelReport
from .checks import check_vjp
from .compare import in_groups, measure
from .diagnosis import MeasuredTerms, diagnose_model, diagnose_whole
from .inputs import Fault, claims_of, raised, scalar_probe
from .noise import measure_noise
from .probe import same
from .record import ROUNDINGS

__all__ = ["check_model"]

LIMIT = 40           # numbers of a tensor up to which all are checked
NUMBERS = 2**13      # of data for which every node is checked; of a larger batch it is done for some of the examples
SIZES = {"B": 4, "D": 5, "K": 2, "H": 5, "I": 5, "O": 2, "S": 3}   # of the arguments on which kernels are checked
RIGHT_ON_AVERAGE = """\
model must have the gradient of its loss for the noise at hand; that of {0} is right on average alone, and no finite \
difference of one draw can judge it. check_unbiased can, against the mean of the plain gradient over many draws:
    check_unbiased({{"{0}": lambda rng: model.backward(model.forward(x, rng.standard_normal(eps.shape)))[1].flat}},
                   reference)
Its decoder's gradient is the plain one, draw by draw: check_model of the plain model judges that."""
SHORTER = (1, 2**-8, 2**-16)   # directions through a whole batch, until no corner of the function is near


def check_model(model, x, eps, rng=None):
    """Check every gradient that a VAE computes, from its kernels to its parameters.

    Parameters
    ----------
    model : VAE
        Left as it is. The differences are taken on a float64 copy of it.
    x : array-like, shape (B, D)
        Data. Of a large batch some examples are drawn, and each of their gradients is checked; those of the parameters
        are then checked for the whole batch along random directions.
    eps : array-like, shape (B, K)
        Noise, held fixed.
    rng : numpy.random.Generator, optional
        Chooses samples and directions; by default always the same.

    Returns
    -------
    ModelReport
        A Report whose text is a picture of the derivation, with a mark at each arrow; ``first_wrong`` names the
        tensor to look at first.

    Raises
    ------
    ValueError
        If x or eps does not fit the model, or the model's gradient is that of the loss on average alone.

    References
    ----------
    Karpathy's exercise of comparing every intermediate gradient (makemore, part 4, 2022) is the second rung.
    """
    if getattr(model, "right_on_average", False):
        raise ValueError(RIGHT_ON_AVERAGE.format(type(model).__name__))
    rng = np.random.default_rng(0) if rng is None else rng
    x, eps = (np.array(array, dtype=model.dtype) for array in (x, eps))
    some = _drawn(x, eps, rng)
    pairs = _check_pairs(model, rng)
    model.forward(x.copy(), eps.copy())   # what does not fit is the caller's error
    try:
        *_, faults = observe(Whole(model), list(some), rng)
        few = Batch(model, *some)
        whole = few if len(few.x) == len(x) else Batch(model, x, eps)
    except Exception as error:   # whatever a wrong backward raises is what there is to report
        return ModelReport(pairs, [], [], faults=[raised("backward", error)])
    if any(fault.kind == "inputs" for fault in faults):   # nothing after it would mean anything
        return ModelReport(pairs, [], [], faults=faults)
    nodes, parameters = few.measured(few.symbols, rng), few.measured(few.parameters, rng)
    if few.rounding_alone(nodes + parameters):
        report = check_model(model.copy(dtype="float64"), x, eps, rng)
        report.notes.append("float32 is too coarse for some of the gradients here; those of a float64 copy were "
                            "checked")
        return report
    wrong, doubts = {t.name for t in nodes + parameters if t.state == "differ"}, []
    if whole is few or wrong:
        wrong |= {name for fault in few.faults for name in fault.tensors}
        first = few.chain.first_wrong(wrong)
        diagnoses = diagnose_model(first, nodes, parameters, few)
    else:   # some of the examples that were not drawn may still be treated otherwise
        wrong, doubts = whole.wrong_along_directions(rng)
        first = few.chain.first_wrong(wrong)
        nodes, parameters = ([whole.measured([t.name], rng)[0] if t.name in first else t for t in tensors]
                             for tensors in (nodes, parameters))
        diagnoses = diagnose_whole(first, nodes + parameters, whole, len(few.x))
    claimed = [replace(t, claim=np.asarray(whole.claims[t.name], np.float64)) for t in parameters]
    return ModelReport(
        pairs, nodes, parameters, chain=few.chain, first_wrong=first, faults=faults + few.faults, doubts=doubts,
        diagnoses=diagnoses, wrong=wrong,
        directions=together(whole.probe_of(whole.parameters[0]), claimed, rng),
        notes=_notes(model, len(few.x), len(x), pairs))


def _drawn(x, eps, rng):
    """Some of the examples, in their order, with their noise: as many as every node is checked for."""
    keep = max(2, NUMBERS // max(1, x.shape[-1] if x.ndim else 1))
    if x.ndim != 2 or len(x) <= keep:
        return x, eps
    rows = np.sort(rng.choice(len(x), keep, replace=False))
    samples = max(1, len(eps) // len(x))   # rows of noise for each example
    return x[rows], eps[(rows[:, None] * samples + np.arange(samples)).ravel()]


class Batch:
    """One batch's gradients as the model claims them, and its loss as a function of each symbol and parameter.

    Parameters
    ----------
    model : VAE
    x : ndarray, shape (B, D)
    eps : ndarray, shape (B, K)

    Attributes
    ----------
    trace, d : Trace
    symbols, parameters : list of str
        Whose gradients were claimed in a form that can be compared.
    faults : list of Fault
        What is wrong with the form of the others.
    """

    def __init__(self, model, x, eps):
        self.x, self.eps, self.chain = x, eps, Chain(model.chain)
        self.trace = model.forward(x.copy(), eps.copy())
        self.d, grads = model.backward(self.trace)
        self.twin = model.copy(dtype="float64")   # the same code and parameters, no memory of calls
        self.moved, self.held = model.copy(dtype="float64"), {}   # another, whose parameters are moved, and to what
        self.at = {symbol: np.asarray(value) for symbol, value in self.trace.items() if self.chain.sources[symbol]}
        self.probes, self.claims, self.faults = {}, {}, []
        weights = {name: value.copy() for name, value in self.twin.parameters.items()}
        held = scalar_probe(self.of_parameters(lambda trace: trace.loss), weights)
        for name in weights:
            self.probes[name] = held
        gradients = {**{symbol: self.d[symbol] for symbol in self.at}, **dict(grads.items())}
        for name, value in {**self.at, **weights}.items():
            claims, faults, _ = claims_of({name: gradients[name]}, {name: value}, self.probe_of(name))
            self.claims.update(claims)
            self.faults += faults
        self.symbols = [name for name in self.at if name in self.claims]
        self.parameters = [name for name in weights if name in self.claims]

    def probe_of(self, name):
        """Return the Probe of the loss as a function of a symbol, or of all parameters."""
        if name not in self.probes:
            self.probes[name] = scalar_probe(self.of_symbol(name, lambda trace: trace.loss), {name: self.at[name]})
            self.probes[name].corners_follow = True   # all units of the layers above
        return self.probes[name]

    def of_symbol(self, symbol, read):
        """A symbol is given, moved, and all that follows runs again."""
        return lambda point: read(self.twin.forward(self.x, self.eps, given={symbol: point[symbol]}))

    def of_parameters(self, read):
        """Parameters are moved, and all of the forward runs again."""
        def function(point):
            for name, value in point.items():   # only what moved since the last call is written
                if self.held.get(name) is not value:
                    self.moved.parameters[name] = self.held[name] = value
            return read(self.moved.forward(self.x, self.eps))

        return function

    def measured(self, names, rng):
        """Return the Comparisons of some claims with differences: the parameters all at once, each symbol by itself."""
        groups = [[name] for name in names if name in self.symbols] + [[n for n in names if n not in self.symbols]]
        return [t for group in filter(None, groups) for t in
                measure(self.probe_of(group[0]), {name: self.claims[name] for name in group}, rng, LIMIT)[0]]

    def wrong_along_directions(self, rng):
        """Return the names of the tensors that are wrong along a random direction, and what could not be told.

        All parameters are looked at together first, each by itself if that does not show it to be right; the symbols
        only if a parameter is wrong: they tell where.
        """
        wrong, doubts = set(), []
        claims = {name: self.claims[name] for name in self.parameters}
        right, _ = in_groups(self.probe_of(self.parameters[0]), claims, rng) if claims else ({}, [])
        for names in (self.parameters, self.symbols):
            for name in [n for n in names if not right.get(n)] if names is self.parameters or wrong else ():
                states = self._along(name, rng)
                if "differ" in states:
                    wrong.add(name)
                elif "agree" not in states and names is self.parameters:
                    doubts.append(f"{name}: for the whole batch no direction could be measured; check fewer examples")
        return wrong, doubts

    def _along(self, name, rng):
        """The states of two random directions through one tensor; of shorter ones where corners lie near."""
        probe, claim = self.probe_of(name), np.asarray(self.claims[name], np.float64)
        precision = precision_of(self.claims[name], probe)
        measure_noise(probe, [name], rng)
        scale, states = float(np.abs(claim).max(initial=0)), set()
        for shorter in SHORTER:
            for k in range(2):
                move = shorter * probe.direction([name], rng)[name]
                states.add(along(probe, k, {name: move}, {name: claim}, {name: scale}, precision).state)
            if states & {"agree", "differ"}:
                break
        return states

    def rounding_alone(self, tensors):
        """True if all that is off, in a model of less than float64, could be the rounding of a value like the loss.

        Such a rounding may enter the slope by itself, or as the share of the slope that a weight made from that value
        has.
        """
        kind = np.asarray(self.trace.objective).dtype
        rounding = ROUNDINGS * np.finfo(kind).eps * float(np.abs(self.trace.objective).mean())
        off = [gap / max(1 / t.typical_size, t.scale) for t in tensors for gap in t.gap[t.off]]
        return bool(off) and kind != np.float64 and max(off) <= rounding

    def terms(self):
        """Return the two terms of the loss, measured as functions of the parameters; and of mu and log_var, by name."""
        beta = self.twin.forward(self.x, self.eps).beta
        reads = {"reconstruction": lambda trace: -trace.log_likelihood.mean(),
                 "kl": lambda trace: beta * trace.kl.mean()}
        weights = self.probe_of(self.parameters[0]).at
        by_parameters = MeasuredTerms({name: scalar_probe(self.of_parameters(read), weights)
                                       for name, read in reads.items()})
        by_nodes = {symbol: MeasuredTerms({name: scalar_probe(self.of_symbol(symbol, read), {symbol: self.at[symbol]})
                                           for name, read in reads.items()}) for symbol in ("mu", "log_var")}
        return by_parameters, by_nodes


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


class Whole(Subject):
    """A model's loss and all its gradients, as functions of the data and the noise, for ``behaviour``."""

    def __init__(self, model):
        self.model, self.names, self.faults = model, [], []
        self.traces = {}   # by the list of arguments that it belongs to, which is kept alive beside it

    def forward(self, args):
        trace = self._watched("forward", args, lambda x, eps: self.model.forward(x, eps))
        self.traces[id(args)] = args, trace
        return np.asarray(trace.loss)

    def backward(self, dy, args):
        _, trace = self.traces[id(args)]
        d, grads = self._watched("backward", args, lambda x, eps: self.model.backward(trace, d_loss=float(dy)))
        gradients = {f"d.{symbol}": value for symbol, value in d.items() if value is not None}
        self.names = [*gradients, "the parameters"]
        return [*gradients.values(), grads.flat]

    def others(self, args, rng):
        """Darker data, in another order, with other noise: in any domain that holds x and 0."""
        x, eps = args
        darker = x[::-1].copy()
        darker[:, :self.model.data_dim] *= 0.5   # the data alone, not a label joined to it
        yield [darker, -0.7 * eps[::-1]]

    def untouched(self):
        return Whole(self.model.copy())

    def _watched(self, which, args, call):
        flat, copies = self.model.parameters.flat.copy(), [arg.copy() for arg in args]
        result = call(*copies)
        now = dict(zip(("x", "eps", "the parameters"), zip([*args, flat], [*copies, self.model.parameters.flat])))
        changed = [Fault("inputs", f"{which} changes {name} in place") for name, (a, b) in now.items()
                   if not same(a, b)]
        self.faults += [fault for fault in changed if fault not in self.faults]
        return result


def _notes(model, few, B, pairs):
    notes = [] if pairs else ["no kernel pairs: this model names none (pairs())"]
    if np.dtype(model.dtype) != np.float64:
        notes.append(f"the gradients are the {np.dtype(model.dtype)} model's, the differences those of a float64 copy")
    if few < B:
        notes.append(f"number by number for {few} of the {B} examples, drawn at random; for all {B} along random "
                     "directions")
    return notes
