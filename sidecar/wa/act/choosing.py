"""Take one option of a dialog by its label: the selection goes there step by step, is read again, and only then confirmed.

Never a bare Return: what is confirmed is the option that the newest reading shows selected, in the dialog that was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wa.act import seeing
from wa.act.composing import has_ended
from wa.act.keys import ENTER, key_bytes
from wa.act.labels import find, folded
from wa.act.steps import Look, Press, Ready, Steps, WaitFor, gone
from wa.model.action import Acted, Action, ActOutcome, Stage
from wa.model.agent import Dialog
from wa.model.profile import Profile
from wa.model.sight import Sight

MOVED_WITHIN_S = 2.0
CLOSED_WITHIN_S = 5.0
BODY_ROWS = 20
LABEL_SIGN = 16
"""So many characters tell an option's row."""
_UP, _DOWN = key_bytes("up") or b"", key_bytes("down") or b""


def choose(action: Action, profile: Profile, found: Stage = Stage.DECIDED) -> Steps:
    """*found*: how far an earlier run of the sidecar came with it."""
    sight = yield Look()
    if (ended := gone(sight)) is not None:
        return ended
    if found is Stage.SUBMITTING:
        # The same question may be asked of another command by now.
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended while it confirmed an option.", evidence(sight))
    dialog = sight.dialog
    if dialog is None or not dialog.options:
        return Acted(ActOutcome.NO_DIALOG, "No dialog with options is open.", evidence(sight))
    if action.question and folded(action.question) not in folded(dialog.question):
        return Acted(ActOutcome.NO_DIALOG, "Another dialog is open.", evidence(sight))
    target = find(action.labels, dialog.options, [row.text for row in sight.screen.rows])
    if target is None:
        return Acted(ActOutcome.NO_OPTION, "The dialog has no option of that label, or several.", evidence(sight))
    label, body = dialog.options[target], _body(sight)
    action = action._replace(effects=profile.effects(label, dialog.question))
    for _ in range(2 * len(dialog.options)):
        sight = yield Ready(Stage.TYPING)
        if (moved := _changed(sight, dialog, body)) is not None:
            return moved
        at = sight.dialog.selected if sight.dialog is not None else None
        if at is None:
            return Acted(ActOutcome.NO_OPTION, "Which option is selected is not to be seen.", evidence(sight))
        if at == target:
            break
        key, expected = (_DOWN, at + 1) if target > at else (_UP, at - 1)
        yield Press(key, action)
        sight = yield WaitFor(_leaves(at, dialog, body), MOVED_WITHIN_S)
        if (moved := _changed(sight, dialog, body)) is not None:
            return moved
        if _selected(sight) != expected:
            return Acted(ActOutcome.SCREEN_MOVED, "The selection did not go where the key sends it.", evidence(sight))
    sight = yield Ready(Stage.SUBMITTING)
    if (moved := _changed(sight, dialog, body)) is not None:
        return moved
    if _selected(sight) != target:
        return Acted(ActOutcome.SCREEN_MOVED, "Another option is selected now.", evidence(sight))
    yield Press(ENTER, action)
    sight = yield WaitFor(lambda now: not _is_same(now, dialog, body), CLOSED_WITHIN_S, "taken")
    if (ended := gone(sight)) is not None:
        return ended
    if _is_same(sight, dialog, body):
        return Acted(ActOutcome.NOT_TAKEN, "The dialog is still open.", evidence(sight))
    if has_ended(sight) and not action.effects & _ENDING:
        return Acted(
            ActOutcome.NOT_TAKEN, "The agent ended; whether the option was taken is not known.", evidence(sight)
        )
    return Acted(
        ActOutcome.CHOSEN, "The option was taken.", {**evidence(sight), "question": dialog.question, "option": label}
    )


_ENDING = frozenset({"exit", "deny", "update"})
"""Options after which an agent may be gone."""


def resolve(action: Action, sight: Sight, profile: Profile) -> Action | None:
    """With the effects of the option that it would take; None where the dialog has none of its labels."""
    if sight.dialog is None:
        return None
    target = find(action.labels, sight.dialog.options, [row.text for row in sight.screen.rows])
    if target is None:
        return None
    return action._replace(effects=profile.effects(sight.dialog.options[target], sight.dialog.question))


def _leaves(at: int, dialog: Dialog, body: tuple[str, ...]) -> Callable[[Sight], bool]:
    return lambda now: not _is_same(now, dialog, body) or _selected(now) != at


def _selected(sight: Sight) -> int | None:
    return None if sight.dialog is None else sight.dialog.selected


def _body(sight: Sight) -> tuple[str, ...]:
    """What stands above the options, up to the line or the gap that sets the dialog apart: the command that it is about, mostly."""
    dialog = sight.dialog
    rows = [seeing.essence(row.text) for row in sight.screen.rows]
    if dialog is None or not dialog.options:
        return ()
    first = seeing.essence(dialog.options[0])[:LABEL_SIGN]
    at = next((at for at in range(len(rows) - 1, -1, -1) if first in rows[at]), 0)
    start, blank = at, 0
    while start > 0 and at - start < BODY_ROWS:
        above = sight.screen.rows[start - 1].text.strip()
        # Gaps and dashed lines within a box set nothing apart.
        blank = blank + 1 if not above else 0
        if blank > 1 or (above[:1] in tuple("─━═▄▀╭┌") and not rows[start - 1]):
            break
        start -= 1
    return tuple(row for row in rows[start:at] if row)


def _is_same(sight: Sight, dialog: Dialog, body: tuple[str, ...]) -> bool:
    now = sight.dialog
    return (
        sight.alive
        and now is not None
        and (now.rule, now.question, now.options) == (dialog.rule, dialog.question, dialog.options)
        and _body(sight) == body
    )


def _changed(sight: Sight, dialog: Dialog, body: tuple[str, ...]) -> Acted | None:
    if (ended := gone(sight)) is not None:
        return ended
    if _is_same(sight, dialog, body):
        return None
    return Acted(ActOutcome.SCREEN_MOVED, "The dialog is not the one that was looked at.", evidence(sight))


def evidence(sight: Sight) -> dict[str, Any]:
    said: dict[str, Any] = {"state": sight.state.value}
    if sight.dialog is not None:
        said |= {"question": sight.dialog.question, "options": list(sight.dialog.options)}
        if sight.dialog.selected is not None:
            said["selected"] = sight.dialog.selected
    return said
