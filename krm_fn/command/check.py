"""check: the findings of a list, for people and for pipelines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from krm_fn.command import arguments, running, stdio
from krm_fn.command.files import Loaded
from krm_fn.command.running import Ran
from krm_fn.command.settings import Settings
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan
from krm_fn.results import Code, FunctionError, Ref, Result, Severity, in_order
from krm_fn.text.lines import line
from krm_fn.views import facts, gate, report
from krm_fn.views.gate import Located
from krm_fn.views.report import Environment


def check(options: argparse.Namespace, settings: Settings) -> int:
    """Print the findings; the exit code is that of the gate."""
    try:
        ran = running.run(options.paths, settings)
    except FunctionError as error:
        if options.format == "text":
            raise
        _print(options.format, [Located(one, one.ref.file if one.ref else "", 0) for one in in_order(error.results)])
        return stdio.FAILED
    nothing = _nothing_checked(ran)
    plan, configs = ran.computed.plan, ran.computed.configs
    keys = report.key_slips(plan, lambda namespace: configs.of(namespace).config.env_label.name)
    results = in_order([*ran.results, *nothing, *report.slips(plan), *keys])
    found = report.environments(plan)
    least = Severity(options.fail_on)
    failing = [one for one in results if one.severity.rank <= least.rank]
    if options.format == "text" and arguments.least(options) is Severity.ERROR:
        stdio.write_text("".join(f"{one.line()}\n" for one in failing))
    elif options.format == "text":
        stdio.write_text(_text(ran, results, found))
    else:
        _print(options.format, [_located(one, ran.loaded, options.paths) for one in results], found, ran.loaded)
    return stdio.FAILED if failing else 0


def _print(
    form: str, found: Sequence[Located], environments: Sequence[Environment] = (), loaded: Loaded | None = None
) -> None:
    if form == "github":
        text = gate.as_github(found)
    elif form == "sarif":
        text = json.dumps(gate.as_sarif(found), indent=2) + "\n"
    else:
        said = {
            "results": [one.result.as_item() for one in found],
            "environments": report.as_json(environments),
            "layers": [
                {"kustomization": one.kustomization, "outermost": one.is_outermost}
                for one in (loaded.layers if loaded else ())
            ],
        }
        text = json.dumps(said, indent=2) + "\n"
    stdio.write_text(text)


def _text(ran: Ran, results: Sequence[Result], found: Sequence[Environment]) -> str:
    counts = {severity: sum(result.severity is severity for result in results) for severity in Severity}
    said = [f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items()]
    layers = [
        f"the function is named in {one.kustomization}, its outermost layer\n"
        for one in ran.loaded.layers
        if one.is_outermost
    ]
    total = ", ".join([_counted(ran.computed.plan), *said])
    return "".join([*(f"{one.line()}\n" for one in results), report.as_text(found), *layers, f"{total}\n"])


def _counted(plan: Plan) -> str:
    """Return how many Services were looked at; none of them labelled is said to be so."""
    return facts.nothing(plan) or f"{len(plan.services)} Service{'s' * (len(plan.services) != 1)}"


def _nothing_checked(ran: Ran) -> list[Result]:
    """Return a finding where no Service takes part and no error says why."""
    nothing = facts.nothing(ran.computed.plan)
    if not nothing or ran.failed:
        return []
    label = ran.computed.configs.default.config.env_label.name
    message = f"{nothing}: no Service has pods that carry the label {label!r}, so there was nothing to check"
    return [Result(Code.NOTHING_CHECKED, message)]


def _located(result: Result, loaded: Loaded, paths: Sequence[str]) -> Located:
    """Return a finding with its file and, where that has the object's text, its line."""
    ref = result.ref or Ref()
    path = loaded.paths.get(ref.file, ref.file)
    if ref.kind.startswith("--"):  # an option of the command line
        return Located(result, "", 0)
    if not path:
        return Located(result, next((one for one in paths if Path(one).is_file()), ""), 0)
    one = next((one for one in loaded.objects if ref.file and one.ref == ref), None)
    return Located(result, path, _line(one, result.field))


def _line(one: Object | None, field: str) -> int:
    return line(one.item, field) if one and one.item else 0
