"""``python -m minivae`` runs the command line, which is in ``cli/main.py``."""

import sys

from .cli.main import main

sys.exit(main())
