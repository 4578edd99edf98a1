"""One stage per multiplexer: the embedded one and, where it is on PATH, WezTerm's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.live import embedded_mux, real_binaries, real_mux
from e2e.agents.stage import Stage
from support.agents import Cli, installed, running_api
from support.sidecar import Home


@pytest.fixture(scope="session", params=["embedded", "real"] if real_binaries() else ["embedded"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with (
        tempfile.TemporaryDirectory(prefix="run-", dir=installed()) as name,  # below /tmp codex prints one more warning
        tempfile.TemporaryDirectory(prefix="wa-wz-") as short,  # sockets need a short path
        embedded_mux() if request.param == "embedded" else real_mux(Path(short)) as mux,
        mux.wire() as wire,
        running_api(Path(name)) as api,
    ):
        home = Home(Path(short) / "wa")
        with home.sidecar("--socket", f"m={mux.socket}"):
            yield Stage(mux, wire, home, Path(name), api)


@pytest.fixture(autouse=True)
def _in_time(stage: Stage, cli: Cli) -> None:
    if cli.old and not stage.mux.is_embedded:
        pytest.skip("all within ten minutes: January's CLIs run in the embedded multiplexer only")
