"""The real agent CLIs from npm, of both eras, and the mock of the model APIs that they talk to."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MOCKS = Path(__file__).parents[1] / "data/mock_apis"


@dataclass(frozen=True)
class Cli:
    name: str
    package: str
    version: str
    command: tuple[str, ...]
    old: bool = False
    """Of January 2026."""

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def agent(self) -> str:
        """As wa names it."""
        return "claude_code" if self.name == "claude" else self.name

    @property
    def build(self) -> str:
        return f"{self.package.rpartition('/')[2]}@{self.version}"

    @property
    def idle(self) -> str:
        """What an empty composer shows; seen on 2026-11-21."""
        if self.name == "codex":
            return "›" if self.old else "Ask Codex to do anything"
        return "❯" if self.name == "claude" else "Type your message"

    def folder(self, cache: Path) -> Path:
        return cache / "old" if self.old else cache


CLIS = (
    Cli("codex", "@openai/codex", "0.169.0", ("codex", "--no-daemon")),
    Cli("claude", "@anthropic-ai/claude-code", "2.1.328", ("claude",)),
    Cli("gemini", "@google/gemini-cli", "0.61.0", ("gemini",)),
    Cli("codex", "@openai/codex", "0.87.0", ("codex",), old=True),
    Cli("claude", "@anthropic-ai/claude-code", "2.1.12", ("claude",), old=True),
    Cli("gemini", "@google/gemini-cli", "0.24.0", ("gemini",), old=True),
)
TODAY = {cli.name: cli for cli in CLIS if not cli.old}


def installed(*, old: bool = False) -> Path:
    """A folder that holds `node_modules/.bin` with the three CLIs of that era; a skip with the reason otherwise.

    It is kept, in WA_TEST_AGENTS or the user's cache folder: the install takes a minute and 1 GB.
    """
    cache = Path(
        os.environ.get("WA_TEST_AGENTS")
        or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "wa-tests/agents")
    )
    wanted = [cli for cli in CLIS if cli.old == old]
    folder = wanted[0].folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:  # several test processes may ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all((folder / "node_modules/.bin" / cli.name).exists() for cli in wanted):
            return folder
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not on PATH: the agent CLIs cannot be installed")
        packages = [f"{cli.package}@{cli.version}" for cli in wanted]
        argv = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    if done.returncode:
        pytest.skip(f"npm could not install the agent CLIs: {done.stderr.strip()[-300:]}")
    return folder


@contextmanager
def running_api(folder: Path, *, reset_s: int | None = None) -> Iterator[str]:
    """The mock of the model APIs; its URL. It logs into *folder*/mock.jsonl, and *folder*/work is the agents' folder.

    *reset_s*: how long the limits of its scenarios `*-limit-then-ok` last.
    """
    argv = [sys.executable, str(MOCKS / "mock_apis.py"), "--port", "0", "--log", str(folder / "mock.jsonl")]
    env = os.environ | {"MOCK_CWD": str(folder / "work")}
    env |= {} if reset_s is None else {"MOCK_RESET_S": str(reset_s)}
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split()[2]
        finally:
            process.terminate()


def environment(cli: Cli, home: Path, url: str, cwd: Path, *, subscription: bool = False) -> dict[str, str]:
    """Exactly what the CLI is to see; *url* ends in /s/SCENARIO/RUN. Writes the CLI's own files below *home*."""
    argv = [sys.executable, str(MOCKS / "homes.py"), cli.name, str(home), url, "--cwd", str(cwd)]
    argv += ["--old"] if cli.old else []
    argv += ["--subscription"] if subscription else []
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


def bare_environment(cli: Cli, home: Path, cwd: Path) -> dict[str, str]:
    """For a CLI that nobody has signed in to; it trusts *cwd* where that question would come first."""
    (home / "tmp").mkdir(parents=True)
    if cli.name == "gemini":
        (home / ".gemini").mkdir()
        (home / ".gemini/trustedFolders.json").write_text(json.dumps({str(cwd): "TRUST_FOLDER"}))
    return {"HOME": str(home), "LANG": "C.UTF-8", "COLORTERM": "truecolor", "TMPDIR": str(home / "tmp")}


def search_path(cli: Cli) -> str:
    node = Path(shutil.which("node") or "/usr/bin/node").parent
    return f"{installed(old=cli.old)}/node_modules/.bin:{node}:/usr/bin:/bin"


def requests(folder: Path) -> list[str]:
    """What CLIs have asked the model for because of a prompt."""
    log = folder / "mock.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [r["path"] for r in records if r.get("main") or r.get("verb") == "streamGenerateContent"]


def prompts(folder: Path, run: str, text: str) -> int:
    """How often *text* stands as a whole prompt in what the CLI of that run has sent to the model: a history holds each once."""
    log = folder / "mock.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    word = json.dumps(text)
    return max((json.dumps(one.get("body")).count(word) for one in records if one.get("run") == run), default=0)
