"""How soon a subscriber in another process hears of a shell's command.

By push: a program in a pane sets the user variables that wa's shell integration sets, with its own clock. By the plugin's way: the same
as frames of events, each over a connection of its own, while the panes are polled. What happens inside WezTerm before a frame is
written is not in it.
As a process of its own: `python -m benchmarks.commands hear SOCKET`.
"""

from __future__ import annotations

import base64
import random
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.harness import Figure, Options, Stage, measured_on_each_mux, percentile, say, wait_for
from benchmarks.roles import Orders, Role
from benchmarks.sidecar import Sidecar, WireClient
from benchmarks.terminals import Mux, Programs, settle
from wa.protocol import sidecar_wire as wire

GOAL_PUSH_MS = 25.0
GOAL_FRAME_MS = 60.0
STEPS, QUICK_STEPS = 100, 20
TOKEN = "0123456789abcdef"
SHELL = f"v=1;t={TOKEN};shell=bash;pid=1;tty=/dev/pts/0;host=elsewhere;wa=0"


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", by_push, by_frame)


def by_push(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, 1)
    sidecar = Sidecar(here, mux)
    sidecar.wait_for_panes([programs[0].pane_id])
    settle(mux)
    say(f"commands by push, {mux.version}")

    def tell(name: str, value: str) -> int:
        text = f"\x1b]1337;SetUserVar={name}={base64.b64encode(value.encode()).decode()}\x07"
        (answer,) = programs.run(programs.some(1), "frame", text=text)
        return int(answer["stamp"])

    return [_figure("user variable → event, by push", kind, _told(here, sidecar, tell, chosen), GOAL_PUSH_MS)]


def by_frame(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, 1)
    listen = here.fresh("front") / "sock"
    front = Role(here, "benchmarks.unknown_codec", str(listen), str(mux.socket))
    words = ", ".join(f'"{word}"' for word in mux.cli)
    sidecar = Sidecar(here, mux, settings=f"command = [{words}]\n", socket_path=listen)
    sidecar.wait_for_panes([programs[0].pane_id])
    say(f"commands by frames, {mux.version}")

    def tell(name: str, value: str) -> int:
        stamp = time.time_ns()
        about = {"gui": front.pid, "pane_id": programs[0].pane_id, "domain": "local", "var": name, "value": value}
        common = {"v": 1, "kind": "event", "source": "lua", "name": "var", "at_ms": stamp // 1_000_000}
        with socket.socket(socket.AF_UNIX) as sender:
            sender.connect(str(sidecar.paths.socket))
            sender.sendall(wire.pack({**common, "key": f"bench:{stamp}", **about}))
            sender.shutdown(socket.SHUT_WR)
            while sender.recv(1 << 16):
                pass
        return stamp

    return [_figure("frame → event, the sidecar's part", kind, _told(here, sidecar, tell, chosen), GOAL_FRAME_MS)]


def _told(here: Stage, sidecar: Sidecar, tell: Callable[[str, str], int], chosen: Options) -> list[float]:
    """From the write to the item, in milliseconds."""
    hearer = Role(here, "benchmarks.commands", "hear", str(sidecar.paths.socket))
    rng = random.Random(7)
    taken: list[float] = []
    tell("WA_PANE", SHELL)
    for number in range(1, (QUICK_STEPS if chosen.quick else STEPS) + 1):
        # No step falls into step with a timer of wa's.
        time.sleep(0.1 + rng.random() / 4)
        stamp = tell("WA_CMD", f"t={TOKEN};n={number};c=step {number}")

        def known(number: int = number) -> int | None:
            heard = hearer.ask()["heard"]
            return next((item["at"] for item in heard if item["command"] == f"step {number}"), None)

        at = wait_for(f"step {number} in an event", known, within_s=10, every_s=0.02)
        taken.append((at - stamp) / 1e6)
    return taken


def _figure(name: str, kind: str, values: Sequence[float], goal: float) -> Figure:
    value = percentile(values, 95)
    note = f"{len(values)} commands, median {percentile(values, 50):.1f} ms, slowest {max(values):.1f} ms"
    return Figure(f"commands.p95 ({kind}, {name})", value, "ms", goal=f"<= {goal:g} ms", ok=value <= goal, note=note)


def hear(path: str) -> None:
    client = WireClient(path)
    client.send("subscribe", kinds=["event"])
    orders = Orders()
    ends: list[socket.socket | Orders] = [client.socket, orders]
    heard: list[dict[str, Any]] = []
    orders.say(ready=True)
    while True:
        readable, _, _ = select.select(ends, [], [])
        if client.socket in readable:
            now = time.time_ns()
            heard += [
                {"at": now, "command": message["data"]["fields"].get("command")}
                for message in client.arrived()
                if message["kind"] == "item"
            ]
        if orders in readable:
            for _order in orders.take():
                orders.say(heard=heard)
                heard = []


if __name__ == "__main__":
    hear(sys.argv[2])
