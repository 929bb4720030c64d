"""Planting a mistake of the catalogue in the running package, and taking it out again."""

import contextlib
import functools
import inspect
import pkgutil
import sys
import textwrap

from ...kernels import PAIRS
from ...model.mlp import ACTIVATIONS

__all__ = ["planted"]


@contextlib.contextmanager
def planted(mistake):
    """Plant a mistake everywhere the package uses the function, and take it out again at the end of the block."""
    replaced = []
    try:
        for target, right, wrong in mistake.changes:
            original = pkgutil.resolve_name(f"minivae.{target}")
            changed = _rewritten(original, right, wrong)
            replaced.append((original, changed))
            _replace(original, changed)
        yield
    finally:
        for original, changed in reversed(replaced):
            _replace(changed, original)


@functools.cache   # looking up a source takes longer than all the rest
def _rewritten(function, right, wrong):
    """Compile the function's source again, with one piece of its text changed."""
    source = getattr(function, "source", None) or textwrap.dedent(inspect.getsource(function))
    if source.count(right) != 1:
        raise ValueError(f"{right!r} must stand once in the source of {function.__qualname__}; it stands "
                         f"{source.count(right)} times.")
    source = source.replace(right, wrong)
    scope = {}
    exec(compile(source, f"<{function.__qualname__}, with a mistake>", "exec"), function.__globals__, scope)
    changed = scope[function.__name__]
    changed.__qualname__, changed.source = function.__qualname__, source
    return changed


def _replace(old, new):
    """Put one function in another's place in every module, class and table of the package that refers to it."""
    name, method = old.__name__, "." in old.__qualname__
    for module in [module for path, module in sys.modules.items() if path.split(".")[0] == "minivae"]:
        if vars(module).get(name) is old:
            setattr(module, name, new)
        for value in list(vars(module).values()) if method else ():
            if inspect.isclass(value) and vars(value).get(name) is old:
                setattr(value, name, new)
    for table in (PAIRS, ACTIVATIONS):
        for key, entry in table.items():
            if old in entry:
                parts = [new if part is old else part for part in entry]
                table[key] = entry._make(parts) if hasattr(entry, "_make") else tuple(parts)
