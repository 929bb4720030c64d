"""The stepper: one pass of a VAE, forward and back, one symbol at a time, each with its equation, code and value.

The values are those of the model's own ``forward`` and ``backward``. The lines of code are read from the source, by a
search for the statements that assign the symbol.
"""

import re
import sys
import textwrap
from collections.abc import Sequence

import numpy as np

from ..derivation import EQUATIONS, equation_of, find_function
from ..derivation.source import assigning, assigns, body_of
from ..gradcheck.chain import Chain
from ..model.vae import BETWEEN, VAE

__all__ = ["step_through", "Steps", "Step"]

METHODS = ("forward", "backward", "meet_at_encoder")  # methods of a model that assign its symbols
PATH = "model.path:path_to_encoder"                   # called by the models of model/path.py
LAYERS, LAYERS_BACKWARD = "model.mlp:MLP.forward", "model.mlp:MLP.backward"
LOSS = "the derivative of the loss with respect to itself"
REPORTED = "zero: the elbo is only reported; the loss is made from the objective"
PATHS = {"mu": ("reparameterize",), "log_var": ("standard_deviation",), "z": ()}  # and the KL, in either form


def step_through(model, x, eps, beta=None):
    """Step through one pass of a VAE, forward to the loss and back to every weight, one symbol at a time.

    Parameters
    ----------
    model : VAE
    x : array-like, shape (B, D)
    eps : array-like, shape (B, K)
    beta : float, optional
        As for ``model.forward``.

    Returns
    -------
    steps : Steps
        The steps, in order. ``steps["z"]`` is the step that computes z, ``steps["d.z"]`` the one that computes
        dloss/dz, and ``steps["d.decoder.0.W"]`` is that of a weight's gradient. Print them, or make them the last line
        of a cell; a single step can be shown in the same way.

    Raises
    ------
    ValueError
        If the model is not a VAE, or an argument does not fit it.

    Examples
    --------
    In a terminal, a step for each press of Enter::

        for step in mv.step_through(*mv.toy()):
            print(step)
            input()
    """
    if not isinstance(model, VAE):
        raise ValueError(f"model must be a VAE, whose chain the derivation follows; got a {type(model).__name__}.")
    functions = _functions(model)
    trace = model.forward(x, eps, beta)
    (d, grads), between = _with_locals(functions, lambda: model.backward(trace))
    there = [_forward_step(symbol, model, trace, functions) for symbol in trace]
    back = [_backward_step(symbol, model, d, grads, functions, between) for symbol in Chain(model.chain).order]
    return Steps(there + back, model, d, grads)


def _functions(model):
    """Return the functions that assign a model's symbols and gradients, by their names in the registry of equations."""
    found = [getattr(type(model), name) for name in METHODS if hasattr(type(model), name)]
    package = __package__.partition(".")[0] + "."
    names = [f"{function.__module__.removeprefix(package)}:{function.__qualname__}" for function in found]
    return names + [PATH] * any(name.startswith(PATH.partition(":")[0]) for name in names)


def _with_locals(functions, run):
    """Return the result of ``run``, and the functions' local arrays between two symbols."""
    codes, seen = {find_function(name).__code__ for name in functions}, {}

    def watch(frame, event, _):
        if event == "return" and frame.f_code in codes:
            seen.update((name, value) for name, value in frame.f_locals.items() if "_through_" in name)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        return run(), seen
    finally:
        sys.setprofile(before)


class Step:
    """One symbol of the chain, or the gradient of the loss with respect to it.

    Attributes
    ----------
    name : str
        The symbol, such as "z"; for a gradient "d.z".
    value : ndarray
    parts : dict of str to ndarray
        Where two paths meet, the gradient along each; their sum is the value.
    equations : list of Equation
        The last one defines the symbol.
    meaning : str
    sources : list of Source
        The lines that compute it: first of the chain, then of the kernels in their plain form. ``source.tuned`` has
        the lines of a kernel that really run.
    """

    def __init__(self, name, value, equations, sources, meaning=None, parts=()):
        self.name, self.value, self.equations, self.sources, self.parts = name, value, equations, sources, dict(parts)
        self.meaning = meaning or (equations[-1].meaning if equations else "carried back by the chain rule")

    def __repr__(self):
        formulas = [f"  ({entry.number})  {entry.plain}" for entry in self.equations]
        code = [textwrap.indent(repr(source), "  ") for source in self.sources]
        values = textwrap.indent(self._values(), "  ")
        return "\n".join([f"{self.name}  {np.shape(self.value)}  {self.meaning}", *formulas, *code, values])

    def _repr_markdown_(self):
        return f"**`{self.name}`** {np.shape(self.value)} {self.meaning}\n\n{self._details()}"

    def _details(self):
        equations = [entry._repr_latex_() for entry in self.equations]
        code = [source._repr_markdown_() for source in self.sources]
        return "\n\n".join([*equations, *code, f"```text\n{self._values()}\n```"])

    def _values(self):
        """Return the parts, if any, and the value as text, each after its name."""
        named = self.parts | {self.name: self.value}
        return "\n".join(f"{name} = {_written(value, len(name) + 3)}" for name, value in named.items())


class Steps(Sequence):
    """The steps of one pass, in order. Index them by number, by slice or by name.

    Attributes
    ----------
    model : VAE
    d : Trace
        The pass's gradients; ``d.forward`` has its values.
    grads : Parameters
    chain : dict of str to tuple of str
        What each symbol is made from, as the model says.
    """

    def __init__(self, steps, model, d, grads):
        self._steps = tuple(steps)
        self.model, self.d, self.grads, self.chain = model, d, grads, d.forward.chain

    def __len__(self):
        return len(self._steps)

    def __getitem__(self, which):
        if isinstance(which, slice):
            return Steps(self._steps[which], self.model, self.d, self.grads)
        if isinstance(which, str):
            for step in self._steps:
                if step.name == which:
                    return step
            raise KeyError(f"no step {which!r}; there are {', '.join(step.name for step in self._steps)}")
        return self._steps[which]

    def __repr__(self):
        return "\n\n".join(f"{i}. {step!r}" for i, step in enumerate(self._steps, 1))

    def _repr_markdown_(self):  # folded, each opened by a click
        return "\n\n".join(f"<details><summary>{i}. <code>{step.name}</code> {np.shape(step.value)} {step.meaning}"
                           f"</summary>\n\n{step._details()}\n\n</details>" for i, step in enumerate(self._steps, 1))

    def value(self, name):
        """Return the value of a symbol, or of a parameter."""
        return self.d.forward[name] if name in self.chain else self.model.parameters[name]

    def gradient(self, name):
        """Return the gradient of the loss with respect to a symbol or a parameter; None for data and noise."""
        return self.d[name] if name in self.chain else self.grads[name]

    def save(self, path):
        """Write these steps as a page to step through, one HTML file that needs no network.

        Parameters
        ----------
        path : str or path-like

        Notes
        -----
        The keys → and ← go from step to step; an address that ends in ``#d.z`` opens the page at that step. Formulas
        are MathML if latex2mathml is installed (``pip install minivae[book]``), else plain text.
        """
        from .walk import save_page
        save_page(self, path)


def _forward_step(symbol, model, trace, functions):
    entry, equations = equation_of(symbol, trace), []
    if symbol == "log_likelihood":
        kernel = f"kernels:{trace.likelihood}"
        equations = [other for other in EQUATIONS if other.computed_by == kernel and other != entry]
        sources = [assigning(functions[0], f"t.{symbol}", between=BETWEEN), body_of(kernel)]
    elif symbol.endswith(".h"):
        sources = [assigning(LAYERS, "a", "trace[symbol]"), body_of("kernels:dense"),
                   body_of(f"kernels:{model.settings['activation']}")]
    else:
        written = "t" if not model.chain[symbol] else "t[y]" if symbol == model.likelihood.symbol else f"t.{symbol}"
        sources = [assigning(functions[0], written, between=BETWEEN)]  # data and noise enter where t is made
        if (entry.computed_by or "").startswith("kernels:"):
            sources.append(body_of(entry.computed_by))
    return Step(symbol, trace[symbol], [*equations, entry], sources)


def _backward_step(symbol, model, d, grads, functions, between):
    entry = equation_of(f"d.{symbol}", d)
    equations = [entry] if entry else []
    value = grads[symbol] if symbol in grads else d[symbol]
    if symbol == "z" or symbol[-2:] in (".h", ".W", ".b"):
        sources, before = _layer(symbol, model, functions, between)
        return Step(f"d.{symbol}", value, before + equations, sources, parts=_parts(symbol, value, between))
    of_likelihood = symbol == model.likelihood.symbol or symbol in model.likelihood.shapes
    sources = [_assigning_somewhere(functions, "d[y]" if of_likelihood else f"d.{symbol}", between)]
    if of_likelihood:
        sources.append(body_of(f"kernels:{d.forward.likelihood}_backward"))
    elif entry and entry.computed_by.startswith("kernels:"):
        sources.append(body_of(entry.computed_by))
    parts = _parts(symbol, value, between)
    if symbol in PATHS:
        kl = () if not parts else ("kl_divergence",) if f"d{symbol}_through_kl" in parts else ("gaussian_log_density",)
        sources += [body_of(f"kernels:{name}_backward", f"d{symbol}") for name in (*PATHS[symbol], *kl)]
    meaning = {"loss": LOSS, "elbo": REPORTED}.get(symbol)
    return Step(f"d.{symbol}", value, equations, sources, meaning, parts)


def _parts(symbol, value, between):
    """Return, where paths meet, the gradient along each from ``backward``, summed over an example's samples."""
    found = {name: part for name, part in between.items() if re.fullmatch(rf"d{symbol}_through_\w+", name)}
    if len(found) < 2:
        return {}
    parts = {name: part.reshape(len(value), -1, *part.shape[1:]).sum(axis=1) for name, part in found.items()}
    return parts if np.allclose(sum(parts.values()), value, rtol=1e-4) else {}  # path gradients leave one out


def _assigning_somewhere(functions, target, between):
    """Return the assignments to a target in the first function that has one, and those to the names between symbols."""
    function = next(name for name in functions[1:] if assigns(name, target))
    return assigning(function, target, between={*BETWEEN, *between})


def _layer(symbol, model, functions, between):
    """Return the lines that carry a gradient through one dense layer to its input, its W or its b.

    If an activation is above it, its lines are included, and its equation is returned too.
    """
    stack = model.encoder if symbol.startswith("encoder") else model.decoder
    target = {"W": "dW", "b": "db"}.get(symbol[-1], "dx")
    layer = 0 if symbol == "z" else int(symbol.split(".")[1]) + (target == "dx")
    below_an_activation = layer < len(stack.h)
    sources, equations = [], []
    if symbol == "z":
        sources.append(_assigning_somewhere(functions, "d.z", between))
    elif stack is model.encoder and not below_an_activation:
        sources.append(assigning(functions[1], "d_head"))
    sources.append(assigning(LAYERS_BACKWARD, *(["dy"] if below_an_activation else []), "d[below]" if layer else "dx"))
    if below_an_activation:
        activation = f"kernels:{model.settings['activation']}_backward"
        sources.append(body_of(activation))
        equations = [entry for entry in EQUATIONS if entry.computed_by == activation]
    return [*sources, body_of("kernels:dense_backward", target)], equations


def _written(value, column):
    return np.array2string(np.asarray(value), precision=4, threshold=60, edgeitems=2, prefix=" " * column)
