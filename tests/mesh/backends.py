"""What the pods run: servers that say who they are, in whatever protocol they are asked.

One thread serves every pod. Each listener reads the first bytes of a connection and answers in kind: TLS,
HTTP/2 with prior knowledge (gRPC too), HTTP/1.1, or a line of plain TCP. Every answer is one JSON object:
pod, namespace, environment, workload, port, and what was seen: protocol, method, path, headers, sni.
Who got a request with the header `x-ask` is kept, by its value: more than who answered it, where it was mirrored.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from .model import name_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .model import Pod

    Headers = list[tuple[str, str]]
    Note = Callable[[dict[str, Any], Headers], None]

_PREFACE = b"PRI * HTTP/2.0"
_TLS_HANDSHAKE = 0x16
ASK = "x-ask"  # a request that says which it is
_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"PATCH ", b"DELETE ", b"OPTIONS ")


@dataclass(slots=True)
class Backends:
    """The running servers of all pods. `stop` ends them."""

    label: str | Mapping[str, str]  # of environments, as for a Mesh
    certificate: tuple[Path, Path]
    arrived: dict[str, Counter[str]] = field(default_factory=dict, repr=False)  # by x-ask: pods as NAMESPACE/NAME
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _sockets: list[socket.socket] = field(default_factory=list, repr=False)
    _tls: ssl.SSLContext | None = field(default=None, repr=False)

    def start(self, listening: Mapping[tuple[str, int], Pod]) -> None:
        """Listen on these addresses and ports. OSError: one of them is taken."""
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*self.certificate)
        self._tls.set_alpn_protocols(["h2", "http/1.1"])
        self._tls.sni_callback = _remember_name
        for address in listening:
            listener = socket.create_server(address, backlog=128)
            listener.setblocking(False)
            self._sockets.append(listener)
        for listener, ((_, port), pod) in zip(self._sockets, listening.items(), strict=True):
            self._loop.add_reader(listener, self._accept, listener, self._identity(pod, port))
        self._thread = threading.Thread(target=self._loop.run_forever, name="mesh-backends", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every listener and connection and end the thread."""
        if self._thread:
            asyncio.run_coroutine_threadsafe(cancel_all(), self._loop).result(5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        for listener in self._sockets:
            listener.close()
        self._loop.close()

    def _identity(self, pod: Pod, port: int) -> dict[str, Any]:
        return {
            "pod": pod.name,
            "namespace": pod.namespace,
            "environment": pod.labels.get(name_for(self.label, pod.namespace)),
            "workload": pod.workload,
            "port": port,
        }

    def _note(self, identity: dict[str, Any], headers: Headers) -> None:
        for name, value in headers:
            if name.lower() == ASK:
                self.arrived.setdefault(value, Counter())[f"{identity['namespace']}/{identity['pod']}"] += 1

    def _accept(self, listener: socket.socket, identity: dict[str, Any]) -> None:
        try:
            accepted, _ = listener.accept()
        except OSError:  # gone before it was accepted
            return
        accepted.setblocking(False)
        # asyncio does so for sockets that it accepts itself; else the parts of an answer in TLS are 40 ms apart.
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(accepted, self._look, accepted, identity)

    def _look(self, accepted: socket.socket, identity: dict[str, Any]) -> None:
        """Look at the first byte, and leave it there, to tell TLS from the rest."""
        self._loop.remove_reader(accepted)
        try:
            first = accepted.recv(1, socket.MSG_PEEK)
        except OSError:
            first = b""
        if not first:
            accepted.close()
            return
        tls = self._tls if first[0] == _TLS_HANDSHAKE else None
        self._loop.create_task(self._serve(accepted, tls, identity))

    async def _serve(self, accepted: socket.socket, tls: ssl.SSLContext | None, identity: dict[str, Any]) -> None:
        reader = asyncio.StreamReader()

        def protocol() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(reader, lambda _, writer: _talk(reader, writer, identity, self._note))

        try:
            await self._loop.connect_accepted_socket(protocol, accepted, ssl=tls)
        except OSError:  # a failed TLS handshake, or gone
            accepted.close()


async def cancel_all() -> None:
    """End every other task of this loop."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _remember_name(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    connection.mesh_sni = name  # type: ignore[attr-defined]


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, identity: dict[str, Any], note: Note
) -> None:
    tls = writer.get_extra_info("ssl_object")
    if tls is not None:
        identity = {**identity, "tls": True, "sni": getattr(tls, "mesh_sni", None)}
    try:
        first = await reader.read(65536)
        if first.startswith(_PREFACE):
            await _talk_http2(first, reader, writer, identity, note)
        elif first.startswith(_METHODS):
            await _talk_http1(first, reader, writer, identity, note)
        elif first:
            writer.write(json.dumps({**identity, "protocol": "tcp"}).encode() + b"\n")
    except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, h2.exceptions.ProtocolError):
        pass  # the other side or the mesh went away, or what it says is no HTTP: it gets a closed connection
    finally:
        writer.close()


async def _talk_http1(
    rest: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, identity: dict[str, Any], note: Note
) -> None:
    while True:
        while b"\r\n\r\n" not in rest:
            more = await reader.read(65536)
            if not more:
                return
            rest += more
        head, _, rest = rest.partition(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = request.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        lower = {name.lower(): value for name, value in headers}
        if lower.get("transfer-encoding", "").lower() == "chunked":
            while not rest.endswith(b"0\r\n\r\n"):
                rest += await reader.read(65536)
            rest = b""
        length = int(lower.get("content-length", 0))
        rest += await reader.readexactly(max(0, length - len(rest)))
        rest = rest[length:]
        note(identity, headers)
        seen = {"protocol": "http1", "method": method, "path": path, "headers": headers}
        body = json.dumps({**identity, **seen}).encode()
        answer = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(answer.encode() + (b"" if method == "HEAD" else body))
        await writer.drain()


async def _talk_http2(
    first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, identity: dict[str, Any], note: Note
) -> None:
    settings = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    connection = h2.connection.H2Connection(settings)
    connection.initiate_connection()
    requests: dict[int, list[tuple[str, str]]] = {}
    data = first
    while data:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                requests[event.stream_id] = list(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                _answer_http2(connection, event.stream_id, requests.pop(event.stream_id), identity, note)
        writer.write(connection.data_to_send())
        await writer.drain()
        data = await reader.read(65536)


def _answer_http2(
    connection: h2.connection.H2Connection,
    stream: int,
    request: Headers,
    identity: dict[str, Any],
    note: Note,
) -> None:
    fields = dict(request)
    grpc = fields.get("content-type", "").startswith("application/grpc")
    headers = [("host" if name == ":authority" else name, value) for name, value in request]
    note(identity, headers)
    seen = {
        "protocol": "grpc" if grpc else "http2",
        "method": fields[":method"],
        "path": fields[":path"],
        "headers": headers,
    }
    body = json.dumps({**identity, **seen}).encode()
    if grpc:
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        connection.send_data(stream, b"\0" + len(body).to_bytes(4, "big") + body)
        connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)
    else:
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
        connection.send_data(stream, body, end_stream=True)
