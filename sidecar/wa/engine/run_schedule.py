"""When a schedule's turn is: a turn has a name that is the same however often it is asked for, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wa.act.workflow import OnSchedule


class Turn(NamedTuple):
    name: str
    at_ms: int


def newest(start: OnSchedule, now_ms: int, zone: str) -> Turn | None:
    """The turn that came last; None for a schedule that has none. *zone* is this machine's."""
    if start.every_s > 0:
        every_ms = max(1, round(start.every_s * 1000))
        number = now_ms // every_ms
        return Turn(f"every:{every_ms}:{number}", number * every_ms)
    turns = [turn for turn in _days(start, now_ms, zone) if turn.at_ms <= now_ms]
    return turns[-1] if turns else None


def next_ms(start: OnSchedule, now_ms: int, zone: str) -> int | None:
    """When the next turn comes; None for a schedule that has none."""
    if start.every_s > 0:
        every_ms = max(1, round(start.every_s * 1000))
        return (now_ms // every_ms + 1) * every_ms
    return next((turn.at_ms for turn in _days(start, now_ms, zone) if turn.at_ms > now_ms), None)


def _days(start: OnSchedule, now_ms: int, zone: str) -> list[Turn]:
    """Turns of the days around now. An hour that the clock skips comes an hour later, one that comes twice counts once."""
    if not start.at:
        return []
    where = ZoneInfo(start.zone or zone or "UTC")
    hour, _, minute = start.at.partition(":")
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(where).date()
    turns = []
    for offset in range(-8, 9):
        day = today + timedelta(days=offset)
        if start.days and day.weekday() not in start.days:
            continue
        moment = datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=where)
        turns.append(Turn(f"at:{start.at}:{day.isoformat()}", round(moment.timestamp() * 1000)))
    return turns
