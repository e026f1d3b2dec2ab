"""Paths of the work tree → the same paths as a commit has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from krm_fn.command.reading import Place, place
from krm_fn.results import Code, FunctionError, Ref, Result

_SHALLOW = " (a shallow clone has few commits: fetch more of them first)"
_NO_COMMIT = f"there is no such commit here{_SHALLOW}"
_SUBMODULE = "160000"  # the mode of an entry that names a commit of another repository


def split(revision: str) -> tuple[str, str]:
    """Return the two ends of `A..B` or `A...B` (from their common ancestor); the second is empty for one alone.

    Raises:
        FunctionError: if git cannot find the common ancestor.
    """
    for dots in ("...", ".."):
        old, found, new = revision.partition(dots)
        if found:
            old, new = old or "HEAD", new or "HEAD"
            return (_ancestor(old, new) if dots == "..." else old), new
    return revision, ""


def _ancestor(old: str, new: str) -> str:
    for end in (old, new):
        _commit(end)
    return _git("merge-base", "--", old, new, silent=f"{old} has no ancestor in common with it here{_SHALLOW}")


def _commit(revision: str) -> str:
    return _git(
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        about=revision,
        silent=_NO_COMMIT,
    )


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
    commit = _commit(revision)
    top = Path(_git("rev-parse", "--show-toplevel")).resolve()
    inside = [_inside(path, top) for path in paths]
    with TemporaryDirectory(prefix="virtual-env-fn-") as folder:
        # An index of its own, so that the user's stays as it is. Unlike `git archive`, this ignores export-ignore.
        env = os.environ | {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        tree = Path(folder).resolve() / "tree"
        _check_out(top, commit, tree, env)
        there = [(shown, tree / path) for shown, path in zip(paths, inside, strict=True)]
        yield [Place(shown, path, tree) for shown, path in there if path.exists()]


def _check_out(repository: Path, commit: str, tree: Path, env: Mapping[str, str]) -> None:
    """Write a commit below `tree`, with those submodules that the work tree has, too: another is empty in both."""
    here = ("-C", str(repository))
    _git(*here, "read-tree", commit, env=env)
    _git(*here, "checkout-index", "--all", f"--prefix={tree}/", env=env)
    listed = _git(*here, "ls-files", "--stage", "-z", env=env).split("\0")
    own = {name: value for name, value in env.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}  # a hook's
    for mode, pinned, path in ((*one.partition("\t")[0].split()[:2], one.partition("\t")[2]) for one in listed if one):
        if mode == _SUBMODULE and _is_checked_out(repository, path):
            found = f"the submodule {path} at {pinned}"
            _git("-C", str(repository / path), "cat-file", "-e", pinned, env=own, about=found, any_fault=_NO_COMMIT)
            _check_out(repository / path, pinned, tree / path, own)


def _is_checked_out(repository: Path, submodule: str) -> bool:
    place = repository / submodule
    return (place / ".git").exists() and place.resolve().is_relative_to(repository)  # no link leads out of it


def _inside(path: str, top: Path) -> Path:
    full = Path(path).resolve()
    if not full.is_relative_to(top):
        raise FunctionError(Result(Code.PATH_UNREADABLE, f"lies outside the repository {top}", Ref(file=path)))
    return full.relative_to(top)


def _git(
    *arguments: str, env: Mapping[str, str] | None = None, about: str = "", silent: str = "", any_fault: str = ""
) -> str:
    """Return what git prints; where it fails, say so of `about`, in the words of `silent` if it has none of its own."""
    program = shutil.which("git")
    if not program:
        raise FunctionError(Result(Code.PATH_UNREADABLE, "git is not in PATH", Ref(kind="--git")))
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=env, check=False)  # noqa: S603 - found in PATH on purpose
    if done.returncode:
        said = any_fault or done.stderr.strip() or silent
        raise FunctionError(Result(Code.PATH_UNREADABLE, f"{about or arguments[-1]}: {said}", Ref(kind="--git")))
    return done.stdout.strip()
