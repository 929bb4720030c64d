"""Training: optimizers on the flat vector, schedules, the loop, and checkpoints that a run resumes from."""

from .checkpoint import load_checkpoint
from .finite import NonFiniteError
from .loop import train
from .optimizers import SGD, Adam

__all__ = ["SGD", "Adam", "NonFiniteError", "load_checkpoint", "train"]
