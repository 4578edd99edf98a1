"""Instants as people write them (`10m`, `yesterday`, `14:30`) and as they read them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

from wa.model.errors import UsageError
from wa.protocol.envelope import from_iso

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
AGO = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
AGO_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
MAX_LENGTH_S = 10 * 365 * 86_400
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
FORMS = (
    "an instant (`2026-11-21T08:42`), a day (`2026-11-21`), `14:30`, `today`, `yesterday`, "
    "or how long ago (`10m`, `2h`, `1d12h`)"
)


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def parse(text: str, *, at_ms: int, option: str = "--since") -> int:
    """The instant that *text* names, seen from *at_ms*; milliseconds since the epoch.

    Instants without a zone are local. `14:30` is the last time it was half past two; `10m` is ten minutes ago. Raises
    UsageError, which lists the forms.
    """
    found = _parse(text.strip(), datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone())
    if found is None:
        raise UsageError(f"{option} {text!r} names no time", next_step=f"Give {FORMS}.")
    return found


def length_ms(text: str, *, option: str = "--for") -> int:
    """Milliseconds in `90s`, `2h` or `1d12h`. Raises UsageError."""
    word = text.strip().lower()
    length_s = sum(float(count) * UNITS_S[unit] for count, unit in AGO_PART.findall(word))
    if not AGO.fullmatch(word) or not 0 < length_s <= MAX_LENGTH_S:
        raise UsageError(f"{option} {text!r} names no length of time", next_step="Give `90s`, `30m`, `2h` or `1d12h`.")
    return int(length_s * 1000)


def _parse(text: str, now: datetime) -> int | None:
    word = text.lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        if word == "now":
            return _ms(now)
        if word in ("today", "yesterday"):
            # Through naive local time, so that a day on which the clocks change begins at its own midnight.
            return _ms((midnight - timedelta(days=word == "yesterday")).astimezone())
        if AGO.fullmatch(word):
            ago_s = sum(float(count) * UNITS_S[unit] for count, unit in AGO_PART.findall(word))
            return _ms(now - timedelta(seconds=ago_s))
        if clock := CLOCK.fullmatch(word):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            moment = midnight.replace(hour=hour, minute=minute, second=second)
            if moment.astimezone() > now:
                moment -= timedelta(days=1)
            return _ms(moment.astimezone())
        moment = datetime.fromisoformat(text)
        return _ms(moment if moment.tzinfo else moment.astimezone())
    except (ValueError, OverflowError, OSError):
        return None


def _ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def local(at: str | None, *, now: int | None = None) -> str:
    """An instant of a result as tables show it: local time, with the day where it is not today's; "" for None."""
    if at is None:
        return ""
    moment = datetime.fromtimestamp(from_iso(at) / 1000, tz=UTC).astimezone()
    today = datetime.fromtimestamp((now_ms() if now is None else now) / 1000, tz=UTC).astimezone().date()
    return f"{moment:%H:%M:%S}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M:%S}"


def age(at: str | None, *, now: int | None = None) -> str:
    """How long ago, for people: `3 s`, `12 min`, `5 h`, `9 d`; `never` for None."""
    if at is None:
        return "never"
    seconds = max(0, ((now_ms() if now is None else now) - from_iso(at)) // 1000)
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def length(started: str, ended: str | None, *, now: int | None = None) -> str:
    """From one instant to another, or to now: `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    until = from_iso(ended) if ended is not None else (now_ms() if now is None else now)
    seconds = max(0, (until - from_iso(started)) // 1000)
    for size, unit, smaller, small in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size} {unit} {rest} {small}" if rest else f"{seconds // size} {unit}"
    return f"{seconds} s"
