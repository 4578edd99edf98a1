"""What agents report of themselves when `wa run` started them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.live import embedded_mux
from support.agents import TODAY, environment, running_api, search_path
from support.listener import Listener
from wa.protocol import mux as p

pytestmark = pytest.mark.agents

SIDECAR = Path(__file__).parents[2] / "sidecar"
WITHIN_S = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    name = tempfile.mkdtemp(prefix="wa-run-")  # short: a socket stands below it
    yield Path(name)
    shutil.rmtree(name, ignore_errors=True)


@pytest.mark.parametrize("name", ["codex", "claude"])
def test_a_turn_is_reported(name: str, folder: Path) -> None:
    """Idle, working, and done or idle again, in this order, by the program's own word; none of it is on the screen."""
    cli = TODAY[name]
    path = search_path(cli)
    work = folder / "work"
    work.mkdir()
    listener = Listener(folder / "wa" / "run" / "sidecar.sock")
    with running_api(folder) as api, embedded_mux() as mux, mux.wire() as wire:
        env = environment(cli, folder / "home", f"{api}/s/ok/run-{name}", work)
        env |= {"PATH": path, "TERM": "xterm-256color", "WA_HOME": str(folder / "wa"), "PYTHONPATH": str(SIDECAR)}
        words = ["/usr/bin/env", "-i", *(f"{key}={value}" for key, value in sorted(env.items()))]
        words += [sys.executable, "-m", "wa", "run", "--", *cli.command]
        command = p.CommandBuilder(tuple(os.fsencode(word) for word in words), ())
        size = p.TerminalSize(45, 120, 960, 720, 0)
        request = p.SpawnV2(p.DefaultDomain(), None, command, str(work), size, "agents")
        pane_id = wire.ask(request, p.SpawnResponse).pane_id

        def shown() -> str:
            return "\n".join(wire.viewport(pane_id))

        def said() -> list[str]:
            return [str(frame["state"]) for frame in listener.frames]

        until(lambda: cli.idle in shown() and said(), shown)
        wire.ask(p.SendPaste(pane_id, "say hello"), p.UnitResponse)
        until(lambda: "say hello" in shown(), shown)
        wire.ask(p.WriteToPane(pane_id, b"\r"), p.UnitResponse)
        until(lambda: "working" in said() and said()[-1] in ("idle", "done"), lambda: f"{said()} {shown()}")
        last = shown()
        wire.ask(p.KillPane(pane_id), p.UnitResponse)
    listener.close()

    states = said()
    assert states.index("working") < len(states) - 1
    assert "7501" not in last
    assert {frame["argv0"] for frame in listener.frames} == {name}
    print(name, [(f["state"], f["detail"], f["message"]) for f in listener.frames])


def until(condition: object, shown: object) -> None:
    end = time.monotonic() + WITHIN_S
    assert callable(condition)
    assert callable(shown)
    while not condition():
        assert time.monotonic() < end, shown()
        time.sleep(0.1)
