"""Three VAEs that pass every gradient check and are wrong: to be repaired.

What a student hands in is the whole function, put right. It is judged twice: its gradients against differences of its
own loss, which is all that a gradient check can do, and then everything it computes against what that must mean.
"""

import numpy as np

from ...gradcheck import check_gradient
from ...gradcheck.report import Report
from ...gradcheck.words import Diagnosis
from ...kernels import bernoulli_log_likelihood, dense, gaussian_log_likelihood, kl_divergence, logistic, reparameterize
from ...kernels import standard_deviation, tanh
from ..exercise import Exercise
from ..judges.finding import Finding, compare, settled, unchanged
from ..answers.foreign import Failed
from ..answers.forms import as_arrays


def _latent(x, eps, p):
    """What the derivation says of the encoder and of z."""
    head = dense(x, p["W"], p["b"])
    mu, log_var = np.split(head, 2, axis=1)
    sigma = standard_deviation(log_var)
    return {"mu": mu, "log_var": log_var, "z": reparameterize(mu, sigma, eps), "kl": kl_divergence(mu, log_var)}


def _bernoulli(x, eps, p):
    values = _latent(x, eps, p)
    logits = dense(values["z"], p["V"], p["c"])
    log_likelihood = bernoulli_log_likelihood(logits, x)
    return {**values, "mean": logistic(logits), "log_likelihood": log_likelihood,
            "loss": -(log_likelihood - values["kl"]).mean()}


def _gaussian(x, eps, p):
    values = _latent(x, eps, p)
    mean = dense(values["z"], p["V"], p["c"])
    log_likelihood = gaussian_log_likelihood(mean, x, 0.5)
    return {**values, "mean": mean, "log_likelihood": log_likelihood, "loss": -(log_likelihood - values["kl"]).mean()}


def _decoder(x, z, p):
    logits = dense(tanh(dense(z, p["W"], p["b"])), p["V"], p["c"])
    log_likelihood = bernoulli_log_likelihood(logits, x)
    return {"logits": logits, "mean": logistic(logits), "log_likelihood": log_likelihood,
            "loss": -log_likelihood.mean()}


class Repaired:
    """Judge of a repaired VAE.

    Parameters
    ----------
    meant : callable
        ``meant(x, noise, p)`` returns by name what everything must be.
    binary : bool
        Whether pixels are 0 or 1.
    fault : str
        The first value that the suspect has wrong.
    shapes : dict of str to tuple of int
        Of the parameters, for D = 3 pixels and K = 2 latents.
    """

    def __init__(self, meant, binary, fault, **shapes):
        self.meant, self.binary, self.fault, self.shapes = meant, binary, fault, shapes

    def __call__(self, exercise, answer, rng):
        tensors = []
        for B in (4, 1):
            p = {name: 0.6 * rng.standard_normal(shape) for name, shape in self.shapes.items()}
            x, noise = rng.standard_normal((B, 3)), rng.standard_normal((B, 2))
            x = (x > 0).astype(float) if self.binary else x
            report = self._look(answer, x, noise, p)
            if not report:
                return Finding(report, None, "differences of the loss that you return")
            tensors += report.tensors
        return Finding(Report(tensors), None, "differences of the loss", ("what each value means",))

    def _look(self, answer, x, noise, p):
        """Hold values against what they mean, and gradients against differences of the loss that was returned."""
        def meant(p):
            return {name: np.asarray(value) for name, value in self.meant(x, noise, p).items()}

        truth = meant(p)
        values, gradients = _parts(answer(x, noise, p), truth, p)
        settled(answer, [x, noise, p])
        unchanged(answer)
        bounds = {name: 1e-9 * max(1.0, np.abs(true).max()) for name, true in truth.items()}
        wrong = [name for name in truth if compare(name, values[name], truth[name], bounds[name]).state == "differ"]
        loss = (lambda point: _parts(answer(x, noise, point), truth, p)[0]["loss"]) if wrong else (
            lambda point: meant(point)["loss"])   # the same numbers, and no need to ask for them
        report = check_gradient(loss, gradients, p, sizes={"B": len(x)})
        if not report:
            said = "the gradient does not fit the loss that you return"
            named = next((one for one in report.diagnoses if one.known), Diagnosis("stated"))
            report.diagnoses = [named._replace(tensors=(), text=f"{said}: {named.text}" if named.text else said)]
        elif wrong:
            what = ("something it returns is not what its name says. Which one, no finite difference can tell"
                    if self.fault in wrong else
                    f"the suspect's own fault is mended, but now {wrong[0]} is not what its name says")
            raise Failed("value", f"it passes the gradient check, all {report.covered} numbers, and is still wrong: "
                                  f"{what}")
        return report


def _parts(result, truth, p):
    """Values and gradients: two dicts, or one dict of the two."""
    if isinstance(result, dict) and {"values", "gradients"} <= set(result):
        result = [result["values"], result["gradients"]]
    if not isinstance(result, list) or len(result) != 2 or not all(isinstance(part, dict) for part in result):
        raise Failed("missing", "it should return two dicts, values and gradients")
    values = {name: part for name, part in result[0].items() if name in truth}
    return (as_arrays(values, {name: value.shape for name, value in truth.items()}, mapping=True),
            as_arrays(result[1], {name: value.shape for name, value in p.items()}, mapping=True))


_COMMON = dict(
    shapes="x (B, D), eps (B, K), p: a dict of the parameters W (D, 2K), b (2K,), V (K, D), c (D,); values: a dict of "
           "mu, "
           "log_var, z (B, K), mean (B, D), log_likelihood, kl (B,), loss; gradients: a dict with the names of p",
    signature="x, eps, p -> values, gradients", notebook=6, equations={})
_LINEAR = dict(W=(3, 4), b=(4,), V=(2, 3), c=(3,))
_STATEMENT = ("{what} Its gradients pass every check, and it is wrong. Find out what is wrong with what it **means**, "
              "and "
              "hand it in as `{name}`, put right, forward and backward.")

EXERCISES = (
    Exercise(
        name="find_the_bug_1", place=3, difficulty=1, minutes=15, **_COMMON,
        statement=_STATEMENT.format(name="find_the_bug_1", what="`suspect_1` is a linear VAE of binary pixels."),
        hints=("The gradient check compares the backward with the forward. If both are derived from the same wrong "
               "line, they "
               "agree. So test the forward alone: what must each value be, whatever the formula?",
               "Hold mu and log_var fixed and draw many eps. Mean and variance of z must be mu and exp(log_var).",
               "log_var is the logarithm of which of the two, variance or standard deviation? Mend the forward, and "
               "then "
               "the gradient check tells you whether the backward has followed."),
        insight="Noise scaled by the variance in place of the standard deviation. Every gradient was right; the mean "
                "and "
                "variance of z show the fault.",
        judge=Repaired(_bernoulli, True, "z", **_LINEAR)),
    Exercise(
        name="find_the_bug_2", place=4, difficulty=3, minutes=30, **_COMMON,
        statement=_STATEMENT.format(name="find_the_bug_2",
                                    what="`suspect_2` is a linear VAE of real-valued pixels, with noise of variance "
                                         "½."),
        hints=("Which values have a known value somewhere? A density integrates to 1; a divergence is 0 where the two "
               "agree.",
               "Put W and b at 0: q(z|x) is then N(0, I). What is the KL of the prior from itself?",
               "Which Gaussian is the prior that this code has in mind? Ours is N(0, I): its log-variance is 0."),
        insight="The KL was taken to a prior that we do not draw from. Training runs without complaint, and draws from "
                "N(0, I) miss the region where q has put its codes. A test: the KL must be 0 at the prior.",
        judge=Repaired(_gaussian, False, "kl", **_LINEAR)),
    Exercise(
        name="find_the_bug_3", place=5, difficulty=3, minutes=30, **{**_COMMON, "signature":
            "x, z, p -> values, gradients", "shapes":
            "x (B, D), z (B, K), p: a dict of the parameters W (K, H), b (H,), V (H, D), c (D,); values: a dict of "
            "logits, mean (B, D), log_likelihood (B,), loss; gradients: a dict with the names of p"},
        statement=_STATEMENT.format(name="find_the_bug_3", what="`suspect_3` is a decoder of binary pixels, with its "
                                                                "likelihood and the mean image that is shown to "
                                                                "people."),
        hints=("Not everything that a model returns is on the way to its loss. What does no gradient ever pass "
               "through?",
               "With one pixel, exp(log_likelihood) at x = 1 is the probability that it is on. What does mean say?",
               "A probability lies in [0, 1]. Which function leads from a logit to a probability?"),
        insight="What is shown does not enter the loss, so no gradient can reveal that it is wrong. Compare it with "
                "the "
                "likelihood of single pixels. A public example had this very fault: image_sample in JAX's "
                "examples/mnist_vae.py draws pixels with softplus(logit) as the probability.",
        judge=Repaired(_decoder, True, "mean", W=(2, 4), b=(4,), V=(4, 3), c=(3,))),
)
