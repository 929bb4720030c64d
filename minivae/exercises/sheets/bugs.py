"""Three VAEs that pass every gradient check and are wrong: to be repaired.

What a student hands in is the whole function, put right. What it computes is held against what that must mean, and its
gradients against the package's own. Where a value is wrong, its gradients are measured along random directions of its
own loss instead: that is all that a gradient check can do.
"""

import numpy as np

from ...gradcheck import check_gradient
from ...gradcheck.probe import Probe
from ...gradcheck.report import Report
from ...model import VAE
from ..answers.foreign import Failed
from ..answers.forms import as_arrays
from ..exercise import Exercise
from ..judges.finding import ONE_ANSWER, OWN, Finding, compare, settled, together, unchanged

ENCODER = {"W": "encoder.0.W", "b": "encoder.0.b"}
LINEAR_DECODER = {"V": "decoder.0.W", "c": "decoder.0.b"}
TWO_LAYERS = {"W": "decoder.0.W", "b": "decoder.0.b", "V": "decoder.1.W", "c": "decoder.1.b"}


class Repaired:
    """Judge of a repaired VAE, for D = 3 pixels and K = 2 latents.

    Parameters
    ----------
    fault : str
        The first value that the suspect has wrong.
    names : dict of str to str
        What the package's VAE calls the parameters.
    values : tuple of str
        The symbols that are returned, beside the mean of the pixels and the loss.
    **settings
        Of the package's VAE. An encoder whose parameters are not in ``names`` is all 0: q is the prior, z the noise.
    """

    def __init__(self, fault, names, values, **settings):
        self.fault, self.names, self.values, self.settings = fault, names, values, {"hidden": (), **settings}

    def __call__(self, exercise, answer, rng):
        return together((self._look(answer, *self._batch(rng, B)) for B in (4, 1)),
                        against=OWN, checked=("what each value means",))

    def _batch(self, rng, B):
        """A model, B examples and their noise."""
        model = VAE(3, latent_dim=2, dtype="float64", **self.settings)
        model.parameters.flat[:] = 0
        for name in self.names.values():
            model.parameters[name] = 0.6 * rng.standard_normal(model.parameters[name].shape)
        x, noise = rng.standard_normal((B, 3)), rng.standard_normal((B, 2))
        return model, (x > 0).astype(float) if model.likelihood.symbol == "logits" else x, noise

    def meant(self, model, x, noise):
        """Return by name what the values and the gradients must be."""
        trace = model.forward(x, noise)
        grads = model.backward(trace)[1]
        values = {name: trace[name] for name in self.values}
        values |= {"mean": model.decode(trace.z), "loss": np.asarray(trace.loss)}
        return values, {name: grads[symbol] for name, symbol in self.names.items()}

    def _look(self, answer, model, x, noise):
        """Return the Finding about one batch; raise Failed where only what the values mean is wrong."""
        p = {name: model.parameters[symbol].copy() for name, symbol in self.names.items()}
        truth, right = self.meant(model, x, noise)
        values, gradients = _parts(answer(x, noise, p), truth, right)
        constant = settled(answer, [x, noise, p])
        unchanged(answer)
        wrong = [name for name in truth if _compared(name, values, truth).state == "differ"]
        if wrong:   # no derivation of ours holds for this loss: it is measured
            def loss(point):
                return _parts(answer(x, noise, {**p, **point}), truth, right)[0]["loss"]
            misfits = _misfits(loss, gradients, p)
        else:
            def loss(point):
                for name, value in point.items():
                    model.parameters[self.names[name]] = value
                return self.meant(model, x, noise)[0]["loss"]
            tensors = [_compared(name, gradients, right) for name in p]
            misfits = [tensor.name for tensor in tensors if tensor.state == "differ"]
        if misfits:
            return _unfit(loss, gradients, p, misfits[0], len(x))
        if wrong:
            raise Failed("value", "it passes the gradient check, and is still wrong", hint=(
                "something it returns is not what its name says. Which one, no finite difference can tell"
                if self.fault in wrong else
                f"the suspect's own fault is mended, but now {wrong[0]} is not what its name says"))
        if constant:
            raise Failed("stale", ONE_ANSWER)
        return Finding(Report(tensors))


def _compared(name, claims, truth):
    return compare(name, claims[name], truth[name], 1e-9 * max(1.0, np.abs(truth[name]).max()))


def _misfits(loss, gradients, p):
    """Return the parameters whose gradient is not the slope of the loss along a random direction through them."""
    probe, rng, found = Probe(loss, p), np.random.default_rng(0), []
    for name, gradient in gradients.items():
        move = probe.direction([name], rng)
        slope, share = probe.along(move), move[name] * gradient
        if slope.kind == "smooth" and abs(slope.value - share.sum()) > 3 * slope.error + 1e-7 * np.abs(share).sum():
            found.append(name)
    return found


def _unfit(loss, gradients, p, name, B):
    """The Finding about a gradient that is not that of the loss, number by number."""
    report = check_gradient(loss, {name: gradients[name]}, {name: p[name]}, sizes={"B": B})
    report.diagnoses = [one._replace(tensors=()) for one in report.diagnoses]
    return Finding(report, None, "differences of the loss that you return",
                   told="the gradient does not fit the loss that you return")


def _parts(result, truth, right):
    """Values and gradients: two dicts, or one dict of the two."""
    if isinstance(result, dict) and {"values", "gradients"} <= set(result):
        result = [result["values"], result["gradients"]]
    if not isinstance(result, list) or len(result) != 2 or not all(isinstance(part, dict) for part in result):
        raise Failed("missing", "it should return two dicts, values and gradients")
    values = {name: part for name, part in result[0].items() if name in truth}
    return tuple(as_arrays(part, {name: value.shape for name, value in wanted.items()}, mapping=True)
                 for part, wanted in ((values, truth), (result[1], right)))


_COMMON = dict(
    shapes="x (B, D), eps (B, K), p: a dict of the parameters W (D, 2K), b (2K,), V (K, D), c (D,); values: a dict of "
           "mu, log_var, z (B, K), mean (B, D), log_likelihood, kl (B,), loss; gradients: a dict with the names of p",
    signature="x, eps, p -> values, gradients", notebook=6, equations={})
_WHOLE = {"names": {**ENCODER, **LINEAR_DECODER}, "values": ("mu", "log_var", "z", "log_likelihood", "kl")}
_STATEMENT = ("{what} Its gradients pass every check, and yet it is wrong: one of its values does not **mean** what it "
              "should. Find the fault, correct the forward and the backward, and hand in the result as `{name}`.")

EXERCISES = (
    Exercise(
        name="find_the_bug_1", place=3, difficulty=1, minutes=15, **_COMMON,
        statement=_STATEMENT.format(name="find_the_bug_1", what="`suspect_1` is a linear VAE of binary pixels."),
        hints=("The gradient check compares the backward with the forward. If both are derived from the same wrong "
               "line, they agree. So test the forward alone: what must each value be, whatever the formula?",
               "Hold mu and log_var fixed and draw many eps. Mean and variance of z must be mu and exp(log_var).",
               "log_var is the logarithm of which of the two, variance or standard deviation? Correct the forward; the "
               "gradient check then tells you whether the backward still fits it."),
        insight="Noise scaled by the variance in place of the standard deviation. Every gradient was right; the mean "
                "and variance of z show the fault.",
        judge=Repaired("z", **_WHOLE)),
    Exercise(
        name="find_the_bug_2", place=4, difficulty=2, minutes=30, **_COMMON,
        statement=_STATEMENT.format(name="find_the_bug_2",
                                    what="`suspect_2` is a linear VAE of real-valued pixels, with noise of variance "
                                         "½."),
        hints=("Which of the values are known exactly for some input? A density integrates to 1; a divergence is 0 "
               "where the two densities agree.",
               "Set W and b to 0: q(z|x) is then N(0, I). What is the KL of the prior from itself?",
               "Which Gaussian does this code take as its prior? Ours is N(0, I): its log-variance is 0."),
        insight="The KL was computed for a prior that we do not draw from. Training runs without complaint, but draws "
                "from N(0, I) miss the region where q has put its codes. A test that finds it: the KL must be 0 at the "
                "prior.",
        judge=Repaired("kl", **_WHOLE, likelihood="gaussian", noise_variance=0.5)),
    Exercise(
        name="find_the_bug_3", place=5, difficulty=2, minutes=30, **{**_COMMON, "signature":
            "x, z, p -> values, gradients", "shapes":
            "x (B, D), z (B, K), p: a dict of the parameters W (K, H), b (H,), V (H, D), c (D,); values: a dict of "
            "logits, mean (B, D), log_likelihood (B,), loss; gradients: a dict with the names of p"},
        statement=_STATEMENT.format(name="find_the_bug_3", what="`suspect_3` is a decoder of binary pixels, with its "
                                                                "likelihood and the mean image that is shown to "
                                                                "people."),
        hints=("Not everything that a model returns is on the way to its loss. Which of the values does no gradient "
               "pass through?",
               "With one pixel, exp(log_likelihood) at x = 1 is the probability that it is on. What does mean say?",
               "A probability lies in [0, 1]. Which function leads from a logit to a probability?"),
        insight="The mean that is shown does not enter the loss, so no gradient can reveal that it is wrong. Compare "
                "it with the likelihood of single pixels. A public example had this very fault: image_sample in JAX's "
                "examples/mnist_vae.py draws pixels with softplus(logit) as the probability.",
        judge=Repaired("mean", TWO_LAYERS, ("logits", "log_likelihood"), hidden=(4,),
                       activation="tanh")),
)
