from hypothesis import given
from hypothesis import strategies as st

from wa.model.identity import Pane
from wa.wezterm.cli_plan import Pace, PollPlan

PACE = Pace()


def pane(pane_id: int, **changes: object) -> Pane:
    base = Pane(pane_id, 0, 0, "w", "sh", None, 80, 24, True, False, None, "", "", None, (0, 0))
    return base._replace(**changes)


def planned(*panes: Pane, at_ms: int = 0) -> PollPlan:
    plan = PollPlan(PACE)
    plan.list_started()
    plan.listed(panes, at_ms, took_ms=10)
    return plan


def read(plan: PollPlan, pane_id: int, at_ms: int, *, changed: bool = False) -> None:
    plan.read_started(pane_id, at_ms)
    plan.read(pane_id, at_ms, changed=changed)
    if changed:
        plan.taken(pane_id)


def test_new_panes_are_read_at_once() -> None:
    """What has never been read is due as soon as it is listed."""
    assert planned(pane(1), pane(2)).due(0) == [1, 2]


def test_what_moved_is_read_before_what_is_merely_due() -> None:
    """The list's moved panes come first, then those waiting longest."""
    plan = planned(pane(1), pane(2), pane(3))
    for pane_id, at_ms in ((1, 0), (2, 10), (3, 20)):
        read(plan, pane_id, at_ms)
    plan.listed([pane(1), pane(2), pane(3, cursor=(5, 0))], 5_000, 10)

    assert plan.due(5_000) == [3, 1, 2]


@given(st.lists(st.integers(1, 500), min_size=1, max_size=200))
def test_no_live_pane_is_unread_for_more_than_two_seconds(steps: list[int]) -> None:
    """However quiet: when nothing else presses, every pane is due again within 2 s of its last reading."""
    plan = planned(pane(1), pane(2))
    last = {1: 0, 2: 0}
    now = 0
    for step in steps:
        now += step
        for pane_id in plan.due(now):
            assert now - last[pane_id] <= 2_000 + step
            read(plan, pane_id, now)
            last[pane_id] = now
    assert all(now - at <= 2_000 + 500 for at in last.values())


def test_a_pane_that_printed_lately_is_read_often() -> None:
    """Output at the bottom of a screen moves nothing in the list; only reading shows it."""
    plan = planned(pane(1))
    read(plan, 1, 0, changed=True)

    assert plan.due(PACE.hot_ms - 1) == []
    assert plan.due(PACE.hot_ms) == [1]
    read(plan, 1, PACE.hot_for_ms + 1)
    assert plan.due(PACE.hot_for_ms + 1 + PACE.hot_ms) == []


def test_a_frame_not_taken_holds_further_readings_back() -> None:
    """A slow consumer has at most one frame of each pane waiting."""
    plan = planned(pane(1))
    plan.read_started(1, 0)
    plan.read(1, 5, changed=True)

    assert plan.due(100_000) == []
    plan.taken(1)
    assert plan.due(100_000) == [1]


def test_time_outs_stretch_everything_and_answers_shrink_it_again() -> None:
    """A starved mux is asked half as often after each time-out, up to the limit, and normally again after answers."""
    plan = planned(pane(1))
    waits = []
    now = 0
    for _ in range(12):
        plan.list_started()
        plan.list_failed(now, timed_out=True)
        waits.append((plan.next_due_ms() or 0) - now if not plan.due(now) else 0)
        read(plan, 1, now)
        plan.strain += 1  # the reading that succeeded eased it; keep counting time-outs alone
        now += 60_000

    assert plan.strain == 12
    plan.list_started()
    plan.list_failed(now, timed_out=True)
    assert not plan.list_is_due(now + PACE.limit_ms - 1)
    assert plan.list_is_due(now + PACE.limit_ms)
    for _ in range(13):
        plan.listed([pane(1)], now, 10)
    assert plan.strain == 0
    assert plan.list_is_due(now + PACE.list_ms)


def test_a_refused_list_is_no_strain() -> None:
    """An error that comes at once says nothing of starvation."""
    plan = planned(pane(1))
    plan.list_failed(0, timed_out=False)

    assert plan.list_is_due(PACE.list_ms)


def test_a_slow_server_is_listed_as_much_less_often() -> None:
    """At most half of the time is spent on listing."""
    plan = PollPlan(PACE)
    plan.listed([pane(1)], 4_000, took_ms=4_000)

    assert not plan.list_is_due(7_999)
    assert plan.list_is_due(8_000)


def test_gone_panes_are_forgotten_and_harmless() -> None:
    """A reading that ends after its pane has gone changes nothing."""
    plan = planned(pane(1), pane(2))
    plan.read_started(1, 0)
    plan.listed([pane(2)], 10, 5)
    plan.read(1, 20, changed=True)
    plan.taken(1)
    plan.read_failed(1, timed_out=False)

    assert plan.due(100_000) == [2]
    assert plan.entry(1) is None


def test_while_all_is_under_way_nothing_is_due() -> None:
    """Without anything to start, the loop sleeps until a call ends."""
    plan = planned(pane(1))
    plan.list_started()
    plan.read_started(1, 0)

    assert plan.next_due_ms() is None
