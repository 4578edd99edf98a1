"""The folder behind fake_wezterm.py, set up and looked into by tests."""

import json
import sys
from pathlib import Path
from typing import Any

FAKE = Path(__file__).with_name("fake_wezterm.py")


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.panes: dict[int, dict[str, Any]] = {}
        self.texts: dict[int, list[bytes]] = {}
        self.write("clients.json", "[]")

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, "-S", str(FAKE), str(self.folder))

    def write(self, name: str, text: str | bytes) -> None:
        # Whole or not at all: a call may be reading it.
        part = self.folder / f"{name}.part"
        part.write_bytes(text if isinstance(text, bytes) else text.encode())
        part.rename(self.folder / name)

    def pane(self, pane_id: int, *rows: str | bytes, height: int = 4, **changes: Any) -> None:
        """Add or change a pane; *rows* are its whole history, padded to its height."""
        self.texts[pane_id] = [row if isinstance(row, bytes) else row.encode() for row in rows]
        self.texts[pane_id] += [b""] * (height - len(rows))
        entry = self.panes.setdefault(
            pane_id,
            {"window_id": 0, "tab_id": 0, "pane_id": pane_id, "workspace": "default", "title": "sh", "cwd": "",
             "cursor_x": 0, "cursor_y": 0, "tab_title": "", "window_title": "", "tty_name": "/dev/pts/1"},
        )  # fmt: skip
        entry.update(size={"rows": height, "cols": 80}, **changes)
        self.show(pane_id)

    def print(self, pane_id: int, *rows: str) -> None:
        self.texts[pane_id] += [row.encode() for row in rows]
        self.write(f"text-{pane_id}", b"\n".join(self.texts[pane_id]))

    def show(self, pane_id: int) -> None:
        self.write(f"text-{pane_id}", b"\n".join(self.texts[pane_id]))
        self.write("list.json", json.dumps(list(self.panes.values())))

    def remove(self, pane_id: int) -> None:
        del self.panes[pane_id]
        self.write("list.json", json.dumps(list(self.panes.values())))

    def fail(self, command: str, reason: str, status: int = 1) -> None:
        self.write(f"fail-{command}", f"{status} {reason}")

    def hang(self, command: str, hangs: bool = True) -> None:
        if hangs:
            self.write(f"hang-{command}", "")
        else:
            (self.folder / f"hang-{command}").unlink()

    @property
    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
