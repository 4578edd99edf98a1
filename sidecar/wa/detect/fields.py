"""The values of a detection's fields, as the records want them; None for what is not one."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST = 1 << 62


def text(value: object) -> str | None:
    """One line, spaces squeezed."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split()) or None


def number(value: object) -> int | None:
    if isinstance(value, str):
        plain = value.replace(",", "").strip()
        value = int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 20 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if abs(value) < LARGEST else None


def seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
        return None
    return float(value)


def instant(value: object) -> int | None:
    """Milliseconds since the epoch, of an ISO 8601 instant with a zone, or of milliseconds."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return None if moment.tzinfo is None else (moment - EPOCH) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            return None
    return number(value)
