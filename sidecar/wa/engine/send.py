"""`wa send` on top of the hands: what came of it as a result, or as an error with the next step."""

from __future__ import annotations

from typing import NamedTuple

from wa.decide.policy import decide
from wa.engine.hands import Ask as AskPolicy
from wa.engine.hands import Hands, view_of
from wa.engine.pane import WatchedPane
from wa.model.action import (
    DONE,
    Acted,
    Action,
    ActionKind,
    Actor,
    ActOutcome,
    Allow,
    Ask,
    Decision,
    Deny,
    Stage,
    WhileBusy,
)
from wa.model.errors import NotFound, Refused, TerminalUnreachable, TimedOut, WaError
from wa.model.sight import Sight
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


async def send(pane: WatchedPane, hands: Hands, request: Request, actor: Actor) -> SendResult:
    """Raises Refused, NotFound, TerminalUnreachable or TimedOut; `details.outcome` is an ActOutcome then."""
    action = request.action

    def ask(sight: Sight, asked: Action) -> Decision:
        return decide(asked, actor, view_of(pane, sight, asked, hands.profile(sight.agent)))

    if request.dry_run:
        acted = await plan(pane, hands, action, ask)
    else:
        acted = await hands.perform(pane, action, ask, _unwritten)
    if acted.outcome not in DONE and acted.outcome is not ActOutcome.PLANNED:
        raise error_of(acted, pane.uid)
    return result_of(acted, pane.uid, request)


async def plan(pane: WatchedPane, hands: Hands, action: Action, ask: AskPolicy) -> Acted:
    """What would be tried; nothing is typed."""
    try:
        sight = hands.seen(pane) if pane.excluded else await hands.look(pane)
    except TerminalUnreachable as error:
        return Acted(ActOutcome.UNREACHABLE, f"{error.message}.")
    match ask(sight, action):
        case Deny(reason, next_step):
            return Acted(ActOutcome.REFUSED, reason, {"next_step": next_step})
        case Ask(reason):
            return Acted(ActOutcome.ASKED, reason)
        case Allow():
            what = "pasted and submitted" if action.submit else "pasted"
            return Acted(ActOutcome.PLANNED, f"It would be {what}; nothing was typed.")


async def _unwritten(stage: Stage) -> None:
    """A person waits for the answer: nothing is taken up again after a restart."""


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
