"""The one judgement before anything reaches a pane. So far: a person at the command line may, nobody else."""

from __future__ import annotations

import re

from wa.model.action import Action, ActionKind, Actor, ActorKind, Allow, Decision, Deny, PaneView

MAX_PASTE_CHARS = 256 * 1024

# Tab, LF and CR are judged apart. The rest is keystrokes to a program (ESC, Ctrl-C …), or nothing a person meant;
# U+2028 and U+2029 are line ends to some.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ACTS_UNLESS_BRACKETED = re.compile(r"[\n\r\t]")


def decide(action: Action, actor: Actor, view: PaneView | None) -> Decision:
    """May *actor* do this? *view* is None for an action without a pane."""
    if actor.kind is not ActorKind.HUMAN:
        return Deny(f"{actor.kind.value} may not act on panes", "Only a person at the command line may, for now.")
    if action.kind is ActionKind.SPAWN:
        return Allow("asked for by a person")
    if view is None or not view.alive:
        return Deny("the pane is gone", "Run `wa panes` to see what lives.")
    if view.excluded:
        return Deny(
            "the configuration says never to look at this pane, so nothing sent could be verified",
            "Type it yourself, or change `capture.never` (`wa config path`).",
        )
    if action.kind is ActionKind.KILL:
        if view.started_by_wa:
            return Allow("wa started it")
        return Deny("wa never ends what it did not start", "Close it in WezTerm.")
    return _send(action, view)


def _send(action: Action, view: PaneView) -> Decision:
    if not action.text and not action.submit:
        return Deny("there is nothing to send", "Give a text.")
    if len(action.text) > MAX_PASTE_CHARS:
        return Deny(
            f"{len(action.text)} characters are too many to paste",
            f"Send {MAX_PASTE_CHARS} at most, or name a file in the text.",
        )
    if found := _CONTROL.search(action.text):
        return Deny(
            f"the text holds a control character (U+{ord(found[0]):04X}), which programs take as a keystroke",
            "Send printable text only.",
        )
    if view.bracketed_paste is not True and not action.forced and (acts := _ACTS_UNLESS_BRACKETED.search(action.text)):
        what = "a tab" if acts[0] == "\t" else "more than one line"
        return Deny(
            f"the text holds {what}, and nothing says that the program takes a paste as one piece: "
            "a plain shell would run each line, or complete at each tab",
            "Send one line, or use --force where you know the program.",
        )
    return Allow("asked for by a person")
