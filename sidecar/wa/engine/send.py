"""`wa send`: what is asked for as an action, and what came of it as a result, or as an error with the next step."""

from __future__ import annotations

from typing import NamedTuple

from wa.model.action import Acted, Action, ActionKind, ActOutcome, WhileBusy
from wa.model.errors import NotFound, Refused, TerminalUnreachable, TimedOut, WaError
from wa.protocol.results import SendResult


class NotSeenError(TimedOut):
    """What was pasted did not show on the screen; no carriage return was sent."""

    code = "timed_out.not_seen"
    next_step = "Look at the pane: the text may stand in its input without being shown, as at a password prompt."


class NotTakenError(TimedOut):
    """The carriage return changed nothing on the screen."""

    code = "timed_out.not_taken"
    next_step = "Look at the pane: the text stands in its input, or the program is slow to answer."


class ScreenMovedError(Refused):
    """The text was seen, and was another or gone before the carriage return; none was sent."""

    code = "refused.screen_moved"
    next_step = "Look at the pane: somebody types there, or a dialog opened."


class PaneGoneError(NotFound):
    """The pane closed in the middle of it."""

    code = "not_found.pane_gone"


class BusyError(Refused):
    code = "refused.busy"
    next_step = "Wait until it is idle, or use --queue or --interrupt."


class DialogOpenError(Refused):
    code = "refused.dialog_open"
    next_step = "Answer it first: `wa choose PANE LABEL`, or by hand."


class DraftError(Refused):
    code = "refused.draft"
    next_step = "Submit or clear what stands in the composer."


class Request(NamedTuple):
    text: str
    submit: bool = True
    dry_run: bool = False
    force: bool = False
    while_busy: WhileBusy = WhileBusy.REFUSE

    @property
    def action(self) -> Action:
        return Action(
            ActionKind.SEND, text=self.text, submit=self.submit, forced=self.force, while_busy=self.while_busy
        )


def result_of(acted: Acted, uid: str, request: Request) -> SendResult:
    return SendResult(
        pane_uid=uid,
        outcome=acted.outcome.value,
        characters=len(request.text),
        lines=len(request.text.splitlines()),
        dry_run=request.dry_run,
        seen_after_ms=acted.seen_after_ms,
        taken_after_ms=acted.taken_after_ms,
        detail=acted.detail,
    )


_ERRORS: dict[ActOutcome, type[WaError]] = {
    ActOutcome.NOT_SEEN: NotSeenError,
    ActOutcome.NOT_TAKEN: NotTakenError,
    ActOutcome.SCREEN_MOVED: ScreenMovedError,
    ActOutcome.PANE_GONE: PaneGoneError,
    ActOutcome.UNREACHABLE: TerminalUnreachable,
    ActOutcome.BUSY: BusyError,
    ActOutcome.DIALOG_OPEN: DialogOpenError,
    ActOutcome.DRAFT: DraftError,
}


def error_of(acted: Acted, uid: str) -> WaError:
    """For an outcome that is not what was asked for."""
    kind = _ERRORS.get(acted.outcome, Refused)
    reason = acted.detail.rstrip(".")
    step = acted.evidence.get("next_step")
    message = f"{uid}: {reason[:1].lower()}{reason[1:]}" if uid not in reason else reason
    error = kind(message, next_step=step) if step else kind(message)
    error.details.update({"outcome": acted.outcome.value, "pane_uid": uid})
    if acted.evidence.get("left"):
        error.details["left"] = True
    return error
