"""The agent CLIs of both eras, as npm delivers them, for panes of the embedded mux.

npm installs them once into a folder that is kept: WA_TEST_AGENTS, or the user's cache folder. They talk to a model API on
loopback (tests/data/mock_apis) and see an environment with invented keys and a home of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

MOCKS = Path(__file__).parents[1] / "data/mock_apis"


class Build(NamedTuple):
    agent: str
    """As wa names it."""
    package: str
    command: tuple[str, ...]
    idle: str
    """What an empty composer shows."""
    old: bool

    @property
    def name(self) -> str:
        return self.package.rpartition("/")[2]


BUILDS = (
    Build("codex", "@openai/codex@0.169.0", ("codex", "--no-daemon"), "Ask Codex to do anything", False),
    Build("codex", "@openai/codex@0.87.0", ("codex",), "›", True),
    Build("claude_code", "@anthropic-ai/claude-code@2.1.328", ("claude",), "❯", False),
    Build("claude_code", "@anthropic-ai/claude-code@2.1.12", ("claude",), "❯", True),
    Build("gemini", "@google/gemini-cli@0.61.0", ("gemini",), "Type your message", False),
    Build("gemini", "@google/gemini-cli@0.24.0", ("gemini",), "Type your message", True),
)
"""January and November 2026. Composers seen on 2026-11-21."""


def installed(build: Build) -> Path:
    """The folder that holds the era's CLIs in node_modules/.bin; skips the test where npm cannot bring them."""
    cache = os.environ.get("WA_TEST_AGENTS") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "wa-tests/agents"
    )
    folder = Path(cache, "old") if build.old else Path(cache)
    if (folder / "node_modules/.bin" / build.command[0]).exists():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on PATH: the agent CLIs cannot be installed")
    folder.mkdir(parents=True, exist_ok=True)
    packages = [other.package for other in BUILDS if other.old == build.old]
    argv = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    if done.returncode:
        pytest.skip(f"npm could not install the agent CLIs: {done.stderr.strip()[-300:]}")
    return folder


@contextmanager
def model_api(lab: Path) -> Iterator[str]:
    """Its URL; what it was asked for stands in mock.jsonl of *lab*."""
    argv = [sys.executable, str(MOCKS / "mock_apis.py"), "--port", "0", "--log", str(lab / "mock.jsonl")]
    env = os.environ | {"MOCK_CWD": str(lab / "work")}
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split()[2]
        finally:
            process.terminate()


def environment(build: Build, folder: Path, lab: Path, url: str, scenario: str) -> dict[str, str]:
    """Exactly what the CLI is to see. Its home is `home` below *lab*, its folder `work`."""
    argv = [sys.executable, str(MOCKS / "homes.py"), build.command[0], str(lab / "home"), f"{url}/s/{scenario}/run"]
    argv += ["--cwd", str(lab / "work"), *(["--old"] if build.old else [])]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    node = Path(shutil.which("node") or "/usr/bin/node").parent
    return {
        **dict(line.split("=", 1) for line in printed.splitlines() if "=" in line),
        "PATH": f"{folder}/node_modules/.bin:{node}:/usr/bin:/bin",
        "TERM": "xterm-256color",
        "DISABLE_AUTOUPDATER": "1",
    }
