"""The toy of the course: a VAE so small that every array is printed whole. Notebooks 1, 2, 5 and 7 use it.

An image is a row of four pixels, a bar that fills from the left. One latent describes how full the bar is. The weights
were learned from the five bars, with a few pixels flipped, and rounded to one decimal. B = 3 examples, D = 4 pixels, H
= 2 hidden units, K = 1 latent.
"""

import numpy as np

from ..model import VAE

__all__ = ["toy"]

WEIGHTS = {
    "encoder.0.W": [[0.7, -0.1], [0.8, 0.2], [0.3, 0.8], [-0.1, 0.7]],
    "encoder.0.b": [-0.4, -1.2],
    "encoder.1.W": [[1.0, -0.5], [1.0, 0.5]],
    "encoder.1.b": [-0.1, -0.9],
    "decoder.0.W": [[1.3, 1.2]],
    "decoder.0.b": [0.9, -0.8],
    "decoder.1.W": [[2.5, 2.8, 1.6, 0.2], [0.2, 1.7, 2.8, 2.4]],
    "decoder.1.b": [0.8, 0.1, -0.2, -0.9],
}


def toy():
    """Return the toy: a model, three images and their noise.

    Returns
    -------
    model : VAE
        Four pixels, two hidden tanh units, one latent, Bernoulli pixels, float64.
    x : ndarray, shape (3, 4)
        Bars of one, two and four pixels.
    eps : ndarray, shape (3, 1)
        Noise, one draw for each image, held fixed.
    """
    model = VAE(data_dim=4, hidden=(2,), latent_dim=1, activation="tanh", dtype="float64")
    for name, weights in WEIGHTS.items():
        model.parameters[name] = np.array(weights)
    x = np.array([[1.0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
    eps = np.array([[0.5], [-1.2], [0.8]])
    return model, x, eps
