"""Path gradients: the sampled objectives with another estimate of the encoder's gradient, through z alone.

The loss depends on the encoder's mu and log_var in two ways: through z, and through the density log q(z|x) that they
give to z. The second is the score. Its mean is zero, or can be rewritten as a gradient through z. So an unbiased
gradient can do without it, and often has less noise then. At q(z|x) = p(z|x), log w is the same for every z: the path
gradient is exactly zero there, and the score is not. The decoder's gradient does not change.

These gradients are not the gradient of the loss for given noise; only the means over the noise agree. So finite
differences cannot check them, and ``gradcheck.check_unbiased`` does. Equations 11.1 to 11.9. Shapes: B batch, K latent,
S samples per example; sample s of example b is row b S + s.
"""

from ..kernels import repeat_backward, reparameterize_backward, standard_deviation_backward
from .bounds import IWAE, MonteCarloELBO

__all__ = ["PathIWAE", "PathMonteCarloELBO"]


class PathMonteCarloELBO(MonteCarloELBO):
    """The Monte-Carlo ELBO with the path derivative: "sticking the landing".

    Notes
    -----
    d/dmu E_q[log w] = E_q[(d log w/dz) dz/dmu] + E_q[score], where the score is -beta d log q(z|x)/dmu at a fixed z.
    Its mean is -beta ∫ q (dq/dmu)/q dz = -beta d/dmu ∫ q dz = 0: a density integrates to 1 whatever mu is.

    References
    ----------
    Roeder, Wu & Duvenaud, Sticking the Landing: Simple, Lower-Variance Gradient Estimators for Variational Inference,
    2017, section 3.
    """

    right_on_average = True

    def meet_at_encoder(self, d, t, score):
        """Carry d.z to mu and log_var along the path alone; the score, whose mean is zero, is left out."""
        path_to_encoder(d, t)


class PathIWAE(IWAE):
    """The importance-weighted bound with the doubly reparameterized gradient.

    Notes
    -----
    Let w̃_s = w_s / Σ w be the normalized weights. The plain gradient is Σ_s w̃_s (path_s + score_s), with score_s =
    -beta d log q(z_s|x)/dmu. The factor w̃_s depends on z_s, so the score's mean is not zero. But for any function f,
    E[f(z) d log q(z)/dmu] = E[(df/dz) dz/dmu], since both are d/dmu E[f] at a fixed f. Take f = w̃_s, whose slope with
    respect to log w_s is w̃_s - w̃_s². The score then becomes a path of its own, and each sample's path counts

        w̃_s - beta (w̃_s - w̃_s²), which is w̃_s² for beta = 1.

    References
    ----------
    Tucker, Lawson, Gu & Maddison, Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, 2019,
    section 3.
    """

    right_on_average = True

    def meet_at_encoder(self, d, t, score):
        """Multiply each sample's path by its normalized weight once more, in place of the score. Equation 11.9."""
        B = len(t.x)
        weight = d.log_weight.reshape(B, -1) / d.objective[:, None]          # (B, S), w̃
        d.z = d.z * (1 - t.beta * (1 - weight)).reshape(-1, 1)
        path_to_encoder(d, t)


def path_to_encoder(d, t):
    """Carry d.z to mu and log_var through z = mu + sigma eps, and along no other path. Equation 11.3."""
    S = len(t.eps) // len(t.x)
    # forward: z = mu + sigma * eps, sigma = exp(log_var / 2), each example's row for all its samples
    dmu_through_z, dsigma = reparameterize_backward(d.z, t.eps)
    d.mu, d.sigma = repeat_backward(dmu_through_z, S), repeat_backward(dsigma, S)
    d.log_var = standard_deviation_backward(d.sigma, t.sigma)
