"""What the function has to say: findings about objects, and the one error that carries them.

A `Result` becomes an entry of the ResourceList's `results`
(https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md)
and a line on stderr. Every finding has a stable `Code`; docs/findings.md has a paragraph for each.
"""

from __future__ import annotations

import json
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

FUNCTION = "virtual-env-fn"
_LONGEST_SHOWN = 60  # characters of a value in a message


class Severity(StrEnum):
    """As the functions specification names them, most severe first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return list(Severity).index(self)


class Code(Enum):
    """The stable name of a finding and its severity."""

    # the input as text
    INPUT_EMPTY = ("input-empty", Severity.ERROR)
    INPUT_SYNTAX = ("input-syntax", Severity.ERROR)
    INPUT_LIMIT = ("input-limit", Severity.ERROR)
    INPUT_SHAPE = ("input-shape", Severity.ERROR)
    SHARED_ALIAS = ("shared-alias", Severity.ERROR)
    DUPLICATE_KEY = ("duplicate-key", Severity.ERROR)
    NO_LIBYAML = ("no-libyaml", Severity.ERROR)
    # the configuration
    CONFIG_INVALID = ("config-invalid", Severity.ERROR)
    CONFIG_TWICE = ("config-twice", Severity.ERROR)
    ALIAS_DEAD = ("alias-dead", Severity.WARNING)
    CONFIG_UNUSED = ("config-unused", Severity.WARNING)
    NAMESPACE_UNKNOWN = ("namespace-unknown", Severity.ERROR)
    # Services and workloads as the list has them
    OBJECT_INVALID = ("object-invalid", Severity.ERROR)
    OBJECT_TWICE = ("object-twice", Severity.ERROR)
    LABEL_INVALID = ("label-invalid", Severity.ERROR)
    LABEL_MISPLACED = ("label-misplaced", Severity.WARNING)
    LABEL_UNREAD = ("label-unread", Severity.WARNING)
    REPLICAS_UNREAD = ("replicas-unread", Severity.WARNING)
    LABEL_SLIP = ("label-slip", Severity.ERROR)
    UNLABELLED_WORKLOAD = ("unlabelled-workload", Severity.ERROR)
    SCALED_TO_ZERO = ("scaled-to-zero", Severity.INFO)
    NO_SELECTOR = ("no-selector", Severity.INFO)
    SELECTOR_TAKEN = ("selector-taken", Severity.WARNING)
    UNSELECTED_PODS = ("unselected-pods", Severity.WARNING)
    NAMESPACE_MIXED = ("namespace-mixed", Severity.WARNING)
    NOTHING_LABELLED = ("nothing-labelled", Severity.WARNING)
    # who answers
    BASE_ASSUMED = ("base-assumed", Severity.INFO)
    BASE_AMBIGUOUS = ("base-ambiguous", Severity.ERROR)
    BASE_UNKNOWN = ("base-unknown", Severity.ERROR)
    BASE_ABSENT = ("base-absent", Severity.WARNING)
    ENVIRONMENT_TWICE = ("environment-twice", Severity.ERROR)
    SERVICES_DIFFER = ("services-differ", Severity.ERROR)
    # ports that cannot follow a request's header
    HEADLESS = ("headless", Severity.WARNING)
    TLS_PORT = ("tls-port", Severity.WARNING)
    UDP_PORT = ("udp-port", Severity.WARNING)
    PORT_UNDECLARED = ("port-undeclared", Severity.INFO)
    TCP_WITHOUT_BASE = ("tcp-without-base", Severity.WARNING)
    NO_HEADER_PORT = ("no-header-port", Severity.WARNING)
    TARGET_PORT = ("target-port", Severity.WARNING)
    CONNECTIONS_OPEN = ("connections-open", Severity.WARNING)
    # gateways, hosts and rules of Services
    EXPOSURE_INVALID = ("exposure-invalid", Severity.ERROR)
    RULE_INVALID = ("rule-invalid", Severity.ERROR)
    NOT_EXPOSED = ("not-exposed", Severity.WARNING)
    GATEWAY_WITHOUT_HOST = ("gateway-without-host", Severity.WARNING)
    GATEWAY_UNKNOWN = ("gateway-unknown", Severity.WARNING)
    GATEWAY_HOST = ("gateway-host", Severity.WARNING)
    GATEWAY_PORT = ("gateway-port", Severity.INFO)
    HOST_SHARED = ("host-shared", Severity.WARNING)
    PREVIEW_INVALID = ("preview-invalid", Severity.ERROR)
    PREVIEW_TAKEN = ("preview-taken", Severity.ERROR)
    PREVIEW_WILDCARD = ("preview-wildcard", Severity.INFO)
    # the user's own routes and rules, and ways around the routes
    HOST_TAKEN = ("host-taken", Severity.ERROR)
    ROUTED_BY_USER = ("routed-by-user", Severity.ERROR)
    ROUTE_READS_ENVIRONMENT = ("route-reads-environment", Severity.WARNING)
    ROUTE_SETS_ENVIRONMENT = ("route-sets-environment", Severity.WARNING)
    SUBSET_SPANS_ENVIRONMENTS = ("subset-spans-environments", Severity.WARNING)
    SUBSET_WITHOUT_PODS = ("subset-without-pods", Severity.WARNING)
    PORTS_OPEN = ("ports-open", Severity.WARNING)
    ROUTES_TWICE = ("routes-twice", Severity.WARNING)
    RULES_TWICE = ("rules-twice", Severity.WARNING)
    HOST_OF_NO_SERVICE = ("host-of-no-service", Severity.WARNING)
    RULE_COPIED = ("rule-copied", Severity.INFO)
    RULE_HIDES = ("rule-hides", Severity.ERROR)
    FILTER_BY_NAME = ("filter-by-name", Severity.WARNING)
    NAMESPACE_TO_COME = ("namespace-to-come", Severity.INFO)
    ROLLOUT_UNNAMED = ("rollout-unnamed", Severity.ERROR)
    RUNTIME_WEIGHTS = ("runtime-weights", Severity.WARNING)
    OUTSIDE_DOOR = ("outside-door", Severity.WARNING)
    HIDDEN_ROUTES = ("hidden-routes", Severity.WARNING)
    EXPORTED_PARTLY = ("exported-partly", Severity.WARNING)
    HTTP_ROUTE = ("http-route", Severity.ERROR)
    # Gateway API routes, and what stands beside them
    ROUTE_SPREADS = ("route-spreads", Severity.ERROR)
    ROUTE_UNWOVEN = ("route-unwoven", Severity.ERROR)
    ROUTE_LIMIT = ("route-limit", Severity.ERROR)
    VIRTUAL_SERVICE = ("virtual-service", Severity.ERROR)
    GATEWAY_KIND = ("gateway-kind", Severity.ERROR)
    OPTION_UNSUPPORTED = ("option-unsupported", Severity.WARNING)
    RULE_PASSED_BY = ("rule-passed-by", Severity.WARNING)
    WAYPOINT_MISSING = ("waypoint-missing", Severity.WARNING)
    CARRIERS_DISAGREE = ("carriers-disagree", Severity.WARNING)
    EXPRESSION_LARGE = ("expression-large", Severity.WARNING)
    PORTS_MERGED = ("ports-merged", Severity.WARNING)
    PORT_GUESSED = ("port-guessed", Severity.WARNING)
    APP_PROTOCOL = ("app-protocol", Severity.WARNING)
    # into the list: what others made, and what cannot be edited
    OTHER_CONFIG = ("other-config", Severity.ERROR)
    SAME_AS_OTHER_CONFIG = ("same-as-other-config", Severity.INFO)
    ADOPTED = ("adopted", Severity.INFO)
    ADDITION_EDITED = ("addition-edited", Severity.ERROR)
    NOT_EDITABLE = ("not-editable", Severity.ERROR)
    # what leaves
    LEFT_BEHIND = ("left-behind", Severity.WARNING)
    OBJECT_LARGE = ("object-large", Severity.WARNING)
    OBJECT_TOO_LARGE = ("object-too-large", Severity.ERROR)
    # the command
    PATH_UNREADABLE = ("path-unreadable", Severity.ERROR)
    ENVIRONMENT_EXISTS = ("environment-exists", Severity.ERROR)
    FORK_IMPOSSIBLE = ("fork-impossible", Severity.ERROR)
    FORK_SHARES = ("fork-shares", Severity.WARNING)
    FUNCTION_NOT_RUN = ("function-not-run", Severity.ERROR)
    INNER_LAYER = ("inner-layer", Severity.WARNING)
    NOTHING_CHECKED = ("nothing-checked", Severity.WARNING)
    LIKELY_SLIP = ("likely-slip", Severity.INFO)
    NOT_FOUND = ("not-found", Severity.ERROR)
    DUMP_UNREADABLE = ("dump-unreadable", Severity.ERROR)
    PROXY_NOT_ASKED = ("proxy-not-asked", Severity.ERROR)
    INTERNAL = ("internal", Severity.ERROR)

    def __init__(self, slug: str, severity: Severity) -> None:
        self.slug = slug
        self.severity = severity


class Ref(NamedTuple):
    """Where an object is: its identity, and the file it came from if the host said so."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    file: str = ""
    file_index: int | None = None

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}".strip()


class Result(NamedTuple):
    """One finding: what is wrong, where (object, field, file), and what to do.

    `about` are the Services that are not, or not from everywhere, answered as planned because of it.
    """

    code: Code
    message: str
    ref: Ref | None = None
    field: str = ""
    about: tuple[Ref, ...] = ()

    @property
    def severity(self) -> Severity:
        return self.code.severity

    def line(self) -> str:
        """Return the finding as one line for people."""
        where = [self.ref.file, str(self.ref)] if self.ref else []
        place = ": ".join(part for part in where if part)
        if self.field:
            place = f"{place} {self.field}" if place else self.field
        text = f"{place}: {self.message}" if place else self.message
        return printable(f"{self.severity}: {' '.join(text.split())} [{self.code.slug}]")

    def as_item(self) -> dict[str, Any]:
        """Return the finding as an entry of a ResourceList's `results`."""
        item: dict[str, Any] = {"message": _readable(self.message), "severity": str(self.severity)}
        if self.ref and self.ref.kind:
            named = {
                "apiVersion": self.ref.api_version,
                "kind": self.ref.kind,
                "name": self.ref.name,
                "namespace": self.ref.namespace,
            }
            item["resourceRef"] = {key: value for key, value in named.items() if value}
        if self.field:
            item["field"] = {"path": _readable(self.field)}
        if self.ref and self.ref.file:
            item["file"] = {"path": self.ref.file}
            if self.ref.file_index is not None:
                item["file"]["index"] = self.ref.file_index
        item["tags"] = {"function": FUNCTION, "code": self.code.slug}
        return item


def _readable(text: str) -> str:
    r"""Return a text that every reader takes: half of a surrogate pair, as JSON's `\ud83d` is, is no character."""
    return text.encode("utf-8", "backslashreplace").decode()


class FunctionError(Exception):
    """The list cannot be served: one or more findings, at least one of them an error.

    The base of every error that this package raises for a user to read.
    """

    def __init__(self, *results: Result) -> None:
        super().__init__("\n".join(result.line() for result in results))
        self.results = results


def printable(text: str) -> str:
    """Return text that stays in its line and cannot steer a terminal: what does not print is escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(value: object) -> str:
    """Return a value as a message shows it: as YAML writes it, a string in quotes, null as "nothing", long ones cut."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def in_order(results: Iterable[Result]) -> list[Result]:
    """Return the findings without repetitions, most severe first, in an order free of the input's."""

    def key(result: Result) -> tuple[int | str, ...]:
        ref = result.ref or Ref()
        what = (result.severity.rank, ref.namespace, ref.kind, ref.name, result.field, result.message)
        return (*what, ref.file, -1 if ref.file_index is None else ref.file_index, ref.api_version, result.code.slug)

    return sorted(dict.fromkeys(results), key=key)
