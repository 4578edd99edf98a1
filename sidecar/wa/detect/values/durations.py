"""Lengths of time as agents print them."""

from __future__ import annotations

import re
from typing import NamedTuple

_UNITS_S = {
    "ms": 0.001, "msec": 0.001, "msecs": 0.001, "millisecond": 0.001, "milliseconds": 0.001,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
    "w": 604800.0, "wk": 604800.0, "wks": 604800.0, "week": 604800.0, "weeks": 604800.0,
}  # fmt: skip
_OPENING = re.compile(r"(?:in|for|after|about|approximately|~|≈) ?(?=[0-9a~≈<lu])", re.IGNORECASE)
_BOUND = re.compile(r"(?:<|less than|under) ?", re.IGNORECASE)
_PART = re.compile(
    r"(?P<number>[0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,12}(?:\.[0-9]{1,9})?|an?(?= )) ?(?P<unit>[A-Za-z]{1,12})(?![A-Za-z])",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"(?: ?, ?(?:and )?| and | )?(?=[0-9])")


class Span(NamedTuple):
    """A length of time that stands in a text."""

    seconds: float
    is_bound: bool
    """It was printed as "less than" `seconds`."""
    end: int
    """Where the text goes on."""


def read_span(text: str, start: int = 0) -> Span | None:
    """The length of time at *start* of *text* (spaces squeezed): units in descending order, each once."""
    at = start
    for _ in range(2):  # "in about"
        if opening := _OPENING.match(text, at):
            at = opening.end()
    bound = _BOUND.match(text, at)
    if bound:
        at = bound.end()
    total, last_unit_s, end = 0.0, float("inf"), at
    while part := _PART.match(text, at):
        unit = part["unit"]
        unit_s = _UNITS_S.get(unit if len(unit) == 1 else unit.lower())  # 5M is five million, not minutes
        if unit_s is None or unit_s >= last_unit_s:
            break
        number = part["number"].replace(",", "")
        total += (1.0 if number.lower() in ("a", "an") else float(number)) * unit_s
        last_unit_s, end = unit_s, part.end()
        between = _BETWEEN.match(text, end)
        if between is None:
            break
        at = between.end()
    if last_unit_s == float("inf"):
        return None
    return Span(round(total, 9), bound is not None, end)


def parse_duration_s(text: str) -> float | None:
    """Seconds in "3m 44s", "1m05s", "13h20m5s", "57.1s", "500ms", "5 days 22 hours 11 minutes".

    "<1s" is 0, as is every "less than": what passed for certain. None where anything else stands in *text*; never raises.
    """
    squeezed = " ".join(text.split()).rstrip(".")
    span = read_span(squeezed)
    if span is None or span.end != len(squeezed):
        return None
    return 0.0 if span.is_bound else span.seconds
