"""The one catalogue of mistakes: each a small change to correct source, with the name it should be called by.

A mistake is planted by rewriting the source of the function it is in, so that it is what somebody would really
write; if that line changes, planting fails loudly. Exercises recognise a student's mistake by it: her numbers are
those of the planted source. Tests use it both ways: every mistake must make a check fail, and must get its name.
"""

from typing import NamedTuple

__all__ = ["Mistake", "MISTAKES", "mistakes_in"]


class Mistake(NamedTuple):
    """A planted bug.

    Attributes
    ----------
    name : str
        What was done wrong, in the project's words.
    changes : tuple of (str, str, str)
        Function as "module:name" within minivae, the right text in its source, and the wrong text.
    diagnosis : str
        What a checker that knows the mistake should say; a part of the sentence is enough.
    seen_by_gradient_check : bool
        False for what only a test of meaning can see: a wrong forward whose backward fits it, a gradient that is right
        on average alone, a wrong estimate.
    equation : str, optional
        The derivation's line to look at, where it is not the one that the function changed computes; "" for none.
    """

    name: str
    changes: tuple
    diagnosis: str = ""
    seen_by_gradient_check: bool = True
    equation: str | None = None


def _one(name, target, right, wrong, diagnosis="", equation=None):
    return Mistake(name, ((target, right, wrong),), diagnosis, equation=equation)


def mistakes_in(target, *entries):
    """Return the mistakes in one function: (name, right text, wrong text), and a diagnosis if it is not the name."""
    return tuple(_one(name, target, right, wrong, *diagnosis) for name, right, wrong, *diagnosis in entries)


DENSE, TANH, RELU = "kernels:dense_backward", "kernels:tanh_backward", "kernels:relu_backward"
SIGMA, NOISE, KL = ("kernels:standard_deviation_backward", "kernels:reparameterize_backward",
                    "kernels:kl_divergence_backward")
BERNOULLI, GAUSSIAN = "kernels:bernoulli_log_likelihood_backward", "kernels:gaussian_log_likelihood_backward"
LEARNED = "kernels:learned_variance_log_likelihood_backward"
DENSITY, MLP, VAE = "kernels:gaussian_log_density_backward", "model.mlp:MLP.backward", "model.vae:VAE.backward"
PATH_IWAE = "model.path:PathIWAE.meet_at_encoder"
TANH_LINE = "5.10"   # lines of the derivation
START, TERMS, INTO_MU, INTO_LOG_VAR, HEAD = "7.4", "7.1", "7.2", "7.3", "3.1"

MISTAKES = (
    _one("dx takes W for its transpose", DENSE, "np.matmul(dy, W.T", "np.matmul(dy, W", "transposed"),
    _one("dx has its sign flipped", DENSE, "np.matmul(dy, W.T", "np.matmul(-dy, W.T", "sign"),
    _one("dW has its sign flipped", DENSE, "np.matmul(x.T, dy", "np.matmul(-x.T, dy", "sign"),
    _one("dW takes the mean over the batch", DENSE, "np.matmul(x.T, dy", "np.matmul(x.T / len(x), dy", "1/B"),
    _one("dW uses one example only", DENSE, "np.matmul(x.T, dy", "np.matmul(x[:1].T, dy[:1]",
         "one example in place of all"),
    _one("dW pairs each example with another one's gradient", DENSE, "np.matmul(x.T, dy", "np.matmul(x[::-1].T, dy",
         "reversed along axis 0"),
    _one("db sums over the wrong axis", DENSE, "np.sum(dy, axis=0", "np.sum(dy, axis=1", "axis"),
    _one("db takes the mean over the batch", DENSE, "np.sum(dy, axis=0", "np.mean(dy, axis=0", "1/B"),
    _one("db is zero", DENSE, "np.sum(dy, axis=0", "np.sum(0 * dy, axis=0", "zero"),
    _one("tanh's slope lacks the square", TANH, "np.multiply(y, y, out=out)", "np.multiply(y, 1, out=out)",
         "multiplied by 1 - "),
    _one("tanh ignores its upstream gradient", TANH, "da *= dy", "da *= 1", "upstream"),
    _one("relu looks at the upstream gradient's sign", RELU, "dy, y > 0", "dy, dy > 0", "not linear in the upstream"),
    _one("relu lets everything through", RELU, "dy, y > 0", "dy, y >= 0"),
    _one("sigma's backward lacks its half", SIGMA, "0.5 * sigma", "sigma", "factor 2"),
    _one("sigma's backward uses the variance", SIGMA, "0.5 * sigma", "0.5 * sigma**2",
         "exp(log_var / 2) once too often"),
    _one("sigma's backward forgets sigma", SIGMA, "0.5 * sigma", "0.5", "lacks the factor exp(log_var / 2)"),
    _one("dsigma lacks eps", NOISE, "dz * eps", "dz * 1", "lacks the factor eps"),
    _one("dsigma has eps twice", NOISE, "dz * eps", "dz * eps**2", "eps once too often"),
    _one("the backward draws its noise anew", NOISE, "dz * eps",
         "dz * np.random.standard_normal(eps.shape).astype(eps.dtype)", "noise"),
    _one("dmu is zero", NOISE, "dz.copy()", "0 * dz", "zero"),
    _one("the KL's log_var path lacks its half", KL, "(0.5 * np.expm1(log_var))", "np.expm1(log_var)", "factor 2"),
    _one("the KL's log_var path lacks its -1", KL, "np.expm1(log_var)", "np.exp(log_var)",
         "too much by 0.5000 times the upstream"),
    _one("the KL's mu path is doubled", KL, "dkl * mu", "dkl * 2 * mu", "factor 2"),
    _one("the KL's mu path has its sign flipped", KL, "dkl * mu", "-dkl * mu", "sign"),
    _one("the KL ignores its upstream gradient", KL, "dkl = dkl[:, None]",
         "dkl = np.ones_like(dkl)[:, None]", "upstream"),
    _one("the KL takes the mean upstream gradient", KL, "dkl = dkl[:, None]", "dkl = dkl.mean()",
         "mean of the upstream"),
    _one("the KL's gradient is averaged over the latents", KL, "dkl = dkl[:, None]",
         "dkl = dkl[:, None] / mu.shape[1]", "1/K"),
    _one("the density's log_var path lacks its -1", DENSITY, "(distance**2 - 1)", "distance**2",
         "too much by 0.5000 times the upstream"),
    _one("the density's dz has dmu's sign", DENSITY, "dz = -dmu", "dz = dmu.copy()", "sign"),
    _one("the density divides by sigma for sigma squared", DENSITY, "over_sigma(dlog_density * distance, root)",
         "dlog_density * distance",
         "once too often"),
    _one("dlogits has its sign flipped", BERNOULLI, "np.subtract(x, dlogits", "np.subtract(dlogits, x", "sign"),
    _one("dlogits is averaged over the pixels", BERNOULLI, "dll[:, None]", "dll[:, None] / x.shape[1]", "1/D"),
    _one("dlogits ignores its upstream gradient", BERNOULLI, "dll[:, None]", "np.ones_like(dll)[:, None]", "upstream"),
    _one("dlogits takes the mean upstream gradient", BERNOULLI, "dll[:, None]", "dll.mean()", "mean of the upstream"),
    _one("dmean forgets the noise variance", GAUSSIAN, "noise_variance**-0.25", "1.0"),
    _one("dmean is doubled", GAUSSIAN, "dmean *= dll", "dmean *= 2 * dll", "factor 2"),
    _one("dlog_var forgets that there are D pixels", LEARNED, "squares - dmean.shape[1]", "squares - 1"),
    _one("dlog_var is taken of the standard deviation", LEARNED, "0.5 * np.sum", "np.sum", "factor 2"),
    _one("dlog_var ignores its upstream gradient", LEARNED, "np.sum(dll * ", "np.sum(", "upstream"),
    _one("dmean takes the variance for the precision", LEARNED, "over_sigma(dmean, root)",
         "over_sigma(dmean, root**-3)"),
    _one("a layer's activation is not differentiated", MLP,
         "dy = activation_backward(d[below], trace[below])", "dy = d[below]", equation=TANH_LINE),
    _one("a stale cache: the first forward's activations are used ever after", MLP, "dy, trace[below], ",
         "dy, vars(self).setdefault('cache', {}).setdefault(below, 1 * trace[below]), ", "stale"),
    _one("the first layer's gradients are paired with another example's data", MLP, "dy, x, self.W[0]",
         "dy[::-1], x, self.W[0]"),
    _one("1/B twice", VAE, "-d_loss / B", "-d_loss / B**2", "1/B", START),
    _one("a sum over the batch in place of the mean", VAE, "-d_loss / B", "-d_loss", "= B", START),
    _one("the gradient has the sign of the objective", VAE, "-d_loss / B", "d_loss / B", "sign", START),
    _one("the loss's upstream gradient is ignored", VAE, "-d_loss / B", "-1 / B", "upstream", START),
    _one("beta is forgotten", VAE, "-t.beta * d.objective", "-d.objective", "KL", TERMS),
    _one("the KL's sign is flipped", VAE, "-t.beta * d.objective", "t.beta * d.objective", "KL", TERMS),
    _one("the KL is counted twice", VAE, "-t.beta * d.objective", "-2 * t.beta * d.objective",
         "twice the KL term", TERMS),
    _one("the KL is weighted by beta twice", VAE, "-t.beta * d.objective",
         "-(t.beta**2) * d.objective", "= beta", TERMS),
    _one("the KL's path into mu is dropped", VAE,
         "dmu_through_z + dmu_through_kl", "dmu_through_z", "KL term is missing",
         INTO_MU),
    _one("z's path into mu is dropped", VAE, "dmu_through_z + dmu_through_kl", "dmu_through_kl",
         "reconstruction term is missing", INTO_MU),
    _one("the KL's path into log_var is dropped", VAE, "dlog_var_through_z + dlog_var_through_kl",
         "dlog_var_through_z", "KL term is missing", INTO_LOG_VAR),
    _one("z's path into log_var is dropped", VAE, "dlog_var_through_z + dlog_var_through_kl",
         "dlog_var_through_kl", "reconstruction term is missing", INTO_LOG_VAR),
    _one("mu and log_var change places in the head", VAE, "[d.mu, d.log_var]", "[d.log_var, d.mu]",
         "have changed places",
         HEAD),
    _one("log_var's gradient never reaches the encoder", VAE, "[d.mu, d.log_var]", "[d.mu, 0 * d.log_var]",
         "zero from index", HEAD),
    _one("the decoder's first layer is paired with mu for z", VAE, "decoder.backward(d[y], t.z",
         "decoder.backward(d[y], t.mu"),
    _one("weight decay slips into the gradient", VAE, "return d, grads",
         "grads.flat += 0.01 * self.parameters.flat; return d, grads", "weight decay", ""),
    _one("the gradient is normalized", VAE, "return d, grads",
         "grads.flat /= np.linalg.norm(grads.flat); return d, grads", "every tensor: factor", ""),

    # Wrong forwards whose backwards fit them. The third was published: image_sample in JAX's examples/mnist_vae.py.
    Mistake("noise scaled by the variance", (
        ("kernels:standard_deviation", "np.exp(0.5 * log_var)", "np.exp(log_var)"),
        (SIGMA, "0.5 * sigma * dsigma", "sigma * dsigma"),
    ), seen_by_gradient_check=False),
    Mistake("a prior whose log standard deviation is 1", (
        ("kernels:kl_divergence", "(mu**2 + np.expm1(log_var) - log_var)",
         "((mu**2 + np.exp(log_var)) * np.exp(-2) + 1 - log_var)"),
        (KL, "dkl * mu", "dkl * mu * np.exp(-2)"),
        (KL, "(0.5 * np.expm1(log_var))", "(0.5 * (np.exp(log_var - 2) - 1))"),
    ), seen_by_gradient_check=False),
    Mistake("pixels shown with softplus(logit) as their probability", (
        ("model.likelihood:Bernoulli.mean", "logistic(logits)", "np.log1p(np.exp(logits))"),
    ), seen_by_gradient_check=False),
    Mistake("the KL averaged over the latents", (
        ("kernels:kl_divergence", ".sum(axis=1)", ".mean(axis=1)"),
        (KL, "dkl = dkl[:, None]", "dkl = dkl[:, None] / mu.shape[1]"),
    ), seen_by_gradient_check=False),
    Mistake("the log-likelihood averaged over the pixels", (
        ("kernels:bernoulli_log_likelihood", ".sum(axis=1)", ".mean(axis=1)"),
        (BERNOULLI, "dll[:, None]", "dll[:, None] / x.shape[1]"),
    ), seen_by_gradient_check=False),
    Mistake("a learned log-variance taken for the log of the standard deviation", (
        ("kernels:learned_variance_log_likelihood", "distance**2 + (LOG_2PI + log_var)",
         "(distance / np.exp(0.5 * log_var)) ** 2 + (LOG_2PI + 2 * log_var)"),
        (LEARNED, "inverse_root(log_var)", "inverse_root(2 * log_var)"),
        (LEARNED, "0.5 * np.sum", "np.sum"),
    ), seen_by_gradient_check=False),
    Mistake("the Gaussian likelihood without its normalizing constant", (
        ("kernels:gaussian_log_likelihood", " + (LOG_2PI + math.log(noise_variance))", ""),
    ), seen_by_gradient_check=False),
    *(Mistake(name, ((target, right, wrong),), seen_by_gradient_check=False) for name, target, right, wrong in (
        ("the score of several samples is dropped, its mean with it", PATH_IWAE,
         "d.z * (1 - t.beta * (1 - weight)).reshape(-1, 1)", "d.z * 1"),
        ("each path counts by its normalized weight cubed", PATH_IWAE, "(1 - weight)", "(1 - weight**2)"),
        ("the weights of the paths are not normalized", PATH_IWAE, " / d.objective[:, None]", ""),
        ("the path into log_var ends at sigma", "model.path:path_to_encoder",
         "standard_deviation_backward(d.sigma, t.sigma)", "d.sigma.copy()"),
        ("annealing weighs by the temperature, not by its rise", "evaluation.annealed:Plan.forward",
         "(high - low) * chains.log_likelihood", "high * chains.log_likelihood"),
        ("the chain back weighs by the temperature, not by its rise", "evaluation.annealed:Plan.reverse",
         "(high - low) * chains.log_likelihood", "high * chains.log_likelihood"),
        ("every move of a chain is accepted", "evaluation.hmc:Chains.move", "rng.random(len(z)) < probability",
         "probability >= 0"),
        ("the momentum has no energy", "evaluation.hmc:energy", " + 0.5 * (momentum**2).sum(axis=1)", ""),
        ("a chain's energy has the temperature's sign flipped", "evaluation.hmc:energy", "- temperature *",
         "+ temperature *"))),
)
