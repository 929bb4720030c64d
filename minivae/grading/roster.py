"""Names of students: on a roster, in a teacher's tables, as Canvas and Moodle write them; and pseudonyms for them.

Tables are CSV files as spreadsheets write them, with commas, semicolons or tabs, and with or without a heading.
"""

import csv
import io
import itertools
import pathlib
import re
import secrets
import unicodedata

from ..exercises.answers.foreign import printable
from ..files import whole_file

__all__ = ["absent", "id_of", "matching", "pseudonyms", "rows_of", "roster"]

NAMES = ("name", "names", "student", "students", "full name", "student name")
FIRST, LAST = ("first name", "firstname", "given name"), ("surname", "last name", "lastname", "family name")
IDS = ("id", "identifier", "user id")
KEY = ["student", "pseudonym"]
WORDS_IN_A_NAME = 5   # the words of a longer name are not tried in other orders
SUFFIX = re.compile(r"\.(ipynb|py|zip)(\.txt)?$", re.IGNORECASE)


def rows_of(path):
    """Return the rows of a table in a file, each with its line number; empty rows are left out.

    Raises
    ------
    ValueError
        If the file is not text.
    """
    data = pathlib.Path(path).read_bytes()
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise ValueError(f"{path} is not a text file: save the table as CSV.")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";\t,", key=first.count) if any(map(first.count, ";\t")) else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = ((reader.line_num, [printable(cell.strip(), 1000) for cell in row]) for row in reader)
    return [(number, row) for number, row in rows if any(row)]


def roster(path):
    """Return the students on a list as pairs (name, id); the id is "" if there is none.

    Parameters
    ----------
    path : path-like
        A name on each line, or a table. If it has a heading, the columns of names and of Canvas's or Moodle's numbers
        are found by their titles; otherwise the first column holds the names.
    """
    rows = [row for _, row in rows_of(path)]
    titles = [cell.casefold() for cell in rows[0]] if rows else []

    def column(words):
        return next((k for k, title in enumerate(titles) if title in words), None)

    name, first, last, number = map(column, (NAMES, FIRST, LAST, IDS))
    if name is None and (first is None or last is None):
        return [(row[0], "") for row in rows if row[0]]

    def cell(row, k):
        return row[k] if k is not None and k < len(row) else ""

    found = [(cell(row, name) if name is not None else f"{cell(row, first)} {cell(row, last)}".strip(),
              "".join(re.findall(r"\d+", cell(row, number)))) for row in rows[1:]]
    return [(name, number) for name, number in found if name and name not in ("Points Possible", "Student, Test")]


def id_of(name):
    """Return Canvas's or Moodle's number from the name of a row such as "lovelaceada (12)", or ""."""
    found = re.search(r" \((\d+)\)$", name)
    return found[1] if found else ""


def matching(name, number, rows):
    """Return the rows that may be this student: by number if both have one, else by name, its words in any order."""
    forms = _forms(name)
    return [row for row in rows if (number == id_of(row) if number and id_of(row) else forms & _forms(row))]


def absent(listed, rows):
    """Return the names on a roster that have no row."""
    return [name for name, number in dict.fromkeys(listed) if not matching(name, number, rows)]


def _forms(name):
    """Return a name in lower case without accents, its words joined in any order: adalovelace, lovelaceada."""
    plain = SUFFIX.sub("", re.sub(r" \(\d+\)$", "", name)).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = re.findall(r"[^\W_]+", plain)
    orders = itertools.permutations(words) if len(words) <= WORDS_IN_A_NAME else [words]
    return {"".join(order) for order in orders if order} or {plain}


def pseudonyms(path, names):
    """Return a pseudonym for each name: from the key in a file, or a new one, which is added to the key.

    Parameters
    ----------
    path : path-like
        CSV with the heading student,pseudonym. It is made if it does not exist.
    names : list of str

    Returns
    -------
    dict of str to str

    Raises
    ------
    ValueError
        If the file exists and is not a key.
    """
    path = pathlib.Path(path)
    rows = [row for _, row in rows_of(path)] if path.exists() else []
    if rows and [cell.casefold() for cell in rows[0]] != KEY:
        raise ValueError(f"{path} exists and is not a key: its first line is not {','.join(KEY)}. It was not changed.")
    key = {row[0]: row[1] for row in rows[1:] if len(row) > 1}
    taken = set(key.values())
    for name in names:
        while name not in key:
            new = f"student-{secrets.randbelow(900_000) + 100_000}"
            if new not in taken:
                key[name] = new
                taken.add(new)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([KEY, *key.items()])
    with whole_file(path) as file:
        file.write(text.getvalue().encode("utf-8-sig"))
    return {name: key[name] for name in names}
