"""One session of a book: what is known of it so far, and what tells it from another."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wa.detect.compactions import Compactions
from wa.detect.fields import number, seconds, text
from wa.detect.ledger import Ledger
from wa.detect.limits import Limits
from wa.detect.own_id import OwnId
from wa.detect.session_ops import (
    DescribeSession,
    EndMode,
    ModelUsage,
    NoteModels,
    NoteTimes,
    NoteUsage,
    Operation,
    SessionRef,
)
from wa.detect.turns import Turns
from wa.model.agent import Detection, FieldValue

_TOTALS = ("total", "input", "cached", "output", "reasoning")
_CALLS = re.compile(r"\s*(\d[\d,]*)\s*(?:\(\s*✓\s*(\d[\d,]*)\s*[xX✗✕]\s*(\d[\d,]*)\s*\)\s*)?$")
"""Seen in Gemini CLI 0.24.0 and 0.61.0, 2026-11-20."""
_NAMES_IT = ("session_id", "total", "input", "output")


class Session:
    def __init__(self, ref: SessionRef, started_ms: int) -> None:
        self.ref = ref
        self.started_ms = started_ms
        self.ended_ms: int | None = None
        self.about: dict[str, str] = {}
        self.told: Mapping[str, FieldValue] | None = None
        """What its exit text says, once that was read."""
        self.mode: EndMode | None = None
        """As it says."""
        self._totals: list[int | None] = []
        self.goes_on(Turns(ref, started_ms), Compactions(ref))
        self.limits = Limits(ref)
        self.own_id = OwnId(ref)

    def goes_on(self, turns: Turns, compactions: Compactions) -> None:
        """With these, as they are remembered."""
        self.turns = turns
        self.compactions = compactions
        self.ledger = Ledger(self.ref, turns, compactions)

    @property
    def is_open(self) -> bool:
        return self.ended_ms is None

    @property
    def begun(self) -> int:
        """How many turns and compactions began in it, as far as the screen told."""
        return self.turns.count + self.compactions.shown

    def describe(self, at_ms: int, **about: str | None) -> list[Operation]:
        new = {name: value for name, value in about.items() if value and self.about.get(name) != value}
        self.about.update(new)
        return [DescribeSession(self.ref, at_ms, **new)] if new else []

    def could_tell(self, found: Detection) -> bool:
        """Is this exit text its own? A text may be read in part first, and whole the next time."""
        if self.told is None:
            return True
        shared = [name for name in _NAMES_IT if name in self.told and name in found.fields]
        return all(self.told[name] == found.fields[name] for name in shared)

    def figures(self, found: Detection, at_ms: int) -> list[Operation]:
        """Tokens, times and models of its exit text."""
        fields = found.fields
        self.told = {**(self.told or {}), **fields}
        noted: list[Operation] = []
        totals = [number(fields.get(name)) for name in _TOTALS]
        if any(figure is not None for figure in totals) and totals != self._totals:
            self._totals = totals
            noted.append(NoteUsage(self.ref, at_ms, found.event, *totals))
        wall_s, active_s, api_s, tool_s = (
            seconds(fields.get(name)) for name in ("wall_s", "agent_active_s", "api_s", "tool_s")
        )
        counts = _calls(fields.get("tool_calls"))
        if any(figure is not None for figure in (wall_s, active_s, api_s, tool_s, *counts)):
            noted.append(NoteTimes(self.ref, wall_s, active_s, api_s, tool_s, *counts))
        if models := _models(fields.get("models")):
            noted.append(NoteModels(self.ref, models))
        return noted


def about(found: Detection) -> dict[str, str | None]:
    fields = found.fields
    return {
        "version": text(fields.get("version")),
        "model": text(fields.get("model")),
        "plan": text(fields.get("plan")),
        "project": text(fields.get("cwd")),
    }


def contradicts(known: Mapping[str, str], new: Mapping[str, str | None]) -> bool:
    """Another version, or another folder: another session. A model and a plan may be changed in the midst of one."""
    version, folder = new.get("version"), new.get("project")
    if version and known.get("version") and version.lstrip("v") != known["version"].lstrip("v"):
        return True
    return bool(folder and known.get("project")) and not _same_folder(known["project"], folder or "")


def _same_folder(one: str, other: str) -> bool:
    """As printed: from `~` on, or with its middle left out where the pane was narrow."""
    ends = [part.rstrip("/").replace("...", "…").rpartition("…")[2].rpartition("/")[2] for part in (one, other)]
    return ends[0] == ends[1] or not all(ends)


def _calls(found: object) -> list[int | None]:
    """All, those that went well, those that failed: by name, or as Gemini CLI prints them, `26 ( ✓ 25 x 1 )`."""
    if isinstance(found, str) and (printed := _CALLS.match(found)):
        return [number(part) for part in printed.groups()]
    shares = found if isinstance(found, Mapping) else {"total": found}
    return [number(shares.get(name)) for name in ("total", "ok", "failed")]


def _models(found: object) -> tuple[ModelUsage, ...]:
    """`{model: {reqs, input, cached, output}}`, or a list of such rows that name their model."""
    rows: list[tuple[str | None, Mapping[str, object]]] = []
    if isinstance(found, Mapping):
        rows = [(str(name), row) for name, row in found.items() if isinstance(row, Mapping)]
    elif isinstance(found, tuple | list):
        rows = [(text(row.get("model")) or text(row.get("name")), row) for row in found if isinstance(row, Mapping)]
    return tuple(
        ModelUsage(name, *(number(row.get(figure)) for figure in ("reqs", "input", "cached", "output")))
        for name, row in rows
        if name
    )
