import asyncio
import sys
from pathlib import Path

import pytest

from wa.model.errors import ProtocolUnsupported, TerminalUnreachable
from wa.model.observation import Disconnected
from wa.protocol import mux
from wa.wezterm.cli_terminal import CliTerminal
from wa.wezterm.connect import Connector, Options, connect
from wa.wezterm.mux_terminal import MuxTerminal
from wa.wezterm.targets import SocketTarget
from wezterm.cli_stage import Stage
from wezterm.fake_mux import FakeMux
from wezterm.waiting import listening_to, run, until


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.pane(0, "one")
    return stage


def options(stage: Stage) -> Options:
    return Options(wezterm=stage.command, control_dir=stage.folder)


def test_the_protocol_is_used_where_it_can_be(stage: Stage, tmp_path: Path) -> None:
    """A server that is understood is not polled."""

    async def scene() -> None:
        async with FakeMux().listening(tmp_path / "sock") as address:
            terminal = await connect(SocketTarget("local", address), options(stage))
            await terminal.close()
            assert isinstance(terminal, MuxTerminal)
        assert stage.calls == []

    run(scene())


def test_an_unknown_codec_falls_back_to_the_cli_with_a_notice(stage: Stage, tmp_path: Path) -> None:
    """Codec 99: polled, the version kept, and the notice says why."""

    async def scene() -> None:
        async with FakeMux(codec=99).listening(tmp_path / "sock") as address:
            terminal = await connect(SocketTarget("local", address), options(stage))
            await terminal.close()
            assert isinstance(terminal, CliTerminal)
            assert "codec 99" in terminal.notice
            assert terminal.version == "20250223-fake"

    run(scene())


def test_both_ways_name_the_same_server_alike(stage: Stage, tmp_path: Path) -> None:
    """Panes keep their identity when the CLI takes over."""

    async def scene() -> None:
        fake = FakeMux()
        async with fake.listening(tmp_path / "sock") as address:
            target = SocketTarget("local", address)
            first = await connect(target, options(stage))
            await first.close()
            fake.codec = 99
            second = await connect(target, options(stage))
            await second.close()
            assert first.mux == second.mux

    run(scene())


def test_without_a_cli_the_reason_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither understood nor to be polled: one error with both reasons and what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WA_WEZTERM", raising=False)

    async def scene() -> None:
        async with FakeMux(codec=99).listening(tmp_path / "sock") as address:
            with pytest.raises(ProtocolUnsupported, match=r"codec 99.*no `wezterm` command") as raised:
                await connect(SocketTarget("local", address), Options(control_dir=tmp_path))
            assert "WA_WEZTERM" in raised.value.next_step

    run(scene())


def test_a_dead_socket_is_unreachable_and_nothing_is_started(stage: Stage, tmp_path: Path) -> None:
    """No server: an error that says how the socket was found, no CLI, no new process."""
    with pytest.raises(TerminalUnreachable) as raised:
        run(connect(SocketTarget("local", str(tmp_path / "none")), options(stage)))

    assert raised.value.details["outcome"] == "missing"
    assert stage.calls == []


def test_a_protocol_that_fails_later_is_not_tried_again_with_that_server(stage: Stage, tmp_path: Path) -> None:
    """It passed the self-test and then sent what does not decode: the next connection polls, and says why."""

    async def scene() -> None:
        fake = FakeMux()
        async with fake.listening(tmp_path / "sock") as address:
            connector = Connector(SocketTarget("local", address), options(stage))
            first = await connector.connect()
            async with listening_to(first) as heard:
                await until(lambda: heard)
                ident, payload = mux.encode(fake.panes[0].push(1), 44)
                for _ in range(3):
                    fake.push_raw(mux.encode_frame(0, ident, payload + b"\x01"))
                await until(lambda: heard.of(Disconnected))
            for _ in range(2):
                again = await connector.connect()
                await again.close()
                assert isinstance(again, CliTerminal)
                assert "leaves 1 of" in again.notice

    run(scene())


def test_a_restarted_server_is_given_a_new_chance_and_a_new_name(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an update the layout may be sound again; the identity differs, so no pane is taken for an old one."""

    async def scene() -> None:
        connector = Connector(SocketTarget("local", str(tmp_path / "sock")), options(stage))

        async def identity(fake: FakeMux) -> str:
            async with fake.listening(tmp_path / "sock"):
                terminal = await connector.connect()
                assert isinstance(terminal, MuxTerminal)
                terminal.connection.fail(ProtocolUnsupported("a layout unknown"))
                await terminal.close()
            (tmp_path / "sock").unlink(missing_ok=True)
            return terminal.mux.key

        first = await identity(FakeMux())
        # The fake server lives in this process; what a new process would change is its start.
        monkeypatch.setattr("wa.wezterm.peers._process_start", lambda _: "later")
        assert await identity(FakeMux()) != first

    run(scene())


def test_an_ordinary_disconnect_is_no_reason_for_distrust(stage: Stage, tmp_path: Path) -> None:
    """A dropped connection is made again by protocol."""

    async def scene() -> None:
        fake = FakeMux()
        async with fake.listening(tmp_path / "sock") as address:
            connector = Connector(SocketTarget("local", address), options(stage))
            for _ in range(3):
                terminal = await connector.connect()
                assert isinstance(terminal, MuxTerminal)
                fake.hang_up()
                assert [type(seen) async for seen in terminal.observations()][-1] is Disconnected
                await terminal.close()

    run(scene())


def test_a_cancelled_connect_leaves_nothing_open(stage: Stage, tmp_path: Path) -> None:
    """Whoever gives up while the server is silent leaves no connection behind."""

    async def scene() -> None:
        fake = FakeMux()
        fake.lies[mux.GetCodecVersion] = lambda _: None
        async with fake.listening(tmp_path / "sock") as address:
            async with asyncio.TaskGroup() as group:
                connecting = group.create_task(connect(SocketTarget("local", address), options(stage)))
                await until(lambda: fake.asked)
                connecting.cancel()
            await until(lambda: not fake.connections)

    run(scene())


def test_the_proxy_of_the_cli_is_a_transport_too(tmp_path: Path) -> None:
    """Through a child's stdio the same server is spoken to and named alike."""
    shim = tmp_path / "shim"
    relay = Path(__file__).with_name("relay.py")
    shim.write_text(
        f'#!/bin/sh\n[ "$*" = "cli --no-auto-start proxy" ] && exec {sys.executable} {relay} $WEZTERM_UNIX_SOCKET\n'
    )
    shim.chmod(0o755)

    async def scene() -> None:
        fake = FakeMux()
        async with fake.listening(tmp_path / "sock") as address:
            opts = Options(wezterm=(str(shim),), control_dir=tmp_path)
            terminal = await connect(SocketTarget("local", address, through_proxy=True), opts)
            direct = await connect(SocketTarget("local", address), opts)
            assert isinstance(terminal, MuxTerminal)
            assert terminal.mux == direct.mux
            assert [pane.pane_id for pane in await terminal.list_panes()] == [0]
            await terminal.close()
            await direct.close()

    run(scene())
