"""An object → the configuration that it gives, with every mistake in it as a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from krm_fn.config.options import CLUSTER_DOMAIN, ROOT_NAMESPACE, RouteConfig
from krm_fn.names import nearest
from krm_fn.results import Code, FunctionError, Ref, Result, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, ValidationError

KIND = "VirtualEnvironment"
GROUP = "virtual-env-fn.dev"
API_VERSION = f"{GROUP}/v1alpha1"
OPERATOR_API_VERSION = "env.alibaba.com/v1alpha2"

# What pydantic says in words of Python's or JSON's, by the type of its error.
_SIMPLER = {
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "string_type": "must be a string",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false",
    "string_too_short": "must not be empty",
}

_NAMES = ("metadata", "metadata.name", "metadata.namespace")


class Source(NamedTuple):
    """A configuration and the object that gave it (None: defaults)."""

    config: RouteConfig
    ref: Ref | None = None


class Configs(NamedTuple):
    """What holds where: a configuration for everything, and those of single namespaces.

    `owner` names the run in the objects that it makes.
    """

    owner: str
    default: Source
    by_namespace: Mapping[str, Source]

    def of(self, namespace: str) -> Source:
        return self.by_namespace.get(namespace, self.default)

    @property
    def cluster_domain(self) -> str:
        """The domain of the cluster's Services, as any of them says: there is one cluster."""
        said = {one.config.cluster_domain for one in (self.default, *self.by_namespace.values())}
        return min(said - {CLUSTER_DOMAIN}, default=CLUSTER_DOMAIN)

    @property
    def root_namespace(self) -> str:
        """Istio's own namespace, as any of them says."""
        said = {one.config.istio.root_namespace for one in (self.default, *self.by_namespace.values())}
        return min(said - {ROOT_NAMESPACE}, default=ROOT_NAMESPACE)

    def in_namespace(self, namespace: str) -> Configs:
        """Return what holds when objects without a namespace get this one."""
        return self._replace(by_namespace={name or namespace: source for name, source in self.by_namespace.items()})


def is_operator(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is the operator's custom resource."""
    return value.get("kind") == KIND and str(value.get("apiVersion", "")).startswith("env.alibaba.com/")


def is_own(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is this function's own configuration."""
    return value.get("kind") == KIND and str(value.get("apiVersion", "")).startswith(f"{GROUP}/")


def given_twice(duplicates: Iterable[str], ref: Ref) -> Iterator[Result]:
    """Yield a finding for each of these dotted paths of a configuration that this function reads."""
    for path in duplicates:
        if path.partition(".")[0] in ("apiVersion", "kind", "spec", "data") or path in _NAMES:
            yield Result(Code.DUPLICATE_KEY, "is given twice with different values; keep one", ref, path)


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
        if not spec:
            return RouteConfig()
        from pydantic_core import ValidationError  # noqa: PLC0415 - loaded where there is something to check

        from krm_fn.config import models  # noqa: PLC0415 - as above

        try:
            return models.validate(spec, strict=not loose)
        except ValidationError as error:
            problems += _explain(error, ref, prefix, overrides or {})
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
        problems += [Result(Code.CONFIG_INVALID, _unknown(key, ["spec"]), ref, key) for key in sorted(strange)]
        spec = value.get("spec")
        if spec is not None and not isinstance(spec, dict):
            problems.append(Result(Code.CONFIG_INVALID, f"must be a mapping, found {shown(spec)}", ref, "spec"))
        # The operator takes a field's default for an empty string as well.
        nothing = (None, "") if api_version == OPERATOR_API_VERSION else (None,)
        return _without(nothing, spec) if isinstance(spec, dict) else {}, False
    message = (
        f"cannot be read as configuration: its kind is {shown(kind)} and its apiVersion {shown(api_version)}; "
        f"use kind {KIND} of {API_VERSION}, {KIND} of {OPERATOR_API_VERSION}, or a v1 ConfigMap"
    )
    problems.append(Result(Code.CONFIG_INVALID, message, ref))
    return {}, False


def _without(nothing: tuple[str | None, ...], tree: Any) -> Any:  # noqa: ANN401 - a tree of mappings and lists
    """Leave out fields without a value: to Kubernetes they are not there, and templates write them."""
    if isinstance(tree, list):
        return [_without(nothing, child) for child in tree]
    if not isinstance(tree, dict):
        return tree
    return {key: _without(nothing, child) for key, child in tree.items() if child not in nothing}


def _nest(data: Mapping[str, Any], ref: Ref, prefix: str, problems: list[Result]) -> dict[str, Any]:
    """Turn dotted names into a tree; numbers in a name are places in a list."""
    tree: dict[str, Any] = {}
    for name in sorted(data):
        text = data[name]
        if not isinstance(text, str):
            path = f"{prefix}.{name}" if prefix else name
            problems.append(Result(Code.CONFIG_INVALID, f"must be a string, found {shown(text)}", ref, path))
            continue
        at = tree
        *parents, last = name.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
            if not isinstance(at, dict):
                break
        if not isinstance(at, dict) or last in at:
            path = f"{prefix}.{name}" if prefix else name
            problems.append(
                Result(Code.CONFIG_INVALID, "is given both as a value and as a parent of values", ref, path)
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


def _explain(error: ValidationError, ref: Ref, prefix: str, overrides: Mapping[str, str]) -> list[Result]:
    results = []
    for problem in error.errors(include_url=False):
        dotted = ".".join(map(str, problem["loc"]))
        # What is missing beside a field that was set is missing because of it.
        above = dotted.rpartition(".")[0] if problem["type"] == "missing" else dotted
        if not prefix or any(f"{name}.".startswith(f"{above}.") for name in overrides if above):
            results.append(Result(Code.CONFIG_INVALID, _message(problem), Ref(kind="--set"), dotted))
        else:
            results.append(Result(Code.CONFIG_INVALID, _message(problem), ref, _path(prefix, problem["loc"])))
    return results


def _message(problem: ErrorDetails) -> str:
    kind, found, places = problem["type"], problem["input"], problem["loc"]
    if kind == "extra_forbidden":
        from krm_fn.config import models  # noqa: PLC0415 - loaded already: it found the mistake

        return _unknown(str(places[-1]), models.names_at([str(place) for place in places[:-1]]))
    if kind == "missing":
        return "is missing; add it"
    allowed = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = f"{_SIMPLER.get(kind, allowed)}; found {shown(found)}"
    if kind == "string_type" and isinstance(found, (bool, int, float)):
        message += ", put it in quotes"
    if isinstance(found, str):
        close = nearest(re.findall(r"'([^']+)'", str(problem.get("ctx", {}).get("expected", ""))), found)
        message += f"; did you mean {close!r}?" if close else ""
    return message


def _path(prefix: str, places: Iterable[str | int]) -> str:
    """Return the path of a field: as YAML's tools write it, or as the keys of a ConfigMap's data are."""
    if prefix == "data":
        return ".".join([prefix, *map(str, places)])
    return (prefix + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in places)).lstrip(".")


def _unknown(name: str, allowed: Iterable[str]) -> str:
    allowed = sorted(allowed)
    close = nearest(allowed, name)
    hint = f"did you mean {close!r}?" if close else f"allowed: {', '.join(allowed)}"
    return f"there is no field {name!r}; {hint}"
