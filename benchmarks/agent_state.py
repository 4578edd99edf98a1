"""How soon a subscriber in another process knows what an agent does, after its screen or title said so.

A program that the process table calls `codex` paints the screens of one, each at one write, with its own clock.
As a process of its own: `python -m benchmarks.agent_state hear SOCKET`.
"""

from __future__ import annotations

import random
import select
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.harness import Figure, Options, Stage, measured_on_each_mux, percentile, say, wait_for
from benchmarks.roles import Orders, Role
from benchmarks.sidecar import Sidecar, WireClient
from benchmarks.terminals import Mux, Programs, settle

GOAL_MS = 50.0
"""p95, where one signal settles it."""
GOAL_HELD_MS = 300.0 + GOAL_MS
"""What is only no longer seen is held."""
STEPS, QUICK_STEPS = 60, 12
BANNER = ["  >_ OpenAI Codex (v0.169.0)", "     /work", ""]
COMPOSER = ["", "› Ask Codex to do anything", "", "  GPT-6-Sol default · /work", "  ← for agents · ? for shortcuts"]
WORKING = ["• Working (2s • esc to interrupt)"]
DIALOG = [
    "  Would you like to run the following command?",
    "",
    "  $ make",
    "",
    "› 1. Yes, proceed (y)",
    "  2. No, and tell Codex what to do differently (esc)",
    "",
    "  Press enter to confirm or esc to cancel",
]


class Step(NamedTuple):
    name: str
    state: str
    rows: list[str]
    title: str = "work"
    held: bool = False


IDLE = Step("idle, once nothing works", "idle", [*BANNER, *COMPOSER], held=True)
ROUND = (
    Step("working row", "working", [*BANNER, *WORKING, *COMPOSER]),
    Step("dialog", "waiting.approval", [*BANNER, *DIALOG]),
    Step("working row after a dialog", "working", [*BANNER, *WORKING, *COMPOSER]),
    IDLE,
    Step("spinner in the title", "working", [*BANNER, *COMPOSER], title="⠋ work"),
    IDLE,
)


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", measured)


def measured(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, 1, called="codex")
    sidecar = Sidecar(here, mux)
    sidecar.wait_for_panes([programs[0].pane_id])
    hearer = Role(here, "benchmarks.agent_state", "hear", str(sidecar.paths.socket))
    settle(mux)
    say(f"agent state, {mux.version}")
    rng = random.Random(7)
    told: dict[str, list[float]] = {"settled": [], "held": []}
    shown: list[float] = []
    paint(programs, IDLE)
    wait_for("the first state", lambda: any(item["state"] == "idle" for item in hearer.ask()["heard"]))
    for number in range(QUICK_STEPS if chosen.quick else STEPS):
        step = ROUND[number % len(ROUND)]
        # No step falls into step with a timer of wa's.
        time.sleep(0.3 + rng.random() / 2)
        hearer.ask()
        stamp = paint(programs, step)
        heard: list[dict[str, Any]] = []

        def known(step: Step = step, heard: list[dict[str, Any]] = heard) -> int | None:
            heard.extend(hearer.ask()["heard"])
            return next((item["at"] for item in heard if item["state"] == step.state), None)

        at = wait_for(f"{step.name} in a state item", known, within_s=10, every_s=0.005)
        told["held" if step.held else "settled"].append((at - stamp) / 1e6)
        shown += [(item["at"] - stamp) / 1e6 for item in heard if item["state"] is None][:1]
    screens = percentile(shown, 95)
    return [
        figure("screen or title → state", kind, told["settled"], GOAL_MS, screens),
        figure("end of work → state", kind, told["held"], GOAL_HELD_MS, screens),
    ]


def figure(name: str, kind: str, values: Sequence[float], goal: float, screens: float) -> Figure:
    value = percentile(values, 95)
    return Figure(
        f"agent_state.p95 ({kind}, {name})",
        value,
        "ms",
        f"its screen item {screens:.2f} ms",
        value / screens,
        f"<= {goal:g} ms",
        value <= goal,
        f"{len(values)} changes, median {percentile(values, 50):.1f} ms, slowest {max(values):.1f} ms",
    )


def paint(programs: Programs, step: Step) -> int:
    """The instant of the write."""
    text = f"\x1b]2;{step.title}\x07\x1b[2J\x1b[H" + "\r\n".join(step.rows)
    (answer,) = programs.run(programs.some(1), "frame", text=text)
    stamp: int = answer["stamp"]
    return stamp


def hear(path: str) -> None:
    client = WireClient(path)
    client.send("subscribe", kinds=["state", "screen"])
    orders = Orders()
    ends: list[socket.socket | Orders] = [client.socket, orders]
    heard: list[dict[str, Any]] = []
    orders.say(ready=True)
    while True:
        readable, _, _ = select.select(ends, [], [])
        if client.socket in readable:
            now = time.time_ns()
            heard += [
                {"at": now, "state": message["data"].get("state")}
                for message in client.arrived()
                if message["kind"] == "item"
            ]
        if orders in readable:
            for _order in orders.take():
                orders.say(heard=heard)
                heard = []


if __name__ == "__main__":
    hear(sys.argv[2])
