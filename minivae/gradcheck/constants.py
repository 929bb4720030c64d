"""Numbers that a gradient is commonly off by, and the sizes in sight that they are made of.

A factor of 0.2000 says little; 1/B says where to look. What B is comes from the shapes at hand: of the
arguments, of what the function closes over, and from the letters in its docstring.
"""

import inspect
import itertools
import math
import re

import numpy as np

__all__ = ["names_of", "digits", "sizes_of", "with_given", "letters_in", "arrays_in_closure"]

HALVES = {"2": 2, "1/2": 1 / 2}
PLAIN = {"4": 4, "1/4": 1 / 4, "3": 3, "1/3": 1 / 3, "8": 8, "1/8": 1 / 8, "10": 10,
         "1/10": 1 / 10, "255": 255, "1/255": 1 / 255, "pi": math.pi, "1/pi": 1 / math.pi, "2 pi": 2 * math.pi,
         "1/(2 pi)": 0.5 / math.pi, "sqrt(2)": math.sqrt(2), "1/sqrt(2)": math.sqrt(0.5),
         "sqrt(2 pi)": math.sqrt(2 * math.pi), "log(2)": math.log(2), "1/log(2)": 1 / math.log(2), "e": math.e,
         "1/e": 1 / math.e, "log(10)": math.log(10), "1/log(10)": 1 / math.log(10)}


def digits(value, error):
    """Return a number as text, to the digits that its error supports, four at most."""
    if value == 0:
        return "0"
    supported = 4 if error == 0 else min(4, math.floor(-math.log10(error / abs(value))))
    return f"{value:#.{max(supported, 1)}g}".rstrip(".")


def names_of(factor, error, sizes, chance=5e-2):
    """Return what a factor may be made of, such as ``("1/B",)``, the plainest first; three at most.

    Parameters
    ----------
    factor, error : float
    sizes : dict of str to int
        The lengths of axes in sight; earlier entries are preferred.
    chance : float, optional
        How many of the numbers that were tried may lie within the error of any factor: with more, a name says nothing.
    """
    value, tried, known = abs(factor), 0, {name: n for name, n in sizes.items() if n not in (0, 1)}
    error = max(error, 1e-9 * value)
    for candidates in _candidates(known):
        tried += len(candidates)
        found = [name for name, number in candidates.items() if abs(value - number) <= error and abs(number - 1) > 1e-6]
        if tried * error > chance * value:
            return ()
        if found:
            return tuple(("-" if factor < 0 else "") + name for name in found[:3])
    return ()


def _candidates(sizes):
    """Yield dicts of names and values, the plainest first."""
    yield HALVES | sizes | {f"1/{name}": 1 / n for name, n in sizes.items()}
    found = dict(PLAIN)
    for name, n in sizes.items():
        found |= {f"{name}**2": n**2, f"1/{name}**2": 1 / n**2, f"sqrt({name})": math.sqrt(n),
                  f"1/sqrt({name})": 1 / math.sqrt(n), f"2 {name}": 2 * n, f"1/(2 {name})": 0.5 / n,
                  f"{name}/2": n / 2, f"2/{name}": 2 / n}
    yield found
    found = {}
    for (name, n), (other, m) in itertools.combinations(sizes.items(), 2):
        found |= {f"{name} {other}": n * m, f"1/({name} {other})": 1 / (n * m),
                  f"{name}/{other}": n / m, f"{other}/{name}": m / n}
    for name, n in sizes.items():
        if n > 2:   # last: it is often two sizes by chance
            found |= {f"({name} - 1)/{name}": (n - 1) / n, f"{name}/({name} - 1)": n / (n - 1)}
    yield found


def sizes_of(arrays, letters=None):
    """Return the lengths of all axes by name: B for the first axis that several share, else as ``W.shape[1]``.

    Parameters
    ----------
    arrays : dict of str to ndarray
    letters : dict of str to sequence of str, optional
        Axis names where they are known, such as ``{"x": "BI"}``.
    """
    sizes = {}
    for name, axes in (letters or {}).items():
        shape = np.shape(arrays.get(name))
        if len(axes) == len(shape):
            sizes.update({letter: n for letter, n in zip(axes, shape) if letter not in sizes})
    if not sizes:
        batched = [np.shape(array)[0] for array in arrays.values() if np.ndim(array) >= 2]
        if batched:
            sizes["B"] = batched[0]
    sizes.update({name: abs(value) for name, value in arrays.items() if isinstance(value, float)})
    for name, array in arrays.items():
        for axis, n in enumerate(np.shape(array)):
            if n not in sizes.values():
                sizes[f"{name}.shape[{axis}]"] = n
    return sizes


def with_given(given, sizes):
    """Return sizes by name, given ones first; what has no name but an array's axis is left out beside them."""
    given = dict(given or {})
    return {**given, **{name: n for name, n in sizes.items()
                        if name not in given and not ("." in name and n in given.values())}}


def letters_in(function):
    """Read axis names from a numpydoc docstring: ``x : ndarray, shape (B, D)`` gives ``{"x": ["B", "D"]}``."""
    letters = {}
    for names, axes in re.findall(r"^\s*([\w, ]+?) : .*?shape \(([^()]*)\)", inspect.getdoc(function) or "", re.M):
        for name in names.split(","):
            axes_of = [axis.strip() for axis in axes.split(",") if axis.strip()]
            if all(re.fullmatch(r"[A-Za-z]\w*", axis) for axis in axes_of):
                letters[name.strip()] = axes_of
    return letters


def arrays_in_closure(function, depth=3):
    """Return the arrays and floats that a function refers to without being given them, by name.

    Parameters
    ----------
    function : callable
        Functions that it refers to are looked into as well.
    depth : int, optional
        How many functions deep.

    Returns
    -------
    dict of str to ndarray or float
    """
    try:
        seen = inspect.getclosurevars(function)
    except TypeError:   # not written in Python: nothing to see
        return {}
    found = {}
    for name, value in {**seen.globals, **seen.nonlocals}.items():
        if isinstance(value, np.ndarray) or isinstance(value, float) and name in seen.nonlocals:
            found[name] = value
        elif inspect.isfunction(value) and depth:
            found = {**arrays_in_closure(value, depth - 1), **found}
    return found
