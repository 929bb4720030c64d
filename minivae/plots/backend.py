"""The import of matplotlib, whatever backend the environment asks for.

A process started from a notebook inherits the notebook's MPLBACKEND. If this names a backend that is not installed for
this Python, matplotlib cannot be imported. The figures here need no backend, because they are written to files.
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
            matplotlib.rcParams["backend"] = inherited  # as matplotlib would have done, for users of pyplot
