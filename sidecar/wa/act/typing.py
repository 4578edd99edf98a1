"""A verified send: find where it goes, protect what stands there, paste once, see it arrive, carriage return apart, see it taken.

For an agent whose composer can be found the composer decides; for shells and unknown programs what changes on the screen does. On
doubt nothing more is typed, and the outcome says why. A carriage return is repeated at most once, and only where the program has shown
that it read everything that was typed before, our text still stands there alone, and nothing was asked meanwhile.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from wa.act import seeing, shells
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
from wa.act.hindrance import SEEN_WITHIN_S, TAKEN_WITHIN_S, dialog_open, evidence_of, unfit
from wa.act.interrupting import interrupt
from wa.act.keys import ENTER, key_bytes
from wa.act.steps import Look, Part, Paste, Press, Ready, Step, Steps, WaitFor, gone
from wa.model.action import Acted, Action, ActionKind, ActOutcome, Stage, WhileBusy
from wa.model.profile import Profile
from wa.model.sight import Sight

COMPOSER_WITHIN_S = 2.0
"""An agent that draws anew has no composer for a moment, and the other signals lag behind the screen."""
PROBE_WITHIN_S = 5.0
_LEFT, _RIGHT, _BACK, _DOT = (key_bytes(name) or b"" for name in ("left", "right", "backspace", "."))


def send(action: Action, profile: Profile, found: Stage = Stage.DECIDED) -> Steps:
    """Into the composer of the profile's agent, and nowhere else; without one, to whatever has the pane.

    *found*: how far an earlier run of the sidecar came with it.
    """
    sight = yield Look()
    if (ended := gone(sight)) is not None:
        return ended
    if action.kind is ActionKind.RUN:
        return (yield from shells.run(action, found))
    if profile.composer:
        return (yield from _to_agent(action, profile, found))
    if sight.composer_row is not None:
        return Acted(ActOutcome.SCREEN_MOVED, "An agent began there.", evidence_of(sight))
    return (yield from shells.to_program(action, sight, found))


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
                    ActOutcome.NOT_TAKEN, "The text still stands in the composer.", {**evidence_of(sight), "left": True}
                )
    if found is Stage.TYPING and is_empty(sight, profile):
        # A paste may be under way still, in an agent that stalls.
        sight = yield WaitFor(lambda now: not is_empty(now, profile), SEEN_WITHIN_S)
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
    evidence = evidence_of(sight, held)
    if not action.submit:
        return Acted(ActOutcome.PASTED, "The text stands in the composer.", evidence)
    yield Look(profile.send.paste_pause_s)
    sight = yield from _ready(Stage.SUBMITTING, text, profile)
    if (moved := _moved(text, sight, profile)) is not None:
        return moved
    proof = _Proof(text, profile, sight)
    yield Press(ENTER)
    sight = yield WaitFor(proof.is_over, TAKEN_WITHIN_S, "taken")
    if found is not Stage.SUBMITTING and not proof.was_asked and _stands(text, sight, profile):
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


def _moved(text: str, sight: Sight, profile: Profile) -> Acted | None:
    """Why no carriage return may follow."""
    if (ended := gone(sight)) is not None:
        return ended
    left = {**evidence_of(sight), "left": True}
    if is_asking(sight):
        return dialog_open(sight, left=True)
    if sight.agent != profile.agent or sight.state in ENDED:
        return Acted(ActOutcome.SCREEN_MOVED, "The agent ended before the text was submitted.", evidence_of(sight))
    if holds(text, sight, profile) is None:
        return Acted(ActOutcome.SCREEN_MOVED, "The text in the composer changed before it was submitted.", left)
    if sight.state in BUSY:
        return Acted(ActOutcome.BUSY, "A turn began before the text was submitted; it stands in the composer.", left)
    return None


def _not_seen(sight: Sight) -> Acted:
    if is_asking(sight):
        return dialog_open(sight, left=True)
    return Acted(ActOutcome.NOT_SEEN, "The text was not seen in the composer.", {**evidence_of(sight), "left": True})


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
        self.was_asked = False
        """A dialog was open since: what it was about (a limit, a question) may forbid what was right before it."""

    def is_over(self, sight: Sight) -> bool:
        """Whether it is proven, or no use in waiting for that."""
        self.was_asked = self.was_asked or is_asking(sight)
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
        return Acted(
            ActOutcome.NOT_TAKEN, "The text still stands in the composer.", {**evidence_of(sight), "left": True}
        )
    if is_asking(sight):
        detail = "A dialog opened, and whether the agent took the text before is not to be seen."
        return Acted(ActOutcome.NOT_TAKEN, detail, evidence_of(sight))
    return Acted(
        ActOutcome.NOT_TAKEN, "The text is gone, and nothing shows that the agent took it.", evidence_of(sight)
    )


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
            evidence_of(sight),
        )
    if not is_asking(sight) and (sight.state in BUSY or in_transcript(text, sight)):
        proof = "working" if sight.state in BUSY else "transcript"
        return Acted(ActOutcome.SUBMITTED, "The agent took it, as far as anybody can say.", {"proof": proof})
    return Acted(
        ActOutcome.INTERRUPTED,
        "The sidecar ended while it submitted; whether it was taken is not known.",
        evidence_of(sight),
    )
