"""Active units: how many latents carry information about the data. Equation 10.14. Shapes: B batch, K latent."""

import numpy as np

from ..model.arguments import finite_number

__all__ = ["unit_activity", "active_units"]

THRESHOLD = 0.01  # on the variance, as in the literature


def unit_activity(model, x):
    """Variance over the data of each latent's posterior mean.

    Parameters
    ----------
    model : VAE
    x : array-like, shape (B, D)
        At least two examples.

    Returns
    -------
    activity : ndarray, shape (K,)
        float64. 0 for a unit that the encoder leaves at the prior whatever x is; nearly 1 for one that carries much.

    Raises
    ------
    ValueError
        If x does not fit the model, or is a single example.

    Notes
    -----
    Equation 10.14.
    """
    x = model.rows(x)
    if len(x) == 1:
        raise ValueError("x must hold at least two examples, for a variance over them; got one.")
    mu = np.concatenate([model.encode(x[start:start + 1000])[0] for start in range(0, len(x), 1000)])  # (B, K)
    return mu.var(axis=0, dtype=np.float64)


def active_units(model, x, threshold=THRESHOLD):
    """Count the latents that are active: those whose posterior mean varies over the data by more than the threshold.

    Parameters
    ----------
    model : VAE
    x : array-like, shape (B, D)
        At least two examples; a thousand or more for a number to report.
    threshold : float, optional
        On the variance.

    Returns
    -------
    count : int

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5.2, where the threshold is 0.01.
    """
    return int((unit_activity(model, x) > finite_number("threshold", threshold)).sum())
