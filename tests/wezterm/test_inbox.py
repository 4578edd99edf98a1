import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from wa.model.observation import Interrupted, PaneGone, TopologyChanged
from wa.protocol import mux
from wa.wezterm.inbox import Barrier, Heard, Inbox, Item
from wezterm.fake_mux import FakePane, frame_of
from wezterm.waiting import run

LIMIT = 20_000


def heard(pdu: mux.Pdu, at_ms: int, *, compress: bool = False) -> Heard:
    [frame] = mux.FrameReader().feed(frame_of(pdu, compress=compress))
    return Heard(at_ms, frame)


def push(pane_id: int, at_ms: int, size: int = 1000) -> Heard:
    return heard(FakePane(pane_id, rows=["x" * 80] * (size // 500), viewport_rows=99).push(at_ms), at_ms)


async def drain(inbox: Inbox) -> list[Item]:
    taken = []
    while (item := await inbox.get(0)) is not None:
        taken.append(item)
    return taken


def pane_of(item: Heard) -> int:
    pdu = mux.decode(item.frame.ident, item.frame.payload(), 44)
    return pdu.pane_id


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(500, 6000)), max_size=60), st.integers(0, 9))
def test_what_is_dropped_is_told(arrivals: list[tuple[int, int]], taken_between: int) -> None:
    """Whatever overflows: each pane's pushes come in order, and after the last one missing an Interrupted stands."""

    async def scene() -> list[Item]:
        inbox = Inbox(LIMIT)
        taken: list[Item] = []
        for at_ms, (pane_id, size) in enumerate(arrivals):
            inbox.put(push(pane_id, at_ms, size))
            assert inbox.queued_bytes <= LIMIT
            if at_ms % 10 == 9:
                for _ in range(taken_between):
                    if (item := await inbox.get(0)) is not None:
                        taken.append(item)
        return taken + await drain(inbox)

    taken = run(scene())
    for pane_id in range(4):
        sent = [at_ms for at_ms, (pane, _) in enumerate(arrivals) if pane == pane_id]
        seen = [
            (item.at_ms, isinstance(item, Interrupted))
            for item in taken
            if (isinstance(item, Interrupted) and item.pane_id == pane_id)
            or (isinstance(item, Heard) and pane_of(item) == pane_id)
        ]
        assert [at_ms for at_ms, _ in seen] == sorted(at_ms for at_ms, _ in seen)
        at = 0
        for at_ms, interrupted in seen:
            if not interrupted:
                assert sent[at] == at_ms, "a push is missing and nothing says so"
                at += 1
            else:
                at = sent.index(at_ms) + 1
        assert at == len(sent)


def test_the_noisiest_pane_pays() -> None:
    """A flood in one pane costs another one nothing."""

    async def scene() -> list[Item]:
        inbox = Inbox(LIMIT)
        inbox.put(push(1, 0))
        for at_ms in range(1, 40):
            inbox.put(push(7, at_ms))
        return await drain(inbox)

    taken = run(scene())

    assert isinstance(taken[0], Heard)
    assert pane_of(taken[0]) == 1
    assert {item.pane_id for item in taken if isinstance(item, Interrupted)} == {7}


def test_the_end_of_a_pane_outlives_an_overflow() -> None:
    """That a pane has gone is never dropped, nor is its place after the pane's last push lost."""

    async def scene() -> list[Item]:
        inbox = Inbox(LIMIT)
        for at_ms in range(10):
            inbox.put(push(3, at_ms))
        inbox.put(heard(mux.PaneRemoved(3), 10))
        for at_ms in range(11, 50):
            inbox.put(push(4, at_ms))
        return await drain(inbox)

    idents = [item.frame.ident if isinstance(item, Heard) else item for item in run(scene())]

    assert mux.ident_of(mux.PaneRemoved) in idents


def test_a_flood_of_alerts_is_bounded_too() -> None:
    """Titles and toasts beyond the bound go, and the pane is marked."""

    async def scene() -> list[Item]:
        inbox = Inbox(LIMIT)
        for at_ms in range(500):
            inbox.put(heard(mux.NotifyAlert(5, mux.Toast("t", "b" * 300)), at_ms))
            assert inbox.queued_bytes <= LIMIT
        return await drain(inbox)

    taken = run(scene())

    assert any(isinstance(item, Interrupted) and item.pane_id == 5 for item in taken)


def test_a_flood_about_no_pane_ends_in_one_wish_to_list_again() -> None:
    """Pushes of tabs beyond the bound are replaced by one TopologyChanged, and what else waits stays."""

    async def scene() -> list[Item]:
        inbox = Inbox(LIMIT)
        inbox.put(PaneGone(9, 0))
        for at_ms in range(300):
            inbox.put(heard(mux.TabTitleChanged(1, "t" * 300), at_ms))
            assert inbox.queued_bytes <= LIMIT
        return await drain(inbox)

    taken = run(scene())

    assert taken[0] == PaneGone(9, 0)
    assert any(isinstance(item, TopologyChanged) for item in taken)


def test_barriers_and_order_outlive_an_overflow() -> None:
    """A reply waiting for its turn is never dropped with the pushes before it."""

    async def scene() -> int:
        passed: list[int] = []
        inbox = Inbox(LIMIT)
        inbox.put(Barrier(lambda: passed.append(1)))
        for at_ms in range(60):
            inbox.put(push(2, at_ms))
        for item in await drain(inbox):
            if isinstance(item, Barrier):
                item.passed()
        return len(passed)

    assert run(scene()) == 1


def test_a_taker_that_waits_is_woken() -> None:
    """An item put while somebody waits is handed over at once; with a time-out and nothing to take there is None."""

    async def scene() -> tuple[Item | None, Item | None]:
        inbox = Inbox()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(inbox.get())
            await asyncio.sleep(0)
            inbox.put(PaneGone(1, 5))
        return await waiting, await inbox.get(0.01)

    assert run(scene()) == (PaneGone(1, 5), None)
