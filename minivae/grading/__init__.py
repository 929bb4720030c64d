"""Grading submissions, notebooks or Python files: python -m minivae grade FILE_OR_FOLDER.

It isolates mistakes: each submission runs in a process of its own, which only returns arrays, and one that loops,
exits, crashes or floods does not stop the rest. It is not a security sandbox: what runs there may do whatever its user
may. Read in this order: folder and cells (what is handed in), grade (a submission's row), launch and remote (a process
and its functions), channel (what may come from it), child and submission (what runs there), workers and kept (side by
side, and each row kept as it comes), used and alike (what a teacher decides about), roster and marks (names and
points), table, anonymous and feedback_files (what is written), command (the whole).
"""

from .folder import handed_in
from .grade import grade
from .command import grade_all

__all__ = ["grade", "grade_all", "handed_in"]
