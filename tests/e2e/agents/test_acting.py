"""The workflows that come with wa, end to end: real CLIs of both eras, a real multiplexer, a sidecar, and the mock of the APIs as witness.

All agents of one multiplexer run at the same time: a limit takes minutes, whoever waits for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contract.live import embedded_mux, real_binaries, real_mux
from e2e.agents.stage import PaneOnStage, Stage, below
from e2e.agents.test_live import COMPACT, NAMES
from support.agents import CLIS, Cli, installed, prompts, running_api
from support.sidecar import Home, eventually
from wa.act.builtin import BUILTINS
from wa.store.acting import ActingHistory
from wa.store.reader import Reader

pytestmark = [pytest.mark.agents, pytest.mark.slow]

RESET_S = 20
LIMIT_WITHIN_S = 330.0
"""A printed reset has no seconds, wa adds a minute and a share of half a minute, Claude Code 2.1.328 has three minutes for itself."""
TOGETHER_WITHIN_S = 150.0
"""Six agents start at the same time."""
LIMITS = {"codex": "cx-limit-then-ok", "claude": "cc-limit-then-ok", "gemini": "gm-limit-then-ok"}
LONG_LIMITS = {"codex": "cx-limit-plus", "claude": "cc-limit-5h", "gemini": "gm-cc-exhausted"}
EITHER_CODEX = "sh -c 'codex resume --no-daemon $0 || codex resume $0' {session_id}"
"""0.87 does not know the option, and 0.169 leaves a server behind without it."""
BY_ITSELF = "claude-2.1.328"
KEEPS_PROMPT = "claude-2.1.328"
"""Puts the prompt of an interrupted turn back into its composer, where wa types over nothing."""
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

    def came_to(self, workflow: str, outcome: str, pane: PaneOnStage, within_s: float) -> None:
        """A run of *workflow* in the pane has ended so; others may have before."""
        give_up = time.monotonic() + within_s
        while outcome not in [run["outcome"] for run in self.runs(workflow, pane)]:
            assert time.monotonic() < give_up, f"{self.runs(workflow, pane)}\n{pane.screen()}"
            pane.pause(1.0)

    def ended(self, workflow: str, pane: PaneOnStage, within_s: float) -> dict[str, Any]:
        """The run of *workflow* in the pane, once it has ended. Fails where there are several."""
        give_up = time.monotonic() + within_s
        while not (runs := [run for run in self.runs(workflow, pane) if run["ended_at"]]):
            assert time.monotonic() < give_up, f"{workflow} has not ended\n{self.runs(workflow, pane)}\n{pane.screen()}"
            pane.pause(1.0)
        again = [(run["outcome"], run["detail"], run["started_at"]) for run in self.runs(workflow, pane)]
        assert len(again) == 1, again
        return runs[0]

    @contextmanager
    def at_work(
        self, scenarios: Mapping[str, str], workflow: str, *, subscription: bool = False, shell: str = "sh"
    ) -> Iterator[None]:
        """All agents, idle, each in its pane, and only *workflow* turned on."""
        with ExitStack() as stack:
            for cli in self.clis:
                paid = subscription and cli.name != "codex"
                pane = self.stage.agent(cli, scenarios[cli.name], subscription=paid, shell=shell)
                self.panes[cli.label] = stack.enter_context(pane)
            self.all(lambda cli, pane: pane.becomes("idle", agent=NAMES[cli.name]))
            self.stage.home.json("workflow", "enable", workflow)
            try:
                yield
            finally:
                self.stage.home.json("workflow", "disable", workflow)

    def there(self) -> list[tuple[Cli, PaneOnStage]]:
        return [(cli, self.panes[cli.label]) for cli in self.clis]

    def ends(self, workflow: str, within_s: float) -> dict[str, str]:
        return {cli.label: self.ended(workflow, pane, within_s)["outcome"] for cli, pane in self.there()}

    def settings(self, workflow: str, lines: str) -> None:
        """The user's settings of it; in force once it is named, so when it is enabled."""
        home = self.stage.home
        folder = home.paths.config / "workflows"
        folder.mkdir(exist_ok=True)
        (folder / f"{workflow}.toml").write_text(f"[settings]\n{lines}\n")

    def done_to(self, pane: PaneOnStage) -> list[tuple[str, str]]:
        """Kind and words of each action on the pane that was not only planned."""

        async def inside() -> list[tuple[str, str]]:
            reader = await Reader.open(self.stage.home.paths.database)
            try:
                found = await ActingHistory(reader).actions(pane.uid)
            finally:
                await reader.close()
            return [(one.kind, json.dumps(one.what)) for one in found if not one.dry_run]

        return asyncio.run(inside())

    def session_id(self, pane: PaneOnStage) -> str:
        known: list[str] = []

        def look() -> bool:
            known[:] = [s["session_id"] for s in self.stage.home.json("sessions", "--pane", pane.uid)["sessions"]]
            return bool(known and known[0])

        eventually(look)
        return known[0]

    def kill(self, pane: PaneOnStage) -> None:
        shell = int((self.stage.folder / pane.run / "shell.pid").read_text())
        for pid in below(shell):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

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
            yield Acting(Stage(mux, wire, home, Path(name), api, within_s=TOGETHER_WITHIN_S), clis)


@pytest.fixture(autouse=True)
def _in_time() -> None:
    """The stage of this file has its own choice of CLIs."""


def test_a_limit_is_waited_out_and_work_goes_on_once(acting: Acting) -> None:
    """No option that switches the model is chosen; the model gets the prompt once; who goes on by itself is not touched."""
    with acting.at_work(LIMITS, "handle_usage_limits", subscription=True):
        acting.all(lambda _, pane: pane.prompt(PROMPT))
        ends = acting.ends("handle_usage_limits", LIMIT_WITHIN_S)
        for cli, pane in acting.there():
            itself = cli.label == BY_ITSELF
            assert ends[cli.label] == ("resumed_itself" if itself else "resumed"), (cli.label, ends, pane.screen())
            pane.shows("All 12 tests pass")
            assert acting.asked(cli, SETTINGS["handle_usage_limits"]["prompt"]) == (0 if itself else 1), cli.label
            assert acting.asked(cli, PROMPT) == 1, cli.label
            chosen = [json.loads(words)["labels"] for kind, words in acting.done_to(pane) if kind == "choose"]
            assert not [labels for labels in chosen if any("Switch" in one or "Upgrade" in one for one in labels)], (
                chosen
            )
            assert not itself or acting.done_to(pane) == [], cli.label
            assert not chosen or cli.name != "claude", chosen


def test_after_a_compaction_the_instructions_are_read_again_once(acting: Acting) -> None:
    """The person compacts by hand; when the composer is back the agent gets the prompt."""
    with acting.at_work(dict.fromkeys(NAMES, "big-then-compact"), "handle_compaction"):
        acting.all(lambda _, pane: pane.prompt("read the whole tree"))
        acting.all(lambda _, pane: pane.shows("whole tree."))
        acting.all(lambda cli, pane: pane.becomes("idle", agent=NAMES[cli.name]))
        acting.all(lambda cli, pane: pane.slash(COMPACT[cli.name]))
        ends = acting.ends("handle_compaction", TOGETHER_WITHIN_S)
        for cli, pane in acting.there():
            assert ends[cli.label] == "primed", (ends, pane.screen())
            assert acting.asked(cli, SETTINGS["handle_compaction"]["prompt"]) == 1, cli.label


def test_where_the_user_chose_it_the_agent_is_ended_at_its_limit(acting: Acting) -> None:
    """The box is closed, the agent ended in its own way, and its session's id told."""
    acting.settings("handle_usage_limits", 'on_limit = "exit"')
    try:
        with acting.at_work(LONG_LIMITS, "handle_usage_limits", subscription=True):
            acting.all(lambda _, pane: pane.prompt(PROMPT))
            ends = acting.ends("handle_usage_limits", TOGETHER_WITHIN_S)
            for cli, pane in acting.there():
                assert ends[cli.label] == "handed_over", (ends, pane.screen())
                pane.becomes("shell", "exited")
                said = [
                    one for one in acting.stage.home.json("notices", "--pane", pane.uid)["notices"] if one["needs_you"]
                ]
                assert "Sign in with another account" in said[-1]["title"]
                assert re.search(r"session [0-9a-f-]{36}", said[-1]["body"]), (cli.label, said)
    finally:
        acting.settings("handle_usage_limits", "")


def test_an_agent_that_was_killed_is_resumed_by_its_id(acting: Acting) -> None:
    """kill -9 in the middle of nothing; the shell's prompt is there, and the user's own command goes into it."""
    acting.settings(
        "restart_agent",
        f'after = ["gone", "crash"]\n[settings.commands]\ncodex = "{EITHER_CODEX}"',
    )
    try:
        with acting.at_work(dict.fromkeys(NAMES, "ok"), "restart_agent", shell="bash --norc --noprofile"):
            acting.all(lambda _, pane: pane.prompt(PROMPT))
            acting.all(lambda _, pane: pane.shows("All 12 tests pass"))
            acting.all(lambda cli, pane: pane.becomes("idle", agent=NAMES[cli.name]))
            acting.all(lambda cli, pane: acting.session_id(pane))
            acting.all(lambda _, pane: acting.kill(pane))
            ends = acting.ends("restart_agent", TOGETHER_WITHIN_S + 150)
            for cli, pane in acting.there():
                assert ends[cli.label] == "resumed", (cli.label, ends, pane.screen())
                pane.becomes("idle", agent=NAMES[cli.name])
                pane.shows(PROMPT)
                assert [kind for kind, _ in acting.done_to(pane)] == ["run"], cli.label
    finally:
        acting.settings("restart_agent", "")


def test_an_agent_that_does_not_get_on_is_poked_once(acting: Acting) -> None:
    """It works, its spinner turns, and nothing comes: it is told of, interrupted, and given the user's text."""
    poke = "are you still there?"
    acting.settings("stuck", f'still_s = 12\nescalate_s = 60\npatience_s = 20\npoke = "{poke}"')
    try:
        with acting.at_work(dict.fromkeys(NAMES, "hang"), "stuck"):
            acting.all(lambda _, pane: pane.prompt(PROMPT))
            for cli, pane in acting.there():
                keeps = cli.label == KEEPS_PROMPT
                acting.came_to("stuck", "escalated" if keeps else "poked", pane, TOGETHER_WITHIN_S)
                pane.notified(f"{NAMES[cli.name]} may be stuck")
                assert acting.asked(cli, poke) == (0 if keeps else 1), cli.label
    finally:
        acting.settings("stuck", "")
