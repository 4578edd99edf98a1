"""The marker in a tab's title (docs/protocol/badges.md): counts and a user's title to text, and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wa.model.agent import PaneState

SIGN = "\u2063"
"""INVISIBLE SEPARATOR: no program's title and no person's begins with it and these letters."""
CLASSES = ("waiting", "error", "limited", "working", "idle", "paused")
"""In the order of the marker."""
MOST = 99

_OF_STATE: Mapping[PaneState, str] = {
    **{state: "waiting" for state in PaneState if state.value.startswith("waiting.")},
    PaneState.ERROR: "error",
    PaneState.AUTH_ERROR: "error",
    PaneState.LIMITED: "limited",
    PaneState.WORKING: "working",
    PaneState.COMPACTING: "working",
    PaneState.STARTING: "working",
    PaneState.IDLE: "idle",
}
_NUMBER = re.compile(f",n=[0-9]+(?={SIGN})")
_MARKER = re.compile(f"{SIGN}wa1:([a-z=0-9,]*){SIGN}")

Counts = Mapping[str, int]
"""By class."""


class Shown(NamedTuple):
    """What is to be told of one pane with an agent."""

    state: PaneState
    is_paused: bool = False


class Titled(NamedTuple):
    """A tab's title, taken apart."""

    marker: str
    """"" where there is none."""
    own: str
    """The user's."""


def counted(shown: Iterable[Shown], *, idle: bool = True) -> Counts:
    """Empty where no pane has anything to tell. *idle*: agents that do nothing count too."""
    found: Counter[str] = Counter()
    for one in shown:
        kind = _OF_STATE.get(one.state)
        if kind is None:
            continue
        if idle or kind != "idle":
            found[kind] += 1
        if one.is_paused:
            found["paused"] += 1
    return {kind: min(found[kind], MOST) for kind in CLASSES if found[kind]}


def marked(counts: Counts, own: str, number: int | None = None) -> str:
    """*own* behind the marker; as it is where nothing is to be told. *number* makes a title of which there is one."""
    told = ",".join(f"{kind}={counts[kind]}" for kind in CLASSES if counts.get(kind))
    numbered = "" if number is None else f",n={number}"
    return f"{SIGN}wa1:{told}{numbered}{SIGN}{own}" if told else own


def unnumbered(title: str) -> str:
    """What `marked` makes without a number."""
    marker, own = taken_apart(title)
    return _NUMBER.sub("", marker) + own


def taken_apart(title: str) -> Titled:
    """One marker at most, at the very beginning: whatever else stands there is the user's."""
    found = _MARKER.match(title)
    return Titled("", title) if found is None else Titled(found[0], title[found.end() :])


def own_title(title: str) -> str:
    return taken_apart(title).own
