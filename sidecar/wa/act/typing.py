"""A verified send: find where it goes, protect what stands there, paste once, see it arrive, carriage return apart, see it taken.

For an agent whose composer can be found the composer decides; for shells and unknown programs what changes on the screen does. On
doubt nothing more is typed, and the outcome says why. A carriage return is repeated at most once, and only where the program has shown
that it read everything that was typed before and our text still stands there alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from wa.act import seeing
from wa.act.composing import (
    BUSY,
    ENDED,
    Held,
    has_ended,
    holds,
    in_transcript,
    is_asking,
    is_before_cursor,
    is_busy,
    is_empty,
    is_same,
)
from wa.act.keys import ENTER, key_bytes
from wa.act.seeing import Seen
from wa.act.steps import Look, Part, Paste, Press, Ready, Step, Steps, WaitFor, gone
from wa.model.action import Acted, Action, ActionKind, ActOutcome, Stage, WhileBusy
from wa.model.profile import Profile
from wa.model.screen import Screen
from wa.model.sight import Sight

COMPOSER_WITHIN_S = 2.0
"""An agent that draws anew has no composer for a moment, and the other signals lag behind the screen."""
SEEN_WITHIN_S = 5.0
"""The slowest of the agents measured showed a paste after 205 ms, on a busy machine (2026-11-21)."""
TAKEN_WITHIN_S = 8.0
"""Claude Code needed six where ten programs shared two processors (2026-11-21)."""
PROBE_WITHIN_S = 5.0
INTERRUPTED_WITHIN_S = 8.0
SHELL_PAUSE_S = 0.1
"""For a program that is not known. Gemini CLI 0.61 ignores a carriage return that comes within about 50 ms of any input and took each
one after 80 ms (measured 2026-11-21)."""
_LEFT, _RIGHT, _BACK, _DOT = (key_bytes(name) or b"" for name in ("left", "right", "backspace", "."))


def send(action: Action, profile: Profile, found: Stage = Stage.DECIDED) -> Steps:
    """Into the composer of the profile's agent, and nowhere else; without one, to whatever has the pane.

    *found*: how far an earlier run of the sidecar came with it.
    """
    sight = yield Look()
    if (ended := gone(sight)) is not None:
        return ended
    if action.kind is ActionKind.RUN:
        return (yield from _run(action, found))
    if profile.composer:
        return (yield from _to_agent(action, profile, found))
    if sight.composer_row is not None:
        return Acted(ActOutcome.SCREEN_MOVED, "An agent began there.", _evidence(sight))
    return (yield from _to_program(action, sight, found))


# -- an agent's composer ----------------------------------------------------------------------------------------------


def _to_agent(action: Action, profile: Profile, found: Stage) -> Steps:
    text = action.text
    if not seeing.essence(text):
        return Acted(ActOutcome.REFUSED, "There is nothing in it that could be seen to arrive.")
    sight = yield WaitFor(lambda now: _settles(now, text, profile), COMPOSER_WITHIN_S)
    if found is Stage.SUBMITTING and _stands(text, sight, profile):
        # A carriage return may be under way still.
        sight = yield WaitFor(lambda now: not _stands(text, now, profile), TAKEN_WITHIN_S)
        if _stands(text, sight, profile):
            sight, answers = yield from _probe(text, sight, profile)
            if not answers and _stands(text, sight, profile):
                return Acted(
                    ActOutcome.NOT_TAKEN, "The text still stands in the composer.", {**_evidence(sight), "left": True}
                )
    if found is not Stage.DECIDED and (known := _taken_up(text, sight, profile, found)) is not None:
        return known
    if not (found is not Stage.DECIDED and holds(text, sight, profile)):
        if (refused := (yield from _make_ready(action, profile, sight))) is not None:
            return refused
        sight = yield from _ready(Stage.TYPING, text, profile)
        if (refused := unfit(sight, profile)) is not None:
            return refused
        yield Paste(text)
        sight = yield WaitFor(
            lambda now: not now.alive or is_asking(now) or holds(text, now, profile) is not None, SEEN_WITHIN_S, "seen"
        )
        if (ended := gone(sight)) is not None:
            return ended
        if holds(text, sight, profile) is None:
            return _not_seen(sight)
    held = holds(text, sight, profile)
    evidence = _evidence(sight, held)
    if not action.submit:
        return Acted(ActOutcome.PASTED, "The text stands in the composer.", evidence)
    yield Look(profile.send.paste_pause_s)
    sight = yield from _ready(Stage.SUBMITTING, text, profile)
    if (moved := _moved(text, sight, profile)) is not None:
        return moved
    proof = _Proof(text, profile, sight)
    yield Press(ENTER)
    sight = yield WaitFor(proof.is_over, TAKEN_WITHIN_S, "taken")
    if found is not Stage.SUBMITTING and _stands(text, sight, profile):
        sight = yield from _rescue(text, sight, profile, proof)
    return _judged(text, sight, profile, proof, evidence)


def _ready(stage: Stage, text: str, profile: Profile) -> Generator[Step, Sight, Sight]:
    """A reading to judge by; read again where the agent was just drawing anew."""
    sight = yield Ready(stage)
    for _ in range(3):
        if not _is_torn(sight, text, profile):
            break
        yield WaitFor(lambda now: not _is_torn(now, text, profile), COMPOSER_WITHIN_S)
        sight = yield Ready(stage)
    return sight


def _is_torn(sight: Sight, text: str, profile: Profile) -> bool:
    if not sight.alive or sight.composer_row is not None or is_asking(sight) or has_ended(sight):
        return False
    return holds(text, sight, profile) is None


def _settles(sight: Sight, text: str, profile: Profile) -> bool:
    if not sight.alive or is_asking(sight) or has_ended(sight):
        return True
    return (
        sight.composer_row is not None
        and not is_busy(sight)
        and (is_empty(sight, profile) or holds(text, sight, profile) is not None)
    )


def _make_ready(action: Action, profile: Profile, sight: Sight) -> Part:
    """End a turn where the action says so; else only tell what stands in the way."""
    if is_busy(sight) and action.while_busy is WhileBusy.INTERRUPT and unfit(sight, profile, busy=False) is None:
        stopped = yield from interrupt(profile)
        if stopped.outcome is not ActOutcome.PRESSED:
            return stopped
        sight = yield WaitFor(lambda now: unfit(now, profile) is None, COMPOSER_WITHIN_S)
    return unfit(sight, profile)


def unfit(sight: Sight, profile: Profile, *, busy: bool = True) -> Acted | None:
    """Why nothing may be pasted now. *busy* False: a turn is no reason."""
    if (ended := gone(sight)) is not None:
        return ended
    if is_asking(sight):
        return dialog_open(sight)
    if sight.agent != profile.agent or sight.state in ENDED:
        return Acted(ActOutcome.NO_COMPOSER, "The agent is not there any more.", _evidence(sight))
    if busy and is_busy(sight):
        return Acted(ActOutcome.BUSY, "The agent works.", _evidence(sight))
    if sight.composer_row is None or sight.draft is None:
        return Acted(ActOutcome.NO_COMPOSER, "The agent's composer is not to be seen.", _evidence(sight))
    if not is_empty(sight, profile):
        return Acted(ActOutcome.DRAFT, "A text of somebody's stands in the composer.", _evidence(sight))
    return None


def _moved(text: str, sight: Sight, profile: Profile) -> Acted | None:
    """Why no carriage return may follow."""
    if (ended := gone(sight)) is not None:
        return ended
    left = {**_evidence(sight), "left": True}
    if is_asking(sight):
        return dialog_open(sight, left=True)
    if sight.agent != profile.agent or sight.state in ENDED:
        return Acted(ActOutcome.SCREEN_MOVED, "The agent ended before the text was submitted.", _evidence(sight))
    if holds(text, sight, profile) is None:
        return Acted(ActOutcome.SCREEN_MOVED, "The text in the composer changed before it was submitted.", left)
    if sight.state in BUSY:
        return Acted(ActOutcome.BUSY, "A turn began before the text was submitted; it stands in the composer.", left)
    return None


def _not_seen(sight: Sight) -> Acted:
    if is_asking(sight):
        return dialog_open(sight, left=True)
    return Acted(ActOutcome.NOT_SEEN, "The text was not seen in the composer.", {**_evidence(sight), "left": True})


def _stands(text: str, sight: Sight, profile: Profile) -> bool:
    return sight.alive and not is_asking(sight) and not has_ended(sight) and holds(text, sight, profile) is not None


class _Proof:
    """What shows that the text was taken: it stands in the transcript. Where it was hidden there, that a turn began."""

    def __init__(self, text: str, profile: Profile, before: Sight) -> None:
        self._text = text
        self._profile = profile
        self._before = in_transcript(text, before)
        self._is_hidden = holds(text, before, profile) is Held.MASK
        self._worked = False
        """A turn was seen since, and the composer without the text."""

    def is_over(self, sight: Sight) -> bool:
        """Whether it is proven, or no use in waiting for that."""
        return not sight.alive or self.of(sight) is not None

    def of(self, sight: Sight) -> str | None:
        if holds(self._text, sight, self._profile) is not None:
            return None
        if in_transcript(self._text, sight) > self._before:
            return "transcript"
        if sight.state in BUSY and sight.draft is not None:
            self._worked = True
        if self._worked and self._is_hidden:
            return "working"
        return "ended" if has_ended(sight) and self._is_command else None

    def at_last(self, sight: Sight) -> str | None:
        """Weaker signs, when the time is over."""
        if (proof := self.of(sight)) is not None or holds(self._text, sight, self._profile) is not None:
            return proof
        if self._worked:
            # The same words may have left the screen at its top as they came at its bottom.
            return "working"
        # Commands of the agent's leave no trace of themselves, and some open a page of their own.
        bare = sight.draft is None or is_empty(sight, self._profile)
        return "composer" if self._is_command and bare and not is_asking(sight) else None

    @property
    def _is_command(self) -> bool:
        return self._text.lstrip()[:1] == "/"


def _rescue(text: str, sight: Sight, profile: Profile, proof: _Proof) -> Generator[Step, Sight, Sight]:
    """One more carriage return, where the program shows that it has read the first and our text still stands there."""
    sight, answers = yield from _probe(text, sight, profile)
    if not answers:
        return sight
    yield Look(profile.send.paste_pause_s)
    sight = yield from _ready(Stage.SUBMITTING, text, profile)
    if _moved(text, sight, profile) is not None:
        return sight
    yield Press(ENTER)
    return (yield WaitFor(proof.is_over, TAKEN_WITHIN_S, "taken"))


def _probe(text: str, sight: Sight, profile: Profile) -> Generator[Step, Sight, tuple[Sight, bool]]:
    """Has the program read all that was typed? What it reads comes in order, so it has where it answers to a key that submits nothing:
    the cursor goes to the left and back; where no cursor is to be seen, a dot comes and goes.
    """
    if sight.state in BUSY or sight.draft is None:
        return sight, False
    by_cursor, draft, home = is_before_cursor(sight), sight.draft, sight.screen.cursor
    stands = ""
    for key, after in ((_LEFT, ""), (_RIGHT, "")) if by_cursor else ((_DOT, "."), (_BACK, "")):

        def shows(now: Sight, key: bytes = key, after: str = after) -> bool:
            if not _has_text(now, profile) or not is_same(now.draft, draft + after):
                return False
            is_home = (now.screen.cursor.x, now.screen.cursor.y) == (home.x, home.y)
            return not by_cursor or is_home is (key == _RIGHT)

        def is_told(now: Sight) -> bool:
            return shows(now) or is_same(now.draft, ".")

        sight = yield Look()
        if sight.state in BUSY or not _has_text(sight, profile) or not is_same(sight.draft, draft + stands):
            return sight, False
        yield Press(key)
        sight = yield WaitFor(is_told, PROBE_WITHIN_S)
        if not shows(sight):
            return (yield from _without_dot(sight, profile)), False
        stands = after
    return sight, holds(text, sight, profile) is not None


def _without_dot(sight: Sight, profile: Profile) -> Generator[Step, Sight, Sight]:
    """The text was taken after all, late, and the dot that asked came into the empty composer: it is taken back."""
    if not is_same(sight.draft, "."):
        return sight
    sight = yield Look()
    if _has_text(sight, profile) and is_same(sight.draft, "."):
        yield Press(_BACK)
        sight = yield WaitFor(lambda now: is_empty(now, profile), PROBE_WITHIN_S)
    return sight


def _has_text(sight: Sight, profile: Profile) -> bool:
    return sight.alive and sight.agent == profile.agent and not is_asking(sight) and not has_ended(sight)


def _judged(text: str, sight: Sight, profile: Profile, proof: _Proof, seen: dict[str, Any]) -> Acted:
    if (said := proof.at_last(sight)) is not None and sight.alive:
        return Acted(ActOutcome.SUBMITTED, "The agent took it.", {**seen, "proof": said})
    if (ended := gone(sight)) is not None:
        return ended
    if holds(text, sight, profile) is not None:
        return Acted(ActOutcome.NOT_TAKEN, "The text still stands in the composer.", {**_evidence(sight), "left": True})
    if is_asking(sight):
        detail = "A dialog opened, and whether the agent took the text before is not to be seen."
        return Acted(ActOutcome.NOT_TAKEN, detail, _evidence(sight))
    return Acted(ActOutcome.NOT_TAKEN, "The text is gone, and nothing shows that the agent took it.", _evidence(sight))


def _taken_up(text: str, sight: Sight, profile: Profile, found: Stage) -> Acted | None:
    """What is known of a send that a killed sidecar left open; None: go on with it, or begin anew."""
    if (ended := gone(sight)) is not None:
        return ended
    if _stands(text, sight, profile):
        return None
    if found is Stage.TYPING:
        if is_empty(sight, profile) and not in_transcript(text, sight):
            return None
        return Acted(
            ActOutcome.INTERRUPTED,
            "The sidecar ended while it typed, and what stands there now is not the text alone.",
            _evidence(sight),
        )
    if not is_asking(sight) and (sight.state in BUSY or in_transcript(text, sight)):
        proof = "working" if sight.state in BUSY else "transcript"
        return Acted(ActOutcome.SUBMITTED, "The agent took it, as far as anybody can say.", {"proof": proof})
    return Acted(
        ActOutcome.INTERRUPTED,
        "The sidecar ended while it submitted; whether it was taken is not known.",
        _evidence(sight),
    )


def dialog_open(sight: Sight, *, left: bool = False) -> Acted:
    said = {} if not left else {"left": True}
    return Acted(ActOutcome.DIALOG_OPEN, "A dialog owns the keyboard.", {**_evidence(sight), **said})


def _evidence(sight: Sight, held: Held | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"state": sight.state.value}
    if sight.composer_row is not None:
        said["row"] = sight.composer_row
    if held is not None:
        said["seen_as"] = held.value
    if sight.dialog is not None:
        said["question"] = sight.dialog.question
        said["options"] = list(sight.dialog.options)
    return said


# -- ending a turn ----------------------------------------------------------------------------------------------------


def interrupt(profile: Profile) -> Steps:
    """The keys of the agent's file, each seen to be of use before the next."""
    sight = yield Look()
    if (refused := unfit(sight, profile, busy=False)) is not None and refused.outcome is not ActOutcome.DRAFT:
        return refused
    keys = [data for key in profile.interrupt if (data := key_bytes(key)) is not None]
    if not keys:
        return Acted(ActOutcome.REFUSED, f"It is not known how a turn of {profile.agent or 'this program'} is ended.")
    if not is_busy(sight):
        return Acted(ActOutcome.REFUSED, "No turn is under way.", _evidence(sight))
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
        return Acted(ActOutcome.NOT_TAKEN, "The turn goes on.", _evidence(sight))
    return Acted(ActOutcome.PRESSED, "The turn ended.", _evidence(sight))


def _has_stopped(sight: Sight) -> bool:
    if not sight.alive or is_asking(sight) or has_ended(sight):
        return True
    return sight.state not in BUSY and sight.composer_row is not None


# -- shells and unknown programs --------------------------------------------------------------------------------------


REDRAW = b"\x0c"
"""Ctrl+L: bash, zsh and fish clear the screen and draw their prompt anew, with what is typed on it."""
REDRAWN_WITHIN_S = 2.0


def _run(action: Action, found: Stage) -> Steps:
    """A command line, in a shell at its prompt with nothing typed on it."""
    sight = yield Look()
    if (ended := gone(sight)) is not None:
        return ended
    if found is not Stage.DECIDED:
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended while it typed a command line.", _evidence(sight))
    if not at_prompt(sight) and _amid_leftovers(sight):
        sight = yield Ready(Stage.TYPING)
        if _amid_leftovers(sight):
            yield Press(REDRAW)
            sight = yield WaitFor(lambda now: not now.alive or at_prompt(now), REDRAWN_WITHIN_S, "taken")
    if (ended := gone(sight)) is not None:
        return ended
    if not at_prompt(sight):
        return _no_prompt(sight)
    return (yield from _to_program(action._replace(submit=True), sight, found, still=at_prompt))


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
    return Acted(ActOutcome.REFUSED, said, {**_evidence(sight), "no_prompt": True})


def _to_program(action: Action, sight: Sight, found: Stage, still: Callable[[Sight], bool] | None = None) -> Steps:
    """*still* must hold right before the paste."""
    text, who = action.text, (sight.agent, has_ended(sight))
    if is_asking(sight):
        return dialog_open(sight)
    if found is not Stage.DECIDED:
        return Acted(ActOutcome.INTERRUPTED, "The sidecar ended in the middle; look at the pane.", _evidence(sight))
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
            return Acted(ActOutcome.NOT_SEEN, "The text was not seen.", {**_evidence(sight), "left": True})
    if not action.submit:
        return Acted(ActOutcome.PASTED, "The text stands in the pane's input.", _evidence(sight))
    if seen is not None:
        yield Look(SHELL_PAUSE_S)
    sight = yield Ready(Stage.SUBMITTING)
    if (refused := _another(sight, who)) is not None:
        return refused
    moved = seen is not None and not seeing.still_there(text, seen, sight.screen)
    if moved or (is_line and not seeing.is_on_line(text, before, sight.screen)):
        return Acted(
            ActOutcome.SCREEN_MOVED, "The text changed before it was submitted.", {**_evidence(sight), "left": True}
        )
    at_press = sight.screen
    yield Press(ENTER)

    def is_taken(now: Sight) -> bool:
        return seeing.taken(text, seen, now.screen) if seen is not None else seeing.changed(at_press, now.screen)

    sight = yield WaitFor(lambda now: not now.alive or is_taken(now), TAKEN_WITHIN_S, "taken")
    if (ended := gone(sight)) is not None:
        return ended
    if not is_taken(sight):
        return Acted(ActOutcome.NOT_TAKEN, "The pane showed no sign of taking the text.", _evidence(sight))
    return Acted(ActOutcome.SUBMITTED, "The pane took it.", _evidence(sight))


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
        return Acted(ActOutcome.SCREEN_MOVED, "Another program has the pane now.", _evidence(sight))
    return None
