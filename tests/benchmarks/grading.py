"""How long a class takes to grade: python tests/benchmarks/grading.py

A hundred students each hand in a folder with all notebooks of exercises. Of their answers about three in five are the
solution, one in five has something changed in it, and one in five is the untouched stub. The class is
graded with one job and with two. The processor's time is that of all processes. On a machine that is busy with other
work the same instructions take longer: a loop of a known length, run now and then meanwhile, says how much longer.
Writes results/grading.md.
"""

import argparse
import json
import pathlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT)]

from timing import machine, write_tables   # noqa: E402

CHANGES = ((r"axis=0", "axis=1"), (r"\.T\b", ""), (r"\b0\.5\b", "1.0"), (r"\+ ", "- "), (r"- 1\b", "+ 1"),
           (r"\*\*2", ""), (r"return ", "return 2 * "), (r"\bnp\.exp\(", "np.tanh("), (r" / ", " * "),
           (r"dy\b", "y"), (r"x", "X"))
SHARES = ("right",) * 3 + ("changed", "stub")


def hand_in(folder, student):
    """Write one student's notebooks; what she hands in depends on her number alone."""
    folder.mkdir(parents=True)
    rng = random.Random(student)
    for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        stubs = json.loads((ROOT / "notebooks" / "exercises" / path.name).read_text(encoding="utf-8"))["cells"]
        stubs = {_name(cell): "".join(cell["source"]) for cell in stubs}
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code" and _name(cell) in stubs and not _name(cell).startswith("own_"):
                cell["source"] = answer("".join(cell["source"]), stubs[_name(cell)], rng)
        (folder / path.name).write_text(json.dumps(notebook), encoding="utf-8")


def _name(cell):
    """The exercise's name; the capstone's begin with own_, and no cell's is empty."""
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "own_")


def answer(solution, stub, rng):
    """An answer: right, with one change, or the stub."""
    kind = rng.choice(SHARES)
    if kind == "stub":
        return stub
    if kind == "changed":
        fitting = [change for change in CHANGES if re.search(change[0], solution.partition(":\n")[2])]
        pattern, text = rng.choice(fitting or [(r"$", "")])
        head, _, body = solution.partition(":\n")
        place = rng.choice(list(re.finditer(pattern, body)))
        return f"{head}:\n{body[:place.start()]}{text}{body[place.end():]}"
    return solution


def graded(folder, jobs):
    """Return the seconds on the clock and of the processor, how many times too long a loop took, and the table."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "minivae", "grade", str(folder), "--fresh", "--seed", "1", "--json",
               "--jobs", str(jobs)]
    loops = []
    with tempfile.TemporaryFile() as out:
        grader = subprocess.Popen(command, cwd=ROOT, stdout=out)
        while grader.poll() is None:
            loops.append(loop())
            time.sleep(1)
        out.seek(0)
        table = json.loads(out.read())
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, processor, statistics.mean(loops) / min(loop() for _ in range(200)), table


def loop():
    """The processor's time for two hundred thousand additions."""
    began, total = time.process_time(), 0
    for k in range(200_000):
        total += k
    return time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for student in range(options.students):
            hand_in(pathlib.Path(place, "class", f"student {student:03}"), student)
        for jobs in options.jobs:
            took, processor, slow, table = graded(pathlib.Path(place, "class"), jobs)
            each = sorted(one["seconds"] for one in table["submissions"])
            states = [about["state"] for one in table["submissions"] for about in one["exercises"].values()]
            median, most = statistics.median(each), each[-1]
            rows.append([str(jobs), f"{took:.0f}", f"{processor:.0f}", f"{slow:.2f}", f"{processor / slow:.0f}",
                         f"{median:.2f}", f"{most:.2f}"])
            print(*rows[-1], *(f"{states.count(state)} {state}" for state in sorted(set(states))), flush=True)
            write(rows, options.students, len(table["exercises"]), states)


def write(rows, students, exercises, states):
    """Write what has been measured so far."""
    columns = ["jobs", "seconds", "of the processor", "slower than alone", "of the processor, alone", "median student",
               "slowest student"]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    text = (f"{students} students with {exercises} exercises each: {counts}. {machine()} Times are in seconds. Where "
            "the machine did other work meanwhile, a loop took so many times longer than its fastest run; the "
            "processor's time divided by that is about what the class takes alone. By `tests/benchmarks/grading.py`.")
    write_tables(HERE / "results" / "grading.md", "Grading a class", text, [("Time", columns, rows)])


if __name__ == "__main__":
    main()
