"""What stands before the route in Envoy: early header mutations, HTTP filters, network filters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from krm_fn.verify.actions import share_of
from krm_fn.verify.asked import CannotTell, Outcome, Reply, Request
from krm_fn.verify.matching import all_of, header
from krm_fn.verify.routes import Taken

Config = Mapping[str, Any]

HTTP_MANAGER = "HttpConnectionManager"
TCP_PROXY = "TcpProxy"
_FAULT = "HTTPFault"
# Message types (behind the last dot) of filters that neither choose who answers nor answer themselves.
_HARMLESS = {
    *("Router", "Cors", "GrpcWeb", "Compressor", "Decompressor", "Buffer"),
    *("StatefulSession", "AlpnFilterConfig"),  # grpc_stats' is a FilterConfig: told by its name below
}
_HARMLESS_NAMES = {
    *("envoy.filters.http.grpc_stats", "istio.stats", "istio.alpn", "istio.metadata_exchange"),
    *("envoy.filters.http.peer_metadata", "istio_authn"),
}
_HARMLESS_NETWORK_NAMES = {
    *("istio.stats", "istio.metadata_exchange", "envoy.filters.network.mongo_proxy"),
    *("envoy.filters.network.mysql_proxy", "envoy.filters.network.metadata_exchange"),
}
_LABEL = re.compile(r"%CEL\(xds\.node\.metadata\.LABELS\['([^']*)'\]\)%")


def type_of(one: Config) -> str:
    """Return the last word of a filter's message type."""
    config = one.get("typed_config", {})
    kind = config.get("type_url", "") if "TypedStruct" in config.get("@type", "") else config.get("@type", "")
    return str(kind).rpartition(".")[2]


def network(filters: Iterable[Config]) -> tuple[str, Config]:
    """Return the last filter of a connection, HTTP_MANAGER or TCP_PROXY, and its settings.

    Raises:
        CannotTell: where another one may end the connection or lead it elsewhere.
    """
    for one in filters:
        kind = type_of(one)
        if kind in (HTTP_MANAGER, TCP_PROXY):
            return kind, one["typed_config"]
        if one.get("name") not in _HARMLESS_NETWORK_NAMES:
            raise CannotTell(f"the network filter {one.get('name')}")
    raise CannotTell("connections end in no filter that is read here")


@dataclass(frozen=True, slots=True)
class Known:
    """What of this proxy its filters may ask: the labels of its pod, and Lua scripts that are known.

    Attributes:
        labels: of the pod.
        scripts: Lua source → the header that it adds where there is none, and the label that it takes.
    """

    labels: Mapping[str, str]
    scripts: Mapping[str, tuple[str, str]]


def early(manager: Config, request: Request, known: Known) -> Request:
    """Return the request as HTTP filters and routes see it."""
    for extension in manager.get("early_header_mutation_extensions", ()):
        config = extension.get("typed_config", {})
        for mutation in config.get("mutations", ()):
            request = _mutated(mutation, request, known)
        if not config.get("mutations"):
            raise CannotTell(f"the early header mutation {extension.get('name')}")
    return request


def _mutated(mutation: Config, request: Request, known: Known) -> Request:
    if mutation.keys() == {"remove"}:
        gone = mutation["remove"].lower()
        return replace(request, headers=[one for one in request.headers if one[0].lower() != gone])
    append = mutation.get("append", {})
    name, text = append.get("header", {}).get("key", ""), append.get("header", {}).get("value", "")
    action = append.get("append_action", "APPEND_IF_EXISTS_OR_ADD")
    is_there = name.lower() in request.values
    if action == "ADD_IF_ABSENT" and is_there:
        return request
    label = _LABEL.fullmatch(text)
    if not name or (label is None and "%" in text) or action not in ("ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD"):
        raise CannotTell(f"an early mutation of the header {name or 'that it computes'}")
    value = known.labels.get(label[1], "") if label else text
    if not value:
        return request  # an empty value adds no header
    kept = [one for one in request.headers if one[0].lower() != name.lower()]
    return replace(request, headers=[*kept, (name, value)])


def may_change(manager: Config) -> bool:
    """Tell whether early or scripted may change a request, or refuse to say."""
    if manager.get("early_header_mutation_extensions"):
        return True
    return not all(map(_is_harmless, manager.get("http_filters", ())))


def _is_harmless(one: Config) -> bool:
    kind = type_of(one)
    return bool(one.get("disabled")) or kind in _HARMLESS or kind == _FAULT or one.get("name", "") in _HARMLESS_NAMES


def scripted(manager: Config, request: Request, known: Known) -> Request:
    """Return the request behind every filter that may change it.

    Raises:
        CannotTell: for a filter of which nobody outside of the proxy can say what it does.
    """
    for one in manager.get("http_filters", ()):
        kind, name = type_of(one), one.get("name", "")
        if _is_harmless(one):
            continue
        source = one.get("typed_config", {}).get("default_source_code", {}).get("inline_string", "")
        if kind == "Lua" and source in known.scripts:
            key, label = known.scripts[source]
            if key.lower() not in request.values and known.labels.get(label):
                request = replace(request, headers=[*request.headers, (key, known.labels[label])])
            continue
        raise CannotTell(f"the HTTP filter {name or kind}")
    return request


def injectors_of(manager: Config) -> list[Config]:
    """Return the filters that inject faults."""
    return [one for one in manager.get("http_filters", ()) if type_of(one) == _FAULT]


def faults(injectors: Sequence[Config], taken: Iterable[Taken], request: Request) -> Iterator[Outcome]:
    """Yield what becomes of requests after the faults that are injected on purpose."""
    for one in taken:
        outcome = one.outcome
        for injector in injectors:
            settings = _most_specific(one.filters, injector)
            if "abort" not in settings:
                continue
            share = _aborted(settings, outcome, request)
            if share:
                status = settings["abort"]["http_status"]
                made = replace(outcome, reply=Reply.STATUS, status=status, share=outcome.share * share)
                yield replace(made, body="", location="")
            outcome = replace(outcome, share=outcome.share * (1 - share))
        if outcome.share > 0:
            yield outcome


def _most_specific(settings: tuple[Config, ...], injector: Config) -> Config:
    for one in settings:
        if injector.get("name") in one:
            found: Config = one[injector["name"]]
            return found.get("config", found) if "FilterConfig" in found.get("@type", "") else found
    default: Config = injector.get("typed_config", {})
    return default


def _aborted(settings: Config, outcome: Outcome, request: Request) -> float:
    abort = settings["abort"]
    if share_of(abort.get("percentage", {})) == 0:
        return 0
    if "http_status" not in abort:
        raise CannotTell("a fault whose status is no HTTP status")
    if settings.get("upstream_cluster", outcome.cluster) != outcome.cluster:
        return 0
    if settings.get("downstream_nodes"):
        raise CannotTell("a fault for some nodes")
    if not all_of([partial(header(one), request.values) for one in settings.get("headers", ())]):
        return 0
    return share_of(abort.get("percentage", {}))
