"""Pass the tests on a machine with only git and Python: python3 tests/run.py [pytest's arguments]."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bootstrap  # the project's folder is not on the path of a script in tests/

if __name__ == "__main__":
    sys.exit(bootstrap.run("python", "-m", "pytest", *sys.argv[1:]))
