"""Shared by all tests: their folder on the path, so that they can use its modules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
