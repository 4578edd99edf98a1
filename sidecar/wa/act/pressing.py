"""Single keys that somebody named, one after the other; a dialog that opens or changes in between ends it."""

from __future__ import annotations

from wa.act import seeing
from wa.act.choosing import evidence
from wa.act.composing import has_ended
from wa.act.keys import key_bytes
from wa.act.steps import Look, Press, Ready, Steps, WaitFor, gone
from wa.model.action import Acted, Action, ActOutcome, Stage
from wa.model.sight import Sight

ANSWERED_WITHIN_S = 1.0


def press(action: Action, found: Stage = Stage.DECIDED) -> Steps:
    sight = yield Look()
    if (ended := gone(sight)) is not None:
        return ended
    if found is not Stage.DECIDED:
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended in the middle; which keys were sent is not known.")
    data = [key_bytes(key) for key in action.keys]
    unknown = [key for key, known in zip(action.keys, data, strict=True) if known is None]
    if unknown or not data:
        return Acted(ActOutcome.REFUSED, f"No key is called {', '.join(unknown)}." if unknown else "No key was named.")
    context = _context(sight)
    answered = False
    for number, key in enumerate(data):
        sight = yield Ready(Stage.TYPING)
        if (ended := gone(sight)) is not None:
            return ended
        if _context(sight) != context:
            said = {**evidence(sight), "keys_sent": number}
            return Acted(ActOutcome.SCREEN_MOVED, "Something else is asked there, or another program runs.", said)
        before = sight.screen
        yield Press(key or b"")
        sight = yield WaitFor(
            lambda now, before=before: not now.alive or seeing.changed(before, now.screen),  # type: ignore[misc]
            ANSWERED_WITHIN_S,
            "taken",
        )
        answered = sight.alive and seeing.changed(before, sight.screen)
    if (ended := gone(sight)) is not None:
        return ended
    said = {**evidence(sight), "keys_sent": len(data)}
    if not answered:
        return Acted(ActOutcome.NOT_TAKEN, "The keys were sent, and nothing on the screen answered the last.", said)
    return Acted(ActOutcome.PRESSED, "The keys were sent, and the screen answered.", said)


def _context(sight: Sight) -> tuple[object, ...]:
    """What keys mean depends on it; where the selection stands does not matter."""
    asked = None if sight.dialog is None else (sight.dialog.rule, sight.dialog.question, sight.dialog.options)
    return (asked, sight.agent, has_ended(sight))
