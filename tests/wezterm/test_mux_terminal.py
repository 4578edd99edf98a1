import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wa.model.errors import ProtocolUnsupported, TerminalRefused, UsageError
from wa.model.observation import (
    Alert,
    Connected,
    Disconnected,
    Interrupted,
    Lull,
    PaneGone,
    RowsRead,
    ScreenPush,
    TabTitled,
    TopologyChanged,
)
from wa.protocol import mux
from wa.wezterm.connect import Options, open_mux
from wa.wezterm.mux_terminal import MuxTerminal
from wa.wezterm.targets import SocketTarget
from wa.wezterm.terminal import SourceKind, SpawnRequest, SplitRequest
from wezterm.fake_mux import FakeMux, FakePane, frame_of
from wezterm.waiting import Heard, listening_to, run, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sock"


@asynccontextmanager
async def opened(path: Path, fake: FakeMux) -> AsyncIterator[MuxTerminal]:
    async with fake.listening(path) as address:
        terminal = await open_mux(SocketTarget("local", address), Options(control_dir=path.parent))
        try:
            yield terminal
        finally:
            await terminal.close()


@asynccontextmanager
async def heard_from(path: Path, fake: FakeMux) -> AsyncIterator[tuple[MuxTerminal, Heard]]:
    async with opened(path, fake) as terminal, listening_to(terminal) as heard:
        await until(lambda: heard)
        yield terminal, heard


def test_says_who_it_is(path: Path) -> None:
    """Identity, version and codec are known from the handshake, and there is nothing to warn of."""

    async def scene() -> None:
        async with opened(path, FakeMux(codec=45)) as terminal:
            assert (terminal.source, terminal.codec, terminal.version) == (SourceKind.PUSH, 45, "20250223-fake")
            assert (terminal.mux.name, terminal.mux.host, terminal.mux.socket) == ("local", "", str(path))
            assert terminal.notice is None

    run(scene())


def test_connecting_changes_nothing_on_the_server(path: Path) -> None:
    """The handshake asks and never registers, focuses, resizes or writes."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake):
            asked = {type(pdu) for pdu in fake.asked}
        assert asked == {mux.GetCodecVersion, mux.ListPanes, mux.GetPaneRenderableDimensions, mux.GetLines}

    run(scene())


def test_pushes_become_observations_in_order(path: Path) -> None:
    """Connected first, then everything as it was sent; what wa has no use for leaves no trace."""

    async def scene() -> None:
        fake = FakeMux()
        async with heard_from(path, fake) as (_, heard):
            fake.push_pane(0)
            fake.push(mux.NotifyAlert(0, mux.Bell()), mux.TabResized(4), mux.SetClipboard(0, "secret", 0))
            fake.push(mux.TabTitleChanged(4, "t"), mux.NotifyAlert(0, mux.UserVar("n", "v")), mux.PaneRemoved(0))
            fake.hang_up()
            await until(lambda: heard.of(Disconnected))
        assert [type(seen) for seen in heard] == [
            Connected,
            ScreenPush,
            Alert,
            TopologyChanged,
            TabTitled,
            Alert,
            PaneGone,
            Disconnected,
        ]
        assert [seen.resized_tab for seen in heard.of(TopologyChanged)] == [4]
        assert [(seen.tab_id, seen.title) for seen in heard.of(TabTitled)] == [(4, "t")]
        assert [(seen.kind, seen.name, seen.value) for seen in heard.of(Alert)] == [
            ("bell", "", ""),
            ("user_var", "n", "v"),
        ]

    run(scene())


def test_everything_heard_before_the_end_is_told_before_it(path: Path) -> None:
    """A server that dies right after printing has its last words heard."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            for _ in range(500):
                fake.push_pane(0)
            await asyncio.sleep(0)
            for connection in fake.connections:
                connection.writer.close()
            heard = Heard([seen async for seen in terminal.observations()])
        assert len(heard.of(ScreenPush)) == 500
        assert isinstance(heard[-1], Disconnected)

    run(scene())


def test_the_first_output_of_an_unlisted_pane_asks_for_a_new_list(path: Path) -> None:
    """WezTerm does not announce a split; its first push is the sign, once."""

    async def scene() -> None:
        fake = FakeMux()
        async with heard_from(path, fake) as (terminal, heard):
            await terminal.list_panes()
            fake.panes[7] = FakePane(7)
            fake.push_pane(7)
            fake.push_pane(7)
            await until(lambda: len(heard.of(ScreenPush)) == 2)
        assert [type(seen) for seen in heard[1:4]] == [TopologyChanged, ScreenPush, ScreenPush]

    run(scene())


def test_a_push_after_the_end_of_its_pane_is_dropped(path: Path) -> None:
    """A killed pane's last push can follow its removal; it must not bring the pane back."""

    async def scene() -> None:
        fake = FakeMux()
        late = fake.panes[0].push(9)
        async with heard_from(path, fake) as (terminal, heard):
            await terminal.list_panes()
            fake.push(mux.PaneRemoved(0), late, mux.NotifyAlert(0, mux.Bell()))
            await until(lambda: heard.of(Alert))
        assert not heard.of(ScreenPush)
        assert not heard.of(TopologyChanged)

    run(scene())


def test_an_unknown_push_is_put_into_quarantine_and_told(path: Path) -> None:
    """A kind wa does not know costs nothing but a notice; the rest goes on."""

    async def scene() -> None:
        fake = FakeMux()
        async with heard_from(path, fake) as (terminal, heard):
            for _ in range(5):
                fake.push_raw(mux.encode_frame(0, 63, b"\x01\x02"))
            fake.push_pane(0)
            await until(lambda: heard.of(ScreenPush))
            assert "63" in (terminal.notice or "")
            assert terminal.error is None
        assert not heard.of(Interrupted)

    run(scene())


def test_an_alert_with_leftover_bytes_marks_its_pane_and_is_ignored_from_then_on(path: Path) -> None:
    """A layout that has grown is not trusted: quarantined by kind, and the pane is read again."""

    async def scene() -> None:
        fake = FakeMux()
        async with heard_from(path, fake) as (terminal, heard):
            for _ in range(3):
                ident, payload = mux.encode(mux.NotifyAlert(0, mux.Bell()), 44)
                fake.push_raw(mux.encode_frame(0, ident, payload + b"\x00"))
            fake.push_pane(0)
            await until(lambda: heard.of(ScreenPush))
            assert "39" in (terminal.notice or "")
        assert [seen.pane_id for seen in heard.of(Interrupted)] == [0]
        assert not heard.of(Alert)

    run(scene())


def test_render_pushes_that_do_not_decode_end_in_giving_the_protocol_up(path: Path) -> None:
    """Two are endured, their pane marked; the third ends the connection as unsupported."""

    async def scene() -> None:
        fake = FakeMux()
        async with heard_from(path, fake) as (terminal, heard):
            ident, payload = mux.encode(fake.panes[0].push(1), 44)
            for _ in range(3):
                fake.push_raw(mux.encode_frame(0, ident, payload + b"\x07"))
                fake.push_pane(0)
            await until(lambda: heard.of(Disconnected))
            assert isinstance(terminal.error, ProtocolUnsupported)
        assert len(heard.of(Interrupted)) == 3
        assert len(heard.of(ScreenPush)) >= 2

    run(scene())


def test_a_payload_that_does_not_inflate_is_quarantined_too(path: Path) -> None:
    """Broken compression is one lost push, not a crash."""

    async def scene() -> None:
        fake = FakeMux()
        whole = bytearray(frame_of(FakePane(0, rows=["x" * 80] * 24).push(1), compress=True))
        whole[-20:] = b"\xee" * 20
        async with heard_from(path, fake) as (terminal, heard):
            fake.push_raw(bytes(whole))
            fake.push_pane(0)
            await until(lambda: heard.of(ScreenPush))
            assert terminal.notice is not None

    run(scene())


def test_lists_panes_of_the_server(path: Path) -> None:
    """Each pane with what the wire tells of it, ordered by window and tab."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes = {5: FakePane(5, window_id=2, tab_id=3), 1: FakePane(1, window_id=0, tab_id=0, tty_name=None)}
        async with opened(path, fake) as terminal:
            panes = await terminal.list_panes()
        assert [(pane.pane_id, pane.tab_id, pane.tty_name) for pane in panes] == [(1, 0, None), (5, 3, "/dev/pts/9")]

    run(scene())


def test_reads_a_whole_viewport(path: Path) -> None:
    """Dimensions, cursor, all rows; title as listed; seqno says that it was asked for."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0].print(*(f"line {n}" for n in range(50)))
        async with opened(path, fake) as terminal:
            screen = await terminal.read_screen(0)
        assert isinstance(screen, ScreenPush)
        assert (screen.seqno, screen.title, screen.cwd) == (-1, "sh", "file:///tmp/")
        assert [row.index for row in screen.rows] == list(range(50, 74))
        assert screen.rows[-1].text == "line 49"

    run(scene())


def test_a_viewport_is_read_again_when_the_screen_changes_in_between(path: Path) -> None:
    """Size and rows come in two answers: rows of another screen than the size tells of are never mixed."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0].print(*(f"primary {n}" for n in range(50)))
        primary = fake.panes[0]
        turns = iter([True, True])

        def flip(ask: mux.GetLines) -> mux.Pdu:
            if next(turns, False):
                alt = FakePane(0, rows=["alternate"] * 24)
                fake.panes[0] = alt if fake.panes[0] is primary else primary
            answer = fake.truth(ask)
            assert isinstance(answer, mux.GetLinesResponse)
            return answer

        async with opened(path, fake) as terminal:
            fake.lies[mux.GetLines] = flip
            screen = await terminal.read_screen(0)
        assert isinstance(screen, ScreenPush)
        assert screen.dims == primary.dims
        assert {row.text.split()[0] for row in screen.rows} == {"primary"}

    run(scene())


def test_a_viewport_that_only_scrolls_on_is_taken_as_it_was(path: Path) -> None:
    """In a flood no two readings agree; rows that belong to the first size are good enough, and the reading ends."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0].print(*(f"line {n}" for n in range(100)))

        def scroll(ask: mux.GetLines) -> mux.Pdu:
            fake.panes[0].print("more", "and more")
            answer = fake.truth(ask)
            assert isinstance(answer, mux.GetLinesResponse)
            return answer

        async with opened(path, fake) as terminal:
            fake.lies[mux.GetLines] = scroll
            screen = await terminal.read_screen(0)
        assert isinstance(screen, ScreenPush)
        assert [row.index for row in screen.rows] == list(screen.dims.viewport)

    run(scene())


def test_a_screen_read_comes_after_what_was_pushed_before_it(path: Path) -> None:
    """The reading is newer than pushes that still wait to be taken: it comes after them and before later ones."""

    async def scene() -> list[str]:
        fake = FakeMux()
        order: list[str] = []

        def answer(ask: mux.GetPaneRenderableDimensions) -> mux.Pdu:
            for _ in range(3):
                fake.push_pane(0)
            fake.connections[0].send(fake.serials[-1], fake.truth(ask))  # type: ignore[arg-type]
            fake.push_pane(0)
            return mux.Pong()  # its serial has been answered

        async with opened(path, fake) as terminal:
            await terminal.list_panes()

            async def listen() -> None:
                async for seen in terminal.observations():
                    if isinstance(seen, ScreenPush):
                        order.append(f"push {seen.seqno}")

            async def read() -> None:
                await terminal.read_screen(0)
                order.append("read")

            async with asyncio.TaskGroup() as group:
                group.create_task(listen())
                await until(lambda: terminal.connection.consumer)
                fake.lies[mux.GetPaneRenderableDimensions] = answer
                await group.create_task(read())
                await until(lambda: len(order) == 9)
                await terminal.close()
        return order

    # The size is asked for twice: the second answer is the one that counts.
    assert run(scene()) == [*(f"push {n}" for n in range(1, 8)), "read", "push 8"]


def test_whoever_listens_may_read_too(path: Path) -> None:
    """A consumer that reads a screen between two observations does not wait for itself."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            for _ in range(20):
                fake.push_pane(0)
            async with asyncio.timeout(2.0):
                count = 0
                async for seen in terminal.observations():
                    await terminal.read_screen(0)
                    await terminal.list_panes()
                    count += isinstance(seen, ScreenPush)
                    if count == 20:
                        break

    run(scene())


def test_reads_rows_many_at_a_time(path: Path) -> None:
    """Several reads under way at once; each gets its own rows."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0].print(*(f"line {n}" for n in range(5000)))
        async with opened(path, fake) as terminal, asyncio.TaskGroup() as group:
            reads = [group.create_task(terminal.read_rows(0, at, at + 500)) for at in range(0, 4000, 500)]
        for at, read in zip(range(0, 4000, 500), reads, strict=True):
            answer = read.result()
            assert (answer.requested, answer.failed) == (range(at, at + 500), None)
            assert [row.index for row in answer.rows] == list(range(at, at + 500))

    run(scene())


def test_clamped_rows_are_handed_on_with_their_own_numbers(path: Path) -> None:
    """Trimmed rows come back as others; nothing is renumbered to please the caller."""

    async def scene() -> RowsRead:
        fake = FakeMux()
        fake.panes[0].first_index = 900
        fake.panes[0].print(*(f"line {n}" for n in range(100)))
        async with opened(path, fake) as terminal:
            return await terminal.read_rows(0, 100, 110)

    answer = run(scene())

    assert answer.requested == range(100, 110)
    assert answer.rows[0].index == 900


@pytest.mark.parametrize("why", ["no such pane", "closed", "does not decode"])
def test_rows_that_could_not_be_read_are_unknown_not_absent(path: Path, why: str) -> None:
    """A refusal, a broken connection, an answer that does not decode: told in the reading, never an empty success."""

    async def scene() -> RowsRead:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            if why == "closed":
                fake.lies[mux.GetLines] = lambda _: fake.hang_up()
            elif why == "does not decode":
                fake.lies[mux.GetLines] = lambda _: mux.encode_frame(fake.serials[-1], 23, b"\x00\x01")
            return await terminal.read_rows(9 if why == "no such pane" else 0, 0, 5)

    answer = run(scene())

    assert answer.failed is not None
    assert answer.rows == ()


def test_reads_back_history_as_text(path: Path) -> None:
    """History and viewport in one, oldest first, with what is known of its beginning."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0].print(*(f"line {n}" for n in range(1200)))
        async with opened(path, fake) as terminal:
            some = await terminal.read_back(0, 700)
            everything = await terminal.read_back(0, 5000)
        assert (some.history_rows, some.complete, len(some.texts)) == (700, False, 724)
        assert (some.texts[0], some.texts[-1]) == ("line 476", "line 1199")
        assert (everything.history_rows, everything.complete) == (1200, True)

    run(scene())


def test_writes_reach_the_server_as_they_are(path: Path) -> None:
    """Paste, keys, title and kill carry what was given and nothing else."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            await terminal.paste(0, "zeile\nmit ✓")
            await terminal.write(0, b"\r\xff")
            await terminal.set_tab_title(4, "wa")
            await terminal.kill(0)
        assert fake.asked[-4:] == [
            mux.SendPaste(0, "zeile\nmit ✓"),
            mux.WriteToPane(0, b"\r\xff"),
            mux.TabTitleChanged(4, "wa"),
            mux.KillPane(0),
        ]

    run(scene())


def test_too_many_keystrokes_are_refused_before_they_are_sent(path: Path) -> None:
    """Beyond 1 KiB the server's main thread would be at risk; nothing of it is sent."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            await terminal.write(0, b"x" * 1024)
            with pytest.raises(UsageError):
                await terminal.write(0, b"x" * 1025)
        assert [len(pdu.data) for pdu in fake.asked if isinstance(pdu, mux.WriteToPane)] == [1024]

    run(scene())


def test_spawns_and_splits_with_exactly_the_environment_given(path: Path) -> None:
    """argv, cwd, environment and place go out as asked; the id of the new pane comes back."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            spawned = await terminal.spawn(
                SpawnRequest(argv=["agent", "--x"], cwd="/tmp", env={"A": "1"}, cols=100, rows=30)
            )
            split = await terminal.split(SplitRequest(0, "left", 30))
        assert {spawned, split} == {100, 101}
        spawn, halve = fake.asked[-2:]
        assert isinstance(spawn, mux.SpawnV2)
        assert (spawn.workspace, spawn.window_id, spawn.command_dir) == ("wa", None, "/tmp")
        assert spawn.command is not None
        assert (spawn.command.args, [name for name, _ in spawn.command.envs]) == ((b"agent", b"--x"), [b"A"])
        assert (spawn.size.cols, spawn.size.rows) == (100, 30)
        assert isinstance(halve, mux.SplitPane)
        assert halve.split_request == mux.SplitRequest(0, target_is_second=False, size=mux.SplitPercent(30))

    run(scene())


@pytest.mark.parametrize(
    "request_",
    [
        SpawnRequest(window_id=1, workspace="w"),
        SpawnRequest(env={"A": "1"}),
        SpawnRequest(argv=["a\0b"]),
        SpawnRequest(argv=["a"], env={"A=B": "1"}),
        SplitRequest(0, "sideways"),
        SplitRequest(0, percent=0),
    ],
)
def test_wishes_that_make_no_sense_are_refused_here(path: Path, request_: SpawnRequest | SplitRequest) -> None:
    """What the server would misread or ignore is an error before anything is sent."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            sent = len(fake.asked)
            with pytest.raises(UsageError):
                await (terminal.spawn(request_) if isinstance(request_, SpawnRequest) else terminal.split(request_))
            assert len(fake.asked) == sent

    run(scene())


def test_clients_are_told_with_their_ages(path: Path) -> None:
    """Times on the wire become seconds since."""

    async def scene() -> None:
        async with opened(path, FakeMux()) as terminal:
            [client] = await terminal.clients()
        assert (client.hostname, client.focused_pane_id) == ("host", 0)
        assert client.connected_s - client.idle_s == pytest.approx(5.0, abs=0.01)

    run(scene())


def test_refusals_leave_the_connection_standing(path: Path) -> None:
    """Every kind of write to a pane that is not there is refused by name."""

    async def scene() -> None:
        async with opened(path, FakeMux()) as terminal:
            for attempt in (terminal.paste(9, "x"), terminal.write(9, b"x"), terminal.kill(9), terminal.read_screen(9)):
                with pytest.raises(TerminalRefused, match="no such pane 9"):
                    await attempt
            assert await terminal.list_panes()

    run(scene())


def test_a_server_that_loses_updates_is_looked_at_when_it_falls_quiet(path: Path) -> None:
    """With codec 42 the last change of a pane may never be pushed: shortly after a push the screen is read anyway."""

    async def scene() -> None:
        fake = FakeMux(codec=42)
        async with heard_from(path, fake) as (_, heard):
            fake.push_pane(0)
            await until(lambda: heard.of(ScreenPush))
            fake.panes[0].print("never pushed")
            await until(lambda: len(heard.of(ScreenPush)) == 2)
        read = heard.of(ScreenPush)[-1]
        assert (read.seqno, read.rows[-1].text) == (-1, "never pushed")

    run(scene())


def test_a_long_queue_leaves_turns_to_others(path: Path) -> None:
    """Thousands of pushes that wait are taken in slices: other tasks run in between."""

    async def scene() -> None:
        fake = FakeMux()
        async with opened(path, fake) as terminal:
            for _ in range(3000):
                fake.push_pane(0)
            await until(lambda: len(terminal.connection.inbox) == 3000)
            turns = 0

            async def count_turns() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0)
                    turns += 1

            async with asyncio.TaskGroup() as group:
                counting = group.create_task(count_turns())
                taken = 0
                async for seen in terminal.observations():
                    taken += isinstance(seen, ScreenPush)
                    if taken == 3000:
                        break
                counting.cancel()
            assert turns >= 10

    run(scene())


def test_a_slow_consumer_never_holds_up_the_socket(path: Path) -> None:
    """More is pushed than may wait: the bound holds, an Interrupted stands for it, the server is not stalled."""

    async def scene() -> None:
        fake = FakeMux()
        fake.panes[0] = FakePane(0, rows=[f"{n:080d}" for n in range(24)])
        async with opened(path, fake) as terminal:
            inbox = terminal.connection.inbox
            inbox._max = 200_000
            for _ in range(300):
                fake.push(fake.panes[0].push(1), compress=False)
                await asyncio.sleep(0)
            await until(lambda: fake.connections[0].writer.transport.get_write_buffer_size() == 0)
            await until(lambda: inbox.overflows)
            assert inbox.queued_bytes <= 200_000
            await terminal.read_rows(0, 0, 1)
            await terminal.close()
            heard = Heard([seen async for seen in terminal.observations()])
        assert [seen.pane_id for seen in heard.of(Interrupted)] == [0]
        assert heard.index(heard.of(Interrupted)[0]) < len(heard) - 1

    run(scene())


def test_a_lull_is_told_after_what_was_heard_before_it(path: Path) -> None:
    """Held back, the server pushes in groups; after each there is nothing more to wait for."""

    async def scene() -> None:
        fake = FakeMux()
        async with heard_from(path, fake) as (terminal, heard):
            terminal.relax(0.05)
            pushed = 0
            while not heard.of(Lull):
                fake.panes[0].print(f"line {pushed}")
                fake.push_pane(0)
                pushed += 1
                await asyncio.sleep(0.005)
            before = [type(seen) for seen in heard[: heard.index(heard.of(Lull)[0])]]
            assert before.count(ScreenPush) >= 4
            await until(lambda: len(heard.of(ScreenPush)) == pushed)
            await until(lambda: fake.asked[-1] == mux.Ping())

    run(scene())
