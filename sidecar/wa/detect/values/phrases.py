"""The words of a printed point in time, taken apart. Which instant they mean is not decided here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from wa.detect.values.durations import read_span

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
END_OF_DAY = timedelta(hours=23, minutes=59)

_TOKEN = re.compile(
    r"""
      (?P<filler> [ ,]+ | (?: at|on|the|of|by|tonight ) \b )
    | \( (?P<bracket> [^()]{0,64} ) (?P<close> \)? )
    | (?P<iso_date> [0-9]{4} (?P<iso_sep> [-/] ) [0-9]{1,2} (?P=iso_sep) [0-9]{1,2} ) (?: T(?=[0-9]) | \b )
    | (?P<number_date> [0-9]{1,2} (?: / [0-9]{1,2} (?: / [0-9]{4} )? | \. [0-9]{1,2} \. [0-9]{4} ) ) (?! [\w/] )
    | (?P<hour12> [0-9]{1,2} ) (?: : (?P<minute12> [0-9]{2} ) (?: : (?P<second12> [0-9]{2} ) )? )?
      [ ]? (?P<half> [ap] ) (?: m | \.m\.? ) (?!\w)
    | (?P<hour> [0-9]{1,2} ) : (?P<minute> [0-9]{2} ) (?: : (?P<second> [0-9]{2} ) (?: [.,][0-9]{1,9} )? )?
      (?: (?P<iso_zone> Z | [+\-−][0-9]{2}:?[0-9]{2} ) \b | (?! [\w:] ) )
    | (?P<noon> noon ) \b
    | (?P<midnight> midnight ) \b
    | (?P<month> jan(?:uary)? | feb(?:ruary)? | mar(?:ch)? | apr(?:il)? | may | june? | july? | aug(?:ust)?
               | sept?(?:ember)? | oct(?:ober)? | nov(?:ember)? | dec(?:ember)? ) \b
    | (?P<weekday> mon(?:day)? | tue(?:s(?:day)?)? | wed(?:nesday)? | thu(?:r(?:s(?:day)?)?)? | fri(?:day)?
                 | sat(?:urday)? | sun(?:day)? ) \b
    | (?P<relative_day> today | tomorrow ) \b
    | (?P<year> [0-9]{4} ) \b
    | (?P<day> [0-9]{1,2} ) (?: st | nd | rd | th )? \b
    | (?P<offset> (?-i: UTC | GMT )? [+\-−] [0-9]{1,2} (?: :?[0-9]{2} )? ) (?! [\w:] )
    | (?P<zone> (?-i: [A-Z][A-Za-z_]* (?: / [A-Za-z0-9_+\-]+ ){1,2} | [A-Z]{2,5} | Z | ChST ) ) (?! [\w/+\-] )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAX_TOKENS = 24
_LOCAL = frozenset({"local", "local time", "your time"})


class Day(NamedTuple):
    """One reading of the printed day; a part that was not printed is None. All None: whichever day comes next."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    """0 is Monday; only where no date was printed, which says more."""
    offset: int | None = None
    """Days from today."""


class Phrase(NamedTuple):
    days: tuple[Day, ...]
    """More than one: 03/04 was printed, and either may be the month."""
    times: tuple[timedelta, ...]
    """Since midnight of that day. More than one: the words leave it open (a bare date; "Thursday at midnight")."""
    zone: str | None
    """As printed; None: no zone was printed."""
    is_zone_cut: bool
    """The bracket round the zone never closes: the end of a row cut it off."""
    is_closed: bool
    """Ends in a bracket: what follows is no part of it."""
    end: int
    """Where the text goes on."""


def read_phrase(text: str, start: int = 0) -> Phrase | None:
    """The point in time at *start* of *text* (spaces squeezed); None where none stands there, or it contradicts itself."""
    parts: dict[str, re.Match[str]] = {}
    at = end = start
    for _ in range(_MAX_TOKENS):
        token = _TOKEN.match(text, at)
        if token is None:
            break
        kind = token.lastgroup or ""
        at = token.end()
        if kind == "filler":
            continue
        kind = _KINDS[kind]
        if kind in parts:
            break
        parts[kind] = token
        end = at
        if kind == "bracket":
            break
    days, times = _days(parts), _times(parts)
    if days is None or times is None or _is_range(parts):
        return None
    zone, is_cut = _zone(parts)
    return Phrase(days, times, zone, is_cut, "bracket" in parts and not is_cut, end)


_KINDS = {
    "close": "bracket", "iso_date": "date", "number_date": "date", "half": "time", "minute": "time", "second": "time",
    "iso_zone": "time", "noon": "time", "midnight": "time", "month": "month", "weekday": "weekday",
    "relative_day": "relative_day", "year": "year", "day": "day", "offset": "offset", "zone": "zone",
}  # fmt: skip
"""The group that ends a token: the part of the phrase that it is. A part printed twice ends the phrase before it."""


def _days(parts: dict[str, re.Match[str]]) -> tuple[Day, ...] | None:
    words = parts.keys() & {"month", "day", "year"}
    if len({"date", "relative_day"} & parts.keys()) + bool(words) > 1:
        return None
    if "date" in parts:
        return _date(parts["date"], has_time="time" in parts)
    if "relative_day" in parts:
        return (Day(offset=0 if parts["relative_day"][0].lower() == "today" else 1),)
    if words:
        if not {"month", "day"} <= words:
            return None
        month = MONTHS.index(parts["month"]["month"][:3].lower()) + 1
        year = int(parts["year"]["year"]) if "year" in parts else None
        return (Day(year, month, int(parts["day"]["day"])),)
    if "weekday" in parts:
        return (Day(weekday=WEEKDAYS.index(parts["weekday"]["weekday"][:3].lower())),)
    return (Day(),) if "time" in parts else None


def _date(token: re.Match[str], *, has_time: bool) -> tuple[Day, ...] | None:
    if token["iso_date"]:
        year, month, day = map(int, token["iso_date"].split(token["iso_sep"]))
        return (Day(year, month, day),)
    first, second, *rest = map(int, re.split(r"[/.]", token["number_date"]))
    if not rest and not has_time:  # "3/5 used"
        return None
    year_or_none = rest[0] if rest else None
    day_first = Day(year_or_none, second, first)
    if "." in token["number_date"]:
        return (day_first,)
    return tuple(
        day for day in dict.fromkeys((Day(year_or_none, first, second), day_first)) if 1 <= (day.month or 0) <= 12
    )


def _times(parts: dict[str, re.Match[str]]) -> tuple[timedelta, ...] | None:
    token = parts.get("time")
    if token is None:
        return (timedelta(0), END_OF_DAY)
    if token["noon"]:
        return (timedelta(hours=12),)
    if token["midnight"]:
        has_day = parts.keys() & {"date", "month", "weekday", "relative_day"}
        return (timedelta(0), timedelta(days=1)) if has_day else (timedelta(0),)
    if token["half"]:
        hour, minute, second = int(token["hour12"]), int(token["minute12"] or 0), int(token["second12"] or 0)
        if hour > 12:
            return None
        hour = hour % 12 + (12 if token["half"].lower() == "p" else 0)
    else:
        hour, minute, second = int(token["hour"]), int(token["minute"]), int(token["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return (timedelta(hours=hour, minutes=minute, seconds=second),)


def _zone(parts: dict[str, re.Match[str]]) -> tuple[str | None, bool]:
    """The most exact of what was printed: an offset, then the bracket, then an abbreviation."""
    if (time := parts.get("time")) and time["iso_zone"]:
        return time["iso_zone"], False
    if "offset" in parts:
        return parts["offset"]["offset"], False
    if "bracket" in parts:
        inside = parts["bracket"]["bracket"].strip()
        if inside and inside.lower() not in _LOCAL and read_span(inside) is None:
            return inside, not parts["bracket"]["close"]
    return (parts["zone"]["zone"], False) if "zone" in parts else (None, False)


def _is_range(parts: dict[str, re.Match[str]]) -> bool:
    """A bare signed number ("13:05-14:00") is an offset from UTC only after an ISO date."""
    time, offset = parts.get("time"), parts.get("offset")
    signed = (time["iso_zone"] if time else None) or (offset["offset"] if offset else None) or ""
    is_iso = "date" in parts and bool(parts["date"]["iso_date"])
    return signed[:1] in ("+", "-", "−") and not is_iso
