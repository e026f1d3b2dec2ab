"""`python -m krm_fn`: the command, where its script is not on PATH."""

import sys

from krm_fn.command.main import process

sys.exit(process())
