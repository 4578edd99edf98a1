"""Against a real wezterm-mux-server, where one is installed."""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wa.model.errors import TerminalRefused
from wa.model.observation import Alert, Connected, Disconnected, Lull, PaneGone, ScreenPush, TextFrame
from wa.protocol import mux
from wa.wezterm.cli_terminal import CliTerminal
from wa.wezterm.connect import Options, connect, open_cli
from wa.wezterm.discovery import discover
from wa.wezterm.mux_terminal import MuxTerminal
from wa.wezterm.targets import SocketTarget, SshTarget
from wa.wezterm.terminal import SpawnRequest, SplitRequest, Terminal
from wezterm.real_mux import COMMAND, PROGRAM_ENV, SERVER, real_mux
from wezterm.sshd import SSHD, remote_host
from wezterm.waiting import listening_to, run, until

pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(SERVER is None or COMMAND is None, reason="no wezterm-mux-server on PATH"),
]


@pytest.fixture(scope="module")
def socket_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, real_mux(Path(folder)) as path:
        yield path


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(wezterm=(COMMAND or "",), control_dir=tmp_path)


@asynccontextmanager
async def opened(path: Path, options: Options) -> AsyncIterator[MuxTerminal]:
    terminal = await connect(SocketTarget("local", str(path)), options)
    assert isinstance(terminal, MuxTerminal)
    try:
        yield terminal
    finally:
        await terminal.close()


def shell(script: str, **request: object) -> SpawnRequest:
    return SpawnRequest(argv=["/bin/sh", "-c", script], env=PROGRAM_ENV, **request)  # type: ignore[arg-type]


def text_of(push: ScreenPush | TextFrame) -> str:
    return "\n".join(row.text for row in push.rows) if isinstance(push, ScreenPush) else "\n".join(push.texts)


async def shows(terminal: Terminal, pane_id: int, wanted: str) -> ScreenPush | TextFrame:
    give_up_at = time.monotonic() + 10
    while True:
        screen = await terminal.read_screen(pane_id)
        if wanted in text_of(screen):
            return screen
        assert time.monotonic() < give_up_at, text_of(screen)
        await asyncio.sleep(0.02)


def test_is_found_and_named(socket_path: Path, options: Options) -> None:
    """Discovery names it `local`, and the connection knows its version and codec."""

    async def scene() -> None:
        env = {"XDG_RUNTIME_DIR": str(socket_path.parent.parent), "PATH": ""}
        [target] = (await discover(env=env)).targets
        assert target == SocketTarget("local", str(socket_path))
        async with opened(socket_path, options) as terminal:
            assert terminal.codec in mux.SUPPORTED_CODECS
            assert re.match(r"\d{8}-", terminal.version)
            assert await terminal.clients() == []

    run(scene())


def test_what_a_program_prints_is_heard(socket_path: Path, options: Options) -> None:
    """Rows, titles, alerts and the end of a pane arrive unasked."""
    script = "read x; printf 'wide 日本 and plain\\n\\033]2;a title\\007\\a'; read x"

    async def scene() -> None:
        async with opened(socket_path, options) as terminal, listening_to(terminal) as heard:
            pane_id = await terminal.spawn(shell(script))
            await terminal.write(pane_id, b"\r")
            await until(lambda: any("wide 日本 and plain" in text_of(push) for push in heard.of(ScreenPush)))
            await until(lambda: any(alert.kind == "bell" and alert.pane_id == pane_id for alert in heard.of(Alert)))
            await until(lambda: any(push.title == "a title" for push in heard.of(ScreenPush)))
            await terminal.kill(pane_id)
            await until(lambda: pane_id in [gone.pane_id for gone in heard.of(PaneGone)])
            assert terminal.notice is None

    run(scene())


def test_rows_read_equal_what_the_cli_prints(socket_path: Path, options: Options) -> None:
    """5,000 rows by several requests at once are the 5,000 lines, and the CLI says the same."""

    async def scene() -> None:
        async with opened(socket_path, options) as terminal:
            pane_id = await terminal.spawn(shell("seq -f 'line %.0f' 5000; echo done; read x"))
            await shows(terminal, pane_id, "done")
            async with asyncio.TaskGroup() as group:
                reads = [group.create_task(terminal.read_rows(pane_id, at, at + 500)) for at in range(0, 4500, 500)]
            rows = [row for read in reads for row in read.result().rows]
            assert [row.index for row in rows] == list(range(4500))
            assert [row.text for row in rows] == [f"line {n + 1}" for n in range(4500)]
            cli = await open_cli(SocketTarget("local", str(socket_path)), options, reason="test")
            assert cli.mux == terminal.mux
            by_cli, by_protocol = await cli.read_back(pane_id, 300), await terminal.read_back(pane_id, 300)
            assert by_cli.texts == by_protocol.texts
            assert by_cli.cursor == by_protocol.cursor
            await terminal.kill(pane_id)

    run(scene())


def test_both_ways_list_the_same(socket_path: Path, options: Options) -> None:
    """Titles, places, sizes, cursors of a split tab: only what the CLI cannot know differs."""

    async def scene() -> None:
        async with opened(socket_path, options) as terminal:
            pane_id = await terminal.spawn(shell("echo one; read x", workspace="wa-list", cols=100, rows=30))
            right = await terminal.split(
                SplitRequest(pane_id, "right", 30, argv=["/bin/sh", "-c", "read x"], env=PROGRAM_ENV)
            )
            below = await terminal.split(
                SplitRequest(pane_id, "bottom", 40, argv=["/bin/sh", "-c", "read x"], env=PROGRAM_ENV)
            )
            await shows(terminal, pane_id, "one")
            cli = await open_cli(SocketTarget("local", str(socket_path)), options, reason="test")
            listed = {pane.pane_id: pane for pane in await terminal.list_panes()}
            for pane in await cli.list_panes():
                assert pane == listed[pane.pane_id]._replace(physical_top=None)
            assert listed[right].left_col > 0
            assert listed[below].top_row > 0
            assert listed[pane_id].window_rows == 30
            for each in (pane_id, right, below):
                await terminal.kill(each)

    run(scene())


def test_programs_get_the_environment_that_was_given(socket_path: Path, options: Options) -> None:
    """By protocol and by CLI: our variables and the server's own, none of this process."""

    async def scene() -> None:
        async with opened(socket_path, options) as terminal:
            cli = await open_cli(SocketTarget("local", str(socket_path)), options, reason="test")
            for way in (terminal, cli):
                script = "/usr/bin/env; pwd; echo end; read x"
                asked = await way.spawn(
                    SpawnRequest(argv=["/bin/sh", "-c", script], env={"WA_ONE": "a b=c"}, cwd="/tmp")
                )
                shown = text_of(await shows(terminal, asked, "end"))
                assert "WA_ONE=a b=c" in shown
                assert "PYTEST_CURRENT_TEST" not in shown
                assert "WEZTERM_LOG" not in shown
                assert "/tmp\nend" in shown
                await terminal.kill(asked)

    run(scene())


def test_pastes_are_bracketed_where_asked_for_and_keys_are_raw(socket_path: Path, options: Options) -> None:
    """The program sees the paste in brackets, and the keys as they are; both ways of sending agree."""
    program = (
        "import os, sys, termios, tty; tty.setraw(0); os.write(1, b'\\x1b[?2004hready\\r\\n'); got = b''\n"
        "while not got.endswith(b'!'): got += os.read(0, 1000)\n"
        "os.write(1, ascii(got).encode() + b'\\r\\nend'); os.read(0, 1)"
    )

    async def scene() -> None:
        async with opened(socket_path, options) as terminal:
            cli = await open_cli(SocketTarget("local", str(socket_path)), options, reason="test")
            for way in (terminal, cli):
                pane_id = await terminal.spawn(
                    SpawnRequest(argv=[sys.executable, "-S", "-c", program], env=PROGRAM_ENV, cols=120)
                )
                await shows(terminal, pane_id, "ready")
                await way.paste(pane_id, "ä\nb")
                await shows(terminal, pane_id, "ready")
                await way.write(pane_id, b"\x1b[A!")
                shown = text_of(await shows(terminal, pane_id, "end"))
                assert r"b'\x1b[200~\xc3\xa4\nb\x1b[201~\x1b[A!'" in shown
                await terminal.kill(pane_id)

    run(scene())


def test_refusals_have_the_servers_words(socket_path: Path, options: Options) -> None:
    """A pane that is not there is refused alike, and no log file is left behind by the CLI."""

    async def scene() -> None:
        async with opened(socket_path, options) as terminal:
            cli = await open_cli(SocketTarget("local", str(socket_path)), options, reason="test")
            for way in (terminal, cli):
                with pytest.raises(TerminalRefused, match="no such pane 4242"):
                    await way.paste(4242, "x")
                with pytest.raises(TerminalRefused, match="4242"):
                    await way.split(SplitRequest(4242))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(socket_path.parent.parent))
        run(scene())
    assert not list(socket_path.parent.glob("wezterm-log-*"))


def test_the_cli_shows_output_in_its_time(socket_path: Path, options: Options) -> None:
    """Five panes that print: a line is seen within 600 ms at the 95th percentile, the list kept up beside it."""
    script = "i=0; while [ $i -lt 40 ]; do echo mark $(date +%s%3N) .; i=$((i+1)); sleep 0.17; done; read x"

    async def scene() -> list[int]:
        async with opened(socket_path, options) as terminal:
            panes = [await terminal.spawn(shell(script)) for _ in range(5)]
            cli = await open_cli(SocketTarget("local", str(socket_path)), options, reason="test")
            delays: dict[tuple[int, str], int] = {}
            async with listening_to(cli) as heard:
                taken = 0
                give_up_at = time.monotonic() + 8
                while time.monotonic() < give_up_at:
                    await asyncio.sleep(0.002)
                    now_ms = time.time_ns() // 1_000_000
                    for seen in heard[taken:]:
                        if isinstance(seen, TextFrame) and seen.pane_id in panes:
                            for mark in re.findall(r"mark (\d+) \.", text_of(seen)):
                                delays.setdefault((seen.pane_id, mark), now_ms - int(mark))
                    taken = len(heard)
            for pane_id in panes:
                await terminal.kill(pane_id)
            return sorted(delays.values())[: -len(panes)]

    delays = run(scene(), within_s=40.0)

    assert len(delays) > 100
    print(f"p50 {delays[len(delays) // 2]} ms, p95 {delays[int(len(delays) * 0.95)]} ms")
    assert delays[int(len(delays) * 0.95)] <= 600


def test_a_flood_neither_starves_requests_nor_breaks_the_connection(socket_path: Path, options: Options) -> None:
    """A pane prints 300,000 lines while rows are read: every request is answered, nothing is left over undecoded."""

    async def scene() -> None:
        async with opened(socket_path, options) as terminal, listening_to(terminal) as heard:
            pane_id = await terminal.spawn(shell("read x; seq -f 'line %.0f' 300000; echo end of it; read x"))
            await terminal.write(pane_id, b"\r")
            while not any("end of it" in text_of(push) for push in heard.of(ScreenPush)[-3:]):
                read = await terminal.read_rows(pane_id, 0, 500)
                assert read.failed is None
                await terminal.read_screen(pane_id)
            assert terminal.notice is None
            last = heard.of(ScreenPush)[-1]
            assert last.dims.physical_top + last.dims.viewport_rows >= 300_000
            await terminal.kill(pane_id)

    run(scene(), within_s=120.0)


def test_a_server_held_back_pushes_less_and_loses_nothing(socket_path: Path, options: Options) -> None:
    """Three panes at 200 lines/s: a third of the pushes at most, in them or named by them every line, and no complaint."""
    script = "read x; i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.004; done; echo end; read x"

    async def pushes(terminal: MuxTerminal, late_s: float) -> int:
        async with listening_to(terminal) as heard:
            panes = [await terminal.spawn(shell(script)) for _ in range(3)]
            terminal.relax(late_s)
            for pane_id in panes:
                await terminal.write(pane_id, b"\r")
            ended: set[int] = set()
            taken = 0
            while len(ended) < 3:
                await asyncio.sleep(0.01)
                ended |= {
                    push.pane_id
                    for push in heard[taken:]
                    if isinstance(push, ScreenPush) and "end" in text_of(push).split("\n")
                }
                taken = len(heard)
            terminal.relax(0.0)
            for pane_id in panes:
                mine = [push for push in heard.of(ScreenPush) if push.pane_id == pane_id]
                known = {row.index: row.text for push in mine for row in push.rows}
                top = mine[-1].dims.physical_top
                for at in sorted({at for push in mine for named in push.dirty for at in named if at < top}):
                    known.update({row.index: row.text for row in (await terminal.read_rows(pane_id, at, at + 1)).rows})
                assert [known[index] for index in range(1, 301)] == [f"line {n}" for n in range(300)]
                await terminal.kill(pane_id)
            return len(heard.of(ScreenPush))

    async def scene() -> tuple[int, int]:
        async with opened(socket_path, options) as terminal:
            eager = await pushes(terminal, 0.0)
        async with opened(socket_path, options) as terminal:
            held_back = await pushes(terminal, 0.1)
        return eager, held_back

    eager, held_back = run(scene(), within_s=60.0)
    print(f"{eager} pushes, {held_back} when held back")
    assert held_back * 3 < eager


def test_a_client_that_dies_while_it_holds_the_server_back_is_let_go(tmp_path: Path) -> None:
    """Half a frame and then the end: the server takes it for what it is and serves the next client."""

    async def scene(path: Path, options: Options) -> None:
        async with opened(path, options) as terminal:
            pane_id = await terminal.spawn(shell("while :; do echo x; sleep 0.005; done"))
            terminal.relax(30.0)
            async with listening_to(terminal) as heard:
                await until(lambda: heard.of(Lull))
                pipe = terminal.connection._pipe  # a kill leaves no time to say good-bye
                assert pipe is not None
                pipe.close()
                await until(lambda: heard.of(Disconnected))
        async with opened(path, options) as terminal:
            await shows(terminal, pane_id, "x")
            await terminal.kill(pane_id)

    with tempfile.TemporaryDirectory(dir="/tmp") as folder, real_mux(Path(folder)) as path:
        run(scene(path, Options(control_dir=tmp_path)))
        assert "ERROR" not in (Path(folder) / "server.log").read_text()


def test_a_killed_server_is_a_disconnect_and_its_successor_another(tmp_path: Path) -> None:
    """The end is heard; a new server at the same path has another identity though its panes have the same ids."""

    async def scene(folder: Path) -> tuple[str, list[int]]:
        with real_mux(folder) as path:
            terminal = await connect(SocketTarget("local", str(path)), Options(control_dir=tmp_path))
            panes = [pane.pane_id for pane in await terminal.list_panes()]
            key = terminal.mux.key
            observations = terminal.observations()
            assert isinstance(await anext(observations), Connected)
        kinds = [type(seen) async for seen in observations]
        assert kinds[-1] is Disconnected
        await terminal.close()
        path.unlink(missing_ok=True)
        (path.parent.parent.parent / "server.log").unlink()
        for made in (path.parent, path.parent.parent):
            made.rmdir()
        return key, panes

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        first, second = run(scene(Path(folder))), run(scene(Path(folder)))

    assert first[1] == second[1]
    assert first[0] != second[0]


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
def test_through_ssh_the_same_server_is_the_same(tmp_path: Path) -> None:
    """`wezterm cli proxy` over a real ssh: protocol and CLI, both bound to the remote socket."""

    async def scene(path: Path, target: SshTarget, options: Options) -> None:
        terminal = await connect(target, options)
        assert isinstance(terminal, MuxTerminal)
        async with listening_to(terminal) as heard:
            pane_id = await terminal.spawn(shell("read x; echo over there; read x"))
            await terminal.write(pane_id, b"\r")
            await until(lambda: any("over there" in text_of(push) for push in heard.of(ScreenPush)))
            cli = await open_cli(target, options, reason="test")
            assert isinstance(cli, CliTerminal)
            assert cli.mux == terminal.mux
            assert "over there" in text_of(await cli.read_screen(pane_id))
            with pytest.raises(TerminalRefused, match="no such pane 4242"):
                await cli.paste(4242, "x")
            await cli.close()
        assert not list(path.parent.glob("wezterm-log-*"))

    with tempfile.TemporaryDirectory(dir="/tmp") as folder, remote_host(tmp_path) as host:
        (host.home / "run" / "wezterm").rmdir()
        (host.home / "run").rmdir()
        with real_mux(host.home) as path:
            host.install(f'#!/bin/sh\nexec {COMMAND} "$@"\n')
            target = SshTarget("build-7", ssh=host.client())
            run(scene(path, target, Options(control_dir=Path(folder))))
