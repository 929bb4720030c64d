"""What is handed over as a gradient, before its numbers are looked at: is it there, and of the right form?"""

from typing import NamedTuple

import numpy as np

__all__ = ["Fault", "Misfit", "raised", "as_claim", "listed", "KINDS"]

KINDS = ("raises", "missing", "surplus", "shape", "dtype", "inputs", "noise", "state", "stale", "upstream",
         "not finite", "value")   # in the order in which they should be fixed


class Fault(NamedTuple):
    """Something wrong that no number is needed to see.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    text : str
        The whole sentence.
    tensors : tuple of str
        Whose gradients it is about.
    """

    kind: str
    text: str
    tensors: tuple = ()


class Misfit(TypeError):
    """What a foreign function returned is of no use; the message says it all."""


def raised(what, error):
    """Return the Fault of a foreign function that raised, or returned what is of no use."""
    if isinstance(error, Misfit):
        return Fault("raises", str(error))
    message = " ".join(str(error).split())
    shown = message if len(message) <= 200 else message[:197] + "..."
    return Fault("raises", f"{what} raised {type(error).__name__}: {shown}" if shown
                 else f"{what} raised {type(error).__name__}")


def listed(names):
    """Return names as part of a sentence, the first three of many."""
    if len(names) <= 3:
        return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"{', '.join(names[:3])} and {len(names) - 3} more"


def as_claim(name, gradient, shape):
    """Turn what somebody returned for a gradient into an array of floats, or say why that cannot be.

    Parameters
    ----------
    name : str
        Of the tensor.
    gradient : object
        What was handed over.
    shape : tuple of int
        The tensor's.

    Returns
    -------
    claim : ndarray or None
        A copy, in its own precision. None if it has no numbers to compare.
    fault : Fault or None
        With a wrong shape there may be both: the numbers can still tell what was done.
    """
    if gradient is None:
        return None, Fault("missing", f"{name}: the gradient is missing", (name,))
    try:
        claim = np.array(gradient)   # whatever it is: foreign objects raise what they like
        if claim.dtype.kind not in "fiub":
            if claim.dtype.kind not in "cO" or claim.dtype.kind == "c" and claim.imag.any():
                raise TypeError
            claim = claim.real.astype(np.float64)
    except Exception as error:
        if "detach" in str(error):
            return None, Fault("dtype", f"{name}: the gradient must be a NumPy array; got a tensor that requires grad. "
                                        "Hand over tensor.detach().numpy()", (name,))
        kind = getattr(getattr(gradient, "dtype", None), "name", type(gradient).__name__)
        return None, Fault("dtype", f"{name}: the gradient must be an array of real numbers; got {kind}", (name,))
    if claim.shape != shape:
        return claim, Fault("shape", f"{name}: the gradient has shape {claim.shape}; {name} has shape {shape}", (name,))
    bad = ~np.isfinite(claim) if claim.dtype.kind == "f" else np.zeros(shape, bool)
    if bad.any():
        where = f" at {[int(i) for i in np.argwhere(bad)[0]]}" if shape else ""
        return None, Fault("not finite", f"{name}: {int(bad.sum())} of {claim.size} numbers of the gradient are not "
                                         f"finite; the first is {claim[bad].flat[0]}{where}", (name,))
    return claim, None
