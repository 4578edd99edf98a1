"""Nothing that talks about limits, logins or compaction is taken for one: printed in any pane, or quoted by an agent."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from support.screens import AT_MS, ZONE, detectors
from support.talk import (
    ACTIONABLE,
    COLS,
    ROWS,
    Shown,
    chunks,
    gather,
    printed,
    quoted,
    repository_files,
    rows_of,
    text_of,
)
from wa.detect.outcome import Looked
from wa.detect.page import Page
from wa.detect.program import Program
from wa.detect.watch import PaneWatch
from wa.model.screen import Cursor, Row, Screen

Told = Counter[tuple[str, str, str]]
MB = 1_000_000
SIZE = int(float(os.environ.get("WA_TALK_MB", "100")) * MB)
QUOTED_ROWS = 24


def watched(name: str, screens: Iterable[Shown], program: Program | None) -> Told:
    """What a watch tells of a pane in which *screens* scroll by."""
    watch = PaneWatch(detectors(), zone=ZONE)
    watch.program(program, AT_MS)
    told: Told = Counter()
    before: list[str] = []
    at_ms = AT_MS
    for number, (texts, stands_ms) in enumerate(screens):
        outcomes = watch.rows([Row(at, text) for at, text in enumerate(before)], at_ms)
        rows = tuple(Row(at, text) for at, text in enumerate(texts))
        outcomes += watch.screen(Screen(at_ms, number, COLS, ROWS, rows, Cursor(0, 0), "", None, None), at_ms)
        outcomes += watch.tick(at_ms + stands_ms - 1)
        at_ms += stands_ms
        before = texts
        for looked in outcomes:
            if isinstance(looked, Looked):
                told.update((name, one.event, one.rule) for one in looked.detections if one.event in ACTIONABLE)
    return told


def of_panes(path: Path, text: str) -> Told:
    """In a shell's pane, and in a remote pane of which nobody can say what runs there."""
    told: Told = Counter()
    for name, screens in printed(path, text):
        told += watched(f"{path}: {name}, unknown program", screens, None)
        told += watched(f"{path}: {name}, a shell", screens[:50], Program("bash", "bash"))
    return told


def of_quotes(path: Path, text: str) -> Told:
    told: Told = Counter()
    for number, rows in enumerate(chunks(rows_of(text, COLS * 3), QUOTED_ROWS)):
        for agent, layout, screen in quoted(rows):
            page = Page(screen, cols=COLS, visible=ROWS, wrapped=[False] * len(screen))
            reading = detectors()[agent].read(page, at_ms=AT_MS, zone=ZONE)
            told.update(
                (f"{path}: {agent} {layout} {number * QUOTED_ROWS}", one.event, one.rule)
                for one in reading.detections
                if one.event in ACTIONABLE
            )
    return told


def test_the_repository_printed_in_any_pane_is_silent() -> None:
    """Docs, rules, tests and the screens of the agents themselves, by cat, less, git diff and rg."""
    told: Told = Counter()
    for path in repository_files():
        told += of_panes(path, text_of(path))
    assert not told


def test_the_repository_quoted_by_an_agent_is_silent() -> None:
    """As prose, list, tool output, diff and prompt of each agent."""
    told: Told = Counter()
    for path in repository_files():
        told += of_quotes(path, text_of(path))
    assert not told


@pytest.mark.slow
@pytest.mark.machine
def test_all_that_this_machine_has_to_say_is_silent() -> None:
    """At least 100 MB (WA_TALK_MB) of prose, source, changelogs and logs from installed packages."""
    told: Told = Counter()
    size = files = 0
    for path, text in gather(SIZE):
        told += of_panes(path, text)
        told += of_quotes(path, text)
        size += len(text)
        files += 1
    print(f"{size / MB:.0f} MB of {files} files, {sum(told.values())} actionable events")
    assert not told
    assert size >= SIZE, "this machine has less text; name more folders in WA_TALK_ROOTS"
