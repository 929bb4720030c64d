"""Gradient checking without a step or a tolerance to guess, for anybody's functions.

``check_gradient`` takes a scalar function with claimed gradients, ``check_vjp`` a forward with its backward,
``check_model`` a whole VAE, ``check_unbiased`` a Monte-Carlo estimator. Each returns a report: pass, fail or
inconclusive, and the name of the mistake. ``step_error`` measures the V of error against step.

Read in this order: numeric (one derivative), probe and noise (a function along a line, and how exact it is), record
(what is known of a tensor's gradient), agreement (one claim against one difference), compare (whole tensors), inputs
and behaviour (what is wrong whatever the numbers are), checks, places (where the wrong numbers lie), hypotheses (the
table of mistakes), diagnosis (which mistake it is), model (a whole VAE).
"""

from .checks import check_gradient, check_vjp
from .model import check_model
from .report import Report
from .step_error import step_error
from .unbiased import check_unbiased

__all__ = ["check_gradient", "check_vjp", "check_model", "check_unbiased", "step_error", "Report"]
