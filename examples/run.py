"""Show an example on a machine with only git and Python: python3 examples/run.py [quickstart].

Prints who answers whom, then the routes that make it so, then what to type next.
"""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES.parent))
import bootstrap  # noqa: E402  # the project's folder is not on the path of a script in examples/

NEXT = """
Next, with the command on the path (export PATH="$PWD/.venv/bin:$PATH"):
  virtual-env-fn explain {0} --env dev.proj1        why each Service answers as it does
  virtual-env-fn page {0} -o page.html              the same to look at, in a browser
  virtual-env-fn check YOUR-MANIFESTS                your own application: what it has, and what is missing
"""


def main(arguments: list[str]) -> int:
    """Show the named example; return the first exit code that is not 0."""
    known = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    name = arguments[0] if arguments else "quickstart"
    if len(arguments) > 1 or name not in known:
        sys.exit(f"usage: examples/run.py [NAME]; the examples are: {', '.join(known)}")
    folder = Path("examples", name)
    for number, (command, what) in enumerate((("matrix", "Who answers whom"), ("generate", "The routes that do it"))):
        print(f"{chr(10) * number}{what}:\n\n$ virtual-env-fn {command} {folder}", flush=True)
        code = bootstrap.run("virtual-env-fn", command, folder)
        if code:
            return code
    print(NEXT.format(folder), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
