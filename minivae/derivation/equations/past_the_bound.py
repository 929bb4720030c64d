"""The equations of notebook 11: gradients along the path, and log p(x) by annealing, from below and from above."""

from .equation import Equation

__all__ = ["EQUATIONS"]

EQUATIONS = (
    Equation("11.1", "∇ log w = path + score, path = (∂log w/∂z) ∂z/∂ω, score = −∂log q(z|x)/∂ω at a fixed z, ω = mu or"
             " log_var",
             r"\nabla \log w = \mathrm{path} + \mathrm{score}, \quad \mathrm{path} = \frac{\partial \log w}"
             r"{\partial z}\, \frac{\partial z}{\partial \omega}, \quad \mathrm{score} = -\frac{\partial \log"
             r" q(z \mid x)}{\partial \omega} \text{ at a fixed } z, \quad \omega = \mu \text{ or } \log\sigma^2",
             None, "two ways from the encoder to the log weight: through the draw, and through its density",
             "model.bounds:SampledBound.meet_at_encoder"),
    Equation("11.2", "E_q[∂log q(z|x)/∂ω] = ∫ ∂q(z|x)/∂ω dz = ∂/∂ω ∫ q(z|x) dz = 0",
             r"\mathbb{E}_q\left[\frac{\partial \log q(z \mid x)}{\partial \omega}\right] = \int \frac{\partial"
             r" q(z \mid x)}{\partial \omega}\, dz = \frac{\partial}{\partial \omega} \int q(z \mid x)\, dz = 0",
             None, "the score has mean zero: a density integrates to 1, whatever ω is"),
    Equation("11.3", "dmu = Σ_s dz_s, dlog_var = ½ sigma ⊙ Σ_s dz_s ⊙ eps_s: the path alone",
             r"d\mu = \sum_s dz_s, \quad d\log\sigma^2 = \tfrac12\, \sigma \odot \sum_s dz_s \odot \varepsilon_s",
             None, "sticking the landing: the chain rule through z = mu + sigma ⊙ eps, and nothing else",
             "model.path:path_to_encoder"),
    Equation("11.4", "∂log w/∂z = ∂log p(z|x)/∂z − ∂log q(z|x)/∂z = 0 if q(z|x) = p(z|x)",
             r"\frac{\partial \log w}{\partial z} = \frac{\partial \log p(z \mid x)}{\partial z} - \frac{\partial"
             r" \log q(z \mid x)}{\partial z} = 0 \quad \text{if } q(z \mid x) = p(z \mid x)",
             None, "at the true posterior the path has no noise at all: log w is log p(x) for every z"),
    Equation("11.5", "Var[path] = sigma² (1/sigma² − 1/v)², Var[path + score] = sigma² / v², p(z|x) = N(z; m, v),"
             " ω = mu",
             r"\mathrm{Var}[\mathrm{path}] = \sigma^2 \left(\frac{1}{\sigma^2} - \frac1v\right)^2, \quad"
             r" \mathrm{Var}[\mathrm{path} + \mathrm{score}] = \frac{\sigma^2}{v^2}, \quad p(z \mid x) ="
             r" \mathcal{N}(z;\, m, v), \; \omega = \mu",
             None, "for one latent with a Gaussian posterior the path is the less noisy one if sigma² > ½ v"),
    Equation("11.6", "∇ log (1/S) Σ_s w_s = Σ_s w̃_s (path_s + score_s), w̃_s = w_s / Σ_r w_r",
             r"\nabla \log \frac1S \sum_s w_s = \sum_s \tilde w_s\, (\mathrm{path}_s + \mathrm{score}_s), \quad"
             r" \tilde w_s = \frac{w_s}{\sum_r w_r}",
             None, "the plain gradient of the importance-weighted bound, by 10.24 and 11.1"),
    Equation("11.7", "E_q[f(z) ∂log q(z)/∂ω] = E_q[(∂f/∂z) ∂z/∂ω], f a fixed function of z",
             r"\mathbb{E}_q\left[f(z)\, \frac{\partial \log q(z)}{\partial \omega}\right] = \mathbb{E}_q\left["
             r"\frac{\partial f}{\partial z}\, \frac{\partial z}{\partial \omega}\right], \quad f \text{ a fixed"
             r" function of } z",
             None, "both sides are the derivative of E_q[f(z)]: the score-function estimator and the pathwise one"),
    Equation("11.8", "∂w̃_s/∂log w_s = w̃_s − w̃_s²",
             r"\frac{\partial \tilde w_s}{\partial \log w_s} = \tilde w_s - \tilde w_s^2",
             None, "how a normalized weight changes with its own log weight: the diagonal of the softmax's Jacobian"),
    Equation("11.9", "E[∇ log (1/S) Σ_s w_s] = E[Σ_s w̃_s² path_s]",
             r"\mathbb{E}\left[\nabla \log \frac1S \sum_s w_s\right] = \mathbb{E}\left[\sum_s \tilde w_s^2\;"
             r" \mathrm{path}_s\right]",
             None, "the doubly reparameterized gradient: the score becomes a path by 11.7 with f = w̃_s, and takes the"
             " first power of the weights with it",
             "model.path:PathIWAE.meet_at_encoder"),
    Equation("11.10", "SNR of Σ_s w̃_s² path_s: as √S, S large",
             r"\mathrm{SNR}\left[\sum_s \tilde w_s^2\; \mathrm{path}_s\right] \approx \sqrt S\;"
             r" \frac{\left|\mathbb{E}[r^2\, \mathrm{path}]\right|}{\sqrt{\mathrm{Var}[r^2\, \mathrm{path}]}}, \quad"
             r" r = \frac{w}{p(x)}",
             None, "signal to noise of the encoder's gradient along the path: it grows where 10.26 falls, if the"
             " moments are finite"),
    Equation("11.11", "f_t(z) = p(z) p(x|z)ᵗ, ∫ f_0(z) dz = 1, ∫ f_1(z) dz = p(x)",
             r"f_t(z) = p(z)\, p(x \mid z)^t, \quad \int f_0(z)\, dz = 1, \quad \int f_1(z)\, dz = p(x)",
             None, "densities from the prior to the posterior, unnormalized: t is raised from 0 to 1",
             "evaluation.hmc:energy"),
    Equation("11.12", "log w = Σ_i (t_i − t_{i−1}) log p(x|z_{i−1}), i = 1 ... T",
             r"\log w = \sum_{i=1}^{T} (t_i - t_{i-1}) \log p(x \mid z_{i-1})",
             None, "the weight of an annealed chain: each rise of t, at the place where the chain stands before it"
             " moves",
             "evaluation.annealed:Plan.forward"),
    Equation("11.13", "E[w_i g(z_i)] = ∫ f_{t_i}(z) g(z) dz for every g, so E[w_T] = p(x)",
             r"\mathbb{E}[w_i\, g(z_i)] = \int f_{t_i}(z)\, g(z)\, dz \;\text{ for every } g, \quad\text{so}\quad"
             r" \mathbb{E}[w_T] = p(x)",
             None, "the weighted states of the chains represent f_t at every step: the weight is unbiased for p(x)"),
    Equation("11.14", "H(z, r) = −log f_t(z) + ½ |r|², r ~ N(0, I)",
             r"H(z, r) = -\log f_t(z) + \tfrac12 |r|^2, \quad r \sim \mathcal{N}(0, I)",
             None, "the energy of a position and a momentum: exp(−H) is f_t times a normal density, up to a constant",
             "evaluation.hmc:energy"),
    Equation("11.15", "r ← r + ½ h ∇log f_t(z), z ← z + h r, r ← r + ½ h ∇log f_t(z)",
             r"r \leftarrow r + \tfrac{h}{2} \nabla \log f_t(z), \quad z \leftarrow z + h\, r, \quad"
             r" r \leftarrow r + \tfrac{h}{2} \nabla \log f_t(z)",
             None, "a leapfrog step of size h: it keeps volume, can be run back, and nearly keeps H",
             "evaluation.hmc:Chains.move"),
    Equation("11.16", "accept (z', r') with probability min(1, exp(H(z, r) − H(z', r')))",
             r"\text{accept } (z', r') \text{ with probability } \min\left(1,\, e^{H(z, r) - H(z', r')}\right)",
             None, "Metropolis: the move then leaves f_t exactly unchanged, whatever the step size",
             "evaluation.hmc:Chains.move"),
    Equation("11.17", "E[1/w] = 1/p(x) for chains run back from z ~ p(z|x), so E[−log (1/C) Σ_c 1/w_c] ≥ log p(x)",
             r"\mathbb{E}\left[\frac1w\right] = \frac{1}{p(x)}, \; z_T \sim p(z \mid x), \quad\text{so}\quad"
             r" \mathbb{E}\left[-\log \frac1C \sum_{c=1}^{C} \frac{1}{w_c}\right] \ge \log p(x)",
             None, "from above: the same moves and weights in the opposite order, from an exact draw of the posterior",
             "evaluation.annealed:Plan.reverse"),
    Equation("11.18", "log p(x) − E_forward[log w] = KL(forward ‖ reverse), E_reverse[log w] − log p(x) ="
             " KL(reverse ‖ forward)",
             r"\log p(x) - \mathbb{E}_F[\log w] = \mathrm{KL}(F \,\|\, R), \quad \mathbb{E}_R[\log w] - \log p(x) ="
             r" \mathrm{KL}(R \,\|\, F)",
             None, "one chain's gap on either side is a divergence between the two distributions of whole chains"),
    Equation("11.19", "P(log ŵ ≥ log p(x) + b) ≤ e⁻ᵇ if E[ŵ] = p(x)",
             r"P\left(\log \hat w \ge \log p(x) + b\right) \le e^{-b} \quad\text{if } \hat w \ge 0,\;"
             r" \mathbb{E}[\hat w] = p(x)",
             None, "Markov's inequality: an unbiased estimate is seldom far too high; upside down, a reverse one is"
             " seldom far too low"),
    Equation("11.20", "ELBO(φ) = L(φ) − G(φ), L = mean log p(x), G = mean min_q KL(q ‖ p(z|x))",
             r"\mathrm{ELBO}(\varphi) = L(\varphi) - G(\varphi), \quad L = \mathrm{mean}\, \log p(x), \quad"
             r" G = \mathrm{mean}\, \min_q \mathrm{KL}\left(q \,\|\, p(z \mid x)\right)",
             None, "the mean ELBO of a decoder φ with the best q of the family for each x: log p(x) minus the gap"),
    Equation("11.21", "G(φ̂) − G(φ*) ≥ L(φ̂) − L(φ*) ≥ 0, φ̂ maximizing L and φ* the ELBO",
             r"G(\hat\varphi) - G(\varphi^*) \ge L(\hat\varphi) - L(\varphi^*) \ge 0 \quad\text{if }"
             r" L(\hat\varphi) = \max L, \; (L - G)(\varphi^*) = \max\, (L - G)",
             None, "what the ELBO's maximizer loses in log p(x), it gains at least as much in the gap"),
    Equation("11.22", "φ* ≈ φ̂ + [∇²(L − G)(φ̂)]⁻¹ ∇G(φ̂)",
             r"\varphi^* \approx \hat\varphi + \left[\nabla^2 (L - G)(\hat\varphi)\right]^{-1} \nabla G(\hat\varphi)",
             None, "one Newton step on the ELBO from maximum likelihood, where ∇L = 0: down the slope of the gap"),
    Equation("11.23", "∂objective/∂w ≈ (λ e − w) / s², ∂objective/∂e ≈ λ (w / s² − β e)",
             r"\frac{\partial\, \mathrm{objective}}{\partial w} \approx \frac{\lambda e - w}{s^2}, \quad"
             r" \frac{\partial\, \mathrm{objective}}{\partial e} \approx \lambda \left(\frac{w}{s^2} - \beta e\right)",
             None, "a linear-Gaussian VAE near the collapsed point: e scales mu, w the decoder's mean, λ is the data's"
             " variance along the direction of both"),
    Equation("11.24", "r = ½ [√((a + b)² + 4 k λ (λ − β s²) / s⁴) − a − b], a = 1/s², b = k β λ",
             r"r = \tfrac12 \left[\sqrt{(a + b)^2 + 4 k \lambda (\lambda - \beta s^2) / s^4} - a - b\right], \quad"
             r" a = \frac{1}{s^2}, \; b = k \beta \lambda",
             None, "the rate at which a small code grows: positive if and only if λ > β s²; k encoder steps for one of"
             " the decoder"),
    Equation("11.25", "mean ELBO = −H − KL(data ‖ p(x)) − mean gap ≤ −H",
             r"\mathrm{mean\ ELBO} = -H - \mathrm{KL}(\text{data} \,\|\, p(x)) - \mathrm{mean}\, \mathrm{KL}(q \,\|\,"
             r" p(z \mid x)) \le -H",
             None, "no model of the data has a higher mean ELBO than minus their entropy"),
    Equation("11.26", "a small code pays if and only if an eigenvalue of C exceeds β: C_de = E[r_d r_e] / √(v_d v_e)",
             r"\text{a small code pays} \iff \lambda_{\max}(C) > \beta, \quad C_{de} ="
             r" \frac{\mathbb{E}[r_d\, r_e]}{\sqrt{v_d\, v_e}}",
             None, "to second order, for a Bernoulli decoder that sees x_<d: r = x − p is what it misses without a"
             " code, v_d = E[p_d (1 − p_d)]"),
    Equation("11.27", "−log(1 + η r_β) / log(1 + η r_1) steps at β = 1 for each step at β > λ / s²",
             r"\frac{-\log(1 + \eta\, r_\beta)}{\log(1 + \eta\, r_1)} \text{ steps at } \beta = 1 \text{ for each step"
             r" at } \beta > \lambda / s^2",
             None, "what a step under too large a β costs afterwards; r is (11.24), η the step size"),
)
