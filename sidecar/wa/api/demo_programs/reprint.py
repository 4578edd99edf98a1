"""Erases its history and prints it again with every step, as Gemini CLI does when an answer outgrows the screen."""

import sys
import time
from typing import TextIO

WORK = ("fetching the page", "summing up chapter", "translating paragraph", "checking a quotation", "counting words")
ERASE = "\x1b[2J\x1b[3J\x1b[H"


def main() -> None:
    until = time.monotonic() + float(sys.argv[1])
    history = ["✦ reprint: an agent that prints its history again"]
    steps = 0
    out = sys.stdout
    while time.monotonic() < until:
        steps += 1
        stamp = time.time_ns() // 1000
        history.append(f"✦ step reprint-{steps:04d} @{stamp} {WORK[steps % len(WORK)]}")
        draw(out, [*history, "", "╭────────────╮", "│ > _        │", "╰────────────╯"])
        time.sleep(0.25)
    history.append(f"reprint finished: {steps} steps")
    draw(out, [*history, "", "> _"])
    sys.stdin.read()


def draw(out: TextIO, rows: list[str]) -> None:
    out.write(ERASE + "\r\n".join(rows))
    out.flush()


if __name__ == "__main__":
    main()
