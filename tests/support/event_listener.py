"""A sidecar's socket that keeps the events which come, with when they came."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wa.protocol import sidecar_wire as wire


class Listener:
    """Says hello, keeps what comes, and hangs up at the end of it; *deaf*, it takes connections and nothing else."""

    def __init__(self, path: Path, *, deaf: bool = False) -> None:
        self.messages: list[dict[str, Any]] = []
        self.came: list[float] = []
        self.heard = threading.Condition()
        self._deaf = deaf
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        held: list[socket.socket] = []
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                for link in held:
                    link.close()
                return
            if self._deaf:
                held.append(link)
                continue
            # Who does not wait for the end of it resets the connection.
            with link, suppress(OSError):
                self._hear(link)

    def _hear(self, link: socket.socket) -> None:
        link.sendall(wire.hello(version="0", pid=1, started_ms=0))
        reader = wire.FrameReader()
        while data := link.recv(65536):
            found = reader.feed(data)
            with self.heard:
                self.messages += found
                self.came += [time.time()] * len(found)
                self.heard.notify_all()

    def wait(self, wanted: Callable[[list[dict[str, Any]]], bool], timeout_s: float = 20.0) -> None:
        """Until what came is as *wanted*. Raises TimeoutError with the last of it."""
        with self.heard:
            ended = self.heard.wait_for(lambda: wanted(self.messages), timeout_s)
        if not ended:
            raise TimeoutError(f"{len(self.messages)} events came, the last of them {self.messages[-3:]!r:.600}")

    def named(self, name: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["name"] == name]

    def close(self) -> None:
        if self._server.fileno() < 0:
            return
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@contextmanager
def listening(path: Path, *, deaf: bool = False) -> Iterator[Listener]:
    listener = Listener(path, deaf=deaf)
    try:
        yield listener
    finally:
        listener.close()
