"""The API of a cluster, as far as the tests ask it: objects of any kind, and what happened to them."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Manifest = dict[str, Any]
_SECONDS = 60
_APPLY, _MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
_WARNING = re.compile(r'299 \S+ "(.*)"')


class Refused(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """The API server does not take a request; the message is its own reason, `code` the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Api:
    """A client of the API server at 127.0.0.1:`port`. Any thread may use it; each has a connection of its own."""

    port: int
    token: str
    authority: Path = field(repr=False)
    _plurals: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict, repr=False)
    _threads: threading.local = field(default_factory=threading.local, repr=False)

    def apply(self, value: Manifest, namespace: str = "", manager: str = "test", **options: str) -> list[str]:
        """Apply an object by the server, strictly; return its warnings. `Refused`: with its reason."""
        name, place = value["metadata"]["name"], value["metadata"].get("namespace", namespace)
        query = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true", **options}
        path = f"{self.path(value['apiVersion'], value['kind'], place)}/{name}?{urlencode(query)}"
        return self.ask("PATCH", path, yaml.safe_dump(value), _APPLY)[1]

    def create(self, value: Manifest, namespace: str = "") -> Manifest:
        """Create an object and return it as the server has it."""
        place = value["metadata"].get("namespace", namespace)
        return self.ask("POST", self.path(value["apiVersion"], value["kind"], place), json.dumps(value))[0]

    def delete(self, value: Manifest, namespace: str = "") -> None:
        """Delete an object; one that is not there is fine."""
        place = value["metadata"].get("namespace", namespace)
        try:
            self.ask("DELETE", f"{self.path(value['apiVersion'], value['kind'], place)}/{value['metadata']['name']}")
        except Refused as error:
            if error.code != http.client.NOT_FOUND:
                raise

    def status(self, value: Manifest, status: Manifest) -> None:
        """Set the status of an object, as a controller would."""
        metadata = value["metadata"]
        path = self.path(value["apiVersion"], value["kind"], metadata["namespace"])
        self.ask("PATCH", f"{path}/{metadata['name']}/status", json.dumps({"status": status}), _MERGE)

    def list(self, api_version: str, kind: str, namespace: str = "") -> tuple[list[Manifest], str]:
        """Return the objects of a kind, and the version of the store that they are from."""
        said = self.ask("GET", self.path(api_version, kind, namespace))[0]
        found = [{"apiVersion": api_version, "kind": kind, **one} for one in said["items"]]
        return found, said["metadata"]["resourceVersion"]

    def events(self, api_version: str, kind: str, namespace: str, since: str) -> Iterator[tuple[int, str, Manifest]]:
        """Yield (version, what happened, object) of all that happened since a version of the store until now."""
        query = urlencode({"watch": "1", "resourceVersion": since, "timeoutSeconds": "1"})
        for line in self._answer("GET", f"{self.path(api_version, kind, namespace)}?{query}")[0].splitlines():
            said = json.loads(line)
            if said["type"] == "ERROR":
                raise Refused(said["object"].get("code", 0), said["object"].get("message", line))
            version = int(said["object"]["metadata"]["resourceVersion"])
            yield version, said["type"], {"apiVersion": api_version, "kind": kind, **said["object"]}

    def path(self, api_version: str, kind: str, namespace: str = "") -> str:
        """Return the path of a kind's objects. `Refused`: the server knows no such kind."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._plurals:
            for one in self.ask("GET", root)[0]["resources"]:
                if "/" not in one["name"]:
                    self._plurals[api_version, one["kind"]] = (one["name"], one["namespaced"])
        if (api_version, kind) not in self._plurals:
            raise Refused(http.client.NOT_FOUND, f"no kind {kind} in {api_version}")
        plural, namespaced = self._plurals[api_version, kind]
        return f"{root}/namespaces/{namespace}/{plural}" if namespaced and namespace else f"{root}/{plural}"

    def ask(self, method: str, path: str, body: str = "", content: str = "application/json") -> tuple[Any, list[str]]:
        """Return what the server answers, and its warnings. `Refused`: an answer that is no success."""
        text, warnings = self._answer(method, path, body, content)
        return json.loads(text), warnings

    def _answer(self, method: str, path: str, body: str = "", content: str = "application/json") -> tuple[str, list]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
        connection = self._connection()
        try:
            connection.request(method, path, body.encode(), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        if answer.status >= http.client.BAD_REQUEST:
            message = text
            if text.startswith("{"):
                message = json.loads(text).get("message", text)
            raise Refused(answer.status, message)
        warnings = answer.headers.get_all("Warning") or []
        return text, [found[1] if (found := _WARNING.match(one)) else one for one in warnings]

    def _connection(self) -> http.client.HTTPSConnection:
        if not hasattr(self._threads, "connection"):
            context = ssl.create_default_context(cafile=str(self.authority))
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=_SECONDS, context=context)
            self._threads.connection = connection
        return self._threads.connection
