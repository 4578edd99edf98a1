"""What no rule can allow: each answer here comes before any policy."""

from __future__ import annotations

import re

from wa.decide.rules import AUTOMATIONS
from wa.model.action import Action, ActionKind, Actor, ActorKind, Deny, PaneView
from wa.model.agent import PaneState

MAX_PASTE_CHARS = 256 * 1024

# Tab, LF and CR are judged apart. The rest is keystrokes to a program (ESC, Ctrl-C …), or nothing a person meant;
# U+2028 and U+2029 are line ends to some.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ACTS_UNLESS_BRACKETED = re.compile(r"[\n\r\t]")

SUBMITTING_KEYS = frozenset({"enter", "return", "cr", "lf", "newline", "linefeed", "ctrl+m", "ctrl+j", "kp+enter"})
"""They submit what stands in a composer, and take the selected option of a dialog."""
MOVING_KEYS = frozenset(
    {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "ctrl+p", "ctrl+n", "ctrl+f", "ctrl+b"}
)
"""They move a selection, and take nothing."""
SHELLS = frozenset({PaneState.SHELL, PaneState.EXITED})

NEEDS_KEYBOARD = frozenset({ActionKind.CHOOSE, ActionKind.KEYS})
OF_AGENTS = frozenset({ActionKind.KEYS, ActionKind.INTERRUPT, ActionKind.EXIT})
TOUCHES_COMPOSER = frozenset({ActionKind.SEND, ActionKind.RUN, ActionKind.EXIT})


def never(action: Action, actor: Actor, view: PaneView | None) -> Deny | None:
    """Why not, whatever the policy says; None where that is for the policy to say."""
    if action.kind is ActionKind.SPAWN:
        return None
    if view is None or not view.alive:
        return Deny("the pane is gone", "Run `wa panes` to see what lives.", "never.gone")
    if view.excluded:
        return Deny(
            "the configuration says never to look at this pane, so nothing sent could be verified",
            "Type it yourself, or change `capture.never` (`wa config path`).",
            "never.excluded",
        )
    if action.kind is ActionKind.KILL:
        if view.started_by_wa:
            return None
        return Deny("wa never ends what it did not start", "Close it in WezTerm.", "never.kill")
    return (
        _words(action, view)
        or _keyboard(action, actor, view)
        or _draft(action, actor, view)
        or _shell(action, actor, view)
    )


def folded_key(name: str) -> str:
    """`Ctrl-M` is `ctrl+m`; a single character is itself."""
    return name if len(name) == 1 else name.strip().lower().replace("-", "+").replace("_", "+")


def may_submit(key: str) -> bool:
    """Also with Shift or Alt: programs differ in what they make of those."""
    if key in ("\r", "\n"):
        return True
    folded = folded_key(key)
    return folded in SUBMITTING_KEYS or folded.rpartition("+")[2] in SUBMITTING_KEYS


def _words(action: Action, view: PaneView) -> Deny | None:
    """What is to be typed, on its own."""
    if action.kind is ActionKind.CHOOSE and not any(label.strip() for label in action.labels):
        return Deny("nothing says which option", "Give its label.", "never.empty")
    if action.kind is ActionKind.KEYS and not action.keys:
        return Deny("there is no key to press", "Name one, `escape` for example.", "never.empty")
    if action.kind is ActionKind.RUN and not action.text.strip():
        return Deny("there is no command to run", "Give a command.", "never.empty")
    if action.kind is ActionKind.SEND and not action.text and not action.submit:
        return Deny("there is nothing to send", "Give a text.", "never.empty")
    if len(action.text) > MAX_PASTE_CHARS:
        return Deny(
            f"{len(action.text)} characters are too many to paste",
            f"Send {MAX_PASTE_CHARS} at most, or name a file in the text.",
            "never.too_long",
        )
    if found := _CONTROL.search(action.text):
        return Deny(
            f"the text holds a control character (U+{ord(found[0]):04X}), which programs take as a keystroke",
            "Send printable text only.",
            "never.control",
        )
    acts = _ACTS_UNLESS_BRACKETED.search(action.text)
    if acts and action.kind is ActionKind.RUN:
        return Deny("a command is one line, without tabs", "Give one line.", "never.lines")
    if acts and view.bracketed_paste is not True and not action.forced:
        what = "a tab" if acts[0] == "\t" else "more than one line"
        return Deny(
            f"the text holds {what}, and nothing says that the program takes a paste as one piece: "
            "a plain shell would run each line, or complete at each tab",
            "Send one line, or use --force where you know the program.",
            "never.lines",
        )
    return None


def _keyboard(action: Action, actor: Actor, view: PaneView) -> Deny | None:
    """Who has the keyboard just now."""
    if view.dialog is None:
        if action.kind is ActionKind.CHOOSE:
            return Deny("no dialog is open", "See what the pane shows: `wa logs PANE`.", "never.no_dialog")
        return _unread_dialog(action, view) if actor.kind in AUTOMATIONS else None
    if action.kind not in NEEDS_KEYBOARD:
        return Deny(
            f"a dialog owns the keyboard: {view.dialog.question or view.dialog.event}",
            "Answer it first, by the label of an option: `wa choose PANE LABEL`.",
            "never.dialog",
        )
    if action.kind is ActionKind.KEYS and actor.kind in AUTOMATIONS:
        blind = [key for key in action.keys if folded_key(key) not in MOVING_KEYS]
        if blind:
            return Deny(
                f"`{blind[0]}` would answer a dialog blindly",
                "Choose an option by its label.",
                "never.blind_answer",
            )
    if action.kind is ActionKind.CHOOSE and action.question and not _is_about(action.question, view.dialog.question):
        return Deny("another dialog is open than the one that was meant", "Look at the pane.", "never.other_dialog")
    return None


def _unread_dialog(action: Action, view: PaneView) -> Deny | None:
    """A box may be open that nobody can read: for automations that is one all the same."""
    if view.state.value.startswith("waiting.") and action.kind is not ActionKind.KEYS:
        return Deny(f"the pane waits for an answer ({view.state.value})", "Answer it in the pane.", "never.dialog")
    if action.kind is not ActionKind.KEYS:
        return None
    if any(may_submit(key) for key in action.keys):
        return Deny(
            "a Return of an automation belongs to a text or to a label",
            "Send a text, or choose an option by its label.",
            "never.blind_answer",
        )
    if view.draft is None:
        return Deny("no composer is to be seen: a box may own the keyboard", "Look at the pane.", "never.blind_answer")
    return None


def _draft(action: Action, actor: Actor, view: PaneView) -> Deny | None:
    """A person's text in the composer."""
    if not view.draft:
        return None
    if action.kind is ActionKind.KEYS:
        if actor.kind is ActorKind.HUMAN and not any(may_submit(key) for key in action.keys):
            return None
        if view.dialog is not None and actor.kind is ActorKind.HUMAN:
            # The dialog has the keys, not the composer behind it.
            return None
    elif action.kind is ActionKind.INTERRUPT:
        if actor.kind is ActorKind.HUMAN:
            return None
    elif action.kind not in TOUCHES_COMPOSER:
        return None
    return Deny(
        "somebody's text stands in the composer, and would be sent or lost",
        "Send it or delete it in the pane first.",
        "never.draft",
    )


def _shell(action: Action, actor: Actor, view: PaneView) -> Deny | None:
    if action.kind is ActionKind.RUN and view.state not in SHELLS:
        return Deny("no shell is at its prompt", "Wait until the program has ended.", "never.no_shell")
    if actor.kind not in AUTOMATIONS:
        return None
    if action.kind is ActionKind.SEND and (view.state in SHELLS or view.agent is None):
        where = "a shell" if view.state in SHELLS else "a program that wa does not know"
        return Deny(f"an automation does not type prose into {where}", "Start an agent there.", "never.shell")
    if action.kind in OF_AGENTS and (view.state in SHELLS or view.agent is None):
        return Deny("an automation presses no keys where no agent is", "Start an agent there.", "never.shell")
    return None


def _is_about(wanted: str, question: str) -> bool:
    return " ".join(wanted.split()).casefold() in " ".join(question.split()).casefold()
