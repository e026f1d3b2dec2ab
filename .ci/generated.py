"""Write data/: the manual page and the completion of shells, from the command's own parser: `.ci/generated.py`.

A wheel installs them under share/, where `man` and the shells look. Run it with the project's own Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import shtab

from krm_fn.command.line import parser

ROOT = Path(__file__).resolve().parents[1]
_NAME = "virtual-env-fn"
_PLACES = {
    "bash": f"share/bash-completion/completions/{_NAME}",
    "zsh": f"share/zsh/site-functions/_{_NAME}",
    "man": f"share/man/man1/{_NAME}.1",
}
_FILES = ("paths", "config", "output")  # what a shell completes with files
_SUMMARY = "virtual-environment labels on pods become Istio routes, at build time"


def main() -> None:
    """Write every file."""
    for name, text in texts().items():
        path = ROOT / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def texts() -> Mapping[str, str]:
    """Return the text of each file, by its path in data/."""
    completed = parser()
    for command in (completed, *commands(completed).values()):
        for action in command._actions:  # noqa: SLF001 - argparse has no public list of a parser's arguments
            if action.dest in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # how shtab is told
    shells = {_PLACES[shell]: shtab.complete(completed, shell) for shell in ("bash", "zsh")}
    return {**shells, _PLACES["man"]: "\n".join(_page(parser())) + "\n"}


def _page(top: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines of the manual page, in the words of man(7)."""
    yield f'.TH {_NAME.upper()} 1 "" "{_NAME}" "User Commands"'
    yield from (".SH NAME", rf"{_roff(_NAME)} \- {_roff(_SUMMARY)}", ".SH SYNOPSIS")
    yield from (rf"\fB{_roff(_NAME)}\fR {_roff(one)}" for one in ("[OPTION]... < INPUT > OUTPUT",))
    yield from (".br", rf"\fB{_roff(_NAME)}\fR [OPTION]... COMMAND [OPTION]... [PATH]...")
    yield from (".SH DESCRIPTION", ".nf", *map(_roff, (top.description or "").splitlines()), ".fi")
    yield ".SH OPTIONS"
    yield from _options(top)
    yield ".SH COMMANDS"
    for name, command in commands(top).items():
        yield from (f".SS {_roff(name)}", _roff(_sentence(command.description or "")))
        yield from _options(command)
    yield from (".SH EXIT STATUS", *map(_roff, (top.epilog or "").splitlines()))


def commands(top: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Return the subcommands by name."""
    (found,) = (one for one in top._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001 - as above
    return found.choices


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _options(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:  # noqa: SLF001 - argparse has no public list of a parser's options
        if not action.option_strings:
            continue
        takes = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        value = rf" \fI{_roff(str(takes))}\fR" if action.nargs != 0 and takes else ""
        yield from (".TP", ", ".join(rf"\fB{_roff(one)}\fR" for one in action.option_strings) + value)
        yield _roff((action.help or "how it is written") % {"prog": command.prog, "default": action.default})


def _roff(text: str) -> str:
    """Return text that roff prints as it stands."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    main()
