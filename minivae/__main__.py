"""python -m minivae"""

import sys

from .cli.main import main

sys.exit(main())
