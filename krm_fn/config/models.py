"""What a configuration may say: every mistake at once, each with its path; `options` has the values that come out."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

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


LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Token = Annotated[str, AfterValidator(_token)]  # RFC 6265 and W3C baggage name cookies and members like headers


class _Model(BaseModel):
    # Validators cost a quarter of pydantic's import, so a run without configuration builds none: they wait for
    # something to validate, and the defaults are made without them.
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, defer_build=True)


def _output(value: object) -> object:
    if value == "both":
        raise ValueError(
            "must be 'istio' or 'gatewayAPI': where a Service has both, Istio takes the HTTPRoute, and the "
            "VirtualService is dead from then on, silently"
        )
    return value


class EnvLabel(_Model):
    """The label on pod templates that names an environment, and how its value is read."""

    name: LabelKey = "virtual-env"
    splitter: Annotated[str, AfterValidator(_splitter)] = "."
    default_subset: LabelValue = Field("", description="the base: who answers when a request names nobody")


class Alias(_Model):
    """A further carrier of the environment: another header, a cookie, or a member of W3C baggage.

    A header's value is the environment itself, or text around it: `pattern` is an RE2 expression with `placeholder`
    where the environment stands.
    """

    name: HeaderName | None = None
    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    placeholder: str = Field("(@)", min_length=1)
    cookie: Token | None = None
    baggage: Token | None = None

    @model_validator(mode="after")
    def _one_carrier(self) -> Self:
        given = [one for one in ("name", "cookie", "baggage") if getattr(self, one) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"needs exactly one of name (a header), cookie and baggage, found {found}")
        if self.pattern is not None and self.name is None:
            raise ValueError("pattern belongs to a header's name; a cookie or baggage member is read whole")
        if self.pattern is not None and (problem := re2_problem(self.pattern.replace(self.placeholder, "x"))):
            raise ValueError(f"pattern is no RE2 expression: {problem}")
        if self.pattern is not None and self.pattern.count(self.placeholder) > _MAX_PLACES:
            raise ValueError(f"pattern has the placeholder {self.placeholder!r} more than {_MAX_PLACES} times")
        return self


class EnvHeader(_Model):
    """Where a request carries its environment.

    With `auto_inject` the mesh adds the header to requests that leave a labelled pod without one.
    """

    name: HeaderName = "X-Virtual-Env"
    auto_inject: bool = False
    aliases: list[Alias] = []

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        places = {("header", self.name.lower(), ""): "name"}
        for number, alias in enumerate(self.aliases):
            carrier, place = _carrier(alias), f"aliases[{number}]"
            if other := places.get(carrier):
                raise ValueError(f"{place} is the same carrier as {other}, the {carrier[0]} {carrier[1]!r}: remove one")
            places[carrier] = place
        return self


def _carrier(alias: Alias) -> tuple[str, str, str]:
    if alias.cookie is not None:
        return ("cookie", alias.cookie, "")
    if alias.baggage is not None:
        return ("baggage member", alias.baggage, "")
    return ("header", (alias.name or "").lower(), (alias.pattern or "").replace(alias.placeholder, "(@)"))


class Istio(_Model):
    """What the Istio resources are written for.

    `injector` adds the header: `early` from Istio 1.26 on, `lua` for older proxies. `root_namespace` is Istio's own,
    whose DestinationRules hold where no closer one does.
    """

    api_version: Literal["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"] = (
        "networking.istio.io/v1"
    )
    injector: Literal["early", "lua"] = "early"
    root_namespace: Annotated[str, AfterValidator(_namespace)] = options.ROOT_NAMESPACE


class Namespaces(_Model):
    """Namespaces whose environments answer for one another.

    The Services of one name in all of them are one Service with the environments of all. `base` has the Services that
    each member can call.
    """

    base: Annotated[str, AfterValidator(_namespace)]
    members: list[Annotated[str, AfterValidator(_namespace)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        twice = sorted({one for one in self.all if self.all.count(one) > 1})
        if twice:
            raise ValueError(f"names a namespace twice: {', '.join(twice)}")
        return self

    @property
    def all(self) -> tuple[str, ...]:
        """The base, then the members as they stand."""
        return (self.base, *self.members)


class WorkloadKind(_Model):
    """A further kind of object with a pod template, and the dotted path of that template in it."""

    api_version: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    template_path: str = Field("spec.template", pattern=r"^[^.]+(\.[^.]+)*$")


class RouteConfig(_Model):
    """All options, with their defaults."""

    env_label: EnvLabel = EnvLabel.model_construct()
    env_header: EnvHeader = EnvHeader.model_construct()
    matching: Literal["prefix", "exact"] = "prefix"
    unmatched: Literal["reject", "anyPod"] = "reject"
    tcp: Literal["base", "callerLabels"] = "base"
    unlabelled: Literal["error", "adopt"] = "error"
    routes: Literal["split", "all"] = "split"
    apply_order: Literal["none", "list", "argocd", "kpt"] = "none"
    istio: Istio = Istio.model_construct()
    output: Annotated[Literal["istio", "gatewayAPI"], BeforeValidator(_output)] = "istio"
    base: Literal["backend", "selector"] = "backend"
    grpc: Literal["HTTPRoute", "GRPCRoute"] = "HTTPRoute"
    namespace: Annotated[str, AfterValidator(_namespace_or_none)] = Field(
        "", description="what objects without a namespace will get, such as Helm's release namespace"
    )
    namespaces: Namespaces | None = None
    cluster_domain: Annotated[str, AfterValidator(_domain)] = Field(
        options.CLUSTER_DOMAIN, description="the domain of the cluster's Services, as its kubelets and Istio have it"
    )
    preview_hosts: Annotated[str, AfterValidator(_preview)] = Field(
        "", description="host on a gateway that reaches an environment without a header, such as {env}.{host}"
    )
    workloads: list[WorkloadKind] = []
    placement: Annotated[str, AfterValidator(_package_path)] = Field(
        "virtual-env-{namespace}.yaml",
        description="where kpt writes new objects; {namespace} is the object's, or 'default' without one",
    )

    @model_validator(mode="after")
    def _of_one_output(self) -> Self:
        for name, value, default in (("base", self.base, "backend"), ("grpc", self.grpc, "HTTPRoute")):
            if self.output == "istio" and value != default:
                raise ValueError(f"{name}: {value} is for output: gatewayAPI, and the output is istio: leave it out")
        return self


def plain(model: RouteConfig) -> options.RouteConfig:
    """Return the options that a model holds."""
    found = _plain(model)
    if not isinstance(found, options.RouteConfig):
        raise TypeError(type(found))
    return found


def _plain(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if not isinstance(value, BaseModel):
        return value
    kind = getattr(options, type(value).__name__)
    return kind(**{name: _plain(getattr(value, name)) for name in kind._fields})


def names_at(places: list[str]) -> list[str]:
    """Return the field names that the model has at a path of a validation error."""
    model: type[BaseModel] = RouteConfig
    for place in places:
        for field in model.model_fields.values():
            if field.alias == place:
                kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
                model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return [field.alias or name for name, field in model.model_fields.items()]
