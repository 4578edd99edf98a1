"""From a time on some wall to an instant: IANA names, abbreviations, offsets, clock changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    "ACDT": ("Australia/Adelaide",), "ACST": ("Australia/Darwin", "Australia/Adelaide"),
    "ADT": ("America/Halifax",), "AEDT": ("Australia/Sydney",), "AEST": ("Australia/Brisbane", "Australia/Sydney"),
    "AKDT": ("America/Anchorage",), "AKST": ("America/Anchorage",), "AST": ("America/Puerto_Rico", "America/Halifax"),
    "AWST": ("Australia/Perth",), "BST": ("Europe/London",), "CAT": ("Africa/Maputo",),
    "CDT": ("America/Chicago", "America/Havana"), "CEST": ("Europe/Berlin",), "CET": ("Europe/Berlin",),
    "CHST": ("Pacific/Guam",), "CST": ("America/Chicago", "America/Havana", "Asia/Shanghai"),
    "EAT": ("Africa/Nairobi",), "EDT": ("America/New_York",), "EEST": ("Europe/Athens",), "EET": ("Europe/Athens",),
    "EST": ("America/New_York", "America/Panama"), "HDT": ("America/Adak",), "HKT": ("Asia/Hong_Kong",),
    "HST": ("Pacific/Honolulu",), "IDT": ("Asia/Jerusalem",), "IST": ("Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"),
    "JST": ("Asia/Tokyo",), "KST": ("Asia/Seoul",), "MDT": ("America/Denver",),
    "MSK": ("Europe/Moscow",), "MST": ("America/Denver", "America/Phoenix"), "NDT": ("America/St_Johns",),
    "NST": ("America/St_Johns",), "NZDT": ("Pacific/Auckland",), "NZST": ("Pacific/Auckland",),
    "PDT": ("America/Los_Angeles",), "PKT": ("Asia/Karachi",), "PST": ("America/Los_Angeles", "Asia/Manila"),
    "SAST": ("Africa/Johannesburg",), "SST": ("Pacific/Pago_Pago",),
    "WAT": ("Africa/Lagos",), "WEST": ("Europe/Lisbon",), "WET": ("Europe/Lisbon",), "WIB": ("Asia/Jakarta",),
    "WIT": ("Asia/Jayapura",), "WITA": ("Asia/Makassar",),
}  # fmt: skip
"""One zone for each offset (and each habit of changing the clock) that a letter abbreviation stands for. tzdata 2025b, 2026-11."""

SEASONLESS: Mapping[str, str] = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
}  # fmt: skip
_LITERAL: Mapping[str, tuple[str, str]] = {"UTC": ("UTC", "UTC"), "Z": ("UTC", "UTC"), "GMT": ("Etc/GMT", "UTC")}
"""Printed word: name to report, and what it means even on a machine without time zone data."""

_OFFSET = re.compile(r"(?:UTC|GMT)? ?(?P<sign>[+\-−])(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-9]{2}))?\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\- ]*(?:/[A-Za-z0-9_+\- ]+){0,2}\Z")
_SEASONS = (timedelta(0), timedelta(days=-182), timedelta(days=182), timedelta(days=-91), timedelta(days=91))


class Moment(NamedTuple):
    at: datetime
    """UTC."""
    zone: str | None
    is_doubtful: bool = False
    """The abbreviation is not in force at that date: the printer may have meant the wall clock."""


class Zone(Protocol):
    """One reading of a printed (or missing) zone."""

    def local_date(self, at: datetime) -> date: ...

    def moments(self, wall: datetime) -> list[Moment]:
        """All instants at which a clock there shows *wall* (naive): none, one, or two round a clock change."""
        ...


def load(name: str) -> ZoneInfo | None:
    """The zone of that IANA name; None if there is none, whatever *name* holds."""
    if len(name) > 64 or not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        return None


class Named(NamedTuple):
    """An IANA zone, or a fixed offset with the name it is to be reported by."""

    name: str | None
    rules: tzinfo

    def local_date(self, at: datetime) -> date:
        return at.astimezone(self.rules).date()

    def moments(self, wall: datetime) -> list[Moment]:
        """Where the wall clock jumps over *wall*, both the old and the new offset are a reading."""
        found = {wall.replace(tzinfo=self.rules, fold=fold).astimezone(UTC) for fold in (0, 1)}
        return [Moment(at, self.name) for at in sorted(found)]


class Abbreviated(NamedTuple):
    """A zone that bears the printed abbreviation in some season."""

    name: str
    rules: ZoneInfo
    abbreviation: str
    offset: timedelta

    def local_date(self, at: datetime) -> date:
        return (at + self.offset).replace(tzinfo=None).date()

    def moments(self, wall: datetime) -> list[Moment]:
        """The abbreviation picks one of the two readings at a clock change; out of season the wall clock is a second reading."""
        literal = (wall - self.offset).replace(tzinfo=UTC)
        if _tzname(self.rules, literal) == self.abbreviation:
            return [Moment(literal, self.name)]
        on_the_wall = [moment._replace(is_doubtful=True) for moment in Named(self.name, self.rules).moments(wall)]
        return sorted({Moment(literal, self.name, True), *on_the_wall})


def _tzname(rules: ZoneInfo, at: datetime) -> str:
    return (at.astimezone(rules).tzname() or "").upper()


def abbreviated(abbreviation: str, host_zone: str, near: datetime) -> list[Abbreviated]:
    """The host's own zone where it bears *abbreviation* (upper case) within half a year of *near*, else every zone known for it."""
    host = list(_bearing(abbreviation, [host_zone], near))
    return host or list(_bearing(abbreviation, ABBREVIATIONS.get(abbreviation, ()), near))


def _bearing(abbreviation: str, names: list[str] | tuple[str, ...], near: datetime) -> Iterator[Abbreviated]:
    for name in names:
        rules = load(name)
        if rules is None:
            continue
        for season in _SEASONS:
            at = (near + season).astimezone(rules)
            offset = at.utcoffset()
            if (at.tzname() or "").upper() == abbreviation and offset is not None:
                yield Abbreviated(name, rules, abbreviation, offset)
                break


def printed_offset(text: str) -> Named | None:
    """The offset in "UTC", "Z", "GMT", "GMT+1", "UTC+05:30", "+0200"."""
    if text.upper() in _LITERAL:
        return Named(_LITERAL[text.upper()][0], UTC)
    found = _OFFSET.match(text.upper())
    if found is None:
        return None
    minutes = int(found["hours"]) * 60 + int(found["minutes"] or 0)
    if minutes > 14 * 60 or int(found["minutes"] or 0) > 59:
        return None
    if found["sign"] != "+":
        minutes = -minutes
    hours, odd = divmod(minutes, 60)
    # Etc names count westwards, and know whole hours only.
    name = None if odd else "UTC" if not minutes else f"Etc/GMT{-hours:+d}"
    return Named(name, timezone(timedelta(minutes=minutes)))


def printed_name(text: str) -> Named | None:
    """An IANA name of four letters at least (EST and CET are abbreviations too); a space that a row's end left in it is no part of it."""
    if not 4 <= len(text) <= 64 or not _NAME.match(text):
        return None
    for name in (text.replace(" ", ""), text.replace(" ", "_")):
        if rules := load(name):
            return Named(name, rules)
    return None
