"""Reading JSON that others wrote: whatever is of another type than expected counts as absent, and nothing raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

TEXT_CHARS = 400
LARGEST = 1 << 53
"""Numbers beyond are no counts and no instants."""
_SESSION_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UNPAIRED = re.compile("[\ud800-\udfff]")
_EPOCH_MS_FROM = 100_000_000_000
"""Epoch numbers from here on are milliseconds (1973 when read so, the year 5138 when read as seconds)."""

Object = Mapping[str, object]
NOTHING: Object = {}


def parse(line: bytes | str) -> object:
    """The value of one JSON text. ValueError for anything else, nesting without end included.

    Zero bytes in front are what a file system leaves of a write that a crash cut short.
    """
    text = line if isinstance(line, str) else line.decode("utf-8", "replace")
    try:
        return json.loads(text.lstrip("\0\ufeff"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def table(value: object, *path: str) -> Object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else NOTHING


def items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def text(value: object, limit: int = TEXT_CHARS) -> str | None:
    """None for the empty text too."""
    if not isinstance(value, str) or not value:
        return None
    return _UNPAIRED.sub("\ufffd", value[:limit])


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST < value < LARGEST:
        return None
    return value


def count(value: object) -> int | None:
    found = number(value)
    return None if found is None or found < 0 else int(found)


def session_id(value: object) -> str | None:
    """A UUID in small letters."""
    return value.lower() if isinstance(value, str) and _SESSION_ID.fullmatch(value) else None


def instant_ms(value: object) -> int | None:
    """From ISO 8601 (UTC where it names no zone), seconds or milliseconds since the epoch."""
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
            return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            return None
    found = count(value)
    if found is None:
        return None
    return found if found >= _EPOCH_MS_FROM else int(float(value) * 1000) if isinstance(value, int | float) else None
