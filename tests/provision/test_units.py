from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.mux_programs import clean_env, install_mux
from support.unit_words import setting, words
from wa.config.paths import Paths
from wa.model.errors import ConfigError
from wa.provision.units import manager_here, mux_unit, sidecar_unit, systemd_exec_word, systemd_word

HOME = PurePosixPath("/home/me")
HOSTILE = '/srv/a b/100%/$HOME/it\'s "q" \\back;x'
ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def stage() -> Iterator[Path]:
    """Short, for a socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="wa-u-", dir="/tmp") as name:
        for folder in ("home", "run"):
            (Path(name) / folder).mkdir(mode=0o700)
        install_mux(Path(name) / "a b 100%")
        yield Path(name)


def mux_of(stage: Path) -> tuple[bytes, dict[str, str]]:
    programs = stage / "a b 100%"
    _, unit = mux_unit(PurePosixPath(stage / "home"), str(programs / "wezterm-mux-server"), "systemd")
    return unit, clean_env(stage / "home", stage / "run", programs)


def condition(unit: bytes, env: dict[str, str]) -> int:
    argv = words(setting(unit, "ExecCondition")[0], is_command=True)
    return subprocess.run(argv, env=env, timeout=30, check=False).returncode


def started(argv: list[str], env: dict[str, str], sock: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(argv, env=env, cwd=env["HOME"], stdout=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + 20
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(sock))
            except OSError:
                assert process.poll() is None, "it ended"
                assert time.monotonic() < end, "it does not listen"
                time.sleep(0.05)
            else:
                return process


def test_the_mux_starts_as_written_and_no_second_one_beside_it(stage: Path) -> None:
    """ExecStart listens and stays; ExecCondition wants it where nothing listens (no socket, a stale one), not beside one."""
    unit, env = mux_of(stage)
    argv = words(setting(unit, "ExecStart")[0], is_command=True)
    sock = stage / "run" / "wezterm" / "sock"

    assert condition(unit, env) == 0
    process = started(argv, env, sock)
    try:
        assert condition(unit, env) == 1
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert sock.exists(), "a crash leaves the socket behind"
    assert condition(unit, env) == 0
    assert not list((stage / "run" / "wezterm").glob("wezterm-log-*.txt"))


def test_a_server_that_hangs_is_not_replaced(stage: Path) -> None:
    """Its panes may live yet: where the socket lets one wait, none is started."""
    unit, env = mux_of(stage)
    (stage / "run" / "wezterm").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(stage / "run" / "wezterm" / "sock"))
        hanging.listen()

        assert condition(unit, env) == 1


def test_the_sidecar_starts_as_written(stage: Path) -> None:
    """`wa watch` from the unit's own words serves, below the folder that the unit hands on."""
    paths = Paths.from_env({"WA_HOME": str(stage / "w 1%")})
    sock = stage / "run" / "wezterm" / "sock"
    sock.parent.mkdir(mode=0o700)
    argv = [sys.executable, "-P", "-m", "wa", "watch", "--socket", str(sock)]
    _, unit = sidecar_unit(paths, argv, "systemd", home=PurePosixPath(stage / "home"))
    env = clean_env(stage / "home", stage / "run", stage / "a b 100%") | {"PYTHONPATH": "sidecar"}
    for value in setting(unit, "Environment"):
        name, _, held = words(value)[0].partition("=")
        env[name] = held
    env["PYTHONPATH"] = str(Path(__file__).parents[2] / "sidecar")

    process = started(words(setting(unit, "ExecStart")[0], is_command=True), env, paths.socket)
    process.terminate()

    assert process.wait(20) == 0
    assert (stage / "w 1%" / "data" / "wa.db").exists()


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["plain", "a b", "100%", "it's", 'q"q', "back\\slash", "dol$lar", "semi;colon", "ünï"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, name: str) -> None:
    """`systemd-analyze verify` is silent for both units, wherever the programs lie."""
    folder = tmp_path / name
    folder.mkdir()
    for program in ("wezterm-mux-server", "wezterm", "wa"):
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    paths = Paths.from_env({"WA_HOME": str(folder)})
    units = [
        mux_unit(HOME, str(folder / "wezterm-mux-server"), "systemd"),
        sidecar_unit(paths, [str(folder / "wa"), "watch", "--x=$HOME 5%"], "systemd", home=HOME),
    ]
    for path, unit in units:
        (tmp_path / path.name).write_bytes(unit)
    assert ANALYZE is not None

    done = subprocess.run(
        [ANALYZE, "--user", "--man=no", "verify", *(str(tmp_path / path.name) for path, _ in units)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    ours = [line for line in done.stderr.splitlines() if "wa.service" in line or "wezterm-mux" in line]
    assert ours == []


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_words_are_read_back(text: str) -> None:
    """Whatever a path holds, systemd reads that path, and no specifier, variable or second word."""
    assert words(systemd_word(text)) == [text]
    assert words("/x " + systemd_exec_word(text), is_command=True) == ["/x", text]
    assert "\n" not in systemd_word(text)


def test_the_mux_unit_is_the_canonical_one() -> None:
    """In the foreground without a flag, restarted on failure, at log-in; one pane's end takes no other along."""
    path, unit = mux_unit(HOME, "/usr/bin/wezterm-mux-server", "systemd")

    assert path == PurePosixPath("/home/me/.config/systemd/user/wezterm-mux-server.service")
    expected = {
        "Type": "simple",
        "ExecStart": "/usr/bin/wezterm-mux-server",
        "Restart": "on-failure",
        "RestartSec": "5",
        "Environment": "WEZTERM_LOG=warn",
        "OOMPolicy": "continue",
        "KillMode": "process",
        "WantedBy": "default.target",
    }
    assert {name: setting(unit, name)[0] for name in expected} == expected


def test_the_launchd_agents_are_sound() -> None:
    """Valid property lists with absolute paths, whatever the paths hold."""
    mux_path, mux = mux_unit(HOME, f"{HOSTILE}/<&>/wezterm-mux-server", "launchd")
    paths = Paths.from_env({"HOME": str(HOME)})
    path, sidecar = sidecar_unit(paths, [f"{HOSTILE}/wa", "watch"], "launchd", home=HOME)

    agent = plistlib.loads(mux)
    assert agent["ProgramArguments"][-2:] == [f"{HOSTILE}/<&>/wezterm", f"{HOSTILE}/<&>/wezterm-mux-server"]
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["AbandonProcessGroup"] is agent["RunAtLoad"] is True
    assert f"{mux_path.stem}" == agent["Label"]
    assert mux_path.parent == path.parent == HOME / "Library" / "LaunchAgents"
    assert plistlib.loads(sidecar)["ProgramArguments"] == [f"{HOSTILE}/wa", "watch"]
    assert "~" not in sidecar.decode()


def test_launchd_starts_no_second_mux(stage: Path) -> None:
    """Beside one that answers its command ends with 0, which KeepAlive leaves at that; alone it is the server."""
    programs = stage / "a b 100%"
    _, plist = mux_unit(PurePosixPath(stage / "home"), str(programs / "wezterm-mux-server"), "launchd")
    env = clean_env(stage / "home", stage / "run", programs)
    argv = plistlib.loads(plist)["ProgramArguments"]
    process = started(argv, env, stage / "run" / "wezterm" / "sock")
    try:
        assert subprocess.run(argv, env=env, timeout=30, check=False).returncode == 0
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_folders_of_the_users_own_are_handed_on() -> None:
    """The default ones need no word; XDG folders elsewhere, and a WezTerm off the PATH, are named."""
    usual = sidecar_unit(Paths.from_env({"HOME": str(HOME)}), ["/x/wa", "watch"], "systemd", home=HOME)[1]
    moved = Paths.from_env({"HOME": str(HOME), "XDG_DATA_HOME": "/big disk"})
    own = sidecar_unit(moved, ["/x/wa", "watch"], "systemd", home=HOME, wezterm="/opt/w z/wezterm")[1]

    assert setting(usual, "Environment") == []
    named = [words(value)[0] for value in setting(own, "Environment")]
    assert named == ["XDG_DATA_HOME=/big disk", "WA_WEZTERM=" + shlex.quote("/opt/w z/wezterm")]


def test_a_program_without_its_path_is_refused() -> None:
    """A manager has another PATH than the user."""
    with pytest.raises(ConfigError):
        mux_unit(HOME, "wezterm-mux-server", "systemd")


@pytest.mark.skipif(sys.platform == "darwin", reason="systemctl is Linux's")
@pytest.mark.parametrize(
    ("script", "found"),
    [("echo Version=252", "systemd"), ("echo no bus >&2; exit 1", None), ("exit 0", None)],
)
def test_a_manager_counts_where_it_answers(tmp_path: Path, script: str, found: str | None) -> None:
    """That `systemctl` exists is no sign of a live manager."""
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    before = os.environ["PATH"]
    try:
        os.environ["PATH"] = f"{tmp_path}:{before}"
        assert manager_here() == found
    finally:
        os.environ["PATH"] = before
