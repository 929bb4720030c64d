"""The one list of equations, from log p(x) to every gradient, in the order in which they are derived.

Number 2.3 is the third equation of notebook 2. Docstrings cite these numbers, traces show them, and
``python -m minivae derivation`` prints them. The lecture writes phi for the generative parameters (the
decoder's) and theta for the variational ones (the encoder's); Kingma & Welling write it the other way round.
So no formula here carries either: p is the decoder's, q is the encoder's. The lecture's q(z) is q(z|x) here, because
the encoder computes it from x.

d before a symbol is the gradient of the loss with respect to it: dy is ∂loss/∂y, dll is ∂loss/∂log p(x|z). The equations
of notebook 6 are no part of the chain: they are about checking it, for any function f.
"""

from typing import NamedTuple

__all__ = ["Equation", "EQUATIONS"]


class Equation(NamedTuple):
    """One line of the derivation.

    Attributes
    ----------
    number : str
        Notebook and place in it, such as "2.3".
    plain : str
        The formula as plain text.
    latex : str
        The formula as LaTeX, for mathematics mode.
    symbol : str or None
        The trace's symbol that it defines; for a hidden layer's output just "h". "d.z" for the gradient of the loss with
        respect to z; "d.W" and "d.b" of any layer's weights and bias. Several, if one line defines several.
    meaning : str
        What it says, in a few words.
    computed_by, differentiated_by : str or None
        The function that computes it and the one that differentiates it, as "module:name" within minivae.
    beside : str or None
        Where several equations define one symbol: another symbol, which a trace has where this one is meant.
    """

    number: str
    plain: str
    latex: str
    symbol: str | None
    meaning: str
    computed_by: str | None = None
    differentiated_by: str | None = None
    beside: str | None = None

    def __repr__(self):
        return f"({self.number})  {self.plain}    {self.meaning}"

    def _repr_latex_(self):  # what a notebook shows
        return f"$${self.latex} \\tag{{{self.number}}}$$"


_FORWARD, _BACKWARD = "model.vae:VAE.forward", "model.vae:VAE.backward"
_SAMPLED, _SAMPLED_BACKWARD = "model.bounds:SampledBound.forward", "model.bounds:SampledBound.backward"

EQUATIONS = (
    # 1. Maximum likelihood and latent variables
    Equation("1.1", "log p(X) = Σ_i log p(x_i)", r"\log p(X) = \sum_i \log p(x_i)",
             "x", "data, one example a row; the examples are independent"),
    Equation("1.2", "p(x) = ∫ p(x|z) p(z) dz", r"p(x) = \int p(x \mid z)\, p(z)\, dz",
             None, "the evidence: the latent z is integrated out"),
    Equation("1.3", "p(z) = N(z; 0, I)", r"p(z) = \mathcal{N}(z;\, 0, I)",
             None, "the prior"),
    Equation("1.4", "p(z|x) = p(x|z) p(z) / p(x)", r"p(z \mid x) = \frac{p(x \mid z)\, p(z)}{p(x)}",
             None, "the posterior, by Bayes' rule: which z may have made this x"),
    Equation("1.5", "p(x) ≈ (1/S) Σ_s p(x|z_s), z_s ~ p(z)",
             r"p(x) \approx \frac{1}{S} \sum_{s=1}^{S} p(x \mid z_s), \quad z_s \sim p(z)",
             None, "naive Monte Carlo: unbiased, and hopeless when few z explain x"),
    Equation("1.6", "(relative standard error)² = (ρ − 1) / S, ρ = ∫ p(x|z)² p(z) dz / p(x)²",
             r"(\text{relative standard error})^2 = \frac{\rho - 1}{S}, \quad"
             r" \rho = \frac{\int p(x \mid z)^2\, p(z)\, dz}{p(x)^2}",
             None, "what S draws of z from the prior buy"),
    # 2. The ELBO, line by line
    Equation("2.1", "log p(x) = log ∫ q(z|x) [p(x, z) / q(z|x)] dz",
             r"\log p(x) = \log \int q(z \mid x)\, \frac{p(x, z)}{q(z \mid x)}\, dz",
             None, "multiply and divide by q, any density that is positive where p(x, z) is"),
    Equation("2.2", "log p(x) ≥ ∫ q(z|x) log [p(x, z) / q(z|x)] dz",
             r"\log p(x) \ge \int q(z \mid x) \log \frac{p(x, z)}{q(z \mid x)}\, dz",
             None, "Jensen's inequality: the logarithm of a mean is at least the mean of the logarithms"),
    Equation("2.3", "= ∫ q(z|x) log [p(x|z) p(z) / q(z|x)] dz",
             r"= \int q(z \mid x) \log \frac{p(x \mid z)\, p(z)}{q(z \mid x)}\, dz",
             None, "the product rule, p(x, z) = p(x|z) p(z)"),
    Equation("2.4", "= ∫ q(z|x) log p(x|z) dz + ∫ q(z|x) log [p(z) / q(z|x)] dz",
             r"= \int q(z \mid x) \log p(x \mid z)\, dz + \int q(z \mid x) \log \frac{p(z)}{q(z \mid x)}\, dz",
             None, "the logarithm of a product is a sum"),
    Equation("2.5", "KL(q ‖ p) = ∫ q(z) log [q(z) / p(z)] dz",
             r"\mathrm{KL}(q \,\|\, p) = \int q(z) \log \frac{q(z)}{p(z)}\, dz",
             None, "the Kullback-Leibler divergence of q from p: never negative, 0 only where they agree"),
    Equation("2.6", "ELBO = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))",
             r"\mathrm{ELBO} = \mathbb{E}_{q(z \mid x)}[\log p(x \mid z)]"
             r" - \mathrm{KL}(q(z \mid x) \,\|\, p(z))",
             None, "the evidence lower bound: expected log-likelihood less the KL divergence"),
    Equation("2.7", "log p(x) − ELBO = KL(q(z|x) ‖ p(z|x))",
             r"\log p(x) - \mathrm{ELBO} = \mathrm{KL}(q(z \mid x) \,\|\, p(z \mid x))",
             None, "the gap is how far q is from the true posterior; put p(x, z) = p(z|x) p(x) into 2.2"),
    Equation("2.8", "elbo = log p(x|z) − KL(q(z|x) ‖ p(z)), z ~ q(z|x)",
             r"\widehat{\mathrm{ELBO}} = \log p(x \mid z) - \mathrm{KL}(q(z \mid x) \,\|\, p(z)),"
             r"\quad z \sim q(z \mid x)",
             "elbo", "one draw's unbiased estimate of the ELBO", _FORWARD, _BACKWARD),
    Equation("2.9", "objective = log p(x|z) − β KL(q(z|x) ‖ p(z))",
             r"\mathrm{objective} = \log p(x \mid z) - \beta\, \mathrm{KL}(q(z \mid x) \,\|\, p(z))",
             "objective", "what training raises; the elbo when β = 1", _FORWARD, _BACKWARD),
    Equation("2.10", "loss = −(1/B) Σ_n objective_n",
             r"\mathrm{loss} = -\frac{1}{B} \sum_{n=1}^{B} \mathrm{objective}_n",
             "loss", "what training lowers: minus the batch's mean objective", _FORWARD, _BACKWARD),
    Equation("2.11", "log E[w] ≥ E[log w]", r"\log \mathbb{E}[w] \ge \mathbb{E}[\log w]",
             None, "Jensen's inequality for the logarithm and a positive w: equal only if w does not vary"),
    # 3. The KL term
    Equation("3.1", "q(z|x) = N(z; mu, diag(sigma²)), [mu | log_var] = encoder(x)",
             r"q(z \mid x) = \mathcal{N}(z;\, \mu, \mathrm{diag}(\sigma^2)),"
             r"\quad [\,\mu \mid \log \sigma^2\,] = \mathrm{encoder}(x)",
             "mu", "mean of q(z|x)", _FORWARD, _BACKWARD),
    Equation("3.2", "log_var = log sigma²", r"\mathrm{log\_var} = \log \sigma^2",
             "log_var", "log-variance of q(z|x)", _FORWARD, _BACKWARD),
    Equation("3.3", "kl = ½ Σ_k (mu_k² + exp(log_var_k) − 1 − log_var_k)",
             r"\mathrm{KL} = \tfrac12 \sum_k \left(\mu_k^2 + \sigma_k^2 - 1 - \log \sigma_k^2\right)",
             "kl", "KL(q(z|x) ‖ p(z)) in closed form",
             "kernels:kl_divergence", "kernels:kl_divergence_backward"),
    Equation("3.4", "∂kl/∂mu = mu, ∂kl/∂log_var = ½ (exp(log_var) − 1)",
             r"\frac{\partial \mathrm{KL}}{\partial \mu} = \mu, \quad"
             r"\frac{\partial \mathrm{KL}}{\partial \log \sigma^2} = \tfrac12 (\sigma^2 - 1)",
             None, "the KL's pull towards the prior", "kernels:kl_divergence_backward"),
    Equation("3.5", "sigma = exp(½ log_var)", r"\sigma = \exp(\tfrac12 \log \sigma^2)",
             "sigma", "standard deviation of q(z|x)",
             "kernels:standard_deviation", "kernels:standard_deviation_backward"),
    Equation("3.6", "∂sigma/∂log_var = ½ sigma",
             r"\frac{\partial \sigma}{\partial \log \sigma^2} = \tfrac12 \sigma",
             None, "an exponential is its own derivative", "kernels:standard_deviation_backward"),
    Equation("3.7", "log N(z; mu, sigma²) = −½ Σ_k (log 2π + log_var_k + (z_k − mu_k)² / sigma_k²)",
             r"\log \mathcal{N}(z;\, \mu, \sigma^2) = -\tfrac12 \sum_k \left(\log 2\pi + \log \sigma_k^2"
             r" + \frac{(z_k - \mu_k)^2}{\sigma_k^2}\right)",
             None, "log density of a diagonal Gaussian",
             "kernels:gaussian_log_density", "kernels:gaussian_log_density_backward"),
    Equation("3.8", "∂log N/∂mu = (z − mu) / sigma² = −∂log N/∂z, ∂log N/∂log_var = ½ ((z − mu)² / sigma² − 1)",
             r"\frac{\partial \log \mathcal{N}}{\partial \mu} = \frac{z - \mu}{\sigma^2}"
             r" = -\frac{\partial \log \mathcal{N}}{\partial z}, \quad"
             r"\frac{\partial \log \mathcal{N}}{\partial \log \sigma^2}"
             r" = \tfrac12 \left(\frac{(z - \mu)^2}{\sigma^2} - 1\right)",
             None, "how that log density changes with each of its arguments", "kernels:gaussian_log_density_backward"),
    Equation("3.9", "log q(z|x) − log p(z) = ½ Σ_k (z_k² − (z_k − mu_k)² / sigma_k² − log_var_k)",
             r"\log q(z \mid x) - \log p(z) = \tfrac12 \sum_k \left(z_k^2 - \frac{(z_k - \mu_k)^2}{\sigma_k^2}"
             r" - \log \sigma_k^2\right)",
             None, "3.7 less the prior's log density: its mean under q is the KL"),
    Equation("3.10", "E_q[z] = mu, E_q[(z − mu)²] = sigma², E_q[z²] = mu² + sigma²",
             r"\mathbb{E}_q[z_k] = \mu_k, \quad \mathbb{E}_q[(z_k - \mu_k)^2] = \sigma_k^2,"
             r" \quad \mathbb{E}_q[z_k^2] = \mu_k^2 + \sigma_k^2",
             None, "the three averages that turn 3.9 into 3.3"),
    Equation("3.11", "Var_q[log q(z|x) − log p(z)] = Σ_k (mu_k² sigma_k² + ½ (sigma_k² − 1)²)",
             r"\mathrm{Var}_q[\log q(z \mid x) - \log p(z)]"
             r" = \sum_k \left(\mu_k^2 \sigma_k^2 + \tfrac12 (\sigma_k^2 - 1)^2\right)",
             None, "the noise that the closed form spares: the variance of one draw's estimate of the KL"),
    Equation("3.12", "mu = w x / (w² + β s²), sigma² = β s² / (w² + β s²), for p(x|z) = N(w z, s²)",
             r"\mu = \frac{w x}{w^2 + \beta s^2}, \quad \sigma^2 = \frac{\beta s^2}{w^2 + \beta s^2}"
             r" \quad \text{for } p(x \mid z) = \mathcal{N}(x;\, w z, s^2)",
             None, "where likelihood and β KL balance; the true posterior at β = 1"),
    Equation("3.13", "(1/N) Σ_n KL(q(z|x_n) ‖ p) = (1/N) Σ_n KL(q(z|x_n) ‖ q_avg) + KL(q_avg ‖ p), q_avg = (1/N) Σ_n q(z|x_n)",
             r"\frac1N \sum_n \mathrm{KL}(q(z \mid x_n) \,\|\, p(z)) = \frac1N \sum_n \mathrm{KL}(q(z \mid x_n) \,\|\, \bar q(z))"
             r" + \mathrm{KL}(\bar q(z) \,\|\, p(z))",
             None, "mutual information of picture and code, plus the aggregate posterior's distance from the prior"),
    Equation("3.14", "min over Gaussian q of KL(p ‖ q): mu = E_p[z], sigma² = Var_p[z]",
             r"\operatorname*{argmin}_{q \text{ Gaussian}} \mathrm{KL}(p \,\|\, q): \quad \mu = \mathbb{E}_p[z],"
             r" \quad \sigma^2 = \mathrm{Var}_p[z]",
             None, "forward KL matches the target's moments: it covers"),
    Equation("3.15", "min over diagonal q of KL(q ‖ N(m, Λ⁻¹)): mu = m, sigma_k² = 1 / Λ_kk",
             r"\operatorname*{argmin}_{q \text{ diagonal}} \mathrm{KL}(q \,\|\, \mathcal{N}(m, \Lambda^{-1})):"
             r" \quad \mu = m, \quad \sigma_k^2 = \frac{1}{\Lambda_{kk}}",
             None, "reverse KL keeps inside the target: too narrow, where the target's latents are correlated"),
    # 4. The reparameterization trick
    Equation("4.1", "eps ~ N(0, I)", r"\varepsilon \sim \mathcal{N}(0, I)",
             "eps", "noise, drawn outside and then held fixed"),
    Equation("4.2", "z = mu + sigma ⊙ eps", r"z = \mu + \sigma \odot \varepsilon",
             "z", "latent code, a draw from q(z|x)",
             "kernels:reparameterize", "kernels:reparameterize_backward"),
    Equation("4.3", "dmu = dz, dsigma = dz ⊙ eps",
             r"d\mu = dz, \quad d\sigma = dz \odot \varepsilon",
             "d.sigma", "z moves with mu one for one, with sigma eps for one", "kernels:reparameterize_backward"),
    Equation("4.4", "∂/∂ω E_q[f(z)] = E_q[f(z) ∂log q(z)/∂ω], ω a mu_k or a log_var_k",
             r"\frac{\partial}{\partial\omega} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_q\left[f(z)\, \frac{\partial \log q(z)}{\partial\omega}\right]",
             None, "the score-function estimator: differentiate the density, weigh its score with f"),
    Equation("4.5", "= E_q[(f(z) − c) ∂log q(z)/∂ω], as E_q[∂log q(z)/∂ω] = 0",
             r"\frac{\partial}{\partial\omega} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_q\left[(f(z) - c)\, \frac{\partial \log q(z)}{\partial\omega}\right],"
             r" \quad \text{since } \mathbb{E}_q\left[\frac{\partial \log q(z)}{\partial\omega}\right] = 0",
             None, "a baseline c leaves the mean as it is, and not the variance"),
    Equation("4.6", "∂log q/∂mu = eps / sigma, ∂log q/∂log_var = ½ (eps² − 1), at z = mu + sigma eps",
             r"\frac{\partial \log q}{\partial \mu} = \frac{\varepsilon}{\sigma}, \quad"
             r"\frac{\partial \log q}{\partial \log \sigma^2} = \tfrac12 (\varepsilon^2 - 1),"
             r" \quad \varepsilon = \frac{z - \mu}{\sigma}",
             None, "the scores of a Gaussian: 3.8 in units of sigma"),
    Equation("4.7", "E_q[f(z)] = E_eps[f(mu + sigma ⊙ eps)]",
             r"\mathbb{E}_{z \sim q}[f(z)] = \mathbb{E}_{\varepsilon \sim \mathcal{N}(0, I)}[f(\mu + \sigma \odot \varepsilon)]",
             None, "a change of variables: the average no longer knows mu and sigma"),
    Equation("4.8", "∂/∂mu E_q[f(z)] = E_eps[∂f/∂z], ∂/∂log_var E_q[f(z)] = E_eps[∂f/∂z ⊙ eps ⊙ ½ sigma]",
             r"\frac{\partial}{\partial\mu} \mathbb{E}_q[f(z)] = \mathbb{E}_\varepsilon\left[\frac{\partial f}{\partial z}\right],"
             r" \quad \frac{\partial}{\partial \log\sigma^2} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_\varepsilon\left[\frac{\partial f}{\partial z} \odot \varepsilon \odot \tfrac12 \sigma\right]",
             None, "the pathwise estimator: differentiate through z, the noise held fixed"),
    Equation("4.9", "E_q[f′(z)] = E_q[f(z) (z − mu) / sigma²]",
             r"\mathbb{E}_q[f'(z)] = \mathbb{E}_q\left[f(z)\, \frac{z - \mu}{\sigma^2}\right]",
             None, "integration by parts: the two estimators have one mean"),
    Equation("4.10", "Var[score function] / Var[pathwise] = ¼ (K + 2) (K + 4), or ½ (K + 4) with the baseline E_q[f],"
             " for f(z) = −½ |z − x|² at mu = x",
             r"\frac{\mathrm{Var}[\text{score function}]}{\mathrm{Var}[\text{pathwise}]} = \tfrac14 (K + 2)(K + 4),"
             r" \quad \text{or } \tfrac12 (K + 4) \text{ with } c = \mathbb{E}_q[f]",
             None, "how many draws do the work of one pathwise draw, for the mean of a quadratic f"),
    # 5. Dense layers and their backward
    Equation("5.1", "y = x W + b", r"y = x W + b",
             None, "a dense layer", "kernels:dense", "kernels:dense_backward"),
    Equation("5.2", "dx = dy Wᵀ", r"dx = dy\, W^\top",
             "d.h d.z", "what reaches the layer below", "kernels:dense_backward"),
    Equation("5.3", "dW = xᵀ dy", r"dW = x^\top dy",
             "d.W", "summed over the batch: every example uses W", "kernels:dense_backward"),
    Equation("5.4", "db = Σ_n dy_n", r"db = \sum_{n=1}^{B} dy_n",
             "d.b", "summed over the batch: every example uses b", "kernels:dense_backward"),
    Equation("5.5", "h = f(x W + b), f = tanh or relu", r"h = f(x W + b), \quad f = \tanh \text{ or } \mathrm{relu}",
             "h", "output of a hidden layer", "model.mlp:MLP.forward", "model.mlp:MLP.backward"),
    Equation("5.6", "y = tanh(a)", r"y = \tanh(a)",
             None, "an activation, squashing", "kernels:tanh", "kernels:tanh_backward"),
    Equation("5.7", "da = dy ⊙ (1 − y²)", r"da = dy \odot (1 - y^2)",
             None, "from the output alone", "kernels:tanh_backward"),
    Equation("5.8", "y = max(a, 0)", r"y = \max(a, 0)",
             None, "an activation, rectifying", "kernels:relu", "kernels:relu_backward"),
    Equation("5.9", "da = dy ⊙ [y > 0]", r"da = dy \odot [\,y > 0\,]",
             None, "from the output alone", "kernels:relu_backward"),
    Equation("5.10", "logistic(a) = 1 / (1 + exp(−a)) = ½ (1 + tanh(½ a))",
             r"\mathrm{logistic}(a) = \frac{1}{1 + e^{-a}} = \tfrac12 (1 + \tanh(\tfrac12 a))",
             None, "from logits to probabilities", "kernels:logistic"),
    Equation("5.11", "log p(x|z) = Σ_d (x_d a_d − log(1 + exp(a_d))), a = decoder(z)",
             r"\log p(x \mid z) = \sum_d \left(x_d a_d - \log(1 + e^{a_d})\right), \quad a = \mathrm{decoder}(z)",
             "log_likelihood", "log p(x|z), summed over the pixels",
             "kernels:bernoulli_log_likelihood", "kernels:bernoulli_log_likelihood_backward"),
    Equation("5.12", "da = dll (x − logistic(a))", r"da = d\ell\, (x - \mathrm{logistic}(a))",
             "d.logits", "what came less what was expected", "kernels:bernoulli_log_likelihood_backward"),
    Equation("5.13", "log p(x|z) = −½ Σ_d ((x_d − mean_d)² / s² + log 2πs²), mean = decoder(z)",
             r"\log p(x \mid z) = -\tfrac12 \sum_d \left(\frac{(x_d - \bar x_d)^2}{s^2} + \log 2\pi s^2\right),"
             r" \quad \bar x = \mathrm{decoder}(z)",
             "log_likelihood", "log p(x|z), summed over the pixels, each a Gaussian of variance s²",
             "kernels:gaussian_log_likelihood", "kernels:gaussian_log_likelihood_backward", beside="mean"),
    Equation("5.14", "dmean = dll (x − mean) / s²", r"d\bar x = d\ell\, \frac{x - \bar x}{s^2}",
             "d.mean", "the residual, in units of the variance", "kernels:gaussian_log_likelihood_backward"),
    Equation("5.15", "a = decoder(z)", r"a = \mathrm{decoder}(z)",
             "logits", "log-odds of each pixel", "model.mlp:MLP.forward", "model.mlp:MLP.backward"),
    Equation("5.16", "mean = decoder(z)", r"\bar x = \mathrm{decoder}(z)",
             "mean", "mean of each pixel", "model.mlp:MLP.forward", "model.mlp:MLP.backward"),
    Equation("5.17", "s² = exp(log_var), log_var = decoder.log_var", r"s^2 = \exp(\lambda), \quad \lambda = \log s^2",
             None, "a noise variance that is learned: one number, shared by all pixels",
             "kernels:learned_variance_log_likelihood", "kernels:learned_variance_log_likelihood_backward"),
    Equation("5.18", "dlog_var = ½ Σ_n dll_n (Σ_d (x_nd − mean_nd)² / s² − D)",
             r"d\lambda = \tfrac12 \sum_n d\ell_n \left(\sum_d \frac{(x_{nd} - \bar x_{nd})^2}{s^2} - D\right)",
             "d.decoder.log_var", "the residuals are larger than s says, or smaller", "kernels:learned_variance_log_likelihood_backward"),
    Equation("5.19", "dx_j = Σ_i dy_i ∂y_i/∂x_j", r"dx_j = \sum_i dy_i\, \frac{\partial y_i}{\partial x_j}",
             None, "the chain rule, as every backward uses it: a vector-Jacobian product"),
    Equation("5.20", "dx_ni = Σ_o dy_no W_io, dW_io = Σ_n x_ni dy_no, db_o = Σ_n dy_no",
             r"dx_{ni} = \sum_o dy_{no} W_{io}, \quad dW_{io} = \sum_n x_{ni}\, dy_{no}, \quad db_o = \sum_n dy_{no}",
             None, "5.2, 5.3 and 5.4 with their indices: each sum runs over what the number is used for"),
    Equation("5.21", "log p(x|z) = Σ_d (x_d log p_d + (1 − x_d) log(1 − p_d)), p = logistic(a)",
             r"\log p(x \mid z) = \sum_d \left(x_d \log p_d + (1 - x_d) \log(1 - p_d)\right),"
             r" \quad p_d = \mathrm{logistic}(a_d)",
             None, "every pixel a coin: as it is defined, not as it is computed"),
    Equation("5.22", "log logistic(a) = a − log(1 + exp(a)), log(1 − logistic(a)) = −log(1 + exp(a))",
             r"\log \mathrm{logistic}(a) = a - \log(1 + e^a), \quad \log(1 - \mathrm{logistic}(a)) = -\log(1 + e^a)",
             None, "both logarithms from the logit: with them 5.21 becomes 5.11"),
    Equation("5.23", "log(1 + exp(a)) = max(a, 0) + log(1 + exp(−|a|))",
             r"\log(1 + e^a) = \max(a, 0) + \log\left(1 + e^{-|a|}\right)",
             None, "the softplus, in a form that never overflows"),
    # 6. Checking a gradient
    Equation("6.1", "[f(x + h) − f(x)] / h = f'(x) + ½ h f''(ξ)",
             r"\frac{f(x + h) - f(x)}{h} = f'(x) + \tfrac12 h\, f''(\xi)",
             None, "a forward difference errs in proportion to its step; ξ lies between x and x + h"),
    Equation("6.2", "D(h) = [f(x + h) − f(x − h)] / 2h = f'(x) + h² f'''(ξ) / 6",
             r"D(h) = \frac{f(x + h) - f(x - h)}{2h} = f'(x) + \tfrac16 h^2 f'''(\xi)",
             None, "a central difference errs in proportion to the square of its step; ξ lies between x − h and x + h",
             "gradcheck.numeric:derivative"),
    Equation("6.3", "|computed D(h) − f'(x)| ≤ h² M / 6 + δ / h",
             r"\left|\,\widehat D(h) - f'(x)\,\right| \le \frac{M}{6} h^2 + \frac{\delta}{h}",
             None, "truncation, with |f'''| ≤ M, and rounding, with each value of f off by at most δ: the V",
             "gradcheck.step_error:step_error"),
    Equation("6.4", "h* = (3δ / M)^(1/3), where the bound is 3δ / 2h*",
             r"h^\star = \left(\frac{3 \delta}{M}\right)^{1/3}, \quad \text{where the bound is } \frac{3 \delta}{2 h^\star}",
             None, "the best step of a central difference: the lowest point of 6.3", "gradcheck.step_error:step_error"),
    Equation("6.5", "D(h/2) + [D(h/2) − D(h)] / 3 = f'(x) − ¼ c₄ h⁴ − …, where D(h) = f'(x) + c₂ h² + c₄ h⁴ + …",
             r"D(\tfrac h2) + \tfrac13 \left(D(\tfrac h2) - D(h)\right) = f'(x) - \tfrac14 c_4 h^4 - \dots, \quad"
             r"\text{where } D(h) = f'(x) + c_2 h^2 + c_4 h^4 + \dots",
             None, "Richardson's extrapolation: two steps together remove the error's leading power"),
    Equation("6.6", "T[k, j] = T[k, j−1] + (T[k, j−1] − T[k−1, j−1]) / (4ʲ − 1), T[k, 0] = D(h / 2ᵏ)",
             r"T_{k,j} = T_{k,j-1} + \frac{T_{k,j-1} - T_{k-1,j-1}}{4^j - 1}, \quad T_{k,0} = D(h / 2^k)",
             None, "again and again: column j has lost the powers up to h²ʲ", "gradcheck.numeric:Tableau.add"),
    Equation("6.7", "E(h) = [f(x + h) + f(x − h) − 2 f(x)] / 2h → ½ (slope right − slope left) as h → 0",
             r"E(h) = \frac{f(x + h) + f(x - h) - 2 f(x)}{2h} \;\to\; \tfrac12 \left(f'_+(x) - f'_-(x)\right)"
             r" \quad\text{as } h \to 0",
             None, "the even part, per unit of step: nought where f is smooth, half the jump of the slope at a kink",
             "gradcheck.numeric:derivative"),
    Equation("6.8", "⟨dy, J v⟩ = ⟨Jᵀ dy, v⟩, J v = d/dt f(x + t v) at t = 0",
             r"\langle dy,\, J v \rangle = \langle J^\top dy,\, v \rangle, \quad"
             r" J v = \left.\frac{d}{dt} f(x + t v)\right|_{t = 0}",
             None, "what a backward must satisfy for all dy and v: one number, and J is never written down",
             "gradcheck.vjp:check_vjp"),
    # 7. The whole backward pass
    Equation("7.1", "dobjective_n = −(1/B) dloss", r"d\,\mathrm{objective}_n = -\frac{1}{B}\, d\,\mathrm{loss}",
             "d.objective", "where the chain starts, and the only 1/B in it", _BACKWARD),
    Equation("7.2", "dll = dobjective, dkl = −β dobjective",
             r"d\ell = d\,\mathrm{objective}, \quad d\,\mathrm{KL} = -\beta\, d\,\mathrm{objective}",
             "d.log_likelihood d.kl", "the two terms part", _BACKWARD),
    Equation("7.3", "dmu = dz + dkl mu", r"d\mu = dz + d\,\mathrm{KL}\; \mu",
             "d.mu", "the two paths meet: through z, and through the KL", _BACKWARD),
    Equation("7.4", "dlog_var = dz ⊙ eps ⊙ ½ sigma + dkl ½ (exp(log_var) − 1)",
             r"d \log \sigma^2 = dz \odot \varepsilon \odot \tfrac12 \sigma"
             r" + d\,\mathrm{KL}\; \tfrac12 (\sigma^2 - 1)",
             "d.log_var", "the two paths meet: through z, and through the KL", _BACKWARD),
    # 8. Training
    Equation("8.1", "u ← momentum u + g, w ← w − η u", r"u \leftarrow \rho u + g, \quad w \leftarrow w - \eta u",
             None, "gradient descent with momentum ρ", "training.optimizers:SGD.step"),
    Equation("8.2", "m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²",
             r"m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2",
             None, "Adam's running means of the gradient and of its square", "training.optimizers:Adam.step"),
    Equation("8.3", "w ← w − η [m / (1 − β₁ᵗ)] / (√[v / (1 − β₂ᵗ)] + ε)",
             r"w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}",
             None, "Adam's step t = 1, 2, ..., both means corrected for their start at zero; ε is a small constant here",
             "training.optimizers:Adam.step"),
    Equation("8.4", "η_t = ½ η (1 + cos(π t / T))", r"\eta_t = \tfrac12 \eta\, (1 + \cos(\pi t / T))",
             None, "a step size that falls along a cosine, t = 0, 1, ..., to nothing at step T", "training.schedules:cosine"),
    Equation("8.5", "β_t = β min(1, (t + 1) / T_w)", r"\beta_t = \beta \min(1, (t + 1) / T_w)",
             None, "the KL's weight, raised over the first T_w steps, t = 0, 1, ...", "training.schedules:warm_up"),
    Equation("8.6", "E[g_batch] = (1/N) Σ_n g_n, g_batch = (1/B) Σ_{n in batch} g_n",
             r"\mathbb{E}[\hat g] = \frac{1}{N} \sum_{n=1}^{N} g_n, \quad"
             r" \hat g = \frac{1}{B} \sum_{n \in \mathrm{batch}} g_n",
             None, "a minibatch's gradient is an unbiased estimate of that of all the data"),
    Equation("8.7", "E|g_batch − E[g_batch]|² = (S² / B) (N − B) / (N − 1), S² = (1/N) Σ_n |g_n − E[g_batch]|²",
             r"\mathbb{E}\left|\hat g - \mathbb{E}[\hat g]\right|^2 = \frac{S^2}{B} \cdot \frac{N - B}{N - 1}, \quad"
             r" S^2 = \frac{1}{N} \sum_{n=1}^{N} \left|g_n - \mathbb{E}[\hat g]\right|^2",
             None, "how far off it is: B drawn from N without replacement"),
    Equation("8.8", "w_{t,i} = (1 − η λ_i)ᵗ w_{0,i}, converging if 0 < η < 2 / λ_max",
             r"w_{t,i} = (1 - \eta \lambda_i)^t\, w_{0,i}, \quad \text{converging if } 0 < \eta < \frac{2}{\lambda_{\max}}",
             None, "gradient descent on ½ Σ_i λ_i w_i²: the steepest coordinate limits the step, the flattest waits"),
    Equation("8.9", "m_t = (1 − β₁) Σ_i β₁ᵗ⁻ⁱ g_i, i = 1 ... t",
             r"m_t = (1 - \beta_1) \sum_{i=1}^{t} \beta_1^{t-i} g_i",
             None, "8.2 unrolled from m_0 = 0: a weighted sum of all gradients so far"),
    Equation("8.10", "E[m_t] = (1 − β₁ᵗ) E[g]", r"\mathbb{E}[m_t] = (1 - \beta_1^t)\, \mathbb{E}[g]",
             None, "the weights sum to less than 1, which is the bias; for a stationary gradient, and v is alike"),
    Equation("8.11", "(s / w₁) / (√(q / w₂) + ε) = (√w₂ / w₁) s / (√q + ε √w₂), w₁ = (1 − β₁ᵗ) / (1 − β₁), s = m / (1 − β₁), …",
             r"\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} = \frac{s / w_1}{\sqrt{q / w_2} + \epsilon}"
             r" = \frac{\sqrt{w_2}}{w_1} \cdot \frac{s}{\sqrt{q} + \epsilon \sqrt{w_2}}",
             None, "Adam's step from plain sums s and q, divided by the sums of their weights w₁ and w₂",
             "training.optimizers:Adam.step"),
    Equation("8.12", "mean KL of a latent = ½ log(λ / (β s²)) where λ > β s², else 0",
             r"\frac{1}{N} \sum_n \mathrm{KL}_n = \begin{cases} \tfrac12 \log \dfrac{\lambda}{\beta s^2} & \lambda > \beta s^2 \\"
             r" 0 & \text{otherwise} \end{cases}",
             None, "at the optimum of a linear-Gaussian VAE: λ is the data's variance along the latent's direction"),
    Equation("8.13", "(1/a) log p(x|z) − (1/c) KL = (1/a) [log p(x|z) − (a/c) KL], so β = a / c",
             r"\frac{1}{a} \log p(x \mid z) - \frac{1}{c}\, \mathrm{KL} = \frac{1}{a} \left[\log p(x \mid z)"
             r" - \beta\, \mathrm{KL}\right], \quad \beta = \frac{a}{c}",
             None, "a mean in place of a sum, over D pixels (a = D) or K latents (c = K), is another weight on the KL"),
    # 9. The latent space
    Equation("9.1", "z = (Φ⁻¹((i + ½) / m), Φ⁻¹((j + ½) / m)), i, j = 0 ... m − 1",
             r"z = \left(\Phi^{-1}\left(\tfrac{i + 1/2}{m}\right),\, \Phi^{-1}\left(\tfrac{j + 1/2}{m}\right)\right),"
             r" \quad i, j = 0, \dots, m - 1",
             None, "a grid of the prior's quantiles: each of the m² points stands for as much of what the model generates",
             "plots.latent:latent_plane"),
    Equation("9.2", "q_avg(z) = (1/N) Σ_n q(z|x_n)", r"\bar q(z) = \frac1N \sum_{n=1}^{N} q(z \mid x_n)",
             None, "the aggregate posterior: where the codes of the data lie", "evaluation.aggregate:aggregate_log_density"),
    Equation("9.3", "I(n; z) = (1/N) Σ_n E_q(z|x_n)[log q(z|x_n) − log q_avg(z)] = H(q_avg) − (1/N) Σ_n H(q(z|x_n)) ≤ log N",
             r"I(n; z) = \frac1N \sum_n \mathbb{E}_{q(z \mid x_n)}\left[\log \frac{q(z \mid x_n)}{\bar q(z)}\right]"
             r" = H(\bar q) - \frac1N \sum_n H(q(z \mid x_n)) \le \log N",
             None, "mutual information of an example's index and its code; H is the entropy", "evaluation.aggregate:kl_parts"),
    Equation("9.4", "KL(q_avg ‖ p) = KL(q_avg ‖ Π_k q_avg,k) + Σ_k KL(q_avg,k ‖ p_k)",
             r"\mathrm{KL}(\bar q \,\|\, p) = \mathrm{KL}\Big(\bar q \,\Big\|\, \prod_k \bar q_k\Big)"
             r" + \sum_k \mathrm{KL}(\bar q_k \,\|\, p_k)",
             None, "the mismatch: latents that depend on one another (total correlation), and each one's own distance from its prior"),
    Equation("9.5", "E[|z|²] = K, Var[|z|²] = 2 K, z ~ N(0, I)",
             r"\mathbb{E}\left[\|z\|^2\right] = K, \quad \mathrm{Var}\left[\|z\|^2\right] = 2 K, \quad z \sim \mathcal{N}(0, I)",
             None, "draws of many latents lie on a shell: its radius is about √K, its thickness about √½, whatever K is"),
    Equation("9.6", "slerp(a, b; t) = [sin((1 − t) ω) a + sin(t ω) b] / sin ω, cos ω = a·b / (|a| |b|)",
             r"\mathrm{slerp}(a, b; t) = \frac{\sin((1 - t)\, \omega)}{\sin \omega}\, a + \frac{\sin(t\, \omega)}{\sin \omega}\, b,"
             r" \quad \cos \omega = \frac{a \cdot b}{\|a\| \|b\|}",
             None, "spherical interpolation: along the arc from a to b, t from 0 to 1"),
    Equation("9.7", "∫ p(x|z) p(z) dz = ∫ p(x|z' Rᵀ) p(z') dz', z' = z R, R Rᵀ = I",
             r"\int p(x \mid z)\, p(z)\, dz = \int p(x \mid z' R^\top)\, p(z')\, dz', \quad z' = z R, \quad R R^\top = I",
             None, "the prior is round: turn the latents, let the decoder turn them back, and log p(x) is the same"),
    Equation("9.8", "KL(diagonal ‖ turned) = ½ log(1 + ¼ sin²(2θ) (σ₁/σ₂ − σ₂/σ₁)²)",
             r"\mathrm{KL}(q_{\mathrm{diagonal}} \,\|\, q_{\mathrm{turned}}) = \tfrac12 \log\left(1 + \tfrac14 \sin^2(2\theta)"
             r"\left(\frac{\sigma_1}{\sigma_2} - \frac{\sigma_2}{\sigma_1}\right)^2\right)",
             None, "what turning two latents by θ costs a diagonal q that was exact, by 3.15"),
    # 10. How good is it?
    Equation("10.1", "log w = log p(x|z) + log p(z) − log q(z|x), z ~ q(z|x)",
             r"\log w = \log p(x \mid z) + \log p(z) - \log q(z \mid x), \quad z \sim q(z \mid x)",
             None, "the importance weight: by how much p(x, z) exceeds what q proposes; E_q[w] = p(x), by 2.1",
             "evaluation.importance:draw_weights"),
    Equation("10.2", "log p(x) ≈ log (1/S) Σ_s w_s", r"\log p(x) \approx \log \frac{1}{S} \sum_{s=1}^{S} w_s",
             None, "the importance estimate: too low on average, less so the more samples", "evaluation.importance:evidence_of"),
    Equation("10.3", "s.e. = √[(S / ESS − 1) / (S − 1)]",
             r"\mathrm{s.e.} = \frac{1}{\bar w} \sqrt{\frac{\sum_s (w_s - \bar w)^2}{S (S - 1)}}"
             r" = \sqrt{\frac{S / \mathrm{ESS} - 1}{S - 1}}",
             None, "its standard error: that of the mean weight, relative to the mean (the delta method)",
             "evaluation.importance:evidence_of"),
    Equation("10.4", "ESS = (Σ_s w_s)² / Σ_s w_s²", r"\mathrm{ESS} = \frac{(\sum_s w_s)^2}{\sum_s w_s^2}",
             None, "effective sample size: as many equal weights would do as well", "evaluation.importance:evidence_of"),
    Equation("10.5", "activity_k = Var_x(mu_k(x)), active where above 0.01",
             r"A_k = \mathrm{Var}_x\left(\mu_k(x)\right), \quad \text{active where } A_k > 0.01",
             None, "a unit is active if its posterior mean depends on the data", "evaluation.active:unit_activity"),
    Equation("10.6", "p(x) = N(x; b, Wᵀ W + s² I), where mean = z W + b",
             r"p(x) = \mathcal{N}(x;\, b,\, W^\top W + s^2 I), \quad \bar x = z W + b",
             None, "the evidence of a linear-Gaussian model, exact: a sum of Gaussians is Gaussian",
             "evaluation.exact:exact_log_evidence"),
    Equation("10.7", "p(z|x) = N(z; (x − b) Wᵀ V / s², V), V = (I + W Wᵀ / s²)⁻¹",
             r"p(z \mid x) = \mathcal{N}\left(z;\, \tfrac{1}{s^2} (x - b) W^\top V,\, V\right),"
             r" \quad V = \left(I + \tfrac{1}{s^2} W W^\top\right)^{-1}",
             None, "its posterior, exact: precisions add", "evaluation.exact:exact_posterior"),
    Equation("10.8", "b = x̄, s² = (1/(D − K)) Σ_{j>K} λ_j, W_k = √(λ_k − s²) u_k, λ and u of the data's covariance",
             r"b = \bar x, \quad s^2 = \frac{1}{D - K} \sum_{j=K+1}^{D} \lambda_j, \quad"
             r" W_k = \sqrt{\lambda_k - s^2}\; u_k^\top",
             None, "probabilistic PCA: where the likelihood of a linear-Gaussian model is largest", "evaluation.exact:ppca"),
    Equation("10.9", "log p(x) ≈ log Σ_q p(x|z_q) p(z_q) hᴷ", r"\log p(x) \approx \log \sum_q p(x \mid z_q)\, p(z_q)\, h^K",
             None, "the integral of 1.2 over an even grid of spacing h, for one latent or two", "evaluation.exact:quadrature_log_evidence"),
    Equation("10.10", "z_s = mu + sigma ⊙ eps_s, s = 1 ... S", r"z_s = \mu + \sigma \odot \varepsilon_s, \quad s = 1, \dots, S",
             None, "S draws for each example, as rows b S + s of one batch: mu and sigma serve each of them, and gather their gradients",
             "kernels:repeat", "kernels:repeat_backward"),
    Equation("10.11", "log_prior = log N(z; 0, I)", r"\log p(z) = \log \mathcal{N}(z;\, 0, I)",
             "log_prior", "log p(z), the prior's log density at the draw", _SAMPLED, _SAMPLED_BACKWARD),
    Equation("10.12", "log_q = log N(z; mu, sigma²)", r"\log q(z \mid x) = \log \mathcal{N}(z;\, \mu, \sigma^2)",
             "log_q", "log q(z|x), the posterior's log density at its own draw", _SAMPLED, _SAMPLED_BACKWARD),
    Equation("10.13", "kl = log q(z|x) − log p(z)", r"\widehat{\mathrm{KL}} = \log q(z \mid x) - \log p(z)",
             "kl", "one draw's unbiased estimate of the KL: single draws may fall below 0", _SAMPLED, _SAMPLED_BACKWARD,
             beside="log_weight"),
    Equation("10.14", "log_weight = log p(x|z) − β kl", r"\log w = \log p(x \mid z) - \beta\, \widehat{\mathrm{KL}}",
             "log_weight", "log of the importance weight w = p(x, z) / q(z|x), when β = 1", _SAMPLED, _SAMPLED_BACKWARD),
    Equation("10.15", "objective = (1/S) Σ_s log w_s", r"\mathrm{objective} = \frac{1}{S} \sum_{s=1}^{S} \log w_s",
             None, "the Monte-Carlo ELBO: unbiased for the ELBO, KL and all",
             "kernels:mean_over_samples", "kernels:mean_over_samples_backward"),
    Equation("10.16", "objective = log (1/S) Σ_s w_s", r"\mathrm{objective} = \log \frac{1}{S} \sum_{s=1}^{S} w_s",
             "objective", "the importance-weighted bound: at least the ELBO, and log p(x) in the limit of many samples",
             "kernels:log_mean_exp", "kernels:log_mean_exp_backward", beside="log_weight"),
    Equation("10.17", "dlog_weight_s = dobjective w_s / Σ_r w_r",
             r"d \log w_s = d\,\mathrm{objective}\; \frac{w_s}{\sum_{r=1}^{S} w_r}",
             None, "each sample weighs in the gradient as it weighs in the sum", "kernels:log_mean_exp_backward"),
    Equation("10.18", "dz = dz through the decoder + dlog_prior ∂log p(z)/∂z + dlog_q ∂log q(z|x)/∂z",
             r"dz = dz_{\mathrm{decoder}} + d\log p\, \frac{\partial \log p(z)}{\partial z}"
             r" + d\log q\, \frac{\partial \log q(z \mid x)}{\partial z}",
             None, "three paths lead from z to the loss; from mu and log_var one more, through log q itself", _SAMPLED_BACKWARD),
    Equation("10.19", "log p(x|y) ≥ E_q[log p(x|z, y)] − KL(q(z|x, y) ‖ p(z))",
             r"\log p(x \mid y) \ge \mathbb{E}_{q(z \mid x, y)}[\log p(x \mid z, y)]"
             r" - \mathrm{KL}(q(z \mid x, y) \,\|\, p(z))",
             "label", "y as one-hot columns, joined to x and to z: the ELBO of 2.6 with y given throughout",
             "model.conditional:ConditionalVAE.forward", "model.conditional:ConditionalVAE.backward"),
    Equation("10.20", "E[(1/S) Σ_s w_s] = p(x), so E[log (1/S) Σ_s w_s] ≤ log p(x)",
             r"\mathbb{E}\left[\frac{1}{S} \sum_{s=1}^{S} w_s\right] = p(x), \quad\text{so}\quad"
             r" \mathbb{E}\left[\log \frac{1}{S} \sum_{s=1}^{S} w_s\right] \le \log p(x)",
             None, "unbiased for p(x); by 2.11 too low for its logarithm"),
    Equation("10.21", "E[log (1/S) Σ_{s≤S} w_s] ≤ E[log (1/(S + 1)) Σ_{s≤S+1} w_s]",
             r"\mathbb{E}\left[\log \frac{1}{S} \sum_{s=1}^{S} w_s\right] \le"
             r" \mathbb{E}\left[\log \frac{1}{S + 1} \sum_{s=1}^{S + 1} w_s\right]",
             None, "the bound rises with every sample, from the ELBO at S = 1"),
    Equation("10.22", "log p(x) − E[log (1/S) Σ_s w_s] ≈ Var_q[w] / (2 S p(x)²), S large",
             r"\log p(x) - \mathbb{E}\left[\log \frac{1}{S} \sum_{s=1}^{S} w_s\right] \approx"
             r" \frac{\mathrm{Var}_q[w]}{2 S\, p(x)^2}, \quad S \text{ large}",
             None, "how much too low: half the squared standard error, if the variance is finite"),
    Equation("10.23", "log p(x) − ELBO = [log p(x) − max_q ELBO_q] + [max_q ELBO_q − ELBO]",
             r"\log p(x) - \mathrm{ELBO} = \left[\log p(x) - \max_q \mathrm{ELBO}_q\right]"
             r" + \left[\max_q \mathrm{ELBO}_q - \mathrm{ELBO}\right]",
             None, "approximation gap and amortization gap; the maximum is over the family of q, here diagonal Gaussians"),
    Equation("10.24", "log p(x) − max_q ELBO_q = ½ (Σ_k log Λ_kk − log det Λ), if p(z|x) = N(z; m, Λ⁻¹)",
             r"\log p(x) - \max_q \mathrm{ELBO}_q = \tfrac12 \left(\sum_k \log \Lambda_{kk} - \log \det \Lambda\right)"
             r" \quad\text{if } p(z \mid x) = \mathcal{N}(z;\, m, \Lambda^{-1})",
             None, "the approximation gap of a Gaussian posterior: 3.15 put into 2.7"),
    Equation("10.25", "mean ELBO = −distortion − rate, distortion = −(1/N) Σ_n E_q[log p(x_n|z)], rate = (1/N) Σ_n KL(q(z|x_n) ‖ p(z))",
             r"\frac1N \sum_n \mathrm{ELBO}_n = -\,\mathrm{distortion} - \mathrm{rate}, \quad"
             r" \mathrm{distortion} = -\frac1N \sum_n \mathbb{E}_{q(z \mid x_n)}[\log p(x_n \mid z)], \quad"
             r" \mathrm{rate} = \frac1N \sum_n \mathrm{KL}(q(z \mid x_n) \,\|\, p(z))",
             None, "the ELBO's two parts under their names from coding theory"),
    Equation("10.26", "max of −distortion − β rate, linear, variance s²: |W_k|² = λ_k − β s², rate = ½ Σ_k log(λ_k / β s²), over λ_k > β s²",
             r"|W_k|^2 = \lambda_k - \beta s^2, \quad \mathrm{rate} = \tfrac12 \sum_k \log \frac{\lambda_k}{\beta s^2},"
             r" \quad \text{both over the } k \le K \text{ with } \lambda_k > \beta s^2",
             None, "β on a linear-Gaussian model of fixed variance: a water level, under which a latent goes out"),
    Equation("10.27", "SNR = |E[g]| / √Var[g]: as √S for the decoder's gradient, as 1/√S for the encoder's",
             r"\mathrm{SNR} = \frac{|\mathbb{E}[g]|}{\sqrt{\mathrm{Var}[g]}}: \quad"
             r" \text{decoder } \propto \sqrt{S}, \quad \text{encoder } \propto \frac{1}{\sqrt{S}}, \quad S \text{ large}",
             None, "signal to noise of one gradient of the importance-weighted bound"),
    Equation("10.28", "∫ λˣ (1 − λ)¹⁻ˣ dx = 1 / C(λ) over 0 ≤ x ≤ 1, C(λ) = 2 artanh(1 − 2λ) / (1 − 2λ) = a / tanh(½ a), λ = logistic(a)",
             r"\int_0^1 \lambda^x (1 - \lambda)^{1 - x}\, dx = \frac{1}{C(\lambda)}, \quad"
             r" C(\lambda) = \frac{2\, \mathrm{artanh}(1 - 2 \lambda)}{1 - 2 \lambda} = \frac{a}{\tanh(\frac12 a)},"
             r" \quad \lambda = \mathrm{logistic}(a)",
             None, "what a Bernoulli lacks to be a density of grey levels: the continuous Bernoulli's constant"),
    Equation("10.29", "log [(1/100) p(x) + (99/100) r(x)] ≥ log p(x) − log 100",
             r"\log \left[\tfrac{1}{100}\, p(x) + \tfrac{99}{100}\, r(x)\right] \ge \log p(x) - \log 100",
             None, "ninety-nine draws in a hundred are r's, noise if r is noise: and at most 4.6 nats are lost"),
)
