"""What `wa doctor --fix` runs, in which order, and what it leaves to a person."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from wa.api import doctor_fix
from wa.api.doctor import examine
from wa.api.doctor_findings import as_finding, finding
from wa.api.doctor_fix import mend, perform, to_fix, whole
from wa.api.doctor_home import home_findings
from wa.config.paths import Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A home of its own, an empty runtime folder, no `wezterm` on PATH."""
    for name in ("WEZTERM_UNIX_SOCKET", "WA_WEZTERM", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("WA_HOME", str(tmp_path / "wa home"))
    found = Paths.from_env()
    found.ensure()
    return found


def test_the_safe_ones_come_first_and_each_once() -> None:
    """Two findings with one command make one step; what is not safe is left, with its next step."""
    findings = [
        finding("ok", "nothing"),
        finding("error", "far", "Run `b`.", fix=["b"]),
        finding("error", "near", fix=["a"], safe=True),
        finding("error", "near, too", fix=["a"], safe=True),
    ]
    fixes = to_fix(findings, yes=True)

    assert [(one["argv"], one["state"], one["next_step"]) for one in fixes] == [
        (["a"], "to_do", None),
        (["b"], "left", "Run `b`."),
    ]


def test_what_was_interrupted_is_taken_back_only_with_yes() -> None:
    """Its command is not safe, and is run where the user said so."""
    found = [finding("error", "interrupted", "Run it.", fix=["wa", "setup", "undo", "x"])]

    assert [one["state"] for one in to_fix(found, yes=False)] == ["left"]
    assert [one["state"] for one in to_fix(found, yes=True)] == ["to_do"]


def test_what_a_sidecar_calls_safe_is_not_believed() -> None:
    """It may be of another version: its command is named, not run."""
    told = {"level": "error", "what": "w", "next_step": "n", "fix": ["rm"], "safe": True}

    assert not as_finding(told)["safe"]
    assert as_finding({"level": "ok", "what": "w", "next_step": None})["fix"] is None


def test_one_that_fails_stops_none(tmp_path: Path) -> None:
    """Each is told by its state: what failed with what it said, what is gone, what was done."""
    made = tmp_path / "a b"
    findings = [
        finding("error", "1", fix=["/bin/sh", "-c", "echo no luck >&2; exit 3"], safe=True),
        finding("error", "2", fix=["/nowhere/program"], safe=True),
        finding("error", "3", fix=["mkdir", str(made)], safe=True),
    ]
    fixes = asyncio.run(perform(to_fix(findings, yes=False)))

    assert [one["state"] for one in fixes] == ["failed", "failed", "done"]
    assert fixes[0]["trouble"] == "no luck"
    assert "cannot be started" in (fixes[1]["trouble"] or "")
    assert "/nowhere/program" in (fixes[1]["next_step"] or "")
    assert made.is_dir()


def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within its time, and told."""
    monkeypatch.setattr(doctor_fix, "WITHIN_S", 0.1)
    (one,) = asyncio.run(perform(to_fix([finding("error", "1", fix=["sleep", "60"], safe=True)], yes=False)))

    assert (one["state"], one["trouble"]) == ("failed", "it did not end within 0.1 s")


def test_wa_is_the_one_that_runs() -> None:
    """Not whatever is called so on PATH."""
    assert whole(["wa", "plugin", "x"]) == [sys.executable, "-P", "-m", "wa", "plugin", "x"]
    assert whole(["chmod", "700", "x"]) == ["chmod", "700", "x"]


def test_folders_that_others_may_enter_are_closed(paths: Paths) -> None:
    """Told with the command, run by --fix, and not told again afterwards."""
    paths.data.chmod(0o755)
    paths.config.chmod(0o770)
    before = asyncio.run(examine(paths))
    open_ones = [one for one in before["findings"] if "others may enter" in one["what"]]

    assert [one["fix"] for one in open_ones] == [["chmod", "700", str(paths.config)], ["chmod", "700", str(paths.data)]]
    assert all(one["safe"] and one["level"] == "error" for one in open_ones)
    assert before["fixes"] == []

    after = asyncio.run(mend(paths, before, yes=False))
    assert [one["state"] for one in after["fixes"]] == ["done", "done"]
    assert not [one for one in after["findings"] if "others may" in one["what"]]
    assert {paths.data.stat().st_mode & 0o777, paths.config.stat().st_mode & 0o777} == {0o700}


def test_hooks_that_call_a_program_that_is_gone(paths: Paths, tmp_path: Path) -> None:
    """An error with the command that puts the present one in; not run unasked, for it changes the agent's settings."""
    (tmp_path / ".claude").mkdir()
    call = {"type": "command", "command": "/gone/wa hook claude_code Stop"}
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps({"hooks": {"Stop": [{"hooks": [call]}]}}))
    found = [one for one in asyncio.run(examine(paths))["findings"] if "hooks of" in one["what"]]

    assert [(one["fix"], one["safe"]) for one in found] == [
        (["wa", "hooks", "install", "--agent", "claude_code"], False)
    ]


def test_backups_and_tokens_that_others_may_read_are_closed(paths: Paths) -> None:
    """What a plan kept of the user's files, and what the roles know each other by."""
    backup = paths.data / "setup" / "20261122-010203-abcd" / "before.1"
    token = paths.config / "tokens" / "agent"
    for file in (backup, token):
        file.parent.mkdir(parents=True)
        file.write_text("secret")
        file.chmod(0o644)
    told = {one["what"] for one in home_findings(paths) if "others may read" in one["what"]}

    assert told == {f"others may read {file} (mode 644)" for file in (backup, token)}
