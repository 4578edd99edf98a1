"""One action on one reading, judged; options of dialogs with what they do."""

from __future__ import annotations

from wa.decide.policy import Policy, decide
from wa.engine import desk_words as words
from wa.engine.desk_words import Judged
from wa.model.action import Action, ActionKind, Actor, Allow, Decision, Deny, Ledger, PaneView


def judged(
    action: Action,
    resolved: Action | None,
    actor: Actor,
    view: PaneView,
    policy: Policy,
    ledger: Ledger,
    now_ms: int,
    whole: Action | None = None,
) -> Judged:
    """*resolved*: with the effects of the option that it takes; None where the dialog has none such.

    *whole*: what it is a part of, where the hands ask for a part: an option on the way out of an agent.
    """
    if resolved is None and view.dialog is not None:
        known = ", ".join(view.dialog.options) or "none that wa can read"
        denied = Deny(f"the dialog has no option of that label; it has {known}", "Name one of them.", "never.no_option")
        return Judged(denied, view, action)
    action = resolved or action
    if whole is not None and whole.kind is not action.kind:
        return Judged(_part(action, whole, actor, view, policy, ledger, now_ms), view, action)
    return Judged(decide(action, actor, view, policy, ledger, now_ms), view, action)


def _part(
    part: Action, whole: Action, actor: Actor, view: PaneView, policy: Policy, ledger: Ledger, now_ms: int
) -> Decision:
    """The agent's own file says which option ends it; one that does more than that is judged for itself."""
    if whole.kind is not ActionKind.EXIT or part.kind is not ActionKind.CHOOSE or not words.only_ends(part):
        return decide(part, actor, view, policy, ledger, now_ms)
    harmless = part._replace(effects=frozenset({"none"}))
    first = decide(harmless, actor, view, policy, ledger, now_ms)
    if not isinstance(first, Allow):
        return first
    return decide(whole, actor, view._replace(dialog=None, draft=""), policy, ledger, now_ms)
