"""The words of the command line that several subcommands take."""

from __future__ import annotations

import argparse
import shlex

from krm_fn import __version__
from krm_fn.command.settings import Flags
from krm_fn.config.described import as_help
from krm_fn.config.reader import API_VERSION, KIND
from krm_fn.results import FUNCTION, Severity

EPILOG = """\
PATH is a file, a directory of manifests or a kpt package (.krmignore holds), a kustomization (built with kustomize or
kubectl), or - for stdin. Exit codes: 0 the output is safe to apply, 1 errors (the input comes back unchanged), 2 usage.
"""
_NEVER = ("--enable-exec", "--enable-star")  # flags of kustomize
_DESCRIPTION = f"""\
Reads virtual-environment labels on pods and writes the routes that make them so: a request of dev.proj1
reaches dev.proj1's pods where there are some, and falls back level by level to dev where there are none.

As a KRM function (kustomize, kpt):  {FUNCTION} < ResourceList > ResourceList
As a filter of YAML documents:       kustomize build . | {FUNCTION} --config virtual-env.yaml | kubectl apply -f -
At a desk:                           {FUNCTION} SUBCOMMANDS PATH...

The configuration is an object of {API_VERSION}, kind {KIND}, or a ConfigMap with the same dotted names
in its data. Fields of its spec ('{FUNCTION} schema' has them with types and defaults):

{as_help()}"""


def top(desk: str) -> argparse.ArgumentParser:
    """Return the parser of the whole command line; `desk` names the subcommands that take paths."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        FUNCTION, description=_DESCRIPTION.replace("SUBCOMMANDS", desk), epilog=EPILOG, formatter_class=formatter
    )
    parser.add_argument("--version", action="version", version=f"{FUNCTION} {__version__}")
    add_config(parser)
    add_quiet(parser)
    parser.add_argument(
        "--allow-empty",
        action="store_true",
        help="as a filter: no object in, none out, and no error (a Helm chart of hooks only)",
    )
    return parser


def add_paths(command: argparse.ArgumentParser, count: str, first: str) -> None:
    """Add the PATHs, and how the kustomizations among them are built.

    `count` is argparse's nargs, and `first` how the first of them is called: with what else may stand before it.
    """
    # Python 3.11 cannot print the help of a positional argument with several names: the usage says them.
    if first != "PATH":
        command.usage = f"{command.prog} [OPTION]... {first} [PATH ...]"
    command.add_argument("paths", nargs=count, metavar="PATH")
    command.add_argument(
        "--build-args",
        default="",
        metavar="FLAGS",
        help="flags for kustomize, such as --build-args='--enable-helm --load-restrictor=LoadRestrictionsNone'",
    )
    command.add_argument(
        "--allow-containers",
        action="store_true",
        help="run the container functions that a kustomization names; they come with the tree, so trust it first",
    )


def flags_of(options: argparse.Namespace) -> Flags:
    """Return how kustomizations are to be built.

    Raises:
        ValueError: for kustomize's flags that are not taken here; its text says why.
    """
    words = tuple(shlex.split(getattr(options, "build_args", "")))
    for word in words:
        if word.partition("=")[0] in _NEVER:
            raise ValueError(f"--build-args: {word} would run programs that the tree brings along; pipe the build in")
        if word.startswith("-o") or word.partition("=")[0] == "--output":
            raise ValueError(f"--build-args: {word} would put the build elsewhere, and it is read here")
    return Flags(words, getattr(options, "allow_containers", False))


def add_config(command: argparse.ArgumentParser) -> None:
    """Add --config and --set."""
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


def add_quiet(command: argparse.ArgumentParser) -> None:
    """Add --quiet, which may be given before a subcommand or behind it."""
    command.add_argument(
        "-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="say errors only; no word if all is well"
    )


def least(options: argparse.Namespace) -> Severity:
    """Return the least severity that stderr is told of."""
    return Severity.ERROR if getattr(options, "quiet", False) else Severity.WARNING


def add_format(command: argparse.ArgumentParser, *formats: str) -> None:
    """Add --format; the first one is the default."""
    command.add_argument("--format", choices=formats, default=formats[0])


def add_sources(command: argparse.ArgumentParser) -> None:
    """Add --git REV:PATH."""
    command.add_argument(
        "--git",
        dest="at",
        action="append",
        default=[],
        metavar="REV:PATH",
        help="a further source: PATH as a commit of the repository here has it; may be repeated",
    )


def add_pattern(command: argparse.ArgumentParser, option: str, text: str) -> None:
    """Add an option that takes a pattern and may be repeated."""
    command.add_argument(option, action="append", default=[], metavar="PATTERN", help=f"{text}; may be repeated")


def add_output(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Add -o."""
    hint = "where to write it; - for stdout" if required else "where to write it (default stdout)"
    command.add_argument(
        "-o", "--output", required=required, default=None if required else "-", metavar="FILE", help=hint
    )


def add_proxy(command: argparse.ArgumentParser, text: str) -> None:
    """Add --proxy, which takes config dumps."""
    command.add_argument("--proxy", action="extend", nargs="+", default=[], metavar="DUMP", help=text)
