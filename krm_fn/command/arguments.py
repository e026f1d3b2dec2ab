"""The command line: subcommands and their options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from krm_fn import __version__
from krm_fn.results import FUNCTION

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it

VIEWS = ("explain", "matrix", "diff", "page")
_TWO = 2  # OLD and NEW

_DESCRIPTION = f"""\
Reads virtual-environment labels on pods and writes the Istio routes that make them so: a request of dev.proj1
reaches dev.proj1's pods where there are some, and falls back level by level to dev where there are none.

As a KRM function (kustomize, kpt):  {FUNCTION} < ResourceList > ResourceList
As a filter of YAML documents:       kustomize build . | {FUNCTION} --config virtual-env.yaml | kubectl apply -f -
At a desk:                           {FUNCTION} generate|check|explain|matrix|diff|page PATH...
"""
_EPILOG = """\
PATH is a file, a directory of manifests or a kpt package (.krmignore holds), a kustomization (built with kustomize or
kubectl), or - for stdin. Exit codes: 0 the output is safe to apply, 1 errors (the input comes back unchanged), 2 usage.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(FUNCTION, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=formatter)
    top.add_argument("--version", action="version", version=f"{FUNCTION} {__version__}")
    _add_config(top)
    _add_quiet(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _add_quiet(_command(commands, "generate", "print only what the function generates or changes"))
    check = _command(commands, "check", "print the findings; exit 1 if one is an error")
    check.add_argument("--format", choices=("text", "json"), default="text")
    _add_quiet(check)
    _add_explain(commands)
    _add_matrix(commands)
    _add_diff(commands)
    page = _command(commands, "page", "write one self-contained HTML page to look at")
    page.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write it; - for stdout")
    summary = "print the KRMFunctionDefinition, with the schema of the configuration"
    commands.add_parser("schema", help=summary, description=summary)
    return top


def parse(top: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Return the options; a wrong command line ends the process with code 2."""
    options = top.parse_args(words)
    if options.command == "diff" and options.git is None and len(options.paths) != _TWO:
        top.error("diff takes OLD and NEW, or --git REV and any number of PATHs")
    return options


def _command(commands: Commands, name: str, summary: str, *, paths: str = "+") -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary, epilog=_EPILOG)
    command.add_argument("paths", nargs=paths, metavar="PATH")
    _add_config(command)
    return command


def _add_config(command: argparse.ArgumentParser) -> None:
    # Given before a subcommand or behind it: the subcommand's own default must not hide the former.
    command.add_argument(
        "--config",
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="the configuration (VirtualEnvironment or ConfigMap)",
    )
    command.add_argument(
        "--set",
        default=argparse.SUPPRESS,
        action="append",
        metavar="PATH=VALUE",
        help="set a field, such as envLabel.defaultSubset=dev; may be repeated, wins over --config",
    )


def _add_quiet(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="say errors only; no word if all is well"
    )


def _add_explain(commands: Commands) -> None:
    command = _command(commands, "explain", "print who answers, and why")
    command.add_argument("--service", default="", metavar="[NAMESPACE/]NAME", help="only this Service")
    command.add_argument("--env", metavar="VALUE", help="for a request that carries this value")
    command.add_argument("--from", dest="caller", metavar="ENV", help="for a call from a pod of this environment")
    command.add_argument("--format", choices=("text", "json"), default="text")


def _add_matrix(commands: Commands) -> None:
    command = _command(commands, "matrix", "print a table, Services by environments: who answers each")
    _add_pattern(command, "--service", "only Services of this name, such as 'shop/*'")
    _add_pattern(command, "--env", "only environments of this name, such as 'dev.proj1*'")
    command.add_argument("--all", action="store_true", help="also Services that the base answers everywhere")
    command.add_argument("--format", choices=("text", "md", "json"), default="text")


def _add_pattern(command: argparse.ArgumentParser, option: str, text: str) -> None:
    command.add_argument(option, action="append", default=[], metavar="PATTERN", help=f"{text}; may be repeated")


def _add_diff(commands: Commands) -> None:
    command = _command(commands, "diff", "print whose answers change between two lists: OLD NEW", paths="*")
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
    command.add_argument("--format", choices=("text", "md", "json", "html"), default="text")
    command.add_argument("-o", "--output", default="-", metavar="FILE", help="where to write it (default stdout)")
