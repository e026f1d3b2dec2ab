"""The addresses of Services, as a proxy's dump shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from krm_fn.verify import listeners
from krm_fn.verify.actions import without_port

Config = Mapping[str, Any]


def addresses(routes: Iterable[Config], listening: Mapping[tuple[str, int], Config]) -> dict[str, str]:
    """Return the IP of each Service by its full name, from the route tables and the listeners by their places."""
    found: dict[str, str] = {}
    for table in routes:
        for host in table.get("virtual_hosts", ()):
            names = [without_port(one) for one in host.get("domains", ())]
            if address := next((one for one in names if _is_address(one)), ""):
                for name in names:
                    found.setdefault(name.lower(), address)
    for (address, _), one in listening.items():
        if not _is_address(address) or address in listeners.ANY:
            continue
        hosts = set(_hosts_of(one))
        if len(hosts) == 1:
            found.setdefault(hosts.pop().lower(), address)
    return found


def _hosts_of(listener: Config) -> list[str]:
    """Return the hosts that a listener's connections may go to, by the names of clusters and route tables."""
    found = []
    for chain in [*listener.get("filter_chains", ()), listener.get("default_filter_chain") or {}]:
        for one in chain.get("filters", ()):
            config = one.get("typed_config", {})
            names = [config.get("cluster", "")]
            names += [part.get("name", "") for part in config.get("weighted_clusters", {}).get("clusters", ())]
            found += [name.rpartition("|")[2] for name in names if name.startswith("outbound|")]
            found += [without_port(config.get("rds", {}).get("route_config_name", ""))]
    return [one for one in found if "." in one]


def _is_address(text: str) -> bool:
    return bool(text) and (text.replace(".", "").isdigit() or ":" in text)
