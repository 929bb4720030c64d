"""MNIST, which comes with the package. MNIST.md, beside this file, says who made it and under which licence.

Its four arrays are in mnist.npz, an ordinary archive of NumPy arrays.
"""

from pathlib import Path

import numpy as np

from .idx import Dataset

__all__ = ["load_mnist"]

PATH = Path(__file__).with_name("mnist.npz")


def load_mnist():
    """Load the MNIST handwritten digits: 60,000 to train on and 10,000 to test on.

    Returns
    -------
    dataset : Dataset
        Images of 28 x 28 grey levels and labels 0 to 9, all uint8. Each call reads the file again (it takes
        half a second), so the arrays are the caller's own and may be changed.

    Raises
    ------
    ValueError
        If the package's own file is damaged.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, 1998.
    """
    try:
        with open(PATH, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Dataset(**{name: arrays[name] for name in Dataset._fields})
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile, lzma and NumPy each raise their own
        raise ValueError(f"{PATH}, the MNIST of this package, is damaged ({type(error).__name__}). Install minivae "
                         "again, or run git lfs pull if it was cloned with pointers.") from error
