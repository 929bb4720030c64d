"""The equations of notebooks 8 to 10: training, the latent space, and how good a model is."""

from .equation import Equation

__all__ = ["EQUATIONS"]

_SAMPLED = "model.bounds:SampledBound.forward"
_SAMPLED_BACKWARD = "model.bounds:SampledBound.backward"

EQUATIONS = (
    # 8. Training
    Equation("8.1", "E[g_batch] = (1/N) Σ_n g_n, g_batch = (1/B) Σ_{n in batch} g_n",
             r"\mathbb{E}[\hat g] = \frac{1}{N} \sum_{n=1}^{N} g_n, \quad"
             r" \hat g = \frac{1}{B} \sum_{n \in \mathrm{batch}} g_n",
             None, "at fixed weights, the gradient of a minibatch is an unbiased estimate of that of all the data"),
    Equation("8.2", "E|g_batch − E[g_batch]|² = (S² / B) (N − B) / (N − 1), S² = (1/N) Σ_n |g_n − E[g_batch]|²",
             r"\mathbb{E}\left|\hat g - \mathbb{E}[\hat g]\right|^2 = \frac{S^2}{B} \cdot \frac{N - B}{N - 1}, \quad"
             r" S^2 = \frac{1}{N} \sum_{n=1}^{N} \left|g_n - \mathbb{E}[\hat g]\right|^2",
             None, "its mean squared error: B drawn from N without replacement"),
    Equation("8.3", "w_{t,i} = (1 − η λ_i)ᵗ w_{0,i}, converging if 0 < η < 2 / λ_max",
             r"w_{t,i} = (1 - \eta \lambda_i)^t\, w_{0,i}, \quad \text{converging if } 0 < \eta <"
             r" \frac{2}{\lambda_{\max}}",
             None, "gradient descent on ½ Σ_i λ_i w_i²: the steepest coordinate limits the step size, the flattest"
             " converges slowest"),
    Equation("8.4", "u ← ρ u + g, w ← w − η u", r"u \leftarrow \rho u + g, \quad w \leftarrow w - \eta u",
             None, "gradient descent with momentum: u is a velocity, ρ the share of it that is kept, η the step size",
             "training.optimizers:SGD.step"),
    Equation("8.5", "m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²",
             r"m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2",
             None, "Adam's running means of the gradient and of its square", "training.optimizers:adam_step"),
    Equation("8.6", "m_t = (1 − β₁) Σ_i β₁ᵗ⁻ⁱ g_i, i = 1 ... t",
             r"m_t = (1 - \beta_1) \sum_{i=1}^{t} \beta_1^{t-i} g_i",
             None, "8.5 unrolled from m_0 = 0: a weighted sum of all gradients so far"),
    Equation("8.7", "E[m_t] = (1 − β₁ᵗ) E[g]", r"\mathbb{E}[m_t] = (1 - \beta_1^t)\, \mathbb{E}[g]",
             None, "the weights sum to less than 1, which is the bias; for a stationary gradient, and for v in the"
             " same way"),
    Equation("8.8", "w ← w − η [m / (1 − β₁ᵗ)] / (√[v / (1 − β₂ᵗ)] + ε)",
             r"w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}",
             None, "Adam's step t = 1, 2, ..., both means corrected for their start at zero; ε is a small constant"
             " here",
             "training.optimizers:adam_step"),
    Equation("8.9", "(s / w₁) / (√(q / w₂) + ε) = (√w₂ / w₁) s / (√q + ε √w₂), w₁ = (1 − β₁ᵗ) / (1 − β₁), s = m /"
             " (1 − β₁), …",
             r"\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} = \frac{s / w_1}{\sqrt{q / w_2} +"
             r" \epsilon}"
             r" = \frac{\sqrt{w_2}}{w_1} \cdot \frac{s}{\sqrt{q} + \epsilon \sqrt{w_2}}",
             None, "Adam's step from plain sums s and q, divided by the sums of their weights w₁ and w₂",
             "training.optimizers:adam_step"),
    Equation("8.10", "η_t = ½ η (1 + cos(π t / T))", r"\eta_t = \tfrac12 \eta\, (1 + \cos(\pi t / T))",
             None, "a step size that falls along half a cosine, t = 0, 1, ..., to zero at step T",
             "training.schedules:cosine"),
    Equation("8.11", "β_t = β min(1, (t + 1) / T_w)", r"\beta_t = \beta \min(1, (t + 1) / T_w)",
             None, "the KL's weight, raised over the first T_w steps, t = 0, 1, ...", "training.schedules:warm_up"),
    Equation("8.12", "mean KL of a latent = ½ log(λ / (β s²)) where λ > β s², else 0",
             r"\frac{1}{N} \sum_n \mathrm{KL}_n = \begin{cases} \tfrac12 \log \dfrac{\lambda}{\beta s^2} & \lambda >"
             r" \beta s^2 \\"
             r" 0 & \text{otherwise} \end{cases}",
             None, "at the optimum of a linear-Gaussian VAE: λ is the data's variance along the latent's direction"),
    Equation("8.13", "(1/a) log p(x|z) − (1/c) KL = (1/a) [log p(x|z) − (a/c) KL], so β = a / c",
             r"\frac{1}{a} \log p(x \mid z) - \frac{1}{c}\, \mathrm{KL} = \frac{1}{a} \left[\log p(x \mid z)"
             r" - \beta\, \mathrm{KL}\right], \quad \beta = \frac{a}{c}",
             None, "a mean instead of a sum, over D pixels (a = D) or K latents (c = K), is another weight on the KL"),
    # 9. The latent space
    Equation("9.1", "z = (Φ⁻¹((i + ½) / m), Φ⁻¹((j + ½) / m)), i, j = 0 ... m − 1",
             r"z = \left(\Phi^{-1}\left(\tfrac{i + 1/2}{m}\right),\, \Phi^{-1}\left(\tfrac{j + 1/2}{m}\right)\right),"
             r" \quad i, j = 0, \dots, m - 1",
             None, "a grid of the prior's quantiles: each of the m² points stands for an equal share of what the"
             " model generates",
             "plots.latent:latent_plane"),
    Equation("9.2", "q_avg(z) = (1/N) Σ_n q(z|x_n)", r"\bar q(z) = \frac1N \sum_{n=1}^{N} q(z \mid x_n)",
             None, "the aggregate posterior: where the codes of the data lie",
             "evaluation.aggregate:aggregate_log_density"),
    Equation("9.3", "I(n; z) = (1/N) Σ_n E_q(z|x_n)[log q(z|x_n) − log q_avg(z)] = H(q_avg) − (1/N) Σ_n H(q(z|x_n))"
             " ≤ log N",
             r"I(n; z) = \frac1N \sum_n \mathbb{E}_{q(z \mid x_n)}\left[\log \frac{q(z \mid x_n)}{\bar q(z)}\right]"
             r" = H(\bar q) - \frac1N \sum_n H(q(z \mid x_n)) \le \log N",
             None, "mutual information of an example's index and its code; H is the entropy",
             "evaluation.aggregate:kl_parts"),
    Equation("9.4", "KL(q_avg ‖ p) = KL(q_avg ‖ Π_k q_avg,k) + Σ_k KL(q_avg,k ‖ p_k)",
             r"\mathrm{KL}(\bar q \,\|\, p) = \mathrm{KL}\Big(\bar q \,\Big\|\, \prod_k \bar q_k\Big)"
             r" + \sum_k \mathrm{KL}(\bar q_k \,\|\, p_k)",
             None, "the mismatch: latents that depend on one another (total correlation), and each one's own"
             " distance from its prior"),
    Equation("9.5", "E[|z|²] = K, Var[|z|²] = 2 K, z ~ N(0, I)",
             r"\mathbb{E}\left[\|z\|^2\right] = K, \quad \mathrm{Var}\left[\|z\|^2\right] = 2 K, \quad z \sim"
             r" \mathcal{N}(0, I)",
             None, "draws of many latents lie near a shell: its radius is about √K, its thickness about √½"),
    Equation("9.6", "slerp(a, b; t) = [sin((1 − t) ω) a + sin(t ω) b] / sin ω, cos ω = a·b / (|a| |b|)",
             r"\mathrm{slerp}(a, b; t) = \frac{\sin((1 - t)\, \omega)}{\sin \omega}\, a + \frac{\sin(t\,"
             r" \omega)}{\sin \omega}\, b,"
             r" \quad \cos \omega = \frac{a \cdot b}{\|a\| \|b\|}",
             None, "spherical interpolation: along the arc from a to b, t from 0 to 1"),
    Equation("9.7", "∫ p(x|z) p(z) dz = ∫ p(x|z' Rᵀ) p(z') dz', z' = z R, R Rᵀ = I",
             r"\int p(x \mid z)\, p(z)\, dz = \int p(x \mid z' R^\top)\, p(z')\, dz', \quad z' = z R, \quad R R^\top"
             r" = I",
             None, "the prior is symmetric under rotation: rotate the latents, let the decoder rotate them back, and"
             " log p(x) is the same"),
    Equation("9.8", "KL(diagonal ‖ turned) = ½ log(1 + ¼ sin²(2θ) (σ₁/σ₂ − σ₂/σ₁)²)",
             r"\mathrm{KL}(q_{\mathrm{diagonal}} \,\|\, q_{\mathrm{turned}}) = \tfrac12 \log\left(1 + \tfrac14"
             r" \sin^2(2\theta)"
             r"\left(\frac{\sigma_1}{\sigma_2} - \frac{\sigma_2}{\sigma_1}\right)^2\right)",
             None, "what rotating two latents by θ costs a diagonal q that was exact, by 3.15"),
    # 10. How good is it?
    Equation("10.1", "log w = log p(x|z) + log p(z) − log q(z|x), z ~ q(z|x)",
             r"\log w = \log p(x \mid z) + \log p(z) - \log q(z \mid x), \quad z \sim q(z \mid x)",
             None, "the importance weight: by how much p(x, z) exceeds what q proposes; E_q[w] = p(x), by 2.1",
             "evaluation.importance:draw_weights"),
    Equation("10.2", "log p(x) ≈ log (1/S) Σ_s w_s", r"\log p(x) \approx \log \frac{1}{S} \sum_{s=1}^{S} w_s",
             None, "the importance estimate: too low on average, by less with more samples",
             "evaluation.importance:evidence_of"),
    Equation("10.3", "E[(1/S) Σ_s w_s] = p(x), so E[log (1/S) Σ_s w_s] ≤ log p(x)",
             r"\mathbb{E}\left[\frac{1}{S} \sum_{s=1}^{S} w_s\right] = p(x), \quad\text{so}\quad"
             r" \mathbb{E}\left[\log \frac{1}{S} \sum_{s=1}^{S} w_s\right] \le \log p(x)",
             None, "unbiased for p(x); by 2.7 too low for its logarithm"),
    Equation("10.4", "E[log (1/S) Σ_{s≤S} w_s] ≤ E[log (1/(S + 1)) Σ_{s≤S+1} w_s]",
             r"\mathbb{E}\left[\log \frac{1}{S} \sum_{s=1}^{S} w_s\right] \le"
             r" \mathbb{E}\left[\log \frac{1}{S + 1} \sum_{s=1}^{S + 1} w_s\right]",
             None, "the bound does not fall with another sample; at S = 1 it is the ELBO"),
    Equation("10.5", "log p(x) − E[log (1/S) Σ_s w_s] ≈ Var_q[w] / (2 S p(x)²), S large",
             r"\log p(x) - \mathbb{E}\left[\log \frac{1}{S} \sum_{s=1}^{S} w_s\right] \approx"
             r" \frac{\mathrm{Var}_q[w]}{2 S\, p(x)^2}, \quad S \text{ large}",
             None, "how much too low: half the squared standard error, if the variance is finite"),
    Equation("10.6", "s.e. = √[(S / ESS − 1) / (S − 1)]",
             r"\mathrm{s.e.} = \frac{1}{\bar w} \sqrt{\frac{\sum_s (w_s - \bar w)^2}{S (S - 1)}}"
             r" = \sqrt{\frac{S / \mathrm{ESS} - 1}{S - 1}}",
             None, "its standard error: that of the mean weight, relative to the mean (the delta method)",
             "evaluation.importance:evidence_of"),
    Equation("10.7", "ESS = (Σ_s w_s)² / Σ_s w_s²", r"\mathrm{ESS} = \frac{(\sum_s w_s)^2}{\sum_s w_s^2}",
             None, "effective sample size: the number of equal weights that would do as well",
             "evaluation.importance:evidence_of"),
    Equation("10.8", "log p(x) ≈ log Σ_i p(x|z_i) p(z_i) hᴷ", r"\log p(x) \approx \log \sum_i p(x \mid z_i)\,"
             r" p(z_i)\, h^K",
             None, "the integral of 1.3 as a sum over an even grid of spacing h, for one latent or two",
             "evaluation.exact:quadrature_log_evidence"),
    Equation("10.9", "p(x) = N(x; b, Wᵀ W + s² I), where mean = z W + b",
             r"p(x) = \mathcal{N}(x;\, b,\, W^\top W + s^2 I), \quad \bar x = z W + b",
             None, "the evidence of a linear-Gaussian model, exact: a sum of Gaussians is Gaussian",
             "evaluation.exact:exact_log_evidence"),
    Equation("10.10", "p(z|x) = N(z; (x − b) Wᵀ V / s², V), V = (I + W Wᵀ / s²)⁻¹",
             r"p(z \mid x) = \mathcal{N}\left(z;\, \tfrac{1}{s^2} (x - b) W^\top V,\, V\right),"
             r" \quad V = \left(I + \tfrac{1}{s^2} W W^\top\right)^{-1}",
             None, "its posterior, exact: precisions add", "evaluation.exact:exact_posterior"),
    Equation("10.11", "log p(x) − max_q ELBO_q = ½ (Σ_k log Λ_kk − log det Λ), if p(z|x) = N(z; m, Λ⁻¹)",
             r"\log p(x) - \max_q \mathrm{ELBO}_q = \tfrac12 \left(\sum_k \log \Lambda_{kk} - \log \det \Lambda\right)"
             r" \quad\text{if } p(z \mid x) = \mathcal{N}(z;\, m, \Lambda^{-1})",
             None, "the approximation gap of a Gaussian posterior: 3.15 put into 2.8"),
    Equation("10.12", "log p(x) − ELBO = [log p(x) − max_q ELBO_q] + [max_q ELBO_q − ELBO]",
             r"\log p(x) - \mathrm{ELBO} = \left[\log p(x) - \max_q \mathrm{ELBO}_q\right]"
             r" + \left[\max_q \mathrm{ELBO}_q - \mathrm{ELBO}\right]",
             None, "approximation gap and amortization gap; the maximum is over the family of q, here diagonal"
             " Gaussians"),
    Equation("10.13", "z_s = mu + sigma ⊙ eps_s, s = 1 ... S", r"z_s = \mu + \sigma \odot \varepsilon_s, \quad s ="
             r" 1, \dots, S",
             None, "S draws for each example, as rows b S + s of one batch: mu and sigma are copied S times, and"
             " their gradients are summed",
             "kernels:repeat", "kernels:repeat_backward"),
    Equation("10.14", "activity_k = Var_x(mu_k(x)), active where above 0.01",
             r"A_k = \mathrm{Var}_x\left(\mu_k(x)\right), \quad \text{active where } A_k > 0.01",
             None, "a unit is active if its posterior mean depends on the data", "evaluation.active:unit_activity"),
    Equation("10.15", "mean ELBO = −distortion − rate, distortion = −(1/N) Σ_n E_q[log p(x_n|z)], rate = (1/N) Σ_n"
             " KL(q(z|x_n) ‖ p(z))",
             r"\frac1N \sum_n \mathrm{ELBO}_n = -\,\mathrm{distortion} - \mathrm{rate}, \quad"
             r" \mathrm{distortion} = -\frac1N \sum_n \mathbb{E}_{q(z \mid x_n)}[\log p(x_n \mid z)], \quad"
             r" \mathrm{rate} = \frac1N \sum_n \mathrm{KL}(q(z \mid x_n) \,\|\, p(z))",
             None, "the ELBO's two parts under their names from coding theory"),
    Equation("10.16", "b = x̄, s² = (1/(D − K)) Σ_{j>K} λ_j, W_k = √(λ_k − s²) u_k, λ and u of the data's covariance",
             r"b = \bar x, \quad s^2 = \frac{1}{D - K} \sum_{j=K+1}^{D} \lambda_j, \quad"
             r" W_k = \sqrt{\lambda_k - s^2}\; u_k^\top",
             None, "probabilistic PCA: where the likelihood of a linear-Gaussian model is largest",
             "evaluation.exact:ppca"),
    Equation("10.17", "max of −distortion − β rate, linear, variance s²: |W_k|² = λ_k − β s², rate = ½ Σ_k log(λ_k /"
             " β s²), both over the k ≤ K with λ_k > β s²",
             r"|W_k|^2 = \lambda_k - \beta s^2, \quad \mathrm{rate} = \tfrac12 \sum_k \log \frac{\lambda_k}{\beta s^2},"
             r" \quad \text{both over the } k \le K \text{ with } \lambda_k > \beta s^2",
             None, "β on a linear-Gaussian model of fixed variance: a water level; a latent under it is unused, and"
             " there are at most K"),
    Equation("10.18", "log_prior = log N(z; 0, I)", r"\log p(z) = \log \mathcal{N}(z;\, 0, I)",
             "log_prior", "log p(z), the prior's log density at the draw", _SAMPLED, _SAMPLED_BACKWARD),
    Equation("10.19", "log_q = log N(z; mu, sigma²)", r"\log q(z \mid x) = \log \mathcal{N}(z;\, \mu, \sigma^2)",
             "log_q", "log q(z|x), the posterior's log density at its own draw", _SAMPLED, _SAMPLED_BACKWARD),
    Equation("10.20", "kl = log q(z|x) − log p(z)", r"\widehat{\mathrm{KL}} = \log q(z \mid x) - \log p(z)",
             "kl", "one draw's unbiased estimate of the KL: single draws may fall below 0", _SAMPLED, _SAMPLED_BACKWARD,
             beside="log_weight"),
    Equation("10.21", "log_weight = log p(x|z) − β kl", r"\log w = \log p(x \mid z) - \beta\, \widehat{\mathrm{KL}}",
             "log_weight",
             "log of the importance weight w = p(x, z) / q(z|x), when β = 1", _SAMPLED, _SAMPLED_BACKWARD),
    Equation("10.22", "objective = (1/S) Σ_s log w_s", r"\mathrm{objective} = \frac{1}{S} \sum_{s=1}^{S} \log w_s",
             None, "the Monte-Carlo ELBO: unbiased for the ELBO, with its KL sampled too",
             "kernels:mean_over_samples", "kernels:mean_over_samples_backward"),
    Equation("10.23", "objective = log (1/S) Σ_s w_s", r"\mathrm{objective} = \log \frac{1}{S} \sum_{s=1}^{S} w_s",
             "objective", "the importance-weighted bound: at least the ELBO, and log p(x) in the limit of many samples",
             "kernels:log_mean_exp", "kernels:log_mean_exp_backward", beside="log_weight"),
    Equation("10.24", "dlog_weight_s = dobjective w_s / Σ_r w_r",
             r"d \log w_s = d\,\mathrm{objective}\; \frac{w_s}{\sum_{r=1}^{S} w_r}",
             None, "a sample's share of the gradient is its share of the weights", "kernels:log_mean_exp_backward"),
    Equation("10.25", "dz = dz through the decoder + dlog_prior ∂log p(z)/∂z + dlog_q ∂log q(z|x)/∂z",
             r"dz = dz_{\mathrm{decoder}} + d\log p\, \frac{\partial \log p(z)}{\partial z}"
             r" + d\log q\, \frac{\partial \log q(z \mid x)}{\partial z}",
             None,
             "three paths lead from z to the loss; from mu and log_var one more, through log q"
             " itself", _SAMPLED_BACKWARD),
    Equation("10.26", "SNR = |E[g]| / √Var[g]: as √S for the decoder's gradient, as 1/√S for the encoder's",
             r"\mathrm{SNR} = \frac{|\mathbb{E}[g]|}{\sqrt{\mathrm{Var}[g]}}: \quad"
             r" \text{decoder } \propto \sqrt{S}, \quad \text{encoder } \propto \frac{1}{\sqrt{S}}, \quad S \text{"
             r" large}",
             None, "signal to noise of one gradient of the importance-weighted bound, if w and its gradient have"
             " four finite moments"),
    Equation("10.27", "log p(x|y) ≥ E_q[log p(x|z, y)] − KL(q(z|x, y) ‖ p(z))",
             r"\log p(x \mid y) \ge \mathbb{E}_{q(z \mid x, y)}[\log p(x \mid z, y)]"
             r" - \mathrm{KL}(q(z \mid x, y) \,\|\, p(z))",
             "label", "the ELBO of 2.6 with y given throughout, and p(z|y) taken to be p(z); y is one-hot columns"
             " beside x and z",
             "model.conditional:LabelledLayers.forward", "model.conditional:LabelledLayers.backward"),
    Equation("10.28", "ELBO_q(x) = E_b[ELBO_q(b)] ≤ E_b[log p(b)] ≤ −Σ_d H(x_d), b_d = 1 with probability x_d",
             r"\mathrm{ELBO}_q(x) = \mathbb{E}_b[\mathrm{ELBO}_q(b)] \le \mathbb{E}_b[\log p(b)] \le -\sum_d H(x_d),"
             r" \quad b_d \sim \mathrm{Bernoulli}(x_d)",
             None, "grey levels x under a Bernoulli: the mean over binary draws b, all with one q; H is the entropy"),
    Equation("10.29", "∫ λˣ (1 − λ)¹⁻ˣ dx = 1 / C(λ) over 0 ≤ x ≤ 1, C(λ) = 2 artanh(1 − 2λ) / (1 − 2λ) = a / tanh(½"
             " a), λ = logistic(a)",
             r"\int_0^1 \lambda^x (1 - \lambda)^{1 - x}\, dx = \frac{1}{C(\lambda)}, \quad"
             r" C(\lambda) = \frac{2\, \mathrm{artanh}(1 - 2 \lambda)}{1 - 2 \lambda} = \frac{a}{\tanh(\frac12 a)},"
             r" \quad \lambda = \mathrm{logistic}(a)",
             None, "the constant that would make a Bernoulli a density of grey levels: the continuous Bernoulli's"),
    Equation("10.30", "log P(k) = log ∫ p(k + u) du ≥ E_u[log p(k + u)], u uniform on [0, 1)ᴰ",
             r"\log P(k) = \log \int_{[0, 1)^D} p(k + u)\, du \;\ge\; \mathbb{E}_u[\log p(k + u)], \quad u \sim [0,"
             r" 1)^D",
             None, "dequantization: a density of grey levels with uniform noise bounds the probability of the levels"),
    Equation("10.31", "bits per dimension = −log₂ P(k) / D ≤ log₂ 256 − E_u[log p(y)] / (D log 2), y = (k + u) / 256",
             r"\text{bits per dimension} = -\frac{\log_2 P(k)}{D} \;\le\; \log_2 256 - \frac{\mathbb{E}_u[\log"
             r" p(y)]}{D \log 2},"
             r" \quad y = \frac{k + u}{256}",
             None, "a unit for grey levels: 8 bits are what the uniform density needs, 0 is the least"),
    Equation("10.32", "log [(1/100) p(x) + (99/100) r(x)] ≥ log p(x) − log 100",
             r"\log \left[\tfrac{1}{100}\, p(x) + \tfrac{99}{100}\, r(x)\right] \ge \log p(x) - \log 100",
             None, "ninety-nine draws in a hundred are r's, and at most 4.2 nats are lost"),
)
