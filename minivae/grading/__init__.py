"""Grading the exercises of a class, in notebooks or Python files: python -m minivae grade FILE_OR_FOLDER.

Each submission runs in a process of its own, which only returns arrays. One that loops, exits, crashes or prints
without end does not stop the others. This is not a security sandbox: a submission can do whatever the user who grades
can do.

The modules, in the order to read them:

- what is handed in: ``folder`` (which files), ``cells`` (their code)
- one submission: ``grade`` (its row in the table), ``remote`` (its process and functions, on the grader's side),
  ``child`` and ``submission`` (the other side), ``channel`` (the messages between them), ``launch`` (how processes
  start)
- a class: ``workers`` (several submissions at once), ``kept`` (results kept on disk), ``command`` (the whole command)
- what a teacher decides: ``used`` (what a submission used), ``alike`` (answers that are nearly the same), ``roster``
  (names), ``marks`` (points, late days, marks by hand)
- what is written: ``table``, ``anonymous``, ``feedback_files``
"""

from .command import grade_all
from .folder import handed_in
from .grade import grade

__all__ = ["grade", "grade_all", "handed_in"]
