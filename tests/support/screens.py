"""Screens of real agents, what they show, and the detectors that read them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from wcwidth import wcwidth

from wa.agents.loader import Agents
from wa.detect.page import Page, page_of_text
from wa.detect.reading import Detector, Reading
from wa.model.agent import COMPUTED, Detection

DATA = Path(__file__).resolve().parent.parent / "data"
SCREENS = DATA / "agents"
SEEDS = DATA / "seed"
VISIBLE = 45
AT_MS = 1_795_147_200_000
"""2026-11-20 04:00 UTC, about when the screens were taken."""
ZONE = "America/Chicago"


@cache
def detectors() -> Mapping[str, Detector]:
    """The packs as shipped."""
    return Agents(None).detectors


def detector_for(folder_or_file: str) -> Detector:
    """By the first word of a folder (`codex-0.87.0`) or of a seed (`gemini-exit.txt`)."""
    word = folder_or_file.split("-")[0]
    return detectors()["claude_code" if word == "claude" else word]


def rows_of(path: Path) -> list[str]:
    rows = path.read_text("utf-8").split("\n")
    if rows and not rows[-1]:
        rows.pop()
    return rows


def read_page(detector: Detector, page: Page, *, at_ms: int = AT_MS, zone: str = ZONE) -> Reading:
    return detector.read(page, at_ms=at_ms, zone=zone)


def read_rows(detector: Detector, rows: list[str], cols: int | None = None) -> Reading:
    return read_page(detector, page_of_text(rows, cols, VISIBLE))


def said(reading: Reading) -> list[tuple[str, dict[str, Any]]]:
    """Events and what is printed of them, without what follows from the time of reading."""
    return [(one.event, printed(one)) for one in reading.detections]


def printed(detection: Detection) -> dict[str, Any]:
    return {name: value for name, value in detection.fields.items() if name not in COMPUTED}


@cache
def key() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in (SCREENS / "key.jsonl").read_text("utf-8").splitlines() if line)


@cache
def scorer() -> ModuleType:
    """The judge that came with the screens."""
    spec = importlib.util.spec_from_file_location("agent_screens_score", SCREENS / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prediction(file: str, reading: Reading) -> dict[str, Any]:
    """A line of `wa rules scan`."""
    events = [{"event": one.event, "fields": dict(one.fields), "rule": one.rule} for one in reading.detections]
    return {"file": file, "state": reading.state.value, "events": json.loads(json.dumps(events))}


def cut(line: str, cols: int) -> list[str]:
    """As a terminal does it: at the column, whatever stands there."""
    rows, row, taken = [], "", 0
    for character in line:
        size = max(wcwidth(character), 0)
        if taken + size > cols:
            rows.append(row)
            row, taken = "", 0
        row += character
        taken += size
    rows.append(row)
    return rows


def seeds() -> Iterator[Path]:
    yield from sorted(SEEDS.glob("*.txt"))
