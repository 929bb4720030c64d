"""The data: MNIST, which comes with the package, other data sets in IDX files, binarization and minibatches.

Pixels stay uint8 grey levels, one byte each, until they are part of a minibatch. Importing this package reads no data.
Read in this order: idx, mnist, images, binarize, minibatches.
"""

from .binarize import BINARIZATIONS, binarize
from .idx import Dataset, load_idx
from .images import flatten_images
from .minibatches import deal, minibatches, prepare
from .mnist import load_mnist

__all__ = ["BINARIZATIONS", "Dataset", "binarize", "deal", "flatten_images", "load_idx", "load_mnist", "minibatches",
           "prepare"]
