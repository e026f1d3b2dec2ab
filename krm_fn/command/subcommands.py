"""The subcommands: what each is called and takes, and which function carries it out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from krm_fn.command import arguments
from krm_fn.command.settings import Settings

_TWO = 2  # OLD and NEW, ENV and PATH


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
        first: what stands in the place of the first PATH, for its help.
        sources: whether --git REV:PATH are PATHs as well.
    """

    name: str
    summary: str
    run: str
    declare: Callable[[argparse.ArgumentParser], None] = _nothing
    paths: str = "+"
    refuse: Callable[[argparse.Namespace], str] = _accept
    first: str = "PATH"
    sources: bool = False

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
    arguments.add_proxy(command, "and the way that the request takes in a proxy, by its config dump (see verify)")
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


def _verify(command: argparse.ArgumentParser) -> None:
    what = "what `istioctl proxy-config all POD -o json` prints, or Envoy's /config_dump?include_eds; - for stdin"
    arguments.add_proxy(command, what)
    command.add_argument(
        "--live",
        action="store_true",
        help="fetch the dump of one sidecar of each namespace and of each gateway with kubectl; reads only",
    )
    command.add_argument(
        "--namespace", action="append", default=[], metavar="N", help="with --live: ask there; may be repeated"
    )
    command.add_argument("--pod", default="", metavar="P", help="with --live: ask this pod's sidecar")
    arguments.add_format(command, "text", "md", "json")
    arguments.add_output(command, required=False)


def _verify_what(options: argparse.Namespace) -> str:
    return "" if options.proxy or options.live else "verify takes --proxy DUMP, or --live"


def _page(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--verify",
        action="append",
        default=[],
        metavar="FILE",
        help="show what `verify --format json` found over the plan; may be repeated",
    )
    arguments.add_output(command, required=True)


def _schema(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format",
        choices=("krm", "json-schema"),
        default="krm",
        help="krm: a KRMFunctionDefinition (default); json-schema: for editors",
    )


def _fork(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="CONTAINER=IMAGE",
        help="another image; IMAGE alone where there is one container; may be repeated",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="a new file for it (default stdout)")
    command.add_argument("--remove", action="store_true", help="ENV PATH...: name what to delete for it to go")


def _fork_words(options: argparse.Namespace) -> str:
    if len(options.paths) < (_TWO if options.remove else _TWO + 1):
        return "fork takes ENV, WORKLOAD ([NAMESPACE/][KIND/]NAME) and PATHs, or --remove ENV and PATHs"
    return ""


SUBCOMMANDS = (
    Subcommand(
        "generate",
        "print only what the function generates or changes",
        "desk:generate",
        arguments.add_quiet,
        sources=True,
    ),
    Subcommand("check", "print the findings; exit 1 if one is an error", "check:check", _check, sources=True),
    Subcommand("explain", "print who answers, and why", "show_explain:run", _explain, sources=True),
    Subcommand(
        "matrix", "print a table, Services by environments: who answers each", "show_matrix:run", _matrix, sources=True
    ),
    Subcommand(
        "diff",
        "print whose answers change between two lists: OLD NEW",
        "show_diff:run",
        _diff,
        paths="*",
        refuse=_diff_paths,
    ),
    Subcommand(
        "verify",
        "compare the plan with what running proxies do, by their config dumps",
        "verify:show_verify",
        _verify,
        refuse=_verify_what,
        sources=True,
    ),
    Subcommand("page", "write one self-contained HTML page to look at", "show_page:run", _page, sources=True),
    Subcommand(
        "fork",
        "print the manifest of a new environment's workload, made of the one that answers it today",
        "fork:fork",
        _fork,
        refuse=_fork_words,
        first="ENV WORKLOAD PATH",
    ),
    Subcommand("schema", "print the schema of the configuration", "desk:schema", _schema, paths=""),
)
