"""End an agent as its file says for its version: one step, a look, and the next only where it has not ended yet.

A second Ctrl-C on a guess kills some versions before they print how to go on, and closes a dialog of others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wa.act import choosing, hindrance, interrupting, typing
from wa.act.composing import ENDED, is_asking, is_busy
from wa.act.keys import key_bytes
from wa.act.steps import Look, Part, Press, Ready, Steps, WaitFor, gone
from wa.model.action import Acted, Action, ActionKind, ActOutcome, Stage, WhileBusy
from wa.model.profile import ExitStep, Profile
from wa.model.sight import Sight


def leave(action: Action, profile: Profile, found: Stage = Stage.DECIDED) -> Steps:
    sight = yield Look()
    if (known := _over(sight)) is not None:
        return known
    if found is not Stage.DECIDED and is_asking(sight):
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended while it ended the agent.", _evidence(sight))
    way = profile.exit_way(sight.settled.version)
    if way is None:
        version = sight.settled.version or "of a version that nobody told"
        return Acted(ActOutcome.REFUSED, f"It is not known how {profile.agent or 'this program'} {version} is ended.")
    if (refused := (yield from _make_ready(action, profile, sight))) is not None:
        return refused
    asked = False
    for step in way.steps:
        sight = yield Look()
        if (known := _over(sight)) is not None:
            return known
        if step.choose:
            if not is_asking(sight):
                continue
            answered = yield from choosing.choose(
                Action(ActionKind.CHOOSE, labels=step.choose, question=_question(sight)), profile
            )
            if answered.outcome is not ActOutcome.CHOSEN:
                return answered
            asked = True
        elif step.text:
            typed = yield from typing.send(Action(ActionKind.SEND, text=step.text, submit=True), profile)
            if typed.outcome is not ActOutcome.SUBMITTED:
                sight = yield Look()
                return _over(sight) or typed
        else:
            if (refused := hindrance.unfit(sight, profile, busy=False)) is not None:
                return refused
            for key in step.keys:
                sight = yield Ready(Stage.TYPING)
                if (known := _over(sight)) is not None:
                    return known
                if (refused := hindrance.unfit(sight, profile, busy=False)) is not None:
                    return refused
                yield Press(key_bytes(key) or b"")
        sight = yield WaitFor(_reached(step), step.within_s, "taken")
    sight = yield WaitFor(lambda now: _over(now) is not None, 2.0)
    if (known := _over(sight)) is not None:
        return known
    said = {**_evidence(sight), "asked": asked}
    if is_asking(sight):
        return hindrance.dialog_open(sight)
    return Acted(ActOutcome.NOT_TAKEN, "The agent is still there.", said)


def _make_ready(action: Action, profile: Profile, sight: Sight) -> Part:
    """Keys that end an agent also clear its composer: a draft is protected."""
    if is_busy(sight) and action.while_busy is WhileBusy.INTERRUPT:
        stopped = yield from interrupting.interrupt(profile)
        if stopped.outcome is not ActOutcome.PRESSED:
            return stopped
    sight = yield WaitFor(lambda now: hindrance.unfit(now, profile) is None or is_asking(now), typing.COMPOSER_WITHIN_S)
    if (known := _over(sight)) is not None:
        return known
    return hindrance.unfit(sight, profile)


def _reached(step: ExitStep) -> Callable[[Sight], bool]:
    """A dialog is always worth a look, whatever the step waits for."""
    is_hint = step.until == "hint"
    return lambda now: _over(now) is not None or is_asking(now) or (is_hint and _says_again(now))


def _says_again(sight: Sight) -> bool:
    below = sight.screen.rows[sight.composer_row or 0 :]
    return "again to" in " ".join(row.text for row in below).casefold()


def _over(sight: Sight) -> Acted | None:
    if (ended := gone(sight)) is not None:
        return ended._replace(detail="The agent ended, and its pane with it.")
    if sight.state in ENDED:
        return Acted(ActOutcome.EXITED, "The agent ended; a shell has the pane.", _evidence(sight))
    return None


def _question(sight: Sight) -> str:
    return "" if sight.dialog is None else sight.dialog.question


def _evidence(sight: Sight) -> dict[str, Any]:
    settled = sight.settled
    known = {"agent": settled.agent, "version": settled.version, "session_id": settled.session_id}
    return {**choosing.evidence(sight), **{name: value for name, value in known.items() if value is not None}}
