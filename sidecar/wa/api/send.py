"""Typing into panes, through the sidecar: it alone may, after its policy said yes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wa.api.client import SidecarClient, connected
from wa.api.panes import find_pane, panes_of
from wa.config.paths import Paths
from wa.model.errors import NotFound, UsageError, WaError
from wa.protocol.results import PaneResult, SendResult
from wa.protocol.results_acting import ActResult
from wa.protocol.results_send import SendToResult, SentTo

SEND_WITHIN_S = 60.0
"""Above every wait that the sidecar itself has for one send."""
AT_ONCE = 8
"""So many panes of a selection are typed into at the same time."""


class PartlySentError(WaError):
    """Some of the panes that were meant did not take it; `details.panes` tells which."""

    code = "failed.partly_sent"
    next_step = "Send it again to those panes alone, once what stands in their way is gone."


class How(NamedTuple):
    submit: bool = True
    dry_run: bool = False
    force: bool = False
    while_busy: str = "refuse"


async def send_text(paths: Paths, pane: str, text: str, how: How) -> SendResult:
    """Success means that it was seen to happen, or that it was queued. Raises Refused, NotFound, TimedOut or SidecarError otherwise."""
    async with connected(paths.socket) as sidecar:
        uid = (await find_pane(paths, sidecar, pane))["pane_uid"]
        return await _send(sidecar, uid, text, how)


async def send_to(paths: Paths, selector: str, text: str, how: How) -> SendToResult:
    """To every live pane that *selector* fits. Raises UsageError, NotFound where none does, or SidecarError."""
    fits = parse_selector(selector)
    async with connected(paths.socket) as sidecar:
        panes = (await panes_of(paths, sidecar, closed=False))["panes"]
        meant = [pane for pane in panes if pane["alive"] and not pane["excluded"] and fits(pane)]
        if not meant:
            raise NotFound(
                f"no pane fits {selector!r:.100}", next_step="`wa panes` and `wa status` show what they are."
            )

    async def one(pane: PaneResult) -> SentTo:
        async with gate:
            return await _sent_to(paths, pane, text, how)

    gate = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        sent = [group.create_task(one(pane)) for pane in meant]
    return SendToResult(to=selector, characters=len(text), dry_run=how.dry_run, panes=[task.result() for task in sent])


async def _sent_to(paths: Paths, pane: PaneResult, text: str, how: How) -> SentTo:
    try:
        # A connection answers one call after the other.
        async with connected(paths.socket) as sidecar:
            reply = await _send(sidecar, pane["pane_uid"], text, how)
        outcome, code, detail = reply["outcome"], None, reply["detail"]
    except WaError as error:
        outcome, code, detail = str(error.details.get("outcome", "failed")), error.code, error.message
    return SentTo(
        pane_uid=pane["pane_uid"],
        title=pane["title"],
        agent=pane["agent"],
        state=pane["state"],
        outcome=outcome,
        code=code,
        detail=detail,
    )


async def _send(sidecar: SidecarClient, uid: str, text: str, how: How) -> SendResult:
    params = {"pane": uid, "text": text, **how._asdict()}
    reply: SendResult = await sidecar.call("send", params, within_s=SEND_WITHIN_S)
    return reply


async def press_keys(paths: Paths, pane: str, keys: Sequence[str], *, dry_run: bool) -> ActResult:
    """Raises as `send_text`."""
    return await _act(paths, "keys", pane, {"keys": list(keys), "dry_run": dry_run})


async def choose_option(paths: Paths, pane: str, label: str, *, question: str, dry_run: bool) -> ActResult:
    """Raises as `send_text`."""
    return await _act(paths, "choose", pane, {"labels": [label], "question": question, "dry_run": dry_run})


async def _act(paths: Paths, method: str, pane: str, params: dict[str, object]) -> ActResult:
    async with connected(paths.socket) as sidecar:
        uid = (await find_pane(paths, sidecar, pane))["pane_uid"]
        reply: ActResult = await sidecar.call(method, {"pane": uid, **params}, within_s=SEND_WITHIN_S)
    return reply


_PARTS: dict[str, Callable[[PaneResult, str], bool]] = {
    "agent": lambda pane, value: (
        pane["agent"] is not None and pane["agent"].replace("_", "-") == value.replace("_", "-")
    ),
    "state": lambda pane, value: pane["state"] == value or pane["state"].startswith(f"{value}."),
    "mux": lambda pane, value: pane["mux"] == value,
    "host": lambda pane, value: pane["host"] == value,
    "workspace": lambda pane, value: pane["workspace"] == value,
    "cwd": lambda pane, value: _lies_in((pane["cwd"] or "").rstrip("/"), value.rstrip("/")),
    "title": lambda pane, value: value.casefold() in pane["title"].casefold(),
}


def parse_selector(selector: str) -> Callable[[PaneResult], bool]:
    """`agent=codex,state=idle`: all of them must fit. Raises UsageError."""
    wanted: list[tuple[Callable[[PaneResult, str], bool], str]] = []
    for part in selector.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not value or name not in _PARTS:
            raise UsageError(
                f"{part.strip()!r:.60} selects nothing",
                next_step=f"NAME=VALUE, joined by commas; names are {', '.join(_PARTS)}.",
            )
        wanted.append((_PARTS[name], value))
    return lambda pane: all(fits(pane, value) for fits, value in wanted)


def _lies_in(folder: str, above: str) -> bool:
    return folder == above or folder.startswith(f"{above}/")
