"""A pane that is watched row by row tells what a pane tells that is seen at once, each thing once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.screens import (
    AT_MS,
    SCREENS,
    VISIBLE,
    ZONE,
    cut,
    detector_for,
    detectors,
    key,
    printed,
    rows_of,
    said,
    seeds,
)
from wa.detect.outcome import Looked
from wa.detect.page import page_of_rows, page_of_text, width
from wa.detect.program import Program
from wa.detect.reading import Detector
from wa.detect.watch import PaneWatch
from wa.model.agent import Detection
from wa.model.screen import Cursor, Row, Screen

SOURCES = [*(SCREENS / row["file"] for row in key()), *seeds()]
COMMANDS = {"codex": "codex", "claude_code": "claude", "gemini": "gemini"}
STEP_MS = 1_000


def wrapped(rows: Sequence[str], cols: int) -> list[Row]:
    """As a terminal of *cols* columns holds them."""
    out: list[Row] = []
    for text in rows:
        pieces = cut(text.rstrip(), cols)
        out += [Row(len(out) + at, piece, at < len(pieces) - 1) for at, piece in enumerate(pieces)]
    return out


def whole(rows: list[str], cols: int) -> list[str]:
    """What the terminal had cut when the screen was taken is whole again."""
    lines = page_of_text(rows, cols, VISIBLE).lines
    out: list[str] = []
    for at, text in enumerate(lines.texts):
        if at in lines.loose:
            out[-1] += text
        else:
            out.append(text)
    return out


def records(detector: Detector, rows: list[Row], cols: int) -> list[Detection]:
    reading = detector.read(page_of_rows(rows, cols, VISIBLE), at_ms=AT_MS, zone=ZONE)
    return [one for one in reading.detections if not one.present]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(source=st.sampled_from(SOURCES), data=st.data())
def test_a_pane_that_cuts_the_rows_says_the_same(source: Path, data: st.DataObject) -> None:
    """Where the terminal, not the agent, breaks the rows, any width gives the same events and state."""
    detector = detector_for(source.name if source.parent.name == "seed" else source.parent.name)
    rows = rows_of(source)
    own = max(map(width, rows)) if source.parent.name == "seed" else 120
    rows = whole(rows, own)
    wide = detector.read(page_of_rows(wrapped(rows, own), own, 400), at_ms=AT_MS, zone=ZONE)
    cols = data.draw(st.integers(40, min(own, 300)))
    narrow = detector.read(page_of_rows(wrapped(rows, cols), cols, 4_000), at_ms=AT_MS, zone=ZONE)
    assert sorted(said(narrow), key=repr) == sorted(said(wide), key=repr)
    assert narrow.state is wide.state


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(source=st.sampled_from(SOURCES), data=st.data())
def test_rows_that_come_one_after_the_other_say_the_same_once(source: Path, data: st.DataObject) -> None:
    """Cut anywhere into looks, the watch reads each record of the whole text, no look tells one twice, and none tells another."""
    texts = rows_of(source)
    detector = detector_for(source.name if source.parent.name == "seed" else source.parent.name)
    agent = detector.pack.name
    cols = data.draw(st.sampled_from([80, 120, 200]))
    rows = wrapped(texts, cols)
    ends = sorted({*data.draw(st.lists(st.integers(1, len(rows)), max_size=6)), len(rows)})
    expected = records(detector, rows, cols)

    watch = PaneWatch(detectors(), zone=ZONE)
    watch.program(Program(COMMANDS[agent], COMMANDS[agent]), AT_MS)
    told: list[Detection] = []
    seen = 0
    for step, end in enumerate(ends):
        at_ms = AT_MS + step * STEP_MS
        top = max(0, end - VISIBLE)
        outcomes = watch.rows(rows[seen:top], at_ms) if top > seen else []
        seen = max(seen, top)
        shown = tuple(rows[top:end])
        screen = Screen(at_ms, step, cols, VISIBLE, shown, Cursor(0, end), "", None, None)
        outcomes += watch.screen(screen, at_ms)
        for looked in (one for one in outcomes if isinstance(one, Looked)):
            now = [one for one in looked.detections if not one.present]
            assert len({one.identity for one in now}) == len(now)
            told += now
    assert watch.reading is not None
    assert {one.identity for one in expected} <= {one.identity for one in told}
    assert not [one for one in told if not any(is_part(one, other) for other in expected)]


def is_part(one: Detection, whole: Detection) -> bool:
    """A message whose last rows were not there yet says less, and nothing else."""
    return one.event == whole.event and all(
        name in whole.fields
        and (
            value == whole.fields[name]
            or str(value) in str(whole.fields[name])
            or name == "reset_kind"
            or (isinstance(value, tuple) and set(map(str, value)) <= set(map(str, whole.fields[name])))
        )
        for name, value in printed(one).items()
    )
