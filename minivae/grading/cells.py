"""From the bytes of a student's file to its code cells and Python statements. Nothing is run here.

A file may have another encoding than UTF-8. Of a notebook, which may hold megabytes of output, only the code is kept.
IPython's own transformer turns magics into Python. A syntax error costs the statement that has it and no other.
"""

import ast
import codecs
import io
import json
import re
import tokenize
import warnings

from ..exercises.answers.foreign import printable

__all__ = ["Unreadable", "cells_of", "statements_of"]

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
HARMLESS = ("time", "timeit", "capture", "prun")   # cell magics whose cell is ordinary code, which is run
TOGETHER = 60   # the most groups of lines that are joined and tried as one statement
TRIES = 5000    # the most such trials in one cell


class Unreadable(ValueError):
    """A file from which no code can be read."""


def cells_of(data, notebook):
    """Return the code cells of a file.

    Parameters
    ----------
    data : bytes
    notebook : bool
        Whether it is a notebook; else it is Python, one cell.

    Returns
    -------
    list of (str, str)
        Each cell's name and its source.

    Raises
    ------
    Unreadable
        If no code can be read; it says why.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("the file is empty: ask for it again")
    text = _text(data, notebook)
    if not notebook:
        return [("", text)]
    try:
        cells = json.loads(text)["cells"]
        return [(f"cell {number}", _joined(cell.get("source", ""))) for number, cell in enumerate(cells, 1)
                if cell.get("cell_type") == "code"]
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the file cannot be read: it is not a complete notebook ({printable(error, 80)})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable("the file cannot be read: it has no cells, or is of a format older than 4") from error


def _joined(source):
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _text(data, notebook):
    """Return the text of a file, by its byte order mark, the encoding that it declares, as UTF-8 or else as Latin-1."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", errors="replace")
    if data[:1] == b"\0":
        return data.decode("utf-16-be", errors="replace")
    try:
        encoding = "utf-8" if notebook else tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return data.decode("latin-1")


def statements_of(source, name):
    """Return the statements of a cell that are valid Python, and what is wrong with the rest.

    Parameters
    ----------
    source, name : str

    Returns
    -------
    source : str
        The source with magics turned into calls.
    statements : list of ast.stmt
    trouble : list of str
        A sentence for each piece that is not valid Python.
    """
    try:
        return source, _parsed(source), []
    except SyntaxError:
        pass
    source = _as_python(source)
    try:
        return source, _parsed(source), []
    except SyntaxError:
        statements, wrong = _piece_by_piece(source.splitlines(True))
    return source, statements, [f"{_place(name, line)}: SyntaxError: {printable(text)}" for line, text in wrong]


def _place(name, line):
    return f"{name}, line {line}" if name else f"line {line}"


def _parsed(source):
    """Return the statements of a source; raise SyntaxError for anything that the parser cannot read."""
    try:
        with warnings.catch_warnings():   # invalid escapes in strings are not reported here
            warnings.simplefilter("ignore")
            return ast.parse(source).body
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from error


def _as_python(source):
    """Return the source with its magics turned into Python by IPython, if it is installed."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return source
    lines = source.splitlines(True)
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    magic = re.match(r"%%(\w+)", lines[first]) if lines else None
    if magic and magic[1] in HARMLESS:
        lines[first] = "\n"   # drop its line only, so that magics within the cell are transformed too
    try:
        return TransformerManager().transform_cell("".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return "".join(lines)


def _piece_by_piece(lines):
    """Return the statements that can be parsed, and the line and message of each piece that cannot."""
    starts = [k for k, line in enumerate(lines) if re.match(r"[^\s#]", line)
              and not re.match(r"(else|elif|except|finally)\b", line) and not (k and lines[k - 1].startswith("@"))]
    starts = starts + [len(lines)]
    statements, wrong, k, tries = [], [], 0, TRIES
    while k < len(starts) - 1:
        first_error = None
        most = TOGETHER if tries > 0 else 2   # a string may continue at the beginning of a line
        for end in range(k + 1, min(k + most, len(starts))):
            tries -= 1
            try:
                piece = _parsed("".join(lines[starts[k]:starts[end]]))
            except SyntaxError as error:
                first_error = first_error or error
                continue
            statements += [ast.increment_lineno(one, starts[k]) for one in piece]
            k = end
            break
        else:
            wrong.append((starts[k] + (first_error.lineno or 1), first_error.msg))
            k += 1
    return statements, wrong
