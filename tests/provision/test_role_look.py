"""What the script on a host tells: run here by real shells, in a home of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.assets import asset_root
from wa.model.errors import TerminalUnreachable
from wa.provision.role_look import HostLook, is_role, parse_look
from wa.provision.role_units import Role

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def look(home: Path, port: int = 7890, shell: str = "sh", **env: str) -> HostLook:
    words = ["busybox", "sh"] if shell == "busybox" else [shell]
    path = f"{home / 'bin'}:/usr/bin:/bin"
    said = subprocess.run(
        [*words, "-s", "--", "coordinator", "wa-coordinator.service", "org.wezterm-automata.coordinator", str(port)],
        input=(asset_root() / "setup/roles_look.sh").read_bytes(),
        capture_output=True,
        env={"HOME": str(home), "PATH": path, **env},
        timeout=60,
    )
    found = re.search(rb"<wa-begin>\n(.*)<wa-end>", said.stdout, re.DOTALL)
    assert found is not None, said.stderr
    assert said.stderr == b""
    return parse_look(found[1].decode(), Role.COORDINATOR, port)


def install(home: Path, script: str) -> None:
    (home / "bin").mkdir(exist_ok=True)
    (home / "bin/wa").write_text(f"#!/bin/sh\n{script}\n")
    (home / "bin/wa").chmod(0o755)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_bare_home_is_told(tmp_path: Path, shell: str) -> None:
    """In every shell that hosts have."""
    found = look(tmp_path, shell=shell)

    assert found.home == tmp_path
    assert found.config == tmp_path / ".config/wa"
    assert (found.wa, found.wa_version, found.has_command, found.sidecar) == (None, None, False, None)
    assert {found.token.state, found.settings.state, found.unit.state} == {"absent"}


def test_files_come_byte_for_byte_with_their_mode(tmp_path: Path) -> None:
    """Whatever is in them; a link to nowhere and a folder are told as such."""
    config = tmp_path / ".config/wa"
    (config / "tokens").mkdir(parents=True)
    data = bytes(range(256)) + b"no last line break"
    (config / "distributed.toml").write_bytes(data)
    (config / "distributed.toml").chmod(0o640)
    (config / "tokens/coordinator").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".config/systemd/user/wa-coordinator.service").mkdir(parents=True)

    found = look(tmp_path)

    assert (found.settings.data, found.settings.mode) == (data, 0o640)
    assert found.token.state == "broken"
    assert found.unit.state == "unreadable"


def test_its_wa_is_asked_for_the_command(tmp_path: Path) -> None:
    """That very one: version, command, and the sidecar that runs."""
    install(
        tmp_path,
        'case "$*" in --version) echo wa 0.9.1;; "coordinator --help") exit 0;; '
        '*) echo \'{"ok":true,"data":{"live":true,"sidecar":{"running":true,"pid":77,"version":"0.9.0"}}}\';; esac',
    )

    found = look(tmp_path)

    assert (found.wa, found.wa_version, found.has_command) == (f"{tmp_path}/bin/wa", "0.9.1", True)
    assert found.sidecar is not None
    assert (found.sidecar.version, found.sidecar.pid) == ("0.9.0", 77)


def test_a_broken_wa_is_there_and_has_no_command(tmp_path: Path) -> None:
    """It has no version either."""
    install(tmp_path, "exit 3")

    found = look(tmp_path)

    assert (found.wa, found.wa_version, found.has_command) == (f"{tmp_path}/bin/wa", None, False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_who_has_the_port_is_told(tmp_path: Path, address: str) -> None:
    """With its process; every other listener is known by its port."""
    try:
        listener = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError:
        pytest.skip(f"no {address} here")
    with listener:
        port = listener.getsockname()[1]
        found = look(tmp_path, port)

    assert found.holder is not None
    assert (found.holder.port, found.holder.pid) == (port, os.getpid())
    assert port in found.listening
    assert not found.is_ours


def test_folders_of_their_own_are_kept(tmp_path: Path) -> None:
    """WA_HOME, or those of XDG."""
    assert look(tmp_path, WA_HOME=str(tmp_path / "w")).config == tmp_path / "w/config"
    found = look(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "c"), XDG_DATA_HOME="relative")
    assert found.config == tmp_path / "c/wa"
    assert found.env == {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_DATA_HOME": "relative"}


def test_the_coordinator_itself_is_no_stranger() -> None:
    """By the manager's word, or by its command line."""
    base = "home\t/h\nconfig\t/c\ndata\t/d\nlistens\t1ED2\t55\n"

    by_pid = parse_look(f"{base}holder\t12 python x\nmain_pid\t12\n", Role.COORDINATOR, 7890)
    by_name = parse_look(f"{base}holder\t12 /usr/bin/python3 /h/bin/wa coordinator \n", Role.COORDINATOR, 7890)
    stranger = parse_look(f"{base}holder\t12 nginx: wa coordinator-like\nmain_pid\t0\n", Role.COORDINATOR, 7890)
    hidden = parse_look(base, Role.COORDINATOR, 7890)

    assert (by_pid.holder, by_pid.is_ours) == (None, True)
    assert (by_name.holder, by_name.is_ours) == (None, True)
    assert str(stranger.holder) == "nginx: wa coordinator-like (pid 12)"
    assert str(hidden.holder) == "a program of another user"
    assert is_role("/usr/bin/python -m wa agent --x", Role.AGENT)
    assert not is_role("wa agents", Role.AGENT)


def test_macos_tells_by_lsof() -> None:
    """Ports with their programs."""
    found = parse_look(
        "home\t/h\nconfig\t/c\ndata\t/d\nsystem\tDarwin\nheld\t7890\t40\tnginx\nheld\t22\t1\tlaunchd\n",
        Role.COORDINATOR,
        7890,
    )

    assert str(found.holder) == "nginx (pid 40)"
    assert found.listening == {22, 7890}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["home", "config", "data", "file", "listens", "held", "holder", "sidecar", "main_pid", "odd"]
            ),
            st.lists(st.sampled_from(["/h", "held", "600", "9", "zz", "0A1B", "", "7890", "token"]), max_size=4),
        ),
        max_size=8,
    ).map(lambda rows: "".join(f"{key}\t{chr(9).join(cells)}\n" for key, cells in rows))
)
def test_no_answer_is_too_odd(text: str) -> None:
    """It is understood, or it is an error that names the host's side."""
    with contextlib.suppress(TerminalUnreachable):
        parse_look(text, Role.COORDINATOR, 7890)
