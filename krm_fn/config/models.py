"""What a configuration may say: every mistake at once, each with its path; `options` has the values that come out.

Written as pydantic's validators take it (`pydantic_core`), without pydantic's models: to import those and to build
validators of them took half of the function's start-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from pydantic_core import SchemaValidator, core_schema

from krm_fn.config import options
from krm_fn.expressions import re2_problem
from krm_fn.names import dns_name_problem, label_key_problem, label_value_problem

# Letters and digits may end a name, so of several the name could have a part: `ax` split by `xx`.
_SPLITTER = re.compile(r"[-._]+|[A-Za-z0-9]")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_PREVIEW = re.compile(r"[-.a-z0-9]*")  # what may stand around the placeholders
_MAX_PATH = 200
# So that no expression made of them is longer than the 1024 characters that Istio takes: tests/unit/plan.
_MAX_PATTERN = 256
_MAX_PLACES = 2
_MAX_SPLITTER = 8
_MAX_TOKEN = 100


def _label_key(value: str) -> str:
    if problem := label_key_problem(value):
        raise ValueError(f"is no label key: {problem}")
    return value


def _label_value(value: str) -> str:
    if value and (problem := label_value_problem(value)):
        raise ValueError(f"is no label value: {problem}")
    return value


def _splitter(value: str) -> str:
    if not _SPLITTER.fullmatch(value):
        raise ValueError("cannot split a label value: use one character that it may have, or several of '.', '-', '_'")
    if len(value) > _MAX_SPLITTER:
        raise ValueError(f"is longer than {_MAX_SPLITTER} characters")
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value) or value.lower() == "host":
        raise ValueError("is no name of a header that a route can match: letters, digits and '-', and not Host")
    return value


def _package_path(value: str) -> str:
    inside = value and not value.startswith("/") and ".." not in value.split("/") and "\\" not in value
    if not inside or len(value) > _MAX_PATH or not value.endswith((".yaml", ".yml")):
        raise ValueError("must be the path of a .yaml file inside the package, without '..'")
    return value


def _namespace(value: str) -> str:
    if not _NAMESPACE.fullmatch(value):
        raise ValueError("is no name of a namespace: lower-case letters, digits and '-', at most 63 characters")
    return value


def _namespace_or_none(value: str) -> str:
    return _namespace(value) if value else value


def _preview(value: str) -> str:
    around = value.replace("{env}", "", 1).replace("{host}", "", 1)
    if value and (len(around) != len(value) - len("{env}{host}") or not _PREVIEW.fullmatch(around)):
        raise ValueError("must be the pattern of a host with {env} and {host} once each, such as '{env}.{host}'")
    return value


def _token(value: str) -> str:
    if not _TOKEN.fullmatch(value) or len(value) > _MAX_TOKEN:
        raise ValueError(f"must be a token of at most {_MAX_TOKEN} characters: letters, digits and !#$%&'*+-.^_`|~")
    return value


def _pattern(value: str) -> str:
    if not value or len(value) > _MAX_PATTERN:
        raise ValueError(f"must have 1 to {_MAX_PATTERN} characters: Istio takes 1024, and the environment goes in")
    return value


def _domain(value: str) -> str:
    if problem := dns_name_problem(value):
        raise ValueError(f"is no DNS name: {problem}")
    return value


def _output(value: object) -> object:
    if value == "both":
        raise ValueError(
            "must be 'istio' or 'gatewayAPI': where a Service has both, Istio takes the HTTPRoute, and the "
            "VirtualService is dead from then on, silently"
        )
    return value


def _one_carrier(alias: options.Alias) -> options.Alias:
    given = [one for one in ("name", "cookie", "baggage") if getattr(alias, one) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ValueError(f"needs exactly one of name (a header), cookie and baggage, found {found}")
    if alias.pattern is not None and alias.name is None:
        raise ValueError("pattern belongs to a header's name; a cookie or baggage member is read whole")
    if alias.pattern is not None and (problem := re2_problem(alias.pattern.replace(alias.placeholder, "x"))):
        raise ValueError(f"pattern is no RE2 expression: {problem}")
    if alias.pattern is not None and alias.pattern.count(alias.placeholder) > _MAX_PLACES:
        raise ValueError(f"pattern has the placeholder {alias.placeholder!r} more than {_MAX_PLACES} times")
    return alias


def _distinct_carriers(header: options.EnvHeader) -> options.EnvHeader:
    places = {("header", header.name.lower(), ""): "name"}
    for number, alias in enumerate(header.aliases):
        carrier, place = _carrier(alias), f"aliases[{number}]"
        if other := places.get(carrier):
            raise ValueError(f"{place} is the same carrier as {other}, the {carrier[0]} {carrier[1]!r}: remove one")
        places[carrier] = place
    return header


def _carrier(alias: options.Alias) -> tuple[str, str, str]:
    if alias.cookie is not None:
        return ("cookie", alias.cookie, "")
    if alias.baggage is not None:
        return ("baggage member", alias.baggage, "")
    return ("header", (alias.name or "").lower(), (alias.pattern or "").replace(alias.placeholder, "(@)"))


def _distinct_namespaces(namespaces: options.Namespaces) -> options.Namespaces:
    twice = sorted({one for one in namespaces.all if namespaces.all.count(one) > 1})
    if twice:
        raise ValueError(f"names a namespace twice: {', '.join(twice)}")
    return namespaces


def _of_one_output(config: options.RouteConfig) -> options.RouteConfig:
    for name, value, default in (("base", config.base, "backend"), ("grpc", config.grpc, "HTTPRoute")):
        if config.output == "istio" and value != default:
            raise ValueError(f"{name}: {value} is for output: gatewayAPI, and the output is istio: leave it out")
    return config


Schema = Mapping[str, Any]  # as pydantic_core takes it
_Record = type[NamedTuple]
_BOOLEAN: Schema = core_schema.bool_schema()


def _text(check: Callable[[str], str] | None = None, **limits: Any) -> Schema:  # noqa: ANN401 - pydantic_core's own
    schema = core_schema.str_schema(**limits)
    return core_schema.no_info_after_validator_function(check, schema) if check else schema


def _one_of(*words: str) -> Schema:
    return core_schema.literal_schema(list(words))


def _or_null(schema: Any) -> Schema:  # noqa: ANN401 - as above
    return core_schema.nullable_schema(schema)


def _list(schema: Any, **limits: Any) -> Schema:  # noqa: ANN401 - as above
    return core_schema.no_info_after_validator_function(tuple, core_schema.list_schema(schema, **limits))


def _record(kind: Any, check: Callable[[Any], Any] | None = None, /, **fields: Any) -> Schema:  # noqa: ANN401 - as above
    """Return the schema of a mapping that becomes one of the options' records; names are in camelCase outside."""
    names = {camel(name): name for name in kind._fields}

    def made(given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - one of several kinds
        value = kind(**{names[name]: part for name, part in given.items()})
        return check(value) if check else value

    typed = core_schema.typed_dict_schema(
        {
            camel(name): core_schema.typed_dict_field(schema, required=name not in kind._field_defaults)
            for name, schema in fields.items()
        },
        extra_behavior="forbid",
        metadata={"record": kind},
    )
    return core_schema.no_info_after_validator_function(made, typed)


def camel(name: str) -> str:
    """Return the name that users write for a field."""
    first, *others = name.split("_")
    return first + "".join("API" if one == "api" else one.title() for one in others)


@cache
def schema() -> Schema:
    """Return what a configuration may say; the records and their defaults are those of `options`."""
    namespace = _text(_namespace)
    alias = _record(
        options.Alias,
        _one_carrier,
        name=_or_null(_text(_header_name)),
        pattern=_or_null(_text(_pattern)),
        placeholder=_text(min_length=1),
        cookie=_or_null(_text(_token)),  # RFC 6265 and W3C baggage name cookies and members like headers
        baggage=_or_null(_text(_token)),
    )
    label = _record(
        options.EnvLabel, name=_text(_label_key), splitter=_text(_splitter), default_subset=_text(_label_value)
    )
    header = _record(
        options.EnvHeader, _distinct_carriers, name=_text(_header_name), auto_inject=_BOOLEAN, aliases=_list(alias)
    )
    istio = _record(
        options.Istio,
        api_version=_one_of(*(f"networking.istio.io/{version}" for version in ("v1", "v1beta1", "v1alpha3"))),
        injector=_one_of("early", "lua"),
        root_namespace=namespace,
    )
    namespaces = _record(
        options.Namespaces, _distinct_namespaces, base=namespace, members=_list(namespace, min_length=1)
    )
    workload = _record(
        options.WorkloadKind,
        api_version=_text(min_length=1),
        kind=_text(min_length=1),
        template_path=_text(pattern=r"^[^.]+(\.[^.]+)*$"),
    )
    return _record(
        options.RouteConfig,
        _of_one_output,
        env_label=label,
        env_header=header,
        matching=_one_of("prefix", "exact"),
        unmatched=_one_of("reject", "anyPod"),
        tcp=_one_of("base", "callerLabels"),
        unlabelled=_one_of("error", "adopt"),
        routes=_one_of("split", "all"),
        apply_order=_one_of("none", "list", "argocd", "kpt"),
        istio=istio,
        output=core_schema.no_info_before_validator_function(_output, _one_of("istio", "gatewayAPI")),
        base=_one_of("backend", "selector"),
        grpc=_one_of("HTTPRoute", "GRPCRoute"),
        namespace=_text(_namespace_or_none),
        namespaces=_or_null(namespaces),
        cluster_domain=_text(_domain),
        preview_hosts=_text(_preview),
        workloads=_list(workload),
        placement=_text(_package_path),
    )


def validate(spec: Mapping[str, Any], *, strict: bool) -> options.RouteConfig:
    """Return the options that a configuration gives; `strict` takes no strings for other values.

    Raises:
        ValidationError: with every mistake at once.
    """
    found = SchemaValidator(schema()).validate_python(spec, strict=strict)
    if not isinstance(found, options.RouteConfig):
        raise TypeError(type(found))
    return found


def inner(node: Schema) -> Schema:
    """Return a schema without what is around it: checks, and that it may be null."""
    while node["type"] in ("function-after", "function-before", "nullable"):
        node = node["schema"]
    return node


def names_at(places: Iterable[str]) -> list[str]:
    """Return the field names that the configuration has at a path of a validation error."""
    node = inner(schema())
    for place in places:
        node = inner(node["items_schema"] if node["type"] == "list" else node["fields"][place]["schema"])
    return list(node["fields"])
