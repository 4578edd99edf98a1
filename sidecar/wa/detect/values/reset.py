"""When a limit ends, from the words an agent printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from wa.detect.values import zones
from wa.detect.values.durations import read_span
from wa.detect.values.phrases import Day, Phrase, read_phrase

GRACE = timedelta(minutes=10)
"""A printed time that passed less than this ago is over; it does not mean the next day. The screen was looked at late."""
MAX_CHARS = 4096
"""What lies beyond is not looked at."""

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_LEAD = re.compile(
    r"\b(?:try again|retry|wait until|available again|automatically|resets?)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"[ :~|]*(?:(?:at|on|after|by) )?", re.IGNORECASE)
_MAX_LEADS = 8
_EPOCH = re.compile(r"(?:\A|\|) ?(?P<epoch>1[0-9]{9}(?:[0-9]{3})?)(?![0-9A-Za-z.,:])")
# What may follow a time without changing what it means.
_OVER = re.compile(
    r"""
    [ ]? (?: \Z | [.;!?·•∙|│…)\]}"'] (?![0-9]) | [,–—-] (?! [ ]? [0-9] ) | / (?=[a-z])
           | (?: or|to|and|for|if|unless|please|upgrade|esc|from[ ]now ) \b (?! [ ]? [0-9] ) )
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Reset(NamedTuple):
    """When a limit ends.

    Agents print minutes: the limit really ends up to 60 s after `at`, which stays at what was printed. `at` lies at most ten minutes
    before the moment of reading, but for dates with a year (and for "today"), which may be long over.
    """

    printed: str
    """As printed, spaces squeezed, without "resets at" or "try again at"; the part that was understood, else everything."""
    kind: Literal["absolute", "relative", "none"]
    at: datetime | None
    """UTC; None where it cannot be told."""
    zone: str | None
    """IANA name of the zone that was used; None where none was needed, or it has no name (UTC+05:30)."""
    zone_from: Literal["printed", "abbreviation", "host", "none"]
    ambiguous: bool
    """More than one instant fits (clock change, abbreviation, 03/04, a day without a time). `at` is the latest: too long is safe."""


class _Zoned(NamedTuple):
    zones: Sequence[zones.Zone]
    """Every reading of what was printed; none: it cannot be told."""
    source: Literal["printed", "abbreviation", "host", "none"]


def resolve_reset(text: str, *, seen_at_ms: int, host_zone: str) -> Reset:
    """The first point in time in *text* that is understood; `kind` "none" if there is none. Never raises.

    *text* is the printed time alone or the sentence round it. *host_zone* is the zone of the machine that the agent runs on; it is
    used where no zone was printed, and to tell which of several zones an abbreviation means.

    A time of day, a weekday, or a date without a year is the first one after *seen_at_ms* less GRACE.
    """
    squeezed = " ".join(text[:MAX_CHARS].split())
    leads = [lead.end() for _, lead in zip(range(_MAX_LEADS), _LEAD.finditer(squeezed), strict=False)]
    for start in [*leads, 0]:
        if found := _read(squeezed, _opened(squeezed, start), seen_at_ms, host_zone):
            return found
    if epoch := _EPOCH.search(squeezed):
        printed = epoch["epoch"]
        at_ms = int(printed) if len(printed) == 13 else int(printed) * 1000
        return Reset(printed, "absolute", _instant(at_ms), None, "none", False)
    return Reset(
        squeezed[_opened(squeezed, leads[0] if leads else 0) :].strip(" .:"), "none", None, None, "none", False
    )


def _opened(text: str, start: int) -> int:
    opening = _OPENING.match(text, start)
    return opening.end() if opening else start


def _read(text: str, start: int, seen_at_ms: int, host_zone: str) -> Reset | None:
    if (span := read_span(text, start)) and _OVER.match(text, span.end):
        at = _instant(seen_at_ms, later_s=span.seconds)
        return Reset(text[start : span.end], "relative", at, None, "none", False)
    phrase = read_phrase(text, start)
    if phrase is None or not (phrase.is_closed or _OVER.match(text, phrase.end)):
        return None
    printed = text[start : phrase.end]
    seen = _instant(seen_at_ms)
    try:
        resolved = _resolve(phrase, printed, seen, host_zone) if seen else None
    except (OverflowError, ValueError):  # the calendar ends with the years 1 and 9999
        resolved = None
    return resolved or Reset(printed, "absolute", None, None, "none", False)


def _resolve(phrase: Phrase, printed: str, seen: datetime, host_zone: str) -> Reset | None:
    readings, source = _zones(phrase, host_zone, seen)
    moments = [moment for zone in readings for day in phrase.days for moment in _first(day, phrase.times, zone, seen)]
    certain = [moment for moment in moments if not moment.is_doubtful] or moments
    if not certain:
        return None
    latest = max(certain, key=lambda moment: moment.at)
    return Reset(printed, "absolute", latest.at, latest.zone, source, len({moment.at for moment in certain}) > 1)


def _zones(phrase: Phrase, host_zone: str, seen: datetime) -> _Zoned:
    printed = phrase.zone
    if printed is None or (phrase.is_zone_cut and host_zone.startswith(printed)):
        rules = zones.load(host_zone)
        return _Zoned([zones.Named(host_zone, rules)] if rules else [], "host")
    if phrase.is_zone_cut:
        return _Zoned([], "none")
    if exact := zones.printed_offset(printed) or zones.printed_name(printed):
        return _Zoned([exact], "printed")
    abbreviation = printed.upper()
    if seasonless := zones.SEASONLESS.get(abbreviation):
        rules = zones.load(seasonless)
        return _Zoned([zones.Named(seasonless, rules)] if rules else [], "abbreviation")
    return _Zoned(zones.abbreviated(abbreviation, host_zone, seen), "abbreviation")


def _first(day: Day, times: Sequence[timedelta], zone: zones.Zone, seen: datetime) -> list[zones.Moment]:
    """All readings of the first day that fits and is not over."""
    is_fixed = day.year is not None or day.offset is not None
    for candidate in _dates(day, zone.local_date(seen)):
        midnight = datetime(candidate.year, candidate.month, candidate.day)  # noqa: DTZ001  a wall clock has no zone yet
        moments = [moment for time in times for moment in zone.moments(midnight + time)]
        if coming := moments if is_fixed else [moment for moment in moments if moment.at > seen - GRACE]:
            return coming
    return []


def _dates(day: Day, today: date) -> Iterator[date]:
    """The days meant, in order, from the day before *today* on: it may have been printed before midnight."""
    if day.offset is not None:
        yield today + timedelta(days=day.offset)
    elif day.month is not None and day.day is not None:
        # Leap days lie up to eight years apart.
        for year in (day.year,) if day.year is not None else range(today.year - 1, today.year + 9):
            try:
                yield date(year, day.month, day.day)
            except ValueError:
                continue
    else:
        for candidate in (today + timedelta(days=offset) for offset in range(-1, 9)):
            if day.weekday in (None, candidate.weekday()):
                yield candidate


def _instant(at_ms: int, *, later_s: float = 0.0) -> datetime | None:
    try:
        return _EPOCH_START + timedelta(milliseconds=at_ms) + timedelta(seconds=later_s)
    except OverflowError:
        return None
