"""`wa doctor --fix` as a user runs it, after real setups."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest


@pytest.fixture
def home(house) -> Path:
    """Set up and tuned, with a start-up file of the user's."""
    home = Path(house.env["HOME"])
    (home / ".bashrc").write_text("alias a=b\n")
    (home / ".wezterm.lua").write_text("local c = {}\nc.scrollback_lines = 5000\nreturn c\n")
    assert house.wa("setup", "local", "--no-service", "--yes").returncode == 0
    house.ok("tune", "--profile", "64", "--yes")
    return home


def findings(house, *words: str) -> list[dict]:
    return house.ok("doctor", *words)["findings"]


def test_after_setup_nothing_is_to_mend(house, home: Path) -> None:
    """What was made is in its place, the configuration is good."""
    found = findings(house)

    assert [one["what"] for one in found if "plans of setup" in one["what"]] == [
        "what 2 plans of setup made is in its place"
    ]
    assert not [one for one in found if one["fix"] is not None]
    done = house.wa("doctor", "--fix")
    assert (done.returncode, "Nothing to mend by a command." in done.stdout) == (0, True)


def test_an_older_plugin_is_brought_up_by_a_plan_and_still_comes_out(house, home: Path) -> None:
    """As an update of wa leaves it: --fix writes it anew, and undo of everything leaves the user's files alone."""
    plugin = home / ".config/wezterm/wa_plugin"
    folder = max((house.home / "data/setup").glob("2*-*")).parent
    # The files of an older wa, as its own plan wrote them.
    settings = (plugin / "settings.lua").read_bytes().replace(b'"0.1.0"', b'"0.0.9"')
    (plugin / "settings.lua").write_bytes(settings)
    for journal in folder.glob("2*-*"):
        plan = json.loads((journal / "plan.json").read_text())
        for number, change in enumerate(plan["changes"], 1):
            if change.get("path", "").endswith("settings.lua"):
                (journal / f"after.{number}").write_bytes(settings)
                done = journal / f"done.{number}"
                lines = [line for line in done.read_text().splitlines() if not line.startswith("sha256=")]
                done.write_text("\n".join([*lines, f"sha256={hashlib.sha256(settings).hexdigest()}", ""]))
    (old,) = [one for one in findings(house) if "of wa 0.0.9" in one["what"]]
    assert old["safe"]

    shown = house.wa("doctor", "--fix", "--dry-run")
    assert "would run  wa setup local --no-shell" in shown.stdout
    assert b"0.0.9" in (plugin / "settings.lua").read_bytes()
    assert house.wa("doctor", "--fix").returncode == 2  # nobody can be asked

    fixed = house.ok("doctor", "--fix", "--yes")
    assert [one["state"] for one in fixed["fixes"]] == ["done"]
    assert b"0.0.9" not in (plugin / "settings.lua").read_bytes()
    for _ in range(3):
        assert house.wa("setup", "undo", "--yes").returncode == 0
    assert not plugin.exists()
    assert (home / ".wezterm.lua").read_text() == "local c = {}\nc.scrollback_lines = 5000\nreturn c\n"
    assert (home / ".bashrc").read_text() == "alias a=b\n"


def test_what_fails_is_told_and_ends_with_1(house, home: Path) -> None:
    """A command that does not come off: by its words, and the rest is looked at all the same."""
    plugin = home / ".config/wezterm/wa_plugin"
    (plugin / "badges.lua").write_text("return 1\n")
    (home / ".wezterm.lua").write_text("local c = = 1\nreturn c\n")
    done = house.wa("doctor", "--fix", "--yes")

    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "wezterm.lua is broken" in done.stdout


@pytest.mark.parametrize("words", [["--yes"], ["--dry-run"]])
def test_words_that_belong_to_fix(inside, words: list[str]) -> None:
    """Alone they mean nothing."""
    assert inside("doctor", *words).returncode == 2
