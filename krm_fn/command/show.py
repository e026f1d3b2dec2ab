"""What the commands that show the plan have in common: the list, names that are not there, where it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from krm_fn.command import running, stdio
from krm_fn.command.reading import Place
from krm_fn.command.settings import Settings
from krm_fn.names import nearest
from krm_fn.plan.answers import Plan
from krm_fn.results import Code, FunctionError, Ref, Result, Severity
from krm_fn.views import facts


class Shown(NamedTuple):
    """A plan to show, and all there is to say about its list, most severe first."""

    plan: Plan
    results: tuple[Result, ...]
    objects: int = 0  # how many the list has
    label: str = ""

    @property
    def failed(self) -> bool:
        return any(result.severity is Severity.ERROR for result in self.results)

    def say_errors(self) -> int:
        """Write the errors to stderr, before what is known in spite of them; return the exit code."""
        stdio.say(self.results, Severity.ERROR)
        return stdio.FAILED if self.failed else 0


def load(paths: Sequence[str | Place], settings: Settings, *, may_be_empty: bool = False) -> Shown:
    """Return the plan of some paths; what is not shown as it will be built is said on stderr.

    Raises:
        FunctionError: for what cannot be read.
    """
    ran = running.run(paths, settings, may_be_empty=may_be_empty)
    stdio.say(one for one in ran.loaded.results if one.severity is Severity.WARNING)
    label = ran.computed.configs.default.config.env_label.name
    return Shown(ran.computed.plan, ran.results, len(ran.loaded.objects), label)


def titles(paths: Sequence[str]) -> list[str]:
    """Return what a page calls paths: as they are from here, or by their last part, or two where two paths have one."""
    found = [Path(path).resolve() for path in paths]
    names = []
    for path, full in zip(paths, found, strict=True):
        twins = [one for one in found if one.name == full.name and one != full]
        inside = full.is_relative_to(Path.cwd()) and full != Path.cwd()
        outside = f"{full.parent.name}/{full.name}" if twins else full.name
        names.append("standard input" if path == "-" else str(full.relative_to(Path.cwd())) if inside else outside)
    return names


def check_service(name: str, plan: Plan) -> None:
    """Raise FunctionError where no Service goes by a name; an empty one is no name."""
    if name and not any(facts.is_named(one, name) for one in facts.services(plan)):
        raise FunctionError(not_found("--service", name, facts.names_of(plan), "no Service is named"))


def not_found(option: str, wanted: str, names: Sequence[str], what: str) -> Result:
    """Return the finding about a name that an option gives and the list has not, with the nearest that it has."""
    close = nearest(names, wanted)
    message = f"{what} {wanted!r}" + (f"; did you mean {close!r}?" if close else "")
    return Result(Code.NOT_FOUND, message, Ref(kind=option))


def as_text(value: object) -> str:
    """Return JSON to be read."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_json(value: object) -> None:
    """Write JSON to stdout."""
    stdio.write_text(as_text(value))


def write(text: str, output: str) -> None:
    """Write to a file or, for `-`, to stdout. A file is there whole, or as it was before.

    Raises:
        OSError: if it cannot be written; its text names the file.
    """
    if output == "-":
        stdio.write_text(text)
        return
    target = Path(output).resolve()  # through a link, which stays one
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8", errors="backslashreplace")  # a device or a pipe
            return
        with part.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OSError(error.errno, f"{output}: {error.strerror}") from error
