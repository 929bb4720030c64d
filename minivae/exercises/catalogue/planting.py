"""Planting a mistake of the catalogue in the package, and taking it out again.

Tests plant it in the package that they import. A check of an exercise plants it in a copy of its own, so that nothing
changes for a model that is being trained in another thread.
"""

import contextlib
import functools
import importlib.util
import inspect
import pkgutil
import sys
import textwrap
import threading

__all__ = ["planted", "in_a_copy"]

PACKAGE = __package__.partition(".")[0]
COPY = f"{PACKAGE}_with_mistakes"
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def planted(mistake, package=PACKAGE):
    """Plant a mistake everywhere the package uses the function, and take it out again at the end of the block."""
    replaced = []
    try:
        for target, right, wrong in mistake.changes:
            original = pkgutil.resolve_name(f"{package}.{target}")
            changed = _rewritten(original, right, wrong)
            replaced.append((original, changed))
            _replace(package, original, changed)
        yield
    finally:
        for original, changed in reversed(replaced):
            _replace(package, changed, original)


def in_a_copy(mistake, target, call):
    """Return ``call(function)`` for a function, named as in ``Mistake.changes``, of a copy with a mistake planted."""
    with _one_at_a_time, planted(mistake, _copy()):
        return call(pkgutil.resolve_name(f"{COPY}.{target}"))


@functools.cache
def _copy():
    """Import the package a second time, under another name, and return that name."""
    found = importlib.util.find_spec(PACKAGE)
    spec = importlib.util.spec_from_file_location(COPY, found.origin, submodule_search_locations=[
        *found.submodule_search_locations])
    sys.modules[COPY] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[COPY])
    return COPY


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


def _replace(package, old, new):
    """Put one function in another's place in every module, class and table of the package that refers to it."""
    modules, classes = _places(package, len(sys.modules))
    for place in classes if "." in old.__qualname__ else modules:
        if vars(place).get(old.__name__) is old:
            setattr(place, old.__name__, new)
    tables = (f"{package}.kernels:PAIRS", f"{package}.model.mlp:ACTIVATIONS")
    for table in map(pkgutil.resolve_name, tables):
        for key, entry in table.items():
            if old in entry:
                parts = [new if part is old else part for part in entry]
                table[key] = entry._make(parts) if hasattr(entry, "_make") else tuple(parts)


@functools.lru_cache(maxsize=2)
def _places(package, imported):
    """The package's modules, and the classes in them, as long as no more modules are imported."""
    modules = [module for path, module in sys.modules.items() if path.split(".")[0] == package]
    classes = {value for module in modules for value in vars(module).values()
               if inspect.isclass(value) and value.__module__.split(".")[0] == package}
    return modules, classes
