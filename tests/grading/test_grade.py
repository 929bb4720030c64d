"""Grading a class with right, broken and hostile files in one command: each gets a result, none stops the others."""

import contextlib
import csv
import ctypes
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from grading.class_of_students import RIGHT, class_of_students
from exercises.notebooks import FOLDER

from minivae.cli.main import main
from minivae.grading import channel, launch
from minivae.grading.folder import Submission
import minivae.grading.grade  # noqa: F401

grading = sys.modules["minivae.grading.grade"]   # the package's name grade is its function

SECONDS = "3"


def told(*words):
    """Run the grader; return its exit code and what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(["grade", *map(str, words)])
    return code, printed.getvalue()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A whole class in one command, and the file that nobody's code may have made."""
    folder, marker = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("elsewhere") / "made"
    students = {name: student for name, student in class_of_students(marker).items()
                if hasattr(os, "fork") or "fork" not in str(student.text)}
    for name, student in students.items():
        (folder / name).write_bytes(student.text if isinstance(student.text, bytes) else student.text.encode("utf-8"))
    for notebook in ("05_layers.ipynb", "06_gradient_checking.ipynb"):
        (folder / "a folder" / "more").mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / "solutions" / notebook, folder / "a folder" / "more")
    (folder / "a folder" / "unpacked.ipynb").mkdir()   # a folder, whatever its name
    code, text = told(folder, "--json", "--seconds", SECONDS,
                      "--exercises", "dense_dW", "dense_db", "numeric_derivative")
    return code, json.loads(text), students, marker


def test_every_submission_is_in_the_table(graded):
    code, table, students, marker = graded
    assert code == 3
    assert sorted(one["submission"] for one in table["submissions"]) == sorted([*students, "a folder"])
    assert len(students) >= 20 and not marker.exists()


@pytest.mark.parametrize("name", class_of_students(""))
def test_each_gets_what_it_deserves(graded, name):
    _, table, students, _ = graded
    if name not in students:
        pytest.skip("what it does needs fork")
    one = next(one for one in table["submissions"] if one["submission"] == name)
    student = students[name]
    found = {exercise: about["state"] for exercise, about in one["exercises"].items()}
    assert found == student.states if student.states is not None else found.get("dense_dW") != "pass", one
    assert student.told in json.dumps(one), one
    assert all(text.isprintable() and len(text) < 1200 for text in strings(one))


def strings(part):
    """All strings in a piece of JSON."""
    if isinstance(part, (dict, list)):
        parts = part.values() if isinstance(part, dict) else part
        return [text for entry in parts for text in strings(entry)]
    return [part] if isinstance(part, str) else []


def test_a_folder_of_notebooks_is_one_submission(graded):
    one = next(one for one in graded[1]["submissions"] if one["submission"] == "a folder")
    assert {about["state"] for about in one["exercises"].values()} == {"pass"} and not one["trouble"]
    assert one["points"] == graded[1]["out_of"] == 4


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own way")
def test_the_grader_cannot_be_read(graded):
    read = ctypes.CDLL(None).prctl(3)   # PR_GET_DUMPABLE, of this process, which has graded
    assert read == 0


def test_text_and_csv_and_exit_codes(tmp_path):
    right = tmp_path / "right.py"
    right.write_text("def dense_db(dy):\n    return dy.sum(axis=0)\n", encoding="utf-8")
    code, text = told(right, "--exercises", "dense_db")
    assert code == 0 and "right.py    1 of 1   1 right" in text and "dense_db    1 of 1 right" in text
    (tmp_path / "=1+1.py").write_text("def dense_db(dy):\n    raise ValueError('no')\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    code, text = told(tmp_path, "--exercises", "dense_db", "--csv", "--out", tmp_path / "marks.csv")
    assert code == 3 and "Wrote" in text
    rows = list(csv.DictReader((tmp_path / "marks.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["submission"] for row in rows] == ["'=1+1.py", "empty", "right.py"]
    assert [row["dense_db"] for row in rows] == ["0", "", "1"] and "ValueError: no" in rows[0]["dense_db: to fix"]
    assert "no notebook" in rows[1]["trouble"]


def test_the_same_folder_gives_the_same_table(tmp_path):
    text = "def dense_dW(dy, x):\n    return (x.T @ dy).T\ndef dense_db(dy):\n    raise KeyError(object())\n"
    (tmp_path / "one.py").write_text(text, encoding="utf-8")
    words = (tmp_path, "--exercises", "5", "--seed", "3")
    first = told(*words)
    assert first == told(*words) and "transposed" in first[1] and "0x..." in first[1]


@pytest.mark.parametrize("words, code, message", [
    (["nowhere"], 1, "there is no file or folder nowhere"),
    (["."], 1, "nothing to grade"),
    (["x.py", "--exercises", "dense"], 1, "there is no exercise 'dense'; there are dense_dx"),
    (["x.py", "--exercises", "0"], 1, "notebook 0 has no exercises"),
    (["x.py", "--seconds", "0"], 1, "--seconds must be above 0"),
])
def test_a_user_s_mistake_is_one_line(tmp_path, monkeypatch, capsys, words, code, message):
    monkeypatch.chdir(tmp_path)
    if words[0] != ".":
        (tmp_path / "x.py").write_text("", encoding="utf-8")
    assert main(["grade", *words]) == code
    assert message in capsys.readouterr().err


def test_a_run_goes_on_where_it_stopped(tmp_path, capsys):
    (tmp_path / "class").mkdir()
    files = {name: tmp_path / "class" / f"{name}.py" for name in "ab"}
    for file in files.values():
        file.write_text("def dense_db(dy):\n    return dy.sum(axis=0)\n", encoding="utf-8")
    words = (tmp_path / "class", "--exercises", "dense_db", "--jobs", "1", "--csv")
    first, kept = told(*words), tmp_path / "class.graded.jsonl"
    lines = kept.read_bytes().splitlines(True)
    assert len(lines) == 3 and told(*words) == first and "2 of 2 were graded before" in capsys.readouterr().err
    kept.write_bytes(b"".join(lines[:2]) + lines[2][:40])   # a crash while the last was written
    again = told(*words)
    assert "1 of 2 were graded before" in capsys.readouterr().err
    marks = [[row.split(",")[:4] for row in text.splitlines()] for _, text in (first, again)]
    assert marks[0] == marks[1]
    files["b"].write_text("def dense_db(dy):\n    return dy.sum(axis=1)\n", encoding="utf-8")
    assert told(*words)[0] == 3 and "1 of 2 were graded before" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are not killed so here")
def test_a_killed_grader_loses_what_was_under_way_and_leaves_no_process(tmp_path, capsys):
    for name in "ab":
        (tmp_path / "class" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "class" / f"{name}.py").write_text(RIGHT, encoding="utf-8")
    mark, last = tmp_path / "mark", tmp_path / "class" / "c.py"
    last.write_text(f"import os, time\nmark = {str(mark)!r}\nwith open(mark + '.tmp', 'w') as file:\n"
                    "    file.write(str(os.getpid()))\nos.rename(mark + '.tmp', mark)\ntime.sleep(60)\ndense_db = 1\n",
                    encoding="utf-8")
    words = ["grade", str(tmp_path / "class"), "--exercises", "dense_db", "--jobs", "1"]
    grader = subprocess.Popen([sys.executable, "-m", "minivae", *words], stderr=subprocess.DEVNULL)
    wait_until(mark.exists)
    grader.kill()
    grader.wait()
    wait_until(lambda: not runs(int(mark.read_text())))
    last.write_text(RIGHT, encoding="utf-8")
    assert told(*words[1:])[0] == 0 and "2 of 3 were graded before" in capsys.readouterr().err


def wait_until(true, seconds=60):
    for _ in range(100 * seconds):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it took too long")


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_python_that_does_not_start_is_one_error(tmp_path, monkeypatch, capsys):
    for name in "ab":
        (tmp_path / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(launch, "BEGIN", "raise ImportError('libsomething.so')#{}{}")
    assert main(["grade", str(tmp_path), "--jobs", "2"]) == 1
    error = capsys.readouterr().err
    assert "does not start" in error and "libsomething.so" in error and error.count("error:") == 1


@pytest.mark.parametrize("forked", [False, True])
def test_a_process_for_a_submission_that_does_not_start_is_told(tmp_path, monkeypatch, forked):
    monkeypatch.setattr(launch, "forks", lambda: forked and sys.platform == "linux")
    monkeypatch.setattr(launch, "BEGIN", "raise ImportError('libsomething.so')#{}{}")
    monkeypatch.setattr(launch.ForkServer, "_current", None)
    with pytest.raises(launch.NotStarted, match="libsomething.so"):
        grading.grade(one_file("def dense_db(dy): return dy.sum(axis=0)"), ["dense_db"])


def one_file(text):
    return Submission("a.py", [("a.py", [("", text)])], {}, [])


@pytest.mark.parametrize("forked", [False, True])
def test_a_process_is_forked_or_started_anew(monkeypatch, forked):
    monkeypatch.setattr(launch, "forks", lambda: forked and sys.platform == "linux")
    text = ("import os\nprint('x')\ndef dense_db(dy):\n    return dy.sum(axis=0)\n"
            "def dense_dW(dy, x):\n    os._exit(1)\n")
    row = grading.grade(one_file(text), ["dense_dW", "dense_db"])
    assert {name: answer["state"] for name, answer in row.answers.items()} == {"dense_dW": "fail", "dense_db": "pass"}
    assert "ended" in row.answers["dense_dW"]["diagnosis"][0] and row.seconds < 100


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere none is forked")
def test_a_process_that_ends_at_once_does_not_end_the_fork_server(tmp_path):
    child = launch.ForkServer.current().fork(tmp_path / "nowhere")
    wait_until(lambda: not child.running)
    child.stop()
    for _ in range(5):   # the server goes on, even if a process is ended at once
        other = launch.ForkServer.current().fork(tmp_path)
        assert other.server is child.server and other.running
        other.stop()
        assert not other.running


def test_a_file_without_an_exercise_s_name_is_not_run(tmp_path):
    mark = tmp_path / "ran"
    row = grading.grade(one_file(f"open({str(mark)!r}, 'w')\n"), ["dense_db"])
    assert not row.answers and "not contain the name of any exercise" in row.trouble[0] and not mark.exists()
    row = grading.grade(one_file("def denseDb(dy):\n    return dy.sum(axis=0)\n"), ["dense_db"])
    assert row.trouble == ["dense_db is not handed in; is denseDb meant?"]


def test_an_answer_that_is_right_is_not_judged_again_in_the_next_file():
    files = [(f"{name}.py", [("", f"def dense_db(dy):\n    return {value}\n")])
             for name, value in (("a", "1"), ("b", "dy.sum(axis=0)"), ("c", "1 / 0"))]
    row = grading.grade(Submission("class", files, {}, []), ["dense_db"])
    assert row.answers["dense_db"]["state"] == "pass" and row.trouble == []


@pytest.mark.parametrize("message, whole", [
    ({"id": 1, "changed": [], "warned": [], "result": 1, "overwrote": False}, True),
    ({"id": 1, "changed": [0], "warned": ["a"], "failed": "x", "unwritten": True, "about": ""}, True),
    ({"ask": 0, "at": 1}, True), ({"ask": -1, "at": 1}, False), ({"ask": 0}, False), ({}, False),
    ({"id": True, "changed": [], "warned": [], "result": 1, "overwrote": False}, False),
    ({"id": 2, "changed": [], "warned": [], "result": 1, "overwrote": False}, False),
    ({"id": 1, "changed": 5, "warned": [], "result": 1, "overwrote": False}, False),
    ({"id": 1, "changed": [9], "warned": [], "result": 1, "overwrote": False}, False),
    ({"id": 1, "changed": [], "warned": 1, "result": 1, "overwrote": False}, False),
    ({"id": 1, "changed": [], "warned": [], "result": 1, "overwrote": 0}, False),
    ({"id": 1, "changed": [], "warned": [], "result": 1, "overwrote": False, "verdict": "pass"}, False),
    ({"id": 1, "changed": [], "warned": [], "result": 1, "overwrote": False, "failed": "x", "unwritten": True,
      "about": ""}, False),
])
def test_a_reply_is_read_by_a_strict_schema(message, whole):
    if whole:
        assert channel.checked_reply(message, 1, 2) is message
    else:
        with pytest.raises(channel.Garbled):
            channel.checked_reply(message, 1, 2)


@pytest.mark.parametrize("dtype, shape", [
    ("(1,", [1]), ("O", [1]), ("<f9", [1]), (5, [1]), ("<f8", [2]), ("<f8", [-1]), ("<f8", [True]), ("<f8", 1),
    ("<f8", [1] * 22), ("<f8", ["1"]),
])
def test_an_array_that_is_none_is_told(dtype, shape):
    eight_bytes = "AAAAAAAA8D8="
    assert channel.decoded({"array": eight_bytes, "dtype": "<f8", "shape": [1]}) == [1.0]
    with pytest.raises(channel.Garbled):
        channel.decoded({"array": eight_bytes, "dtype": dtype, "shape": shape})


def test_any_exception_while_judging_is_one_row(monkeypatch):
    def breaks(*_):
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(grading, "judged", breaks)
    about = grading._answer(None, None, 0, None)
    assert about["state"] == "not judged" and "unforeseen" in about["diagnosis"][0]


def test_ctrl_c_says_that_the_results_are_kept(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(sys.modules["minivae.grading.command"], "graded_by", interrupted)
    assert main(["grade", str(tmp_path)]) == 130
    assert "the same command continues" in capsys.readouterr().err
