"""A command line → what it asks for, carried out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from krm_fn.command import arguments, files, stdio
from krm_fn.command.settings import Settings
from krm_fn.command.subcommands import SUBCOMMANDS

_USAGE = 2


def run(words: Sequence[str]) -> int:
    """Carry out a command line and return the exit code; a wrong one ends the process with code 2."""
    top, known = parser(), {one.name: one for one in SUBCOMMANDS}
    options, more = top.parse_known_args(words)
    # argparse takes no positional arguments behind an option where some stood before it.
    if more and (not hasattr(options, "paths") or any(word.startswith("-") and word != "-" for word in more)):
        top.error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        options.paths += more
    called = known.get(options.command)
    if called and (refused := (called.sources and _with_sources(options)) or called.refuse(options)):
        top.error(refused)
    overrides = _overrides(top, getattr(options, "set", []))
    try:
        flags = arguments.flags_of(options)
    except ValueError as error:
        top.error(str(error))
    config = getattr(options, "config", None)
    settings = Settings(files.read_config(config) if config else None, overrides, flags)
    if called:
        return called.function()(options, settings)
    if sys.stdin and sys.stdin.isatty():
        sys.stderr.write(top.format_help())
        return _USAGE
    return stdio.filter_stdin(
        settings.config, overrides, allow_empty=options.allow_empty, least=arguments.least(options)
    )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = arguments.top("|".join(one.name for one in SUBCOMMANDS if one.paths))
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for one in SUBCOMMANDS:
        command = commands.add_parser(one.name, help=one.summary, description=one.summary, epilog=arguments.EPILOG)
        if one.paths:
            arguments.add_paths(command, "*" if one.sources else one.paths, one.first)
            arguments.add_config(command)
        one.declare(command)
        if one.sources:
            arguments.add_sources(command)
    return top


def _overrides(top: argparse.ArgumentParser, pairs: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            top.error(f"--set takes PATH=VALUE, found {pair!r}")
        overrides[path] = value
    return overrides


def _with_sources(options: argparse.Namespace) -> str:
    """Put the sources of --git behind the PATHs."""
    options.paths += [f"git:{one}" for one in options.at]
    return "" if options.paths else f"{options.command} takes at least one PATH, or --git REV:PATH"
