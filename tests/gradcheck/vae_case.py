"""A small VAE seen through ``check_gradient`` alone: its loss, its gradients and its terms as plain functions."""

import numpy as np

import minivae as mv


def vae_case(seed=0, scale=1.0, batch=5, **settings):
    """Return f, grads, at, terms for one model, with ``scale`` times the loss."""
    settings = dict(data_dim=6, hidden=(3,), latent_dim=2, activation="tanh", dtype="float64", beta=1.5) | settings
    rng = np.random.default_rng(seed)
    model = mv.VAE(**settings, seed=seed)
    model.parameters.flat[:] += 0.3 * rng.standard_normal(model.parameters.flat.size)
    x = (rng.random((batch, settings["data_dim"])) < 0.5).astype(float)
    eps = rng.standard_normal((batch, settings["latent_dim"]))
    _, grads = model.backward(model.forward(x, eps), d_loss=scale)
    at = {name: value.copy() for name, value in model.parameters.items()}

    def reading(read):
        def f(point):
            for name, value in point.items():
                model.parameters[name] = value
            return scale * read(model.forward(x, eps))
        return f

    terms = {"reconstruction": reading(lambda t: -t.log_likelihood.mean()),
             "kl": reading(lambda t: t.beta * t.kl.mean())}
    return reading(lambda t: t.loss), {name: grads[name].copy() for name in grads}, at, terms
