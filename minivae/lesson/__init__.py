"""What the notebooks show: the stepper and its page, the explorer, the formula sheet, the toy, and figures."""

from .explorer import explore
from .formula_sheet import formula_sheet
from .show import show
from .stepper import step_through
from .toy import toy

__all__ = ["step_through", "explore", "formula_sheet", "toy", "show"]
