from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.engine.intake import KEYS_KNOWN, MAX_EVENT_BYTES, PANE_BURST, SOURCE_BURST, TOO_OLD_MS, Intake
from wa.engine.troubles import MAX_PLACES, Troubles

NOW_MS = 1_763_000_000_000


class Clock:
    def __init__(self):
        self.ms = NOW_MS

    def now_ms(self):
        return self.ms

    def monotonic_ms(self):
        return self.ms


def stage():
    clock = Clock()
    intake, taken = Intake(clock, Troubles(clock)), []
    intake.takers["lua"] = lambda message, pid: taken.append((message, pid))
    return SimpleNamespace(clock=clock, intake=intake, taken=taken)


def event(key="k1", **fields):
    return {"v": 1, "kind": "event", "source": "lua", "name": "bell", "at_ms": NOW_MS, "key": key, **fields}


def counts(intake):
    return {trouble.what: trouble.times for trouble in intake.troubles.lately()}


def test_hands_a_frame_to_the_taker_of_its_source_with_who_sent_it():
    """A frame in order comes as it was sent, beside the sender's pid."""
    on = stage()

    on.intake.take(event(pane_id=3), 4711)

    assert on.taken == [(event(pane_id=3), 4711)]


def test_a_name_may_have_a_taker_of_its_own():
    """`lua.var` goes to its own taker, all other names of lua to the taker of lua."""
    on, own = stage(), []
    on.intake.takers["lua.var"] = lambda message, pid: own.append(message["name"])

    on.intake.take(event("a", name="var"), None)
    on.intake.take(event("b", name="bell"), None)

    assert own == ["var"]
    assert [message["name"] for message, _ in on.taken] == ["bell"]


def test_one_source_and_key_are_one_event():
    """Told twice is told once, until so many others came that nobody can remember it."""
    on = stage()
    on.intake.takers["hook"] = on.intake.takers["lua"]
    on.intake.take(event("same"), None)
    on.intake.take(event("same"), None)
    on.intake.take(event("same", source="hook"), None)
    assert len(on.taken) == 2

    for number in range(KEYS_KNOWN):
        on.clock.ms += 25
        on.intake.take(event(f"k{number}"), None)
    on.intake.take(event("same", at_ms=on.clock.ms), None)

    assert on.taken[-1][0]["key"] == "same"
    assert counts(on.intake) == {}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"source": "cat"}, "source that wa does not know"),
        ({"source": ["lua"]}, "source that wa does not know"),
        ({"key": ""}, "lacked"),
        ({"key": "x" * 129}, "lacked"),
        ({"key": "é" * 65}, "lacked"),
        ({"key": 7}, "lacked"),
        ({"name": "n" * 65}, "lacked"),
        ({"name": None}, "lacked"),
        ({"at_ms": True}, "lacked"),
        ({"at_ms": 1.5}, "lacked"),
        ({"at_ms": NOW_MS + 61_000}, "future"),
        ({"at_ms": NOW_MS - TOO_OLD_MS - 1}, "older than a day"),
    ],
)
def test_what_breaks_the_common_fields_is_dropped_and_counted(wrong, why):
    """Nobody gets it, and the reason is one of a few fixed texts."""
    on = stage()

    on.intake.take(event() | wrong, 1)

    assert on.taken == []
    assert [why in what for what in counts(on.intake)] == [True]


def test_a_frame_over_the_limit_is_dropped():
    """256 KiB are taken, a byte more is not."""
    on = stage()
    on.intake.take(event("a"), 1, MAX_EVENT_BYTES)
    on.intake.take(event("b"), 1, MAX_EVENT_BYTES + 1)

    assert [message["key"] for message, _ in on.taken] == ["a"]
    assert counts(on.intake) == {"frames of events were larger than 256 KiB": 1}


def test_a_time_that_is_just_ahead_is_now():
    """Clocks that count seconds round up; nothing happened later than now."""
    on = stage()
    on.intake.take(event(at_ms=NOW_MS + 900), None)

    assert on.taken[0][0]["at_ms"] == NOW_MS


def test_a_pane_that_floods_takes_nothing_from_others():
    """Of ten thousand events of one pane a burst comes through; another pane's comes through too, and time heals."""
    on = stage()
    for number in range(10_000):
        on.intake.take(event(f"a{number}", gui=1, pane_id=1), None)
    assert len(on.taken) == PANE_BURST

    on.intake.take(event("b", gui=1, pane_id=2), None)
    assert on.taken[-1][0]["key"] == "b"

    on.clock.ms += 1_000
    for number in range(100):
        on.intake.take(event(f"c{number}", gui=1, pane_id=1), None)
    assert len(on.taken) == PANE_BURST + 1 + 50
    assert counts(on.intake) == {"more than 50 events a second came from lua about one pane": 10_000 - 100 + 50}


def test_a_source_that_floods_under_many_names_is_held_back():
    """Panes that are made up do not get round the limit of their source."""
    on = stage()
    for number in range(5_000):
        on.intake.take(event(f"a{number}", gui=number, pane_id=number), None)

    assert len(on.taken) == SOURCE_BURST


def test_what_was_spooled_is_not_limited_and_an_old_one_is_no_trouble():
    """It comes all at once, and days may lie between."""
    on = stage()
    for number in range(2_000):
        on.intake.take(event(f"a{number}"), None, spooled=True)
    on.intake.take(event("old", at_ms=NOW_MS - TOO_OLD_MS - 1), None, spooled=True)

    assert len(on.taken) == 2_000
    assert counts(on.intake) == {}


def test_a_taker_that_fails_ends_nothing():
    """What raises is counted, and the next frame is taken."""
    on = stage()
    on.intake.takers["hook"] = lambda message, pid: 1 // 0

    on.intake.take(event("a", source="hook"), None)
    on.intake.take(event("b"), None)

    assert len(on.taken) == 1
    assert counts(on.intake) == {"events of hook were not understood": 1}


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text() | st.binary() | st.lists(st.text())))
def test_no_map_makes_it_raise(fields):
    """Whatever a frame holds, it is taken or counted."""
    on = stage()
    on.intake.take(fields, None)
    on.intake.take(event() | fields, None)

    assert len(on.taken) + on.intake.troubles.total >= 1


def test_troubles_are_bounded_and_keep_their_sum():
    """A thousand places leave 256 lines, and no count is lost."""
    troubles = Troubles(Clock())
    for number in range(1_000):
        troubles.count("noise", f"p{number}")

    assert len(troubles.lately()) <= MAX_PLACES
    assert sum(trouble.times for trouble in troubles.lately()) == troubles.total == 1_000


def test_troubles_of_yesterday_are_not_told():
    """Doctor speaks of the last day."""
    clock = Clock()
    troubles = Troubles(clock)
    troubles.count("noise")
    clock.ms += 25 * 3600 * 1000

    assert troubles.lately() == []
