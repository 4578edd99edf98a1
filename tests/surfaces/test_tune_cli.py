"""`wa tune` as a user runs it, in homes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from wa.provision.local_config import FRESH
from wa.provision.tune_tables import tuned

SERVER = shutil.which("wezterm-mux-server")
LUA = "local wezterm = require 'wezterm'\nlocal c = wezterm.config_builder()\nc.scrollback_lines = 9000\nreturn c\n"


@pytest.fixture
def file(house) -> Path:
    """The wezterm.lua of a home, with other names than usual in it."""
    path = Path(house.env["HOME"]) / ".wezterm.lua"
    path.write_text(LUA)
    return path


def tune(inside, *words: str):
    done = inside("tune", *words, "--json")
    envelope = json.loads(done.stdout)
    assert envelope["ok"], envelope
    assert envelope["meta"]["schema"] == "wa.tune/1"
    return envelope["data"]


def test_it_is_shown_made_changed_and_taken_out(inside, file: Path) -> None:
    """A dry run changes nothing; the second time nothing is to do; --restore gives the very bytes back."""
    planned = tune(inside, "--ram", "64", "--dry-run")

    assert file.read_text() == LUA
    assert {one["option"]: one["value"] for one in planned["values"]} == tuned(64)
    assert [one["yours"] for one in planned["values"]] == ["9000", *[None] * 8]
    assert (planned["ram_gb"], planned["ram_from"], planned["profile"]) == (64, "--ram", "guide")
    assert planned["config"] == str(file)
    assert len(planned["costs"]) == 4

    made = tune(inside, "--ram", "64", "--yes")
    assert made["plan"]["state"] == "finished"
    assert "c.scrollback_lines = 1000000\n" in file.read_text()
    assert tune(inside, "--ram", "64", "--yes")["plan"]["id"] is None
    tune(inside, "--profile", "swarm", "--yes")
    assert "c.scrollback_lines = 50000\n" in file.read_text()
    assert file.read_text().count("wa tune: begin") == 1

    assert "goes down from 50,000 to 9,000" in " ".join(tune(inside, "--restore", "--dry-run")["plan"]["notes"])
    restored = tune(inside, "--restore", "--yes")
    assert (restored["values"], restored["profile"]) == ([], None)
    assert file.read_text() == LUA
    assert tune(inside, "--restore", "--yes")["plan"]["id"] is None


def test_undo_takes_it_back_too(inside, file: Path) -> None:
    """Byte for byte, with its time."""
    os.utime(file, ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
    tune(inside, "--profile", "512", "--yes")
    assert inside("setup", "undo", "--yes").returncode == 0

    assert file.read_text() == LUA
    assert file.stat().st_mtime_ns == 1_700_000_000_123_456_789


def test_where_wa_has_watched_swarm_is_the_default(inside, house, file: Path) -> None:
    """Its database is there: history is kept by it, and the reason is said."""
    (house.home / "data").mkdir(parents=True)
    (house.home / "data" / "wa.db").touch()
    done = inside("tune", "--ram", "64", "--dry-run")

    assert "profile swarm: wa keeps its history" in done.stdout
    assert "50,000" in done.stdout
    assert "1,000,000  13.1 / 15.0 ms       16 %  390 MiB" in done.stdout
    assert file.read_text() == LUA


def test_a_home_without_a_wezterm_lua_gets_one_and_loses_it_again(inside, house) -> None:
    """Where WezTerm looks; after --restore it is gone."""
    made = tune(inside, "--profile", "64", "--yes")
    path = Path(house.env["HOME"]) / ".config/wezterm/wezterm.lua"

    assert made["config"] == str(path)
    assert "config.glyph_cache_image_cache_size = 512" in path.read_text()
    tune(inside, "--restore", "--yes")
    assert not path.exists()

    tune(inside, "--profile", "64", "--yes")
    path.write_text(path.read_text().replace("return", "config.font_size = 9\nreturn"))
    tune(inside, "--restore", "--yes")
    assert path.read_text().endswith("\n\nconfig.font_size = 9\nreturn config\n")


def test_a_file_of_the_users_that_holds_nothing_stays(inside, file: Path) -> None:
    """Though it is what wa would have made."""
    file.write_text(FRESH)
    tune(inside, "--ram", "64", "--yes")
    tune(inside, "--restore", "--yes")

    assert file.read_text() == FRESH


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("local c = {}\nlocal x = = 3\nreturn c\n", ":2: "),
        ("local c = {}\nerror('boom')\nreturn c\n", "boom"),
        ("local c = {}\n", "returns nothing"),
        ("-- wa tune: begin\nlocal c = {}\nreturn c\n", "tune"),
        ("local c = setmetatable({}, { __newindex = function() end })\nreturn c\n", "keeps it from being set"),
    ],
)
def test_what_cannot_be_changed_safely_is_not(inside, file: Path, text: str, said: str) -> None:
    """The line is named, nothing is written."""
    file.write_text(text)
    done = inside("tune", "--ram", "64", "--yes", "--json")
    error = json.loads(done.stdout)["error"]

    assert done.returncode == 2
    assert said in error["message"]
    assert "Nothing was changed" in error["next_step"]
    assert file.read_text() == text


def test_a_link_into_dotfiles_is_followed_and_stays(inside, house, file: Path) -> None:
    """The target is changed; a read-only one is not, and its lines are told."""
    target = Path(house.env["HOME"]) / "dotfiles.lua"
    file.rename(target)
    file.symlink_to("dotfiles.lua")
    tune(inside, "--ram", "64", "--yes")
    assert file.is_symlink()
    assert "c.scrollback_lines = 1000000" in target.read_text()

    tune(inside, "--restore", "--yes")
    target.chmod(0o444)
    error = json.loads(inside("tune", "--ram", "64", "--yes", "--json").stdout)["error"]
    assert "read-only" in error["message"]
    assert "config.scrollback_lines = 1000000" in error["next_step"]
    assert target.read_text() == LUA


def test_nobody_is_asked_without_a_terminal(inside, file: Path) -> None:
    """--yes or --dry-run must say it; words that do not go together are refused."""
    for words in ([], ["--restore", "--ram", "64"], ["--ram", "64", "--profile", "128"], ["--ram", "0"]):
        assert inside("tune", *words).returncode == 2
    assert file.read_text() == LUA


def test_on_a_terminal_the_person_decides(inside, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is shown before the question; no means that nothing is done, yes that it is."""
    asked: list[str] = []
    answers = [False, True, True]

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        if not answers.pop(0):
            raise typer.Abort
        return True

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    refused = inside("tune", "--ram", "64")
    assert (refused.returncode, file.read_text()) == (1, LUA)
    assert "+c.scrollback_lines = 1000000" in refused.stdout
    assert "Nothing was changed" not in refused.stdout

    made = inside("tune", "--ram", "64")
    assert "Done. To take it back: wa setup undo" in made.stdout
    inside("tune", "--restore")
    assert file.read_text() == LUA
    assert asked == ["Write these values?", "Write these values?", "Take these values out?"]


def test_values_that_would_end_the_multiplexer_are_shown_and_refused(inside, file: Path) -> None:
    """999,999,999 rows are set aside at once when a pane opens; its server would end with all panes."""
    shown = inside("tune", "--ram", "100000", "--dry-run")
    assert "would be refused" in shown.stdout
    assert inside("tune", "--ram", "100000", "--yes").returncode == 2
    assert file.read_text() == LUA


def test_a_restart_is_priced_and_not_made(watched) -> None:
    """Panes of the moment, and how to make one; the multiplexer goes on."""
    result = watched.ok("tune", "--ram", "64", "--dry-run")

    assert result["profile"] == "swarm"
    assert result["restart"]["known"]
    assert result["restart"]["panes"] >= 1
    assert "restart_agent" in result["restart"]["advice"]
    assert [pane for pane in watched.ok("panes")["panes"] if pane["alive"]]


@pytest.mark.wezterm
@pytest.mark.skipif(SERVER is None, reason="needs wezterm-mux-server on PATH")
def test_a_real_server_takes_the_values_while_it_runs(house) -> None:
    """Without a restart an open pane keeps more rows, and fewer when the values go; the log has no complaint."""
    home = Path(house.env["HOME"])
    (home / ".wezterm.lua").write_text(LUA.replace("9000", "100"))
    env = house.env | {"SHELL": "/bin/sh", "WEZTERM_LOG": "warn"}

    def wezterm(*words: str) -> str:
        argv = ["wezterm", "cli", "--prefer-mux", "--no-auto-start", *words]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=20, check=True).stdout

    def rows() -> int:
        return wezterm("get-text", "--pane-id", "0", "--start-line", "-99999999").count("\n")

    def printed(lines: int, word: str) -> int:
        wezterm("send-text", "--pane-id", "0", "--no-paste", f"seq {lines}; echo {word[:2]}''{word[2:]}\n")
        end = time.monotonic() + 20
        while not re.search(f"^{word}", wezterm("get-text", "--pane-id", "0"), re.MULTILINE):
            assert time.monotonic() < end
            time.sleep(0.05)
        return rows()

    def loaded(expected: range, word: str) -> None:
        end = time.monotonic() + 20
        while printed(3_000, word) not in expected:
            assert time.monotonic() < end

    log = (house.root / "server.log").open("wb")
    with log, subprocess.Popen(["wezterm-mux-server"], env=env, stdout=log, stderr=log) as server:
        try:
            end = time.monotonic() + 20
            while not (house.root / "runtime/wezterm/sock").exists():
                assert time.monotonic() < end
                time.sleep(0.05)
            assert printed(3_000, "first") < 200
            assert house.ok("tune", "--ram", "64", "--yes")["wezterm"] is not None
            loaded(range(2_900, 1_000_000), "second")
            house.ok("tune", "--restore", "--yes")
            loaded(range(200), "third")
            assert server.poll() is None
        finally:
            server.terminate()
    assert b"wa" not in (house.root / "server.log").read_bytes()


@pytest.mark.wezterm
@pytest.mark.skipif(SERVER is None, reason="needs wezterm on PATH")
def test_what_only_wezterm_can_evaluate_is_judged_by_it(inside, house, file: Path) -> None:
    """A file that opens another one is beyond wa's own Lua; a warning of WezTerm's stops the rest."""
    (file.parent / "size").write_text("11")
    text = f"local c = {{ font_size = tonumber(io.open('{file.parent}/size'):read('a')) }}\nreturn c\n"
    file.write_text(text)
    made = tune(inside, "--ram", "64", "--yes")
    assert "could not read" in " ".join(made["plan"]["notes"])
    assert [one["yours"] for one in made["values"]] == [None] * 9
    tune(inside, "--restore", "--yes")
    assert file.read_text() == text

    file.write_text("local c = { font_size = 'large' }\nreturn c\n")
    error = json.loads(inside("tune", "--ram", "64", "--yes", "--json").stdout)["error"]
    assert "font_size" in error["message"]
    assert "wa tune" not in file.read_text()
