"""Hosts on loopback: an sshd each, with a home, programs and a runtime folder of their own.

Where PID 1 is no systemd there is no live user manager: `systemctl` and `loginctl` are then stood in for by programs
that keep their state in a folder and start what a unit says, in the words that systemd would read.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from support.mux_programs import install_mux

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
TESTS = Path(__file__).parents[1]

_SHELL = """#!/bin/sh
cd {home} || exit 1
unset SSH_AUTH_SOCK WEZTERM_UNIX_SOCKET WEZTERM_PANE PYTHONPATH WA_HOME
export HOME={home} XDG_RUNTIME_DIR={run} PATH={bin}:/usr/bin:/bin SHELL=/bin/bash
[ ! -e {folder}/noise ] || cat {folder}/noise
[ ! -e {folder}/hangs ] || sleep 60
exec {shell} -c "$SSH_ORIGINAL_COMMAND"
"""

_SYSTEMCTL = """#!{python}
import os, subprocess, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.unit_words import setting, words
assert sys.argv[1] == "--user"
verb, rest = sys.argv[2], [w for w in sys.argv[3:] if not w.startswith("--")]
state, home = Path({state!r}), Path(os.environ["HOME"])
with (state / "calls").open("a") as log:
    print(*sys.argv[2:], file=log)
def alive(unit):
    try:
        os.kill(int((state / ("pid-" + unit)).read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
unit = rest[0] if rest else ""
file = home / ".config/systemd/user" / unit
if verb == "show":
    print("Version=252" if not unit else (state / ("result-" + unit)).read_text())
elif verb == "is-enabled":
    on = (state / ("enabled-" + unit)).exists()
    print("enabled" if on else "disabled")
    sys.exit(0 if on else 1)
elif verb == "is-active":
    print("active" if alive(unit) else "inactive")
    sys.exit(0 if alive(unit) else 3)
elif verb == "enable":
    assert file.exists(), unit
    (state / ("enabled-" + unit)).touch()
elif verb == "disable":
    (state / ("enabled-" + unit)).unlink(missing_ok=True)
elif verb == "stop":
    if alive(unit):
        os.kill(int((state / ("pid-" + unit)).read_text()), 15)
        while alive(unit):
            time.sleep(0.02)
elif verb in ("start", "try-restart"):
    if alive(unit):
        sys.exit(0)
    text = file.read_bytes()
    env = dict(os.environ)
    for one in setting(text, "Environment"):
        for word in words(one):
            name, _, value = word.partition("=")
            env[name] = value
    for one in setting(text, "ExecCondition"):
        if subprocess.run(words(one, is_command=True), env=env).returncode:
            (state / ("result-" + unit)).write_text("Result=exec-condition")
            sys.exit(0)
    argv = words(setting(text, "ExecStart")[0], is_command=True)
    with (state / ("log-" + unit)).open("wb") as log:
        # A child of nobody here, or it would stay as a corpse that looks alive.
        starter = "import subprocess,sys; p=subprocess.Popen(sys.argv[2:],start_new_session=True); open(sys.argv[1],'w').write(str(p.pid))"
        pid = str(state / ("pid-" + unit))
        subprocess.run([sys.executable, "-c", starter, pid, *argv], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    (state / ("result-" + unit)).write_text("Result=success")
"""

_LOGINCTL = """#!/bin/sh
state={state}
case $1 in
    enable-linger)
        if [ -e "$state/no-linger" ]; then echo "Could not enable linger: Access denied" >&2; exit 1; fi
        : >"$state/linger-$2" ;;
    disable-linger) rm -f "$state/linger-$2" ;;
    show-user) [ -e "$state/linger-$2" ] && said=yes || said=no
        case "$*" in *--value*) echo $said ;; *) echo "Linger=$said" ;; esac ;;
esac
"""


class Host:
    def __init__(self, name: str, folder: Path, port: int) -> None:
        self.name = name
        self.folder = folder
        self.port = port
        self.home, self.bin, self.run, self.state = (folder / one for one in ("home", "bin", "run", "manager"))
        for one in (self.home, self.bin, self.run, self.state):
            one.mkdir(parents=True)
            one.chmod(0o700)

    @property
    def socket(self) -> Path:
        return self.run / "wezterm" / "sock"

    def have_wezterm(self) -> None:
        install_mux(self.bin)

    def have_manager(self) -> None:
        for name, script in (("systemctl", _SYSTEMCTL), ("loginctl", _LOGINCTL)):
            text = script.format(python=sys.executable, tests=str(TESTS), state=str(self.state))
            self.put(name, text)

    def put(self, name: str, script: str) -> None:
        # In the place of a link to a real program, never through it.
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def env(self) -> dict[str, str]:
        return {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.run), "PATH": f"{self.bin}:/usr/bin:/bin"}

    def list_panes(self) -> subprocess.CompletedProcess[bytes]:
        argv = ["wezterm", "cli", "--no-auto-start", "--prefer-mux", "list"]
        return subprocess.run(argv, env=self.env(), capture_output=True, timeout=30)

    def calls(self) -> list[str]:
        path = self.state / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def end_programs(self) -> None:
        """What was started on it, by the ids that its manager and its server wrote down."""
        pids = [*self.state.glob("pid-*"), self.run / "wezterm" / "pid"]
        for path in pids:
            with suppress(OSError, ValueError):
                os.kill(int(path.read_text()), signal.SIGKILL)


class Hosts:
    """`ssh NAME` reaches each where `path` is the PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.config = root / "ssh_config"
        self.known = root / "known_hosts"
        self.known.touch()
        self.config.write_text(
            f"Host *\n IdentityFile {root / 'id'}\n IdentitiesOnly yes\n UserKnownHostsFile {self.known}\n"
            " GlobalKnownHostsFile /dev/null\n StrictHostKeyChecking yes\n LogLevel INFO\n"
        )
        for name in ("id", "stranger", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", root / name], check=True)
        ssh = self.bin / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.config} "$@"\n')
        ssh.chmod(0o755)
        self.all: dict[str, Host] = {}

    @property
    def path(self) -> str:
        return f"{self.bin}:{os.environ['PATH']}"

    def name(self, name: str, port: int, more: str = "") -> None:
        text = self.config.read_text()
        self.config.write_text(f"Host {name}\n HostName 127.0.0.1\n Port {port}\n{more}\n{text}")

    def know(self, port: int, key: Path) -> None:
        with self.known.open("a") as known:
            print(f"[127.0.0.1]:{port}", *key.read_text().split()[:2], file=known)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ssh_hosts() -> Iterator[tuple[Hosts, Callable[..., Host]]]:
    """The hosts, and what adds one: `add(name, shell=…, size=…, known=…)`. *size*: of a home on a disk of its own, root's to make."""
    with (
        tempfile.TemporaryDirectory(prefix="wa-h-", dir="/tmp", ignore_cleanup_errors=True) as name,
        ExitStack() as stack,
    ):
        hosts = Hosts(Path(name))

        def add(
            name: str, *, shell: str = "/bin/sh", size: str | None = None, known: str = "yes", key: str = "id"
        ) -> Host:
            return stack.enter_context(_host(hosts, name, shell, size, known, key))

        yield hosts, add


@contextmanager
def _host(hosts: Hosts, name: str, shell: str, size: str | None, known: str, key: str) -> Iterator[Host]:
    assert SSHD is not None
    host = Host(name, hosts.root / name, free_port())
    hosts.all[name] = host
    folder = host.folder
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    if known != "no":
        hosts.know(host.port, hosts.root / "other.pub" if known == "changed" else folder / "key.pub")
    hosts.name(name, host.port)
    wrapper = folder / "shell"
    values = {"home": host.home, "run": host.run, "bin": host.bin, "folder": folder, "shell": shell}
    wrapper.write_text(_SHELL.format(**values))
    wrapper.chmod(0o755)
    (folder / "authorized").write_text((hosts.root / f"{key}.pub").read_text())
    config = folder / "sshd_config"
    config.write_text(
        f"Port {host.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'key'}\nAuthorizedKeysFile {folder / 'authorized'}\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin yes\nForceCommand {wrapper}\nMaxStartups 50\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    argv = [SSHD, "-D", "-e", "-f", str(config)]
    if size is not None:
        mount = f"mount -t tmpfs -o size={size},mode=700 tmpfs {host.home} && exec {' '.join(argv)}"
        argv = ["unshare", "-m", "sh", "-c", mount]
    with (folder / "sshd.log").open("wb") as log, subprocess.Popen(argv, stderr=log) as sshd:
        try:
            _wait_for(host.port, sshd)
            yield host
        finally:
            host.end_programs()
            sshd.terminate()


def _wait_for(port: int, sshd: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert sshd.poll() is None, "sshd ended"
            assert time.monotonic() < end, "sshd did not come up"
            time.sleep(0.02)
        else:
            return
