"""Two panes, one folder, the same agent started twice at the same moment: whose session is whose?"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.wire import Wire
from support.agents import CLIS, Cli, environment, installed, running_api, search_path
from support.embedded import running_embedded_mux
from wa.protocol import mux as p
from wa.protocol.session_files import Record, SessionMeta, TokenCount, TurnEnded, TurnStarted, Unknown
from wa.sources.session_files import PROMPT_WITHIN_MS, Candidate, SessionFiles, best
from wa.sources.session_homes import Homes
from wa.sources.session_signals import live_signal

pytestmark = [
    pytest.mark.agents,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

ANSWER = "I added a guard and a test for it. All 12 tests pass."
TIED = {"codex@0.169.0", "codex@0.87.0", "claude-code@2.1.328"}
WRITES_ENDS = {"codex@0.169.0", "claude-code@2.1.328"}


@pytest.fixture(params=CLIS, ids=lambda cli: cli.build)
def build(request: pytest.FixtureRequest) -> Cli:
    found = request.param
    assert isinstance(found, Cli)
    return found


@pytest.fixture
def folder(build: Cli) -> Path:
    return installed(old=build.old)


@pytest.fixture
def lab(folder: Path) -> Iterator[Path]:
    """Not below /tmp, where codex prints one more warning."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder, ignore_cleanup_errors=True) as name:
        (Path(name) / "work").mkdir()
        yield Path(name)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_each_pane_gets_its_own_session(build: Cli, folder: Path, lab: Path) -> None:
    """By its process where the agent allows it; else nobody guesses until the prompts, taken apart, tell which is which."""
    files = SessionFiles(Homes.from_env({"HOME": "/nowhere"}))
    with running_api(lab) as url, running_embedded_mux(first_pane=False) as mux:
        wire = Wire(mux.socket)
        env = environment(build, lab / "home", f"{url}/s/ok/run", lab / "work")
        env |= {"PATH": search_path(build), "TERM": "xterm-256color", "DISABLE_AUTOUPDATER": "1"}
        envs = tuple((k.encode(), p.EnvEntry(False, k.encode(), v.encode())) for k, v in sorted(env.items()))
        argv = tuple(word.encode() for word in ("/usr/bin/env", *build.command))
        size = p.TerminalSize(24, 100, 800, 384, 0)

        def start() -> int:
            request = p.SpawnV2(
                p.DefaultDomain(), None, p.CommandBuilder(argv, envs), str(lab / "work"), size, "agents"
            )
            return wire.ask(request, p.SpawnResponse).pane_id

        def screen(pane: int) -> str:
            return "\n".join(wire.viewport(pane))

        def wait(pane: int, condition: Callable[[], object], what: str) -> None:
            end = time.monotonic() + 90
            while not condition():
                assert time.monotonic() < end, f"{build.build}: no {what}\n{screen(pane)}"
                wire.pump(0.1)

        def prompt(pane: int, word: str) -> int:
            wire.ask(p.SendPaste(pane, f"please say {word}"), p.UnitResponse)
            wait(pane, lambda: f"please say {word}" in screen(pane), "prompt in the composer")
            wire.quiet(0.3)
            at_ms = now_ms()
            wire.ask(p.WriteToPane(pane, b"\r"), p.UnitResponse)
            wait(pane, lambda: ANSWER in screen(pane), "answer")
            return at_ms

        started_ms = now_ms()
        panes = [start(), start()]
        for pane in panes:
            wait(pane, lambda pane=pane: build.idle in screen(pane), "composer")  # type: ignore[misc]
        wire.quiet(1.0)
        prompts = [prompt(panes[0], "alpha")]
        wire.quiet(PROMPT_WITHIN_MS * 2 / 1000)
        prompts.append(prompt(panes[1], "beta"))
        wire.quiet(1.0)
        listed = wire.ask(p.ListPanes(), p.ListPanesResponse)
        ttys = {entry.pane_id: entry.tty_name for tab in listed.tabs for entry in p.entries_of(tab)}

        def ask(which: int, *, tied: bool, prompted: bool) -> Candidate | None:
            tty = ttys[panes[which]] if tied else None
            # Without its terminal nothing is known of the process, so its home must be given.
            source = files if tied else SessionFiles(Homes.from_env(env))
            taken_at = prompts[which : which + 1] if prompted else []
            cwd = (lab / "work").as_uri()
            return best(asyncio.run(source.candidates(build.agent, cwd, started_ms, tty=tty, prompts_ms=taken_at)))

        for which, word in enumerate(("alpha", "beta")):
            assert ask(which, tied=False, prompted=False) is None, "guessed"
            by_prompt = ask(which, tied=False, prompted=True)
            by_process = ask(which, tied=True, prompted=False)
            assert by_prompt is not None
            if build.build in TIED:
                assert by_process is not None
                assert (by_process.session_id, by_process.confidence) == (by_prompt.session_id, 1.0)
            else:
                assert by_process is None, "guessed"
                assert ask(which, tied=True, prompted=True) == by_prompt
            assert by_prompt.path is not None
            written = by_prompt.path.read_text()
            assert f"please say {word}" in written
            assert {"alpha": "please say beta", "beta": "please say alpha"}[word] not in written
            told = asyncio.run(_newest(files, build.agent, by_prompt.path))
            assert by_prompt.session_id in {r.session_id for r in told if isinstance(r, SessionMeta)}
            assert sum(isinstance(r, TurnStarted) for r in told) == 1
            assert any(isinstance(r, TokenCount) and r.total and r.total.input == 12345 for r in told)
            assert any(isinstance(r, TurnEnded) for r in told) == (build.build in WRITES_ENDS)
            assert [r for r in told if isinstance(r, Unknown)] == []
            live = asyncio.run(files.live(ttys[panes[which]]))
            if build.build == "claude-code@2.1.328":
                assert live is not None
                signal = live_signal(live)
                assert signal is not None
                assert signal.says == "idle"
            else:
                assert live is None
        wire.close()


async def _newest(files: SessionFiles, agent: str, path: Path) -> list[Record]:
    """What stands in the file now: everything until half a second brings nothing."""
    told: list[Record] = []
    follow = files.follow(agent, path)
    try:
        while True:
            async with asyncio.timeout(0.5):
                told.append(await anext(follow))
    except TimeoutError:
        return told
    finally:
        await follow.aclose()  # type: ignore[attr-defined]
