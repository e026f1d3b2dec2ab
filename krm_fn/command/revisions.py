"""Paths of the work tree → the same paths as a commit has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from krm_fn.command.reading import Place, place
from krm_fn.results import Code, FunctionError, Ref, Result


def split(revision: str) -> tuple[str, str]:
    """Return the two ends of `A..B` or `A...B` (from their common ancestor); the second is empty for one alone.

    Raises:
        FunctionError: if git cannot find the common ancestor.
    """
    for dots in ("...", ".."):
        old, found, new = revision.partition(dots)
        if found:
            old, new = old or "HEAD", new or "HEAD"
            return (_git("merge-base", "--", old, new) if dots == "..." else old), new
    return revision, ""


@contextmanager
def checked_out(revision: str, paths: Sequence[str]) -> Iterator[list[Place]]:
    """Give the paths as they are at a commit, in a folder that goes away again; the repository is only read.

    Paths that the commit does not have are left out. Without a revision they are those of the work tree.

    Raises:
        FunctionError: if there is no such commit, or a path lies outside the repository.
    """
    if not revision:
        yield [place(path) for path in paths if Path(path).exists()]
        return
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    top = Path(_git("rev-parse", "--show-toplevel")).resolve()
    inside = [_inside(path, top) for path in paths]
    with TemporaryDirectory(prefix="virtual-env-fn-") as folder:
        # An index of its own, so that the user's stays as it is. Unlike `git archive`, this ignores export-ignore.
        env = os.environ | {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        tree = Path(folder).resolve() / "tree"
        _git("-C", str(top), "read-tree", commit, env=env)
        _git("-C", str(top), "checkout-index", "--all", f"--prefix={tree}/", env=env)
        there = [(shown, tree / path) for shown, path in zip(paths, inside, strict=True)]
        yield [Place(shown, path, tree) for shown, path in there if path.exists()]


def _inside(path: str, top: Path) -> Path:
    full = Path(path).resolve()
    if not full.is_relative_to(top):
        raise FunctionError(Result(Code.PATH_UNREADABLE, f"lies outside the repository {top}", Ref(file=path)))
    return full.relative_to(top)


def _git(*arguments: str, env: dict[str, str] | None = None) -> str:
    program = shutil.which("git")
    if not program:
        raise FunctionError(Result(Code.PATH_UNREADABLE, "git is not in PATH", Ref(kind="--git")))
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=env, check=False)  # noqa: S603 - found in PATH on purpose
    if done.returncode:
        said = done.stderr.strip() or "there is no such commit here (a shallow clone has few: fetch it first)"
        raise FunctionError(Result(Code.PATH_UNREADABLE, f"git {arguments[-1]}: {said}", Ref(kind="--git")))
    return done.stdout.strip()
