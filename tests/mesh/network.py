"""Loopback addresses of which no two meshes have the same."""

from __future__ import annotations

import socket


class Network:
    """A /16 of loopback that no other mesh on this machine uses; the kernel frees it when we die."""

    def __init__(self) -> None:
        self._lock = socket.socket(socket.AF_UNIX)
        self._network = ""

    def claim(self) -> str:
        """Return its first address, e.g. `127.20.0.0`. OSError: all are taken."""
        for second in range(20, 255):
            try:
                self._lock.bind(f"\0virtual-env-fn-mesh-127.{second}")  # an abstract name: no file is left
            except OSError:
                continue
            self._network = f"127.{second}.0.0"
            return self._network
        raise OSError("235 meshes run on this machine: no loopback network is left")

    @property
    def outsider(self) -> str:
        """The address of clients that are no pod of the manifests."""
        return self._network.removesuffix("0.0") + "127.254"

    def release(self) -> None:
        """Leave it to others."""
        self._lock.close()
