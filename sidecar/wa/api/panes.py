"""Which panes there are, and which one a person means."""

from __future__ import annotations

from collections.abc import Sequence

from wa.model.errors import NotFound, UsageError
from wa.protocol.results import PaneResult

MAX_CANDIDATES = 12
"""How many panes an error names."""


class AmbiguousPaneError(UsageError):
    code = "usage.ambiguous_pane"
    next_step = "Use the name at the start of one of these lines."


def resolve(name: str, panes: Sequence[PaneResult]) -> PaneResult:
    """The pane called *name*: `p17`, `MUX/ID`, or an id that one live pane has.

    A closed pane is found by its uid, and by `MUX/ID` while no live pane has that. Raises NotFound or
    AmbiguousPaneError; both list candidates.
    """
    found = [pane for pane in panes if pane["pane_uid"] == name]
    if not found and "/" in name:
        mux, _, ident = name.rpartition("/")
        same = [pane for pane in panes if pane["mux"] == mux and str(pane["pane_id"]) == ident]
        found = [pane for pane in same if pane["alive"]] or same
    elif not found and name.isdecimal() and name.isascii():
        found = [pane for pane in panes if pane["alive"] and pane["pane_id"] == int(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousPaneError(f"{len(found)} panes are called {name!r}", details=_candidates(found))
    live = [pane for pane in panes if pane["alive"]]
    raise NotFound(f"no pane is called {name!r}", details=_candidates(live or panes))


def _candidates(panes: Sequence[PaneResult]) -> dict[str, list[str]]:
    lines = [f"{pane['pane_uid']}  {pane['mux']}/{pane['pane_id']}  {pane['title']}" for pane in panes[:MAX_CANDIDATES]]
    if len(panes) > MAX_CANDIDATES:
        lines.append(f"and {len(panes) - MAX_CANDIDATES} more: `wa panes`")
    return {"candidates": lines}
