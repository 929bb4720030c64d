"""What a committed notebook may hold, and whether two runs of it agree; ``build.py`` calls this.

Words are compared exactly and numbers as printed: decimals to one unit of the last place, everything to a relative
1e-6, and whatever lies below 1e-12 is zero. A cell that trains may carry the tag tolerance=0.02, relative. Line
numbers of source files are passed over, since any edit moves them. Images must be there and have alt text; their
pixels are not compared. A code cell tagged ``answer`` is stored folded, for the reader to open after having tried.
"""

import copy
import difflib
import pathlib
import re

import nbformat

__all__ = ["stripped", "blemishes", "differences"]

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?(?!\.?\w)", re.IGNORECASE)
LINE_NUMBER = re.compile(r"(?<=\.py):\d+")
MACHINE = re.compile(r"(?<![\w.<])/(?:home|root|tmp|Users|opt|usr|var|mnt)/\S*|\b[A-Z]:\\\S+|\bat 0x[0-9a-f]+"
                     + "|" + re.escape(str(ROOT)) + r"\S*")
MARKDOWN_IMAGE, HTML_IMAGE = re.compile(r"!\[\s*\]\("), re.compile(r"<img\b(?![^>]*\balt=[\"'][^\"'])", re.IGNORECASE)
FOLDED = {"source_hidden": True, "outputs_hidden": True}  # how JupyterLab keeps a folded cell
WIDGET = "application/vnd.jupyter.widget-view+json"


def stripped(nb):
    """A copy without what changes from run to run, or from one editor to the next."""
    nb = copy.deepcopy(nb)
    nb.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("nbgrader", "tags")
                                            if cell.metadata.get(key)})
        if "answer" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = nbformat.from_dict(FOLDED)
        if cell.cell_type == "code":  # a widget lives only beside a kernel: a page shows the static figure
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
            for output in cell.outputs:
                output.pop("transient", None)
    return nb


def blemishes(nb):
    """Sentences about what no committed notebook may have."""
    faults = [] if stripped(nb) == nb else ["metadata: holds what changes from run to run; run notebooks/build.py"]
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        faults.append(f"execution counts are {counts}, not 1, 2, 3 …: run notebooks/build.py")
    for number, cell in enumerate(nb.cells):
        texts = [cell.source]
        for output in cell.get("outputs", []):
            texts += [text for _, text in texts_of(output)]
            faults += [f"cell {number}: {fault}" for fault in output_blemishes(output)]
        found = {match.group() for text in texts for match in MACHINE.finditer(text)}
        faults += [f"cell {number}: names a place on one machine, {place!r}" for place in sorted(found)]
        shown = texts if cell.cell_type == "markdown" else texts[1:]
        if any(MARKDOWN_IMAGE.search(text) or HTML_IMAGE.search(text) for text in shown):
            faults.append(f"cell {number}: an image without alt text")
    return faults


def output_blemishes(output):
    if output.output_type == "error":
        return [f"its output is an error, {output.ename}: {output.evalue}"]
    if output.get("name") == "stderr":
        return [f"writes to stderr: {output.text.strip()[:200]!r}"]
    return [f"an {kind} without alt text: show figures with mv.show(figure, alt=...)" for kind in output.get("data", {})
            if kind.startswith("image/") and len(output.metadata.get(kind, {}).get("alt", "").split()) < 3]


def texts_of(output):
    """Pairs (what it is, text) of all that an output says in words, alt text among it."""
    if output.output_type == "stream":
        return [(output.name, output.text)]
    data = output.get("data", {})
    return ([(kind, text) for kind, text in data.items() if isinstance(text, str) and not kind.startswith("image/")]
            + [(f"alt text of {kind}", about["alt"]) for kind, about in output.get("metadata", {}).items()
               if "alt" in about])


def differences(committed, fresh):
    """Sentences about how a fresh run's outputs differ from the committed ones."""
    faults = []
    for number, (cell, now) in enumerate(zip(committed.cells, fresh.cells, strict=True)):
        if cell.cell_type != "code":
            continue
        tolerance = max([1e-6, *(float(tag.partition("=")[2]) for tag in cell.metadata.get("tags", [])
                                 if tag.startswith("tolerance="))])
        kinds, kinds_now = ([sorted(output.get("data", {output.get("name"): 0})) for output in c.outputs]
                            for c in (cell, now))
        if kinds != kinds_now:
            faults.append(f"cell {number}: {kinds} was committed; {kinds_now} came")
            continue
        for output, output_now in zip(cell.outputs, now.outputs):
            for (what, text), (_, text_now) in zip(sorted(texts_of(output)), sorted(texts_of(output_now)), strict=True):
                if not alike(text, text_now, tolerance):
                    faults.append(f"cell {number}, {what}:\n{line_by_line(text, text_now, tolerance)}")
    return faults


def alike(text, now, tolerance):
    """Whether two texts have the same words, and numbers that agree."""
    text, now = (LINE_NUMBER.sub(":line", t) for t in (text, now))
    words, words_now = (NUMBER.sub(" # ", t).split() for t in (text, now))
    return words == words_now and all(
        agree(a, b, tolerance) for a, b in zip(NUMBER.findall(text), NUMBER.findall(now), strict=True))


def agree(a, b, tolerance):
    """Whether two printed numbers agree, as the top of this file says."""
    (a, place_a), (b, place_b) = printed(a), printed(b)
    size = max(abs(a), abs(b))
    return abs(a - b) <= max(tolerance * size, min(1.01 * max(place_a, place_b), 0.05 * size), 1e-12)


def printed(number):
    """A printed number's value, and what its last place is worth; 0 for an integer."""
    text = number.replace(",", "").replace("−", "-").lower()
    mantissa, _, exponent = text.partition("e")
    _, point, decimals = mantissa.partition(".")
    return float(text), 10.0 ** (int(exponent or 0) - len(decimals)) if point or exponent else 0.0


def line_by_line(text, now, tolerance, most=12):
    """The lines that differ, committed (-) and fresh (+)."""
    old, new = text.splitlines(), now.splitlines()
    if len(old) == len(new):  # leave out the lines whose numbers agree
        lines = [line for a, b in zip(old, new) if not alike(a, b, tolerance) for line in (f"- {a}", f"+ {b}")]
    else:
        lines = [line for line in difflib.ndiff(old, new) if line[0] in "-+"]
    return "\n".join(lines[:most] + ["  …"] * (len(lines) > most))
