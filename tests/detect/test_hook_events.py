"""One event, told by hook and screen."""

from __future__ import annotations

import pytest

from wa.detect.hook_events import LATE_MS, REGION, WAIT_MS, HookEvents, Told
from wa.detect.session_ops import NoteEvent, OpenTurn, SessionRef
from wa.model.agent import Detection, Place, Severity

REF = SessionRef(1, "claude_code")


def shown(event: str, at_ms: int, region: str = "row") -> NoteEvent:
    place = Place(region, 3, 3, "")
    return NoteEvent(at_ms, Detection(event, "claude_code", "r", Severity.INFO, {}, False, place), REF, 3)


def told(event: str, at_ms: int, ident: str | None = None) -> Told:
    return Told("claude_code", event, at_ms, "Stop", ident, "s1")


@pytest.mark.parametrize("apart_ms", [-WAIT_MS, -1, 0, 1, WAIT_MS - 1])
def test_the_screen_makes_the_event_where_both_tell_it(apart_ms: int) -> None:
    """Before or after the hook, within two seconds: the screen's is kept, and the hook makes none."""
    events, note = HookEvents(), shown("turn.done", 10_000 + apart_ms)
    steps = sorted([(10_000, "hook"), (note.at_ms, "screen")])
    for _, who in steps:
        if who == "hook":
            events.told(told("turn.done", 10_000))
        else:
            assert events.saw([note]) == [note]

    assert events.due(20_000) == []


def test_the_hook_makes_it_where_the_screen_is_silent() -> None:
    """Two seconds later, once; what the screen says of it after that is not told again."""
    events = HookEvents()
    one = told("turn.done", 10_000)

    assert events.told(one)
    assert events.due(10_000 + WAIT_MS - 1) == []
    assert events.due(10_000 + WAIT_MS) == [one]
    assert events.due(99_000) == []
    assert events.saw([shown("turn.done", 14_000)]) == []
    assert len(events.saw([shown("turn.done", 15_000)])) == 1


def test_the_next_turn_is_another_one() -> None:
    """What was said before a turn began says nothing of its end."""
    events = HookEvents()
    events.told(told("turn.done", 10_000))
    events.due(12_000)
    events.saw([OpenTurn(REF, 2, 13_000)])

    assert len(events.saw([shown("turn.done", 14_000)])) == 1
    events.saw([OpenTurn(REF, 3, 14_500)])
    assert events.told(told("turn.done", 25_000))


def test_a_screen_that_is_a_minute_late_speaks_of_something_else() -> None:
    """Nobody knows what; nothing is swallowed."""
    events = HookEvents()
    events.told(told("compaction.done", 10_000))
    events.due(12_000)

    assert len(events.saw([shown("compaction.done", 12_001 + LATE_MS)])) == 1


def test_one_thing_told_by_two_hooks_is_one() -> None:
    """Codex tells a turn's end by Stop and by notify, Gemini CLI a session's end three times."""
    events = HookEvents()

    assert events.told(told("turn.done", 10_000, "t1"))
    assert not events.told(told("turn.done", 10_100, "t1"))
    assert events.told(told("turn.done", 10_200, "t2"))
    assert events.told(told("session.end", 10_300))
    assert not events.told(told("session.end", 11_300))
    assert events.told(told("turn.done", 10_400))
    assert events.told(told("turn.done", 10_500))
    assert [one.event for one in events.due(10_300 + WAIT_MS)] == ["turn.done", "turn.done", "session.end"]


def test_a_start_may_stand_on_the_screen_well_before_its_hook() -> None:
    """Banners are drawn first; hooks start when all is loaded."""
    events = HookEvents()
    events.saw([shown("session.start", 10_000)])

    assert not events.told(told("session.start", 14_900))


def test_what_a_hook_made_is_no_word_of_the_screens() -> None:
    """And what is still waited for is given up to who asks for the rest."""
    events = HookEvents()
    one = told("session.end", 10_000)
    events.told(one)

    made = shown("session.end", 10_500, REGION)
    assert events.saw([made]) == [made]
    assert events.rest() == [one]
    assert events.rest() == []
