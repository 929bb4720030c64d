"""The two networks of a VAE, encoder and decoder: initialized, used, copied, saved and loaded.

The chain from data to loss and back is not here: ``VAE``, in ``vae.py``, and its siblings add it to this class. Shapes:
B batch, D data (pixels), K latent.
"""

import numpy as np

from ..files import open_arrays, write_arrays
from .arguments import float_matrix, generator, positive_integer
from .likelihood import likelihood_of
from .mlp import MLP
from .model_file import model_arrays, model_from_archive
from .parameters import Parameters
from .architecture import architecture

__all__ = ["Autoencoder"]


class Autoencoder:
    """The two networks of a VAE and their parameters. The arguments are those of ``VAE``."""

    record = None   # how the model was trained: the settings, the epochs done, the checksum of the images
    conditions = 0  # number of label columns joined to x and to z; a conditional VAE has some
    layers = MLP

    def __init__(self, data_dim, hidden=(400,), latent_dim=20, activation="relu", likelihood="bernoulli",
                 beta=1.0, dtype="float32", seed=0, *, noise_variance=1.0):
        self.settings = architecture(data_dim=data_dim, hidden=hidden, latent_dim=latent_dim, activation=activation,
                                     likelihood=likelihood, beta=beta, dtype=dtype, seed=seed,
                                     noise_variance=noise_variance)
        self.data_dim, self.latent_dim, hidden = data_dim, latent_dim, self.settings["hidden"]
        self.dtype = np.dtype(self.settings["dtype"])
        self.likelihood = likelihood_of(self.settings)
        self.encoder = self.layers("encoder", (self.input_dim, *hidden, 2 * latent_dim), activation)
        self.decoder = self.layers("decoder", (latent_dim + self.conditions, *reversed(hidden), data_dim), activation)
        self.parameters = Parameters(self.encoder.shapes() | self.decoder.shapes() | self.likelihood.shapes, self.dtype)
        if seed is not None:
            rng = np.random.default_rng(seed)
            self.encoder.initialize(self.parameters, rng=rng)
            self.decoder.initialize(self.parameters, rng=rng)

    @property
    def beta(self):
        """Weight on the KL divergence, from the settings. ``forward`` takes another for a single pass."""
        return self.settings["beta"]

    @property
    def input_dim(self):
        """Number of columns of x: D, the number of pixels."""
        return self.data_dim + self.conditions

    def checked_data(self, x):
        """Return the data of a batch by symbol, ``{"x": x}``, after a check and as the model's own copy."""
        return {"x": float_matrix("x", x, "(B, D)", self.data_dim, self.dtype,
                                  unit_interval=self.likelihood.unit_interval)}

    def rows(self, x):
        """Return data x of shape (B, D) after the same check; for a conditional model [x | label]."""
        return np.concatenate(list(self.checked_data(x).values()), axis=1)

    def checked_noise(self, eps, examples):
        """Return the noise for a number of examples, after a check and as the model's own copy."""
        return float_matrix("eps", eps, "(B, K)", self.latent_dim, self.dtype, rows=examples)

    def encode(self, x):
        """Return mu and log_var, each of shape (B, K), of q(z|x) for data x of shape (B, D). Equations 3.1, 3.2."""
        t = self.checked_data(x)
        head = self.encoder.forward(t["x"], self.parameters, t)
        return head[:, :self.latent_dim], head[:, self.latent_dim:]

    def decode(self, z):
        """Return E[x|z], of shape (B, D), for latents z of shape (B, K): pixel probabilities, or means."""
        z = float_matrix("z", z, "(B, K)", self.latent_dim, self.dtype)
        return self.likelihood.mean(self.decoder.forward(z, self.parameters, {}))

    def reconstruct(self, x):
        """Return decode(mu), of shape (B, D): the model's reconstruction of data x of shape (B, D)."""
        mu, _ = self.encode(x)
        return self.decode(mu)

    def generate(self, n, *, rng, draw=False):
        """Make n new examples: z from the prior, then through the decoder.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        draw : bool, optional
            False returns the means E[x|z], smooth to look at; True draws x from p(x|z).

        Returns
        -------
        x : ndarray, shape (n, D)
        """
        rng = generator(rng)
        z = rng.standard_normal((positive_integer("n", n), self.latent_dim)).astype(self.dtype)
        y = self.decoder.forward(z, self.parameters, {})
        return self.likelihood.draw(y, self.parameters, rng) if draw else self.likelihood.mean(y)

    def start_output_at(self, mean):
        """Set the decoder's last bias to the data's mean image, of shape (D,); for a Bernoulli, to its logits.

        An untrained model then starts from the mean image, and does not spend its first epoch on learning which pixels
        are always black.
        """
        mean = float_matrix("mean", np.asarray(mean)[None], "(1, D)", self.data_dim, np.float64, rows=1,
                            unit_interval=self.likelihood.unit_interval)[0]
        self.parameters[self.decoder.b[-1]] = self.likelihood.output_for_mean(mean)

    def copy(self, dtype=None):
        """Return a model of the same class, settings and parameters that shares no memory with this one.

        Parameters
        ----------
        dtype : {"float32", "float64"}, optional
            By default the model's own.
        """
        dtype = self.settings["dtype"] if dtype is None else dtype
        twin = type(self)(**self.settings | {"dtype": dtype, "seed": None})
        twin.settings["seed"] = self.settings["seed"]
        twin.parameters.flat, twin.record = self.parameters.flat, self.record
        return twin

    def save(self, path):
        """Write settings and parameters to ``path``, an npz file; it is written whole or not at all."""
        write_arrays(path, model_arrays(self))

    @classmethod
    def load(cls, path):
        """Read a model that ``save`` or training wrote.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        model : VAE
            Of the class that was saved: ``VAE.load`` returns an ``IWAE`` if the file holds one.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        CheckpointError
            If the file is damaged, is not a model, comes from a newer minivae, or holds a model of another class.
        """
        with open_arrays(path) as archive:
            return model_from_archive(cls, archive)
