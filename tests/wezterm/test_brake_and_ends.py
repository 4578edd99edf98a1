"""What closes while its server is held back: on the embedded mux, which waits for the rest of a request as WezTerm does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.embedded import RunningMux, running_embedded_mux
from wa.model.observation import Disconnected, Lull, PaneGone
from wa.wezterm.connect import Options, connect
from wa.wezterm.mux_terminal import MuxTerminal
from wa.wezterm.targets import SocketTarget
from wezterm.waiting import Heard, listening_to, run, until

PRINTS = ("sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.004; done")
FOR_EVER_S = 30.0


@pytest.fixture
def mux() -> Iterator[RunningMux]:
    with running_embedded_mux(PRINTS) as running:
        yield running


@asynccontextmanager
async def watching(mux: RunningMux, tmp_path: Path) -> AsyncIterator[tuple[MuxTerminal, Heard]]:
    options = Options(wezterm=(*mux.cli,), control_dir=tmp_path)
    terminal = await connect(SocketTarget("local", str(mux.socket)), options)
    assert isinstance(terminal, MuxTerminal)
    async with listening_to(terminal) as heard:
        await terminal.list_panes()
        yield terminal, heard


@pytest.mark.parametrize("held_back", [True, False])
def test_a_pane_that_is_killed_while_its_server_is_held_back_says_so(
    mux: RunningMux, tmp_path: Path, held_back: bool
) -> None:
    """Its last rows can have been printed unheard; without the brake they are pushed before its end is."""

    async def scene() -> None:
        async with watching(mux, tmp_path) as (terminal, heard):
            if held_back:
                terminal.relax(FOR_EVER_S)
                await until(lambda: heard.of(Lull))
            mux.run("kill-pane", "--pane-id", "0")
            terminal.relax(0.0)
            await until(lambda: heard.of(PaneGone))
            assert [gone.unheard for gone in heard.of(PaneGone)] == [held_back]

    run(scene())


@pytest.mark.parametrize("held_back", [True, False])
def test_a_server_that_dies_while_it_is_held_back_leaves_its_panes_unheard(
    mux: RunningMux, tmp_path: Path, held_back: bool
) -> None:
    """The connection's end tells it, for the panes end with the server."""

    async def scene() -> None:
        async with watching(mux, tmp_path) as (terminal, heard):
            if held_back:
                terminal.relax(FOR_EVER_S)
                await until(lambda: heard.of(Lull))
            mux.process.kill()
            await until(lambda: heard.of(Disconnected))
            assert [end.unheard for end in heard.of(Disconnected)] == [held_back]

    run(scene())
