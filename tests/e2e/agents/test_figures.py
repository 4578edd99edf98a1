"""What the real CLIs' session files say of tokens and compactions, in `wa sessions show`: once each, over a restart too."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract.live import embedded_mux
from e2e.agents.stage import Stage
from e2e.agents.test_live import COMPACT, NAMES, QUIT, each
from support.agents import Cli, installed, running_api
from support.sidecar import Home, end, eventually

pytestmark = [pytest.mark.agents, pytest.mark.slow]

TELLS_SIZES = ("claude-2.1.12", "claude-2.1.328", "gemini-0.24.0")
"""Of a compaction's context before; gemini 0.61 and codex do not."""


@dataclass
class Restartable:
    stage: Stage
    words: tuple[str, ...]
    process: Any

    def restart(self) -> None:
        end(self.process)
        self.process = self.stage.home.start(*self.words)


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Iterator[Restartable]:
    with (
        tempfile.TemporaryDirectory(prefix="run-", dir=installed()) as name,
        tempfile.TemporaryDirectory(prefix="wa-wz-") as short,
        embedded_mux() as mux,
        mux.wire() as wire,
        running_api(Path(name)) as api,
    ):
        home = Home(Path(short) / "wa")
        words = ("--socket", f"m={mux.socket}")
        restartable = Restartable(Stage(mux, wire, home, Path(name), api), words, home.start(*words))
        try:
            yield restartable
        finally:
            end(restartable.process)


@pytest.fixture(autouse=True)
def _in_time() -> None:
    """One multiplexer is enough: files are not read through it."""


@each()
def test_tokens_and_compactions_are_counted_once(own: Restartable, cli: Cli) -> None:
    """By turn and model; what is printed at the end agrees with the file, and a restart in between changes nothing."""
    agent, home = NAMES[cli.name], own.stage.home
    with own.stage.agent(cli, "big-then-compact") as pane:
        pane.becomes("idle", agent=agent)

        def session() -> dict[str, Any]:
            (listed,) = home.json("sessions", "--pane", pane.uid)["sessions"]
            (one,) = home.json("sessions", "show", listed["session"])["sessions"]
            return dict(one)

        def spent(turn: int) -> list[dict[str, Any]]:
            return [one for one in session()["parts"]["turn_models"] if one["turn"] == turn]

        pane.prompt("read the whole tree")
        pane.shows("the whole tree.")
        pane.becomes("idle", agent=agent)
        (first,) = eventually(lambda: spent(1))
        assert first["reqs"] == 1
        assert first["output"] > 0

        pane.slash(COMPACT[cli.name])
        pane.told("compaction.done")
        pane.becomes("idle", agent=agent)
        (compaction,) = eventually(lambda: session()["parts"]["compactions"])
        if cli.label in TELLS_SIZES:
            eventually(lambda: session()["parts"]["compactions"][0]["before"])

        own.restart()
        pane.becomes("idle", agent=agent)
        turns = len(session()["parts"]["turns"])
        pane.prompt("and now the tests")
        eventually(lambda: len(session()["parts"]["turns"]) == turns + 1)
        pane.becomes("idle", agent=agent)
        (last,) = eventually(lambda: spent(turns + 1))
        assert last["reqs"] == 1
        assert spent(1) == [first]
        assert [one["at"] for one in session()["parts"]["compactions"]] == [compaction["at"]]

        pane.slash(QUIT[cli.name])
        pane.becomes("shell", "exited")
        eventually(lambda: session()["ended_at"])
        if cli.name == "codex":
            pane.told("session.end")
        pane.pause(4.0)  # for as long as the file is still read, no more may come
        after = session()
        assert len(after["parts"]["compactions"]) == 1
        rows = after["parts"]["turn_models"]
        for figure in ("input", "cached", "output"):
            assert after["tokens"][figure] == sum(one[figure] for one in rows), figure
            if cli.name != "gemini":  # it prints what its side requests used as well
                assert sum(one[figure] for one in after["parts"]["models"]) == after["tokens"][figure], figure
