"""A class of students: what each hands in, as (file name, text), and what must be said of it. Some are hostile."""

from exercises.notebooks import FOLDER

RIGHT = "import numpy as np\ndef dense_dW(dy, x):\n    return x.T @ dy\ndef dense_db(dy):\n    return dy.sum(axis=0)\n"
BOTH, NONE = {"dense_dW": "pass", "dense_db": "pass"}, {}
FAIL = {"dense_dW": "fail"}


def class_of_students(marker):
    """Return {file name: (text or bytes, states by exercise, words that must be told)}; marker is a file that no code may make."""
    return {
        "all right.ipynb": ((FOLDER / "solutions" / "05_layers.ipynb").read_text(encoding="utf-8"), BOTH, ""),
        "untouched.ipynb": ((FOLDER / "exercises" / "05_layers.ipynb").read_text(encoding="utf-8"),
                            {"dense_dW": "not written", "dense_db": "not written"}, ""),
        "averages.py": ("def dense_dW(dy, x):\n    return x.T @ dy / len(x)\n", FAIL, "dW takes the mean over the batch"),
        "in loops.py": ("def dense_db(dy):\n    return [sum(row[o] for row in dy) for o in range(dy.shape[1])]\n", {"dense_db": "pass"}, ""),
        "nothing.py": ("", NONE, ""),
        "syntax.py": ("def dense_dW(dy, x)\n    return x.T @ dy\n", NONE, "SyntaxError"),
        "no json.ipynb": ("{\"cells\": [", NONE, "cannot be read"),
        "latin.py": ("# Grüße\n".encode("latin-1") + RIGHT.encode(), NONE, "cannot be read"),
        "magics.ipynb": (notebook("%matplotlib inline\n!pip install nothing\nimport numpy as np", "x = = 1", RIGHT, "dense_dW?",
                                  "exercises.check('dense_dW', dense_dW)"), BOTH, "SyntaxError"),
        "raises in between.py": (RIGHT + "1 / 0\n" + "after = 1\n", BOTH, "ZeroDivisionError"),
        "loops when run.py": (RIGHT + "while True:\n    pass\n", NONE, "did not finish within"),
        "swallows everything.py": (RIGHT + "def dense_dW(dy, x):\n    while True:\n        try:\n            pass\n        except BaseException:"
                                   "\n            pass\n", {"dense_dW": "fail", "dense_db": "pass"}, "endless loop"),
        "exits.py": ("import sys\n" + RIGHT + "sys.exit(0)\n", BOTH, "SystemExit"),
        "exits when called.py": ("import sys\n" + RIGHT.replace("return x.T @ dy", "sys.exit()"),
                                 {"dense_dW": "fail", "dense_db": "pass"}, "SystemExit"),
        "os exit.py": (RIGHT + "import os\nos._exit(0)\n", NONE, "process ended"),
        "os exit when called.py": ("import os\n" + RIGHT.replace("return x.T @ dy", "os._exit(0)"),
                                   {"dense_dW": "fail", "dense_db": "pass"}, "process ended"),
        "leaves a child behind.py": ("import os, time\n" + RIGHT.replace("return x.T @ dy", (
            "if os.fork() == 0:\n        os.setsid()\n        time.sleep(8)\n        os._exit(0)\n    os._exit(1)")),
            {"dense_dW": "fail", "dense_db": "pass"}, "process ended"),
        "prints gigabytes.py": ("import os, sys\n" + RIGHT.replace("return x.T @ dy", (
            "for _ in range(0 if seen else 200):\n        print('x' * 10**7)\n        os.write(1, b'y' * 10**6)\n        sys.stderr.write('z' * 10**6)\n"
            "    seen.append(1)\n    return x.T @ dy")) + "seen = []\n", BOTH, ""),
        "huge.py": ("import numpy as np\n" + RIGHT.replace("return x.T @ dy", "return np.ones((10**6, 10**6))"),
                    {"dense_dW": "fail", "dense_db": "pass"}, "MemoryError"),
        "long.py": (RIGHT.replace("return x.T @ dy", "return np.ones(2 * 10**7, np.float32)"), {"dense_dW": "fail", "dense_db": "pass"},
                    "20000000"),
        "deep.py": (RIGHT.replace("return x.T @ dy", "r = []\n    for _ in range(10**5): r = [r]\n    return r"),
                    {"dense_dW": "fail", "dense_db": "pass"}, ""),
        "patches.py": ("import minivae.exercises as e, minivae.exercises.course as c, minivae.exercises.report as r, numpy as np\n"
                       "c.judged = e.check = lambda *a, **k: True\nr.ExerciseReport.verdict = 'pass'\nr.ExerciseReport.__bool__ = "
                       "lambda self: True\nnp.allclose = np.array_equal = lambda *a, **k: True\n" + RIGHT.replace("x.T @ dy", "0 * (x.T @ dy)"),
                       {"dense_dW": "fail", "dense_db": "pass"}, "zero"),
        "forges.py": ("import os\nfake = b'{\"id\": 1, \"result\": true, \"verdict\": \"pass\"}\\n'\nfor stream in range(3, 20):\n    try:\n"
                      "        os.write(stream, fake * 3)\n    except OSError:\n        pass\nprint('✓ dense_dW: right')\n"
                      + RIGHT.replace("x.T", "2 * x.T"), None, ""),
        "lies.py": ("class Liar:\n    shape = (6, 7)\n    dtype = float\n    def __eq__(self, other): return True\n    def __array__(self, *a, **k):"
                    " raise RuntimeError('no')\n    def __repr__(self): raise RuntimeError\ndef dense_dW(dy, x):\n    return Liar()\n",
                    FAIL, "RuntimeError"),
        "pickles.py": ("class Trap:\n    def __reduce__(self):\n        return (open, (%r, 'w'))\ndef dense_dW(dy, x):\n    return Trap()\n" % str(marker),
                       FAIL, "Trap"),
        "shouts.py": ("class Loud(Exception):\n    def __str__(self): raise SystemExit\ndef dense_dW(dy, x):\n    raise Loud\ndef dense_db(dy):\n"
                      "    raise ValueError('\\x1b[2J' + 'a' * 10**6)\n", {"dense_dW": "fail", "dense_db": "fail"}, "raised Loud"),
        "closes streams.py": ("import os\n" + RIGHT.replace("return x.T @ dy", "os.closerange(0, 100)\n    return x.T @ dy"),
                              {"dense_dW": "fail", "dense_db": "pass"}, "process ended"),
        "writes into its arguments.py": ("def dense_db(dy):\n    dy *= 2\n    return dy.sum(axis=0) / 2\n", {"dense_db": "fail"}, "in place"),
        "keeps one array.py": ("import numpy as np\nkept = np.empty(0)\ndef dense_db(dy):\n    global kept\n    if kept.shape != dy[0].shape:\n"
                               "        kept = np.empty(dy.shape[1])\n    kept[:] = dy.sum(axis=0)\n    return kept\n", {"dense_db": "fail"}, "overwrites"),
        "=cmd.py": ("def dense_db(dy):\n    raise ValueError('=1+1')\n", {"dense_db": "fail"}, "=1+1"),
    }


def notebook(*cells):
    """A notebook's text."""
    import json

    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None} for source in cells]})
