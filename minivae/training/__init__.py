"""Training: the loop, optimizers on the flat vector, schedules, and the checkpoints from which a run resumes.

Read in this order: optimizers, schedules, loop, finite (stops at NaN or infinity), threads (how a step is shared),
settings and checkpoint (how a run resumes), progress.
"""

from .checkpoint import load_checkpoint
from .finite import NonFiniteError
from .loop import train
from .optimizers import SGD, Adam

__all__ = ["SGD", "Adam", "NonFiniteError", "load_checkpoint", "train"]
