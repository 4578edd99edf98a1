"""What subscribers are told, and what `screen` answers, as docs/protocol/sidecar.md lists it; secrets redacted."""

from __future__ import annotations

from typing import Any

from wa.detect.session_ops import NoteEvent
from wa.engine.agent_result import agent_result
from wa.engine.pane import WatchedPane
from wa.model.agent import Transition
from wa.model.log import Gap, RowKind, Segment
from wa.model.screen import Row, Screen
from wa.store.agent_redact import plain
from wa.store.redact import redact, redact_rows

Item = dict[str, Any]


def screen_item(pane: WatchedPane, screen: Screen) -> Item:
    wrapped = [row.wrapped for row in screen.rows]
    texts, _ = redact_rows([row.text for row in screen.rows], wrapped, torn=True)
    return {
        "kind": "screen",
        "pane_uid": pane.uid,
        "at_ms": screen.at_ms,
        "generation": screen.generation,
        "rows": texts,
        "wrapped": wrapped,
        "cursor": [screen.cursor.x, screen.cursor.y - top_of(screen.rows, screen.cursor.y)],
        "title": redact(screen.title),
        "cols": screen.cols,
        "is_alt": screen.is_alt,
        "next_row": pane.tracker.next_row,
        "logged": screen.logged,
        "reading": pane.reads_of_rows > 0,
    }


def top_of(rows: tuple[Row, ...], default: int) -> int:
    """The stable index of the viewport's first row."""
    return rows[0].index if rows else default


def rows_item(pane: WatchedPane, segment: Segment) -> Item:
    texts = pane.redaction.texts(segment)
    return {
        "kind": "rows",
        "pane_uid": pane.uid,
        "first_row": segment.first_row,
        "at_ms": segment.at_ms,
        "rows": [[text, row.wrapped] for text, row in zip(texts, segment.rows, strict=True)],
        "page": segment.kind is RowKind.SCREEN,
    }


def gap_item(pane: WatchedPane, gap: Gap) -> Item:
    return {
        "kind": "gap",
        "pane_uid": pane.uid,
        "row": gap.row,
        "missing": gap.missing,
        "reason": gap.reason.value,
        "at_ms": gap.at_ms,
    }


def event_item(pane: WatchedPane, noted: NoteEvent) -> Item:
    found = noted.detection  # the book has cleaned it
    return {
        "kind": "event",
        "pane_uid": pane.uid,
        "at_ms": noted.at_ms,
        "agent": found.agent,
        "event": found.event,
        "rule": found.rule,
        "severity": found.severity.value,
        "present": found.present,
        "fields": plain(found.fields),
    }


def state_item(pane: WatchedPane, transition: Transition) -> Item:
    after = transition.after
    return {
        "kind": "state",
        "pane_uid": pane.uid,
        "at_ms": transition.at_ms,
        "before": transition.before.value,
        **agent_result(after, pane.last_event),
    }


def pane_item(pane: WatchedPane, change: str) -> Item:
    return {
        "kind": "pane",
        "pane_uid": pane.uid,
        "change": change,
        "mux": pane.mux.name,
        "pane_id": pane.pane_id,
        "title": redact(pane.title),
        "cwd": None if pane.cwd is None else redact(pane.cwd),
    }
