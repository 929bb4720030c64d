"""What the benchmarks of speed share: the machine by its kind, medians with their spread, and tables."""

import importlib.metadata
import os
import pathlib
import platform
import statistics
import time

__all__ = ["CLOCKS", "add_clock", "machine", "row", "write_tables", "COLUMNS"]

COLUMNS = ["", "ms", "middle half", "ratio"]  # what `row` returns
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def add_clock(parser):
    """Add the option that names the clock."""
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall",
                        help="cpu counts this process's own time on the "
                        "cores: for one thread on a machine that is busy with other things")


def machine():
    """Describe this machine by its kind, and the versions of the libraries that are compared."""
    path = pathlib.Path("/proc/cpuinfo")
    flags = path.read_text(encoding="utf-8").split() if path.exists() else []
    kind = " virtual machine" if "hypervisor" in flags else " machine"
    vectors = next((f" with {name}" for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")
    versions = []
    for package in ("numpy", "torch", "jax", "autograd"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    versions = ", ".join([f"Python {platform.python_version()}", *versions])
    return f"{os.cpu_count()}-core {platform.machine()}{kind}{vectors}; {versions}."


def row(name, times, reference):
    """Return a table's row: name, median, the middle half, and the median ratio to the reference, round by round."""
    low, _, high = statistics.quantiles(times, n=4)
    ratio = statistics.median(time / other for time, other in zip(times, reference))
    return [name, f"{statistics.median(times):.3g}", f"{low:.3g} to {high:.3g}", f"{ratio:.2f}"]


def write_tables(path, title, text, parts):
    """Write a markdown page: a title, a paragraph, and a table for each (heading, columns, rows)."""
    lines = [f"# {title}", "", text]
    for heading, columns, rows in parts:
        lines += ["", f"## {heading}", "", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
