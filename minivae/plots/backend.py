"""Imports matplotlib, whatever the environment says of windows.

A process started from a notebook inherits the notebook's MPLBACKEND. Where that names a backend that is not installed
for this Python, matplotlib refuses to be imported at all. The figures here need no backend: they go to files.
"""

import contextlib
import os
import sys

if "matplotlib" not in sys.modules:
    inherited = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if inherited is not None:
            os.environ["MPLBACKEND"] = inherited
    if inherited:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = inherited  # as matplotlib would have set it, for those who use pyplot
