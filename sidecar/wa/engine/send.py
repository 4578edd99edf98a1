"""A verified send: paste, see it arrive, carriage return as a write of its own, see it taken.

Nothing is typed that policy did not allow, nothing more is typed when what was typed is not seen, and no failure is
called a success. One send at a time goes to a pane.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from wa.decide.policy import decide
from wa.engine import seeing
from wa.engine.pane import WatchedPane
from wa.engine.seeing import Seen
from wa.model.action import Action, ActionKind, Actor, Allow, Ask, Deny, PaneView
from wa.model.errors import NotFound, Refused, TerminalRefused, TerminalUnreachable, TimedOut, WaError
from wa.model.screen import Screen
from wa.protocol.results import SendResult
from wa.wezterm.terminal import SourceKind, Terminal

log = logging.getLogger(__name__)

T = TypeVar("T")

SEEN_WITHIN_S = 5.0
"""The slowest of the agents measured showed a paste after 205 ms, on a busy machine (2026-11-21)."""
TAKEN_WITHIN_S = 5.0
LOOK_AGAIN_S = {SourceKind.PUSH: 0.5, SourceKind.CLI: 0.15}
"""Without a push for so long the screen is read: old servers lose one now and then, and a CLI has none."""
SETTLE_S = 0.1
"""From seeing a paste to the carriage return, for a program that is not known. Gemini CLI 0.61 ignores one that comes
within about 50 ms of any input and took each one after 80 ms; Codex 0.87 and 0.169 and Claude Code 2.1 need nothing
(measured 2026-11-21)."""
CARRIAGE_RETURN = b"\r"


class Outcome(StrEnum):
    SUBMITTED = "submitted"
    PASTED = "pasted"
    """Stands in the pane's input, as asked for."""
    PLANNED = "planned"
    """A dry run: it would have been tried."""
    REFUSED = "refused"
    NOT_SEEN = "not_seen"
    SCREEN_MOVED = "screen_moved"
    NOT_TAKEN = "not_taken"
    PANE_GONE = "pane_gone"
    UNREACHABLE = "unreachable"


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
    """The pane closed in the middle of a send."""

    code = "not_found.pane_gone"


class Session(Protocol):
    """The pane's session, as far as sending needs it."""

    @property
    def terminal(self) -> Terminal | None: ...

    async def refresh(self, pane: WatchedPane, within_s: float) -> bool:
        """Read the screen now; whether it was read in time."""
        ...


class Request(NamedTuple):
    text: str
    submit: bool = True
    dry_run: bool = False
    force: bool = False


async def send(pane: WatchedPane, session: Session, request: Request, actor: Actor) -> SendResult:
    """Raises Refused, NotFound, TerminalUnreachable or TimedOut; `details.outcome` is an Outcome then."""
    async with pane.send_lock:
        try:
            result = await _Sending(pane, session, request, actor).run()
        except WaError as error:
            error.details.setdefault("outcome", _outcome_of(error).value)
            error.details.setdefault("pane_uid", pane.uid)
            _record(pane, actor, error.details["outcome"])
            raise
    _record(pane, actor, result["outcome"])
    return result


def _record(pane: WatchedPane, actor: Actor, outcome: str) -> None:
    log.info("send ended", extra={"pane": pane.uid, "outcome": outcome, "actor": actor.kind.value})


class _Sending:
    def __init__(self, pane: WatchedPane, session: Session, request: Request, actor: Actor) -> None:
        self._pane = pane
        self._session = session
        self._request = request
        self._actor = actor
        self._now = asyncio.get_running_loop().time

    async def run(self) -> SendResult:
        request = self._request
        self._ask_policy()
        terminal = self._terminal()
        await self._look()
        if request.dry_run:
            what = "pasted and submitted" if request.submit else "pasted"
            return self._result(Outcome.PLANNED, f"It would be {what}; nothing was typed.")
        # The pane may have become another while it was looked at.
        self._ask_policy()
        before = self._screen()
        seen: Seen | None = None
        seen_after_ms: float | None = None
        if request.text:
            began = self._now()
            await self._type(terminal.paste(self._pane.pane_id, request.text))
            seen = await self._until(lambda now: seeing.appeared(request.text, before, now), SEEN_WITHIN_S)
            if seen is None:
                raise NotSeenError(f"the text was not seen in {self._pane.uid} within {SEEN_WITHIN_S:g} s")
            seen_after_ms = (self._now() - began) * 1000
        if not request.submit:
            return self._result(Outcome.PASTED, "The text stands in the pane's input.", seen_after_ms)
        if seen is not None:
            await asyncio.sleep(SETTLE_S)
            self._ask_policy()
            if not seeing.still_there(request.text, seen, self._screen()):
                raise ScreenMovedError(f"the text in {self._pane.uid} changed before it was submitted")
        pressed, at_press = self._now(), self._screen()
        await self._type(self._terminal().write(self._pane.pane_id, CARRIAGE_RETURN))
        taken = await self._until(lambda now: self._taken(seen, at_press, now) or None, TAKEN_WITHIN_S)
        if taken is None:
            raise NotTakenError(f"{self._pane.uid} showed no sign of taking the text within {TAKEN_WITHIN_S:g} s")
        taken_after_ms = (self._now() - pressed) * 1000
        return self._result(Outcome.SUBMITTED, "The pane took it.", seen_after_ms, taken_after_ms)

    # -- the steps --------------------------------------------------------------------------------------------------

    def _ask_policy(self) -> None:
        pane, request = self._pane, self._request
        screen = pane.screen
        view = PaneView(
            alive=pane.alive,
            excluded=pane.excluded is not None,
            is_alt=None if screen is None else screen.is_alt,
            started_by_wa=pane.started_by_wa,
        )
        if not pane.alive:
            raise PaneGoneError(f"{pane.uid} is closed")
        action = Action(ActionKind.SEND, text=request.text, submit=request.submit, forced=request.force)
        match decide(action, self._actor, view):
            case Allow():
                return
            case Deny(reason, next_step):
                raise Refused(reason, next_step=next_step)
            case Ask(reason):
                raise Refused(f"a person must agree first: {reason}")

    def _terminal(self) -> Terminal:
        terminal = self._session.terminal
        if terminal is None:
            raise TerminalUnreachable(f"the mux of {self._pane.uid} is not connected: nothing can be typed or seen")
        return terminal

    async def _look(self) -> None:
        """The screen as it is now, not as it was pushed last."""
        if not await self._session.refresh(self._pane, SEEN_WITHIN_S) and self._pane.alive:
            raise TerminalUnreachable(f"the screen of {self._pane.uid} could not be read, so nothing was typed")

    def _screen(self) -> Screen:
        screen = self._pane.screen
        if screen is None:
            raise TerminalUnreachable(f"the screen of {self._pane.uid} is not known, so nothing was typed")
        return screen

    async def _type(self, typing: Awaitable[None]) -> None:
        try:
            await typing
        except TerminalRefused as error:
            if self._pane.alive and "no such pane" not in error.message:
                raise
            raise PaneGoneError(f"{self._pane.uid} is gone: {error.message}") from error

    async def _until(self, found: Callable[[Screen], T | None], within_s: float) -> T | None:
        """What *found* finds on the screen as it changes; None after *within_s*."""
        give_up = self._now() + within_s
        while True:
            if not self._pane.alive:
                raise PaneGoneError(f"{self._pane.uid} closed in the middle of the send")
            if (screen := self._pane.screen) is not None and (answer := found(screen)) is not None:
                return answer
            left_s = give_up - self._now()
            if left_s <= 0:
                return None
            again_s = LOOK_AGAIN_S[self._pane.source or SourceKind.PUSH]
            if not await self._pane.wait_for_change(min(left_s, again_s)) and left_s > again_s:
                await self._session.refresh(self._pane, min(left_s, again_s))

    def _taken(self, seen: Seen | None, at_press: Screen, now: Screen) -> bool:
        if seen is not None:
            return seeing.taken(self._request.text, seen, now)
        rows, before = [row.text for row in now.rows], [row.text for row in at_press.rows]
        return now.cursor != at_press.cursor or rows != before

    def _result(
        self, outcome: Outcome, detail: str, seen_ms: float | None = None, taken_ms: float | None = None
    ) -> SendResult:
        text = self._request.text
        return SendResult(
            pane_uid=self._pane.uid,
            outcome=outcome.value,
            characters=len(text),
            lines=len(text.splitlines()),
            dry_run=self._request.dry_run,
            seen_after_ms=None if seen_ms is None else round(seen_ms, 1),
            taken_after_ms=None if taken_ms is None else round(taken_ms, 1),
            detail=detail,
        )


def _outcome_of(error: WaError) -> Outcome:
    known: list[tuple[type[WaError], Outcome]] = [
        (NotSeenError, Outcome.NOT_SEEN),
        (NotTakenError, Outcome.NOT_TAKEN),
        (ScreenMovedError, Outcome.SCREEN_MOVED),
        (PaneGoneError, Outcome.PANE_GONE),
        (TerminalUnreachable, Outcome.UNREACHABLE),
    ]
    return next((outcome for kind, outcome in known if isinstance(error, kind)), Outcome.REFUSED)
