"""A request to a proxy, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property


class CannotTell(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """The configuration decides by something that only the running proxy knows; the message names it."""


# What reading a value of another form than Envoy writes ends in.
MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError)


class Wire(Enum):
    """What a connection carries."""

    HTTP1 = "HTTP/1.1"
    HTTP2 = "HTTP/2"
    TCP = "TCP"
    TLS = "TLS"


@dataclass
class Request:
    """What is asked of a proxy.

    Attributes:
        authority: the host that an HTTP request names, a port behind it or not.
        port: where the connection goes; at a gateway, the port that it listens on.
        address: the IP that the connection goes to; empty where it does not matter (a gateway).
        wire: what the connection carries.
        headers: names and values, a name as often as the client says it.
        path: with its query.
        tls: whether HTTP comes inside of TLS; `sni` is the name that the client says there.
    """

    authority: str = ""
    port: int = 80
    address: str = ""
    wire: Wire = Wire.HTTP1
    headers: Sequence[tuple[str, str]] = ()
    path: str = "/"
    method: str = "GET"
    tls: bool = False
    sni: str = ""

    @cached_property
    def values(self) -> Mapping[str, list[str]]:
        """Every header by its name in lower case, Envoy's pseudo-headers among them."""
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), []).append(value.strip(" \t"))
        if self.wire is Wire.HTTP2 and "cookie" in found:
            # RFC 9113, 8.2.3: the crumbs of a cookie are one header again; Envoy drops what stays empty.
            whole = ""
            for crumb in found.pop("cookie"):
                whole = f"{whole}; {crumb}" if whole else crumb
            found |= {"cookie": [whole]} if whole else {}
        scheme = "https" if self.tls else "http"
        return found | {
            ":authority": [self.authority],
            ":path": [self.path],
            ":method": [self.method],
            ":scheme": [scheme],
        }


class Reply(Enum):
    """What kind of answer it is."""

    CLUSTER = "cluster"  # goes to one of a cluster's endpoints
    STATUS = "status"  # the proxy answers itself, also with a redirect
    CLOSED = "closed"  # the connection ends
    PASSED_ON = "passed on"  # goes to where it was going, unrouted


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer that a request may get.

    Attributes:
        reply: its kind.
        cluster: the cluster's name where there is one.
        status: of HTTP, where the proxy answers itself.
        location: where a redirect leads, as far as the route says it.
        body: of the proxy's own answer.
        route: the name of the route that took it; empty where none did.
        config: the object that the route comes from, as the proxy's metadata names it.
        share: of all requests like this one, from 0 to 1.
        sets: headers that the pod gets otherwise than the client sent them, in lower case, None for one taken away.
    """

    reply: Reply
    cluster: str = ""
    status: int = 0
    location: str = ""
    body: str = ""
    route: str = ""
    config: str = ""
    share: float = 1.0
    sets: tuple[tuple[str, str | None], ...] = ()


@dataclass(slots=True)
class Way:
    """Where a request went inside of the proxy, and its possible answers.

    Attributes:
        listener: the listener's name; empty where no listener took it.
        table: the name of the route table, for HTTP.
        virtual_host: that the host chose; empty where none did.
        outcomes: the answers, each with its share.
    """

    listener: str
    table: str = ""
    virtual_host: str = ""
    outcomes: tuple[Outcome, ...] = field(default=())
