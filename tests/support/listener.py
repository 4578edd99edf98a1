"""In the sidecar's place: takes frames at its socket."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import msgpack


class Listener:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, mode=0o700)
        self.frames: list[dict[str, Any]] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            data = b""
            with link:
                while more := link.recv(1 << 16):
                    data += more
            while data:
                size = int.from_bytes(data[:4], "big")
                self.frames.append(msgpack.unpackb(data[4 : 4 + size]))
                data = data[4 + size :]

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
