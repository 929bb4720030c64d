"""Figures of the latent space: the plane decoded, where images lie on it, and what each latent does.

Shapes: n images, D pixels, K latent.
"""

from statistics import NormalDist

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from .mosaic import centre_ticks, check_codes, check_pictures, count, evenly, mosaic
from .style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, WIDTH

__all__ = ["latent_plane", "latent_scatter", "traversals"]

# The eight colours of Okabe and Ito, with a darker yellow for white paper, and a grey and a brown to make ten.
COLOURS = ["#000000", ORANGE, SKY, GREEN, "#C9B400", BLUE, VERMILLION, PURPLE, "#999999", "#7F3B08"]
MARKERS = "osD^vP*X<>"


def latent_plane(decode, image_shape, latent_dim=2, side=20):
    """Show the images to which the latent plane decodes, on a grid of equal prior probability.

    Parameters
    ----------
    decode : callable
        Maps z (n, K) to images (n, D), as ``model.decode`` does. Values are clipped to [0, 1].
    image_shape : (int, int)
        Rows and columns of one image.
    latent_dim : {1, 2}, optional
        K. A single latent gives a line.
    side : int, optional
        Images along each axis.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If K is neither 1 nor 2 (see ``traversals``), or side is not a positive int.

    Notes
    -----
    Equation 9.1. The points of the grid are the quantiles (i + 1/2) / side of the prior N(0, I), so each image
    represents an equal share of what the model generates.

    References
    ----------
    Kingma & Welling, Auto-Encoding Variational Bayes, 2013, appendix A.
    """
    if latent_dim not in (1, 2):
        raise ValueError(f"latent_dim must be 1 or 2 for a plane; got {latent_dim}. Draw traversals instead?")
    if not isinstance(side, (int, np.integer)) or side < 1:
        raise ValueError(f"side must be a positive int; got {side!r}.")
    quantiles = [NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)]
    down = quantiles[::-1] if latent_dim == 2 else [None]  # z[1] grows upwards
    z = np.array([[first, second][:latent_dim] for second in down for first in quantiles])
    images = check_pictures("decode(z)", decode(z), image_shape)
    what, shown = "plane" if latent_dim == 2 else "line", evenly(side)
    figure, axes = mosaic(images, side, f"The latent {what}, decoded (means) at equal steps of prior probability",
                          xlabel="z[0]")
    centre_ticks(axes.set_xticks, image_shape[1], [f"{quantiles[i]:.2f}" for i in shown], shown)
    if latent_dim == 2:
        axes.set_ylabel("z[1]")
        centre_ticks(axes.set_yticks, image_shape[0], [f"{down[i]:.2f}" for i in shown], shown)
    figure.alt = (f"{count(len(z), 'image')} decoded from the latent {what}, each latent from "
                  f"{quantiles[0]:.2f} to {quantiles[-1]:.2f}.")
    return figure


def latent_scatter(mu, labels):
    """Show where the encoder puts each image in the latent plane, coloured and marked by label.

    Parameters
    ----------
    mu : ndarray, shape (n, K)
        Means of q(z|x). For K = 1 the vertical axis shows the label. Each label is written at the median of its points.
    labels : ndarray of int, shape (n,)
        Used only for colours and markers: the model has not seen them.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If K is neither 1 nor 2 (see ``traversals``), there are no points, or not one label for each.
    """
    mu, labels = check_codes(mu), np.asarray(labels)
    if mu.shape[1] > 2:
        raise ValueError(f"mu must have 1 or 2 latents for a scatter; got {mu.shape[1]}. Draw traversals instead?")
    if labels.shape != (len(mu),):
        raise ValueError(f"labels must have shape ({len(mu)},), one for each row of mu; got {labels.shape}.")
    plane = mu.shape[1] == 2
    figure = Figure(figsize=(WIDTH, 6.4 if plane else 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"Where images lie on the latent {'plane' if plane else 'line'} (means of q(z|x))")
    kinds = np.unique(labels)
    medians = np.array([np.median(mu[labels == kind], axis=0) for kind in kinds])
    places = _kept_apart(medians, np.ptp(mu, axis=0).max() or 1)
    for i, kind in enumerate(kinds):
        of_kind = mu[labels == kind]
        scatter = (np.arange(len(of_kind)) * 0.618 % 1 - 0.5) * 0.6  # for K = 1, so that points do not hide each other
        axes.scatter(of_kind[:, 0], of_kind[:, 1] if plane else i + scatter, s=14, alpha=0.6, linewidths=0,
                     label=str(kind), color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)])
        if plane:
            axes.text(*places[i], str(kind), size=16, weight="bold", ha="center", va="center",
                      path_effects=[withStroke(linewidth=4, foreground="white")])
    axes.set_xlabel("z[0]")
    if plane:
        axes.set_ylabel("z[1]")
        axes.set_aspect("equal", adjustable="datalim")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", title="label", markerscale=1.8,
                      ncols=1 + len(kinds) // 16)
    else:
        axes.set_ylabel("label")
        axes.set_yticks(range(len(kinds)), [str(kind) for kind in kinds])
    figure.alt = (f"A scatter of {count(len(mu), 'point')}, the latent means of images, in colours and markers "
                  f"by label, of which there are {len(kinds)}.")
    return figure


def _kept_apart(places, width):
    """Move points that are closer than the size of a label apart, a little at a time."""
    for _ in range(100):
        offsets = places[:, None] - places                              # (n, n, 2)
        distances = np.linalg.norm(offsets, axis=2) + np.eye(len(places)) * width
        close = np.maximum(0.045 * width - distances, 0) / np.maximum(distances, 1e-9 * width)
        places = places + 0.3 * (close[:, :, None] * offsets).sum(axis=1)
    return places


def traversals(decode, mu, image_shape):
    """Show what each latent does: decode images while one latent moves from -3 to 3 and the others stay.

    Parameters
    ----------
    decode : callable
        Maps z (n, K) to images (n, D), as ``model.decode`` does. Values are clipped to [0, 1].
    mu : ndarray, shape (n, K)
        Means of q(z|x) for some images. Each latent is moved from its value in the first. The variance of each latent's
        mean over all of them says how active it is; the ten most active latents are shown.
    image_shape : (int, int)
        Rows and columns of one image.

    Returns
    -------
    figure : Figure

    References
    ----------
    Burda, Grosse & Salakhutdinov, Importance weighted autoencoders, 2015, section 5.2: a latent is active
    if the variance of its mean exceeds 0.01.
    """
    mu = check_codes(mu)
    activity = mu.var(axis=0)                             # (K,)
    latents = np.argsort(-activity, kind="stable")[:10]
    values = np.linspace(-3, 3, 13)
    z = np.tile(mu[0], (len(latents), len(values), 1))    # (rows, columns, K)
    for row, latent in enumerate(latents):
        z[row, :, latent] = values
    images = check_pictures("decode(z)", decode(z.reshape(-1, mu.shape[1])), image_shape)
    figure, axes = mosaic(
        images, len(values), "Moving one latent at a time from the code of one image (means)",
        xlabel="value of the latent that moves (in brackets, the variance of its mean over the data)")
    centre_ticks(axes.set_xticks, image_shape[1], range(-3, 4), range(0, 13, 2))
    axes.set_ylabel("latent")
    centre_ticks(axes.set_yticks, image_shape[0], [f"z[{k}] ({activity[k]:.2f})" for k in latents])
    figure.alt = (f"{count(len(latents), 'row')} of decoded images; in each one latent goes from -3 to 3 and the "
                  "others stay.")
    return figure
