"""Execute, check or render the course's notebooks.

    python notebooks/build.py                             execute all, each on a fresh kernel, and write the outputs
    python notebooks/build.py 02 03                       only those whose names begin so
    python notebooks/build.py --check                     execute and compare with the outputs that are committed
    python notebooks/build.py --render FOLDER --mathjax PATH    HTML pages of what is committed, with a local MathJax 2

The notebooks in solutions/ come after the course's; from each the student's copy in exercises/ is made, or compared.
A check compares words exactly and numbers as printed: decimals to one unit of the last place, everything to a
relative 1e-6, and whatever lies below 1e-12 is nought. A cell that trains may carry the tag tolerance=0.02, relative.
Line numbers of source files are passed over, since any edit moves them. Images must be there and have alt text; their
pixels are not compared. Exit codes: 0 in order, 1 not, 2 a wrong argument.
"""

import argparse
import copy
import difflib
import os
import pathlib
import re
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent
sys.path[:0] = [str(FOLDER), str(ROOT)]

import student_copies  # noqa: E402

SECONDS_A_CELL = 600

NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?(?!\.?\w)", re.IGNORECASE)
LINE_NUMBER = re.compile(r"(?<=\.py):\d+")
MACHINE = re.compile(r"(?<![\w.<])/(?:home|root|tmp|Users|opt|usr|var|mnt)/\S*|\b[A-Z]:\\\S+|\bat 0x[0-9a-f]+"
                     + "|" + re.escape(str(ROOT)) + r"\S*")
MARKDOWN_IMAGE, HTML_IMAGE = re.compile(r"!\[\s*\]\("), re.compile(r"<img\b(?![^>]*\balt=[\"'][^\"'])", re.IGNORECASE)
WIDGET = "application/vnd.jupyter.widget-view+json"

TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
main {max-width: 62rem; margin: auto}
.jp-RenderedMarkdown .highlight pre {font-family: var(--jp-code-font-family); margin: 0 0 1em 0}
.jp-RenderedLatex {font-size: var(--jp-content-font-size1)}
</style>
{%- endblock -%}
{%- block data_png scoped -%}
{%- set about = output.metadata.get('image/png', {}) -%}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
{% if about.width %}width="{{ about.width }}"{% endif %} alt="{{ about.get('alt', '') | escape_html_keep_quotes }}">
</div>
{%- endblock -%}
"""


def main(argv=None):
    """Do what the command line asks, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="notebooks, by the beginning of their names; by default all")
    parser.add_argument("--check", action="store_true", help="compare with what is committed, and write nothing")
    parser.add_argument("--render", metavar="FOLDER", type=pathlib.Path, help="write HTML pages; executes nothing")
    parser.add_argument("--mathjax", metavar="PATH_OR_URL", help="a copy of MathJax 2: its folder, or its MathJax.js")
    options = parser.parse_args(argv)
    if options.check and options.render:
        parser.error("--check and --render are two jobs; give one.")
    paths = find(options.names, parser)
    if options.render:
        mathjax = mathjax_url(options.mathjax, parser)
        options.render.mkdir(parents=True, exist_ok=True)
        paths = [path for path in paths if path.parent == FOLDER]
        for path in paths:
            write(options.render / f"{path.stem}.html", page(nbformat.read(path, 4), mathjax))
        print(f"Wrote {len(paths)} pages to {options.render}.")
        return 0
    work = check if options.check else update
    return int(any([report(path, work) for path in paths]))


def find(names, parser):
    """The notebooks asked for, in the course's order."""
    paths = sorted(FOLDER.glob("*.ipynb")) + sorted(FOLDER.glob("solutions/*.ipynb"))
    starts = tuple(pathlib.Path(name).name for name in names)
    for start in starts:
        if not any(path.name.startswith(start) for path in paths):
            parser.error(f"no notebook's name begins with {start!r}; there are {', '.join(p.stem for p in paths) or 'none'}.")
    return [path for path in paths if not names or path.name.startswith(starts)]


def report(path, work):
    """Do the work on one notebook and print what is wrong with it; True if anything is."""
    start = time.perf_counter()
    faults = work(path)
    print(f"{'FAILED' if faults else 'ok':6} {path.relative_to(FOLDER).with_suffix('')}  ({time.perf_counter() - start:.0f} s)", flush=True)
    for fault in faults:
        print("       " + fault.replace("\n", "\n       "), flush=True)
    return bool(faults)


def update(path):
    """Execute a notebook and write it; unless a cell raises: then the file stays as it is."""
    nb, faults = execute(student_copies.with_statements(nbformat.read(path, 4)))
    if not faults:
        write(path, nbformat.writes(nb) + "\n")
        faults = blemishes(nb)
        if student_copies.copy_of(path):
            write(student_copies.copy_of(path), nbformat.writes(student_copies.student_copy(nb)) + "\n")
    return faults


def check(path):
    """What is wrong with a committed notebook: by itself, and beside what a fresh kernel prints."""
    committed = nbformat.read(path, 4)
    fresh, faults = execute(committed)
    return blemishes(committed) + (faults or differences(committed, fresh)) + student_copies.faults(path, committed)


def write(path, text):
    """Write a text file whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)


def execute(nb):
    """Run a copy of a notebook on a fresh kernel, in an empty folder, and return it stripped, with what failed."""
    nb = stripped(nb)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums are then added up in the same order on every machine
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYTHONDIR"] = os.path.join(folder, "ipython")  # nobody's own start-up files
        client = NotebookClient(nb, timeout=SECONDS_A_CELL, kernel_name="python3", record_timing=False,
                                coalesce_streams=True, store_widget_state=False,
                                extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": folder}})
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return nb, [re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()]
    return stripped(nb), []


def stripped(nb):
    """A copy without what changes from run to run, or from one editor to the next."""
    nb = copy.deepcopy(nb)
    nb.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("nbgrader", "tags") if cell.metadata.get(key)})
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
            + [(f"alt text of {kind}", about["alt"]) for kind, about in output.get("metadata", {}).items() if "alt" in about])


def differences(committed, fresh):
    """Sentences about how a fresh run's outputs differ from the committed ones."""
    faults = []
    for number, (cell, now) in enumerate(zip(committed.cells, fresh.cells, strict=True)):
        if cell.cell_type != "code":
            continue
        tolerance = max([1e-6, *(float(tag.partition("=")[2]) for tag in cell.metadata.get("tags", [])
                                 if tag.startswith("tolerance="))])
        kinds, kinds_now = ([sorted(output.get("data", {output.get("name"): 0})) for output in c.outputs] for c in (cell, now))
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
    """A printed number's value, and what its last place is worth; nought for an integer."""
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


def mathjax_url(given, parser):
    """Where pages find MathJax: a URL as it is, a path as a file: URL with the configuration that pages need."""
    if given is None or "://" in given:
        return given
    path = pathlib.Path(given).resolve()
    path = path / "MathJax.js" if path.is_dir() else path
    if not path.is_file():
        parser.error(f"--mathjax: no MathJax.js at {given}. Pages want version 2: npm pack mathjax@2")
    return path.as_uri() + "?config=TeX-AMS_CHTML-full,Safe"


def page(nb, mathjax):
    """A notebook as an HTML page; links to other notebooks lead to their pages."""
    from nbconvert import HTMLExporter  # only when somebody renders

    exporter = HTMLExporter(raw_template=TEMPLATE, **({"mathjax_url": mathjax} if mathjax else {}))
    title = next((line.lstrip("# ") for cell in nb.cells for line in cell.source.splitlines() if line.startswith("# ")), "")
    html, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": title}})
    return re.sub(r'(href="(?:\./)?[\w-]+)\.ipynb', r"\1.html", html)


if __name__ == "__main__":
    sys.exit(main())
