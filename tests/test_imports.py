"""Imports point inward: docs/topics/architecture.md as a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sidecar" / "wa"
ROOMS: tuple[frozenset[str], ...] = (
    frozenset({"model", "emit"}),
    frozenset({"protocol"}),
    frozenset({"ingest", "detect", "decide", "act"}),
    frozenset({"agents", "config", "assets"}),
    frozenset({"store", "wezterm"}),
    frozenset({"embedded", "sources", "helpers", "provision"}),
    frozenset({"engine"}),
    frozenset({"api"}),
    frozenset({"surfaces", "__main__"}),
)
"""Lowest first, as in the table of docs/topics/architecture.md."""
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
SANS_IO = frozenset({"model", "protocol", "ingest", "detect", "decide", "act"})
WORLD = frozenset(
    {"asyncio", "os", "time", "random", "socket", "subprocess", "sqlite3", "threading", "signal", "secrets"}
)
"""What reaches outside, or brings time and chance in by the back door."""
SURFACE_BUILDERS = frozenset({"typer", "click", "rich"})
AT_THE_DOOR = frozenset({"surfaces", "api", "config", "model"})
AT_THE_DOOR_MODULES = frozenset({"wa.protocol.envelope", "wa.protocol.results"})
EXCEPTIONS = {"surfaces/quick.py": frozenset({"wa.protocol.sidecar_wire"})}
"""The synchronous client of the sidecar's wire: it starts without Typer, asyncio and aiohttp."""


STOPWATCHES = {"detect/rule.py": frozenset({"time"})}
"""The processor time that searches in foreign text may take together is measured where they are made; no instant comes from it."""


def imported(source: str) -> Iterator[str]:
    """Every module that *source* imports, wherever the import stands; `from a import b` counts as `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their room"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def trouble(relative: str, source: str) -> list[str]:
    """What is wrong with the imports of the file at *relative* (below the package)."""
    room = Path(relative).with_suffix("").parts[0]
    if room == "__init__":
        return [f"wa/__init__.py imports {name}" for name in imported(source) if name.startswith("wa.")]
    if room not in LEVEL:
        return [f"{room} is no room of docs/topics/architecture.md"]
    found = []
    for name in imported(source):
        parts = name.split(".")
        if parts[0] == "wa" and len(parts) > 1 and parts[1] in LEVEL:
            target = parts[1]
            same_door = (room, target) == ("__main__", "surfaces")
            if target != room and LEVEL[target] >= LEVEL[room] and not same_door:
                found.append(f"{room} may not import {name}")
            allowed = target in AT_THE_DOOR or any(name.startswith(door) for door in AT_THE_DOOR_MODULES)
            excepted = any(name.startswith(door) for door in EXCEPTIONS.get(relative, ()))
            if room in ("surfaces", "__main__") and not allowed and not excepted:
                found.append(f"surfaces reach {name} through wa.api")
        if room in SANS_IO and parts[0] in WORLD - STOPWATCHES.get(relative, frozenset()):
            found.append(f"{room} is sans-IO and may not import {name}")
        if parts[0] in SURFACE_BUILDERS and room != "surfaces":
            found.append(f"only surfaces may import {name}")
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inward(path: Path) -> None:
    """A room imports only itself and lower rooms; sans-IO rooms import no I/O; surfaces see nothing below api."""
    assert trouble(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        ("ingest/tracker.py", "from wa import store"),
        ("ingest/tracker.py", "def late():\n    import asyncio"),
        ("decide/policy.py", "from os import environ"),
        ("model/screen.py", "from wa.protocol import envelope"),
        ("store/writer.py", "import wa.engine.sidecar"),
        ("engine/sidecar.py", "from wa.api.client import SidecarClient"),
        ("engine/sidecar.py", "import typer"),
        ("api/panes.py", "from wa.surfaces.tables import table"),
        ("surfaces/panes.py", "from wa.store.reader import Reader"),
        ("surfaces/panes.py", "from wa.protocol import sidecar_wire"),
        ("surfaces/quick.py", "from wa.engine import sidecar"),
        ("surfaces/quick.py", "from wa.protocol.mux import frames"),
        ("attic/old.py", "import sys"),
        ("__init__.py", "import wa.model"),
    ],
)
def test_the_rule_catches_what_it_forbids(relative: str, source: str) -> None:
    """Each way of breaking the rule is seen: this test would pass on an empty rule otherwise."""
    assert len(trouble(relative, source)) == 1


@pytest.mark.parametrize(
    ("relative", "source"),
    [
        ("surfaces/quick.py", "from wa.protocol import sidecar_wire as wire"),
        ("surfaces/panes.py", "import typer\nfrom wa.api import panes\nfrom wa.protocol.envelope import iso"),
        ("api/watch.py", "from wa.engine.sidecar import Sidecar"),
        ("ingest/tracker.py", "from wa.ingest.align import find\nfrom wa.model.screen import Row\nimport re"),
    ],
)
def test_the_rule_lets_through_what_it_allows(relative: str, source: str) -> None:
    """The named exception and the ordinary directions stand."""
    assert trouble(relative, source) == []


def test_rooms_are_those_of_the_architecture_page() -> None:
    """The table of docs/topics/architecture.md names these rooms at these levels."""
    page = (PACKAGE.parents[1] / "docs" / "topics" / "architecture.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("| ") and line.split("|")[1].strip().isdecimal()]
    named = [frozenset(line.split("|")[2].replace(",", " ").replace("`", " ").split()) for line in table]

    assert list(ROOMS) == named


def test_every_room_on_disk_has_a_level() -> None:
    """No folder of the package stands outside the table."""
    rooms = {
        path.stem if path.suffix == ".py" else path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"
    }

    assert rooms - LEVEL.keys() <= {"__init__", "py.typed", "_assets"}
