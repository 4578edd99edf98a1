"""The real agent CLIs, as npm delivers them, take a turn in a pane of the embedded mux.

They talk to a model API on loopback (tests/data/mock_apis) and see an environment with invented keys and a home of
their own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.wire import Wire
from support.agents import TODAY, environment, installed, requests, running_api, search_path
from support.embedded import running_embedded_mux
from wa.protocol import mux as p

pytestmark = [pytest.mark.agents, pytest.mark.slow]

IDLE = {"codex": "Ask Codex to do anything", "claude": "❯", "gemini": "Type your message"}
"""What an empty composer shows. Seen with today's versions, 2026-11-21."""
PAUSE_S = {"codex": 0.0, "claude": 0.0, "gemini": 0.1}
"""Between seeing a paste and the carriage return."""
ANSWER = "I added a guard and a test for it. All 12 tests pass."


@pytest.fixture
def lab() -> Iterator[Path]:
    """Not below /tmp, where codex prints one more warning."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=installed()) as name:
        (Path(name) / "work").mkdir()
        yield Path(name)


@pytest.fixture
def api(lab: Path) -> Iterator[str]:
    """The model API's URL."""
    with running_api(lab) as url:
        yield url


@pytest.mark.parametrize("agent", list(TODAY))
def test_an_agent_starts_and_takes_a_turn(agent: str, lab: Path, api: str) -> None:
    """It starts, shows its composer, takes a pasted prompt with one carriage return, shows the answer, and leaves."""
    cli = TODAY[agent]
    env = environment(cli, lab / "home", f"{api}/s/ok/{agent}", lab / "work")
    env |= {"PATH": search_path(cli), "TERM": "xterm-256color"}
    envs = tuple((k.encode(), p.EnvEntry(False, k.encode(), v.encode())) for k, v in sorted(env.items()))
    with running_embedded_mux(first_pane=False) as mux:
        wire = Wire(mux.socket)
        argv = tuple(word.encode() for word in ("/usr/bin/env", *cli.command))
        size = p.TerminalSize(24, 80, 640, 384, 0)
        request = p.SpawnV2(p.DefaultDomain(), None, p.CommandBuilder(argv, envs), str(lab / "work"), size, "agents")
        pane_id = wire.ask(request, p.SpawnResponse).pane_id

        def screen() -> str:
            return "\n".join(wire.viewport(pane_id))

        def wait(condition: Callable[[], object], what: str) -> None:
            end = time.monotonic() + 60
            while not condition():
                assert time.monotonic() < end, f"{agent}: no {what}\n{screen()}"
                wire.pump(0.1)

        wait(lambda: IDLE[agent] in screen(), "composer")
        wire.quiet(1.0)
        wire.ask(p.SendPaste(pane_id, "please say hello"), p.UnitResponse)
        wait(lambda: "please say hello" in screen(), "prompt in the composer")
        wire.quiet(PAUSE_S[agent] or 0.001)
        wire.ask(p.WriteToPane(pane_id, b"\r"), p.UnitResponse)
        wait(lambda: requests(lab), "request to the model")
        wait(lambda: ANSWER in screen(), "answer")
        assert len(requests(lab)) == 1
        assert wire.alerts(pane_id), "it announced no title"

        for _ in range(2):  # some leave at the first
            wire.answer(wire.send(p.WriteToPane(pane_id, b"\x03")))
            wire.quiet(0.3)
        wire.wait(lambda: p.PaneRemoved(pane_id) in wire.pushes, "end", within_s=30)
        wire.close()
