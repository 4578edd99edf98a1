"""MuxTerminal and CliTerminal on live multiplexers: nothing above them may know which one it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from contract.live import LiveMux, Player
from contract.test_text import lines, texts
from wa.model.errors import TerminalRefused, WezTermError
from wa.model.observation import PaneGone, ScreenPush, TextFrame
from wa.wezterm.connect import Options, open_cli, open_mux
from wa.wezterm.targets import SocketTarget
from wa.wezterm.terminal import SourceKind, SpawnRequest, SplitRequest, Terminal


@asynccontextmanager
async def connected(mux: LiveMux, source: SourceKind) -> AsyncIterator[Terminal]:
    target = SocketTarget(name="t", path=str(mux.socket))
    options = Options(wezterm=mux.cli)
    if source is SourceKind.PUSH:
        terminal: Terminal = await open_mux(target, options)
    else:
        terminal = await open_cli(target, options, reason="asked for")
    try:
        yield terminal
    finally:
        await terminal.close()


def on(mux: LiveMux, source: SourceKind, test: Callable[[Terminal], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), connected(mux, source) as terminal:
            await test(terminal)

    asyncio.run(run())


both = pytest.mark.parametrize("source", list(SourceKind))


@pytest.fixture(autouse=True)
def _environment_of_the_mux(mux: LiveMux, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "HOME"):
        if name in mux.env:
            monkeypatch.setenv(name, mux.env[name])


@both
def test_panes_are_listed(mux: LiveMux, player: Player, source: SourceKind) -> None:
    """Ids, size, titles, workspace and tty of a pane are those of the mux."""

    async def test(terminal: Terminal) -> None:
        (pane,) = [pane for pane in await terminal.list_panes() if pane.pane_id == player.pane_id]
        assert (pane.tab_id, pane.window_id, pane.workspace) == (player.tab_id, player.window_id, "players")
        assert (pane.cols, pane.rows, pane.is_active) == (80, 24, True)
        assert pane.tty_name is not None

    on(mux, source, test)


@both
def test_a_screen_and_its_history_are_read(mux: LiveMux, player: Player, source: SourceKind) -> None:
    """The viewport, and as much history as is asked for."""
    player.print(lines(1, 60))
    player.settle()

    async def test(terminal: Terminal) -> None:
        screen = await terminal.read_screen(player.pane_id)
        shown = [row.text for row in screen.rows] if isinstance(screen, ScreenPush) else list(screen.texts)
        assert shown == [*texts(38, 60), ""]
        frame = await terminal.read_back(player.pane_id, 10)
        assert isinstance(frame, TextFrame)
        assert list(frame.texts) == [*texts(28, 60), ""]

    on(mux, source, test)


def test_rows_are_read_by_index(mux: LiveMux, player: Player) -> None:
    """By protocol, rows have their stable indices; rows that do not exist come clamped, with theirs."""
    player.print(lines(1, 60))
    player.settle()

    async def test(terminal: Terminal) -> None:
        read = await terminal.read_rows(player.pane_id, 10, 13)
        assert [(row.index, row.text) for row in read.rows] == list(zip(range(10, 13), texts(11, 13), strict=True))
        clamped = await terminal.read_rows(player.pane_id, 500, 502)
        assert [row.index for row in clamped.rows] == [0, 1]

    on(mux, SourceKind.PUSH, test)


@both
def test_text_and_keystrokes_arrive(mux: LiveMux, player: Player, source: SourceKind) -> None:
    """A paste in brackets where they are wanted, a carriage return as itself."""
    player.print(b"\x1b[?2004h")
    player.settle()

    async def test(terminal: Terminal) -> None:
        await terminal.paste(player.pane_id, "two\nlines é")
        await terminal.write(player.pane_id, b"\r")

    on(mux, source, test)
    player.hears("\x1b[200~two\nlines é\x1b[201~\r".encode())


@both
def test_panes_are_made_and_ended(mux: LiveMux, source: SourceKind) -> None:
    """Spawn, split, name and kill, with the program's arguments as they were."""

    async def test(terminal: Terminal) -> None:
        env = {name: mux.env[name] for name in ("PATH", "HOME")} | {"SAID": "a b  c"}
        argv = ["sh", "-c", 'echo "$SAID|$1"; exec sleep 1000', "sh", "one  argument"]
        pane_id = await terminal.spawn(SpawnRequest(argv=argv, env=env, workspace="made"))
        split = await terminal.split(SplitRequest(pane_id, "right", argv=["sleep", "1000"], env=env))
        made = {pane.pane_id: pane for pane in await terminal.list_panes() if pane.workspace == "made"}
        assert set(made) == {pane_id, split}
        assert (made[split].left_col, made[split].cols) == (40, 40)
        await terminal.set_tab_title(made[pane_id].tab_id, "named")
        assert [pane.tab_title for pane in await terminal.list_panes() if pane.pane_id == pane_id] == ["named"]
        said = ""
        while not said:
            said = (await terminal.read_back(pane_id, 0)).texts[0]
        assert said == "a b  c|one  argument"
        await terminal.kill(split)
        await terminal.kill(pane_id)
        assert not [pane for pane in await terminal.list_panes() if pane.workspace == "made"]

    on(mux, source, test)


@both
def test_a_refusal_is_told_apart_from_silence(mux: LiveMux, source: SourceKind) -> None:
    """A pane that does not exist is refused by name."""

    async def test(terminal: Terminal) -> None:
        with pytest.raises(TerminalRefused, match="999999"):
            await terminal.kill(999_999)
        with pytest.raises(WezTermError):
            await terminal.paste(999_999, "x")

    on(mux, source, test)


@both
def test_output_is_observed_and_so_is_the_end(mux: LiveMux, source: SourceKind) -> None:
    """What a program prints is seen without asking for it, and that its pane has gone."""

    async def test(terminal: Terminal) -> None:
        seen = terminal.observations()
        env = {name: mux.env[name] for name in ("PATH", "HOME")}
        argv = ["sh", "-c", "sleep 0.5; echo observed; sleep 4"]
        pane_id = await terminal.spawn(SpawnRequest(argv=argv, env=env))
        shown = ""
        async for observation in seen:
            if getattr(observation, "pane_id", None) != pane_id:
                continue
            if isinstance(observation, ScreenPush):
                shown += "".join(row.text for row in observation.rows)
            elif isinstance(observation, TextFrame):
                shown += "".join(observation.texts)
            elif isinstance(observation, PaneGone):
                break
        assert "observed" in shown

    on(mux, source, test)
