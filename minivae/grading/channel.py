"""The messages between the grader and the process of a submission: lines of JSON, with arrays as bytes in base 64.

Nothing is ever unpickled, and what arrives is checked: a dtype must be one of plain numbers, a shape must fit the
bytes, and the length of a line is limited.
"""

import base64
import json
import math
import re

import numpy as np

from ..exercises.answers.foreign import NUMBERS, Other, printable

__all__ = ["LONGEST", "to_line", "from_line", "checked_reply", "encoded", "decoded", "Garbled"]

LONGEST = 2**25   # bytes of one line
DEEPEST = 8       # levels of lists and dicts within one another
MOST_AXES = 16    # of an array


class Garbled(ValueError):
    """A line that is not a message."""


def to_line(message):
    """Return a message as one line of bytes."""
    return json.dumps(message).encode("ascii") + b"\n"


def from_line(line):
    """Return the message in a line, a dict; raise Garbled if there is none."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Garbled("it is not JSON") from error
    if not isinstance(message, dict):
        raise Garbled("it is not a message")
    return message


def checked_reply(message, number, arguments):
    """Return a reply to a call after a check of all its parts; raise Garbled if one is wrong.

    Parameters
    ----------
    message : dict
    number : int
        The number of the call to which it should be the reply.
    arguments : int
        How many arguments the call had.
    """
    if set(message) == {"ask", "at"} and type(message["ask"]) is int and message["ask"] >= 0:
        return message
    if type(message.get("id")) is not int or message["id"] != number:
        raise Garbled("it answers another question")
    changed, warned = message.get("changed"), message.get("warned")
    whole = isinstance(changed, list) and all(type(k) is int and 0 <= k < arguments for k in changed)
    whole &= isinstance(warned, list) and len(warned) <= 100 and all(isinstance(text, str) for text in warned)
    parts = set(message) - {"id", "changed", "warned"}
    if parts == {"result", "overwrote"}:
        whole &= type(message["overwrote"]) is bool
    elif parts == {"failed", "unwritten", "about"}:
        whole &= isinstance(message["failed"], str) and isinstance(message["about"], str)
        whole &= type(message["unwritten"]) is bool
    else:
        whole = False
    if not whole:
        raise Garbled("a part of it is missing or is not what it should be")
    return message


def encoded(value, functions=None):
    """Return a plain value in the types that JSON has.

    Parameters
    ----------
    value : object
        A value as ``foreign.plain`` returns it.
    functions : list, optional
        A list to which functions are added that the other side may call.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.ndim > MOST_AXES:
            return {"other": f"array of {array.ndim} axes"}
        if array.size > NUMBERS or array.nbytes > LONGEST // 2:
            return {"other": f"array of shape {array.shape}"}
        data = base64.b64encode(array.tobytes()).decode()
        return {"array": data, "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, int):
        return value if abs(value) < 2**63 else {"other": "whole number of many digits"}
    if isinstance(value, float):
        return {"float": value.hex() if math.isfinite(value) else str(value)}
    if isinstance(value, complex):
        return encoded(np.complex128(value))
    if isinstance(value, list):
        return {"list": [encoded(entry, functions) for entry in value]}
    if isinstance(value, dict):
        return {"dict": [[str(key), encoded(entry, functions)] for key, entry in value.items()]}
    if callable(value) and functions is not None:
        functions.append(value)
        return {"function": len(functions) - 1}
    return {"other": value.kind if isinstance(value, Other) else type(value).__name__}


def decoded(part, call_back=None, depth=DEEPEST):
    """Return the plain value from which ``encoded`` made this; raise Garbled if there is none.

    Parameters
    ----------
    part : object
    call_back : callable, optional
        ``call_back(number)`` returns a function that calls the other side's function with that number.
    """
    if part is None or isinstance(part, (bool, int, str)):
        return printable(part, 10_000) if isinstance(part, str) else part
    if isinstance(part, dict) and depth:
        if "array" in part:
            return _array(part)
        if isinstance(part.get("float"), str):
            return _float(part["float"])
        if isinstance(part.get("list"), list):
            return [decoded(entry, call_back, depth - 1) for entry in part["list"]]
        pairs = part.get("dict")
        if isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return {printable(key): decoded(entry, call_back, depth - 1) for key, entry in pairs}
        if call_back and isinstance(part.get("function"), int):
            return call_back(part["function"])
        if isinstance(part.get("other"), str):
            return Other(printable(part["other"], 80))
    raise Garbled("a part of it is not a value")


def _float(text):
    try:
        return float.fromhex(text)
    except (ValueError, OverflowError) as error:
        raise Garbled("a part of it is not a number") from error


def _array(part):
    try:
        shape = part["shape"]
        if not re.fullmatch(r"[<>|=][fiubc]\d{1,2}", part["dtype"]) or not isinstance(shape, list):
            raise ValueError
        if len(shape) > MOST_AXES or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError
        dtype, data = np.dtype(part["dtype"]), base64.b64decode(part["array"], validate=True)
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError
        return np.frombuffer(data, dtype).reshape(shape).copy()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Garbled("a part of it is not an array") from error
