"""Which numbers of a tensor are looked at, one by one and all together.

A small tensor is checked whole. Of a large one, a stratified sample is checked number by number, and random
directions check the rest together; when only a direction is wrong, halving the tensor finds the place.
"""

import numpy as np

from .probe import signs

__all__ = ["LIMIT", "coordinates", "directions", "culprit"]

LIMIT = 96     # numbers of a tensor up to which all are checked; beyond it, half as many one by one
DIRECTIONS = 2


def coordinates(claim, rng, limit=LIMIT):
    """Return the indices to check: all, or the corners, the largest, and one from each stratum.

    Parameters
    ----------
    claim : ndarray
        The claimed gradient. Its largest numbers are checked; sizes are compared to six digits, so that rounding
        does not change the choice.
    rng : numpy.random.Generator
    limit : int, optional
        Size up to which all are checked.

    Returns
    -------
    indices : list of tuple of int
        In the order of the array.
    """
    size = claim.size
    if size <= limit:
        flat = range(size)
    else:
        top = limit // 8   # so many of the largest; the corners; and the rest one from each stratum
        edges = np.linspace(0, size, limit // 2 - top - 2 + 1).astype(int)
        strata = rng.integers(edges[:-1], edges[1:])
        sizes = np.abs(claim.ravel().astype(np.float64))
        rounded = np.array([float(f"{entry:.5e}") for entry in sizes]) if size <= 4096 else sizes.astype(np.float32)
        largest = np.argsort(-rounded, kind="stable")[:top]
        flat = sorted({0, size - 1, *strata.tolist(), *largest.tolist()})
    return [tuple(map(int, np.unravel_index(place, claim.shape))) for place in flat]


def directions(lengths, rng, limit=LIMIT):
    """Return random directions in which every number of a large tensor moves by about its own length."""
    if lengths.size <= limit:
        return []
    return [signs(lengths.shape, rng) * lengths for _ in range(DIRECTIONS)]


def culprit(differs, direction):
    """Find one number by which a direction goes wrong, by halving.

    Parameters
    ----------
    differs : callable
        Takes a direction; returns True if claim and difference disagree along it.
    direction : ndarray
        One along which they do.

    Returns
    -------
    index : tuple of int
    """
    places = np.flatnonzero(direction)
    while places.size > 1:
        half = places[:places.size // 2]
        part = np.zeros(direction.size)
        part[half] = direction.ravel()[half]
        places = half if differs(part.reshape(direction.shape)) else places[places.size // 2:]
    return tuple(map(int, np.unravel_index(places[0], direction.shape)))
