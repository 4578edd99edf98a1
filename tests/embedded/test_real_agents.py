"""The real agent CLIs, as npm delivers them, take a turn in a pane of the embedded mux.

They talk to a model API on loopback (tests/data/mock_apis) and see an environment with invented keys and a home of
their own. npm installs them once into a folder that is kept: WA_TEST_AGENTS, or the user's cache folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.wire import Wire
from support.embedded import running_embedded_mux
from wa.protocol import mux as p

pytestmark = [pytest.mark.agents, pytest.mark.slow]

PACKAGES = {
    "codex": "@openai/codex@0.169.0",
    "claude": "@anthropic-ai/claude-code@2.1.328",
    "gemini": "@google/gemini-cli@0.61.0",
}
COMMANDS = {"codex": ("codex", "--no-daemon"), "claude": ("claude",), "gemini": ("gemini",)}
IDLE = {"codex": "Ask Codex to do anything", "claude": "❯", "gemini": "Type your message"}
"""What an empty composer shows. Seen with the versions above, 2026-11-21."""
PAUSE_S = {"codex": 0.0, "claude": 0.0, "gemini": 0.1}
"""Between seeing a paste and the carriage return."""
ANSWER = "I added a guard and a test for it. All 12 tests pass."
MOCKS = Path(__file__).parents[1] / "data/mock_apis"


@pytest.fixture(scope="session")
def agents() -> Path:
    """A folder with the three CLIs in node_modules/.bin."""
    cache = os.environ.get("WA_TEST_AGENTS") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "wa-tests/agents"
    )
    folder = Path(cache)
    binaries = folder / "node_modules/.bin"
    if all((binaries / name).exists() for name in PACKAGES):
        return folder
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on PATH: the agent CLIs cannot be installed")
    folder.mkdir(parents=True, exist_ok=True)
    argv = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES.values()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    if done.returncode:
        pytest.skip(f"npm could not install the agent CLIs: {done.stderr.strip()[-300:]}")
    return folder


@pytest.fixture
def lab(agents: Path) -> Iterator[Path]:
    """Not below /tmp, where codex prints one more warning."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=agents) as name:
        (Path(name) / "work").mkdir()
        yield Path(name)


@pytest.fixture
def api(lab: Path) -> Iterator[str]:
    """The model API's URL."""
    argv = [sys.executable, str(MOCKS / "mock_apis.py"), "--port", "0", "--log", str(lab / "mock.jsonl")]
    env = os.environ | {"MOCK_CWD": str(lab / "work")}
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split()[2]
        finally:
            process.terminate()


def environment(agent: str, lab: Path, url: str, agents: Path) -> dict[str, str]:
    """Exactly what the CLI is to see."""
    argv = [sys.executable, str(MOCKS / "homes.py"), agent, str(lab / "home"), f"{url}/s/ok/{agent}"]
    printed = subprocess.run([*argv, "--cwd", str(lab / "work")], capture_output=True, text=True, check=True).stdout
    node = Path(shutil.which("node") or "/usr/bin/node").parent
    return {
        **dict(line.split("=", 1) for line in printed.splitlines() if "=" in line),
        "PATH": f"{agents}/node_modules/.bin:{node}:/usr/bin:/bin",
        "TERM": "xterm-256color",
    }


def requests(lab: Path) -> list[str]:
    """What the CLI has asked the model for because of a prompt."""
    log = lab / "mock.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [r["path"] for r in records if r.get("main") or r.get("verb") == "streamGenerateContent"]


@pytest.mark.parametrize("agent", list(PACKAGES))
def test_an_agent_starts_and_takes_a_turn(agent: str, agents: Path, lab: Path, api: str) -> None:
    """It starts, shows its composer, takes a pasted prompt with one carriage return, shows the answer, and leaves."""
    env = environment(agent, lab, api, agents)
    envs = tuple((k.encode(), p.EnvEntry(False, k.encode(), v.encode())) for k, v in sorted(env.items()))
    with running_embedded_mux(first_pane=False) as mux:
        wire = Wire(mux.socket)
        argv = tuple(word.encode() for word in ("/usr/bin/env", *COMMANDS[agent]))
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

        for _ in range(2):
            wire.ask(p.WriteToPane(pane_id, b"\x03"), p.UnitResponse)
            wire.quiet(0.3)
        wire.wait(lambda: p.PaneRemoved(pane_id) in wire.pushes, "end", within_s=30)
        wire.close()
