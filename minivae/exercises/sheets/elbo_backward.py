"""The exercise on the ELBO's backward, end to end, and its judge."""

from typing import NamedTuple

import numpy as np

from ...gradcheck.report import Report
from ...model import VAE
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from ..exercise import Exercise
from ..judges.finding import ONE_ANSWER, OWN, Finding, compare, settled, together, unchanged
from ..judges.naming import by_terms, named
from .backward_pass import LAYERS

ORDER = (   # from the loss back
    "log_likelihood", "kl", "logits", "decoder.1.W", "decoder.1.b", "decoder.0.h", "decoder.0.W", "decoder.0.b", "z",
    "sigma", "mu", "log_var", "encoder.1.W", "encoder.1.b", "encoder.0.h", "encoder.0.W", "encoder.0.b")
NODES = [name for name in ORDER if not name.endswith((".W", ".b"))]
NOT_JUDGED = ("x", "eps", "elbo", "objective", "loss")   # symbols whose gradients may be there as well


def _model(p, beta):
    """The package's VAE with these parameters."""
    (D, H), K = p["encoder.0.W"].shape, p["decoder.0.W"].shape[0]
    model = VAE(D, (H,), K, activation="tanh", beta=beta, dtype=p["encoder.0.W"].dtype.name)
    for name, value in p.items():
        model.parameters[name] = value
    return model


def package_gradients(t, p, beta):
    """Return the package's own gradients, of the symbols too."""
    model = _model(p, beta)
    d, grads = model.backward(model.forward(t["x"], t["eps"]))
    return {name: (grads if name in grads else d)[name] for name in ORDER}


class _Point(NamedTuple):
    """A model, a batch and what its forward computed."""

    model: VAE
    t: dict
    p: dict
    beta: float

    @classmethod
    def drawn(cls, rng, B, D, H, K, beta):
        model = VAE(D, (H,), K, activation="tanh", beta=beta, dtype="float64")
        model.parameters.flat[:] += 0.4 * rng.standard_normal(model.parameters.flat.size)
        trace = model.forward((rng.random((B, D)) < 0.5).astype(float), rng.standard_normal((B, K)))
        before = model.symbols[:model.symbols.index("log_likelihood")]
        return cls(model, {symbol: trace[symbol].copy() for symbol in before},
                   {name: value.copy() for name, value in model.parameters.items()}, beta)

    def loss(self, read):
        """Return a function of parameters or symbols, by name: what ``read`` finds in the trace of a forward."""
        def f(point):
            model = _model({**self.p, **{name: value for name, value in point.items() if name in self.p}}, self.beta)
            given = {name: value for name, value in point.items() if name not in self.p}
            return read(model.forward(self.t["x"], self.t["eps"], given=given))
        return f


class ElboBackward:
    """Judge of ``elbo_backward``: gradients against the package's, from the loss back to the first that is wrong."""

    def __call__(self, exercise, answer, rng):
        D, H, K = map(int, rng.permutation([3, 4, 5]))
        sizes = (6, D, H, K, rng.uniform(0.5, 2)), (1, 2, 2, 1, 1.0), (3, 4, 4, 4, rng.uniform(2, 4))
        finding = together(self._look(exercise, answer, _Point.drawn(rng, *size)) for size in sizes)
        symbols = len({t.name for t in finding.report.tensors}.intersection(NODES))
        return finding if not finding.report else finding._replace(against=OWN, checked=(
            *[f"the gradients of {symbols} symbols"] * bool(symbols), "square matrices", "a batch of one",
            "beta other than 1", "inputs left alone", "the same answer twice"))

    def _look(self, exercise, answer, point):
        given = [point.t, point.p, point.beta]
        truth = package_gradients(*given)
        claims = _claims(answer(*given), {name: np.shape(value) for name, value in truth.items()}, point.p)
        constant = settled(answer, given)
        unchanged(answer)
        shapes = {name: claim.shape for name, claim in claims.items()}
        tensors = [compare(name, claims[name], truth[name], 1e-11 * np.abs(truth[name]).max(initial=1e-300))
                   for name in claims]
        wrong = next((t for t in tensors if t.state == "differ"), None)
        if wrong is None:
            if constant:
                raise Failed("stale", ONE_ANSWER)
            return Finding(Report(tensors))
        mistake, said = named(exercise, given, claims, wrong.name, shapes,
                              lambda: self._by_terms(point, wrong))
        return Finding(Report([wrong], diagnoses=said), mistake, OWN)

    def _by_terms(self, point, wrong):
        """What the gradient checker says about one gradient, by the terms of the loss."""
        terms = {"reconstruction": point.loss(lambda trace: -trace.log_likelihood.mean()),
                 "kl": point.loss(lambda trace: point.beta * trace.kl.mean())}
        sizes = {"B": len(point.t["x"]), "D": point.t["x"].shape[1], "K": point.t["z"].shape[1], "beta": point.beta}
        at = {**point.p, **point.model.forward(point.t["x"], point.t["eps"])}[wrong.name]
        return by_terms(wrong, at, point.loss(lambda trace: trace.loss), terms, sizes)


def _claims(result, shapes, p):
    """The gradients by name, in the order from the loss back: of all parameters, and of the symbols that are there."""
    if isinstance(result, list) and len(result) == 2 and all(isinstance(part, dict) for part in result):
        result = {**result[0], **result[1]}   # d, grads
    asked = [name for name in ORDER if name in p or isinstance(result, dict) and result.get(name) is not None]
    if isinstance(result, dict):
        result = {name: part for name, part in result.items() if part is not None and name not in NOT_JUDGED}
    return as_arrays(result, {name: shapes[name] for name in asked}, mapping=True)


EXERCISES = (
    Exercise(
        name="elbo_backward", signature="t, p, beta -> gradients",
        shapes="t: the trace as a dict, of the symbols x (B, D), encoder.0.h (B, H), mu, log_var, sigma, eps, z (B, "
               "K), decoder.0.h (B, H), logits (B, D); p: the parameters as a dict, encoder.0.W (D, H), encoder.0.b "
               "(H,), encoder.1.W (H, 2K), encoder.1.b (2K,), decoder.0.W (K, H), decoder.0.b (H,), decoder.1.W (H, "
               "D), decoder.1.b (D,); beta: a number; gradients: a dict with the names of p",
        notebook=7, place=5, difficulty=3, minutes=60,
        statement="The ELBO's backward, end to end: from loss = −(1/B) Σ (log p(x|z) − beta KL) to every weight. The "
                  "encoder is x → tanh → [mu | log_var], the decoder z → tanh → logits, pixels are Bernoulli. "
                  "Everything that the forward computed is in `t`. You may put the gradients of the symbols into the "
                  'dict as well (`"z"`, `"mu"`, ...), or return `d, gradients`: then the check names the **first** one '
                  "that is wrong.",
        hints=("Begin at the top: what is ∂loss/∂log p(x|z) of one example, and what ∂loss/∂kl? The only 1/B is there, "
               "and so is beta.",
               "Then the exercises before this one, in order: the likelihood's backward, the decoder's, the fan-in at "
               "mu and log_var, the head's join, the encoder's.",
               "You may call the kernels: from minivae.kernels import dense_backward, ... Keep each intermediate "
               "gradient under the name of its symbol: d[\"z\"], d[\"mu\"]."),
        insight="From one number at the top to every weight, every step is of the same kind. mv.VAE.backward consists "
                "of these lines.",
        equations={"log_likelihood": "7.1", "kl": "7.1", "logits": "5.18", "z": "5.4", "sigma": "4.8", "mu": "7.2",
                   "log_var": "7.3", "decoder.0.h": "5.4", "encoder.0.h": "5.4",
                   **{name: "5.5" for name in ORDER if name.endswith(".W")},
                   **{name: "5.6" for name in ORDER if name.endswith(".b")}},
        judge=ElboBackward(),
        answer="exercises.sheets.elbo_backward:package_gradients",
        calls=("model.vae:VAE.backward", *LAYERS, "kernels:reparameterize_backward",
               "kernels:standard_deviation_backward", "kernels:kl_divergence_backward",
               "kernels:bernoulli_log_likelihood_backward")),
)
