"""Every entry of a folder is read, or listed with what to ask the student for."""

import io
import os
import zipfile

import pytest
from grading.class_of_students import RIGHT, notebook

from minivae.grading import folder, handed_in
from minivae.grading.roster import absent
from minivae.grading.command import _named


def zipped(**files):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return held.getvalue()


@pytest.mark.parametrize("name", ["a.ipynb", "a.IPYNB", "a.ipynb.txt", "a.ipynb (1)", "a (1).ipynb", "a.ipynb(2)"])
def test_a_notebook_by_any_name(tmp_path, name):
    (tmp_path / name).write_text(notebook(RIGHT), encoding="utf-8")
    (one,), left_out = handed_in(tmp_path)
    assert (one.name, one.files, one.trouble, left_out) == (name, [(name, [("cell 1", RIGHT)])], [], [])


@pytest.mark.parametrize("name", ["a.py", "a.PY", "a.py.txt", "a.py (1)"])
def test_a_python_file_by_any_name(tmp_path, name):
    (tmp_path / name).write_text(RIGHT, encoding="utf-8")
    assert handed_in(tmp_path)[0][0].files == [(name, [("", RIGHT)])]


@pytest.mark.parametrize("name, data, words", [
    ("a.html", b"<html>", "printed from a notebook. Ask for the .ipynb"), ("a.docx", b"PK", "Ask for the .ipynb"),
    ("a", b"def f(): pass", "Ask for"), ("a.ipynb", b"", "empty"), ("a.py", b"", "empty"),
    ("a.zip", b"PK\3\4", "cannot be unpacked"), ("a.zip", zipped(), "no notebook"),
    ("a.zip", b"", "cannot be unpacked"),
    ("a.zip", zipped(**{"b.zip": zipped(**{"c.py": RIGHT})}), "no notebook"),
])
def test_what_cannot_be_graded_is_told(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    (one,), _ = handed_in(tmp_path)
    assert not one.files and words in one.trouble[0], one


def test_an_archive_is_read_safely(tmp_path):
    data = zipped(**{"work/a.py": RIGHT, "work/data.txt": "1", "../evil.py": "x", "/evil.py": "x", "__MACOSX/b.py": "x",
                     "C:/evil.py": "x"})
    (tmp_path / "a.zip").write_bytes(data)
    (one,), _ = handed_in(tmp_path)
    assert [name for name, _ in one.files] == ["work/a.py"] and set(one.beside) == {"work/a.py", "work/data.txt"}


def test_of_an_archive_with_very_many_files_the_code_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "ENTRIES", 3)
    (tmp_path / "a.zip").write_bytes(zipped(**{f"{k}.txt": "x" for k in range(5)}, **{"z.py": RIGHT}))
    (one,), _ = handed_in(tmp_path)
    assert one.files and len(one.beside) == 3 and "there are 6 files in the archive; 3 were read" in one.trouble[0]


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LARGEST", 10**6)
    (tmp_path / "a.zip").write_bytes(zipped(**{"a.py": b"#" * (10**6 + 1)}))
    assert "too large" in handed_in(tmp_path)[0][0].trouble[0]


def test_hidden_entries_and_data_are_named_as_left_out(tmp_path):
    for name in (".DS_Store", "data.csv", "a.py"):
        (tmp_path / name).write_text(RIGHT)
    (tmp_path / "__MACOSX").mkdir()
    found, left_out = handed_in(tmp_path)
    assert [one.name for one in found] == ["a.py"] and sorted(left_out) == [".DS_Store", "__MACOSX", "data.csv"]


def test_long_names_stay_different():
    assert _named("x" * 130 + "a.py") != _named("x" * 130 + "b.py") and len(_named("x" * 200)) <= 120


def test_a_student_s_files_from_canvas_or_moodle_are_one_row(tmp_path):
    for name in ("lovelaceada_12_345_05_layers.py", "lovelaceada_LATE_12_346_06_more-1.py", "noetheremmy_13_347_a.py"):
        (tmp_path / name).write_text(RIGHT)
    (tmp_path / "Mary Ann_77_assignsubmission_file_").mkdir()
    (tmp_path / "Mary Ann_77_assignsubmission_file_" / "a.py").write_text(RIGHT)
    (tmp_path / "Mary Ann_77_assignsubmission_file_b.py").write_text(RIGHT)
    (tmp_path / "05_layers_1.py").write_text(RIGHT)   # no such name
    found = {one.name: one for one in handed_in(tmp_path)[0]}
    assert {name: len(one.files) for name, one in found.items()} == {
        "lovelaceada (12)": 2, "noetheremmy (13)": 1, "Mary Ann (77)": 2, "05_layers_1.py": 1}
    assert found["lovelaceada (12)"].trouble == ["handed in late, by the name of the file"]
    assert not found["noetheremmy (13)"].trouble
    assert [found[name].late for name in found] == [False, False, True, False]
    assert absent([("Mary Ann", ""), ("Lovelace, Ada", ""), ("Sofya K", "")], list(found)) == ["Sofya K"]


def test_a_download_that_was_not_unpacked_is_no_single_student(tmp_path):
    names = {"lovelaceada_12_345_a.py": RIGHT, "noetheremmy_13_347_a.py": RIGHT}
    (tmp_path / "submissions.zip").write_bytes(zipped(**names))
    with pytest.raises(ValueError, match="several students: unpack it"):
        handed_in(tmp_path / "submissions.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no such files")
def test_links_and_pipes_are_told_and_not_read(tmp_path):
    (tmp_path / "elsewhere.py").write_text(RIGHT)
    folder_of = tmp_path / "class"
    (folder_of / "ada").mkdir(parents=True)
    for place in (folder_of, folder_of / "ada"):
        (place / "link.py").symlink_to(tmp_path / "elsewhere.py")
        (place / "lost.py").symlink_to(tmp_path / "nowhere.py")
        (place / "up").symlink_to(tmp_path)
    os.mkfifo(folder_of / "pipe.py")
    found = {one.name: one for one in handed_in(folder_of)[0]}
    assert sorted(found) == ["ada", "link.py", "lost.py", "pipe.py", "up"]
    assert not any(one.files or one.beside for one in found.values()) and len(found["ada"].trouble) == 3
    assert all("ask for the file itself" in text for one in found.values() for text in one.trouble)


def test_a_submission_s_time_is_that_of_its_last_file(tmp_path):
    for name, time in (("12_a.py", 1000), ("13_b.py", 3000), ("13_c.py", 2000)):
        (tmp_path / f"ada_7_{name}").write_text(RIGHT)
        os.utime(tmp_path / f"ada_7_{name}", (time, time))
    assert [one.time for one in handed_in(tmp_path)[0]] == [3000.0]
