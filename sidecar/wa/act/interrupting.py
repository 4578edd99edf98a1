"""The end of a turn."""

from __future__ import annotations

from wa.act.composing import BUSY, has_ended, is_asking, is_busy
from wa.act.hindrance import evidence_of, unfit
from wa.act.keys import key_bytes
from wa.act.steps import Look, Press, Ready, Steps, WaitFor, gone
from wa.model.action import Acted, ActOutcome, Stage
from wa.model.profile import Profile
from wa.model.sight import Sight

INTERRUPTED_WITHIN_S = 8.0


def interrupt(profile: Profile) -> Steps:
    """The keys of the agent's file, each seen to be of use before the next."""
    sight = yield Look()
    if (refused := unfit(sight, profile, busy=False)) is not None and refused.outcome is not ActOutcome.DRAFT:
        return refused
    keys = [data for key in profile.interrupt if (data := key_bytes(key)) is not None]
    if not keys:
        return Acted(ActOutcome.REFUSED, f"It is not known how a turn of {profile.agent or 'this program'} is ended.")
    if not is_busy(sight):
        return Acted(ActOutcome.REFUSED, "No turn is under way.", evidence_of(sight))
    for data in keys:
        sight = yield Ready(Stage.TYPING)
        if (refused := unfit(sight, profile, busy=False)) is not None and refused.outcome is not ActOutcome.DRAFT:
            return refused
        if sight.state not in BUSY:
            break
        yield Press(data)
        sight = yield WaitFor(_has_stopped, INTERRUPTED_WITHIN_S, "taken")
    if (ended := gone(sight)) is not None:
        return ended
    if sight.state in BUSY:
        return Acted(ActOutcome.NOT_TAKEN, "The turn goes on.", evidence_of(sight))
    return Acted(ActOutcome.PRESSED, "The turn ended.", evidence_of(sight))


def _has_stopped(sight: Sight) -> bool:
    if not sight.alive or is_asking(sight) or has_ended(sight):
        return True
    return sight.state not in BUSY and sight.composer_row is not None
