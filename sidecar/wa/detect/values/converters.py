"""The types that a rule may give to what it extracts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from wa.detect.values.durations import parse_duration_s
from wa.detect.values.identifiers import find_url, find_uuid, find_version, parse_path
from wa.detect.values.numbers import parse_count, parse_int, parse_percent
from wa.detect.values.phrases import Day, read_phrase
from wa.detect.values.reset import Reset, resolve_reset

MAX_TEXT_CHARS = 4096


class Context(NamedTuple):
    """What a printed value may depend on."""

    seen_at_ms: int
    """When the text was on the screen; milliseconds since the epoch, UTC."""
    host_zone: str
    """IANA name of the zone of the machine that the agent runs on; "" if unknown."""


Converter = Callable[[str, Context], object]

_WINDOWS = (
    ("weekly", re.compile(r"(?:current )?(?:week|weekly|(?:7|seven)[- ]?days?|7d)(?: \(.*\))?")),
    ("session", re.compile(r"(?:current )?session")),
    ("daily", re.compile(r"(?:current )?(?:day|daily)")),
    ("monthly", re.compile(r"(?:current )?(?:month|monthly)")),
)
_HOURS = re.compile(r"([1-9][0-9]?)[- ]?(?:hours?|hrs?|h)")
_NUMBER_WORDS = re.compile(r"\bfive\b")
_LIMIT = re.compile(r"(?: usage)?(?: limit)?\Z")


def parse_window(text: str) -> str | None:
    """One of 5h (or any other number of hours), weekly, session, daily, monthly; else as printed ("Opus"); None for no words."""
    squeezed = " ".join(text[:MAX_TEXT_CHARS].split())
    words = _LIMIT.sub("", _NUMBER_WORDS.sub("5", squeezed.lower()))
    if hours := _HOURS.fullmatch(words):
        return f"{hours[1]}h"
    for name, pattern in _WINDOWS:
        if pattern.fullmatch(words):
            return name
    return squeezed or None


def parse_time_of_day(text: str) -> str | None:
    """HH:MM, of 24 hours, for "3:49 AM", "03:49" or "noon"; None where a day or a zone is printed with it."""
    squeezed = " ".join(text[:MAX_TEXT_CHARS].split())
    phrase = read_phrase(squeezed)
    if phrase is None or phrase.end != len(squeezed) or phrase.zone or phrase.days != (Day(),):
        return None
    midnight = datetime(2000, 1, 1)  # noqa: DTZ001  a wall clock without a day
    return (midnight + phrase.times[0]).strftime("%H:%M")


def parse_seconds(text: str) -> float | None:
    """A bare number is one of seconds; else as parse_duration_s."""
    duration = parse_duration_s(text)
    if duration is not None:
        return duration
    return parse_duration_s(f"{text.strip()}s")


def _text(text: str, _context: Context) -> str:
    return " ".join(text[:MAX_TEXT_CHARS].split())


def _reset(text: str, context: Context) -> Reset:
    return resolve_reset(text, seen_at_ms=context.seen_at_ms, host_zone=context.host_zone)


def _alone(parse: Callable[[str], object]) -> Converter:
    """A value that depends on nothing but its text."""
    return lambda text, _context: parse(text)


CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        "text": _text,
        "int": _alone(parse_int),
        "count": _alone(parse_count),
        "percent": _alone(parse_percent),
        "duration": _alone(parse_duration_s),
        "seconds": _alone(parse_seconds),
        "uuid": _alone(find_uuid),
        "url": _alone(find_url),
        "version": _alone(find_version),
        "path": _alone(parse_path),
        "window": _alone(parse_window),
        "time_of_day": _alone(parse_time_of_day),
        "reset": _reset,
    }
)
"""By the name that rule files use. A converter gives None (`reset`: kind "none") for what it does not understand; none raises."""
