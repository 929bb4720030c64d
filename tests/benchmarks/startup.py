"""How long until the first line of work: python tests/benchmarks/startup.py

Processor time of fresh interpreters, so that a busy machine does not matter; they take turns. Writes
results/startup.md.
"""

import os
import pathlib
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1])]

from timing import COLUMNS, machine, row, write_tables   # noqa: E402

ROUNDS = 21
COMMANDS = {
    "import numpy": ["-c", "import numpy"],
    "nothing": ["-c", "pass"],
    "import minivae": ["-c", "import minivae"],
    "minivae.VAE, its first use": ["-c", "import minivae; minivae.VAE"],
    "minivae.train, its first use": ["-c", "import minivae; minivae.train"],
    "python -m minivae --help": ["-m", "minivae", "--help"],
    "python -m minivae train --help": ["-m", "minivae", "train", "--help"],
}


def children():
    """Return the seconds on the processor of all the processes started here and finished."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    environment = dict(os.environ, PYTHONPATH=str(HERE.parents[1]))
    times = {name: [] for name in COMMANDS}
    for name, command in list(COMMANDS.items()) * ROUNDS:
        start = children()
        subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL, check=True)
        times[name].append(1000 * (children() - start))
    rows = [row(name, times[name], times["import numpy"]) for name in COMMANDS]
    print(*("  {:34} {:>8} {:>16} {:>8}".format(*cells) for cells in rows), sep="\n")
    write_tables(HERE / "results" / "startup.md", "How long until the first line of work",
                 f"{machine()} Milliseconds of processor time of a fresh interpreter: the median of {ROUNDS} and the "
                 "middle half; then the ratio to importing NumPy alone.",
                 [("Start-up", COLUMNS, rows)])


if __name__ == "__main__":
    main()
