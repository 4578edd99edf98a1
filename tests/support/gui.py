"""A GUI as a mux sees one: a registered client that hears titles, and writes back those it is told where it mirrors another's tabs."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wa.protocol import mux as p
from wa.protocol.badges import unnumbered
from wa.protocol.mux import FrameReader, decode, encode, encode_frame
from wa.protocol.sidecar_wire import pack

CODEC = 44


class Gui:
    """One connection, served by a thread of its own.

    `titles` of tabs as told last, without the numbers of markers; `told` all that was told.
    """

    def __init__(self, path: Path, *, pid: int = 0, host: str = "", registers: bool = True) -> None:
        self.pid, self.host = pid or os.getpid(), host or socket.gethostname()
        self.titles: dict[int, str] = {}
        self.told: list[tuple[float, int, str]] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._reader, self._serial = FrameReader(), 0
        self._answers: dict[int, Any] = {}
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()
        if registers:
            self.call(p.SetClientId(p.ClientId(self.host, "me", self.pid, 1, 1)))
        listed = self.call(p.ListPanes())
        for pane in p.panes_of(listed):
            self.titles.setdefault(pane.tab_id, unnumbered(pane.tab_title))

    def call(self, pdu: Any, within_s: float = 10.0) -> Any:
        with self._came:
            self._serial += 1
            serial = self._serial
            self._socket.sendall(encode_frame(serial, *encode(pdu, CODEC)))
            assert self._came.wait_for(lambda: serial in self._answers, within_s), f"no answer to {pdu}"
            return self._answers.pop(serial)

    def rename(self, tab_id: int, title: str) -> None:
        self.call(p.TabTitleChanged(tab_id, title))

    def wait_for(
        self, tab_id: int, title: str | None = None, *, begins: str | None = None, within_s: float = 15.0
    ) -> str:
        """The tab's title, once it is (or begins) so."""

        def fits() -> bool:
            now = self.titles.get(tab_id, "")
            return (title is None or now == title) and (begins is None or now.startswith(begins))

        with self._came:
            assert self._came.wait_for(fits, within_s), (
                f"tab {tab_id}: {self.titles.get(tab_id)!r}, wanted {title or begins!r}; told {self.told[-5:]}"
            )
            return self.titles[tab_id]

    def _hear(self) -> None:
        with suppress(OSError):
            while data := self._socket.recv(1 << 18):
                now = time.monotonic()
                with self._came:
                    for frame in self._reader.feed(data):
                        self._take(frame, now)
                    self._came.notify_all()

    def _take(self, frame: Any, now: float) -> None:
        if frame.serial:
            self._answers[frame.serial] = decode(frame.ident, frame.payload(), CODEC)
        elif frame.ident == 56:
            changed = decode(frame.ident, frame.payload(), CODEC)
            self.titles[changed.tab_id] = unnumbered(changed.title)
            self.told.append((now, changed.tab_id, changed.title))

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()


@contextmanager
def gui(path: Path, **options: Any) -> Iterator[Gui]:
    made = Gui(path, **options)
    try:
        yield made
    finally:
        made.close()


_numbers: deque[int] = deque([0], maxlen=1)


def frame(name: str, **fields: Any) -> bytes:
    _numbers.append(_numbers[0] + 1)
    at_ms = time.time_ns() // 1_000_000
    common = {
        "v": 1,
        "kind": "event",
        "source": "lua",
        "name": name,
        "key": f"{os.getpid()}.{_numbers[0]}",
        "at_ms": at_ms,
    }
    return pack(common | fields)


def tell(sidecar: Path, *frames: bytes) -> None:
    """As the plugin's emitter does."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(sidecar))
        line.sendall(b"".join(frames))
        line.shutdown(socket.SHUT_WR)
        while line.recv(1 << 16):
            pass


def hello(pid: int = 0, *, host: str = "", badges: bool = True, **more: Any) -> bytes:
    who = {"gui": pid or os.getpid(), "host": host or socket.gethostname()}
    return frame("hello", **who, plugin="0.1.0", wezterm="20250203", server=False, badges=badges, **more)
