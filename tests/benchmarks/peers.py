"""One training step of the same model in other people's engines, for the benchmarks to time beside minivae's.

Each function here takes a minivae model, whose weights it copies, and batches of (x, eps), and returns ``step(i)``,
which trains on batch i by Adam and returns the loss before it. None of these engines is needed for anything else.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

import minivae as mv   # noqa: E402
from minivae.model.mlp import empty_for_dx   # noqa: E402
from minivae.training.threads import steps_on   # noqa: E402

LEARNING_RATE = 1e-3


def minivae(model, batches):
    adam, trace, gradients = mv.Adam(LEARNING_RATE), None, None

    def step(i):
        nonlocal trace, gradients
        trace = model.forward(*batches[i], out=trace)
        gradients = model.backward(trace, out=gradients)
        adam.step(model.parameters.flat, gradients[1].flat)
        return trace.loss

    return step


def minivae_shared(model, batches):
    """minivae with two threads of its own that share every step, on two cores and one BLAS thread."""
    x, eps = batches[0]
    training = steps_on(2, model, mv.Adam(LEARNING_RATE), len(x), len(eps) // len(x)).__enter__()

    def step(i):
        traces = training.take(*batches[i], beta=1.0, where=f"batch {i}")
        return sum(trace.loss * len(trace.x) for trace in traces) / len(batches[i][0])

    return step


def matrix_products(model, batches):
    """The step's matrix products and nothing else: what no engine on the same BLAS can go below."""
    rng = np.random.default_rng(0)
    B, products = len(batches[0][0]), []
    for stack in (model.encoder, model.decoder):
        for layer, W in enumerate(stack.W):
            W = model.parameters[W].copy()
            x, dy = (rng.standard_normal((B, size)).astype(model.dtype) for size in W.shape)
            y, dW, dx = np.empty_like(dy), np.empty_like(W), empty_for_dx(x)
            products += [(x, W, y), (x.T, dy, dW)] + [(dy, W.T, dx)] * (stack is model.decoder or layer > 0)

    def step(i):
        for a, b, out in products:
            np.matmul(a, b, out=out)

    return step


def plain_numpy(model, batches):
    """The derivation's expressions as a first draft would have them (minivae/kernels/plain.py), Adam by algorithm 1."""
    from minivae.kernels import plain
    activation = getattr(plain, model.settings["activation"])
    activation_backward = getattr(plain, model.settings["activation"] + "_backward")
    p = {name: array.copy() for name, array in model.parameters.items()}
    m, v, t = {name: 0 for name in p}, {name: 0 for name in p}, 0
    K = model.latent_dim

    def up(stack, h):
        hs = [h]
        for W, b in zip(stack.W[:-1], stack.b):
            hs.append(activation(plain.dense(hs[-1], p[W], p[b])))
        return hs, plain.dense(hs[-1], p[stack.W[-1]], p[stack.b[-1]])

    def down(stack, hs, dy, grads):
        for layer in reversed(range(len(stack.W))):
            dx, grads[stack.W[layer]], grads[stack.b[layer]] = plain.dense_backward(dy, hs[layer], p[stack.W[layer]])
            dy = activation_backward(dx, hs[layer]) if layer else dx
        return dy

    def step(i):
        nonlocal t
        x, eps = batches[i]
        encoder_hs, head = up(model.encoder, x)
        mu, log_var = head[:, :K], head[:, K:]
        sigma = plain.standard_deviation(log_var)
        decoder_hs, logits = up(model.decoder, plain.reparameterize(mu, sigma, eps))
        loss = -(plain.bernoulli_log_likelihood(logits, x) - plain.kl_divergence(mu, log_var)).mean()
        d_objective, grads = np.full(len(x), -1 / len(x), x.dtype), {}
        dz = down(model.decoder, decoder_hs, plain.bernoulli_log_likelihood_backward(d_objective, logits, x), grads)
        dmu, dsigma = plain.reparameterize_backward(dz, eps)
        dmu_kl, dlog_var_kl = plain.kl_divergence_backward(-d_objective, mu, log_var)
        dlog_var = plain.standard_deviation_backward(dsigma, sigma)
        down(model.encoder, encoder_hs, np.concatenate([dmu + dmu_kl, dlog_var + dlog_var_kl], axis=1), grads)
        t += 1
        for name, g in grads.items():
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g**2
            p[name] = p[name] - LEARNING_RATE * (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
        return loss

    return step


def loss_in(anp, model, activation, softplus):
    """The loss as a function of the parameters by name, in an engine that looks like NumPy."""
    K = model.latent_dim

    def up(stack, h, p):
        for W, b in zip(stack.W[:-1], stack.b):
            h = activation(h @ p[W] + p[b])
        return h @ p[stack.W[-1]] + p[stack.b[-1]]

    def loss(p, x, eps):
        head = up(model.encoder, x, p)
        mu, log_var = head[:, :K], head[:, K:]
        a = up(model.decoder, mu + anp.exp(0.5 * log_var) * eps, p)
        log_likelihood = anp.sum(x * a - softplus(a))
        kl = 0.5 * anp.sum(mu**2 + anp.exp(log_var) - 1 - log_var)
        return (kl - log_likelihood) / len(x)

    return loss


def hips_autograd(model, batches):
    import autograd.numpy as anp
    from autograd import value_and_grad
    p = dict(model.parameters.items())
    loss = loss_in(anp, model, anp.tanh if model.settings["activation"] == "tanh" else lambda a: anp.maximum(a, 0),
                   lambda a: anp.maximum(a, 0) + anp.log1p(anp.exp(-anp.abs(a))))
    loss_and_gradient, adam, flat = value_and_grad(loss), mv.Adam(LEARNING_RATE), model.parameters.flat

    def step(i):
        value, grads = loss_and_gradient(p, *batches[i])
        adam.step(flat, np.concatenate([grads[name].ravel() for name in p]))
        return value

    return step


def torch_step(model, batches, fused=None, compiled=False):
    import torch
    from to_pytorch import TorchVAE
    module = TorchVAE(model)
    adam = torch.optim.Adam(module.parameters(), LEARNING_RATE, fused=fused)
    loss_of = torch.compile(module) if compiled else module
    batches = [tuple(map(torch.from_numpy, batch)) for batch in batches]

    def step(i):
        loss = loss_of(*batches[i])
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    return step


def jax_step(model, batches):
    import jax
    import jax.numpy as jnp
    loss = loss_in(jnp, model, jnp.tanh if model.settings["activation"] == "tanh" else jax.nn.relu, jax.nn.softplus)

    def whole_step(p, m, v, t, x, eps):
        value, g = jax.value_and_grad(loss)(p, x, eps)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate, root = LEARNING_RATE / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        p = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8), p, m, v)
        return p, m, v, t, value

    jitted = jax.jit(whole_step, donate_argnums=(0, 1, 2, 3))
    p = {name: jnp.array(array) for name, array in model.parameters.items()}
    m, v = ({name: jnp.zeros_like(array) for name, array in p.items()} for _ in range(2))
    state, batches = (p, m, v, jnp.float32(0)), jax.device_put(batches)

    def step(i):
        nonlocal state
        *state, value = jitted(*state, *batches[i])
        return value.block_until_ready()

    return step


PEERS = {
    "minivae": minivae,
    "minivae, two threads of its own": minivae_shared,
    "matrix products alone": matrix_products,
    "PyTorch, default loop": torch_step,
    "PyTorch, fused Adam": lambda model, batches: torch_step(model, batches, fused=True),
    "PyTorch, compiled, fused Adam": lambda model, batches: torch_step(model, batches, fused=True, compiled=True),
    "JAX, jit, donated buffers": jax_step,
    "HIPS autograd": hips_autograd,
    "plain NumPy": plain_numpy,
}
