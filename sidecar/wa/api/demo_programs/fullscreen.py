"""Lives on the alternate screen, which has no history: header, newest steps and composer, drawn anew each step."""

import os
import sys
import time
from typing import TextIO

WORK = (
    "apply patch to Makefile",
    "cargo check --workspace",
    "rg -n unsafe src/",
    "git diff --stat",
    "update the changelog",
)


def main() -> None:
    until = time.monotonic() + float(sys.argv[1])
    steps: list[str] = []
    out = sys.stdout
    out.write("\x1b[?1049h")
    while time.monotonic() < until:
        stamp = time.time_ns() // 1000
        count = len(steps) + 1
        steps.append(f"• step fullscreen-{count:04d} @{stamp} {WORK[count % len(WORK)]}")
        draw(out, steps, f"Working ({count} steps)")
        time.sleep(0.1)
    steps.append(f"fullscreen finished: {len(steps)} steps")
    draw(out, steps, "Ready")
    try:
        sys.stdin.read()
    finally:
        out.write("\x1b[?1049l")
        out.flush()


def draw(out: TextIO, steps: list[str], state: str) -> None:
    columns, rows = os.get_terminal_size()
    room = rows - 4
    shown = [*steps[-room:], *[""] * (room - len(steps[-room:]))]
    lines = ["fullscreen: an agent on the alternate screen", "─" * columns, *shown, f" {state}", "› _"]
    out.write("\x1b[?2026h\x1b[H" + "\r\n".join(f"{line[:columns]}\x1b[K" for line in lines) + "\x1b[?2026l")
    out.flush()


if __name__ == "__main__":
    main()
