"""The workflows that come with wa, end to end: real CLIs of both eras, a real multiplexer, a sidecar, and the mock of the APIs as witness.

All agents of one multiplexer run at the same time: a limit takes minutes, whoever waits for it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contract.live import embedded_mux, real_binaries, real_mux
from e2e.agents.stage import PaneOnStage, Stage
from e2e.agents.test_live import NAMES
from support.agents import CLIS, Cli, installed, prompts, running_api
from support.sidecar import Home
from wa.act.builtin import BUILTINS

pytestmark = [pytest.mark.agents, pytest.mark.slow]

RESET_S = 20
LIMIT_WITHIN_S = 330.0
"""A printed reset has no seconds, wa adds a minute and a share of half a minute, Claude Code 2.1.328 has three minutes for itself."""
LIMITS = {"codex": "cx-limit-then-ok", "claude": "cc-limit-then-ok", "gemini": "gm-limit-then-ok"}
BY_ITSELF = "claude-2.1.328"
PROMPT = "fix the failing parser test"
SETTINGS = {workflow.name: workflow.settings for workflow in BUILTINS}
CONFIG = "[wezterm]\ndiscover = false\n[notify]\nchannels = []\n[policy]\nhuman_quiet_s = 5\n"


@dataclass
class Acting:
    stage: Stage
    clis: list[Cli]
    panes: dict[str, PaneOnStage] = field(default_factory=dict)

    def all(self, work: Callable[[Cli, PaneOnStage], Any]) -> None:
        for cli in self.clis:
            work(cli, self.panes[cli.label])

    def runs(self, workflow: str, pane: PaneOnStage) -> list[dict[str, Any]]:
        """Newest first."""
        said = self.stage.home.json("workflow", "history", "--pane", pane.uid, "--json")["runs"]
        return [run for run in said if run["workflow"] == workflow]

    def ended(self, workflow: str, pane: PaneOnStage, within_s: float) -> dict[str, Any]:
        """The run of *workflow* in the pane, once it has ended. Fails where there are several."""
        give_up = time.monotonic() + within_s
        while not (runs := [run for run in self.runs(workflow, pane) if run["ended_at"]]):
            assert time.monotonic() < give_up, f"{workflow} has not ended\n{self.runs(workflow, pane)}\n{pane.screen()}"
            self.stage.wire.pump(1.0)
        assert len(self.runs(workflow, pane)) == 1, runs
        return runs[0]

    def asked(self, cli: Cli, text: str) -> int:
        return prompts(self.stage.folder, self.panes[cli.label].run, text)


@pytest.fixture(scope="module", params=["embedded", "real"] if real_binaries() else ["embedded"])
def acting(request: pytest.FixtureRequest) -> Iterator[Acting]:
    with (
        tempfile.TemporaryDirectory(prefix="run-", dir=installed()) as name,
        tempfile.TemporaryDirectory(prefix="wa-wz-") as short,
        embedded_mux() if request.param == "embedded" else real_mux(Path(short)) as mux,
        mux.wire() as wire,
        running_api(Path(name), reset_s=RESET_S) as api,
    ):
        home = Home(Path(short) / "wa", CONFIG)
        with home.sidecar("--socket", f"m={mux.socket}"):
            clis = [cli for cli in CLIS if mux.is_embedded or not cli.old]
            yield Acting(Stage(mux, wire, home, Path(name), api), clis)


@pytest.fixture(autouse=True)
def _in_time() -> None:
    """The stage of this file has its own choice of CLIs."""


def test_a_limit_is_waited_out_and_work_goes_on_once(acting: Acting) -> None:
    """No option that switches the model is chosen; the model gets the prompt once; who goes on by itself is not touched."""
    home = acting.stage.home
    home.json("workflow", "enable", "handle_usage_limits")
    with ExitStack() as stack:
        for cli in acting.clis:
            pane = acting.stage.agent(cli, LIMITS[cli.name], subscription=cli.name != "codex")
            acting.panes[cli.label] = stack.enter_context(pane)
        acting.all(lambda cli, pane: pane.becomes("idle", agent=NAMES[cli.name]))
        acting.all(lambda _, pane: pane.prompt(PROMPT))
        ends = {
            cli.label: acting.ended("handle_usage_limits", acting.panes[cli.label], LIMIT_WITHIN_S)
            for cli in acting.clis
        }
        print(ends)
        for cli in acting.clis:
            pane = acting.panes[cli.label]
            itself = cli.label == BY_ITSELF
            assert ends[cli.label]["outcome"] == ("resumed_itself" if itself else "resumed"), (
                cli.label,
                ends,
                pane.screen(),
            )
            pane.shows("All 12 tests pass")
            assert acting.asked(cli, "proceed.") == (0 if itself else 1), cli.label
            assert acting.asked(cli, PROMPT) == 1, cli.label
