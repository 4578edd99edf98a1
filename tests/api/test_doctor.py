"""What the doctor finds without a sidecar."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from wa.api.doctor import examine
from wa.config.paths import Paths
from wa.protocol.results import DoctorResult, Finding
from wa.store.records import StoreSettings
from wa.store.writer import Writer


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A home of its own, an empty runtime folder, and no `wezterm` on PATH."""
    for name in ("WEZTERM_UNIX_SOCKET", "WA_WEZTERM"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "wezterm").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = Paths.from_env({"WA_HOME": str(tmp_path / "wa")})
    found.ensure()
    return found


def diagnosis(paths: Paths) -> DoctorResult:
    return asyncio.run(examine(paths))


def said(result: DoctorResult, words: str) -> Finding:
    """The one finding that holds *words*."""
    (found,) = [finding for finding in result["findings"] if words in finding["what"]]
    return found


def test_without_wezterm_it_says_how_to_get_on(paths: Paths) -> None:
    """Neither running nor installed: an error, and two ways on."""
    result = diagnosis(paths)
    finding = said(result, "no WezTerm runs")

    assert (result["worst"], finding["level"]) == ("error", "error")
    assert "wezterm.org/install" in (finding["next_step"] or "")
    assert "wa demo" in (finding["next_step"] or "")
    assert said(result, "no database yet")["level"] == "note"


def test_sockets_that_do_not_answer_are_named(paths: Paths, tmp_path: Path) -> None:
    """A dead server's socket is a note; one that was asked for by name is an error with its reason."""
    for path in (tmp_path / "wezterm" / "gui-sock-4711", tmp_path / "lab"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    (tmp_path / "file").write_text("")
    entries = [("lab", "lab"), ("gone", "nowhere"), ("odd", "file")]
    tables = [f'[[mux]]\nname = "{name}"\nsocket = "{tmp_path / path}"\n' for name, path in entries]
    paths.config_file.write_text("".join(tables))
    result = diagnosis(paths)

    assert said(result, "gui-4711")["level"] == "note"
    assert {said(result, f"{name} (")["level"] for name, _ in entries} == {"error"}
    assert "nobody listens" in said(result, "lab (")["what"]
    assert "not a socket" in said(result, "odd (")["what"]


def test_nothing_is_looked_for_where_that_is_turned_off(paths: Paths, tmp_path: Path) -> None:
    """With discovery off only named multiplexers count, and none is a warning of its own."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "wezterm" / "sock"))
    paths.config_file.write_text("[wezterm]\ndiscover = false\n")
    result = diagnosis(paths)

    assert said(result, "nothing would be watched")["level"] == "warning"
    assert not [finding for finding in result["findings"] if "local (" in finding["what"]]


def test_a_command_that_does_not_work_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `wezterm` that cannot be run is a warning: the way round would fail."""
    monkeypatch.setenv("WA_WEZTERM", "/nowhere/wezterm")

    assert said(diagnosis(paths), "/nowhere/wezterm")["level"] == "warning"


def test_the_database_is_checked(paths: Paths) -> None:
    """Sound is said so; readable by others, damaged and newer are errors with a next step."""

    async def make() -> None:
        await (await Writer.open(paths.database, settings=StoreSettings())).close()

    asyncio.run(make())
    assert said(diagnosis(paths), "checked and sound")["level"] == "ok"
    paths.database.chmod(0o644)
    assert "chmod 600" in (said(diagnosis(paths), "others may read")["next_step"] or "")
    paths.database.chmod(0o600)
    with sqlite3.connect(paths.database) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    newer = [finding for finding in diagnosis(paths)["findings"] if finding["level"] == "error"]
    assert any("Upgrade wa" in (finding["next_step"] or "") for finding in newer)


def test_a_full_disk_is_foreseen(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than a gigabyte free is a warning."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))

    assert said(diagnosis(paths), "only 5 MB")["level"] == "warning"


def test_a_silent_sidecar_is_an_error(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that accepts and says nothing is told, and the rest is looked at all the same."""
    monkeypatch.setattr("wa.api.client.CONNECT_WITHIN_S", 0.1)

    async def examined() -> DoctorResult:
        async def keep_still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_unix_server(keep_still, paths.socket):
            return await examine(paths)

    result = asyncio.run(examined())
    assert said(result, "says nothing")["level"] == "error"
    assert said(result, "no WezTerm runs")


def test_workflow_files_that_are_refused_are_named_with_line_and_reason(paths: Paths) -> None:
    """Each problem by itself; what is good is said to be."""
    folder = paths.config / "workflows"
    folder.mkdir(parents=True)
    assert not [one for one in diagnosis(paths)["findings"] if "is good for" in one["what"]]

    (folder / "handle_compaction.toml").write_text('[settings]\nprompt = "Go on."\n')
    (folder / "stuck.toml").write_text("[settings]\nstill_s = 5\npoek = 'go on'\n")
    (folder / "no.toml").write_text("about = \n")
    result = diagnosis(paths)

    first = said(result, "workflow refused: " + str(folder / "stuck.toml"))
    assert first["level"] == "warning"
    assert f"{folder / 'stuck.toml'}:3: stuck has no setting `poek`" in first["what"]
    assert f"wa workflow lint {folder / 'stuck.toml'}" in (first["next_step"] or "")
    assert f"{folder / 'no.toml'}:1: " in said(result, "no.toml")["what"]
    assert said(result, "is good for")["what"].endswith("is good for handle_compaction")
