"""How soon a tab's title tells what its agent does, after the agent's screen said so.

A program that the process table calls `codex` paints the screens of one. Nobody subscribes to the sidecar. A second client of the mux, in
the place of a GUI that has announced the plugin, notes when the mux tells it of the title: what is left from there is WezTerm's
own `format-tab-title`, 0.7 to 1.5 ms later.
"""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Sequence

from benchmarks.agent_state import IDLE, ROUND, Step, paint
from benchmarks.bare import BareClient
from benchmarks.harness import Figure, MeasuringError, Options, Stage, measured_on_each_mux, percentile, say
from benchmarks.sidecar import Sidecar
from benchmarks.terminals import Mux, Programs, settle
from wa.model.agent import PaneState
from wa.protocol import mux as pdus
from wa.protocol import sidecar_wire as wire
from wa.protocol.badges import Shown, counted, marked, unnumbered

GOAL_MS = 50.0
"""p95, where one signal settles the state."""
STEPS, QUICK_STEPS = 90, 12
WITHIN_S = 10.0


def main(argv: Sequence[str]) -> int:
    return measured_on_each_mux(argv, __doc__ or "", measured)


def measured(here: Stage, kind: str, chosen: Options) -> list[Figure]:
    mux = Mux(here, kind)
    programs = Programs(mux, 1, called="codex")
    sidecar = Sidecar(here, mux)
    sidecar.wait_for_panes([programs[0].pane_id])
    titles: list[tuple[int, str]] = []
    client = BareClient(mux.socket, lambda pdu: _note(titles, pdu))
    client.call(pdus.SetClientId(pdus.ClientId(socket.gethostname(), "bench", mux.process.pid, 1, 1)))
    _announce(sidecar, mux.process.pid)
    settle(mux)
    say(f"badges, {mux.version}")
    rng = random.Random(7)
    told: list[float] = []
    echo: list[float] = []
    _shown(client, titles, programs, IDLE)
    for number in range(QUICK_STEPS if chosen.quick else STEPS):
        step = ROUND[number % len(ROUND)]
        # No step falls into step with a timer of wa's.
        time.sleep(0.4 + rng.random() / 2)
        taken_ms = _shown(client, titles, programs, step)
        if not step.held:
            told.append(taken_ms)
            echo.append(_round_trip(client))
    yardstick = percentile(echo, 95)
    value = percentile(told, 95)
    return [
        Figure(
            f"badges.p95 ({kind}, screen or title → tab title)",
            value,
            "ms",
            f"a list of the panes {yardstick:.2f} ms",
            value / yardstick,
            f"<= {GOAL_MS:g} ms",
            value <= GOAL_MS,
            f"{len(told)} changes, median {percentile(told, 50):.1f} ms, slowest {max(told):.1f} ms",
        )
    ]


def _shown(client: BareClient, titles: list[tuple[int, str]], programs: Programs, step: Step) -> float:
    """Milliseconds from the write to the push of the title that tells it."""
    titles.clear()
    wanted = marked(counted([Shown(PaneState(step.state))]), "")
    stamp = paint(programs, step)
    give_up = time.monotonic() + WITHIN_S
    while (at := next((at for at, title in titles if title == wanted), None)) is None:
        if time.monotonic() > give_up:
            raise MeasuringError(f"no title told {step.name}; told were {[title for _, title in titles]}")
        if select.select([client.socket], [], [], 0.2)[0]:
            for frame in client.frames():
                client.hear(frame)
    return (at - stamp) / 1e6


def _note(titles: list[tuple[int, str]], pdu: pdus.Pdu) -> None:
    if isinstance(pdu, pdus.TabTitleChanged):
        titles.append((time.time_ns(), unnumbered(pdu.title)))


def _round_trip(client: BareClient) -> float:
    began = time.perf_counter()
    client.call(pdus.ListPanes())
    return (time.perf_counter() - began) * 1000


def _announce(sidecar: Sidecar, pid: int) -> None:
    frame = {
        "v": 1,
        "kind": "event",
        "source": "lua",
        "name": "hello",
        "key": "bench",
        "at_ms": time.time_ns() // 10**6,
        "gui": pid,
        "host": socket.gethostname(),
        "plugin": "bench",
        "wezterm": "",
        "server": False,
        "badges": True,
    }
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(sidecar.paths.socket))
        line.sendall(wire.pack(frame))
        line.shutdown(socket.SHUT_WR)
        while line.recv(1 << 16):
            pass
