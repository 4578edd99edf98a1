"""Prints steps that scroll into history; a spinner and a composer below them are drawn anew ten times a second."""

import sys
import time

WORK = (
    "reading src/parser.py",
    "running pytest -q",
    "editing src/lexer.py",
    "comparing with main",
    "searching for callers of feed()",
)
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
BELOW = 3


def main() -> None:
    until = time.monotonic() + float(sys.argv[1])
    steps, frame, lines = 0, 0, 0
    out = sys.stdout
    out.write("inline: an agent that prints into history\n" + "\n" * BELOW + f"\x1b[{BELOW}A")
    while time.monotonic() < until:
        frame += 1
        out.write("\r\x1b[J")
        if frame % 2:
            steps += 1
            stamp = time.time_ns() // 1000
            out.write(f"● step inline-{steps:04d} @{stamp} {WORK[steps % len(WORK)]}\n")
            if steps % 8 == 0:
                out.write("  ⎿ FAILED tests/test_lexer.py::test_tabs - expected 4 columns, got 8\n")
                lines += 1
        out.write(f"{FRAMES[frame % len(FRAMES)]} Working… ({frame // 10} s)\n\n> _\x1b[2A\r")
        out.flush()
        time.sleep(0.1)
    out.write(f"\r\x1b[Jinline finished: {steps} steps\n> ")
    out.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
