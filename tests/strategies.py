"""What hypothesis draws: shapes, a scale and a seed, from which NumPy draws the arrays; and which cases run when."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

SIZES = st.integers(1, 5)
SCALES = st.sampled_from([0.01, 0.3, 1.0, 3.0])
SEEDS = st.integers(0, 2**32 - 1)
LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided"])


def a_part(share, **others):
    """Return settings for a costly test: a fraction of the profile's examples, and any other settings."""
    return settings(max_examples=round(share * settings.default.max_examples), **others)


def in_turn(names, others):
    """Return every name with every other: thorough, but for each name's with one of the others, which takes turns."""
    return [pytest.param(name, other, id=f"{getattr(name, 'name', name)}-{other}",
                         marks=[pytest.mark.thorough] * ((i - j) % len(others) != 0))
            for i, name in enumerate(names) for j, other in enumerate(others)]


def arrays(shapes, sizes, scale, seed, layout="contiguous", dtype=np.float64):
    """Return one array per entry of ``shapes`` (letters, such as "BI"), its numbers normal times ``scale``."""
    rng = np.random.default_rng(seed)
    return [lay_out(np.asarray(scale * rng.standard_normal([sizes[letter] for letter in letters])), layout).astype(
        dtype, order="K", copy=False) for letters in shapes]


def lay_out(array, layout):
    """Return the same numbers in another memory layout."""
    if array.ndim == 0:
        return array
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    if layout == "strided":
        wide = np.full([2 * size for size in array.shape], np.nan)
        view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    return array


def sizes_of(letters):
    """Draw a size for each letter."""
    return st.fixed_dictionaries({letter: SIZES for letter in letters})


@st.composite
def model_settings(draw, **fixed):
    """Draw the arguments of a small VAE in float64."""
    settings = dict(
        data_dim=draw(st.integers(1, 6)), hidden=tuple(draw(st.lists(st.integers(1, 5), max_size=3))),
        latent_dim=draw(st.integers(1, 4)), activation=draw(st.sampled_from(["relu", "tanh"])),
        beta=draw(st.sampled_from([0.0, 0.5, 1.0, 4.0])), dtype="float64", seed=draw(st.integers(0, 1000)),
    )
    settings["likelihood"] = draw(st.sampled_from(["bernoulli", "gaussian"]))
    variances = [0.3, 1.0, 2.5] + ["learned"] * (settings["likelihood"] == "gaussian")
    return settings | {"noise_variance": draw(st.sampled_from(variances))} | fixed
