"""Each test runs on the embedded mux and, where `wezterm-mux-server` and `wezterm` are on PATH, on a real one too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.live import LiveMux, Player, embedded_mux, real_binaries, real_mux
from contract.wire import Wire


@pytest.fixture(scope="session", params=["embedded", "real"] if real_binaries() else ["embedded"])
def live(request: pytest.FixtureRequest) -> Iterator[LiveMux]:
    if request.param == "embedded":
        with embedded_mux() as mux:
            yield mux
        return
    with tempfile.TemporaryDirectory(prefix="wa-wz-") as folder, real_mux(Path(folder)) as mux:
        yield mux


@pytest.fixture
def mux(live: LiveMux, record_property: Callable[[str, object], None]) -> LiveMux:
    record_property("multiplexer", f"{live.kind} {live.version}")
    return live


@pytest.fixture
def wire(mux: LiveMux) -> Iterator[Wire]:
    with mux.wire() as wire:
        yield wire


@pytest.fixture
def player(mux: LiveMux, wire: Wire) -> Iterator[Player]:
    """A pane of 80 x 24 whose program prints what the test wants and hears what is typed."""
    with mux.player(wire) as player:
        yield player
