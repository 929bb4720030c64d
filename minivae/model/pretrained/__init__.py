"""The VAE that comes with the package: 784-200-200-50, trained on MNIST for 3000 epochs. README.md here says how."""

from pathlib import Path

from .. import VAE

__all__ = ["load_pretrained"]


def load_pretrained():
    """Load the VAE that comes with the package.

    Returns
    -------
    model : VAE
        784-200-200-50 with tanh, a Bernoulli likelihood and float32, trained on dynamically binarized MNIST. Each call
        reads the file again, so the model is the caller's own.
    """
    return VAE.load(Path(__file__).with_name("model.npz"))
