"""How a trace shows itself, in a terminal and in a notebook, from the same facts.

For each symbol: what it means, its equation, where in the code it is computed, its shape, the range of its
values and of its gradient. Arrays of up to a dozen numbers print whole.
"""

import html

import numpy as np

from ..derivation import equation_of, locate

__all__ = ["as_text", "as_html"]

SMALL = 12  # numbers: the course's toy of 3 examples and 4 pixels prints whole


def as_text(trace):
    """Return the trace as text, two lines a symbol and more where an array prints whole."""
    lines = [_title(trace)]
    for row in _rows(trace):
        lines.append(f"{row['symbol']:14} {row['shape']:10} {row['equation']:>5}  {row['meaning']}")
        if row["where"]:
            lines.append(f"{'':33}{row['where']}")
        for label in ("value", "gradient"):
            if row[label] is not None:
                text = row[label].replace("\n", "\n" + " " * 13)
                lines.append(f"    {label:8} {text}")
    return "\n".join(lines)


def as_html(trace):
    """Return the trace as an HTML table, one row a symbol."""
    columns = ["symbol", "meaning", "equation", "where", "shape", "value", "gradient"]
    rows = list(_rows(trace))
    columns = [column for column in columns if any(row[column] is not None for row in rows)]
    head = "".join(f"<th style='text-align:left'>{column}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(
            f"<td style='text-align:left; white-space:pre; font-family:monospace'>{html.escape(row[column] or '')}</td>"
            for column in columns
        ) + "</tr>"
        for row in rows
    )
    return f"<p>{html.escape(_title(trace))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _title(trace):
    if trace.forward is not None:
        return "Trace of gradients, ∂loss/∂symbol, beside the values"
    return f"Trace of values, β = {trace.beta:g}" if trace.beta is not None else "Trace"


def _rows(trace):
    values = trace if trace.forward is None else trace.forward
    for symbol, value in values.items():
        entry = equation_of(symbol, values)
        function = entry and entry.computed_by
        yield {
            "symbol": symbol,
            "meaning": entry.meaning if entry else "",
            "equation": entry.number if entry else "",
            "where": "{} {}:{}".format(*locate(function)) if function else "",
            "shape": str(np.shape(value)),
            "value": _summary(value),
            "gradient": None if trace.forward is None else _gradient(trace[symbol]),
        }


def _gradient(gradient):
    return "none: not differentiated" if gradient is None else _summary(gradient)


def _summary(array):
    array = np.asarray(array)
    if array.size <= SMALL:
        return np.array2string(array, precision=4, suppress_small=False, floatmode="maxprec")
    return f"{array.min():.4g} … {array.max():.4g}"
