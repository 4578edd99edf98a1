"""Which panes there are, and which one a person means."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from wa.api.client import SidecarClient, connected_if_any
from wa.api.history import open_history, stored_as_of
from wa.config.paths import Paths
from wa.model.errors import NotFound, UsageError
from wa.protocol.envelope import iso_or_none
from wa.protocol.results import PaneResult, PanesResult
from wa.store.records import PaneRecord

MAX_CANDIDATES = 12
"""How many panes an error names."""


class AmbiguousPaneError(UsageError):
    code = "usage.ambiguous_pane"
    next_step = "Use the name at the start of one of these lines."


async def list_panes(paths: Paths, *, closed: bool = False) -> PanesResult:
    """Live panes, in the order of their uids; with *closed* also those of which only the log is left."""
    async with connected_if_any(paths.socket) as sidecar:
        return await panes_of(paths, sidecar, closed=closed)


async def panes_of(paths: Paths, sidecar: SidecarClient | None, *, closed: bool) -> PanesResult:
    """As `list_panes`, for callers that are connected, or know that there is no sidecar (None)."""
    live: PanesResult | None = None
    if sidecar is not None:
        live = await sidecar.call("panes")
        if not closed:
            return live
    async with open_history(paths) as history:
        records = await history.panes() if history is not None else []
    if live is None:
        remembered = [stored_pane(one) for one in records if closed or one.alive]
        return PanesResult(live=False, as_of=stored_as_of(paths), panes=remembered)
    known = {pane["pane_uid"] for pane in live["panes"]}
    gone = [stored_pane(record._replace(alive=False)) for record in records if record.pane_uid not in known]
    return PanesResult(
        live=True,
        as_of=live["as_of"],
        panes=sorted([*live["panes"], *gone], key=lambda pane: int(pane["pane_uid"][1:])),
    )


async def find_pane(paths: Paths, sidecar: SidecarClient | None, name: str) -> PaneResult:
    """The pane called *name*, open or closed. Raises NotFound or AmbiguousPaneError."""
    return resolve(name, (await panes_of(paths, sidecar, closed=True))["panes"])


async def pane_uid(paths: Paths, sidecar: SidecarClient | None, name: str | None) -> str | None:
    """The uid of the pane called *name*, open or closed; None for None. Raises NotFound or AmbiguousPaneError."""
    return None if name is None else (await find_pane(paths, sidecar, name))["pane_uid"]


def stored_pane(record: PaneRecord) -> PaneResult:
    """A pane as the database remembers it: nobody watches it now."""
    return PaneResult(
        pane_uid=record.pane_uid,
        mux=record.mux,
        host=record.host,
        pane_id=record.pane_id,
        title=record.title,
        cwd=plain_folder(record.cwd),
        workspace=record.workspace,
        size={"cols": record.cols, "rows": record.rows},
        alive=record.alive,
        source=None,
        excluded=False,
        rows_stored=record.rows_stored,
        rows_lost=record.rows_lost,
        gaps=record.gaps,
        last_output_at=iso_or_none(record.last_output_ms),
        agent=None,
        state="unknown",
        since=None,
        detail=None,
        last_event=None,
    )


def plain_folder(cwd: str | None) -> str | None:
    """The path in a file:// URL as terminals report it; anything else as it is."""
    if cwd is None or not cwd.startswith("file://"):
        return cwd
    try:
        return unquote(urlsplit(cwd).path) or None
    except ValueError:
        return cwd


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
