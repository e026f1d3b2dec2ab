"""The command `verify`, and `explain --proxy`: the plan beside what proxies do, by their config dumps."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from krm_fn.command import live, running, stdio, verified
from krm_fn.command.settings import Settings
from krm_fn.command.show import write
from krm_fn.function import Computation
from krm_fn.istio import inject
from krm_fn.objects import Object, ref_of
from krm_fn.plan.answers import Plan
from krm_fn.results import Code, FunctionError, Ref, Result, Severity
from krm_fn.text import document
from krm_fn.values import Value
from krm_fn.verify.dump import Dump, read
from krm_fn.verify.pieces import DumpUnreadable
from krm_fn.verify.verifying import Verified, Verifier, Wanted


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the paths lead to, and what there is to say about them."""

    wanted: Wanted
    results: tuple[Result, ...]
    failed: bool


def show_verify(options: argparse.Namespace, settings: Settings) -> int:
    """Compare the plan with proxies; exit 0 only if every cell was asked and is as the plan says."""
    loaded = load(options.paths, settings)
    stdio.say(loaded.results, Severity.ERROR)
    if loaded.failed:
        return stdio.FAILED  # what is refused has no routes that a proxy could have
    found, problems = _verified(options, loaded.wanted)
    stdio.say(problems)
    if options.format == "json":
        text = verified.as_json(found, loaded.results)
    elif options.format == "md":
        text = verified.as_markdown(found)
    else:
        text = verified.as_text(found, terminal=options.output == "-")
    write(text, options.output)
    asked = sum(one.asked for one in found)
    return 0 if asked and not problems and all(one.clean for one in found) else stdio.FAILED


def _verified(options: argparse.Namespace, wanted: Wanted) -> tuple[list[Verified], list[Result]]:
    found: list[Verified] = []
    problems: list[Result] = []
    for path in options.proxy:
        try:
            found.append(verifier(path, read_dump(path), wanted).verify())
        except FunctionError as error:
            problems += error.results
    if options.live:
        answers = live.dumps(wanted, options.namespace, options.pod)
        problems += answers.problems
        for said in answers.proxies:
            try:
                found.append(verifier(said.name, _dump(said.text, said.name), wanted, answers.environments).verify())
            except FunctionError as error:
                problems += error.results
    return found, problems


def load(paths: Sequence[str], settings: Settings) -> Loaded:
    """Read paths, and compute what they lead to."""
    ran = running.run(paths, settings)
    computed = ran.computed
    manifests = list(_applied(ran.loaded.objects, computed))
    wanted = Wanted(computed.plan, manifests, scripts(computed.plan), computed.configs.default.config.namespace)
    return Loaded(wanted, ran.results, ran.failed)


def _applied(objects: Sequence[Object], computed: Computation) -> Iterator[Value]:
    """Yield the objects of Istio, and our own, that are there once the function has run."""
    changes = computed.changes
    made = {_identity(ref_of(one)) for one in computed.made.manifests}
    for one in objects:
        stale = bool(one.inside and one.owner) and _identity(one.ref) not in made
        is_read = one.owner or one.ref.api_version.startswith("networking.istio.io/")
        if not is_read or one.position in changes.removed or stale:
            continue
        if one.position in changes.rewritten and not one.inside:
            margin = " " * (one.item.column if one.item else 0)
            text = changes.rewritten[one.position].replace(f"\n{margin}", "\n")
            yield document.parse(text.encode()).items[0].value
        else:
            yield changes.members.get(one.position) or changes.replaced.get(one.position, one.value)
    yield from changes.added


def _identity(ref: Ref) -> tuple[str, str, str]:
    return (ref.kind, ref.namespace, ref.name)


def scripts(plan: Plan) -> dict[str, tuple[str, str]]:
    """Return the Lua that this function writes: source → the header that it adds, and the label that it takes."""
    found = {}
    for one in plan.namespaces:
        if one.config.env_header.auto_inject and one.config.istio.injector == "lua":
            for manifest in inject.manifests(Plan((), (one,), ())):
                patch = manifest["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]
                source = patch["default_source_code"]["inline_string"]
                found[source] = (one.config.env_header.name, one.config.env_label.name)
    return found


def read_dump(path: str) -> Dump:
    """Read a config dump from a file, or from stdin for `-`.

    Raises:
        FunctionError: if it cannot be read, or is none.
    """
    name = "stdin" if path == "-" else path
    try:
        raw = (sys.stdin.buffer.read() if sys.stdin else b"") if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise FunctionError(
            Result(Code.PATH_UNREADABLE, f"cannot be read: {error.strerror}", Ref(file=name))
        ) from error
    return _dump(raw, name)


def verifier(name: str, dump: Dump, wanted: Wanted, pods: Mapping[str, str | None] | None = None) -> Verifier:
    """Return what asks a dump; `name` is how messages call it.

    Raises:
        FunctionError: if its parts are of another form than Envoy writes.
    """
    try:
        return Verifier(dump, wanted, pods)
    except DumpUnreadable as error:
        raise FunctionError(Result(Code.DUMP_UNREADABLE, str(error), Ref(file=name))) from error


def _dump(raw: bytes, name: str) -> Dump:
    try:
        return read(raw)
    except DumpUnreadable as error:
        raise FunctionError(Result(Code.DUMP_UNREADABLE, str(error), Ref(file=name))) from error
