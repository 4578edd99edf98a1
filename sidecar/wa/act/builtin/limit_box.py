"""The box that some agents open at a limit: closed by a label that does nothing else, or left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from wa.act.builtin.steps import ASKING, Steps, act, answered, look, park, seconds, until, words
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.command import Saw

_ABOUT_LIMITS = re.compile(r"limit|quota|credit|usage", re.IGNORECASE)


class Boxed(NamedTuple):
    stays: bool
    """A box is open still, and a person must see to it."""
    detail: str = ""


def close_box(settings: Mapping[str, Any], profile: Mapping[str, Any]) -> Steps[Boxed]:
    """Close the limit's box, if one comes within `box_wait_s`. Another dialog is not answered."""
    labels = words(settings["close"]) or words(profile.get("limits", {}).get("close"))
    saw = yield from look()
    if saw.state not in ASKING:
        if saw.resumes_itself:
            return Boxed(False)
        yield from until(
            seconds(settings, "box_wait_s"), *sorted(ASKING), events=frozenset({"usage.popup", "usage.autoresume"})
        )
        saw = yield from look()
    tries, deadline = 0, saw.at_ms + int(seconds(settings, "patience_s") * 1000)
    while True:
        if saw.state not in ASKING or not saw.alive:
            return Boxed(False)
        if saw.resumes_itself:
            return Boxed(True, "the agent says that it goes on by itself")
        label = _label(saw, labels)
        if label is None:
            return Boxed(True, "no option of the dialog that is open is one that wa may choose")
        if tries >= settings["box_tries"] or saw.at_ms >= deadline:
            return Boxed(True, "the dialog stays open")
        did = yield from act(Action(ActionKind.CHOOSE, labels=(label,), question=saw.question or ""))
        if did.outcome is ActOutcome.PLANNED:
            return Boxed(False, "would have been closed")
        answer = yield from answered(did, (deadline - saw.at_ms) / 1000)
        if answer == "granted":
            saw = yield from look()
            continue
        if answer == "denied":
            return Boxed(True, "a person said no to closing it")
        if did.outcome in _FINAL:
            return Boxed(True, did.detail)
        # A person who is at the keyboard is waited for, and an agent that stalls; that is no try.
        held = did.outcome in (ActOutcome.HUMAN_TYPING, ActOutcome.UNREACHABLE, ActOutcome.BUSY)
        tries += not held
        if did.outcome not in (ActOutcome.CHOSEN, ActOutcome.NO_DIALOG):
            saw = yield from look()
            yield from park(saw.at_ms + (5_000 if held else 2_000))
        saw = yield from look()


_FINAL = frozenset({ActOutcome.REFUSED, ActOutcome.ASKED, ActOutcome.INTERRUPTED, ActOutcome.NO_OPTION})


def _label(saw: Saw, labels: tuple[str, ...]) -> str | None:
    """The first of *labels* that the open dialog has, if it is a dialog about limits."""
    if not _ABOUT_LIMITS.search(" ".join((saw.question or "", *saw.options))):
        return None
    there = {_folded(option): option for option in saw.options}
    return next((label for label in labels if _folded(label) in there), None)


def _folded(label: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s*\([a-z]\)\s*$", "", label)).strip().casefold()
