"""The command `explain --proxy`: one request, and the way that it takes in each proxy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from krm_fn.command import show, stdio, verify
from krm_fn.command.settings import Settings
from krm_fn.command.verified import where
from krm_fn.results import Severity
from krm_fn.verify.asked import CannotTell, Outcome, Way
from krm_fn.verify.judging import Difference, Untold
from krm_fn.verify.verifying import Hop, Verifier
from krm_fn.views import explain, facts, paint
from krm_fn.views.facts import Json
from krm_fn.views.paint import Line, Style, clean, line
from krm_fn.views.request import Request

_MANY = 6  # pods that are named


def show_hops(options: argparse.Namespace, settings: Settings) -> int:
    """Print who answers and why, by the plan and then by each proxy; exit 1 where a proxy does something else."""
    loaded = verify.load(options.paths, settings)
    stdio.say(loaded.results, Severity.ERROR)
    show.check_service(options.service, loaded.wanted.plan)
    request = Request(options.env, options.caller)
    proxies = [verify.verifier(path, verify.read_dump(path), loaded.wanted) for path in options.proxy]
    hops = [list(_hops(one, options.service, options.env)) for one in proxies]
    if options.format == "json":
        made = explain.as_json(loaded.wanted.plan, loaded.results, options.service, request)
        made["proxies"] = [
            {"name": one.dump.name, "kind": one.dump.kind, "hops": [_json(one, hop) for hop in found]}
            for one, found in zip(proxies, hops, strict=True)
        ]
        stdio.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    else:
        lines = list(explain.explain(loaded.wanted.plan, options.service, request, loaded.results))
        for one, found in zip(proxies, hops, strict=True):
            lines += [line(""), *_lines(one, found)]
        stdio.write_text(paint.text(lines))
    good = all(hop.verdict is None for found in hops for hop in found)
    return 0 if good and not loaded.failed else stdio.FAILED


def _hops(one: Verifier, service: str, value: str | None) -> Iterator[Hop]:
    return (hop for hop in one.hops(value) if facts.is_named(hop.cell.plan.service, service))


def _lines(one: Verifier, hops: list[Hop]) -> Iterator[Line]:
    kind = "sidecar" if one.proxy.is_sidecar else "gateway"
    yield line(f"Through {kind} {clean(one.dump.name)}", Style.HEAD)
    if not hops:
        yield line("  it can be asked nothing of this", Style.FAINT)
    for hop in hops:
        cell = hop.cell
        at = f"{cell.host} at port {cell.request.port}" if cell.host else f"port {cell.port.number}"
        at += f", path {cell.request.path}" if cell.request.path != "/" else ""
        what = f", {cell.carrier}" if cell.carrier in ("TCP", "TLS") else ""
        yield line("")
        yield [(facts.service_name(cell.plan.service), Style.NAME), (f" {clean(at)}{what}", Style.PLAIN)]
        if hop.way:
            yield line(f"  {clean(_way(hop.way))}", Style.FAINT)
            for outcome in hop.way.outcomes:
                yield line(f"  {clean(_outcome(one, outcome, hop.way))}")
        yield _verdict(hop)


def _way(way: Way) -> str:
    parts = [f"listener {way.listener}" if way.listener else "no listener"]
    parts += [f"routes {way.table}"] if way.table else []
    parts += [f"virtual host {way.virtual_host or 'none'}"] if way.table else []
    return ", ".join(parts)


def _outcome(one: Verifier, outcome: Outcome, way: Way) -> str:
    share = f"{outcome.share:.0%}: " if outcome.share < 1 else ""
    route = f"route {outcome.route or 'without a name'}" if way.table else "connection"
    route += f" of {outcome.config}" if outcome.config else ""
    cluster = one.proxy.cluster(outcome.cluster)
    to = f" → {outcome.cluster}" if outcome.cluster else ""
    to += f" of {cluster.config}" if cluster and cluster.config else ""
    return f"{share}{route}{to} → {_who(one, outcome, way)}"


def _who(one: Verifier, outcome: Outcome, way: Way) -> str:
    try:
        seen = one.answering.seen(outcome, http=bool(way.table))
        pods = one.proxy.endpoints(outcome.cluster) or ()
    except CannotTell as reason:
        return f"cannot tell: {reason}"
    named = ", ".join(f"{pod.workload} {pod.address}" for pod in pods[:_MANY])
    more = f" and {len(pods) - _MANY} more" if len(pods) > _MANY else ""
    return f"{seen.text} ({named}{more})" if named else seen.text


def _verdict(hop: Hop) -> Line:
    if isinstance(hop.verdict, Difference):
        blame = f": {hop.verdict.blame}" if hop.verdict.blame else ""
        return [("  not as the plan says", Style.BAD), (f": {clean(hop.verdict.cause.sentence + blame)}", Style.PLAIN)]
    if isinstance(hop.verdict, Untold):
        return [("  cannot tell", Style.LOUD), (f": {clean(hop.verdict.reason)}", Style.PLAIN)]
    return [("  as the plan says", Style.OWN)]


def _json(one: Verifier, hop: Hop) -> Json:
    way, verdict = hop.way, hop.verdict
    outcomes = [
        {
            "reply": outcome.reply.value,
            "status": outcome.status or None,
            "cluster": outcome.cluster or None,
            "route": outcome.route or None,
            "object": outcome.config or None,
            "share": round(outcome.share, 4),
            "who": _who(one, outcome, way),
        }
        for outcome in (way.outcomes if way else ())
        if way
    ]
    return {
        **where(hop.cell),
        "listener": way.listener if way else None,
        "routes": (way.table or None) if way else None,
        "virtualHost": (way.virtual_host or None) if way else None,
        "outcomes": outcomes,
        "cause": verdict.cause.slug if isinstance(verdict, Difference) else None,
        "untold": verdict.reason if isinstance(verdict, Untold) else None,
    }
