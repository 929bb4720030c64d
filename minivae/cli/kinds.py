"""From the settings of a run to its model: the class, the number of draws, and the initial output bias."""

import numpy as np

from ..data import flatten_images
from ..data.binarize import white_of
from ..data.images import is_binary
from ..model import IWAE, VAE, ConditionalVAE, MonteCarloELBO, PathIWAE, PathMonteCarloELBO
from ..model.arguments import positive_integer

__all__ = ["kind_of_model", "check_noise_variance", "draws_per_image", "new_model"]

OBJECTIVES = {"elbo": VAE, "monte-carlo": MonteCarloELBO, "iwae": IWAE}
ALONG_THE_PATH = {"elbo": PathMonteCarloELBO, "monte-carlo": PathMonteCarloELBO, "iwae": PathIWAE}


def kind_of_model(objective, classes, gradient="plain"):
    """Return the class of model for an objective, or for labels of ``classes`` classes, and its other arguments."""
    if classes and gradient == "path":
        raise ValueError("--conditional goes only with --gradient plain; got path. Leave one of the two out.")
    if classes and objective != "elbo":
        raise ValueError(f"--conditional goes only with --objective elbo; got {objective}. Leave one of the two out.")
    kinds = ALONG_THE_PATH if gradient == "path" else OBJECTIVES
    return (ConditionalVAE, {"classes": classes}) if classes else (kinds[objective], {})


def check_noise_variance(noise_variance, likelihood):
    """Raise a ValueError if a noise variance is to be learned and the likelihood has none."""
    if noise_variance == "learned" and likelihood != "gaussian":
        raise ValueError(f"--noise-variance learned goes only with --likelihood gaussian; got {likelihood}.")


def draws_per_image(objective, samples, *, default):
    """Return S, as chosen or by default; 1 for the ELBO, which uses a single draw."""
    if objective == "elbo":
        if samples not in (None, 1):
            raise ValueError(f"--samples is for the objectives over several draws; got {samples} for the elbo. Leave "
                             "it out, or choose --objective iwae.")
        return 1
    return default if samples is None else positive_integer("--samples", samples)


def new_model(settings, images, classes):
    """Return the untrained model of a run, with its output bias as the settings say."""
    check_noise_variance(settings["noise_variance"], settings["likelihood"])
    kind, more = kind_of_model(settings["objective"], classes, settings["gradient"])
    model = kind(
        images[0].size, settings["hidden"], settings["latent"], settings["activation"], settings["likelihood"],
        noise_variance=settings["noise_variance"], beta=settings["beta"], dtype=settings["dtype"],
        seed=settings["seed"], **more,
    )
    if settings["output_bias"] == "data":
        pixels = flatten_images(images)
        model.start_output_at(pixels.mean(axis=0, dtype=np.float64) / (1 if is_binary(pixels) else white_of(pixels)))
    return model
