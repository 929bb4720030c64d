"""What is reported and not judged: nearly the same code, and what a submission used."""

import ast
import sys

import pytest

from minivae.grading.alike import alike, pieces_of
from minivae.grading.folder import Submission
from minivae.grading.grade import grade

LONG = """def f(x, y):
    total = 0
    for k in range(len(x)):
        total += x[k] * y[k] + np.exp(x[k])
        total -= y[k]
    if total > 3:
        total = np.log(total) / np.sqrt(1 + total ** 2)
    return total
"""


def pieces(text):
    return pieces_of(ast.parse(text).body[0])


def test_names_comments_and_layout_leave_no_trace():
    renamed = LONG.replace("total", "s").replace("[k]", "[ i ]").replace(" k ", " i  ").replace("x", "a1")
    renamed = renamed.replace("np.ea1p", "np.exp").replace("y):", 'y):\n    "About it."   # by me\n')
    assert pieces(LONG) == pieces(renamed) != pieces(LONG.replace("np.exp", "np.log"))
    assert pieces(LONG) and pieces("def f(x):\n    return x.T @ dy\n") == [] == pieces_of(None)
    assert pieces("def f(x):\n    return x" + " + x" * 1500 + "\n") == []   # deeper than a function may call itself


def other(number):
    """Code of the same length that nobody shares."""
    lines = [f"    x = x + 1{number}{k} * a{number}_{k}(x)\n" for k in range(12)]
    return "".join(["def f(x):\n", *lines, "    return x\n"])


def test_two_of_a_class_are_listed_with_one_line_changed():
    changed = LONG.replace("total > 3", "total > 2")
    answers = {"ada": pieces(LONG), "eve": pieces(changed), "short": []}
    answers |= {f"other {k}": pieces(other(k)) for k in range(10)}
    assert answers["ada"] != answers["eve"] and alike(answers) == ([["ada", "eve"]], 0)


def test_what_everybody_writes_weighs_nothing():
    """All edit the same long code from the notebook; two of them do it in the same unusual way."""
    given = LONG.replace("    return total\n", "")
    own = [f"    return total * {k} + w{k}(total, {k}) - v{k}(x, y)[{k}] / u{k}(x) - t{k}(y, {k})\n" for k in range(12)]
    answers = {f"student {k}": pieces(given + line) for k, line in enumerate(own)}
    assert alike(answers) == ([], 0)
    assert alike(answers | {"friend": answers["student 3"]}) == ([["friend", "student 3"]], 0)


def test_the_usual_answer_names_nobody():
    answers = {f"student {k}": pieces(LONG) for k in range(6)} | {f"other {k}": pieces(other(k)) for k in range(6)}
    assert alike(answers) == ([], 6)
    assert alike({"ada": pieces(LONG), "eve": pieces(LONG), "bob": pieces(LONG)}) == ([["ada", "bob", "eve"]], 0)


def used(text):
    row = grade(Submission("a.py", [("a.py", [("", text)])], {}, []), ["dense_db", "dense_backward"])
    return row.used


@pytest.mark.parametrize("text, words", [
    ("from minivae.kernels import dense_backward\n", "dense_backward: minivae.kernels.dense.dense_backward"),
    ("import minivae.kernels as k\ndef dense_backward(*given):\n    return getattr(k, 'dense_' + 'backward')(*given)\n",
     "dense_backward: minivae.kernels.dense.dense_backward"),
    ("import functools, minivae.kernels as k\ndense_backward = functools.partial(k.dense_backward)\n",
     "dense_backward: minivae.kernels.dense.dense_backward"),
    ("from minivae.exercises.collection import EXERCISES\ndense_db = EXERCISES['dense_db'].reference\n",
     "dense_db: minivae.exercises.sheets.layers."),
    ("text = open(FILE).read()\ndef dense_db(dy):\n    return dy.sum(axis=0)\n", "opened FILE"),
    ("import subprocess\nsubprocess.run(['true'])\ndef dense_db(dy):\n    return dy.sum(axis=0)\n", "ran a command"),
    ("import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 0.1)\nexcept OSError:\n    pass\n"
     "def dense_db(dy):\n    return dy.sum(axis=0)\n", "connected to a network"),
])
def test_what_was_used_is_told(tmp_path, text, words):
    file = tmp_path / "another student's.py"
    file.write_text("")
    found = used(text.replace("FILE", repr(str(file))))
    assert any(words.replace("FILE", str(file.resolve()))[:100] in one for one in found), found


def test_what_was_used_is_told_once():
    text = "from minivae.kernels import dense_backward\ndef dense_db(dy):\n    return dense_backward(dy, dy, dy.T)[2]\n"
    assert used(text) == ["dense_db: minivae.kernels.dense.dense_backward",
                          "dense_backward: minivae.kernels.dense.dense_backward"]


def test_an_ordinary_answer_used_nothing():
    assert used("import numpy as np, json, os, fractions\nfrom minivae import exercises\nimport matplotlib.pyplot\n"
                "open('own.txt', 'w').close()\nimport minivae.lesson\n1 / 0\n"
                "def dense_backward(dy, x, W):\n    raise KeyError\n"
                "def dense_db(dy):\n    return np.einsum('bo->o', dy)\n") == []
    assert sys.getprofile() is None
