"""Through a real ssh and a real sshd on loopback."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wa.model.errors import TerminalUnreachable, WezTermError
from wa.model.observation import Disconnected, ScreenPush, TextFrame
from wa.wezterm.cli_terminal import CliTerminal
from wa.wezterm.connect import Options, connect
from wa.wezterm.mux_terminal import MuxTerminal
from wa.wezterm.targets import SshTarget
from wezterm.cli_stage import FAKE, Stage
from wezterm.fake_mux import FakeMux
from wezterm.sshd import SSHD, RemoteHost, remote_host
from wezterm.waiting import listening_to, run, until

pytestmark = [pytest.mark.ssh, pytest.mark.skipif(SSHD is None, reason="sshd is not installed")]

RELAY = Path(__file__).with_name("relay.py")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[RemoteHost]:
    with remote_host(tmp_path) as host:
        stage = tmp_path / "stage"
        stage.mkdir()
        host.install(
            f'#!/bin/sh\nfor word; do last=$word; done\nif [ "$last" = proxy ]; then\n'
            f'exec {sys.executable} {RELAY} "$XDG_RUNTIME_DIR/wezterm/sock"\nfi\n'
            f'shift; exec {sys.executable} -S {FAKE} {stage} cli "$@"\n'
        )
        yield host


def target(host: RemoteHost, **client: object) -> SshTarget:
    return SshTarget("build-7", ssh=host.client(**client))  # type: ignore[arg-type]


@pytest.fixture
def control() -> Iterator[Path]:
    """Short, as a runtime folder is: ssh binds sockets in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def options(control: Path) -> Options:
    return Options(control_dir=control, ssh_handshake_s=10.0)


def failure(tried: SshTarget, options: Options) -> WezTermError:
    with pytest.raises(WezTermError) as raised:
        run(connect(tried, options))
    return raised.value


def test_speaks_the_protocol_through_ssh(host: RemoteHost, options: Options) -> None:
    """The same code over ssh: panes, pushes, pastes; named after the host, identified by the remote socket."""

    async def scene() -> None:
        fake = FakeMux()
        async with fake.listening(host.socket):
            terminal = await connect(target(host), options)
            assert isinstance(terminal, MuxTerminal)
            found = host.socket.stat()
            assert terminal.mux.host == terminal.mux.name == "build-7"
            assert terminal.mux.socket == str(host.socket)
            assert terminal.mux.started == f"{found.st_ino}-{int(found.st_mtime)}"
            async with listening_to(terminal) as heard:
                fake.panes[0].print("over there")
                fake.push_pane(0)
                await until(lambda: heard.of(ScreenPush))
                await terminal.paste(0, "hello ✓" * 20_000)
                assert heard.of(ScreenPush)[0].rows[-1].text == "over there"
        assert fake.asked[-1].data == "hello ✓" * 20_000  # type: ignore[union-attr]

    run(scene())


def test_a_restarted_remote_server_is_another_one(host: RemoteHost, options: Options) -> None:
    """Its end is heard; the next connection has another identity."""

    async def scene() -> None:
        names = []
        for _ in range(2):
            fake = FakeMux()
            async with fake.listening(host.socket):
                terminal = await connect(target(host), options)
                names.append(terminal.mux.key)
                async with listening_to(terminal) as heard:
                    await until(lambda: heard)
                    fake.hang_up()
                    await until(lambda: heard.of(Disconnected))
            host.socket.rename(host.home / f"kept-{len(names)}")
        assert len(set(names)) == 2

    run(scene())


def test_a_dropped_ssh_is_a_disconnect(host: RemoteHost, options: Options) -> None:
    """The ssh process dies: told with a reason, and nothing of it is left."""

    async def scene() -> None:
        async with FakeMux().listening(host.socket):
            terminal = await connect(target(host), options)
            assert isinstance(terminal, MuxTerminal)
            async with listening_to(terminal) as heard:
                await until(lambda: heard)
                os.kill(terminal.connection._pipe._transport.get_pid(), signal.SIGKILL)  # type: ignore[union-attr]
                await until(lambda: heard.of(Disconnected))
            assert "build-7" in heard.of(Disconnected)[0].reason

    run(scene())


def test_no_ssh_process_outlives_its_terminal(host: RemoteHost, options: Options, control: Path) -> None:
    """While it stands the connection is there to be shared; after close nothing of it is left."""

    async def scene() -> None:
        async with FakeMux().listening(host.socket):
            terminal = await connect(target(host), options)
            assert len(os.listdir(control)) == 1  # noqa: PTH208
            await terminal.close()
            await until(lambda: not os.listdir(control))  # noqa: PTH208

    run(scene())


def test_a_shell_that_greets_is_told_where_to_look(host: RemoteHost, options: Options) -> None:
    """Output of the remote's startup files corrupts the stream: the error says so and shows it."""
    (host.home / "greeting").write_text("Welcome to build-7, have a lot of fun\n")

    error = failure(target(host), options)

    assert "have a lot of fun" in error.message
    assert "shell startup" in error.next_step


def test_a_short_greeting_is_noticed_too(host: RemoteHost, options: Options) -> None:
    """Three bytes look like the beginning of a frame; what follows gives them away."""

    async def scene() -> None:
        async with FakeMux().listening(host.socket):
            with pytest.raises(WezTermError) as raised:
                await connect(target(host), options)
            assert "shell startup" in raised.value.next_step

    (host.home / "greeting").write_text("hi\n")
    run(scene(), within_s=8.0)


def test_an_unknown_host_key_is_not_accepted(host: RemoteHost, options: Options) -> None:
    """Nobody is asked and nothing is trusted on first use by wa itself."""
    assert "host key" in failure(target(host, known=False), options).message


def test_a_key_that_is_not_welcome_is_told(host: RemoteHost, options: Options) -> None:
    """No password prompt: the error says that a key is needed."""
    error = failure(target(host, key="stranger"), options)

    assert isinstance(error, TerminalUnreachable)
    assert "BatchMode" in error.next_step


def test_a_host_without_wezterm_is_told(host: RemoteHost, options: Options) -> None:
    """Not on the PATH of a non-interactive shell: say so, and what to set."""
    (host.home / "bin" / "wezterm").unlink()

    assert "not on the PATH" in failure(target(host), options).message


def test_a_host_without_a_server_is_told(host: RemoteHost, options: Options) -> None:
    """Nothing is started there."""
    error = failure(target(host), options)

    assert "no mux server" in error.message
    assert "wezterm-mux-server" in error.next_step


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "/usr/bin/zsh", "/usr/bin/fish", "/bin/csh"])
def test_polls_through_ssh_where_the_codec_is_unknown(host: RemoteHost, options: Options, shell: str) -> None:
    """Codec 99 over there: the CLI stands in, in whatever shell the user has, bound to the server that was seen."""
    if not Path(shell).exists():
        pytest.skip(f"{shell} is not installed")
    host.use_shell(shell)
    stage = Stage(host.home.parent / "stage")
    stage.pane(0, "remote one")

    async def scene() -> None:
        async with FakeMux(codec=99).listening(host.socket):
            terminal = await connect(target(host), options)
            assert isinstance(terminal, CliTerminal)
            assert terminal.mux.host == "build-7"
            async with listening_to(terminal) as heard:
                await until(lambda: heard.of(TextFrame))
                stage.print(0, "remote two")
                await until(lambda: "remote two" in heard.of(TextFrame)[-1].texts)
                await terminal.paste(0, "héllo $HOME 'quoted'\n")
                await terminal.set_tab_title(0, 'it\'s "mine" $x `y`')
                host.socket.rename(host.home / "kept")
                with pytest.raises(TerminalUnreachable):
                    await terminal.paste(0, "wrong server")
        sent = [call["stdin"].encode("latin-1").decode() for call in stage.calls if "send-text" in call["args"]]
        assert sent == ["héllo $HOME 'quoted'\n"]
        titles = [call["args"][-1] for call in stage.calls if "set-tab-title" in call["args"]]
        assert titles == ['it\'s "mine" $x `y`']

    run(scene())
