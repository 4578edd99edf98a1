"""An sshd of our own on loopback, with throw-away keys, and a remote host that is a folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

_WRAPPER = """#!/bin/sh
cd {home} || exit 1
unset WEZTERM_UNIX_SOCKET SSH_AUTH_SOCK
export HOME={home} XDG_RUNTIME_DIR={home}/run PATH={home}/bin:/usr/bin:/bin
[ -e greeting ] && cat greeting
exec {shell} -c "$SSH_ORIGINAL_COMMAND"
"""


class RemoteHost:
    """What the other side has: `bin` on its PATH, its mux at `run/wezterm/sock`; `greeting` is printed by its shell."""

    def __init__(self, folder: Path, port: int) -> None:
        self.home = folder / "remote"
        self.keys = folder / "keys"
        self.port = port
        (self.home / "bin").mkdir(parents=True)
        (self.home / "run" / "wezterm").mkdir(parents=True)
        self.use_shell("/bin/sh")

    @property
    def socket(self) -> Path:
        return self.home / "run" / "wezterm" / "sock"

    def use_shell(self, shell: str) -> None:
        wrapper = self.home / "wrapper"
        wrapper.write_text(_WRAPPER.format(home=self.home, shell=shell))
        wrapper.chmod(0o755)

    def install(self, script: str) -> None:
        command = self.home / "bin" / "wezterm"
        command.write_text(script)
        command.chmod(0o755)

    def client(self, *, known: bool = True, key: str = "id") -> tuple[str, ...]:
        """The ssh command of a user who has a key and has seen the host before, or not."""
        config = self.keys / f"config-{known}-{key}"
        known_hosts = self.keys / ("known_hosts" if known else "nobody")
        config.write_text(
            f"Host build-7\n HostName 127.0.0.1\n Port {self.port}\n IdentityFile {self.keys / key}\n"
            f" IdentitiesOnly yes\n UserKnownHostsFile {known_hosts}\n GlobalKnownHostsFile /dev/null\n"
            " StrictHostKeyChecking yes\n"
        )
        return ("ssh", "-F", str(config))


@contextmanager
def remote_host(folder: Path) -> Iterator[RemoteHost]:
    assert SSHD is not None
    keys = folder / "keys"
    keys.mkdir()
    for name in ("host", "id", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = RemoteHost(folder, port)
    host_key = (keys / "host.pub").read_text().split()[:2]
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    (keys / "authorized").write_text((keys / "id.pub").read_text())
    config = keys / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys / 'host'}\nAuthorizedKeysFile {keys / 'authorized'}\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin yes\nForceCommand {host.home / 'wrapper'}\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it where it drops privileges
    with (
        (folder / "sshd.log").open("wb") as log,
        subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log) as sshd,
    ):
        try:
            _wait_for(port)
            yield host
        finally:
            sshd.terminate()


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < give_up_at, "sshd did not come up"
            time.sleep(0.02)
        else:
            return
