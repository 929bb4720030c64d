"""The equations of notebooks 1 to 4: from log p(x) to a loss that can be computed."""

from .equation import Equation

__all__ = ["EQUATIONS"]

_FORWARD = "model.vae:VAE.forward"
_BACKWARD = "model.vae:VAE.backward"

EQUATIONS = (
    # 1. Maximum likelihood and latent variables
    Equation("1.1", "log p(X) = Σ_i log p(x_i)", r"\log p(X) = \sum_i \log p(x_i)",
             "x", "data, one example a row; the examples are independent"),
    Equation("1.2", "p(z) = N(z; 0, I)", r"p(z) = \mathcal{N}(z;\, 0, I)",
             None, "the prior"),
    Equation("1.3", "p(x) = ∫ p(x|z) p(z) dz", r"p(x) = \int p(x \mid z)\, p(z)\, dz",
             None, "the evidence: the latent z is integrated out"),
    Equation("1.4", "p(z|x) = p(x|z) p(z) / p(x)", r"p(z \mid x) = \frac{p(x \mid z)\, p(z)}{p(x)}",
             None, "the posterior, by Bayes' rule: how probable each z is, given x"),
    Equation("1.5", "p(x) ≈ (1/S) Σ_s p(x|z_s), z_s ~ p(z)",
             r"p(x) \approx \frac{1}{S} \sum_{s=1}^{S} p(x \mid z_s), \quad z_s \sim p(z)",
             None, "naive Monte Carlo: unbiased, and useless when few z explain x"),
    Equation("1.6", "log (1/S) Σ_s exp(a_s) = m + log (1/S) Σ_s exp(a_s − m), m = max_s a_s",
             r"\log \frac1S \sum_{s=1}^{S} e^{a_s} = m + \log \frac1S \sum_{s=1}^{S} e^{a_s - m}, \quad m = \max_s a_s",
             None, "the logarithm of a mean of tiny numbers: the largest is taken out, so that nothing underflows"),
    Equation("1.7", "(relative standard error)² = (ρ − 1) / S, ρ = ∫ p(x|z)² p(z) dz / p(x)²",
             r"(\text{relative standard error})^2 = \frac{\rho - 1}{S}, \quad"
             r" \rho = \frac{\int p(x \mid z)^2\, p(z)\, dz}{p(x)^2}",
             None, "the error of that mean of S independent draws, relative to p(x)"),
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
             None, "the Kullback-Leibler divergence of q from p: never negative, and 0 only if q = p"),
    Equation("2.6", "ELBO = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))",
             r"\mathrm{ELBO} = \mathbb{E}_{q(z \mid x)}[\log p(x \mid z)]"
             r" - \mathrm{KL}(q(z \mid x) \,\|\, p(z))",
             None, "the evidence lower bound: expected log-likelihood minus the KL divergence"),
    Equation("2.7", "log E[w] ≥ E[log w]", r"\log \mathbb{E}[w] \ge \mathbb{E}[\log w]",
             None, "Jensen's inequality for the logarithm and a positive w: equal only if w is constant"),
    Equation("2.8", "log p(x) − ELBO = KL(q(z|x) ‖ p(z|x))",
             r"\log p(x) - \mathrm{ELBO} = \mathrm{KL}(q(z \mid x) \,\|\, p(z \mid x))",
             None, "the gap is how far q is from the true posterior; put p(x, z) = p(z|x) p(x) into 2.2"),
    Equation("2.9", "elbo = log p(x|z) − KL(q(z|x) ‖ p(z)), z ~ q(z|x)",
             r"\widehat{\mathrm{ELBO}} = \log p(x \mid z) - \mathrm{KL}(q(z \mid x) \,\|\, p(z)),"
             r"\quad z \sim q(z \mid x)",
             "elbo", "one draw's unbiased estimate of the ELBO", _FORWARD, _BACKWARD),
    Equation("2.10", "objective = log p(x|z) − β KL(q(z|x) ‖ p(z))",
             r"\mathrm{objective} = \log p(x \mid z) - \beta\, \mathrm{KL}(q(z \mid x) \,\|\, p(z))",
             "objective", "what training raises; the elbo when β = 1", _FORWARD, _BACKWARD),
    Equation("2.11", "loss = −(1/B) Σ_n objective_n",
             r"\mathrm{loss} = -\frac{1}{B} \sum_{n=1}^{B} \mathrm{objective}_n",
             "loss", "what training lowers: minus the batch's mean objective", _FORWARD, _BACKWARD),
    # 3. The KL term
    Equation("3.1", "q(z|x) = N(z; mu, diag(sigma²)), [mu | log_var] = encoder(x)",
             r"q(z \mid x) = \mathcal{N}(z;\, \mu, \mathrm{diag}(\sigma^2)),"
             r"\quad [\,\mu \mid \log \sigma^2\,] = \mathrm{encoder}(x)",
             "mu", "mean of q(z|x)", _FORWARD, _BACKWARD),
    Equation("3.2", "log_var = log sigma²", r"\mathrm{log\_var} = \log \sigma^2",
             "log_var", "log-variance of q(z|x)", _FORWARD, _BACKWARD),
    Equation("3.3", "sigma = exp(½ log_var)", r"\sigma = \exp(\tfrac12 \log \sigma^2)",
             "sigma", "standard deviation of q(z|x)",
             "kernels:standard_deviation", "kernels:standard_deviation_backward"),
    Equation("3.4", "log N(z; mu, sigma²) = −½ Σ_k (log 2π + log_var_k + (z_k − mu_k)² / sigma_k²)",
             r"\log \mathcal{N}(z;\, \mu, \sigma^2) = -\tfrac12 \sum_k \left(\log 2\pi + \log \sigma_k^2"
             r" + \frac{(z_k - \mu_k)^2}{\sigma_k^2}\right)",
             None, "log density of a diagonal Gaussian",
             "kernels:gaussian_log_density", "kernels:gaussian_log_density_backward"),
    Equation("3.5", "log q(z|x) − log p(z) = ½ Σ_k (z_k² − (z_k − mu_k)² / sigma_k² − log_var_k)",
             r"\log q(z \mid x) - \log p(z) = \tfrac12 \sum_k \left(z_k^2 - \frac{(z_k - \mu_k)^2}{\sigma_k^2}"
             r" - \log \sigma_k^2\right)",
             None, "3.4 minus the prior's log density: its mean under q is the KL"),
    Equation("3.6", "E_q[z] = mu, E_q[(z − mu)²] = sigma², E_q[z²] = mu² + sigma²",
             r"\mathbb{E}_q[z_k] = \mu_k, \quad \mathbb{E}_q[(z_k - \mu_k)^2] = \sigma_k^2,"
             r" \quad \mathbb{E}_q[z_k^2] = \mu_k^2 + \sigma_k^2",
             None, "the three averages that turn 3.5 into 3.7"),
    Equation("3.7", "kl = ½ Σ_k (mu_k² + exp(log_var_k) − 1 − log_var_k)",
             r"\mathrm{KL} = \tfrac12 \sum_k \left(\mu_k^2 + \sigma_k^2 - 1 - \log \sigma_k^2\right)",
             "kl", "KL(q(z|x) ‖ p(z)) in closed form",
             "kernels:kl_divergence", "kernels:kl_divergence_backward"),
    Equation("3.8", "Var_q[log q(z|x) − log p(z)] = Σ_k (mu_k² sigma_k² + ½ (sigma_k² − 1)²)",
             r"\mathrm{Var}_q[\log q(z \mid x) - \log p(z)]"
             r" = \sum_k \left(\mu_k^2 \sigma_k^2 + \tfrac12 (\sigma_k^2 - 1)^2\right)",
             None, "the variance of one draw's estimate of the KL alone"),
    Equation("3.9", "∂kl/∂mu = mu, ∂kl/∂log_var = ½ (exp(log_var) − 1)",
             r"\frac{\partial \mathrm{KL}}{\partial \mu} = \mu, \quad"
             r"\frac{\partial \mathrm{KL}}{\partial \log \sigma^2} = \tfrac12 (\sigma^2 - 1)",
             None, "the KL's pull towards the prior", "kernels:kl_divergence_backward"),
    Equation("3.10", "∂sigma/∂log_var = ½ sigma",
             r"\frac{\partial \sigma}{\partial \log \sigma^2} = \tfrac12 \sigma",
             None, "the derivative of an exponential, times the inner ½", "kernels:standard_deviation_backward"),
    Equation("3.11", "∂log N/∂mu = (z − mu) / sigma² = −∂log N/∂z, ∂log N/∂log_var = ½ ((z − mu)² / sigma² − 1)",
             r"\frac{\partial \log \mathcal{N}}{\partial \mu} = \frac{z - \mu}{\sigma^2}"
             r" = -\frac{\partial \log \mathcal{N}}{\partial z}, \quad"
             r"\frac{\partial \log \mathcal{N}}{\partial \log \sigma^2}"
             r" = \tfrac12 \left(\frac{(z - \mu)^2}{\sigma^2} - 1\right)",
             None, "how the log density changes with each of its arguments", "kernels:gaussian_log_density_backward"),
    Equation("3.12", "mu = w x / (w² + β s²), sigma² = β s² / (w² + β s²), for p(x|z) = N(w z, s²)",
             r"\mu = \frac{w x}{w^2 + \beta s^2}, \quad \sigma^2 = \frac{\beta s^2}{w^2 + \beta s^2}"
             r" \quad \text{for } p(x \mid z) = \mathcal{N}(x;\, w z, s^2)",
             None, "where likelihood and β KL balance; the true posterior at β = 1"),
    Equation("3.13", "(1/N) Σ_n KL(q(z|x_n) ‖ p) = (1/N) Σ_n KL(q(z|x_n) ‖ q_avg) + KL(q_avg ‖ p),"
             " q_avg = (1/N) Σ_n q(z|x_n)",
             r"\frac1N \sum_n \mathrm{KL}(q(z \mid x_n) \,\|\, p(z))"
             r" = \frac1N \sum_n \mathrm{KL}(q(z \mid x_n) \,\|\, \bar q(z))"
             r" + \mathrm{KL}(\bar q(z) \,\|\, p(z))",
             None, "mutual information of picture and code, plus the aggregate posterior's distance from the prior"),
    Equation("3.14", "min over Gaussian q of KL(p ‖ q): mu = E_p[z], sigma² = Var_p[z]",
             r"\operatorname*{argmin}_{q \text{ Gaussian}} \mathrm{KL}(p \,\|\, q): \quad \mu = \mathbb{E}_p[z],"
             r" \quad \sigma^2 = \mathrm{Var}_p[z]",
             None, "forward KL matches the target's moments: it covers"),
    Equation("3.15", "min over diagonal q of KL(q ‖ N(m, Λ⁻¹)): mu = m, sigma_k² = 1 / Λ_kk",
             r"\operatorname*{argmin}_{q \text{ diagonal}} \mathrm{KL}(q \,\|\, \mathcal{N}(m, \Lambda^{-1})):"
             r" \quad \mu = m, \quad \sigma_k^2 = \frac{1}{\Lambda_{kk}}",
             None, "reverse KL stays inside the target: too narrow where the target's latents are correlated"),
    # 4. The reparameterization trick
    Equation("4.1", "∂/∂ω E_q[f(z)] = E_q[f(z) ∂log q(z)/∂ω], ω a mu_k or a log_var_k",
             r"\frac{\partial}{\partial\omega} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_q\left[f(z)\, \frac{\partial \log q(z)}{\partial\omega}\right]",
             None, "the score-function estimator: differentiate the density, weight its score by f"),
    Equation("4.2", "∂log q/∂mu = eps / sigma, ∂log q/∂log_var = ½ (eps² − 1), at z = mu + sigma eps",
             r"\frac{\partial \log q}{\partial \mu} = \frac{\varepsilon}{\sigma}, \quad"
             r"\frac{\partial \log q}{\partial \log \sigma^2} = \tfrac12 (\varepsilon^2 - 1),"
             r" \quad \varepsilon = \frac{z - \mu}{\sigma}",
             None, "the scores of a Gaussian: 3.11 in units of sigma"),
    Equation("4.3", "= E_q[(f(z) − c) ∂log q(z)/∂ω], as E_q[∂log q(z)/∂ω] = 0",
             r"\frac{\partial}{\partial\omega} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_q\left[(f(z) - c)\, \frac{\partial \log q(z)}{\partial\omega}\right],"
             r" \quad \text{since } \mathbb{E}_q\left[\frac{\partial \log q(z)}{\partial\omega}\right] = 0",
             None, "a baseline c does not change the mean, only the variance"),
    Equation("4.4", "eps ~ N(0, I)", r"\varepsilon \sim \mathcal{N}(0, I)",
             "eps", "noise, drawn outside and then held fixed"),
    Equation("4.5", "z = mu + sigma ⊙ eps", r"z = \mu + \sigma \odot \varepsilon",
             "z", "latent code, a draw from q(z|x)",
             "kernels:reparameterize", "kernels:reparameterize_backward"),
    Equation("4.6", "E_q[f(z)] = E_eps[f(mu + sigma ⊙ eps)]",
             r"\mathbb{E}_{z \sim q}[f(z)]"
             r" = \mathbb{E}_{\varepsilon \sim \mathcal{N}(0, I)}[f(\mu + \sigma \odot \varepsilon)]",
             None, "a change of variables: mu and sigma move from the density into the argument of f"),
    Equation("4.7", "∂/∂mu E_q[f(z)] = E_eps[∂f/∂z], ∂/∂log_var E_q[f(z)] = E_eps[∂f/∂z ⊙ eps ⊙ ½ sigma]",
             r"\frac{\partial}{\partial\mu} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_\varepsilon\left[\frac{\partial f}{\partial z}\right],"
             r" \quad \frac{\partial}{\partial \log\sigma^2} \mathbb{E}_q[f(z)]"
             r" = \mathbb{E}_\varepsilon\left[\frac{\partial f}{\partial z}"
             r" \odot \varepsilon \odot \tfrac12 \sigma\right]",
             None, "the pathwise estimator: differentiate through z, the noise held fixed"),
    Equation("4.8", "dmu = dz, dsigma = dz ⊙ eps",
             r"d\mu = dz, \quad d\sigma = dz \odot \varepsilon",
             "d.sigma", "z changes by 1 per unit of mu, and by eps per unit of sigma",
             "kernels:reparameterize_backward"),
    Equation("4.9", "E_q[f′(z)] = E_q[f(z) (z − mu) / sigma²]",
             r"\mathbb{E}_q[f'(z)] = \mathbb{E}_q\left[f(z)\, \frac{z - \mu}{\sigma^2}\right]",
             None, "integration by parts: the two estimators have one mean"),
    Equation("4.10", "Var[score function] / Var[pathwise] = ¼ (K + 2) (K + 4), or ½ (K + 4) with the baseline E_q[f],"
             " for f(z) = −½ |z − x|² at mu = x",
             r"\frac{\mathrm{Var}[\text{score function}]}{\mathrm{Var}[\text{pathwise}]} = \tfrac14 (K + 2)(K + 4),"
             r" \quad \text{or } \tfrac12 (K + 4) \text{ with } c = \mathbb{E}_q[f]",
             None, "how many draws do the work of one pathwise draw, for the mean of a quadratic f"),
)
