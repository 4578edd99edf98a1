"""The sidecar under test, and what asks it: its wire, and a process that subscribes.

Run as a process it plays one role (benchmarks/roles.py):

    python -m benchmarks.sidecar subscribe SOCKET     note when marks were seen in `screen` items
"""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.harness import MeasuringError, Stage, cpu_s, rss_mb, wait_for
from benchmarks.roles import Marks, Orders
from benchmarks.terminals import Mux, private_env
from wa.config.paths import Paths
from wa.protocol import sidecar_wire as wire


class WireClient:
    """A blocking client of the sidecar's socket."""

    def __init__(self, path: str | Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.reader = wire.FrameReader()
        self.messages: list[wire.Message] = []
        self.ident = 0
        self.hello = self.next()

    def next(self) -> wire.Message:
        while not self.messages:
            self.messages += self.arrived()
        return self.messages.pop(0)

    def arrived(self) -> list[wire.Message]:
        """What comes next; blocks until something does."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the sidecar hung up")
        return self.reader.feed(data)

    def send(self, method: str, **params: object) -> int:
        self.ident += 1
        self.socket.sendall(wire.request(self.ident, method, params))
        return self.ident

    def call(self, method: str, **params: object) -> Any:
        ident = self.send(method, **params)
        while True:
            message = self.next()
            if message["kind"] == "reply" and message["id"] == ident:
                if not message["ok"]:
                    raise wire.error_from(message["error"])
                return message["data"]

    def close(self) -> None:
        self.socket.close()


class Sidecar:
    """`wa watch` on one mux, in a WA_HOME of its own (a new one, or *home* to go on with an old database)."""

    def __init__(
        self, stage: Stage, mux: Mux, *, settings: str = "", socket_path: Path | None = None, home: Path | None = None
    ) -> None:
        self.stage, self.mux = stage, mux
        folder = home or stage.fresh("wa")
        self.home = folder
        self.env = {**private_env(folder), "WA_HOME": str(folder / "wa")}
        self.paths = Paths.from_env(self.env)
        self.paths.config.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.paths.config_file.write_text("[wezterm]\ndiscover = false\n" + settings)
        argv = [sys.executable, "-m", "wa", "watch", "--socket", f"bench={socket_path or mux.socket}", "--json"]
        self.log = (folder / "out").open("wb")
        stage.stack.callback(self.log.close)
        self.process = stage.start(argv, env=self.env, stdout=self.log, stderr=self.log)
        self.client: WireClient = wait_for("the sidecar's socket", self._connect, within_s=20)

    def _connect(self) -> WireClient | None:
        self.check()
        with suppress(OSError):
            return WireClient(self.paths.socket)
        return None

    def check(self) -> None:
        if self.process.poll() is not None:
            raise MeasuringError(f"the sidecar ended with status {self.process.returncode}: {self.tail_of_log()}")

    def tail_of_log(self) -> str:
        texts = [
            path.read_text(errors="replace")[-2000:]
            for path in (self.home / "out", self.paths.log_file)
            if path.exists()
        ]
        return "\n".join(texts)

    def panes(self) -> dict[int, dict[str, Any]]:
        """Live panes by the mux's own number."""
        return {pane["pane_id"]: pane for pane in self.client.call("panes")["panes"] if pane["alive"]}

    def wait_for_panes(self, pane_ids: Sequence[int], *, within_s: float = 60.0) -> None:
        """Until each is watched and its screen is known."""

        def known() -> bool:
            self.check()
            found = self.panes()
            return all(found.get(pane_id, {}).get("source") for pane_id in pane_ids)

        wait_for(f"{len(pane_ids)} panes in `wa panes`", known, within_s=within_s)
        self.client.call("screens")

    def screen_rows(self, pane_id: int) -> list[str]:
        """What stands on the pane's screen now, blanks at the ends of rows and blank rows dropped."""
        rows = self.client.call("screen", pane=f"bench/{pane_id}")["rows"]
        return [text.rstrip() for text in rows if text.strip()]

    def flush(self) -> None:
        """Returns when everything captured so far is committed."""
        self.client.call("flush")

    def cpu_s(self) -> float:
        return cpu_s(self.process.pid, children=True)

    def rss_mb(self) -> float:
        return rss_mb(self.process.pid)

    def end(self) -> None:
        self.client.close()
        self.stage.end(self.process, within_s=15)


def subscribe(path: str) -> None:
    marks = Marks()
    client = WireClient(path)
    client.send("subscribe", kinds=["screen"])
    orders = Orders()
    ends: list[socket.socket | Orders] = [client.socket, orders]
    orders.say(ready=True)
    while True:
        readable, _, _ = select.select(ends, [], [])
        if client.socket in readable:
            for message in client.arrived():
                if message["kind"] == "item":
                    marks.look(message["data"]["rows"])
                elif message["kind"] == "end":
                    raise MeasuringError(f"the sidecar ended the subscription: {message['error']}")
        if orders in readable:
            for _order in orders.take():
                orders.say(seen=marks.dump())


if __name__ == "__main__":
    {"subscribe": subscribe}[sys.argv[1]](sys.argv[2])
