"""The explorer: sliders for the latents beside the decoded image, and a figure for readers without sliders.

In a running notebook ``mv.explore(model, x)`` shows both; on a printed or published page only the figure is left.
Shapes: n images, D pixels, K latent.
"""

import math

import numpy as np

from ..kernels import kl_divergence
from ..model.arguments import positive_integer

__all__ = ["Explorer", "explore"]

REACH = 3.0      # standard deviations of the prior, on either side
MAGNIFIED = 10   # screen pixels for each pixel of an image


class Explorer:
    """A point in the latent space that can be moved, and its image.

    Parameters
    ----------
    model : VAE
    x : ndarray, shape (n, D)
        Images. Each can be the starting point; over all of them the KL of each latent is averaged. For a conditional
        model [x | label].
    sliders : int, optional
        How many latents can be moved; these are the ones with the largest mean KL.
    image_shape : (int, int), optional
        Rows and columns; by default square.

    Attributes
    ----------
    kl : ndarray, shape (K,)
        The mean over x of each latent's KL, in nats (equation 3.7, latent by latent).
    latents : ndarray of int, shape (sliders,)
        The latents that can be moved, with the largest KL first.
    z : ndarray, shape (K,)
        The current point.

    Raises
    ------
    ValueError
        If x does not fit the model, or the images are not of that shape.
    """

    def __init__(self, model, x, sliders=6, image_shape=None):
        self.model = model
        self.x = model.rows(x)
        self.mu, log_var = model.encode(self.x)
        self.kl = np.array([kl_divergence(self.mu[:, [k]], log_var[:, [k]]).mean() for k in range(model.latent_dim)])
        self.latents = np.argsort(-self.kl, kind="stable")[:positive_integer("sliders", sliders)]
        side = math.isqrt(model.data_dim)
        self.image_shape = image_shape or (side, side)
        if math.prod(self.image_shape) != model.data_dim:
            raise ValueError(f"image_shape must be rows and columns of {model.data_dim} pixels; got "
                             f"{self.image_shape}.")
        self.start(0)

    def start(self, index):
        """Go to the code (the mean of q) of one of the images, and return its decoded mean, shape (rows, columns)."""
        if not 0 <= index < len(self.x):
            raise ValueError(f"index must be at least 0 and less than {len(self.x)}, the number of images; got "
                             f"{index}.")
        self.index, self.z = int(index), self.mu[index].copy()
        return self.image()

    def move(self, latent, value):
        """Set one latent and return the decoded mean, shape (rows, columns)."""
        self.z[latent] = value
        return self.image()

    def image(self, z=None):
        """Return decoded means: (rows, columns) for z (K,), by default the current point; (m, D) for z (m, K)."""
        rows = np.atleast_2d(self.z if z is None else z)
        label = np.tile(self.x[self.index, self.model.data_dim:], (len(rows), 1))  # no columns without labels
        images = self.model.decode(np.concatenate([rows, label], axis=1))
        return images if np.ndim(z) == 2 else images.reshape(self.image_shape)

    def figure(self):
        """Return the figure: a row for each slider, with its latent from -3 to 3 and the others unchanged."""
        from ..plots.mosaic import centre_ticks, check_pictures, mosaic

        values = np.linspace(-REACH, REACH, 13)
        z = np.tile(self.z, (len(self.latents), len(values), 1))
        for row, latent in enumerate(self.latents):
            z[row, :, latent] = values
        images = check_pictures("decode(z)", self.image(z.reshape(-1, len(self.z))), self.image_shape)
        figure, axes = mosaic(images, len(values), "Each slider moved alone, from the same code (means)",
                              xlabel="value of the latent")
        centre_ticks(axes.set_xticks, self.image_shape[1], [f"{value:.0f}" for value in values[::2]], range(0, 13, 2))
        centre_ticks(axes.set_yticks, self.image_shape[0], [f"z[{k}] ({self.kl[k]:.2f} nats)" for k in self.latents])
        figure.alt = (f"{len(self.latents)} rows of thirteen decoded images. In each, one latent goes from "
                      f"{-REACH:.0f} to {REACH:.0f} and the others stay at the code of one image; the mean KL of each "
                      "latent stands beside it.")
        return figure

    def widget(self):
        """Return the sliders, with the original and the decoded mean beside them, for display in a notebook."""
        import ipywidgets

        from ..plots.mosaic import as_png

        width = {"width": f"{MAGNIFIED * self.image_shape[1]}px"}
        original, decoded = (ipywidgets.Image(format="png", layout=width) for _ in range(2))
        which = ipywidgets.BoundedIntText(0, 0, len(self.x) - 1, description="image")
        reach = math.ceil(max(REACH, float(np.abs(self.mu).max())))
        sliders = [ipywidgets.FloatSlider(float(self.z[k]), min=-reach, max=reach, step=0.05, readout_format=".2f",
                                          description=f"z[{k}], {self.kl[k]:.2f} nats", layout={"width": "340px"},
                                          style={"description_width": "initial"}) for k in self.latents]

        def restart(change):
            decoded.value = as_png(self.start(which.value), MAGNIFIED)
            original.value = as_png(self.x[self.index, :self.model.data_dim].reshape(self.image_shape), MAGNIFIED)
            place = self.z.copy()  # sliders round their values
            for slider, latent in zip(sliders, self.latents):
                slider.value = float(place[latent])

        def move(latent, value):
            decoded.value = as_png(self.move(latent, value), MAGNIFIED)

        for slider, latent in zip(sliders, self.latents):
            slider.observe(lambda change, latent=latent: move(latent, change["new"]), "value")
        which.observe(restart, "value")
        restart(None)
        captioned = [ipywidgets.VBox([ipywidgets.Label(name), picture])
                     for name, picture in (("original", original), ("decoded (mean)", decoded))]
        return ipywidgets.HBox([ipywidgets.VBox([which, *sliders]), *captioned])


def explore(model, x, sliders=6, image_shape=None):
    """Move through a model's latent space: show sliders in a running notebook, and beneath them a figure.

    Parameters
    ----------
    model, x, sliders, image_shape
        As for ``Explorer``.

    Returns
    -------
    None
        The figure is shown by ``mv.show``. Outside a notebook, or without ipywidgets, there are no sliders.

    Raises
    ------
    ValueError
        If x does not fit the model, or the images are not of that shape.
    """
    from .show import in_notebook, show

    explorer = Explorer(model, x, sliders, image_shape)
    if in_notebook():
        from IPython.display import display
        try:
            display(explorer.widget())
        except ImportError:
            pass  # without ipywidgets there is only the figure below
    explorer.start(0)
    show(explorer.figure())
