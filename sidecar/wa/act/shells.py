"""Shells and programs that are not known: what changes on the screen decides."""

from __future__ import annotations

from collections.abc import Callable

from wa.act import seeing
from wa.act.composing import ENDED, has_ended, is_asking
from wa.act.hindrance import SEEN_WITHIN_S, TAKEN_WITHIN_S, dialog_open, evidence_of
from wa.act.keys import ENTER
from wa.act.seeing import Seen
from wa.act.steps import Look, Paste, Press, Ready, Steps, WaitFor, gone
from wa.model.action import Acted, Action, ActOutcome, Stage
from wa.model.screen import Screen
from wa.model.sight import Sight

SHELL_PAUSE_S = 0.1
"""For a program that is not known. Gemini CLI 0.61 ignores a carriage return that comes within about 50 ms of any input and took each
one after 80 ms (measured 2026-11-21)."""
REDRAW = b"\x0c"
"""Ctrl+L: bash, zsh and fish clear the screen and draw their prompt anew, with what is typed on it."""
REDRAWN_WITHIN_S = 2.0


def run(action: Action, found: Stage) -> Steps:
    """A command line, in a shell at its prompt with nothing typed on it."""
    sight = yield Look()
    if (ended := gone(sight)) is not None:
        return ended
    if found is not Stage.DECIDED:
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended while it typed a command line.", evidence_of(sight))
    if not at_prompt(sight) and _amid_leftovers(sight):
        sight = yield Ready(Stage.TYPING)
        if _amid_leftovers(sight):
            yield Press(REDRAW)
            sight = yield WaitFor(lambda now: not now.alive or at_prompt(now), REDRAWN_WITHIN_S, "taken")
    if (ended := gone(sight)) is not None:
        return ended
    if not at_prompt(sight):
        return _no_prompt(sight)
    return (yield from to_program(action._replace(submit=True), sight, found, still=at_prompt))


def _amid_leftovers(sight: Sight) -> bool:
    """A shell's prompt, with what a killed program drew around it: seen on 2026-11-21 of Codex and of Claude Code."""
    if is_asking(sight) or sight.state not in ENDED:
        return False
    return not at_prompt(sight) and seeing.is_prompt_amid_leftovers(sight.screen)


def at_prompt(sight: Sight) -> bool:
    """A shell waits for a command, and none is begun."""
    if is_asking(sight) or sight.state not in ENDED:
        return False
    return sight.composer_row is None and seeing.is_bare_prompt(sight.screen)


def looks_like_shell(screen: Screen) -> bool:
    """Where no program's name and no agent's drawing says otherwise."""
    return seeing.is_bare_prompt(screen)


def _no_prompt(sight: Sight) -> Acted:
    said = "No shell waits at an empty prompt there."
    return Acted(ActOutcome.REFUSED, said, {**evidence_of(sight), "no_prompt": True})


def to_program(action: Action, sight: Sight, found: Stage, still: Callable[[Sight], bool] | None = None) -> Steps:
    """*still* must hold right before the paste."""
    text, who = action.text, (sight.agent, has_ended(sight))
    if is_asking(sight):
        return dialog_open(sight)
    if found is not Stage.DECIDED:
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended in the middle; look at the pane.", evidence_of(sight))
    seen: Seen | None = None
    is_line, before = False, sight.screen
    if text:
        sight = yield Ready(Stage.TYPING)
        if (refused := _another(sight, who)) is not None:
            return refused
        if still is not None and not still(sight):
            return _no_prompt(sight)
        before = sight.screen
        is_line = seeing.is_bare_prompt(before) and "\n" not in text
        yield Paste(text)
        sight = yield WaitFor(
            lambda now: not now.alive or _arrived(text, before, now.screen, is_line) is not None, SEEN_WITHIN_S, "seen"
        )
        if (ended := gone(sight)) is not None:
            return ended
        seen = _arrived(text, before, sight.screen, is_line)
        if seen is None:
            return Acted(ActOutcome.NOT_SEEN, "The text was not seen.", {**evidence_of(sight), "left": True})
    if not action.submit:
        return Acted(ActOutcome.PASTED, "The text stands in the pane's input.", evidence_of(sight))
    if seen is not None:
        yield Look(SHELL_PAUSE_S)
    sight = yield Ready(Stage.SUBMITTING)
    if (refused := _another(sight, who)) is not None:
        return refused
    moved = seen is not None and not seeing.still_there(text, seen, sight.screen)
    if moved or (is_line and not seeing.is_on_line(text, before, sight.screen)):
        return Acted(
            ActOutcome.SCREEN_MOVED, "The text changed before it was submitted.", {**evidence_of(sight), "left": True}
        )
    at_press = sight.screen
    yield Press(ENTER)

    def is_taken(now: Sight) -> bool:
        return seeing.taken(text, seen, now.screen) if seen is not None else seeing.changed(at_press, now.screen)

    sight = yield WaitFor(lambda now: not now.alive or is_taken(now), TAKEN_WITHIN_S, "taken")
    if (ended := gone(sight)) is not None:
        return ended
    if not is_taken(sight):
        return Acted(ActOutcome.NOT_TAKEN, "The pane showed no sign of taking the text.", evidence_of(sight))
    return Acted(ActOutcome.SUBMITTED, "The pane took it.", evidence_of(sight))


def _arrived(text: str, before: Screen, now: Screen, is_line: bool) -> Seen | None:
    if is_line and not seeing.is_on_line(text, before, now):
        return None
    return seeing.appeared(text, before, now)


def _another(sight: Sight, who: tuple[str | None, bool]) -> Acted | None:
    if (ended := gone(sight)) is not None:
        return ended
    if is_asking(sight):
        return dialog_open(sight)
    if (sight.agent, has_ended(sight)) != who:
        return Acted(ActOutcome.SCREEN_MOVED, "Another program has the pane now.", evidence_of(sight))
    return None
