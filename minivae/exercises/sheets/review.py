"""The exercise of reviewing: a backward that somebody else wrote, with one fault in it, to be found and named."""

import inspect
import re

import numpy as np

from ...model import VAE
from ..answers.foreign import Failed
from ..exercise import Exercise
from ..judges.finding import accepted


def colleagues_backward(t, p, beta):
    """A colleague's backward of the ELBO: dloss/dsymbol and dloss/dparameter, from the trace t and the parameters p."""
    B = len(t["x"])
    d, grads = {}, {}
    d["log_likelihood"] = np.full(B, -1 / B)
    d["kl"] = np.full(B, beta / B)
    d["logits"] = d["log_likelihood"][:, None] * (t["x"] - 1 / (1 + np.exp(-t["logits"])))
    # decoder
    d["decoder.0.h"] = d["logits"] @ p["decoder.1.W"].T
    grads["decoder.1.W"] = t["decoder.0.h"].T @ d["logits"]
    grads["decoder.1.b"] = d["logits"].sum(axis=0)
    da = d["decoder.0.h"] * (1 - t["decoder.0.h"] ** 2)
    d["z"] = da @ p["decoder.0.W"].T
    grads["decoder.0.W"] = t["z"].T @ da
    grads["decoder.0.b"] = da.sum(axis=0)
    # two paths into mu and log_var
    d["sigma"] = d["z"] * t["eps"]
    d["mu"] = d["z"] + d["kl"][:, None] * t["mu"]
    d["log_var"] = d["sigma"] * 0.5 * t["sigma"] + d["kl"][:, None] * 0.5 * (np.exp(t["log_var"]) - 1)
    # encoder
    d_head = np.concatenate([d["mu"], d["log_var"]], axis=1)
    d["encoder.0.h"] = d_head @ p["encoder.1.W"].T
    grads["encoder.1.W"] = t["encoder.0.h"].T @ d_head
    grads["encoder.1.b"] = d_head.sum(axis=0)
    da = d["encoder.0.h"] * (1 - t["encoder.0.h"] ** 2)
    grads["encoder.0.W"] = t["x"].T @ da
    grads["encoder.0.b"] = d["encoder.0.h"].sum(axis=0)
    return d, grads


APOSTROPHES = "\u2019\u2018\u02bc\u00b4\u2032`"
QUOTES = " \t\n\"\u201c\u201d\u00ab\u00bb"   # and what stands around them

CHOICES = {   # what may be wrong: the text as it would stand, and as it should
    "1/B is there twice": ("-1 / B**2", "-1 / B"),
    "beta is forgotten": ("1 / B)\n    d[\"logits\"]", "beta / B)\n    d[\"logits\"]"),
    "the sign of dlogits is flipped": ('1 / (1 + np.exp(-t["logits"])) - t["x"]',
                                       't["x"] - 1 / (1 + np.exp(-t["logits"]))'),
    "a matrix is not transposed": ('@ p["decoder.0.W"]\n', '@ p["decoder.0.W"].T\n'),
    "the KL's path into mu is missing": ('d["mu"] = d["z"]\n', 'd["mu"] = d["z"] + d["kl"][:, None] * t["mu"]\n'),
    "the half of sigma's derivative is missing": ('d["sigma"] * t["sigma"]', 'd["sigma"] * 0.5 * t["sigma"]'),
    "the noise is missing": ('d["sigma"] = d["z"]\n', 'd["sigma"] = d["z"] * t["eps"]\n'),
    "mu and log_var have changed places": ('[d["log_var"], d["mu"]]', '[d["mu"], d["log_var"]]'),
    "the activation's slope is missing": ('d["encoder.0.h"].sum(axis=0)', "da.sum(axis=0)"),
    "a bias is summed over the wrong axis": ("da.sum(axis=1)", "da.sum(axis=0)"),
}


def _example():
    """A model, its trace and parameters as dicts, and the package's gradients of everything."""
    rng = np.random.default_rng(75)
    model = VAE(5, (4,), 2, activation="tanh", beta=1.5, dtype="float64")
    model.parameters.flat[:] += 0.4 * rng.standard_normal(model.parameters.flat.size)
    trace = model.forward((rng.random((6, 5)) < 0.5).astype(float), rng.standard_normal((6, 2)))
    d, grads = model.backward(trace)
    return dict(trace), dict(model.parameters), {**{s: d[s] for s in d}, **{name: grads[name] for name in grads}}


def _first_wrong(backward):
    """The first gradient, from the loss back, that is not what the package's backward says; None if all are right."""
    t, p, right = _example()
    d, grads = backward(t, p, 1.5)
    return next((name for name, value in {**d, **grads}.items()
                 if not np.allclose(value, right[name], rtol=1e-9)), None)


def _repaired(name):
    """The colleague's function with one fault taken out, or None if it does not have that fault."""
    source, (wrong, right) = inspect.getsource(colleagues_backward), CHOICES[name]
    if wrong not in source:
        return None
    scope = {"np": np}
    exec(source.replace(wrong, right), scope)
    return scope["colleagues_backward"]


def _judge(exercise, answer, rng):
    reply = answer()
    reply = [reply.get("where"), reply.get("what")] if isinstance(reply, dict) else reply
    if not isinstance(reply, list) or len(reply) != 2 or not all(isinstance(part, str) for part in reply):
        raise Failed("missing", "it should return two strings: the name of a gradient, and one of the faults listed")
    where, what = reply[0].strip(QUOTES), _plain_words(reply[1])
    what = next((fault for fault in CHOICES if _plain_words(fault) == what), None)
    # z, d.z, d["z"], grads["encoder.0.b"]
    where = re.sub(r"^(?:d\.|d\[|grads\[)?['\"]?([\w.]+?)['\"]?\]?$", r"\1", where)
    if what is None:
        order = ". The name of the gradient comes first" * any(
            _plain_words(fault) == _plain_words(reply[0]) for fault in CHOICES)
        raise Failed("value", f"{reply[1]!r} is not among the faults listed; copy its words from the statement{order}")
    if where not in _example()[2]:
        raise Failed("value", f"{where!r} is no symbol or parameter; name it as d or grads do")
    repaired, first = _repaired(what), _first_wrong(colleagues_backward)
    found = repaired is not None and _first_wrong(repaired) is None
    if where != first:
        raise Failed("value", f"the gradient of {where} is not the first to be wrong; compare each one with "
                              "differences, from the loss back")
    if not found:
        raise Failed("value", f"the gradient of {where} is the first to be wrong, but not because {what}")
    return accepted("Both answers are right: with that one fault mended, every gradient is right")


def _plain_words(text):
    """Text without what an editor or a keyboard may have changed in it."""
    for mark in APOSTROPHES:
        text = text.replace(mark, "'")
    return " ".join(text.strip(QUOTES + "-").split()).rstrip(".").casefold()


EXERCISES = (
    Exercise(
        name="review", signature="-> where, what", shapes="where, what: two strings", notebook=7, place=6, difficulty=3,
        minutes=30,
        statement="A colleague asks you to review `colleagues_backward`, the ELBO's backward. One thing is wrong in "
                  "it. Hand in a function that takes nothing and returns two strings: the first gradient that is "
                  "wrong, from the loss back, by its name in `d` or `grads`, such as \"z\" or \"decoder.0.W\"; and the "
                  "fault, one of these:\n\n"
                  + "\n".join(f"- {name}" for name in CHOICES),
        hints=("Reading is one way. The other: a model of mv.VAE gives you the trace, and mv.gradcheck.check_gradient "
               "takes the gradients that the colleague claims.",
               "Build a small mv.VAE with one tanh layer, run forward, hand dict(trace) and dict(model.parameters) to "
               "the colleague, and check its grads against the loss as a function of the parameters.",
               "A gradient that is right clears every gradient that it was computed from. Only one is wrong: which "
               "line computes it?"),
        insight="One wrong bias among seventeen gradients: training would have gone on, a little worse, and nobody "
                "would have noticed.",
        equations={}, judge=_judge),
)
