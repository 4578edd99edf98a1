"""A program that draws what Codex 0.169 draws, takes prompts as it does, and writes down each byte's coming and each prompt.

    exec -a codex python fake_codex.py FOLDER WORK_S

FOLDER/said.jsonl gets a line per prompt, per trigger row and per first byte after one, with the clock's nanoseconds. SIGUSR1 prints the row
of a compaction, SIGUSR2 the row of FOLDER/limit and ends the turn; FOLDER/draft is what stands in the composer at the start.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import termios
import time
import tty
from pathlib import Path

FOOTER = ("", "  GPT-6-Sol default · /work", "  ← for agents · ? for shortcuts")
BANNER = ("  >_ OpenAI Codex (v0.169.0)", "     /work", "")


class Fake:
    def __init__(self, folder: Path, work_s: float) -> None:
        self.folder, self.work_s = folder, work_s
        self.rows: list[str] = []
        draft = folder / "draft"
        self.draft = draft.read_text() if draft.exists() else ""
        self.works_until = 0.0
        self.armed = False
        self.pending = b""

    def note(self, kind: str, **more: object) -> None:
        with (self.folder / "said.jsonl").open("a") as log:
            log.write(json.dumps({"kind": kind, "at": time.time_ns(), **more}) + "\n")

    def draw(self) -> int:
        """The instant of the write."""
        status = ["• Working (2s • esc to interrupt)", ""] if self.works_until else []
        first, *more = (self.draft or "Ask Codex to do anything").split("\n")
        composer = [f"› {first}", *(f"  {line}" for line in more)]
        above = [*BANNER, *self.rows[-12:], "", *status, ""]
        rows = [*above, *composer, *FOOTER]
        # The cursor stands behind what was typed, as in the real one.
        cols = os.get_terminal_size(0).columns
        wrapped = sum(max(0, len(line) - 1) // cols for line in above)
        row, col = len(above) + wrapped + len(composer), 3 + len(self.draft.rpartition("\n")[2])
        text = "\x1b[H" + "\x1b[K\r\n".join(rows) + f"\x1b[J\x1b[{row};{col}H"
        data = text.encode()
        stamp = time.time_ns()
        os.write(1, data)
        return stamp

    def typed(self, data: bytes) -> None:
        if self.armed and data:
            self.note("byte")
            self.armed = False
        text = (self.pending + data).replace(b"\x1b[200~", b"").replace(b"\x1b[201~", b"").decode("utf-8", "ignore")
        for char in text:
            if char == "\r":
                self.submit()
            elif char == "\x03":
                self.draft = ""
            elif char.isprintable() or char == "\n":
                self.draft += char

    def submit(self) -> None:
        if not self.draft.strip():
            return
        self.note("prompt", text=self.draft)
        self.rows += ["", f"› {self.draft}", ""]
        self.draft = ""
        self.works_until = time.monotonic() + self.work_s

    def signalled(self, number: int) -> None:
        if number == signal.SIGUSR1:
            self.rows += ["", "• Context compacted · 0s", ""]
            self.armed = True
            self.note("row", at=self.draw())
        elif number == signal.SIGUSR2:
            self.works_until = 0.0
            self.rows += ["", (self.folder / "limit").read_text().strip(), ""]
            self.note("limit", at=self.draw())

    def run(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda *_: None)
        (self.folder / "pid").write_text(str(os.getpid()))
        self.draw()
        while True:
            left = max(0.0, self.works_until - time.monotonic()) if self.works_until else None
            ready, _, _ = select.select([0, reader], [], [], left)
            if reader in ready:
                for number in os.read(reader, 64):
                    self.signalled(number)
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    return
                self.typed(data)
            if self.works_until and time.monotonic() >= self.works_until:
                self.works_until = 0.0
                self.rows += ["• Done with it.", ""]
            if 0 in ready or not self.works_until:
                self.draw()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    before = termios.tcgetattr(0)
    tty.setraw(0)
    os.write(1, b"\x1b[?1049h\x1b[?2004h")
    try:
        Fake(folder, float(sys.argv[2])).run()
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


if __name__ == "__main__":
    main()
