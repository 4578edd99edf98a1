"""One finding of the doctor, and how findings are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from wa.protocol.results import FixableFinding

Level = Literal["ok", "note", "warning", "error"]
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "error")


def finding(
    level: Level, what: str, next_step: str | None = None, *, fix: Sequence[str] | None = None, safe: bool = False
) -> FixableFinding:
    """*fix*: the command that mends it, as words; *safe*: it may be run unasked."""
    return FixableFinding(
        level=level, what=what, next_step=next_step, fix=None if fix is None else list(fix), safe=safe
    )


def as_finding(told: Mapping[str, Any]) -> FixableFinding:
    """What the sidecar tells, maybe one of another version. Nothing that it calls safe is run unasked: it may be old."""
    return finding(told["level"], told["what"], told["next_step"], fix=told.get("fix"))
