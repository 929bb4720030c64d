"""The judge of the ELBO's backward, end to end: every weight's gradient against differences of the frozen model's loss."""

import numpy as np

from ...gradcheck import check_gradient
from ...gradcheck.report import Report
from ...model import VAE
from ..exercise import Exercise
from ..judges.finding import Finding, beside, known, name_in_catalogue
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from ..judges.values import settled
from .backward_pass import LAYERS


def _model(p, beta, dtype="float64"):
    """The package's VAE with these parameters."""
    (D, H), K = p["encoder.0.W"].shape, p["decoder.0.W"].shape[0]
    model = VAE(D, (H,), K, activation="tanh", beta=beta, dtype=dtype)
    for name, value in p.items():
        model.parameters[name] = value
    return model


def package_gradients(t, p, beta):
    """Return the package's own answer, for mistakes to be planted in."""
    model = _model(p, beta)
    _, grads = model.backward(model.forward(t["x"], t["eps"]))
    return {name: grads[name] for name in grads}


class Whole:
    """Judge of ``elbo_backward``."""

    def __call__(self, exercise, answer):
        tensors = []
        for B, D, H, K, beta in ((5, 4, 3, 2, 1.5), (1, 2, 2, 1, 1.0)):
            finding = self.look(exercise, answer, B, D, H, K, beta)
            if not finding.report:
                return finding
            tensors += finding.report.tensors
        return Finding(Report(tensors), checked=("shapes", "dtype", "inputs left alone", "the same answer twice",
                                                 "beta other than 1", "a batch of one"))

    def look(self, exercise, answer, B, D, H, K, beta):
        rng = np.random.default_rng(70 + B)
        model = VAE(D, (H,), K, activation="tanh", beta=beta, dtype="float64")
        model.parameters.flat[:] += 0.4 * rng.standard_normal(model.parameters.flat.size)
        trace = model.forward((rng.random((B, D)) < 0.5).astype(float), rng.standard_normal((B, K)))
        before = model.symbols[:model.symbols.index("log_likelihood")]
        t = {symbol: trace[symbol].copy() for symbol in before}
        p = {name: value.copy() for name, value in model.parameters.items()}
        order = [name for layer in ("decoder.1", "decoder.0", "encoder.1", "encoder.0") for name in p if name[:9] == layer]
        shapes = {name: p[name].shape for name in order}
        given = [t, p, beta]
        grads = as_arrays(answer(*given), shapes)
        settled(exercise, answer, given)
        flat = model.parameters.flat.copy()
        if answer.changed:
            raise Failed("inputs", f"something in {answer.changed[0]} is changed in place. Write into new arrays")

        def reading(read):
            def f(point):
                for name, value in point.items():
                    model.parameters[name] = value
                return read(model.forward(t["x"], t["eps"]))
            return f

        terms = {"reconstruction": reading(lambda trace: -trace.log_likelihood.mean()),
                 "kl": reading(lambda trace: beta * trace.kl.mean())}
        tensors, sizes = [], {"B": B, "D": D, "K": K, "beta": beta}
        for name in order:   # from the loss back, as far as the first that is wrong
            model.parameters.flat[:] = flat
            one = reading(lambda trace: trace.loss), {name: grads[name]}, {name: p[name]}
            report = check_gradient(*one, sizes=sizes)
            if report.verdict == "fail":
                report = check_gradient(*one, terms, sizes=sizes)
                mistake = name_in_catalogue(exercise, given, {name: grads[name], **grads}, shapes)
                report.diagnoses = [one._replace(tensors=(), text=beside(mistake, known(one))) for one in report.diagnoses]
                return Finding(report, mistake)
            tensors += report.tensors
        return Finding(Report(tensors))


EXERCISES = (
    Exercise(
        name="elbo_backward", signature="t, p, beta -> gradients",
        shapes="t: the trace as a dict, of the symbols x (B, D), encoder.0.h (B, H), mu, log_var, sigma, eps, z (B, K), "
               "decoder.0.h (B, H), logits (B, D); p: the parameters as a dict, encoder.0.W (D, H), encoder.0.b (H,), "
               "encoder.1.W (H, 2K), encoder.1.b (2K,), decoder.0.W (K, H), decoder.0.b (H,), decoder.1.W (H, D), "
               "decoder.1.b (D,); beta: a number; gradients: a dict with the names of p",
        notebook=7, place=5, difficulty=3, minutes=60,
        statement="The ELBO's backward, end to end: from loss = −(1/B) Σ (log p(x|z) − beta KL) to every weight. The "
                  "encoder is x → tanh → [mu | log_var], the decoder z → tanh → logits, pixels are Bernoulli. All that "
                  "the forward computed stands in `t`.",
        hints=("Begin at the top: what is ∂loss/∂log p(x|z) of one example, and what ∂loss/∂kl? There is the only 1/B, and "
               "beta.",
               "Then the exercises before this one, in order: the likelihood's backward, the decoder's, the fan-in at mu "
               "and log_var, the head's join, the encoder's.",
               "You may call the kernels: from minivae.kernels import dense_backward, ... Keep each intermediate gradient "
               "under the name of its symbol: d[\"z\"], d[\"mu\"]."),
        insight="From one number at the top to every weight, by steps of one kind. mv.VAE.backward is these lines.",
        equations={"decoder.1.W": "7.1", "decoder.1.b": "7.1", "encoder.1.W": "7.3", "encoder.1.b": "7.3", "": "5.7"},
        judge=Whole(),
        reference=lambda t, p, beta: package_gradients(t, p, beta),
        built_from=("model.vae:VAE.backward", *LAYERS, "kernels:reparameterize_backward",
                    "kernels:standard_deviation_backward", "kernels:kl_divergence_backward",
                    "kernels:bernoulli_log_likelihood_backward")),
)
