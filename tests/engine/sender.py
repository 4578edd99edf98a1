"""The hands with the shipped policy and no desk: nothing is written down, nobody is asked, nothing waits."""

from wa.decide.policy import decide
from wa.engine.hands import view_of
from wa.engine.send import error_of, result_of
from wa.model.action import DONE, Acted, ActOutcome, Allow, Ask, Deny
from wa.model.errors import TerminalUnreachable


async def send(pane, hands, request, actor):
    """Raises Refused, NotFound, TerminalUnreachable or TimedOut; `details.outcome` is an ActOutcome then."""
    action = request.action

    def ask(sight, asked):
        return decide(asked, actor, view_of(pane, sight, asked, hands.profile(sight.agent)))

    if request.dry_run:
        acted = await plan(pane, hands, action, ask)
    else:
        acted = await hands.perform(pane, action, ask, unwritten)
    if acted.outcome not in DONE and acted.outcome is not ActOutcome.PLANNED:
        raise error_of(acted, pane.uid)
    return result_of(acted, pane.uid, request)


async def plan(pane, hands, action, ask):
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


async def unwritten(_stage):
    """Nothing is written down."""
