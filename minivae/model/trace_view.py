"""The table that a trace prints: as text in a terminal, as HTML in a notebook.

For each symbol it has the meaning, the equation, the place in the code, the shape, and the range of the values and of
the gradient. Arrays of up to a dozen numbers are printed whole.
"""

import html
import inspect
import linecache
import re

import numpy as np

from ..derivation import equation_of, locate
from ..derivation.registry import in_package

__all__ = ["as_text", "as_html"]

SMALL = 12  # numbers: the course's toy of 3 examples and 4 pixels prints whole


def as_text(trace):
    """Return the trace as text: two lines for each symbol, more where an array is printed whole."""
    lines = [_title(trace)]
    for row in _rows(trace):
        lines.append(f"{row['symbol']:14} {row['shape']:10} {row['meaning']}")
        where = f"    [{row['where']}]" if row["where"] else ""
        lines.append(f"{'':14} {row['equation']:>5}  {row['formula']}{where}")
        for label in ("value", "gradient"):
            if row[label] is not None:
                text = row[label].replace("\n", "\n" + " " * 15)
                lines.append(f"      {label:8} {text}")
    return "\n".join(lines)


def as_html(trace):
    """Return the trace as an HTML table with two rows for each symbol: what it is, and its numbers."""
    columns = ["symbol", "shape", "value"] + (["gradient"] if trace.forward is not None else [])
    left = "text-align:left; vertical-align:top; padding:2px 12px 2px 0"
    exact = f"<td style='{left}; white-space:pre; font-family:monospace'>"
    head = "".join(f"<th style='{left}'>{column}</th>" for column in columns)
    body = "".join(
        "<tr>" + exact + f"<b>{row['symbol']}</b></td>"
        f"<td style='{left}' colspan='{len(columns) - 1}'>{html.escape(row['meaning'])}<br>"
        f"<code>({row['equation']})  {html.escape(row['formula'])}</code><br>"
        f"<small>{html.escape(row['where'])}</small></td></tr>"
        "<tr><td></td>" + "".join(exact + html.escape(row[column]) + "</td>" for column in columns[1:]) + "</tr>"
        for row in _rows(trace)
    )
    return f"<p>{html.escape(_title(trace))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _title(trace):
    if trace.forward is not None:
        return "Trace of gradients, ∂loss/∂symbol, beside the values"
    return f"Trace of values, β = {trace.beta:g}" if trace.beta is not None else "Trace"


def _rows(trace):
    values, gradients = (trace, None) if trace.forward is None else (trace.forward, trace)
    for symbol, value in values.items():
        entry = equation_of(symbol, values)
        yield {
            "symbol": symbol,
            "meaning": entry.meaning,
            "equation": entry.number,
            "formula": entry.plain,
            "where": _where(symbol, trace),
            "shape": str(np.shape(value)),
            "value": _summary(value),
            "gradient": None if gradients is None else _gradient(gradients[symbol]),
        }


def _where(symbol, trace):
    """Return which function computes a symbol, or its gradient, and where: the exact line within the chain."""
    values = trace.forward or trace
    if trace.forward and not values.chain.get(symbol):
        return ""  # data and noise
    function = equation_of(symbol, values).computed_by
    if function is None:
        return ""
    if not trace.forward and symbol == "log_likelihood" and values.likelihood:
        function = f"kernels:{values.likelihood}"  # one equation, two kernels: a fixed or a learned variance
    if symbol.endswith(".h"):
        function = "model.mlp:MLP." + ("backward" if trace.forward else "forward")
    elif trace.written and (trace.forward or function.endswith(".forward") and ":MLP" not in function):
        return _line(symbol, trace)
    name, file, line = locate(function)
    return f"{name} {file}:{line}"


def _line(symbol, trace):
    """Find the line that assigns a symbol in the function that filled the trace, by the spellings that vae.py lists."""
    name, file, start = trace.written
    variable = "d" if trace.forward else "t"
    target = r"\[y\]" if symbol in ("logits", "mean") else rf"\.{symbol}\b"
    target = target + ".*" if trace.chain.get(symbol) else ""  # data and noise come in where the trace is opened
    assigned = re.compile(rf"\b{variable}{target} = ")
    lines = linecache.getlines(file)[start - 1:]
    body = inspect.getblock(lines) if lines else []
    line = start + next((place for place, text in enumerate(body) if assigned.search(text)), 0)
    return f"{name} {in_package(file)}:{line}"


def _gradient(gradient):
    if gradient is None:
        return "none: not differentiated"
    return _summary(gradient) if np.any(gradient) else "0: the loss does not depend on it"


def _summary(array):
    array = np.asarray(array)
    if array.size <= SMALL:
        return np.array2string(array, precision=4)
    low, high = array.min(), array.max()
    return f"{low:.4g}" if low == high else f"{low:.4g} … {high:.4g}"
