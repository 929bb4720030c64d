"""Exercises on the chain from the loss back to the weights: where paths meet, and the stacks of layers."""

import numpy as np

from ...kernels import (
    dense, dense_backward, kl_divergence, kl_divergence_backward, reparameterize, reparameterize_backward,
    standard_deviation, standard_deviation_backward, tanh,
)
from ...model.mlp import MLP
from ...model.parameters import Parameters
from ..exercise import Exercise
from ..judges.backward import Backward

LAYERS = ("model.mlp:MLP.backward", "kernels:dense_backward", "kernels:tanh_backward")


def _z_and_kl(mu, log_var, eps):
    """Both things that mu and log_var lead to, end to end in one vector."""
    z = reparameterize(mu, standard_deviation(log_var), eps)
    return np.concatenate([z.ravel(), kl_divergence(mu, log_var)])


def _two_upstreams(dy, mu, **_):
    return {"dz": dy[:mu.size].reshape(mu.shape), "dkl": dy[mu.size:]}


_TERMS = {
    "reconstruction": lambda dy, mu, log_var, eps: float(dy[:mu.size] @ _z_and_kl(mu, log_var, eps)[:mu.size]),
    "kl": lambda dy, mu, log_var, eps: float(dy[mu.size:] @ kl_divergence(mu, log_var)),
}


def _fan_in(dz, dkl, mu, log_var, eps):
    through_z, dsigma = reparameterize_backward(dz, eps)
    through_kl = kl_divergence_backward(dkl, mu, log_var)
    return through_z + through_kl[0], standard_deviation_backward(dsigma, standard_deviation(log_var)) + through_kl[1]


def _head(h, W, b):
    return dense(h, W, b)


def _head_backward(dmu, dlog_var, h, W):
    d_head = np.concatenate([dmu, dlog_var], axis=1)
    return dense_backward(d_head, h, W)


def _halves(dy, **_):
    K = dy.shape[1] // 2
    return {"dmu": dy[:, :K], "dlog_var": dy[:, K:]}


def _encoder(W0, b0, W1, b1, x):
    return dense(tanh(dense(x, W0, b0)), W1, b1)


def _decoder(z, W0, b0, W1, b1):
    return dense(tanh(dense(z, W0, b0)), W1, b1)


def _decoder_backward(dy, x, h, W0, W1, needs_dx=True):
    """The package's own way through a stack of two layers: dx, dW0, db0, dW1, db1."""
    stack = MLP("stack", (x.shape[1], h.shape[1], dy.shape[1]), "tanh")
    parameters = Parameters(stack.shapes(), x.dtype)
    parameters["stack.0.W"], parameters["stack.1.W"] = W0, W1
    grads = parameters.zeros_like()
    dx = stack.backward(dy, x, parameters, {"stack.0.h": h}, {}, grads, needs_dx=needs_dx)
    return dx, *(grads[name] for name in grads)


def _encoder_backward(d_head, x, h, W1):
    return _decoder_backward(d_head, x, h, np.zeros((x.shape[1], h.shape[1]), x.dtype), W1, needs_dx=False)[1:]


EXERCISES = (
    Exercise(
        name="fan_in", signature="dz, dkl, mu, log_var, eps -> dmu, dlog_var",
        shapes="dz (B, K), dkl (B,), mu (B, K), log_var (B, K), eps (B, K), dmu (B, K), dlog_var (B, K)",
        notebook=7, place=1, difficulty=2, minutes=20,
        statement="mu and log_var reach the loss along two paths: through the draw z = mu + sigma eps, sigma = exp(½ "
                  "log_var), and through the KL. Given dz = ∂loss/∂z and dkl = ∂loss/∂kl, return dmu and dlog_var.",
        hints=("Where paths meet, gradients add. Work out each path alone, as if the other were not there.",
               "The path to log_var through z has two steps: from z to sigma, and from sigma to log_var.",
               "The path through the KL is `kl_divergence_backward`. You may call it: from minivae.kernels import ..."),
        insight="Wherever a forward uses a variable twice, its backward has a plus. It is easy to forget one path, and "
                "the other alone still looks like a gradient.",
        equations={"dmu": "7.2", "dlog_var": "7.3"},
        judge=Backward(_z_and_kl, {"mu": "BK", "log_var": "BK", "eps": "BK"}, _two_upstreams, terms=_TERMS),
        answer="exercises.sheets.backward_pass:_fan_in",
        calls=("kernels:reparameterize_backward", "kernels:standard_deviation_backward",
               "kernels:kl_divergence_backward")),
    Exercise(
        name="head_backward", signature="dmu, dlog_var, h, W -> dh, dW, db",
        shapes="dmu (B, K), dlog_var (B, K), h (B, H), W (H, 2K), dh (B, H), dW (H, 2K), db (2K,)",
        notebook=7, place=2, difficulty=1, minutes=10,
        statement="The encoder's last layer computes mu and log_var in one matrix product: [mu | log_var] = h W + b, "
                  "mu in the first K columns, log_var in the last K. Given dmu and dlog_var, return dh, dW and db.",
        hints=("The forward splits one (B, 2K) array into two. What does the backward do with the two gradients?",
               "Put them side by side, in the forward's order. From there on it is a dense layer."),
        insight="What the forward splits, the backward concatenates: two outputs in one matrix product cost one extra "
                "line.",
        equations={"dh": "5.4", "dW": "5.5", "db": "5.6"},
        judge=Backward(_head, {"h": "BH", "W": "HJ", "b": "J"}, _halves),
        answer="exercises.sheets.backward_pass:_head_backward", calls=("kernels:dense_backward",)),
    Exercise(
        name="encoder_backward", signature="d_head, x, h, W1 -> dW0, db0, dW1, db1",
        shapes="d_head (B, 2K), x (B, D), h (B, H), W1 (H, 2K), dW0 (D, H), db0 (H,), dW1 (H, 2K), db1 (2K,)",
        notebook=7, place=3, difficulty=2, minutes=20,
        statement="The whole encoder: h = tanh(x W0 + b0), head = h W1 + b1. Given d_head = ∂loss/∂head, return the "
                  "gradients of all weights and biases. x is data: its gradient is not needed, and therefore neither "
                  "is W0.",
        hints=("Go backward, a line at a time: through the second layer, through tanh, through the first.",
               "h is the output of tanh, and its derivative can be computed from it.",
               "Between the two layers there are two gradients, of h and of the input of tanh. Give them different "
               "names."),
        insight="A stack is differentiated from the top down. Each step needs the gradient from above and its own "
                "layer's input, and nothing else.",
        equations={"dW1": "5.5", "db1": "5.6", "dW0": "5.5", "db0": "5.6"},
        judge=Backward(_encoder, {"W0": "DH", "b0": "H", "W1": "HJ", "b1": "J", "x": "BD"},
                       lambda dy, x, W0, b0, **_: {"h": tanh(dense(x, W0, b0))}),
        answer="exercises.sheets.backward_pass:_encoder_backward", calls=LAYERS),
    Exercise(
        name="decoder_backward", signature="dlogits, z, h, W0, W1 -> dz, dW0, db0, dW1, db1",
        shapes="dlogits (B, D), z (B, K), h (B, H), W0 (K, H), W1 (H, D), dz (B, K), dW0 (K, H), db0 (H,), dW1 (H, D), "
               "db1 (D,)",
        notebook=7, place=4, difficulty=2, minutes=15,
        statement="The whole decoder: h = tanh(z W0 + b0), logits = h W1 + b1. Given dlogits, return dz and the "
                  "gradients "
                  "of all weights and biases. Unlike the data, z was computed: its gradient goes on to the encoder.",
        hints=("It is the encoder's backward with one more step at its end.",
               "That step is the dx of a dense layer. Which of the two weights belongs to it?"),
        insight="All that the encoder learns from the likelihood reaches it through dz.",
        equations={"dz": "5.4", "dW1": "5.5", "db1": "5.6", "dW0": "5.5", "db0": "5.6"},
        judge=Backward(_decoder, {"z": "BK", "W0": "KH", "b0": "H", "W1": "HD", "b1": "D"},
                       lambda dy, z, W0, b0, **_: {"h": tanh(dense(z, W0, b0))}),
        answer="exercises.sheets.backward_pass:_decoder_backward", calls=LAYERS),
)
