"""The multiplexer is killed and started anew: the real CLIs of both eras come back, each with its own session, once."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e.agents.test_live import NAMES
from e2e.flow_stage import Watched, enable, write
from e2e.test_mux_restart import Place, outcomes, place
from support.agents import CLIS, Cli, environment, installed, prompts, running_api, search_path
from support.sidecar import Home, eventually

pytestmark = [pytest.mark.agents, pytest.mark.slow]

CONFIG = "[wezterm]\ndiscover = false\nrescan_interval_s = 1\n[notify]\nchannels = []\n"
PROMPT, ANSWER = "fix the failing parser test", "All 12 tests pass"
RESUME = {"codex": ("resume",), "claude": ("--resume",), "gemini": ("--resume",)}
WITHIN_S = 150.0
"""Six agents start at the same time."""


class Started(NamedTuple):
    cli: Cli
    uid: str
    words: tuple[str, ...]
    """Its environment, and `env` that sets it."""


@pytest.fixture(autouse=True)
def _in_time() -> None:
    """This file has a stage of its own."""


@contextmanager
def agents_folder() -> Iterator[Path]:
    """What the agents see and write; whichever of them outlives its terminal is ended before it goes."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=installed(), ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        try:
            yield folder
        finally:
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if (process / "cwd").readlink().is_relative_to(folder):
                        os.kill(int(process.name), signal.SIGKILL)


def start(here: Place, home: Home, cli: Cli, folder: Path, api: str) -> Started:
    work = folder / cli.label / "work"
    work.mkdir(parents=True)
    env = environment(cli, folder / cli.label / "home", f"{api}/s/ok/{cli.label}", work)
    env |= {"PATH": search_path(cli), "TERM": "xterm-256color"}
    words = ("/usr/bin/env", "-i", *(f"{name}={value}" for name, value in env.items()))
    argv = [sys.executable, "-m", "wa.embedded.cli", "cli", "--no-auto-start", "spawn", "--new-window"]
    argv += ["--cwd", str(work), "--", *words, *cli.command]
    printed = subprocess.run(argv, env=here.env, check=True, capture_output=True, text=True, timeout=30).stdout
    uid = eventually(lambda: next((u for u, pane in home.panes().items() if pane["pane_id"] == int(printed)), None))
    return Started(cli, uid or "", words)


def session_of(home: Home, one: Started) -> str:
    """Its id, once it is known for sure and on record."""

    def look() -> str | None:
        home.ask("flush")
        query = "SELECT session_id FROM agent_sessions WHERE pane = ? AND id_confidence >= 0.9 AND ended_ms IS NULL"
        return next((str(found) for (found,) in Watched(home).rows(query, int(one.uid[1:]))), None)

    return eventually(look, WITHIN_S) or ""


def test_real_agents_come_back_with_their_own_sessions(tmp_path: Path) -> None:
    """SIGKILL takes the multiplexer; the user's own commands go into new panes, and each shows its own conversation."""
    with agents_folder() as folder, place(tmp_path / "m") as here, running_api(folder) as api:
        home, ids = Home(tmp_path / "h", CONFIG), folder / "ids"
        ids.mkdir()
        commands = "".join(f'{agent} = "sh {ids}/{{session_id}}"\n' for agent in NAMES.values())
        write(home, "restart_agent", f'[settings]\nafter = ["mux"]\nstable_s = 10\n[settings.commands]\n{commands}')
        with home.sidecar("--socket", f"m={here.socket}"):
            there = [start(here, home, cli, folder, api) for cli in CLIS]
            for one in there:
                eventually(lambda one=one: home.panes()[one.uid]["state"] == "idle", WITHIN_S)  # type: ignore[misc]
                assert home.wa("send", one.uid, PROMPT).returncode == 0
            known = {}
            for one in there:
                eventually(lambda one=one: ANSWER in "\n".join(home.screen(one.uid)), WITHIN_S)  # type: ignore[misc]
                eventually(lambda one=one: home.panes()[one.uid]["state"] == "idle", WITHIN_S)  # type: ignore[misc]
                known[one.cli.label] = session_of(home, one)
                command = (*one.cli.command[:1], *RESUME[one.cli.name], *one.cli.command[1:], known[one.cli.label])
                (ids / known[one.cli.label]).write_text(f"exec {shlex.join((*one.words, *command))}\n")
            assert len(set(known.values())) == len(there)
            enable(home, "restart_agent")

            here.down(signal.SIGKILL)
            here.up()

            eventually(lambda: [state for state, outcome in outcomes(home) if outcome], WITHIN_S)
            eventually(lambda: outcomes(home) == [("done", "resumed_in_new_pane")] * len(there), WITHIN_S)
            opened = Watched(home).rows("SELECT what, evidence FROM actions WHERE kind = 'spawn'")
            assert len(opened) == len(there)
            panes = [uid for uid in home.panes() if home.panes()[uid].get("agent")]
            for uid in panes:
                eventually(lambda uid=uid: home.panes()[uid]["state"] == "idle", WITHIN_S)  # type: ignore[misc]
                eventually(lambda uid=uid: PROMPT in "\n".join(home.screen(uid)), WITHIN_S)  # type: ignore[misc]
            assert len(panes) == len(there)
            # Nothing was said to the model by coming back.
            assert {prompts(folder, one.cli.label, PROMPT) for one in there} == {1}
