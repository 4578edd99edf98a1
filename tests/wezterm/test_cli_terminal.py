import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wa.model.errors import ProtocolUnsupported, TerminalRefused, TerminalUnreachable, UsageError
from wa.model.observation import Disconnected, PaneGone, TextFrame
from wa.wezterm.cli_terminal import CliTerminal
from wa.wezterm.connect import Options, open_cli
from wa.wezterm.targets import SocketTarget
from wa.wezterm.terminal import SourceKind, SpawnRequest, SplitRequest
from wezterm.cli_stage import Stage
from wezterm.listener import listening
from wezterm.waiting import listening_to, run, until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with listening(tmp_path / "sock"):
        stage = Stage(tmp_path)
        stage.pane(0, "one", "two")
        yield stage


@asynccontextmanager
async def opened(stage: Stage, timeout_s: float = 5.0) -> AsyncIterator[CliTerminal]:
    options = Options(wezterm=stage.command, control_dir=stage.folder, cli_timeout_s=timeout_s)
    target = SocketTarget("local", str(stage.folder / "sock"))
    terminal = await open_cli(target, options, reason="codec 99 is unknown")
    try:
        yield terminal
    finally:
        await terminal.close()


def test_says_visibly_that_it_stands_in_and_why(stage: Stage) -> None:
    """The notice names the CLI and the reason; there is no codec."""

    async def scene() -> None:
        async with opened(stage) as terminal:
            assert (terminal.source, terminal.codec) == (SourceKind.CLI, None)
            assert "wezterm cli" in terminal.notice
            assert "codec 99 is unknown" in terminal.notice

    run(scene())


def test_reads_a_screen_row_by_row(stage: Stage) -> None:
    """One text for each row of the viewport, blank ones too, with cursor, size and title as listed."""
    stage.pane(3, "a", "", "c ", "d", height=4, title="vim", cursor_x=2, cursor_y=1, cwd="file:///tmp/")

    async def scene() -> TextFrame:
        async with opened(stage) as terminal:
            frame = await terminal.read_screen(3)
            assert isinstance(frame, TextFrame)
            return frame

    frame = run(scene())

    assert frame.texts == ("a", "", "c ", "d")
    assert (frame.cols, frame.viewport_rows, frame.history_rows) == (80, 4, 0)
    assert (frame.cursor, frame.title, frame.cwd) == ((2, 1), "vim", "file:///tmp/")


def test_reads_back_history_and_knows_where_it_ends(stage: Stage) -> None:
    """Fewer rows than asked for means that there are no older ones."""
    stage.pane(3, *(f"row {n}" for n in range(20)))

    async def scene() -> tuple[TextFrame, TextFrame]:
        async with opened(stage) as terminal:
            return await terminal.read_back(3, 10), await terminal.read_back(3, 100)

    some, everything = run(scene())

    assert (some.history_rows, some.complete, some.texts[0], some.texts[-1]) == (10, False, "row 6", "row 19")
    assert (everything.history_rows, everything.complete, len(everything.texts)) == (16, True, 20)


def test_bytes_that_are_not_utf8_are_replaced_not_fatal(stage: Stage) -> None:
    """A program may print anything; what cannot be decoded shows as U+FFFD."""
    stage.pane(3, b"caf\xe9 \xff\xfe", "ünï ✓ 日本".encode(), b"nul\x00byte")

    async def scene() -> TextFrame:
        async with opened(stage) as terminal:
            return await terminal.read_back(3, 0)

    assert run(scene()).texts == ("caf\ufffd \ufffd\ufffd", "ünï ✓ 日本", "nul\x00byte", "")


def test_a_frame_that_does_not_fit_the_listed_size_is_asked_again(stage: Stage) -> None:
    """The pane shrank after the list: the range was clamped without a word, so list and text are read anew."""
    stage.pane(3, *"abcdef", height=6)

    async def scene() -> TextFrame:
        async with opened(stage) as terminal:
            stage.pane(3, *"abcdef", height=3)
            return await terminal._frame(3, 0, list_first=False)

    assert run(scene()).texts == ("d", "e", "f")


def test_rows_by_number_are_not_to_be_had(stage: Stage) -> None:
    """The CLI gives no numbers, so the reading fails with that reason rather than with guesses."""

    async def scene() -> str | None:
        async with opened(stage) as terminal:
            return (await terminal.read_rows(0, 0, 5)).failed

    assert "row numbers" in (run(scene()) or "")


def test_writes_carry_text_on_stdin(stage: Stage) -> None:
    """Paste and keys go to the right pane, by stdin, as they are."""

    async def scene() -> None:
        async with opened(stage) as terminal:
            await terminal.paste(0, "zwei\nzeilen ✓")
            await terminal.write(0, b"\r")
            await terminal.set_tab_title(4, "--title")
            await terminal.kill(0)

    run(scene())

    paste, keys, title, kill = stage.calls[1:]
    assert paste["args"][2:] == ["send-text", "--pane-id", "0"]
    assert paste["stdin"].encode("latin-1").decode() == "zwei\nzeilen ✓"
    assert (keys["args"][2:], keys["stdin"]) == (["send-text", "--no-paste", "--pane-id", "0"], "\r")
    assert title["args"][2:] == ["set-tab-title", "--tab-id", "4", "--", "--title"]
    assert kill["args"][2:] == ["kill-pane", "--pane-id", "0"]


@pytest.mark.parametrize("data", [b"x" * 1025, b"\xff\xfe"], ids=["too many", "not UTF-8"])
def test_keys_it_cannot_send_are_refused(stage: Stage, data: bytes) -> None:
    """The command takes nothing but UTF-8, and never more than the server's main thread can bear."""

    async def scene() -> None:
        async with opened(stage) as terminal:
            calls = len(stage.calls)
            with pytest.raises(UsageError):
                await terminal.write(0, data)
            assert len(stage.calls) == calls

    run(scene())


def test_spawns_with_the_environment_given(stage: Stage) -> None:
    """The command hands its own environment on, so it gets the one that is asked for and the socket."""

    async def scene() -> None:
        async with opened(stage) as terminal:
            request = SpawnRequest(argv=["agent", "--x"], cwd="/tmp", env={"A": "1"})
            assert await terminal.spawn(request) == 77
            assert await terminal.split(SplitRequest(0, "top", 30)) == 77
            assert await terminal.spawn(SpawnRequest(window_id=3)) == 77

    run(scene())

    spawn, split, tab = stage.calls[1:]
    place = ["--new-window", "--workspace", "wa"]
    assert spawn["args"][2:] == ["spawn", *place, "--cwd", "/tmp", "--", "agent", "--x"]
    assert {name: value for name, value in spawn["env"].items() if name != "LC_CTYPE"} == {
        "A": "1",
        "WEZTERM_UNIX_SOCKET": str(stage.folder / "sock"),
    }
    assert split["args"][2:] == ["split-pane", "--top", "--percent", "30", "--pane-id", "0"]
    assert tab["args"][2:] == ["spawn", "--window-id", "3"]


def test_lists_clients(stage: Stage) -> None:
    """GUIs attached to the server, with what they look at."""
    times = {"connection_elapsed": {"secs": 9, "nanos": 0}, "idle_time": {"secs": 1, "nanos": 500_000_000}}
    entry = {"username": "me", "hostname": "h", "pid": 7, "workspace": "w", "focused_pane_id": None, **times}
    stage.write("clients.json", json.dumps([entry]))

    async def scene() -> None:
        async with opened(stage) as terminal:
            [client] = await terminal.clients()
            assert (client.pid, client.idle_s, client.focused_pane_id) == (7, 1.5, None)

    run(scene())


def test_hears_what_programs_print(stage: Stage) -> None:
    """A change on the screen becomes a frame, and a pane that goes is told."""

    async def scene() -> None:
        async with opened(stage) as terminal, listening_to(terminal) as heard:
            await until(lambda: heard.of(TextFrame))
            stage.print(0, "three")
            await until(lambda: "three" in heard.of(TextFrame)[-1].texts)
            stage.remove(0)
            await until(lambda: heard.of(PaneGone))

    run(scene())


def test_a_restarted_server_ends_it(stage: Stage, tmp_path: Path) -> None:
    """The socket's file is another one: Disconnected, so that whoever holds it connects anew to the new one."""

    async def scene() -> None:
        async with opened(stage) as terminal, listening_to(terminal) as heard:
            await until(lambda: heard.of(TextFrame))
            (tmp_path / "sock").rename(tmp_path / "kept")
            with listening(tmp_path / "sock"):
                await until(lambda: heard.of(Disconnected))
                with pytest.raises(TerminalUnreachable):
                    await terminal.paste(0, "into the wrong pane")

    run(scene())

    assert not any("send-text" in call["args"] for call in stage.calls)


def test_a_starved_server_is_asked_less_often(stage: Stage) -> None:
    """Each time-out doubles the wait: of what could be dozens of calls there are a few."""

    async def scene() -> int:
        async with opened(stage, timeout_s=0.3) as terminal, listening_to(terminal) as heard:
            await until(lambda: heard.of(TextFrame))
            stage.hang("list")
            stage.hang("get-text")
            before = len(stage.calls)
            await until(lambda: terminal._plan.strain >= 3)
            await asyncio.sleep(1.5)
            assert not heard.of(PaneGone)
            return len(stage.calls) - before

    assert run(scene()) <= 8


def test_a_server_that_prints_no_list_is_not_understood(stage: Stage) -> None:
    """Rubbish where JSON should be is an error with its first words, not an empty list of panes."""
    stage.write("list.json", "Welcome!\n")

    async def scene() -> None:
        with pytest.raises(ProtocolUnsupported, match="Welcome"):
            async with opened(stage):
                pass

    run(scene())


def test_an_unknown_pane_is_refused(stage: Stage) -> None:
    """A pane that no list has is named in the refusal."""

    async def scene() -> None:
        async with opened(stage) as terminal:
            with pytest.raises(TerminalRefused, match="no such pane 9"):
                await terminal.read_screen(9)

    run(scene())
