"""The real CLIs of both eras with wa's hooks in their settings: what they tell, of which pane, and what is left afterwards."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.agents import stage as stages
from e2e.agents.stage import PaneOnStage, Stage
from e2e.agents.test_live import ASKS_FIRST, COMPACT, PRINTS_TURN_END, QUIT, YES, each
from support.agents import TODAY, Cli, environment, search_path
from support.sidecar import SOURCES, eventually

pytestmark = [pytest.mark.agents, pytest.mark.slow]

BYPASS = {"codex-0.169.0": ("--dangerously-bypass-hook-trust",)}
"""In the place of a person who answers "Hooks need review"; the test of that dialog answers it."""
END_BY_HOOK = {"claude": ["session.end"]}
"""The others print an exit summary that wa reads."""


class Installed:
    """The hooks of one CLI in one home, and what the home held before."""

    def __init__(self, stage: Stage, cli: Cli) -> None:
        self._stage = stage
        self._cli = cli
        self.home: Path | None = None
        self.before: dict[str, bytes] = {}

    def environment(self, cli: Cli, home: Path, url: str, cwd: Path, *, subscription: bool = False) -> dict[str, str]:
        env = environment(cli, home, url, cwd, subscription=subscription)
        self.home = home
        if cli.name == "claude":
            (home / ".claude").mkdir(exist_ok=True)
            (home / ".claude/settings.json").write_text(
                '{\n\t"statusLine": {"type": "command", "command": "printf \'own line of %s\' $((40 + 2))"}\n}'
            )
        if cli.name == "codex":
            path = home / ".codex/config.toml"
            path.write_text(f'notify = ["sh", "-c", "echo told >> {home}/own"] # mine\n{path.read_text()}')
        if cli.name == "gemini" and not cli.old:
            # It would take the old name out at its start, and lay out the whole file anew.
            path = home / ".gemini/settings.json"
            path.write_text(path.read_text().replace('"disableAutoUpdate": true, ', ""))
        self.before = self.settings()
        self.wa("install", "--yes")
        return env

    def wa(self, *words: str) -> str:
        assert self.home is not None
        env = {
            "HOME": str(self.home),
            "WA_HOME": str(self._stage.home.folder),
            "PATH": search_path(self._cli),
            "PYTHONPATH": str(SOURCES),
        }
        argv = [sys.executable, "-m", "wa", "hooks", *words, "--agent", self._cli.name]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def settings(self) -> dict[str, bytes]:
        assert self.home is not None
        names = (".claude/settings.json", ".codex/config.toml", ".codex/hooks.json", ".gemini/settings.json")
        return {name: path.read_bytes() for name in names if (path := self.home / name).exists()}


@pytest.fixture
def installed(stage: Stage, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Installed:
    made = Installed(stage, cli)
    monkeypatch.setattr(stages, "environment", made.environment)
    return made


def heard(stage: Stage) -> dict[str, Any]:
    told: dict[str, Any] = stage.home.ask("hooks")
    return told


def events(pane: PaneOnStage, *names: str) -> list[tuple[str, str]]:
    return [(one["event"], one["rule"]) for one in pane.events() if one["event"] in names]


@each()
def test_hooks_join_the_screen(stage: Stage, cli: Cli, installed: Installed) -> None:
    """Each event counts once; the id of the session is the agent's own; nothing is dropped; every byte comes back."""
    dropped = heard(stage)["dropped"]
    options = (*ASKS_FIRST[cli.name], *BYPASS.get(cli.label, ()))
    with stage.agent(cli, "work-compact", *options) as pane:
        pane.becomes("idle")
        if cli.name == "claude":
            pane.shows("own line of 42")
        pane.prompt("fix the failing parser test")
        pane.becomes("working")
        pane.shows("All 12 tests pass")
        pane.becomes("idle")
        pane.told("turn.done")
        session = eventually(lambda: (pane.status().get("detail") or {}).get("session_id"), 20)
        pane.prompt("clean up and build")
        pane.becomes("waiting.approval")
        pane.told("waiting.approval", command="rm -rf build && make all")
        pane.answer(YES[cli.name], "the build passed")
        pane.becomes("idle")
        pane.prompt("read the whole tree")
        pane.shows("I read the whole tree.")
        pane.becomes("idle")
        pane.slash(COMPACT[cli.name])
        pane.told("compaction.done")
        pane.becomes("idle")
        pane.pause(3)
        assert (pane.status().get("detail") or {}).get("session_id") == session
        pane.slash(QUIT[cli.name])
        pane.becomes("shell", "exited")
        pane.pause(4)
        told = events(pane, "session.start", "turn.done", "compaction.done", "session.end")
        by_hook = [name for name, rule in told if ".hook." in rule]
        assert by_hook == ["turn.done"] * (0 if cli.label in PRINTS_TURN_END else 3) + END_BY_HOOK.get(cli.name, []), (
            told
        )
        if cli.label != "codex-0.169.0":  # it draws its history again and again, and what it draws is told again
            names = [name for name, _ in told]
            wanted = {
                "session.start": 1,
                "turn.done": 3,
                "compaction.done": 1,
                "session.end": 1,
            }
            assert {name: names.count(name) for name in wanted} == wanted, told
        if cli.name == "codex":
            assert (installed.home / "own").exists()  # type: ignore[operator]
    assert heard(stage)["dropped"] == dropped
    installed.wa("uninstall", "--yes")
    if cli.name == "codex" and not cli.old:
        # Codex itself writes into its configuration while it runs.
        assert installed.settings().keys() == installed.before.keys()
        assert b'notify = ["sh"' in installed.settings()[".codex/config.toml"]
    else:
        assert installed.settings() == installed.before
    assert list((stage.home.paths.data / "hooks").iterdir()) == []


@pytest.mark.parametrize("cli", [replace(TODAY["codex"], command=("codex",))], ids=["codex"])
def test_codex_asks_its_user_and_runs_hooks_in_its_server(stage: Stage, cli: Cli, installed: Installed) -> None:
    """As people start it: the dialog is theirs to answer; then hooks come from a process without a terminal, and find the pane."""
    before = heard(stage)
    with stage.agent(cli, "work-compact", *ASKS_FIRST["codex"]) as pane:
        pane.shows("Hooks need review")
        pane.pause(2)
        assert heard(stage) == before
        pane.press("down")
        pane.pause(0.5)
        pane.press("enter")
        pane.becomes("idle")
        pane.prompt("fix the failing parser test")
        pane.becomes("working")
        pane.shows("All 12 tests pass")
        pane.becomes("idle")
        eventually(lambda: (pane.pause(0.2), heard(stage)["taken"] > before["taken"])[1], 20)
        eventually(lambda: (pane.pause(0.2), (pane.status().get("detail") or {}).get("session_id"))[1], 20)
        assert not [name for name, rule in events(pane, "turn.done") if ".hook." in rule]
        stranger = {why for why in heard(stage)["dropped"] if "no pane is known to have" not in why}
        assert stranger <= set(before["dropped"])
    installed.wa("uninstall", "--yes")
    left = installed.settings()
    assert left.keys() == installed.before.keys()
    assert left[".codex/config.toml"].startswith(installed.before[".codex/config.toml"].splitlines()[0])
