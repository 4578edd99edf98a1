"""Turns of schedules, over odd days and odd clocks."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.act.workflow import OnSchedule
from wa.engine.run_schedule import newest, next_ms

BERLIN = "Europe/Berlin"


def ms(*parts, zone=BERLIN):
    return round(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@given(st.integers(10, 100_000), st.integers(0, 4_000_000_000_000))
def test_every_so_often(every_s, now_ms):
    """The newest turn is not in the future, the next one is, and they are one apart."""
    start = OnSchedule(every_s=every_s)
    turn = newest(start, now_ms, BERLIN)

    assert turn.at_ms <= now_ms < next_ms(start, now_ms, BERLIN) == turn.at_ms + every_s * 1000
    assert newest(start, turn.at_ms, BERLIN) == turn


def test_at_a_time_of_the_day():
    """On the clock of its zone; this machine's where it names none."""
    start = OnSchedule(at="09:00", zone="Asia/Tokyo")
    now = ms(2026, 11, 21, 12, 0)

    assert newest(start, now, BERLIN).at_ms == ms(2026, 11, 21, 9, 0, zone="Asia/Tokyo")
    assert next_ms(start, now, BERLIN) == ms(2026, 11, 22, 9, 0, zone="Asia/Tokyo")
    assert newest(OnSchedule(at="09:00"), now, BERLIN).at_ms == ms(2026, 11, 21, 9, 0)
    assert newest(OnSchedule(at="09:00"), now, "").at_ms == ms(2026, 11, 21, 9, 0, zone="UTC")


def test_only_on_its_days():
    """2026-11-21 is a Saturday."""
    start = OnSchedule(at="09:00", days=frozenset({0, 4}))
    now = ms(2026, 11, 21, 12, 0)

    assert newest(start, now, BERLIN).at_ms == ms(2026, 11, 20, 9, 0)
    assert next_ms(start, now, BERLIN) == ms(2026, 11, 23, 9, 0)


def test_a_time_that_the_clock_skips_or_repeats_comes_once():
    """Berlin skips 02:30 on 2026-03-29 and has it twice on 2026-10-25."""
    start = OnSchedule(at="02:30")
    skipped = newest(start, ms(2026, 3, 29, 12, 0), BERLIN)
    first = newest(start, ms(2026, 10, 25, 2, 30) + 60_000, BERLIN)
    second = newest(start, ms(2026, 10, 25, 2, 30) + 3_660_000, BERLIN)

    assert skipped.name == "at:02:30:2026-03-29"
    assert first == second


@pytest.mark.parametrize("start", [OnSchedule(), OnSchedule(at="")])
def test_no_schedule_has_no_turn(start):
    """Nothing comes, nothing came."""
    assert newest(start, 0, BERLIN) is None
    assert next_ms(start, 0, BERLIN) is None
