"""Settings for every test: one BLAS thread, and hypothesis takes its time and draws the same examples on every machine.

    python -m pytest --hypothesis-profile thorough     four times the examples, and the tests marked thorough
    python -m pytest --share 1/2                       the first of two processes that run half of the tests each

What is marked thorough asks once more what a test of the quick profile has asked: at another scale, from another seed.
"""

import sys

import hypothesis
import numpy  # noqa: F401  (only a BLAS that is loaded can be limited)
import pytest
import threadpoolctl

hypothesis.settings.register_profile("minivae", max_examples=25, deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("minivae"), max_examples=100)
hypothesis.settings.load_profile("minivae")
threadpoolctl.threadpool_limits(limits=1, user_api="blas")
sys.modules.setdefault("rfc3987_syntax", None)  # nbformat would load a grammar of addresses, which takes two seconds


def pytest_addoption(parser):
    parser.addoption("--share", metavar="K/N", default="1/1", help="run every N-th test only, from the K-th on")


def pytest_collection_modifyitems(config, items):
    share, shares = (int(number) for number in config.getoption("--share").split("/"))
    if not 1 <= share <= shares:
        raise pytest.UsageError(f"--share must be K/N with K from 1 to N; got {share}/{shares}.")
    quick = hypothesis.settings.default.max_examples < hypothesis.settings.get_profile("thorough").max_examples
    mine = [item for item in items if not (quick and item.get_closest_marker("thorough"))][share - 1::shares]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(mine)])
    items[:] = mine
