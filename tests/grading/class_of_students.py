"""A class of students: what each hands in, what the result must be, and a word it must contain. Some are hostile."""

import json
import textwrap
from typing import NamedTuple

from exercises.notebooks import FOLDER


class Student(NamedTuple):
    """One submission.

    Attributes
    ----------
    text : str or bytes
        Of the file.
    states : dict of str to str, or None
        By exercise; None where dense_dW may fail in more than one way, but must fail.
    told : str
        Must stand in what is written about it.
    """

    text: str | bytes
    states: dict | None
    told: str = ""


RIGHT = """\
import numpy as np
def dense_dW(dy, x):
    return x.T @ dy
def dense_db(dy):
    return dy.sum(axis=0)
"""
BOTH, ONE, NONE = {"dense_dW": "pass", "dense_db": "pass"}, {"dense_dW": "fail", "dense_db": "pass"}, {}


def code(text):
    return textwrap.dedent(text).lstrip("\n")


def instead(body, before=""):
    """RIGHT with another body for dense_dW."""
    body = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return before + "\n" + RIGHT.replace("    return x.T @ dy", body)


def notebook(*cells):
    """A notebook's text."""
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in cells]})


def class_of_students(marker):
    """Return the students by file name; marker is a file that no code may make."""
    solved, untouched = ((FOLDER / kind / "05_layers.ipynb").read_text(encoding="utf-8")
                         for kind in ("solutions", "exercises"))
    return {**honest(solved, untouched), **broken(), **hostile(marker)}


def honest(solved, untouched):
    return {
        "all right.ipynb": Student(solved, BOTH),
        "untouched.ipynb": Student(untouched, {"dense_dW": "not written", "dense_db": "not written"}),
        "averages.py": Student(instead("return x.T @ dy / len(x)"), ONE, "dW takes the mean over the batch"),
        "in loops.py": Student(code("""
            def dense_db(dy):
                return [sum(row[o] for row in dy) for o in range(dy.shape[1])]
            """), {"dense_db": "pass"}),
        "magics.ipynb": Student(notebook(
            "%matplotlib inline\n!pip install nothing\nimport numpy as np", "x = = 1", RIGHT, "dense_dW?",
            "exercises.check('dense_dW', dense_dW)"), BOTH, "SyntaxError"),
        "writes into its arguments.py": Student(code("""
            def dense_db(dy):
                dy *= 2
                return dy.sum(axis=0) / 2
            """), {"dense_db": "fail"}, "in place"),
        "keeps one array.py": Student(code("""
            import numpy as np
            kept = np.empty(0)
            def dense_db(dy):
                global kept
                if kept.shape != dy[0].shape:
                    kept = np.empty(dy.shape[1])
                kept[:] = dy.sum(axis=0)
                return kept
            """), {"dense_db": "fail"}, "overwrites"),
    }


def broken():
    return {
        "nothing.py": Student("", NONE),
        "syntax.py": Student("def dense_dW(dy, x)\n    return x.T @ dy\ndef dense_db(dy):\n    return dy.sum(0)\n",
                             {"dense_db": "pass"}, "SyntaxError"),
        "no json.ipynb": Student('{"cells": [', NONE, "cannot be read"),
        "latin.py": Student("# Grüße\n".encode("latin-1") + RIGHT.encode(), BOTH),
        "goes on where a check passes.py": Student(RIGHT + code("""
            from minivae import exercises
            if exercises.check("dense_dW", dense_dW):
                while True:
                    pass
            """), BOTH),
        "raises in between.py": Student(RIGHT + "1 / 0\nafter = 1\n", BOTH, "ZeroDivisionError"),
        "loops when run.py": Student(RIGHT + "while True:\n    pass\n", BOTH, "out of time: line 6"),
        "exits.py": Student(RIGHT + "import sys\nsys.exit(0)\n", BOTH, "SystemExit"),
        "exits when called.py": Student(instead("sys.exit()", "import sys"), ONE, "SystemExit"),
        "os exit.py": Student(RIGHT + "import os\nos._exit(0)\n", BOTH, "process ended"),
        "os exit when called.py": Student(instead("os._exit(0)", "import os"), ONE, "process ended"),
        "huge.py": Student(instead("return np.ones((10**6, 10**6))"), ONE, "MemoryError"),
        "long.py": Student(instead("return np.ones(2 * 10**7, np.float32)"), ONE, "20000000"),
        "deep.py": Student(instead("""
            result = []
            for _ in range(10**5):
                result = [result]
            return result
            """), ONE),
    }


def hostile(marker):
    return {
        "swallows everything.py": Student(instead("""
            while True:
                try:
                    pass
                except BaseException:
                    pass
            """), ONE | {"dense_dW": "out of time"}, "endless loop"),
        "leaves a child behind.py": Student(instead("""
            if os.fork() == 0:
                os.setsid()
                time.sleep(8)
                os._exit(0)
            os._exit(1)
            """, "import os, time"), ONE, "process ended"),
        "prints gigabytes.py": Student(instead("""
            for _ in range(0 if seen else 200):
                print('x' * 10**7)
                os.write(1, b'y' * 10**6)
                sys.stderr.write('z' * 10**6)
            seen.append(1)
            return x.T @ dy
            """, "import os, sys\nseen = []"), BOTH),
        "patches.py": Student(instead("return 0 * (x.T @ dy)", code("""
            import minivae.exercises as e, minivae.exercises.course as c, minivae.exercises.feedback as r, numpy as np
            c.judged = e.check = lambda *a, **k: True
            r.ExerciseReport.verdict = 'pass'
            r.ExerciseReport.__bool__ = lambda self: True
            np.allclose = np.array_equal = lambda *a, **k: True
            """)), ONE, "zero"),
        "kills its parent.py": Student(instead("os.kill(os.getppid(), 9)", "import os"), None),   # or answers first
        "kills the grader's process.py": Student(instead("""
            if sys.platform == "linux":
                stat = open(f"/proc/{os.getppid()}/stat").read()
                os.kill(int(stat.rpartition(")")[2].split()[1]), 9)
            os.kill(os.getppid(), 9)
            """, "import os, sys"), NONE, "the grader's process ended"),
        "forges.py": Student(instead("return 2 * x.T @ dy", code("""
            import os
            fake = b'{"id": 1, "result": true, "verdict": "pass"}\\n'
            for stream in range(3, 20):
                try:
                    os.write(stream, fake * 3)
                except OSError:
                    pass
            print('✓ dense_dW: right')
            """)), None, "not an answer"),
        "lies.py": Student(instead("return Liar()", code("""
            class Liar:
                shape, dtype = (6, 7), float
                def __eq__(self, other): return True
                def __array__(self, *a, **k): raise RuntimeError('no')
                def __repr__(self): raise RuntimeError
            """)), ONE, "RuntimeError"),
        "pickles.py": Student(instead("return Trap()", code(f"""
            class Trap:
                def __reduce__(self):
                    return open, ({str(marker)!r}, 'w')
            """)), ONE, "Trap"),
        "shouts.py": Student(code("""
            class Loud(Exception):
                def __str__(self): raise SystemExit
            def dense_dW(dy, x):
                raise Loud
            def dense_db(dy):
                raise ValueError('\\x1b[2J' + 'a' * 10**6)
            """), {"dense_dW": "fail", "dense_db": "fail"}, "raised Loud"),
        "closes streams.py": Student(instead("os.closerange(0, 100)\nreturn x.T @ dy", "import os"), ONE,
                                     "process ended"),
        "=cmd.py": Student("def dense_db(dy):\n    raise ValueError('=1+1')\n", {"dense_db": "fail"}, "=1+1"),
    }
