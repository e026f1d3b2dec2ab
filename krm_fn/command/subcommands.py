"""The subcommands: what each is called and takes, and which function carries it out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

from krm_fn.command import arguments, files, stdio
from krm_fn.command.settings import Settings

_USAGE = 2
_TWO = 2  # OLD and NEW


def _nothing(_: argparse.ArgumentParser) -> None:
    pass


def _accept(_: argparse.Namespace) -> str:
    return ""


class Subcommand(NamedTuple):
    """A subcommand.

    Attributes:
        name: what it is called.
        summary: what it does, for its help.
        run: MODULE:FUNCTION of krm_fn.command, loaded when it is called: it takes (options, settings) and returns the
            exit code.
        declare: adds its own arguments to its parser.
        paths: how many PATHs it takes, as argparse's nargs; empty for none, and then no configuration either.
        refuse: says what is wrong about options that no single argument shows; empty if nothing is.
    """

    name: str
    summary: str
    run: str
    declare: Callable[[argparse.ArgumentParser], None] = _nothing
    paths: str = "+"
    refuse: Callable[[argparse.Namespace], str] = _accept

    def function(self) -> Callable[[argparse.Namespace, Settings], int]:
        """Return what carries it out."""
        module, _, name = self.run.partition(":")
        found: Callable[[argparse.Namespace, Settings], int] = getattr(import_module(f"krm_fn.command.{module}"), name)
        return found


def _check(command: argparse.ArgumentParser) -> None:
    arguments.add_quiet(command)
    arguments.add_format(command, "text", "json", "sarif", "github")
    command.add_argument(
        "--fail-on",
        choices=("error", "warning", "info"),
        default="error",
        help="exit 1 if there is a finding of this severity or above (default error)",
    )


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("--service", default="", metavar="[NAMESPACE/]NAME", help="only this Service")
    command.add_argument("--env", metavar="VALUE", help="for a request that carries this value")
    command.add_argument("--from", dest="caller", metavar="ENV", help="for a call from a pod of this environment")
    arguments.add_format(command, "text", "json")


def _matrix(command: argparse.ArgumentParser) -> None:
    arguments.add_pattern(command, "--service", "only Services of this name, such as 'shop/*'")
    arguments.add_pattern(command, "--env", "only environments of this name, such as 'dev.proj1*'")
    command.add_argument("--all", action="store_true", help="also Services that the base answers everywhere")
    arguments.add_format(command, "text", "md", "json")


def _diff(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--git",
        metavar="REV",
        help="compare the PATHs (default .) at REV with those of the work tree; REV..REV and REV...REV as git has them",
    )
    command.add_argument(
        "--fail-on",
        choices=("base", "unmatched", "any"),
        help="exit 1 if requests without an environment move, if an answer is lost, or if anything changes",
    )
    arguments.add_format(command, "text", "md", "json", "html")
    arguments.add_output(command, required=False)


def _diff_paths(options: argparse.Namespace) -> str:
    if options.git is None and len(options.paths) != _TWO:
        return "diff takes OLD and NEW, or --git REV and any number of PATHs"
    return ""


def _page(command: argparse.ArgumentParser) -> None:
    arguments.add_output(command, required=True)


def _schema(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format",
        choices=("krm", "json-schema"),
        default="krm",
        help="krm: a KRMFunctionDefinition (default); json-schema: for editors",
    )


SUBCOMMANDS = (
    Subcommand("generate", "print only what the function generates or changes", "desk:generate", arguments.add_quiet),
    Subcommand("check", "print the findings; exit 1 if one is an error", "check:check", _check),
    Subcommand("explain", "print who answers, and why", "show:show_explain", _explain),
    Subcommand("matrix", "print a table, Services by environments: who answers each", "show:show_matrix", _matrix),
    Subcommand(
        "diff",
        "print whose answers change between two lists: OLD NEW",
        "show:show_diff",
        _diff,
        paths="*",
        refuse=_diff_paths,
    ),
    Subcommand("page", "write one self-contained HTML page to look at", "show:show_page", _page),
    Subcommand("schema", "print the schema of the configuration", "desk:schema", _schema, paths=""),
)


def run(words: Sequence[str]) -> int:
    """Carry out a command line and return the exit code; a wrong one ends the process with code 2."""
    top, known = parser(), {one.name: one for one in SUBCOMMANDS}
    options = top.parse_args(words)
    called = known.get(options.command)
    if called and (refused := called.refuse(options)):
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
            arguments.add_paths(command, one.paths)
            arguments.add_config(command)
        one.declare(command)
    return top


def _overrides(top: argparse.ArgumentParser, pairs: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            top.error(f"--set takes PATH=VALUE, found {pair!r}")
        overrides[path] = value
    return overrides
