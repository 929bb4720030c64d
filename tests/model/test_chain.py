"""The chain's topology is that of forward: a symbol changes with what it is made from, and with nothing else."""

import numpy as np
import pytest
from checks import model_example

import minivae as mv

SETTINGS = dict(data_dim=3, hidden=(3, 2), latent_dim=2, activation="tanh", dtype="float64")


@pytest.mark.parametrize("kind, more", [
    (mv.VAE, {}), (mv.VAE, {"hidden": ()}), (mv.VAE, {"likelihood": "gaussian", "noise_variance": "learned"}),
    (mv.MonteCarloELBO, {}), (mv.IWAE, {"likelihood": "gaussian"}),
    (lambda **settings: mv.ConditionalVAE(classes=2, **settings), {}),
])
def test_a_symbol_is_made_from_what_the_chain_says(kind, more):
    model, x, eps = model_example(SETTINGS | more, 2, 0, kind)
    x = mv.join_labels(x, [0, 1], 2) if model.conditions else x
    held = {symbol: array.copy() for symbol, array in model.forward(x, eps).items()}
    for symbol, sources in model.chain.items():
        others = {name: value for name, value in held.items() if name != symbol}
        for name in [*others, *model.parameters]:
            moved, flat = dict(others), model.parameters.flat.copy()
            if name in others:
                moved[name] = others[name] + 0.1
            else:
                model.parameters[name] = model.parameters[name] + 0.1
            value = model.forward(x, eps, given=moved)[symbol]
            model.parameters.flat = flat
            assert np.array_equal(value, held[symbol]) == (name not in sources), (symbol, name)


def test_a_subclass_is_cited_where_it_is_written():
    class Sum(mv.VAE):
        def forward(self, x, eps, beta=None, given=None, out=None):
            t = super().forward(x, eps, beta, given, out)
            return t

    text = repr(Sum(**SETTINGS).forward(np.ones((1, 3)), np.ones((1, 2))))
    assert "Sum.forward test_chain.py:" in text and "vae.py" not in text
