"""Traffic of real servers; tests/data/mux/README.md says how it was recorded."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from wa.protocol.mux import FrameReader

ROOT = Path(__file__).parents[2] / "data" / "mux"
NAMES = sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.json"))


class Recorded(NamedTuple):
    serial: int
    ident: int
    compressed: bool
    wire: bytes
    payload: bytes


class Recording(NamedTuple):
    name: str
    codec: int
    frames: tuple[Recorded, ...]
    get_text: str
    data: dict[str, Any]

    @property
    def stream(self) -> bytes:
        return b"".join(frame.wire for frame in self.frames)


@cache
def load(name: str) -> Recording:
    data = json.loads((ROOT / f"{name}.json").read_text(encoding="utf-8"))
    frames = []
    for *_, serial, ident, compressed, wire in data["frames"]:
        raw = bytes.fromhex(wire)
        frames.append(Recorded(serial, ident, bool(compressed), raw, FrameReader().feed(raw)[0].payload()))
    return Recording(name, data.get("codec", 44), tuple(frames), data["get_text"], data)
