"""A real wezterm-gui on an X server of its own: what it shows, pixel for pixel."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NEEDED = ("wezterm-gui", "wezterm", "Xvfb", "xwd")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
START_S = 60.0


class Picture(NamedTuple):
    """A screen of 24 or 32 bits a pixel."""

    width: int
    height: int
    size: int
    """Bytes of a pixel."""
    rows: list[bytes]
    """Blue, green, red, and a byte of nothing where a pixel has four."""

    def has(self, colour: str) -> bool:
        """Whether a run of four pixels is exactly of *colour*, `#rrggbb`."""
        red, green, blue = bytes.fromhex(colour.removeprefix("#"))
        wanted = bytes((blue, green, red, 0)[: self.size]) * 4
        return any(found % self.size == 0 for row in self.rows if (found := row.find(wanted)) >= 0)

    def save(self, path: Path) -> None:
        """As PNG."""
        raw = b"".join(
            b"\0"
            + bytes(
                byte
                for at in range(0, self.size * self.width, self.size)
                for byte in (row[at + 2], row[at + 1], row[at])
            )
            for row in self.rows
        )

        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
        )


class Gui:
    def __init__(self, root: Path, display: str, process: subprocess.Popen[bytes], env: dict[str, str]) -> None:
        self.root = root
        self.display = display
        self.process = process
        self.env = env

    @property
    def pid(self) -> int:
        return self.process.pid

    def cli(self, *args: str) -> str:
        """`wezterm cli` to this GUI."""
        env = {**self.env, "WEZTERM_UNIX_SOCKET": str(self.root / "rt" / "wezterm" / f"gui-sock-{self.pid}")}
        command = ["wezterm", "cli", "--no-auto-start", *args]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=True).stdout

    def picture(self) -> Picture:
        """What the screen shows (X11/XWDFile.h: 25 words of header, a name, colours, rows)."""
        done = subprocess.run(
            ["xwd", "-root", "-silent", "-display", self.display], capture_output=True, timeout=30, check=True
        )
        words = struct.unpack_from(">25I", done.stdout)
        header, width, height, stride, colours = words[0], words[4], words[5], words[12], words[19]
        start = header + 12 * colours
        size = words[11] // 8
        rows = [done.stdout[start + y * stride : start + y * stride + size * width] for y in range(height)]
        return Picture(width, height, size, rows)

    def wait_for(self, colour: str, *, shown: bool = True, timeout_s: float = 20.0) -> Picture:
        """The screen once it shows *colour*, or no longer does. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while (picture := self.picture()).has(colour) is not shown:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{colour} is {'not ' if shown else ''}on the screen")
            time.sleep(0.05)
        return picture


@contextmanager
def x_server() -> Iterator[str]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "900x400x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            yield ":" + numbers.readline().strip()
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def gui(root: Path, command: list[str] | None) -> Iterator[Gui]:
    """wezterm-gui with the configuration in root/config/wezterm, and *command* in its first pane; None: as a user starts it."""
    (root / "rt").mkdir(mode=0o700, exist_ok=True)
    with x_server() as display, (root / "gui.log").open("wb") as log:
        env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(root),
            "DISPLAY": display,
            "XDG_RUNTIME_DIR": str(root / "rt"),
            "XDG_CONFIG_HOME": str(root / "config"),
            "XDG_DATA_HOME": str(root / "data"),
            "XDG_CACHE_HOME": str(root / "cache"),
        }
        start = ["wezterm-gui", "start", "--always-new-process", *(["--", *command] if command is not None else [])]
        process = subprocess.Popen(start, env=env, stdout=log, stderr=log, cwd=root)
        try:
            yield Gui(root, display, process, env)
        finally:
            process.terminate()
            process.wait(20)
