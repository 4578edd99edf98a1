"""What a reading means for a judgement, by what the agent's file says of typing and of options."""

from __future__ import annotations

from collections.abc import Callable

from wa.act.choosing import resolve
from wa.act.composing import Held, holds
from wa.act.hindrance import unfit
from wa.engine.hands import Hands, view_of
from wa.engine.pane import WatchedPane
from wa.model.action import Acted, Action, ActionKind, PaneView, WhileBusy
from wa.model.profile import Profile
from wa.model.sight import Sight


class HandsEyes:
    """*typed*: the text that wa itself typed into a pane last, where that was a moment ago."""

    def __init__(self, hands: Hands, typed: Callable[[WatchedPane], str]) -> None:
        self._hands = hands
        self._typed = typed

    def view(self, pane: WatchedPane, sight: Sight, action: Action, paused: str | None) -> PaneView:
        profile = self._hands.profile(sight.agent)
        view = view_of(pane, sight, action, profile, paused)
        if view.draft and _stands(self._typed(pane), sight, profile):
            # Wherever the cursor stands in it; and a way out of an agent may be a text (`/exit`) that no action names.
            return view._replace(draft="")
        return view

    def obstacle(self, pane: WatchedPane, sight: Sight, action: Action) -> Acted | None:  # noqa: ARG002 - of the seam
        """As far as it can be told without waiting for a better moment."""
        profile = self._hands.profile(sight.agent)
        if action.kind is not ActionKind.SEND or not profile.composer or sight.agent != profile.agent:
            return None
        return unfit(sight, profile, busy=action.while_busy is not WhileBusy.INTERRUPT)

    def resolve(self, pane: WatchedPane, sight: Sight, action: Action) -> Action | None:  # noqa: ARG002 - of the seam
        return resolve(action, sight, self._hands.profile(sight.agent))


def _stands(text: str, sight: Sight, profile: Profile) -> bool:
    """Whether the whole text, or the mask of it, is all that stands in the composer."""
    loose = profile._replace(send=profile.send._replace(cursor=False))
    return bool(text) and holds(text, sight, loose) in (Held.WHOLE, Held.MASK)
