"""What a reading means for a judgement, by what the agent's file says of typing and of options."""

from __future__ import annotations

from collections.abc import Callable

from wa.act.choosing import resolve
from wa.act.composing import holds
from wa.engine.hands import Hands, view_of
from wa.engine.pane import WatchedPane
from wa.model.action import Action, PaneView
from wa.model.sight import Sight


class HandsEyes:
    """*typed*: the text that wa itself typed into a pane last, where that was a moment ago."""

    def __init__(self, hands: Hands, typed: Callable[[WatchedPane], str]) -> None:
        self._hands = hands
        self._typed = typed

    def view(self, pane: WatchedPane, sight: Sight, action: Action, paused: str | None) -> PaneView:
        profile = self._hands.profile(sight.agent)
        view = view_of(pane, sight, action, profile, paused)
        # A way out of an agent may be a text of its own (`/exit`), which no action names.
        ours = self._typed(pane) if view.draft and not action.text else ""
        return view._replace(draft="") if ours and holds(ours, sight, profile) is not None else view

    def resolve(self, pane: WatchedPane, sight: Sight, action: Action) -> Action | None:  # noqa: ARG002 - of the seam
        return resolve(action, sight, self._hands.profile(sight.agent))
