"""MNIST as the package holds it is MNIST as it was published."""

import hashlib
import struct
import subprocess
import sys

import numpy as np
import pytest

from minivae.data import load_mnist
from minivae.data.mnist import PATH

PUBLISHED = {  # md5 of the uncompressed IDX files
    "train_images": "6bbc9ace898e44ae57da46a324031adb",
    "train_labels": "a25bea736e30d166cdddb491f175f624",
    "test_images": "2646ac647ad5339dbf082846283269ea",
    "test_labels": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.mark.parametrize("name", PUBLISHED)
def test_contents_are_the_published_files(mnist, name):
    array = getattr(mnist, name)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    assert hashlib.md5(header + array.tobytes(), usedforsecurity=False).hexdigest() == PUBLISHED[name]


def test_provenance_stands_beside_the_data():
    text = PATH.with_name("MNIST.md").read_text(encoding="utf-8")
    for needed in ("Yann LeCun", "Corinna Cortes", "CC BY-SA 3.0", *PUBLISHED.values()):
        assert needed in text


def test_shapes_and_types(mnist):
    assert mnist.train_images.shape == (60000, 28, 28) and mnist.test_images.shape == (10000, 28, 28)
    assert mnist.train_labels.shape == (60000,) and mnist.test_labels.shape == (10000,)
    for array in mnist:
        assert array.dtype == np.uint8 and array.flags.writeable
    assert set(mnist.train_labels) == set(mnist.test_labels) == set(range(10))


def test_each_call_returns_arrays_of_its_own(mnist):
    again = load_mnist()
    assert not any(np.shares_memory(mine, yours) for mine, yours in zip(mnist, again))


def test_importing_the_package_reads_no_data():
    code = ("import sys, numpy; del numpy.load, numpy.fromfile; import minivae.data; "
            "assert 'matplotlib' not in sys.modules, 'import is not light'")
    subprocess.run([sys.executable, "-c", code], check=True)
