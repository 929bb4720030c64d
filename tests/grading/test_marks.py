"""From rows to marks: points, late days, marks by hand, names, pseudonyms, and tables that open in a spreadsheet."""

import csv
import io
import json
import os
import time

import pytest
from grading.test_grade import told

from minivae.grading.grade import Graded
from minivae.grading.marks import days_late, due_time, marks, overrides, weights
from minivae.grading.folder import Submission
from minivae.grading.roster import absent, matching, pseudonyms, roster
from minivae.grading.table import as_csv

DB, WRONG = "def dense_db(dy):\n    return dy.sum(axis=0)\n", "def dense_db(dy):\n    return dy.sum(axis=1)\n"


def table(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def row(name, *states):
    answers = {name: {"state": state, "mistake": None, "diagnosis": ["-1"], "stage": "value", "text": "", "code": []}
               for name, state in zip(("dense_dW", "dense_db"), states)}
    return Graded(name, answers, [])


@pytest.mark.parametrize("text", ["exercise,points\ndense_db,2.5\n", "dense_db;2,5\n",
                                  "exercise\tpoints\ndense_db\t2.5\n",
                                  "\ufeffexercise,points,why\n\"dense_db\", 2.5,\n\n"])
def test_weights(tmp_path, text):
    assert weights(table(tmp_path / "w.csv", text), ["dense_dW", "dense_db"]) == {"dense_dW": 1, "dense_db": 2.5}


@pytest.mark.parametrize("text, words", [
    ("dense_bd,1", "w.csv, line 1: there is no exercise 'dense_bd'"), ("dense_db,-1", "line 1: points .* '-1'"),
    ("dense_db", "got ''"),
    ("dense_db,1\ndense_db,1", "line 2: dense_db occurs"), ("dense_db,nan", "'nan'"), ("dense_db,inf", "'inf'"),
])
def test_wrong_weights_are_told(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        weights(table(tmp_path / "w.csv", text), ["dense_db"])


@pytest.mark.parametrize("late, per_day, total", [(0, 10, 5), (1, 10, 4.5), (3, 10, 3.5), (11, 10, 0), (3, 0, 5)])
def test_lateness_costs_a_share_of_the_points(late, per_day, total):
    (mark,) = marks([row("ada", "pass", "pass")], {"dense_dW": 2, "dense_db": 3}, {}, {"ada": late}, per_day)
    assert (mark.total, mark.late, mark.out_of) == (total, late, 5)


@pytest.mark.parametrize("after, name_says_so, days", [(-1, False, 0), (0, False, 0), (1, False, 1), (86400, False, 1),
                                                       (86401, False, 2), (-1, True, 1), (None, False, 0)])
def test_days_late(after, name_says_so, days):
    due = due_time("2026-12-01T18:00")
    assert days_late(Submission("", [], {}, [], None if after is None else due + after, name_says_so), due) == days


def test_a_date_alone_is_its_whole_day():
    assert due_time("2026-12-01") == time.mktime((2026, 12, 2, 0, 0, 0, 0, 0, -1)) == due_time("2026-12-02T00:00")
    assert due_time("2026-12-01T00:00+00:00") == 1796083200
    with pytest.raises(ValueError, match="--due must be like"):
        due_time("tomorrow")


def test_what_a_teacher_decides_replaces_what_was_graded(tmp_path):
    path = table(tmp_path / "o.csv", "student,exercise,points,comment\nada,dense_db,1.5,\"nearly, I think\"\n"
                                     "Ada.py,dense_dW,,well said\nemmy,late,0,was ill\nemmy,total,7,an oral exam\n")
    decided = overrides(path, ["ada.py", "emmy.py"], True)
    ada, emmy = marks([row("ada.py", "pass", "fail"), row("emmy.py", "fail")], {"dense_dW": 2, "dense_db": 3}, decided,
                      {"ada.py": 1, "emmy.py": 2}, 50)
    assert (ada.points, ada.total) == ({"dense_dW": 2, "dense_db": 1.5}, 1.75)
    assert ada.by_hand == {"dense_db": "nearly, I think", "dense_dW": "well said"}
    assert (emmy.points, emmy.late, emmy.total) == ({"dense_dW": 0, "dense_db": None}, 0, 7)


@pytest.mark.parametrize("text, words", [
    ("ada,dense_db", "line 1: there are neither points"), ("eve,dense_db,1", "line 1: 'eve': no row has that name"),
    ("ada,dense_bd,1", "no exercise"), ("ada,dense_db,x", "got 'x'"),
    ("ada,dense_db,1\nada,dense_db,2", "second time"), ("mary,dense_db,1", r"any of mary \(1\), mary \(2\)"),
])
def test_wrong_decisions_are_told(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        overrides(table(tmp_path / "o.csv", text), ["ada.py", "mary (1)", "mary (2)"], True)


@pytest.mark.parametrize("text, found", [
    ("Ada Lovelace\nEmmy Noether\n", [("Ada Lovelace", ""), ("Emmy Noether", "")]),
    ('"Lovelace, Ada"\n"Noether, Emmy"\n', [("Lovelace, Ada", ""), ("Noether, Emmy", "")]),
    ("Student,ID,Section\nPoints Possible,,\n\"Lovelace, Ada\",12,A\n\"Student, Test\",9,A\n",
     [("Lovelace, Ada", "12")]),
    ("Identifier;Full name\nParticipant 77;Mary Ann\n", [("Mary Ann", "77")]),
    ("First name,Surname,Email address\nAda,Lovelace,a@b\n", [("Ada Lovelace", "")]),
    ("name\nZoë Müller\n", [("Zoë Müller", "")]),
])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_roster_in_the_forms_there_are(tmp_path, text, found, encoding):
    (tmp_path / "r.csv").write_bytes(text.encode(encoding))
    assert roster(tmp_path / "r.csv") == found


@pytest.mark.parametrize("name, number, there", [
    ("Ada Lovelace", "", True), ("Lovelace, Ada", "", True), ("ADA  LOVELACE", "", True), ("Ada Lovelace", "12", True),
    ("Ada Lovelace", "13", False), ("Ada King", "12", True), ("Ada", "", False),
])
def test_a_name_is_found_in_any_order_and_by_its_number(name, number, there):
    assert absent([(name, number)], ["lovelaceada (12)"]) == ([] if there else [name])
    assert matching("Zoë Müller", "", ["zoe_muller.ipynb"]) == ["zoe_muller.ipynb"]


def test_pseudonyms_stay(tmp_path):
    first = pseudonyms(tmp_path / "key.csv", ["Ada", "Lovelace, Emmy"])
    again = pseudonyms(tmp_path / "key.csv", ["Lovelace, Emmy", "Sofya", "Ada"])
    assert {name: again[name] for name in first} == first and len(set(again.values())) == 3
    assert all(name.startswith("student-") for name in again.values())


def test_a_file_that_is_no_key_is_left_as_it_is(tmp_path):
    path = table(tmp_path / "marks.csv", "submission,points\nada,1\n")
    with pytest.raises(ValueError, match="is not a key"):
        pseudonyms(path, ["ada"])
    assert path.read_text() == "submission,points\nada,1\n"


def test_cells_that_a_spreadsheet_would_run_are_quoted():
    names = ["=1+1", "+1", "-1", "@a", "\t=1", " =1", "a=1"]
    written = as_csv(marks([row(name, "fail") for name in names], {"dense_dW": 1}, {}, {}, 0), 7)
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [one["submission"] for one in rows] == [f"'{name}" for name in names[:-1]] + ["a=1"]
    assert rows[0]["dense_dW: to fix"] == "'-1"


def test_from_a_download_to_marks(tmp_path):
    """What the teachers' page walks through: Canvas's files, a roster, weights, lateness, a mark by hand, no names."""
    place = tmp_path / "class"
    place.mkdir()
    for name, text, day in (("lovelaceada_12_90_a.py", DB, 1), ("noetheremmy_LATE_13_91_a.py", DB, 3),
                            ("kovalevskayasofya_14_92_a.py", WRONG + "raise ValueError('by kovalevskayasofya')\n", 1)):
        (place / name).write_text(text, encoding="utf-8")
        moment = due_time(f"2026-12-0{day}T12:00")
        os.utime(place / name, (moment, moment))
    files = {"roster": "Student,ID\n\"Lovelace, Ada\",12\n\"Noether, Emmy\",13\n\"Kovalevskaya, Sofya\",14\n"
                       "\"Gauß, Carl\",15\n",
             "points": "exercise,points\ndense_db,4\n",
             "overrides": "student,exercise,points,comment\n\"Kovalevskaya, Sofya\",dense_db,1,for the idea\n"
                          "\"Gauß, Carl\",total,3,on paper\n"}
    words = [place, "--exercises", "dense_db", "--jobs", "1", "--due", "2026-12-01", "--late-per-day", "25"]
    for name, text in files.items():
        words += [f"--{name}", table(tmp_path / f"{name}.csv", text)]
    code, _ = told(*words, "--csv", "--out", tmp_path / "marks.csv", "--feedback", tmp_path / "feedback")
    assert code == 3 and (tmp_path / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader((tmp_path / "marks.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(one["submission"], one["id"], one["points"], one["out of"], one["days late"]) for one in rows] == [
        ("kovalevskayasofya (14)", "14", "1", "4", "0"), ("lovelaceada (12)", "12", "4", "4", "0"),
        ("noetheremmy (13)", "13", "2", "4", "2"), ("Gauß, Carl", "", "3", "4", "0")]
    assert "By hand: for the idea" in (tmp_path / "feedback" / "kovalevskayasofya_14.md").read_text(encoding="utf-8")
    assert len((tmp_path / "class.graded.jsonl").read_bytes().splitlines()) == 4   # kept, whatever is written
    code, text = told(*words, "--json", "--anonymous", tmp_path / "key.csv", "--feedback", tmp_path / "without names")
    pages = list((tmp_path / "without names").iterdir())
    written = text + "".join(page.name + page.read_text(encoding="utf-8") for page in pages)
    assert not [part for part in ("ovelace", "oether", "ovalevskaya", "Gauß", "Carl", "(12)") if part in written]
    key = {row[0]: row[1] for row in csv.reader((tmp_path / "key.csv").read_text(encoding="utf-8-sig").splitlines())}
    points = {one["submission"]: one["points"] for one in json.loads(text)["submissions"]}
    assert points == {key["kovalevskayasofya (14)"]: 1, key["lovelaceada (12)"]: 4, key["noetheremmy (13)"]: 2,
                      key["Gauß, Carl"]: 3}
