"""The mux protocol's rows: decoded and encoded per second, and recorded agents against the time they took."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

from tests.protocol.mux.naive import Naive
from tests.protocol.mux.recordings import NAMES, Recording, load

from benchmarks.harness import Figure, Options, median, options, report, say
from wa.model.screen import Row
from wa.protocol.mux import FrameReader, GetLinesResponse, GetPaneRenderChangesResponse, decode, encode
from wa.protocol.mux.varbincode import sleb, text_bytes, uleb

CODEC = 44
ROWS = 3500
QUICK_ROWS = 500
GOAL_DECODE, GOAL_ENCODE, GOAL_REAL_TIME = 10, 5, 100


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    return report(measure(chosen), as_json=chosen.json)


def measure(chosen: Options) -> list[Figure]:
    figures = []
    for name, rows in samples(QUICK_ROWS if chosen.quick else ROWS).items():
        say(f"protocol_decode: {name}")
        figures += decoding_and_encoding(name, rows, chosen.runs)
    for name in NAMES:
        if name.startswith("agents/"):
            say(f"protocol_decode: {name}")
            figures.append(replay(load(name), chosen.runs))
    return figures


def samples(count: int) -> dict[str, tuple[Row, ...]]:
    """Rows of the kinds that panes hold most of; the same in every run."""
    chance = random.Random(7)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(1, 9))) for _ in range(500)]

    def prose(cols: int) -> str:
        return " ".join(chance.choices(words, k=cols // 2))[:cols]

    first = 100_000
    return {
        "plain, 80 columns": tuple(Row(first + n, prose(80)) for n in range(count)),
        "plain, 120 columns": tuple(Row(first + n, prose(120)) for n in range(count)),
        "wrapped, 80 columns": tuple(Row(first + n, prose(80), wrapped=True) for n in range(count)),
        "boxed, 80 columns": tuple(Row(first + n, f"│ {prose(76)} │") for n in range(count)),
        "ideographs, 80 columns": tuple(
            Row(first + n, "".join(chr(chance.randrange(0x4E00, 0x9F00)) for _ in range(40))) for n in range(count)
        ),
    }


def decoding_and_encoding(name: str, rows: tuple[Row, ...], runs: int) -> list[Figure]:
    answer = GetLinesResponse(1, rows)
    ident, payload = encode(answer, CODEC)
    assert decode(ident, payload, CODEC) == answer
    decoded = per_second(lambda: decode(ident, payload, CODEC), len(rows), runs)
    read_plainly = per_second(lambda: Naive(payload, 1).lines(), len(rows), min(runs, 3))
    encoded = per_second(lambda: encode(answer, CODEC), len(rows), runs)
    written_plainly = per_second(lambda: write_plainly(rows), len(rows), runs)
    return [
        compared(f"protocol.decode ({name})", decoded, read_plainly, GOAL_DECODE),
        compared(f"protocol.encode ({name})", encoded, written_plainly, GOAL_ENCODE if "plain" in name else None),
    ]


def compared(name: str, value: float, yardstick: float, goal: int | None) -> Figure:
    ratio = value / yardstick
    return Figure(
        name,
        value,
        "rows/s",
        f"cell by cell {yardstick:,.0f} rows/s",
        ratio,
        "-" if goal is None else f">= {goal}x",
        None if goal is None else ratio >= goal,
    )


def write_plainly(rows: tuple[Row, ...]) -> bytes:
    """One cell after the other; widths aside, which would make it slower still."""
    out = bytearray()
    for index, text, _ in rows:
        out += sleb(index) + b"\0" + uleb(len(text))
        for char in text:
            out += text_bytes(char) + b"\0\0\0\0"
        out += b"\0\0\0"
    return bytes(out)


def replay(recording: Recording, runs: int) -> Figure:
    """The whole way of what a real server sent: cut into frames, inflated, decoded."""
    stream = recording.stream
    times = [frame[0] for frame in recording.data["frames"]]
    lasted = times[-1] - times[0]
    rows = 0

    def go() -> None:
        nonlocal rows
        rows = 0
        for frame in FrameReader().feed(stream):
            pdu = decode(frame.ident, frame.payload(), recording.codec)
            if isinstance(pdu, GetPaneRenderChangesResponse):
                rows += len(pdu.bonus_lines)

    speed = per_second(go, 1, runs) * lasted
    return Figure(
        f"protocol.replay ({recording.name.removeprefix('agents/')})",
        speed,
        "x",
        f"real time {lasted:.1f} s",
        speed,
        f">= {GOAL_REAL_TIME}x",
        speed >= GOAL_REAL_TIME,
        f"{len(recording.frames):,} frames, {rows:,} rows, {lasted / speed * 1000:.1f} ms",
    )


def per_second(work: Callable[[], object], count: int, runs: int) -> float:
    """Median over the runs, after one that warms up."""
    work()
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return count / median(taken)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
