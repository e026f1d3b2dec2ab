"""The command at a desk: arguments and subcommands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krm_fn import __version__, cli, document, function, sources
from krm_fn.environments import nearest
from krm_fn.function import Computation
from krm_fn.merge import merge
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result, Severity, in_order
from krm_fn.schema import definition
from krm_fn.sources import Loaded
from krm_fn.views.explain import explain

_USAGE = 2

_DESCRIPTION = f"""\
Reads virtual-environment labels on pods and writes the Istio routes that make them so: a request of dev.proj1
reaches dev.proj1's pods where there are some, and falls back level by level to dev where there are none.

As a KRM function (kustomize, kpt):  {FUNCTION} < ResourceList > ResourceList
As a filter of YAML documents:       kustomize build . | {FUNCTION} --config virtual-env.yaml | kubectl apply -f -
At a desk:                           {FUNCTION} generate|check|explain PATH...
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
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in (
        ("generate", "print only what the function generates or changes"),
        ("check", "print the findings; exit 1 if one is an error"),
        ("explain", "print who answers, and why"),
    ):
        command = commands.add_parser(name, help=summary, description=summary, epilog=_EPILOG)
        command.add_argument("paths", nargs="+", metavar="PATH")
        _add_config(command)
        if name == "explain":
            command.add_argument("--service", default="", metavar="[NAMESPACE/]NAME", help="only this Service")
            command.add_argument("--env", metavar="VALUE", help="for a request that carries this value")
        if name == "check":
            command.add_argument("--format", choices=("text", "json"), default="text")
    commands.add_parser("schema", help="print the KRMFunctionDefinition, with the schema of the configuration")
    return top


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


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return the exit code."""
    top = parser()
    options = top.parse_args(arguments)
    overrides = _overrides(top, getattr(options, "set", []))
    config = getattr(options, "config", None)
    given = sources.read_config(config) if config else None
    if options.command == "schema":
        cli.write(document.dump(definition()).encode())
        return 0
    if options.command is None:
        if sys.stdin and sys.stdin.isatty():
            sys.stderr.write(top.format_help())
            return _USAGE
        return cli.filter_stdin(given, overrides)
    loaded = sources.load(options.paths)
    computed = function.compute(loaded.objects, given or loaded.function_config, overrides)
    return {"generate": _generate, "check": _check, "explain": _explain}[options.command](options, loaded, computed)


def _overrides(top: argparse.ArgumentParser, pairs: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            top.error(f"--set takes PATH=VALUE, found {pair!r}")
        overrides[path] = value
    return overrides


def _generate(_: argparse.Namespace, loaded: Loaded, computed: Computation) -> int:
    # Without what this config made before, everything that it makes is new.
    objects = [one for one in loaded.objects if one.owner != computed.configs.owner]
    changes = merge(objects, computed.manifests, computed.configs, place=False)
    results = in_order([*computed.results, *changes.results])
    if not _failed(results):
        documents = [*_rewritten(loaded, computed), *(document.dump(one) for one in changes.added)]
        cli.write("---\n".join(documents).encode())
    cli.say(results, Severity.WARNING)
    return cli.FAILED if _failed(results) else 0


def _rewritten(loaded: Loaded, computed: Computation) -> Iterator[str]:
    """Yield the new texts of the user's objects that change, each as a document of its own."""
    first = 0
    for listed in loaded.documents:
        texts = function.rewritten(listed, computed.edits, first)
        for position in sorted(texts):
            margin = " " * listed.items[position - first].column
            yield texts[position].replace(f"\n{margin}", "\n").rstrip("\n") + "\n"
        first += len(listed.items)


def _check(options: argparse.Namespace, loaded: Loaded, computed: Computation) -> int:
    changes = merge(loaded.objects, computed.manifests, computed.configs, place=False)
    results = in_order([*computed.results, *changes.results])
    if options.format == "json":
        import json  # noqa: PLC0415 - wanted here only

        text = json.dumps({"results": [result.as_item() for result in results]}, indent=2) + "\n"
    else:
        counts = {severity: sum(result.severity is severity for result in results) for severity in Severity}
        total = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items())
        text = (
            "".join(f"{result.line()}\n" for result in results) + f"{len(computed.plan.services)} Services, {total}\n"
        )
    cli.write(text.encode())
    return cli.FAILED if _failed(results) else 0


def _explain(options: argparse.Namespace, _: Loaded, computed: Computation) -> int:
    results = in_order(computed.results)
    cli.say(results, Severity.ERROR)
    text = explain(computed.plan, options.service, options.env)
    if options.service and not text:
        names = [one.service.ref.name for one in computed.plan.services]
        close = nearest(names, options.service.rpartition("/")[2])
        message = f"no Service {options.service!r} takes part" + (f"; did you mean {close!r}?" if close else "")
        raise FunctionError(Result(Code.NOT_FOUND, message, Ref(kind="--service")))
    cli.write(text.encode())
    return cli.FAILED if _failed(results) else 0


def _failed(results: Sequence[Result]) -> bool:
    return any(result.severity is Severity.ERROR for result in results)
