"""What stands in the way of typing, and what was seen of it."""

from __future__ import annotations

from typing import Any

from wa.act.composing import ENDED, Held, is_asking, is_busy, is_empty
from wa.act.steps import gone
from wa.model.action import Acted, ActOutcome
from wa.model.profile import Profile
from wa.model.sight import Sight

SEEN_WITHIN_S = 5.0
"""The slowest of the agents measured showed a paste after 205 ms, on a busy machine (2026-11-21)."""
TAKEN_WITHIN_S = 8.0
"""Claude Code needed six where ten programs shared two processors (2026-11-21)."""


def unfit(sight: Sight, profile: Profile, *, busy: bool = True) -> Acted | None:
    """Why nothing may be pasted now. *busy* False: a turn is no reason."""
    if (ended := gone(sight)) is not None:
        return ended
    if is_asking(sight):
        return dialog_open(sight)
    if sight.agent != profile.agent or sight.state in ENDED:
        return Acted(ActOutcome.NO_COMPOSER, "The agent is not there any more.", evidence_of(sight))
    if busy and is_busy(sight):
        return Acted(ActOutcome.BUSY, "The agent works.", evidence_of(sight))
    if sight.composer_row is None or sight.draft is None:
        return Acted(ActOutcome.NO_COMPOSER, "The agent's composer is not to be seen.", evidence_of(sight))
    if not is_empty(sight, profile):
        return Acted(ActOutcome.DRAFT, "A text of somebody's stands in the composer.", evidence_of(sight))
    return None


def dialog_open(sight: Sight, *, left: bool = False) -> Acted:
    said = {} if not left else {"left": True}
    return Acted(ActOutcome.DIALOG_OPEN, "A dialog owns the keyboard.", {**evidence_of(sight), **said})


def evidence_of(sight: Sight, held: Held | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"state": sight.state.value}
    if sight.composer_row is not None:
        said["row"] = sight.composer_row
    if held is not None:
        said["seen_as"] = held.value
    if sight.dialog is not None:
        said["question"] = sight.dialog.question
        said["options"] = list(sight.dialog.options)
    return said
