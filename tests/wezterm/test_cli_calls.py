import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wa.model.errors import TerminalRefused, TerminalUnreachable
from wa.wezterm import cli_calls
from wa.wezterm.cli_calls import CliCalls, LocalRoute, ServerChanged, Starved
from wezterm.cli_stage import Stage
from wezterm.listener import listening
from wezterm.waiting import run, until


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.pane(0, "one")
    return stage


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[Path]:
    with listening(tmp_path / "sock"):
        yield tmp_path / "sock"


def calls_to(stage: Stage, socket_path: Path, timeout_s: float = 5.0) -> CliCalls:
    return CliCalls(LocalRoute("local", stage.command, str(socket_path)), timeout_s=timeout_s)


def test_the_socket_is_explicit_and_no_server_is_started(
    stage: Stage, socket_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call names its socket in the environment, forbids starting a server, and takes little else along."""
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    monkeypatch.setenv("WEZTERM_PANE", "9")
    run(calls_to(stage, socket_path).call("list", "--format", "json"))

    [call] = stage.calls
    assert call["args"] == ["cli", "--no-auto-start", "list", "--format", "json"]
    assert call["env"]["WEZTERM_UNIX_SOCKET"] == str(socket_path)
    assert "SECRET_TOKEN" not in call["env"]
    assert "WEZTERM_PANE" not in call["env"]


def test_text_travels_on_stdin_never_in_argv(stage: Stage, socket_path: Path) -> None:
    """Whoever lists processes sees no text."""
    run(calls_to(stage, socket_path).call("send-text", "--pane-id", "0", stdin="secret ✓".encode()))

    [call] = stage.calls
    assert not any("secret" in word for word in call["args"])
    assert call["stdin"].encode("latin-1").decode() == "secret ✓"


@pytest.mark.parametrize(
    ("said", "status", "error", "message"),
    [
        (
            'unexpected response Ok(ErrorResponse(ErrorResponse { reason: "Error: no such pane 999" })); terminating\n',
            1,
            TerminalRefused,
            "local: no such pane 999",
        ),
        (
            '09:01:02.1  ERROR  wezterm > failed to connect to Socket("/s"): connecting to /s; terminating\n',
            1,
            ServerChanged,
            "failed to connect",
        ),
        ("error: unexpected argument '--end-line' found\n", 2, TerminalRefused, "unexpected argument"),
        ("", 1, TerminalRefused, "no word"),
        ("thread 'main' panicked at src/main.rs\n", 101, TerminalUnreachable, "panicked"),
    ],
    ids=["refused", "not connected", "usage", "silent", "panic"],
)
def test_what_it_says_becomes_an_error(
    stage: Stage, socket_path: Path, said: str, status: int, error: type[Exception], message: str
) -> None:
    """An answer that says no is told from no answer, with the server's own words."""
    stage.fail("get-text", said, status)

    with pytest.raises(error, match=message):
        run(calls_to(stage, socket_path).call("get-text", "--pane-id", "0"))


def test_the_log_file_of_a_failure_is_taken_away(
    stage: Stage, socket_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each failing `wezterm` leaves wezterm-log-PID.txt in the runtime folder; a poller would fill it."""
    folder = tmp_path / "run" / "wezterm"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    script = tmp_path / "leaver"
    script.write_text(f"#!/bin/sh\ntouch {folder}/wezterm-log-$$.txt {folder}/wezterm-log-1.txt\nexit 1\n")
    script.chmod(0o755)
    calls = CliCalls(LocalRoute("local", (str(script),), str(socket_path)))

    with pytest.raises(TerminalRefused):
        run(calls.call("list"))

    assert [path.name for path in folder.iterdir()] == ["wezterm-log-1.txt"]


def test_a_hanging_command_is_starvation(stage: Stage, socket_path: Path) -> None:
    """After the time-out the call is ended and told as such."""
    stage.hang("list")

    with pytest.raises(Starved):
        run(calls_to(stage, socket_path, timeout_s=0.5).call("list"))


def test_a_missing_command_has_a_next_step(socket_path: Path) -> None:
    """No `wezterm` here: what to install or set is said."""
    calls = CliCalls(LocalRoute("local", ("/nowhere/wezterm",), str(socket_path)))

    with pytest.raises(TerminalUnreachable) as raised:
        run(calls.call("list"))

    assert "WA_WEZTERM" in raised.value.next_step


def test_nothing_is_typed_into_a_server_that_took_the_place(stage: Stage, tmp_path: Path) -> None:
    """After a restart pane ids name other panes: the call is refused before the command runs."""
    path = tmp_path / "sock"
    with listening(path):
        calls = calls_to(stage, path)
    path.rename(tmp_path / "kept")
    with listening(path), pytest.raises(ServerChanged):
        run(calls.call("send-text", "--pane-id", "0", stdin=b"rm -rf /\n"))

    assert stage.calls == []


def test_what_was_read_while_the_server_changed_is_thrown_away(stage: Stage, tmp_path: Path) -> None:
    """Text that may be another server's pane is not handed on."""
    path = tmp_path / "sock"

    async def scene() -> None:
        calls = calls_to(stage, path)
        stage.hang("get-text")
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_changed(calls))
            await until(lambda: stage.calls)
            path.unlink()
            stage.hang("get-text", False)
        assert reading.done()

    with listening(path):
        run(scene())


async def _changed(calls: CliCalls) -> None:
    with pytest.raises(ServerChanged):
        await calls.call("get-text", "--pane-id", "0", "--start-line=0", "--end-line=3")


def test_at_most_four_at_a_time(stage: Stage, socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More calls wait for a place: they would starve the server they ask."""
    running = 0
    most = 0
    original = cli_calls.run

    async def counted(*args: object, **options: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await original(*args, **options)  # type: ignore[arg-type]
        finally:
            running -= 1

    monkeypatch.setattr(cli_calls, "run", counted)

    async def scene() -> None:
        calls = calls_to(stage, socket_path)
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(calls.call("list"))

    run(scene())

    assert most == 4
    assert len(stage.calls) == 10


def test_a_time_out_counts_from_the_start_of_the_call(stage: Stage, socket_path: Path) -> None:
    """Waiting for a place does not use up a call's time."""
    stage.hang("get-text")

    async def scene() -> float:
        calls = calls_to(stage, socket_path, timeout_s=1.0)
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(_starved(calls))
            await asyncio.sleep(0.2)
            start = time.monotonic()
            await calls.call("list")
            return time.monotonic() - start

    assert run(scene()) > 0.5


async def _starved(calls: CliCalls) -> None:
    with pytest.raises(Starved):
        await calls.call("get-text", "--pane-id", "0")
