"""Grading submissions, notebooks or Python files: python -m minivae grade FILE_OR_FOLDER.

It isolates mistakes: each submission runs in a process of its own, which only returns arrays, and one that loops,
exits, crashes or floods does not stop the rest. It is no security sandbox: what runs there may do whatever the user
may who runs it. Read in this order: grade (what is graded), remote (a process and its functions), channel (what may
come from it), child and submission (what runs there), table (what is written).
"""

from .grade import grade, run, submissions

__all__ = ["grade", "run", "submissions"]
