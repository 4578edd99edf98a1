"""The program in a pane: writes what the harness orders, by its own clock. For `python -I -S`: no imports of ours.

    pane_program.py CONTROL NAME      CONTROL is the harness's Unix socket; JSON lines both ways

It hangs up when the harness does. Orders (`do`): marks lines spin rows count_to frame react wait quit.
"""

import json
import os
import random
import select
import socket
import sys
import termios
import time
import tty

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


class Program:
    def __init__(self, control: socket.socket, name: str) -> None:
        self.control = control
        self.name = name
        self.buffer = b""
        self.orders: list[dict[str, object]] = []

    def listen(self, timeout_s: float | None) -> bool:
        """Wait for an order, at most *timeout_s*. Ends the program where the harness is gone."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.orders:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self.control], [], [], left)[0]:
                return False
            data = self.control.recv(65536)
            if not data:
                raise SystemExit(0)
            *whole, self.buffer = (self.buffer + data).split(b"\n")
            self.orders += [json.loads(text) for text in whole]
        return True

    def answer(self, **fields: object) -> None:
        self.control.sendall(json.dumps({"name": self.name, **fields}).encode() + b"\n")

    def run(self) -> None:
        self.answer(ready=True, pid=os.getpid())
        while True:
            self.listen(None)
            order = self.orders.pop(0)
            what = order.pop("do")
            self.answer(done=what, **getattr(self, f"do_{what}")(**order))

    def do_wait(self) -> dict[str, object]:
        return {}

    def do_quit(self) -> dict[str, object]:
        raise SystemExit(0)

    def do_marks(self, tag: str, per_s: float, seconds: float) -> dict[str, object]:
        """`mark TAG N NANOSECONDS`, *per_s* a second, until *seconds* are over or an order comes. Answers stamps."""
        stamps: list[int] = []
        rng = random.Random(tag)
        begin = time.monotonic()
        while True:
            # The jitter keeps the marks from falling into step with somebody's timer.
            due = begin + (len(stamps) + rng.random()) / per_s
            if due >= begin + seconds or self.listen(due - time.monotonic()):
                return {"stamps": stamps}
            stamp = time.time_ns()
            write(b"mark %s %d %d\n" % (tag.encode(), len(stamps), stamp))
            stamps.append(stamp)

    def do_frame(self, text: str) -> dict[str, object]:
        """The whole screen at one write."""
        data = text.encode()
        stamp = time.time_ns()
        write(data)
        return {"stamp": stamp}

    def do_react(self, above: str, below: str, working: str, patience_s: float) -> dict[str, object]:
        """An agent's screen with an empty composer (`› `) between *above* and *below*, at one write; then the composer of one who takes a
        paste and a carriage return, and shows the prompt and *working* after it. Answers the stamps of the write, of the first byte
        and of the return.
        """
        before = termios.tcgetattr(0)
        tty.setraw(0)
        typed = ""
        stamps: dict[str, object] = {"stamp": self.composer(above, typed, below)}
        give_up = time.monotonic() + patience_s
        try:
            while "\r" not in typed:
                if not select.select([0], [], [], max(0.0, give_up - time.monotonic()))[0]:
                    return {**stamps, "typed": typed}
                data = os.read(0, 65536)
                stamps.setdefault("first", time.time_ns())
                typed += data.replace(b"\x1b[200~", b"").replace(b"\x1b[201~", b"").decode("utf-8", "replace")
                if "\r" not in typed:
                    self.composer(above, typed, below)
            stamps["submitted"] = time.time_ns()
            taken = typed.rstrip("\r")
            self.composer(f"{above}› {taken}\r\n\r\n{working}", "", below)
            return {**stamps, "typed": typed}
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)

    def composer(self, above: str, draft: str, below: str) -> int:
        """The instant of the write. The cursor stands behind the draft."""
        place = f"\x1b[{above.count(chr(10)) + 1};{3 + len(draft)}H"
        data = f"\x1b[H\x1b[J{above}› {draft or 'Ask Codex to do anything'}\r\n{below}{place}".encode()
        stamp = time.time_ns()
        write(data)
        return stamp

    def do_spin(self, per_s: float) -> dict[str, object]:
        """Redraw one row in place until an order comes."""
        begin = time.monotonic()
        frames = 0
        while not self.listen(begin + frames / per_s - time.monotonic()):
            seconds = int(time.monotonic() - begin)
            glyph = SPINNER[frames % len(SPINNER)]
            write(f"\r\x1b[2K\x1b[36m{glyph}\x1b[0m Working… ({seconds}s · esc to interrupt)".encode())
            frames += 1
        write(b"\r\x1b[2K")
        return {"frames": frames}

    def do_count_to(self, tag: str, count: int) -> dict[str, object]:
        """Numbered lines at full speed. Answers with the instants of the first and the last write."""
        lines = b"".join(
            b"line %s %06d of a burst, as a build or a test run prints them\n" % (tag.encode(), n) for n in range(count)
        )
        begin = time.time_ns()
        write(lines)
        return {"began_ns": begin, "ended_ns": time.time_ns()}


def main() -> None:
    path, name = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(path)
        Program(control, name).run()


if __name__ == "__main__":
    main()
