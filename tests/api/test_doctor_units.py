"""What the doctor says of services, with a manager that answers what a test wants, and without one."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.api.doctor_units import programs_of, unit_findings
from wa.config.paths import Paths
from wa.protocol.results import FixableFinding
from wa.provision.units import mux_unit, sidecar_unit, unit_path

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="launchd is the manager there")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def program(path: Path, text: str = "exit 0") -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def manager(home: Path, linger: str = "yes", **shown: str) -> None:
    """Answers *shown* for every unit."""
    lines = "\n".join(f"{key}={value}" for key, value in shown.items())
    program(home / "bin" / "systemctl", f"case $* in *=Version*) echo Version=252;; *) cat <<'X'\n{lines}\nX\n;; esac")
    program(home / "bin" / "loginctl", f"echo Linger={linger}")


def unit(home: Path, which: str = "sidecar", wa: str | None = None) -> Path:
    if which == "sidecar":
        argv = [wa or str(program(home / "wa")), "watch"]
        path, data = sidecar_unit(Paths.from_env({"HOME": str(home)}), argv, "systemd", home=PurePosixPath(home))
    else:
        program(home / "wezterm")
        path, data = mux_unit(PurePosixPath(home), wa or str(program(home / "wezterm-mux-server")), "systemd")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)
    return Path(path)


def found(home: Path, *, sidecar_runs: bool = False) -> list[FixableFinding]:
    return asyncio.run(unit_findings(home, sidecar_runs=sidecar_runs))


ACTIVE = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}


def test_without_units_there_is_nothing_to_say(home: Path) -> None:
    """A machine where nothing was set up is not asked for services."""
    assert found(home) == []


def test_a_service_that_runs_is_well(home: Path) -> None:
    """Enabled, active, its program there, lingering on."""
    unit(home)
    manager(home, **ACTIVE)

    assert [(one["level"], one["what"]) for one in found(home)] == [("ok", "wa.service is enabled and active")]


def test_a_program_that_is_gone_is_an_error(home: Path) -> None:
    """wa's is written anew by `wa setup local`; WezTerm's is the user's to install."""
    unit(home, wa="/gone/bin/wa")
    unit(home, "mux", wa="/gone/wezterm-mux-server")
    manager(home, **ACTIVE)
    gone = [one for one in found(home) if one["level"] == "error"]

    assert [one["fix"] for one in gone] == [None, ["wa", "setup", "local"]]
    assert "/gone/wezterm-mux-server" in gone[0]["what"]
    assert not any(one["safe"] for one in gone)


def test_wa_that_has_failed_is_started_again_and_the_multiplexer_never(home: Path) -> None:
    """A restart of wa's own service is safe; the multiplexer's command is only named."""
    unit(home)
    unit(home, "mux")
    manager(home, **{**ACTIVE, "ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "1"})
    mux, own = (one for one in found(home) if one["level"] == "error")

    assert (own["fix"], own["safe"]) == (["systemctl", "--user", "restart", "wa.service"], True)
    assert "exit-code, status 1" in own["what"]
    assert (mux["fix"], mux["safe"]) == (["systemctl", "--user", "start", "wezterm-mux-server.service"], False)


def test_a_sidecar_beside_its_failed_unit_is_not_pushed_away(home: Path) -> None:
    """The unit could not start while it runs: the person decides."""
    unit(home)
    manager(home, **{**ACTIVE, "ActiveState": "failed"})
    (failed,) = [one for one in found(home, sidecar_runs=True) if "failed" in one["what"]]

    assert (failed["level"], failed["fix"]) == ("warning", None)
    assert "wa stop" in (failed["next_step"] or "")


def test_disabled_is_told_and_not_changed_unasked(home: Path) -> None:
    """Somebody may want it so."""
    unit(home)
    manager(home, **{**ACTIVE, "UnitFileState": "disabled", "ActiveState": "inactive"})
    (one,) = found(home)

    assert (one["level"], one["safe"]) == ("warning", False)
    assert one["fix"] == ["systemctl", "--user", "enable", "wa.service"]


def test_one_that_was_stopped_is_not_started_unasked(home: Path) -> None:
    """`wa stop` ends it; where a sidecar runs outside of it all is well."""
    unit(home)
    manager(home, **{**ACTIVE, "ActiveState": "inactive"})

    assert [(one["level"], one["safe"]) for one in found(home)] == [("note", False)]
    assert [one["level"] for one in found(home, sidecar_runs=True)] == ["ok"]


@pytest.mark.parametrize("shown", [{"NeedDaemonReload": "yes"}, {"LoadState": "not-found", "UnitFileState": ""}])
def test_a_file_that_its_manager_has_not_read(home: Path, shown: dict[str, str]) -> None:
    """To have it read again is safe: nothing is started or ended by it."""
    unit(home)
    manager(home, **{**ACTIVE, **shown})

    assert (["systemctl", "--user", "daemon-reload"], True) in [(one["fix"], one["safe"]) for one in found(home)]


def test_lingering_off_is_a_warning_where_panes_live(home: Path) -> None:
    """A multiplexer ends with the log-in without it; wa alone is a note."""
    unit(home)
    manager(home, "no", **ACTIVE)
    assert [one["level"] for one in found(home) if "lingering" in one["what"]] == ["note"]

    unit(home, "mux")
    (one,) = [one for one in found(home) if "lingering" in one["what"]]
    assert (one["level"], one["fix"], one["safe"]) == ("warning", ["loginctl", "enable-linger"], False)
    assert "wezterm-mux-server.service and wa.service end when" in one["what"]


@pytest.mark.parametrize("text", ["exit 1", "exec sleep 60"])
def test_no_manager_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """In a container, or by `su`: it fails, or says nothing at all."""
    monkeypatch.setattr("wa.provision.units._ASK_S", 0.2)
    unit(home)
    program(home / "bin" / "systemctl", text)
    (one,) = found(home)

    assert one["level"] == "warning"
    assert "no manager of services answers" in one["what"]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda one: "/" not in one))
def test_the_program_of_a_unit_is_read_as_it_was_written(name: str) -> None:
    """Whatever its path: the very one, or none where it is written with escapes."""
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.from_env({"HOME": home})
        _, data = sidecar_unit(paths, [f"/opt/{name}/wa", "watch"], "systemd", home=PurePosixPath(home))
        path = Path(home) / "wa.service"
        path.write_bytes(data)

        assert set(programs_of(path)) <= {f"/opt/{name}/wa", "/bin/sh"}


def test_a_role_that_is_not_enabled_is_as_it_was_made(home: Path) -> None:
    """Its command comes later: nothing to say; one that failed is started again like wa's own."""
    path = Path(unit_path(PurePosixPath(home), "wa-agent.service", "systemd"))
    path.parent.mkdir(parents=True)
    path.write_text(f"[Service]\nExecStart={program(home / 'wa')} agent\n")
    manager(home, **{**ACTIVE, "UnitFileState": "disabled", "ActiveState": "inactive"})
    assert found(home) == []

    manager(home, **{**ACTIVE, "ActiveState": "failed"})
    (failed,) = [one for one in found(home, sidecar_runs=True) if "failed" in one["what"]]
    assert (failed["fix"], failed["safe"]) == (["systemctl", "--user", "restart", "wa-agent.service"], True)
    (home / "wa").unlink()
    assert ["wa", "setup", "distributed"] in [one["fix"] for one in found(home)]
