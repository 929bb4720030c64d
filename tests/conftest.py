"""Settings for all tests: one BLAS thread; hypothesis has no deadline and draws the same examples on every machine.

    python -m pytest --hypothesis-profile thorough     four times the examples, and the tests marked thorough
    python -m pytest --processes 1                     in this process, not in one process for each core

A test marked thorough repeats one of the quick profile at another scale or from another seed.
"""

import sys

import hypothesis
import numpy  # noqa: F401  (only a BLAS that is loaded can be limited)
import threadpoolctl
from side_by_side import pytest_addoption, pytest_runtestloop  # noqa: F401

hypothesis.settings.register_profile("minivae", max_examples=25, deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("minivae"), max_examples=100)
hypothesis.settings.load_profile("minivae")
threadpoolctl.threadpool_limits(limits=1, user_api="blas")
sys.modules.setdefault("rfc3987_syntax", None)  # nbformat would load a grammar of addresses, which takes two seconds


def pytest_collection_modifyitems(config, items):
    if hypothesis.settings.default.max_examples < hypothesis.settings.get_profile("thorough").max_examples:
        later = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if item not in set(later)]
