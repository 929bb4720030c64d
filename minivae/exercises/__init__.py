"""Exercises: what a student writes, how it is checked, and the mistakes that can be named.

    from minivae import exercises
    exercises.progress()                          # a map of the course
    exercises.statement("dense_dW")               # what to write
    exercises.check("dense_dW", dense_dW)         # right, or the first thing to fix
    exercises.hint("dense_dW")                    # the next hint

Read in this order: exercise (what one is), sheets (all of them), judges (who decides, and how a mistake gets its name),
answers (how a student's function is called and what it may return), catalogue (the mistakes), feedback (what a student
reads), course (what a student calls).
"""

from .course import check, hint, names, progress, statement
from .feedback import ExerciseReport

__all__ = ["names", "statement", "check", "hint", "progress", "ExerciseReport"]
