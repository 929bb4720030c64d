"""Execute, check or render the course's notebooks.

    python notebooks/build.py                             execute all, each on a fresh kernel, and write the outputs
    python notebooks/build.py 02 03                       only those whose names begin so
    python notebooks/build.py --check                     execute and compare with the outputs that are committed
    python notebooks/build.py --render FOLDER --mathjax PATH    HTML pages of what is committed, with a local MathJax 2
    python notebooks/build.py --book FOLDER               a book of pages that need no network; executes nothing

The notebooks in solutions/ come after the course's; from each the student's copy in exercises/ is made, or compared.
How long a notebook takes is counted by the rule in minutes.py and put into its first cell.
How a check compares is told in checking.py. Exit codes: 0 in order, 1 not, 2 a wrong argument.
"""

import argparse
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

import minutes  # noqa: E402
import student_copies  # noqa: E402
from checking import blemishes, differences, stripped  # noqa: E402
from pages import mathjax_url, page  # noqa: E402

SECONDS_A_CELL = 600


def main(argv=None):
    """Do what the command line asks, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="notebooks, by the beginning of their names; by default all")
    parser.add_argument("--check", action="store_true", help="compare with what is committed, and write nothing")
    parser.add_argument("--render", metavar="FOLDER", type=pathlib.Path, help="write HTML pages; executes nothing")
    parser.add_argument("--book", metavar="FOLDER", type=pathlib.Path,
                        help="write a book of pages that need no network")
    parser.add_argument("--mathjax", metavar="PATH_OR_URL", help="a copy of MathJax 2: its folder, or its MathJax.js")
    options = parser.parse_args(argv)
    if options.check + bool(options.render) + bool(options.book) > 1:
        parser.error("--check, --render and --book are different jobs; give one.")
    paths = find(options.names, parser)
    if options.book:
        from book import write_book
        print(f"Wrote {write_book(options.book, paths)} pages to {options.book}. Open {options.book / 'index.html'}.")
        return 0
    if options.render:
        try:
            mathjax = mathjax_url(options.mathjax)
        except FileNotFoundError as error:
            parser.error(f"--mathjax: {error}")
        paths = [path for path in paths if path.parent == FOLDER]
        if not paths:
            parser.error(f"--render makes pages of the lessons, not of the solutions; got {', '.join(options.names)}.")
        if options.render.exists() and not options.render.is_dir():
            parser.error(f"--render names a folder; {options.render} is a file.")
        options.render.mkdir(parents=True, exist_ok=True)
        for path in paths:
            write(options.render / f"{path.stem}.html", page(nbformat.read(path, 4), mathjax))
        print(f"Wrote {len(paths)} pages to {options.render}.")
        return 0
    work = check if options.check else update
    return int(any([report(path, work) for path in paths]))


def find(names, parser):
    """The notebooks asked for, by the beginning of their names or of their place, in the course's order."""
    places = {path.relative_to(FOLDER).as_posix(): path
              for path in sorted(FOLDER.glob("*.ipynb")) + sorted(FOLDER.glob("solutions/*.ipynb"))}
    starts = [name.removeprefix("notebooks/") for name in names]
    asked = {start: [place for place, path in places.items() if place.startswith(start) or path.name.startswith(start)]
             for start in starts}
    for start in starts:
        if not asked[start]:
            parser.error(f"no notebook's name begins with {start!r}; there are {', '.join(places) or 'none'}.")
    return [path for place, path in places.items() if not names or any(place in found for found in asked.values())]


def report(path, work):
    """Do the work on one notebook and print what is wrong with it; True if anything is."""
    start = time.perf_counter()
    faults = work(path)
    name, seconds = path.relative_to(FOLDER).with_suffix(""), time.perf_counter() - start
    print(f"{'FAILED' if faults else 'ok':6} {name}  ({seconds:.0f} s)", flush=True)
    for fault in faults:
        print("       " + fault.replace("\n", "\n       "), flush=True)
    return bool(faults)


def update(path):
    """Execute a notebook and write it; unless a cell raises: then the file stays as it is."""
    nb, faults = execute(student_copies.with_statements(nbformat.read(path, 4)))
    if not faults:
        write(path, nbformat.writes(minutes.with_time(nb, path)) + "\n")
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


if __name__ == "__main__":
    sys.exit(main())
