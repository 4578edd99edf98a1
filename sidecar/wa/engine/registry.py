"""All live panes, and which one a name means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wa.engine.pane import WatchedPane
from wa.model.errors import NotFound, UsageError

MAX_CANDIDATES = 12
"""How many panes an error names."""


class Registry:
    def __init__(self) -> None:
        self._panes: dict[str, WatchedPane] = {}
        self._in_order: tuple[WatchedPane, ...] | None = None
        """Until a pane comes or goes: some go through all of them each second."""

    def add(self, pane: WatchedPane) -> None:
        self._panes[pane.uid] = pane
        self._in_order = None

    def remove(self, pane: WatchedPane) -> None:
        if self._panes.get(pane.uid) is pane:
            del self._panes[pane.uid]
            self._in_order = None

    def __iter__(self) -> Iterator[WatchedPane]:
        """In the order of their uids."""
        if self._in_order is None:
            self._in_order = tuple(sorted(self._panes.values(), key=lambda pane: int(pane.uid[1:])))
        return iter(self._in_order)

    def __len__(self) -> int:
        return len(self._panes)

    def get(self, uid: str) -> WatchedPane | None:
        return self._panes.get(uid)

    def of_gui(self, gui: object, pane_id: object) -> WatchedPane | None:
        """The pane of that number of the mux whose server is the process *gui*, of this machine."""
        run_of = f"{gui}-"
        return next(
            (
                pane
                for pane in self
                if pane.pane_id == pane_id and not pane.mux.host and pane.mux.started.startswith(run_of)
            ),
            None,
        )

    def find(self, name: object) -> WatchedPane:
        """The live pane called `p17`, `MUX/ID`, or ID where one pane alone has it. The error lists the candidates."""
        if not isinstance(name, str) or not name:
            raise UsageError(f"a pane is named by text, not {name!r:.60}")
        found = list(self._called(name))
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{len(found)} panes are called {name!r}",
                next_step="Use the name at the start of one of these lines.",
                details=_candidates(found),
            )
        raise NotFound(f"no live pane is called {name!r}", details=_candidates(list(self)))

    def _called(self, name: str) -> Iterable[WatchedPane]:
        if (pane := self._panes.get(name)) is not None:
            return [pane]
        mux, slash, ident = name.rpartition("/")
        if not (ident.isascii() and ident.isdecimal()):
            return []
        return [pane for pane in self if pane.pane_id == int(ident) and (not slash or pane.mux.name == mux)]


def _candidates(panes: list[WatchedPane]) -> dict[str, Any]:
    lines = [f"{pane.uid}  {pane.mux.name}/{pane.pane_id}  {pane.title}" for pane in panes[:MAX_CANDIDATES]]
    if len(panes) > MAX_CANDIDATES:
        lines.append(f"and {len(panes) - MAX_CANDIDATES} more: `wa panes`")
    return {"candidates": lines}
