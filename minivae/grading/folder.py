"""Reading a folder of submissions: each entry is a submission, or is listed as left out.

All files are read before any of them runs, so no submission can delete or change another.
"""

import io
import pathlib
import re
import stat
import zipfile
import zlib
from typing import NamedTuple

from ..exercises.answers.foreign import printable
from .cells import Unreadable, cells_of

__all__ = ["Submission", "handed_in"]

LARGEST, IN_ALL, ENTRIES = 200 * 2**20, 400 * 2**20, 2000   # bytes of a file and of a zip, and entries of a zip
BESIDE = 20 * 2**20    # bytes of the other files that are put beside a submission when it runs
DATA = (".csv", ".npz", ".npy", ".png", ".jpg", ".jpeg", ".gif", ".gz", ".json", ".jsonl", ".log")
# the endings of code, also as browsers and mail programs change them
KIND = re.compile(r"\.(ipynb|py)(\.txt)?( ?\(\d+\))?( - copy)?$", re.IGNORECASE)
CANVAS = re.compile(r"([^_]+)(_LATE)?_(\d+)_\d+_(.+)", re.IGNORECASE)   # name_user_submission_file
MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_(?:file|onlinetext)_?(.*)")


class Submission(NamedTuple):
    """What one student has handed in.

    Attributes
    ----------
    name : str
        The name of its file or folder.
    files : list of (str, list of (str, str))
        Each file's name and its code cells.
    beside : dict of str to bytes
        Other files of its folder, by their path in it.
    trouble : list of str
        Which files could not be read, and why.
    time : float or None
        When its files were last changed, in seconds since 1970, if copying and unpacking have kept the time.
    late : bool
        Whether the name says that it was handed in late.
    """

    name: str
    files: list
    beside: dict
    trouble: list
    time: float | None = None
    late: bool = False


def handed_in(place):
    """Read a file, or a folder in which each entry is a submission.

    Parameters
    ----------
    place : path-like

    Returns
    -------
    found : list of Submission
        In the order of their names.
    left_out : list of str
        Names of the other entries: hidden files and data.

    Raises
    ------
    FileNotFoundError
        If there is no such place.
    ValueError
        If there is nothing to grade in it.
    """
    place = pathlib.Path(place)
    if not place.exists():
        raise FileNotFoundError(f"there is no file or folder {place}.")
    entries = sorted(place.iterdir()) if place.is_dir() else [place]
    left_out = [entry.name for entry in entries if _aside(entry.name)
                or (entry.is_file() and entry.suffix.lower() in DATA)]
    found = _by_student([_submission(entry) for entry in entries if entry.name not in left_out])
    if place.is_file() and len(found) == 1 and len({_student(name) for name, _ in found[0].files} - {None}) > 1:
        raise ValueError(f"{place} holds the files of several students: unpack it, and give the folder.")
    if not any(one.files or one.trouble for one in found) or (place.is_file() and not _is_code(place.name)
                                                               and place.suffix.lower() != ".zip"):
        raise ValueError(f"there is nothing to grade in {place}: no notebook (.ipynb) and no Python file (.py).")
    return found, left_out


def _by_student(found):
    """Join the files of each student, if they are named as in a download from Canvas or Moodle."""
    students = {}
    for one in found:
        name = _student(one.name)
        if name is None:
            students[one.name] = one
            continue
        canvas = CANVAS.fullmatch(one.name)
        is_late = bool(canvas and canvas[2] and not MOODLE.fullmatch(one.name))
        late = ["handed in late, by the name of the file"] if is_late else []
        so_far = students.get(name, Submission(name, [], {}, []))
        problems = [f"{printable(one.name, 80)}: {text}" for text in one.trouble]
        beside = {path: data for path, data in one.beside.items() if path not in so_far.beside}
        trouble = so_far.trouble + problems + [text for text in late if text not in so_far.trouble]
        time = max((moment for moment in (so_far.time, one.time) if moment is not None), default=None)
        students[name] = Submission(name, so_far.files + one.files, so_far.beside | beside, trouble, time,
                                    so_far.late or is_late)
    return list(students.values())


def _student(name):
    """Return the student's name and number from the name of a file in a download from Canvas or Moodle, or None."""
    name = name.partition("/")[0]
    canvas, moodle = CANVAS.fullmatch(name), MOODLE.fullmatch(name)
    return f"{moodle[1]} ({moodle[2]})" if moodle else f"{canvas[1]} ({canvas[3]})" if canvas else None


def _aside(name):
    return name.startswith((".", "__"))


def _is_code(name):
    return KIND.search(name) is not None


def _submission(entry):
    """Read one entry of the folder; what cannot be read is listed in its ``trouble``."""
    submission, room, times = Submission(entry.name, [], {}, []), [BESIDE], []
    if entry.is_dir() and not entry.is_symlink():
        inside = sorted(path for path in entry.rglob("*") if (path.is_symlink() or not path.is_dir())
                        and not any(map(_aside, path.relative_to(entry).parts)))
        for path in inside:
            _add(submission, path.relative_to(entry).as_posix(), path, room, times)
    else:
        _add(submission, entry.name, entry, room, times)
    if not submission.files and not submission.trouble:
        submission.trouble.append("there is no notebook and no Python file in it")
    return submission._replace(time=max(times, default=None))


def _add(submission, name, path, room, times):
    """Add a file to a submission: code, an archive, or data to put beside it; or a sentence on what to ask for."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            kind = "a link" if path.is_symlink() else "not an ordinary file"
            submission.trouble.append(f"{printable(name, 80)}: it is {kind}, and was not read: ask for the file itself")
            return
        times.append(about.st_mtime)
        if about.st_size > LARGEST:
            submission.trouble.append(f"{printable(name, 80)}: the file is larger than {LARGEST // 2**20} MB")
        elif _is_code(name) or name.lower().endswith(".zip") or about.st_size <= room[0]:
            _add_bytes(submission, name, path.read_bytes(), room)
    except OSError as error:
        submission.trouble.append(f"{printable(name, 80)}: the file cannot be read: {error.strerror}")


def _add_bytes(submission, name, data, room, in_zip=False):
    prefix = "" if name == submission.name else f"{printable(name, 80)}: "
    if name.lower().endswith(".zip") and not in_zip:
        _unpack(submission, data, room, prefix)
    elif _is_code(name):
        try:
            notebook = "ipynb" in KIND.search(name)[1].lower()
            submission.files.append((name, cells_of(data, notebook)))
        except Unreadable as error:
            submission.trouble.append(f"{prefix}{error}")
        if not prefix or len(data) > room[0]:
            return
        submission.beside[name] = data
        room[0] -= len(data)
    elif name == submission.name:
        printed = name.lower().endswith((".html", ".htm", ".pdf"))
        page = " It is a page that was printed from a notebook." if printed else ""
        ask = "Ask for the .ipynb or .py file itself"
        submission.trouble.append(f"this is neither a notebook nor a Python file.{page} {ask}")
    elif len(data) <= room[0]:
        submission.beside[name] = data
        room[0] -= len(data)


def _unpack(submission, data, room, prefix):
    """Add the files of a zip archive. They are read in memory, so none of them can be written anywhere."""
    try:
        archive, left = zipfile.ZipFile(io.BytesIO(data)), IN_ALL
        members = sorted(archive.infolist(), key=lambda member: not _is_code(member.filename))   # code comes first
        if len(members) > ENTRIES:
            submission.trouble.append(f"{prefix}there are {len(members)} files in the archive; {ENTRIES} were read")
        for member in members[:ENTRIES]:
            parts = pathlib.PurePosixPath(member.filename.replace("\\", "/")).parts
            if member.is_dir() or any(part == ".." or _aside(part) or part.startswith("/") or ":" in part
                                      for part in parts):
                continue
            if member.file_size > min(left, LARGEST):
                submission.trouble.append(f"{prefix}{printable(member.filename, 80)} is too large to unpack")
                continue
            left -= member.file_size
            with archive.open(member) as file:
                _add_bytes(submission, "/".join(parts), file.read(member.file_size), room, in_zip=True)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        submission.trouble.append(f"{prefix}the archive cannot be unpacked: {printable(error, 80)}")
        return
    if not submission.files and not submission.trouble:
        submission.trouble.append(f"{prefix}there is no notebook and no Python file in the archive")
