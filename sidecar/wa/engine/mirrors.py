"""Which panes of a GUI are copies of panes that are read at their own mux.

The protocol does not say which domain a pane belongs to. What it says: a mirror has no tty, and the mux behind it lists
the GUI's process among its clients. Among those, the copy has the title, folder and size of the original.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wa.model.identity import Client, Pane


class DirectMux(NamedTuple):
    """A mux that is read itself."""

    panes: Sequence[Pane]
    clients: Sequence[Client]


def find_mirrors(gui_panes: Iterable[Pane], gui_pid: int | None, direct: Iterable[DirectMux]) -> set[int]:
    """Ids of those of *gui_panes* that are seen at their own mux anyway.

    No more of them than there are originals: one too many is a pane of its own, and hiding it would lose its output.
    """
    originals: Counter[tuple[object, ...]] = Counter()
    for mux in direct:
        if any(client.pid == gui_pid for client in mux.clients):
            originals.update(_likeness(pane) for pane in mux.panes)
    mirrors: set[int] = set()
    for pane in sorted(gui_panes, key=lambda pane: pane.pane_id):
        if pane.tty_name is None and originals[_likeness(pane)] > 0:
            originals[_likeness(pane)] -= 1
            mirrors.add(pane.pane_id)
    return mirrors


def _likeness(pane: Pane) -> tuple[object, ...]:
    return pane.title, pane.cwd, pane.cols, pane.rows
