"""The one shape of everything that wa prints with `--json`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from wa.model.errors import WaError
from wa.protocol.sidecar_wire import error_fields

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Envelope = dict[str, Any]


def succeeded(command: str, data: object, *, at_ms: int, elapsed_ms: float, version: int = 1) -> Envelope:
    """`command` is the name of the result's schema: `panes` gives `wa.panes/1`."""
    meta = {"schema": f"wa.{command}/{version}", "at": iso(at_ms), "elapsed_ms": round(elapsed_ms, 3)}
    return {"ok": True, "data": data, "meta": meta}


def failed(error: WaError) -> Envelope:
    return {"ok": False, "error": error_fields(error)}


def to_json(value: object) -> str:
    """One line of JSON that any UTF-8 stream can take."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Lone surrogates (file names and arguments that are not UTF-8) can only be written escaped.
        return json.dumps(value, separators=(",", ":"))
    return text


def iso(at_ms: int) -> str:
    """`2026-11-21T08:42:29.123Z`. Out of the years 1 to 9999 the nearest end of them."""
    try:
        moment = EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        moment = datetime.max.replace(tzinfo=UTC) if at_ms > 0 else datetime.min.replace(tzinfo=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".rjust(24, "0")


def iso_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


def from_iso(text: str) -> int:
    """Milliseconds since the epoch. Raises ValueError for text without a time zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return (moment - EPOCH) // timedelta(milliseconds=1)
