"""Asking through a proxy: one request, one answer, in HTTP/1.1, HTTP/2, gRPC, plain TCP or TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Headers = list[tuple[str, str]]

PROTOCOLS = ("http1", "http2", "grpc", "tcp", "tls")
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered, and what it saw. `pod` is empty where no backend did: see status, body and closed."""

    status: int = 0  # of HTTP; 0 where there is none
    pod: str = ""
    namespace: str = ""
    environment: str | None = None  # the value of the pod's environment label; None where it has none
    workload: str = ""
    port: int = 0  # that the pod was asked on
    protocol: str = ""  # that the pod was spoken to
    path: str = ""  # that the pod saw
    sni: str | None = None
    headers_seen: Headers = field(default_factory=list)
    headers: Headers = field(default_factory=list)  # of the answer
    body: str = ""
    grpc_status: int | None = None
    closed: bool = False  # the connection ended without an answer

    def saw(self, header: str) -> list[str]:
        """Return each value of a header that the pod saw; names are case-insensitive."""
        return [value for name, value in self.headers_seen if name.lower() == header.lower()]


@dataclass(frozen=True, slots=True)
class Line:
    """A connection to be made: through which listener, from which address, to where."""

    listener: Path
    source: str
    address: str
    port: int

    def greeting(self) -> bytes:
        """Say where to, as iptables would have it: in a PROXY protocol header."""
        return f"PROXY TCP4 {self.source} {self.address} 40000 {self.port}\r\n".encode()

    def open(self) -> socket.socket:
        """Connect, and say where to."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_TIMEOUT)
        connection.connect(str(self.listener))
        connection.sendall(self.greeting())
        return connection


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `sni` is for TLS: the name that the client says, if any."""

    authority: str
    path: str = "/"
    method: str = "GET"
    headers: Headers = field(default_factory=list)
    sni: str | None = None


def send(protocol: str, line: Line, request: Request) -> Answer:
    """Ask once. ConnectionRefusedError or FileNotFoundError: the proxy has no such listener."""
    ways = {"http1": _http1, "http2": _http2, "grpc": _grpc, "tcp": _tcp, "tls": _tls}
    with line.open() as connection:
        try:
            return ways[protocol](connection, request)
        except (ConnectionError, ssl.SSLEOFError, http.client.RemoteDisconnected, EOFError):
            return Answer(closed=True)


def pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]] | None) -> Headers:
    """Return headers as a list; a mapping cannot say one twice, a list can."""
    if headers is None:
        return []
    return list(headers.items()) if hasattr(headers, "items") else list(headers)


def _answer(body: bytes, **more: Any) -> Answer:
    """Read what a backend says of itself; a body that is none of theirs is a proxy's own answer."""
    text = body.decode("utf-8", errors="replace")
    try:
        said = json.loads(text)
        known = {key: said[key] for key in ("pod", "namespace", "environment", "workload", "port", "protocol")}
    except (ValueError, KeyError, TypeError):
        return Answer(body=text, **more)
    seen = [(name, value) for name, value in said.get("headers", [])]
    return Answer(**known, path=said.get("path", ""), sni=said.get("sni"), headers_seen=seen, body=text, **more)


def _http1(connection: socket.socket, request: Request) -> Answer:
    asker = http.client.HTTPConnection("mesh")
    asker.sock = connection
    asker.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
    for name, value in [("Host", request.authority), *request.headers]:
        asker.putheader(name, value)
    asker.endheaders()
    response = asker.getresponse()
    return _answer(response.read(), status=response.status, headers=response.getheaders())


def _http2(connection: socket.socket, request: Request, body: bytes = b"") -> Answer:
    h2c = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    h2c.initiate_connection()
    first = [
        (":method", request.method),
        (":scheme", "http"),
        (":authority", request.authority),
        (":path", request.path),
    ]
    lowered = [(name.lower(), value) for name, value in request.headers]
    h2c.send_headers(1, first + lowered, end_stream=not body)
    if body:
        h2c.send_data(1, body, end_stream=True)
    got, ended = bytearray(), False
    headers: Headers = []
    while not ended:
        connection.sendall(h2c.data_to_send())
        data = connection.recv(65536)
        if not data:
            raise EOFError
        for event in h2c.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                headers += list(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                got += event.data
                h2c.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                raise EOFError  # noqa: TRY004 - of the stream
            ended = ended or isinstance(event, h2.events.StreamEnded)
    fields = dict(headers)
    grpc = fields.get("grpc-status")
    return _answer(
        bytes(got[5:] if grpc == "0" else got),
        status=int(fields[":status"]),
        headers=headers,
        grpc_status=None if grpc is None else int(grpc),
    )


def _grpc(connection: socket.socket, request: Request) -> Answer:
    """Make a unary call with an empty message."""
    path = "/mesh.Who/Ask" if request.path == "/" else request.path
    headers = [("content-type", "application/grpc"), ("te", "trailers"), *request.headers]
    return _http2(connection, Request(request.authority, path, "POST", headers), b"\0\0\0\0\0")


def _tcp(connection: socket.socket, _: Request) -> Answer:
    connection.sendall(b"who\n")
    said = b""
    while not said.endswith(b"\n"):
        data = connection.recv(65536)
        if not data:
            raise EOFError
        said += data
    return _answer(said)


@cache
def _anybodys() -> ssl.SSLContext:
    """Return what takes any certificate: they are self-made and prove nothing here. Made once, as it reads files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _tls(connection: socket.socket, request: Request) -> Answer:
    with _anybodys().wrap_socket(connection, server_hostname=request.sni) as wrapped:
        return _http1(wrapped, request)
