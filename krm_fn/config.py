"""The configuration: one model, reached from a functionConfig, an item of the list, or `--set`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from krm_fn.environments import label_key_problem, label_value_problem, nearest
from krm_fn.results import Code, FunctionError, Ref, Result

KIND = "VirtualEnvironment"
GROUP = "virtual-env-fn.dev"
API_VERSION = f"{GROUP}/v1alpha1"
OPERATOR_API_VERSION = "env.alibaba.com/v1alpha2"

_SPLITTER = re.compile(r"[-._A-Za-z0-9]+")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_MAX_PATH = 200


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
        raise ValueError("cannot split a label value: use characters that a label value may have, such as '.'")
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value) or value.lower() == "host":
        raise ValueError("is no name of a request header that a route can match")
    return value


def _package_path(value: str) -> str:
    inside = value and not value.startswith("/") and ".." not in value.split("/") and "\\" not in value
    if not inside or len(value) > _MAX_PATH or not value.endswith((".yaml", ".yml")):
        raise ValueError("must be the path of a .yaml file inside the package, without '..'")
    return value


LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
HeaderName = Annotated[str, AfterValidator(_header_name)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class EnvLabel(_Model):
    """The label on pod templates that names an environment, and how its value is read."""

    name: LabelKey = "virtual-env"
    splitter: Annotated[str, AfterValidator(_splitter)] = "."
    default_subset: LabelValue = Field("", description="the base: who answers when a request names nobody")


class EnvHeader(_Model):
    """Where a request carries its environment."""

    name: HeaderName = "X-Virtual-Env"


class Istio(_Model):
    """What the Istio resources are written for."""

    api_version: Literal["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"] = (
        "networking.istio.io/v1"
    )


class WorkloadKind(_Model):
    """A further kind of object with a pod template, and the dotted path of that template in it."""

    api_version: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    template_path: str = Field("spec.template", pattern=r"^[^.]+(\.[^.]+)*$")


class RouteConfig(_Model):
    """All options, with their defaults."""

    env_label: EnvLabel = EnvLabel()
    env_header: EnvHeader = EnvHeader()
    matching: Literal["prefix", "exact"] = "prefix"
    unmatched: Literal["reject", "anyPod"] = "reject"
    istio: Istio = Istio()
    workloads: Annotated[tuple[WorkloadKind, ...], Field(strict=False)] = ()
    placement: Annotated[str, AfterValidator(_package_path)] = Field(
        "virtual-env-{namespace}.yaml",
        description="where kpt writes new objects; {namespace} is the object's, or 'default' without one",
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration and the object that gave it (None: defaults)."""

    config: RouteConfig
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Configs:
    """What holds where: a configuration for everything, and those of single namespaces.

    `owner` names the run in the objects that it makes.
    """

    owner: str
    default: Source
    by_namespace: Mapping[str, Source]

    def of(self, namespace: str) -> Source:
        return self.by_namespace.get(namespace, self.default)


def is_operator(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is the operator's custom resource."""
    return value.get("kind") == KIND and str(value.get("apiVersion", "")).startswith("env.alibaba.com/")


def is_own(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is this function's own configuration."""
    return value.get("kind") == KIND and str(value.get("apiVersion", "")).startswith(f"{GROUP}/")


def read(value: Mapping[str, Any] | None, ref: Ref, overrides: Mapping[str, str] | None = None) -> RouteConfig:
    """Read a functionConfig or an item of the list.

    Args:
        value: the object, or None where there is none (defaults).
        ref: how findings name it.
        overrides: dotted paths and values (`--set`) that win over it.

    Raises:
        FunctionError: with every mistake at once.
    """
    problems: list[Result] = []
    spec, loose = _spec_of(value or {}, ref, problems)
    if overrides:
        set_ref = Ref(kind="--set")
        _merge(spec, _nest(overrides, set_ref, "", problems), "", set_ref, problems)
        loose = True
    prefix = "data" if value and "data" in value else "spec" if value else ""
    if not problems:
        try:
            return RouteConfig.model_validate(spec, strict=not loose)
        except ValidationError as error:
            problems += _explain(error, ref, prefix)
    raise FunctionError(*problems)


def _spec_of(value: Mapping[str, Any], ref: Ref, problems: list[Result]) -> tuple[dict[str, Any], bool]:
    """Return the fields as a tree, and whether their values are strings to be converted."""
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if not value:
        return {}, False
    if api_version == "v1" and kind in ("ConfigMap", KIND):
        data = value.get("data")
        if data is None:
            return {}, True
        if not isinstance(data, dict):
            problems.append(
                Result(Code.CONFIG_INVALID, "data must be a mapping of dotted names to strings", ref, "data")
            )
            return {}, True
        return _nest(data, ref, "data", problems), True
    if kind == KIND and api_version in (API_VERSION, OPERATOR_API_VERSION):
        strange = value.keys() - {"apiVersion", "kind", "metadata", "spec", "status"}
        problems += [_unknown(str(key), ["spec"], ref, "") for key in strange]
        spec = value.get("spec")
        if spec is not None and not isinstance(spec, dict):
            problems.append(Result(Code.CONFIG_INVALID, f"must be a mapping, found {spec!r}", ref, "spec"))
        return dict(spec) if isinstance(spec, dict) else {}, False
    message = (
        f"cannot be read as configuration: it is {kind!r} of {api_version!r}; "
        f"use kind {KIND} of {API_VERSION}, {KIND} of {OPERATOR_API_VERSION}, or a v1 ConfigMap"
    )
    problems.append(Result(Code.CONFIG_INVALID, message, ref))
    return {}, False


def _nest(data: Mapping[str, Any], ref: Ref, prefix: str, problems: list[Result]) -> dict[str, Any]:
    """Turn dotted names into a tree; numbers in a name are places in a list."""
    tree: dict[str, Any] = {}
    for name in sorted(data):
        text = data[name]
        if not isinstance(text, str):
            path = f"{prefix}.{name}" if prefix else name
            problems.append(Result(Code.CONFIG_INVALID, f"must be a string, found {text!r}", ref, path))
            continue
        at = tree
        *parents, last = name.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
            if not isinstance(at, dict):
                break
        if not isinstance(at, dict) or last in at:
            problems.append(
                Result(Code.CONFIG_INVALID, "is given both as a value and as a parent of values", ref, name)
            )
            continue
        at[last] = text
    result = _lists(tree)
    return result if isinstance(result, dict) else tree


def _lists(tree: Any) -> Any:  # noqa: ANN401 - a tree of mappings, lists and strings
    if not isinstance(tree, dict):
        return tree
    children = {key: _lists(child) for key, child in tree.items()}
    if children and all(key.isdecimal() for key in children):
        return [children[key] for key in sorted(children, key=int)]
    return children


def _merge(spec: dict[str, Any], over: Mapping[str, Any], path: str, ref: Ref, problems: list[Result]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(spec.get(key), dict):
            spec[key] = dict(spec[key])
            _merge(spec[key], value, f"{path}{key}.", ref, problems)
        else:
            spec[key] = value


def _explain(error: ValidationError, ref: Ref, prefix: str) -> list[Result]:
    results = []
    for problem in error.errors(include_url=False):
        places = [str(part) for part in problem["loc"]]
        if problem["type"] == "extra_forbidden":
            results.append(_unknown(places[-1], _names_at(places[:-1]), ref, ".".join([prefix, *places[:-1]])))
            continue
        allowed = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        path = ".".join(part for part in [prefix, *places] if part)
        found = problem["input"]
        message = f"{allowed}; found {found!r}"
        expected = problem.get("ctx", {}).get("expected", "")
        if isinstance(found, str) and (close := nearest(re.findall(r"'([^']+)'", str(expected)), found)):
            message += f"; did you mean {close!r}?"
        results.append(Result(Code.CONFIG_INVALID, message, ref, path))
    return results


def _unknown(name: str, allowed: Iterable[str], ref: Ref, path: str) -> Result:
    allowed = list(allowed)
    close = nearest(allowed, name)
    hint = f"did you mean {close!r}?" if close else f"allowed: {', '.join(sorted(allowed))}"
    field = f"{path.strip('.')}.{name}".strip(".")
    return Result(Code.CONFIG_INVALID, f"there is no field {name!r}; {hint}", ref, field)


def _names_at(places: list[str]) -> list[str]:
    """Return the field names that the model has at a path of a validation error."""
    model: Any = RouteConfig
    for place in places:
        for field in model.model_fields.values():
            if field.alias == place:
                kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
                model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return [field.alias or name for name, field in model.model_fields.items()]
