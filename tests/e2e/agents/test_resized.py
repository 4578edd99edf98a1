"""Agents lay out and print again what they said when their pane gets another size; none of it happens again."""

from __future__ import annotations

import pytest

from e2e.agents.stage import Stage
from e2e.agents.test_live import NAMES, PRINTS_TURN_END
from support.agents import CLIS, Cli
from wa.detect.watch import RELAID_MS
from wa.protocol import mux as p

pytestmark = [pytest.mark.agents, pytest.mark.slow]
TELLING = [cli for cli in CLIS if cli.label in PRINTS_TURN_END]


@pytest.mark.parametrize("cli", TELLING, ids=[cli.label for cli in TELLING])
def test_each_turn_ends_once_in_a_pane_that_is_resized(stage: Stage, cli: Cli) -> None:
    """No more turns, and no more ends of turns, than there were prompts; one that is over at once may be seen by nobody."""
    with stage.agent(cli, "ok") as pane:
        pane.becomes("idle", agent=NAMES[cli.name])
        for number, (cols, rows) in enumerate(((120, 45), (70, 30), (140, 45)), 1):
            if number > 1:
                size = p.TerminalSize(rows, cols, cols * 8, rows * 16, 0)
                stage.wire.ask(p.Resize(pane.tab_id, pane.pane_id, size), p.UnitResponse)
                pane.pause(RELAID_MS / 1000 + 0.5)
            pane.prompt(f"please do part {number}")
            pane.pause(2.0)
            pane.becomes("idle")
        pane.pause(1.0)
        assert 1 <= len([event for event in pane.events() if event["event"] == "turn.done"]) <= 3
        (session,) = stage.home.json("sessions", "--pane", pane.uid)["sessions"]
        assert 1 <= session["turns"] <= 3
