"""Plan → EnvoyFilters that add the header to requests that leave a labelled pod without one.

The pod's label reaches Envoy as node metadata (istio/istio, pilot/pkg/bootstrap); the mutation runs before every HTTP
filter and before a route is chosen. The application still has to copy the header from inbound to outbound calls.
"""

from __future__ import annotations

from typing import Any

from krm_fn.config.options import RouteConfig
from krm_fn.plan.answers import NamespacePlan, Plan

NAME = "virtual-env-header"
_HCM = "envoy.filters.network.http_connection_manager"
_TYPE = "type.googleapis.com/envoy.extensions"
# Istio 1.26 brought Envoy 1.34, the first whose header mutation reads CEL; an older one would refuse the listener.
_SINCE_1_26 = r"^1\.(2[6-9]|[3-9][0-9])"
LABELS_FILE = "/etc/istio/pod/labels"


def manifests(plan: Plan) -> list[dict[str, Any]]:
    """Return one EnvoyFilter for each namespace of labelled pods whose configuration asks for it."""
    return [_envoy_filter(one) for one in plan.namespaces if one.config.env_header.auto_inject]


def _envoy_filter(namespace: NamespacePlan) -> dict[str, Any]:
    config = namespace.config
    patch = _early(config) if config.istio.injector == "early" else _lua(config)
    metadata = {"name": NAME} | ({"namespace": namespace.name} if namespace.name else {})
    # Where several filters insert at one place, the priority says in which order; 0 is the default.
    spec = (
        {"configPatches": [patch]} if config.istio.injector == "early" else {"priority": -10, "configPatches": [patch]}
    )
    return {
        "apiVersion": "networking.istio.io/v1alpha3",  # the only version that there is
        "kind": "EnvoyFilter",
        "metadata": metadata,
        "spec": spec,
    }


def _early(config: RouteConfig) -> dict[str, Any]:
    value = f"%CEL(xds.node.metadata.LABELS['{config.env_label.name}'])%"
    header = {"key": config.env_header.name.lower(), "value": value}
    mutation = {
        "name": "virtual-env",
        "typed_config": {
            "@type": f"{_TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [{"append": {"header": header, "append_action": "ADD_IF_ABSENT"}}],
        },
    }
    return {
        "applyTo": "NETWORK_FILTER",
        "match": {
            "context": "SIDECAR_OUTBOUND",
            "proxy": {"proxyVersion": _SINCE_1_26},
            "listener": {"filterChain": {"filter": {"name": _HCM}}},
        },
        "patch": {
            "operation": "MERGE",
            "value": {
                "name": _HCM,
                "typed_config": {
                    "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "early_header_mutation_extensions": [mutation],
                },
            },
        },
    }


def _lua(config: RouteConfig) -> dict[str, Any]:
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_OUTBOUND", "listener": {"filterChain": {"filter": {"name": _HCM}}}},
        "patch": {
            "operation": "INSERT_BEFORE",  # no subFilter: before all others, so that each sees the route it leads to
            "value": {
                "name": "virtual-env.lua",
                "typed_config": {
                    "@type": f"{_TYPE}.filters.http.lua.v3.Lua",
                    "default_source_code": {"inline_string": _script(config)},
                },
            },
        },
    }


def _script(config: RouteConfig) -> str:
    header, label = config.env_header.name.lower(), config.env_label.name
    return f"""\
-- The pod's own labels, as the kubelet wrote them: one key="value" a line.
local environment = nil
local labels = io.open("{LABELS_FILE}", "r")
if labels then
  for line in labels:lines() do
    local key, value = line:match('^([^=]+)="(.*)"$')
    if key == "{label}" then environment = value end
  end
  labels:close()
end
function envoy_on_request(handle)
  if environment and handle:headers():get("{header}") == nil then
    handle:headers():add("{header}", environment)
  end
end
"""
