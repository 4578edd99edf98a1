"""A screen worth reporting, without secrets, and a rule test beside it."""

from __future__ import annotations

import asyncio
import getpass
import itertools
import json
import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wa.agents.loader import load
from wa.api.client import connected
from wa.api.history import open_history
from wa.api.panes import find_pane
from wa.api.rules import detector_of, read, text_of, try_file, user_folder, zone_named
from wa.config.paths import Paths
from wa.model.errors import NotFound, UsageError
from wa.protocol.envelope import iso
from wa.protocol.results_agents import RecordResult, RulesTestResult
from wa.store.agent_redact import plain
from wa.store.redact import redact_rows

HISTORY_ROWS = 120
_NOBODYS = frozenset({"root", "/root", "dev", "host", "user", "localhost", "/"})
"""Names that tell nothing of whose they are."""
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


async def record_pane(
    paths: Paths, name: str, folder: Path, *, agent: str | None, now_ms: int, zone: str | None
) -> RecordResult:
    """Raises NotFound, SidecarError, UsageError; writes two files, 0600, and never over others."""
    async with connected(paths.socket) as sidecar:
        pane = await find_pane(paths, sidecar, name)
        screen = await sidecar.call("screen", {"pane": pane["pane_uid"]})
        async with open_history(paths) as history:
            tail = await history.tail(pane["pane_uid"], HISTORY_ROWS) if history is not None else []
    known = agent or pane["agent"]
    if known is None:
        raise NotFound(f"no agent is known in {pane['pane_uid']}", next_step="Say whose screen it is: --agent codex.")
    detector = detector_of(load(user_folder(paths)), known)
    before = [row.text for row in tail]
    before = before[: len(before) - int(screen.get("logged") or 0)] if screen.get("logged") else before
    wraps = [row.wrapped for row in tail][: len(before)] + list(screen["wrapped"])
    texts, _ = redact_rows([*before, *screen["rows"]], wraps, torn=True)
    texts, replaced = neutral([text.rstrip(" ") for text in texts])
    visible, cols, host_zone = len(screen["rows"]), int(screen["cols"]), zone_named(zone)
    reading = read(detector, "\n".join(texts) + "\n", visible, cols, now_ms, host_zone)
    try:
        await asyncio.to_thread(folder.mkdir, 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror}", next_step="Name another one: --to DIR."
        ) from None
    when = f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%dT%H%M%S}"
    stem = _free(folder, f"{detector.pack.name}-{reading.state.value}-{cols}-{when}")
    expected = [{"event": one.event, "rule": one.rule, "fields": plain(one.fields)} for one in reading.detections]
    test = {
        "agent": detector.pack.name,
        "screen": f"{stem}.txt",
        "cols": cols,
        "rows": visible,
        "at": iso(now_ms),
        "zone": host_zone,
        "title": neutral([str(screen["title"])])[0][0],
        "state": reading.state.value,
        "events": expected,
        "note": "State and events are what wa read: change them to what a person sees. Then: wa rules test THIS FILE",
    }
    text_file, test_file = folder / f"{stem}.txt", folder / f"{stem}.test.json"
    try:
        _write(text_file, "\n".join(texts) + "\n")
        _write(test_file, json.dumps(test, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise UsageError(
            f"{folder} takes no files: {error.strerror}", next_step="Name another one: --to DIR."
        ) from None
    return RecordResult(
        pane_uid=pane["pane_uid"],
        screen=str(text_file),
        test=str(test_file),
        agent=detector.pack.name,
        state=reading.state.value,
        events=list(dict.fromkeys(one.event for one in reading.detections)),
        replaced=replaced,
    )


def neutral(texts: list[str]) -> tuple[list[str], int]:
    """Texts without the names of this user and host, nor addresses; and how often one stood there. Widths stay as they are."""
    host = socket.gethostname()
    words = {str(Path.home()): "/home/dev", getpass.getuser(): "dev", host: "host", host.partition(".")[0]: "host"}
    count = 0

    def swap(text: str, old: str, new: str) -> str:
        nonlocal count
        pattern = re.compile(rf"(?<![\w-]){re.escape(old)}(?![\w-])", re.IGNORECASE)
        count += len(pattern.findall(text))
        fitted = new[: len(old)].ljust(len(old), "x") if len(new) != len(old) else new
        return pattern.sub(lambda _: fitted, text)

    cleaned = []
    for text in texts:
        for old, new in words.items():
            if len(old) >= 3 and old not in _NOBODYS:
                text = swap(text, old, new)
        found = _EMAIL.findall(text)
        count += len(found)
        for address in found:
            text = text.replace(address, ("dev@example.com" + "m" * len(address))[: len(address)])
        cleaned.append(text)
    return cleaned, count


def run_test(paths: Paths, file: Path) -> RulesTestResult:
    """A test that `record_pane` wrote, against the rules in force: `wrong` says where they differ from it."""
    try:
        test: dict[str, Any] = json.loads(text_of(file))
        screen = file.with_name(str(test["screen"]))
        at_ms = int(datetime.fromisoformat(test["at"]).timestamp() * 1000)
        result = try_file(
            paths,
            test["agent"],
            screen,
            rows=int(test["rows"]),
            cols=int(test["cols"]),
            at_ms=at_ms,
            zone=test["zone"] or None,
        )
        expected, state = list(test["events"]), str(test["state"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is no test of `wa record`: {error}", next_step="Record the pane again.") from None
    wrong = [] if result["state"] == state else [f"the state is {result['state']}, not {state}"]
    said: list[dict[str, Any]] = [{"event": one["event"], "fields": one["fields"]} for one in result["said"]]
    for want in expected:
        match = next(
            (one for one in said if one["event"] == want["event"] and _holds(one["fields"], want["fields"])), None
        )
        if match is None:
            wrong.append(f"{want['event']} {want['fields']} is missing")
        else:
            said.remove(match)
    wrong += [f"{one['event']} {one['fields']} is too much" for one in said]
    result["wrong"] = wrong
    return result


def _holds(got: dict[str, Any], want: dict[str, Any]) -> bool:
    return all(got.get(name) == value for name, value in want.items())


def _free(folder: Path, stem: str) -> str:
    """One of which neither file exists: two may be recorded within a second."""
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not any((folder / f"{name}{end}").exists() for end in (".txt", ".test.json")))


def _write(path: Path, text: str) -> None:
    with open(path, "x", encoding="utf-8", opener=_private) as file:
        file.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
