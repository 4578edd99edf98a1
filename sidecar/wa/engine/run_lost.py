"""Agents whose panes ended with their mux, as triggers of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wa.act.workflow import Workflow
from wa.engine.never import place_of
from wa.engine.run_starts import fits
from wa.model.command import MUX_RESTARTED, Trigger
from wa.sources.session_homes import local_folder
from wa.store.run_records import LostRecord


def triggers(lost: Sequence[LostRecord], now_ms: int) -> Iterator[tuple[LostRecord, Trigger]]:
    """One for each, *lost* being the last seen first; a session is the one of the pane where it was seen last."""
    last: dict[str, str] = {}
    for place, one in enumerate(lost):
        twin = last.setdefault(one.session_id.casefold(), one.pane_uid) if one.session_id else one.pane_uid
        fields = {
            "session_id": one.session_id or "",
            "confidence": one.confidence,
            "state": one.state or "",
            "cwd": _folder(one) or "",
            "workspace": one.workspace,
            "mux": one.mux,
            # A connection to another machine breaks by itself, and the mux there goes on.
            "watched": one.lost_ms is not None and not one.host,
            "gone_s": max(0.0, (now_ms - (one.lost_ms or one.seen_ms)) / 1000),
            "twin": twin if twin != one.pane_uid else "",
            "place": place,
        }
        key = f"{one.pane_uid}:mux:{one.session_id or one.session}"
        yield one, Trigger(MUX_RESTARTED, one.pane_uid, now_ms, one.agent, fields, None, key)


def is_for(workflow: Workflow, one: LostRecord) -> bool:
    if workflow.agents and one.agent not in workflow.agents:
        return False
    return fits(workflow.panes, mux=one.mux, title=one.title, folders=[folder] if (folder := _folder(one)) else [])


def _folder(one: LostRecord) -> str | None:
    """Where a shell on the mux's machine can go; an agent behind an ssh in the pane had its folder elsewhere."""
    if not one.host:
        return local_folder(one.cwd)
    place = place_of(one.cwd)
    return None if place is None else place.path
