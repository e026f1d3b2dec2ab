"""Files of a user's → bytes and documents, each error with the name that the user knows the file by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from krm_fn.config.reader import given_twice
from krm_fn.results import Code, FunctionError, Ref, Result
from krm_fn.text import document
from krm_fn.text.document import Document
from krm_fn.text.yaml_shapes import Asked

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Place(NamedTuple):
    """A file or a directory.

    Attributes:
        shown: as the user calls it; all messages do.
        path: where it is read, which is elsewhere for what a commit has.
        root: the folder of ours in which that is; None in the work tree.
    """

    shown: str
    path: Path
    root: Path | None = None

    def below(self, name: str) -> Place:
        """Return what stands in a directory under a name, which may be a relative path."""
        shown = name if self.shown == "." else f"{self.shown.rstrip('/')}/{name}"
        return Place(shown, self.path / name, self.root)


def place(path: str) -> Place:
    """Return a path of the work tree."""
    return Place(path, Path(path))


def read_bytes(at: Place) -> bytes:
    """Return what a file holds.

    Raises:
        FunctionError: if it cannot be read.
    """
    try:
        return at.path.read_bytes()
    except OSError as error:
        raise FunctionError(problem(at.shown, f"cannot be read: {error.strerror}")) from error


def read_object(at: Place) -> Mapping[str, Any]:
    """Return the one object that a file holds, which is to be a configuration.

    Raises:
        FunctionError: if it cannot be read, holds no object or several, or one that gives a key twice.
    """
    listed = parse(read_bytes(at), at.shown)
    if len(listed.items) != 1:
        message = f"holds {len(listed.items)} objects; a configuration is one"
        raise FunctionError(Result(Code.CONFIG_INVALID, message, Ref(file=at.shown)))
    for found in given_twice(listed.items[0].duplicates, Ref(file=at.shown)):
        raise FunctionError(found)
    return listed.items[0].value


def parse(raw: bytes, name: str, asked: Asked = document.everything) -> Document:
    """Return the objects of a text, and of each what is `asked` for; errors name the text.

    Raises:
        FunctionError: for what is no list of objects.
    """
    try:
        return document.parse(raw, asked)
    except FunctionError as error:
        raise FunctionError(*(_in_file(result, name) for result in error.results)) from error


def _in_file(result: Result, name: str) -> Result:
    ref = result.ref or Ref()
    return result._replace(ref=ref if ref.file else ref._replace(file=name))


def problem(shown: str, message: str) -> Result:
    """Return the finding about a path that cannot be read or built."""
    return Result(Code.PATH_UNREADABLE, message, Ref(file=shown))
