"""Hosts on loopback, an sshd each, set up and taken back: tests/support/ssh_hosts.py says what stands in for systemd."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from support.mux_programs import IS_REAL
from support.ssh_hosts import SSHD, Host, Hosts, free_port, ssh_hosts
from support.unit_words import setting, words
from wa.api import plans
from wa.api.setup_remote import RemoteSetup, RemoteWish, undo_there
from wa.config.paths import Paths
from wa.model.host import FoundHost
from wa.protocol.results_setup import HostResult, HostsResult
from wa.provision import remote_hosts
from wa.provision.remote_hosts import Here

pytestmark = [pytest.mark.ssh, pytest.mark.skipif(SSHD is None, reason="sshd is not installed")]

UNIT = ".config/systemd/user/wezterm-mux-server.service"
CAN_MOUNT = (
    os.getuid() == 0
    and shutil.which("unshare") is not None
    and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
)


class Stage:
    def __init__(self, hosts: Hosts, add: Callable[..., Host], home: Path) -> None:
        self.hosts, self.add = hosts, add
        self.home = home
        self.paths = Paths.from_env({"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "r")})

    def good(self, name: str = "good", **fields: object) -> Host:
        host = self.add(name, **fields)
        host.have_wezterm()
        host.have_manager()
        return host

    def run(
        self, *names: str, make: bool = True, between: Callable[[], None] | None = None, **wish: object
    ) -> HostsResult:
        found = [FoundHost(name, name, ("given",)) for name in names]
        wish = {"with_wa": False, "look_s": 60.0, "apply_s": 120.0} | wish

        async def scene() -> HostsResult:
            setup = RemoteSetup(self.paths, found, RemoteWish(**wish))  # type: ignore[arg-type]
            try:
                result = await setup.look(lambda host: None)
                if between is not None:
                    between()
                return await setup.make(lambda host: None) if make and setup.is_to_do else result
            finally:
                await setup.leave()

        return asyncio.run(scene())

    def one(self, name: str, **wish: object) -> HostResult:
        return self.run(name, **wish)["hosts"][0]  # type: ignore[arg-type]

    def undo(self, result: HostResult) -> str:
        assert result["plan"] is not None
        plan_id = result["plan"]["id"]

        async def there(host: str, plan_id: str) -> plans.PlanResult:
            return await undo_there(self.paths, host, plan_id)

        undone = asyncio.run(plans.undo(self.paths, plan_id, on_host=there))
        return undone["plans"][0]["state"]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    with ssh_hosts() as (hosts, add):
        home = hosts.root / "me"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("PATH", hosts.path)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        for name in ("WA_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "WA_WEZTERM"):
            monkeypatch.delenv(name, raising=False)
        yield Stage(hosts, add, home)


def held(host: Host) -> dict[str, object]:
    """Every file below its home: content, mode, time; every folder."""
    found: dict[str, object] = {}
    for path in sorted(host.home.rglob("*")):
        name = path.relative_to(host.home).as_posix()
        if name.startswith(".cache"):
            continue  # a real server makes it
        known = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[name] = (oct(known.st_mode), known.st_mtime_ns if path.is_file() else None, content)
    return found


def states(result: HostResult) -> list[str]:
    assert result["plan"] is not None
    return [one["state"] for one in result["plan"]["changes"]]


def test_a_bare_host_gets_the_canonical_layout_and_gives_it_back(stage: Stage) -> None:
    """Unit, lingering, login shells, a live server; the second run changes nothing; undo leaves every byte, and the server."""
    host = stage.good()
    (host.home / ".bashrc").write_text("# mine\n")
    before = held(host)

    result = stage.one("good")

    assert (result["trouble"], result["server"], result["unit"], result["lingering"]) == (None, "unit", "active", True)
    assert states(result) == ["done"] * 4
    assert host.list_panes().returncode == 0
    assert "default_prog" in (host.home / ".wezterm.lua").read_text()
    log = (host.state / f"log-{Path(UNIT).name}").read_text()
    assert not {"ERROR", "WARN", "panicked"} & set(log.split())
    calls = len(host.calls())
    after = held(host)

    again = stage.one("good")
    assert states(again) == ["holds"] * 4
    assert held(host) == after
    assert not {"enable", "start", "disable"} & {call.split()[0] for call in host.calls()[calls:]}

    assert stage.undo(result) == "undone"
    assert held(host) == before
    assert host.list_panes().returncode == 0, "a server with panes is never stopped"
    assert not list(host.state.glob("enabled-*")) + list(host.state.glob("linger-*"))
    assert plans.history(stage.paths)["plans"] == []


def test_each_host_ends_as_its_own_trouble_says(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good host, and one for each way to fail, side by side: none stops another; each has its words, in time."""
    monkeypatch.setattr("wa.wezterm.ssh.CONNECT_TIMEOUT_S", 3)
    good = stage.good()
    stage.good("noisy")
    (stage.hosts.root / "noisy" / "noise").write_text("Welcome to noisy!\nHave fun\n")
    stage.good("unknown", known="no")
    stage.good("changed", known="changed")
    stage.good("locked", key="stranger")
    stage.good("slow")
    (stage.hosts.root / "slow" / "hangs").touch()
    bare = stage.add("bare")
    bare.have_manager()
    stage.hosts.name("refusing", free_port())
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        stage.hosts.name("silent", silent.getsockname()[1])
        names = ["good", "noisy", "unknown", "changed", "locked", "slow", "bare", "refusing", "silent", "no such host"]
        started = time.monotonic()

        result = stage.run(*names, look_s=8.0)

        took = time.monotonic() - started
    by_name = {host["host"]: host for host in result["hosts"]}
    assert list(by_name) == names
    expected = {
        "good": (None, None),
        "noisy": ("Welcome to noisy!", "start-up files"),
        "unknown": ("host key is unknown", "check the key"),
        "changed": ("host key has changed", "Stop"),
        "locked": ("does not let you in", "BatchMode"),
        "slow": ("no answer within 8 s", "hangs"),
        "bare": ("wezterm is not installed", "apt" if Path("/etc/debian_version").exists() else "nstall"),
        "refusing": ("Connection refused", "See that it is on"),
        "silent": ("timed out", "See that it is on"),
        "no such host": ("is not a host", "Give a name"),
    }
    for name, (trouble, step) in expected.items():
        host = by_name[name]
        assert (trouble is None) == (host["trouble"] is None), name
        assert trouble is None or trouble in host["trouble"], (name, host["trouble"])
        assert step is None or step in host["next_step"], (name, host["next_step"])
    assert by_name["good"]["unit"] == by_name["noisy"]["unit"] == "active"
    assert good.list_panes().returncode == 0
    assert held(bare) == {}
    assert took < 75, took


def test_a_server_that_runs_is_adopted(stage: Stage) -> None:
    """Started by hand, with panes: the unit is written and enabled, not started; the server is the same one afterwards."""
    host = stage.good()
    subprocess.run(["wezterm-mux-server", "--daemonize"], env=host.env(), check=True, timeout=30)
    _until(lambda: host.list_panes().returncode == 0)
    sock = host.socket.stat()

    result = stage.one("good")

    assert (result["trouble"], result["server"], result["unit"]) == (None, "adopted", "enabled")
    assert not [call for call in host.calls() if call.startswith("start")]
    assert (host.socket.stat().st_ino, host.socket.stat().st_mtime_ns) == (sock.st_ino, sock.st_mtime_ns)
    assert any("goes on till its end" in note for note in result["plan"]["notes"])  # type: ignore[index]
    assert states(stage.one("good")) == ["holds"] * 4


def test_a_unit_that_starts_beside_a_server_starts_none(stage: Stage) -> None:
    """A server that came up between look and start keeps its socket: the unit's own condition sees to it."""
    host = stage.good()

    def meanwhile() -> None:
        subprocess.run(["wezterm-mux-server", "--daemonize"], env=host.env(), check=True, timeout=30)
        _until(lambda: host.list_panes().returncode == 0)

    result = stage.one("good", between=meanwhile)

    assert result["trouble"] is None
    assert result["server"] == "adopted"
    assert (host.state / f"result-{Path(UNIT).name}").read_text() == "Result=exec-condition"


def test_the_guides_unit_that_cannot_start_is_replaced(stage: Stage) -> None:
    """Enabled, and ended at each start: the canonical one takes its place and runs; undo brings the old one back."""
    host = stage.good()
    unit = host.home / UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/wezterm-mux-server --daemonize=false\nRestart=on-failure\n")
    (host.state / f"enabled-{unit.name}").touch()
    before = held(host)

    result = stage.one("good")

    assert (result["trouble"], result["server"], result["unit"]) == (None, "unit", "active")
    assert "--daemonize" not in setting(unit.read_bytes(), "ExecStart")[0]
    assert stage.undo(result) == "undone"
    assert held(host) == before
    assert (host.state / f"enabled-{unit.name}").exists()


def test_a_server_that_hangs_is_left_alone(stage: Stage) -> None:
    """It accepts and says nothing: nothing is started in its place, and the table says so."""
    host = stage.good()
    host.socket.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(host.socket))
        hanging.listen()

        result = stage.one("good", look_s=40.0)

        assert (result["server"], result["unit"]) == ("hangs", "enabled")
        assert any("hangs" in note for note in result["plan"]["notes"])  # type: ignore[index]


def test_without_a_live_manager_the_server_runs_in_the_background(stage: Stage) -> None:
    """A container: the unit is written and told as not enabled, the server daemonizes, and a second run starts no other."""
    host = stage.add("box")
    host.have_wezterm()
    host.put("systemctl", '#!/bin/sh\necho "Failed to connect to bus: No medium found" >&2\nexit 1\n')
    host.put("loginctl", "#!/bin/sh\nexit 1\n")

    result = stage.one("box")

    assert (result["trouble"], result["server"], result["unit"]) == (None, "started", "disabled")
    assert (host.home / UNIT).exists()
    notes = " ".join(result["plan"]["notes"])  # type: ignore[index]
    assert "not enabled" in notes
    assert "does not survive a reboot" in notes
    assert host.list_panes().returncode == 0
    assert "done" not in states(stage.one("box"))


def test_lingering_that_is_refused_is_told(stage: Stage) -> None:
    """The rest holds; who may allow it is named."""
    host = stage.good()
    (host.state / "no-linger").touch()

    result = stage.one("good")

    assert "Access denied" in (result["trouble"] or "")
    assert "sudo loginctl enable-linger" in (result["next_step"] or "")
    assert (result["unit"], result["lingering"]) == ("active", False)
    assert states(result) == ["done", "done", "failed", "done"]


def test_a_codec_that_differs_stops_before_anything(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain would not attach: nothing is changed there, both numbers are named."""
    host = stage.good()
    host.put("wezterm", '#!/bin/sh\n[ "$1" = --version ] && echo "wezterm 20230712-072601-f4abf8fd"\n')

    async def here(paths: Paths) -> Here:
        return Here("20250415-111111-aaaaaaaa", 44)

    monkeypatch.setattr("wa.api.setup_remote.here_wezterm", here)

    result = stage.one("good")

    assert (result["codec"], result["codec_fits"]) == (42, False)
    assert "codec 42" in (result["trouble"] or "")
    assert "codec 44" in (result["trouble"] or "")
    assert held(host) == {}


def test_the_codec_of_a_nightly_is_asked_of_its_server(stage: Stage) -> None:
    """Where the version does not tell, the server that runs there does, through ssh."""
    host = stage.good()
    subprocess.run(["wezterm-mux-server", "--daemonize"], env=host.env(), check=True, timeout=30)
    _until(lambda: host.list_panes().returncode == 0)
    real = (host.bin / "wezterm").resolve() if IS_REAL else host.bin / "wezterm-itself"
    (host.bin / "wezterm").rename(host.bin / "wezterm-itself")
    host.put("wezterm", f'#!/bin/sh\n[ "$1" = --version ] && echo "wezterm 20240520-1-abc" && exit\nexec {real} "$@"\n')

    assert stage.one("good", make=False)["codec"] in (42, 44)


def test_a_wezterm_lua_of_the_users_keeps_every_byte(stage: Stage) -> None:
    """A block before its return; one that sets default_prog itself is left alone."""
    host = stage.good()
    theirs = "local c = {}\r\nc.color_scheme = 'x' -- mine\r\nreturn c"
    (host.home / ".wezterm.lua").write_bytes(theirs.encode())
    before = held(host)

    result = stage.one("good")

    text = (host.home / ".wezterm.lua").read_bytes().decode()
    assert 'c.default_prog = {"/bin/bash", "-l"}' in text
    assert text.replace(text[text.index("-- wa login-shell") : text.index("return c")], "") == theirs
    assert stage.undo(result) == "undone"
    assert held(host) == before
    (host.home / ".wezterm.lua").write_text("return { default_prog = { '/bin/zsh' } }")
    assert [one["path"] for one in (stage.one("good")["plan"] or {})["changes"] if one["path"]] == [  # type: ignore[index]
        str(host.home / UNIT),
        str(host.home / UNIT),
    ]


@pytest.mark.skipif(not CAN_MOUNT, reason="no mounts of one's own here")
def test_a_full_disk_is_told_and_nothing_is_left(stage: Stage) -> None:
    """No room for the journal, or for the last file: all is taken back, and the next step is to make room."""
    host = stage.good("full", size="80k")

    result = stage.one("full")

    assert any(words in (result["trouble"] or "") for words in ("taken back", "nothing was changed there"))
    assert "room" in (result["next_step"] or "")
    assert result["unit"] == "absent"
    there = subprocess.run(
        ["ssh", "full", "find ~ | wc -l"], env=os.environ, capture_output=True, text=True, timeout=30
    )
    assert there.stdout.strip() == "1", there.stdout
    assert not list(host.state.glob("enabled-*"))


@pytest.mark.skipif(not CAN_MOUNT, reason="no mounts of one's own here")
def test_wa_is_not_begun_where_it_has_no_room(stage: Stage) -> None:
    """What needs no room is done all the same."""
    stage.good("small", size="20m")

    result = stage.one("small", with_wa=True)

    assert "MB" in (result["trouble"] or "")
    assert "Make room" in (result["next_step"] or "")
    assert (result["unit"], result["wa"]) == ("active", None)


@pytest.mark.skipif(not CAN_MOUNT, reason="no mounts of one's own here")
@pytest.mark.parametrize("size", ["120k", "12m", "30m", "75m"])
def test_a_disk_that_fills_up_on_the_way_is_as_it_was(stage: Stage, size: str) -> None:
    """While the archive comes, while the environment is made, while the wheels are unpacked: not a file of it is left."""
    host = stage.good("full", size=size)
    host.put("df", "#!/bin/sh\necho head\necho /dev/x 99999999 1 99999999 1% /\n")

    result = stage.one("full", with_wa=True, apply_s=300.0)

    assert result["trouble"] is not None
    assert "room" in (result["next_step"] or ""), result["trouble"]
    there = subprocess.run(["ssh", "full", "find ~"], env=os.environ, capture_output=True, text=True, timeout=30)
    left = [name for name in there.stdout.split() if "/.cache" not in name]
    assert left == [str(host.home)]
    assert not list(host.state.glob("enabled-*"))
    assert plans.history(stage.paths)["plans"] == []


def test_a_host_without_python_gets_the_rest(stage: Stage) -> None:
    """The package is named; the server is set up."""
    host = stage.good()
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 16))):
        host.put(name, "#!/bin/sh\nexit 1\n")

    result = stage.one("good", with_wa=True)

    assert "no Python 3.11" in (result["trouble"] or "")
    assert "nstall" in (result["next_step"] or "")
    assert (result["unit"], result["python"], result["wa"]) == ("active", None, None)


def test_wa_runs_on_the_host_from_the_wheels_that_were_sent(stage: Stage) -> None:
    """Installed without a network, its sidecar serves; a second run holds; undo takes all but the user's data."""
    host = stage.good()
    (host.folder / "shell").write_text(
        (host.folder / "shell")
        .read_text()
        .replace("exec ", "export http_proxy=http://127.0.0.1:9 PIP_INDEX_URL=x\nexec ", 1)
    )

    result = stage.one("good", with_wa=True, apply_s=300.0)

    assert (result["trouble"], result["wa"], result["sidecar"]) == (None, "0.1.0", "active")
    said = subprocess.run([host.home / ".local/bin/wa", "status"], env=host.env(), capture_output=True, timeout=60)
    assert said.returncode == 0, said.stderr
    unit = (host.home / ".config/systemd/user/wa.service").read_bytes()
    assert words(setting(unit, "ExecStart")[0]) == [str(host.home / ".local/share/wa/venv/bin/wa"), "watch"]
    assert set(states(stage.one("good", with_wa=True))) == {"holds"}

    # A sidecar that somebody began by hand, of no unit.
    by_hand = [host.home / ".local/bin/wa"]
    subprocess.run([*by_hand, "stop"], env=host.env(), check=True, capture_output=True, timeout=60)
    subprocess.run([*by_hand, "watch", "--detach"], env=host.env(), check=True, capture_output=True, timeout=60)
    asked = subprocess.run([*by_hand, "status", "--json"], env=host.env(), check=True, capture_output=True, timeout=60)
    pid = json.loads(asked.stdout)["data"]["sidecar"]["pid"]

    assert stage.undo(result) == "undone"
    # Dead, though perhaps not yet fetched by whoever is process 1 here.
    assert subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout[:1] in (
        b"",
        b"Z",
    )
    left = {path.relative_to(host.home).as_posix() for path in host.home.rglob("*") if path.is_file()}
    assert {name.rsplit("/", 1)[0] for name in left} <= {".local/share/wa", ".local/state/wa", ".config/wa"}
    assert not (host.home / ".local/share/wa/venv").is_symlink()


def test_a_plan_killed_half_way_is_taken_back_by_the_next_run(stage: Stage) -> None:
    """kill -9 of the script on the host while it works: told, taken back, and made anew."""
    host = stage.good()
    (host.bin / "systemctl").rename(host.bin / "systemctl-itself")
    # The first `enable` waits until it is killed.
    host.put(
        "systemctl",
        f'#!/bin/sh\nif [ "$2" = enable ] && [ ! -e {host.folder}/waited ]; then touch {host.folder}/waited; sleep 600; fi\n'
        f'exec {host.bin}/systemctl-itself "$@"\n',
    )

    def kill() -> None:
        _until(lambda: (host.folder / "waited").exists())
        for folder in Path("/proc").iterdir():
            try:
                said = (folder / "cmdline").read_bytes()
                home = f"HOME={host.home}".encode() in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            # The script, and what it waits for.
            if home and (b"count=" in said or said.endswith(b"sleep\x00600\x00") or b"systemctl" in said):
                os.kill(int(folder.name), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = stage.one("good")
    killer.join()

    assert "lost in the middle" in (result["trouble"] or "")
    assert "Run it again" in (result["next_step"] or "")
    assert plans.history(stage.paths)["interrupted"] == 1
    again = stage.one("good", make=False)
    assert any("interrupted" in note for note in again["plan"]["notes"])  # type: ignore[index]
    final = stage.one("good")
    assert (final["trouble"], final["server"], final["unit"]) == (None, "unit", "active")
    assert plans.history(stage.paths)["interrupted"] == 0
    assert len(list((host.home / ".local/share/wa/setup").iterdir())) == 1


def test_a_lost_connection_leaves_the_host_to_its_end(stage: Stage) -> None:
    """The ssh here dies in the middle: the host goes on to the end; the next run finds it in order and says so in the history."""
    host = stage.good()
    (host.bin / "systemctl").rename(host.bin / "systemctl-itself")
    host.put(
        "systemctl",
        f'#!/bin/sh\nif [ "$2" = enable ]; then touch {host.folder}/waited; '
        f"while [ ! -e {host.folder}/go ]; do sleep 0.1; done; fi\n"
        f'exec {host.bin}/systemctl-itself "$@"\n',
    )

    def cut() -> None:
        _until(lambda: (host.folder / "waited").exists())
        for folder in Path("/proc").iterdir():
            try:
                said = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            # The client and its shared connection.
            if (said.startswith(b"ssh: ") and str(stage.paths.runtime).encode() in said) or (
                f"-F\0{stage.hosts.config}\0".encode() in said
            ):
                os.kill(int(folder.name), signal.SIGKILL)

    cutter = threading.Thread(target=cut)
    cutter.start()
    result = stage.one("good")
    cutter.join()
    assert result["trouble"] is not None
    assert plans.history(stage.paths)["interrupted"] == 1
    (host.folder / "go").touch()
    journal = next((host.home / ".local/share/wa/setup").glob("2*")) / "journal"
    _until(lambda: journal.read_text().endswith("finished\n"))

    again = stage.one("good")

    assert (again["trouble"], again["unit"]) == (None, "active")
    assert set(states(again)) == {"holds"}
    known = plans.history(stage.paths)
    assert (len(known["plans"]), known["interrupted"]) == (1, 0)
    assert stage.undo(again | {"plan": known["plans"][0]}) == "undone"
    assert not (host.home / UNIT).exists()


def test_an_edit_since_is_a_conflict_for_undo(stage: Stage) -> None:
    """The unit that the user changed stays, and so does the plan; the rest is taken back."""
    host = stage.good()
    result = stage.one("good")
    (host.home / UNIT).write_text("[Service]\n# mine now\n")

    assert stage.undo(result) == "undoing"
    assert (host.home / UNIT).read_text() == "[Service]\n# mine now\n"
    assert not (host.home / ".wezterm.lua").exists()


@pytest.mark.parametrize("shell", ["/bin/bash", "/usr/bin/zsh", "/usr/bin/fish", "/bin/csh"])
def test_whatever_the_users_shell(stage: Stage, shell: str) -> None:
    """The line that it reads means the same in each."""
    if not Path(shell).exists():
        pytest.skip(f"{shell} is not installed")
    stage.good(shell=shell)

    assert stage.one("good")["unit"] == "active"


def test_a_dry_run_changes_nothing(stage: Stage) -> None:
    """Neither there nor here."""
    host = stage.good()

    result = stage.one("good", make=False)

    assert states(result) == ["to_do"] * 4
    assert held(host) == {}
    assert plans.history(stage.paths)["plans"] == []


def _until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_eight_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than that many hosts are worked on together."""
    running, most = 0, 0

    async def look(prospect: object, given: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    hosts: Sequence[remote_hosts.Prospect] = [
        remote_hosts.Prospect(FoundHost(f"h{n}", f"h{n}", ("given",)), str(n)) for n in range(30)
    ]
    asyncio.run(remote_hosts.side_by_side(hosts, lambda one: look(one, None), lambda one: None))

    assert most == remote_hosts.AT_ONCE
