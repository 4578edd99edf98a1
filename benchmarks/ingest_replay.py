"""Recorded agent runs, decoded and tracked: how many times faster than they happened."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figure, Options, median, options, report, say
from wa.ingest import PaneTracker
from wa.model.log import WakeAt
from wa.model.observation import ScreenPush, Tick
from wa.protocol.mux import FrameReader, GetPaneRenderChangesResponse, decode

RECORDINGS = Path(__file__).parents[1] / "tests" / "data" / "mux" / "agents"
GOAL = 20


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    return report(measure(chosen), as_json=chosen.json)


def measure(chosen: Options) -> list[Figure]:
    figures = []
    for path in sorted(RECORDINGS.glob("*.json")):
        say(f"ingest_replay: {path.stem}")
        recording = json.loads(path.read_text())
        frames = [(entry[0], bytes.fromhex(entry[4])) for entry in recording["frames"]]
        lasted_s = frames[-1][0] - frames[0][0]
        took_s = median([replay(frames, recording["codec"], recording["pane"]) for _ in range(chosen.runs)])
        times = lasted_s / took_s
        figures.append(
            Figure(
                name=f"ingest_replay.{path.stem}",
                value=took_s * 1000,
                unit="ms",
                against=f"the run itself {lasted_s:.0f} s",
                ratio=times,
                goal=f">= {GOAL}x",
                ok=times >= GOAL,
            )
        )
    return figures


def replay(frames: Sequence[tuple[float, bytes]], codec: int, pane_id: int) -> float:
    """Seconds of CPU from bytes to effects. Reads are not answered: the recording client made none."""
    reader, tracker = FrameReader(), PaneTracker(pane_id)
    wake_ms: int | None = None
    began = time.process_time()
    for seconds, data in frames:
        now_ms = int(seconds * 1000)
        for frame in reader.feed(data):
            pdu = decode(frame.ident, frame.payload(), codec)
            if not isinstance(pdu, GetPaneRenderChangesResponse):
                continue
            effects = []
            if wake_ms is not None and wake_ms <= now_ms:
                effects += tracker.feed(Tick(pane_id, now_ms))
            dirty = tuple(pdu.dirty_lines)
            grabbed = pdu.mouse_grabbed
            effects += tracker.feed(
                ScreenPush(
                    pane_id,
                    now_ms,
                    pdu.dims,
                    pdu.cursor,
                    pdu.bonus_lines,
                    dirty,
                    pdu.title,
                    pdu.working_dir,
                    pdu.seqno,
                    grabbed,
                )
            )
            wake_ms = next((effect.at_ms for effect in reversed(effects) if isinstance(effect, WakeAt)), wake_ms)
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
