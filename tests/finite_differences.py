"""A numeric derivative with which the written ones are compared: fourth-order central differences, in float64."""

import numpy as np

STEP = 1e-3  # truncation of order STEP**4 and rounding of order 1e-16 / STEP then both lie near 1e-13


def gradient(f, array):
    """Return df/darray for a scalar f of one array, which is perturbed in place and put back."""
    slopes = np.empty(array.shape)
    for place in np.ndindex(array.shape):
        value = array[place]
        points = []
        for steps in (-2, -1, 1, 2):
            array[place] = value + steps * STEP
            points.append(float(f(array)))
        array[place] = value
        slopes[place] = (points[0] - 8 * points[1] + 8 * points[2] - points[3]) / (12 * STEP)
    return slopes


def relative_error(actual, expected, scale=None):
    """Return the largest difference, relative to the tensor's largest entry (or the given scale).

    Below a scale of 1e-4 the numeric derivative's own rounding, some 1e-12, would be all that is measured.
    """
    scale = np.max(np.abs(expected), initial=1e-4) if scale is None else scale
    return np.max(np.abs(np.asarray(actual) - expected), initial=0) / scale
