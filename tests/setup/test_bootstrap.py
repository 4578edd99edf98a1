"""setup/bootstrap.sh itself, in each POSIX shell that is here, in a throw-away home."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wa.provision.blocks import put_block
from wa.provision.journal import folder_files
from wa.provision.plan import Change, EnableUnit, FileChange, Plan, RunCommand

SCRIPT = Path(__file__).parents[2] / "setup" / "bootstrap.sh"
ID = "20261121-120000-0a1b"
SHELLS = [
    [found, *words]
    for name, *words in (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["zsh", "--emulate", "sh"])
    if (found := shutil.which(name)) is not None
]
_SYSTEMCTL = """#!/bin/sh
# A user manager that keeps its state in a folder.
shift
state="$HOME/manager"
case $1 in
    show) [ "$2" = --property=Version ] && echo Version=252 || echo Result=success ;;
    daemon-reload) : ;;
    is-enabled) [ -e "$state/enabled-$2" ] && echo enabled || { echo disabled; exit 1; } ;;
    is-active) [ -e "$state/active-$2" ] && echo active || { echo inactive; exit 3; } ;;
    enable) : >"$state/enabled-$2" ;;
    disable) rm -f "$state/enabled-$2" ;;
    start) [ ! -e "$state/refuses" ] || { echo "Job for $2 failed." >&2; exit 1; }; : >"$state/active-$2" ;;
    stop) rm -f "$state/active-$2" ;;
esac
"""


class Host:
    def __init__(self, folder: Path, shell: list[str]) -> None:
        self.home = folder / "ho  m'e"
        (self.home / "manager").mkdir(parents=True)
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "systemctl").write_text(_SYSTEMCTL)
        (self.bin / "systemctl").chmod(0o755)
        self.shell = shell
        self.tools = "/usr/bin:/bin"
        if shell[0].endswith("/busybox"):
            # With busybox's own tools, as on Alpine.
            self.tools = str(folder / "tools")
            Path(self.tools).mkdir()
            for name in subprocess.check_output([shell[0], "--list"], text=True).split():
                (folder / "tools" / name).symlink_to(shell[0])
        self.data = self.home / ".local/share/wa"

    @property
    def env(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": f"{self.bin}:{self.tools}"}

    def call(self, *words: str, stdin: bytes = b"") -> tuple[int, list[str]]:
        done = subprocess.run(
            [*self.shell, str(SCRIPT), *words], input=stdin, env=self.env, capture_output=True, timeout=60
        )
        lines = done.stdout.decode().splitlines()
        assert lines[0] == "<wa-begin>", done.stderr.decode()
        assert lines[-1] == "<wa-end>", done.stderr.decode()
        return done.returncode, lines[1:-1]

    def apply(self, *changes: Change) -> tuple[int, list[str]]:
        return self.call("apply", ID, stdin=packed(*changes))

    def held(self) -> dict[str, object]:
        """Every file: content, mode, times; every folder; every link."""
        found: dict[str, object] = {}
        for path in sorted(self.home.rglob("*")):
            name = path.relative_to(self.home).as_posix()
            if name.startswith("manager"):
                continue
            if path.is_symlink():
                found[name] = str(path.readlink())
            elif path.is_dir():
                found[name] = oct(path.stat().st_mode)
            else:
                known = path.stat()
                found[name] = (oct(known.st_mode), known.st_mtime_ns, known.st_atime_ns)
        for name, known in list(found.items()):
            if isinstance(known, tuple):
                found[name] = (*known, (self.home / name).read_bytes())
                os.utime(self.home / name, ns=(known[2], known[1]))
        return found


def packed(*changes: Change) -> bytes:
    files = folder_files(Plan("setup remote", changes, machine="box"), ID, "2026-11-21T12:00:00Z") | {"complete": b""}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{ID}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(params=SHELLS, ids=[Path(shell[0]).name for shell in SHELLS])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(tmp_path, request.param)


def file(host: Host, name: str, before: bytes | None, after: bytes | None, **fields: object) -> FileChange:
    return FileChange(PurePosixPath(host.home / name), before, after, f"the file {name}", **fields)  # type: ignore[arg-type]


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    """As POSIX sh."""
    done = subprocess.run(["shellcheck", "-s", "sh", str(SCRIPT)], capture_output=True, text=True)

    assert done.stdout == ""


def test_a_look_changes_nothing_and_tells(host: Host) -> None:
    """Facts between its marks, a file's content as base64; a bare home stays bare."""
    put(host.home / ".wezterm.lua", b"return {}\n")
    before = host.held()

    status, lines = host.call("look", "~/.wezterm.lua", "~/nothing here")

    assert status == 0
    assert f"home\t{host.home}" in lines
    assert "file\t~/.wezterm.lua\theld\t644\tcmV0dXJuIHt9Cg==" in lines
    assert "file\t~/nothing here\tabsent" in lines
    assert "manager\tsystemd" in lines
    after = host.held()
    if host.shell[0].endswith("/busybox"):
        # Its dd cannot read a file without touching the time of reading.
        before, after = ({name: (one[0], one[1], one[3]) for name, one in held.items()} for held in (before, after))  # type: ignore[index]
    assert after == before


def test_applied_and_undone_to_the_byte(host: Host) -> None:
    """A file changed through a link, one made in new folders, one removed, a program, a unit: all goes back, modes and times too."""
    put(host.home / "dotfiles/bashrc", b"mine \xff no last break", 0o600)
    (host.home / ".bashrc").symlink_to("dotfiles/bashrc")
    put(host.home / "old", b"was here", 0o640)
    before = host.held()
    mark = host.home / "mark"
    changes = (
        file(host, ".bashrc", b"mine \xff no last break", b"mine and wa's\n"),
        file(host, "a b\\c\t/new/it's.conf", None, b"made\n", mode=0o600),
        file(host, "old", b"was here", None),
        RunCommand(("touch", str(mark)), "a mark", holds=("test", "-e", str(mark)), undo=("rm", str(mark))),
        file(host, ".config/systemd/user/x.service", None, b"[Unit]\n"),
        EnableUnit("x.service", PurePosixPath(host.home / ".config/systemd/user/x.service"), "x"),
    )

    status, lines = host.apply(*changes)

    assert (status, lines) == (0, [*(f"{n} done " for n in range(1, 7)), "state finished"])
    assert (host.home / ".bashrc").is_symlink()
    assert (host.home / "dotfiles/bashrc").read_bytes() == b"mine and wa's\n"
    assert (host.home / "dotfiles/bashrc").stat().st_mode & 0o777 == 0o600
    assert (host.home / "a b\\c\t/new/it's.conf").stat().st_mode & 0o777 == 0o600
    assert not (host.home / "old").exists()
    assert mark.exists()
    assert (host.home / "manager/active-x.service").exists()
    assert host.apply(*changes)[1] == ["state finished"], "a finished plan stays as it is"
    status, lines = host.call("undo", ID)
    assert (status, lines[-1]) == (0, "state undone")
    assert host.held() == before
    assert list((host.home / "manager").iterdir()) == []


def test_a_failure_takes_back_what_was_done(host: Host) -> None:
    """The last change fails: its reason is told, the others are undone, nothing is left."""
    put(host.home / "rc", b"mine\n")
    before = host.held()

    status, lines = host.apply(
        file(host, "rc", b"mine\n", b"theirs\n"),
        file(host, "deep/er/file", None, b"x"),
        RunCommand(("sh", "-c", "echo no such luck >&2; exit 3"), "it fails"),
    )

    assert status == 1
    assert lines == ["1 done ", "2 done ", "3 failed no such luck", "2 undone ", "1 undone ", "state undone"]
    assert host.held() == before


def test_what_may_fail_is_told_and_the_rest_goes_on(host: Host) -> None:
    """Lingering refused, for one."""
    status, lines = host.apply(
        RunCommand(("sh", "-c", "echo Access denied >&2; exit 1"), "linger", holds=("false",), may_fail=True),
        file(host, "new", None, b"x"),
    )

    assert (status, lines) == (0, ["1 failed Access denied", "2 done ", "state finished"])


def test_a_file_that_changed_meanwhile_is_left_alone(host: Host) -> None:
    """Neither what the plan saw nor what it wants: a conflict, and the rest is taken back."""
    put(host.home / "rc", b"somebody else's\n")
    before = host.held()

    status, lines = host.apply(file(host, "one", None, b"1"), file(host, "rc", b"mine\n", b"theirs\n"))

    assert status == 5
    assert lines[1].startswith("2 conflict ")
    assert host.held() == before


def test_what_was_edited_since_keeps_the_edit(host: Host) -> None:
    """Undo takes wa's block out of a file that has one and leaves another file as it is, with what it was beside it."""
    put(host.home / "rc", b"mine\n")
    put(host.home / "whole", b"a\n")
    with_block = put_block("mine\n", "shell", "wa's line").encode()
    host.apply(file(host, "rc", b"mine\n", with_block, block="shell"), file(host, "whole", b"a\n", b"b\n"))
    (host.home / "rc").write_bytes(b"first\n" + with_block + b"later\n")
    (host.home / "whole").write_bytes(b"c\n")

    status, lines = host.call("undo", ID)

    assert status == 5
    assert lines[0].startswith("2 conflict ")
    assert lines[1:] == ["1 undone ", "state undoing"]
    assert (host.home / "rc").read_bytes() == b"first\nmine\nlater\n"
    assert (host.home / "whole").read_bytes() == b"c\n"
    assert (host.data / "setup" / ID / "before.2").read_bytes() == b"a\n"
    (host.home / "whole").write_bytes(b"b\n")
    assert host.call("undo", ID) == (0, ["2 undone ", "state undone"])


def test_a_read_only_file_is_not_written(host: Host) -> None:
    """Its mode says so, even to root."""
    put(host.home / "rc", b"mine\n", 0o444)
    before = host.held()

    status, lines = host.apply(file(host, "rc", b"mine\n", b"theirs\n"))

    assert (status, "read-only" in lines[0]) == (1, True)
    assert host.held() == before


def test_a_unit_that_does_not_start_is_taken_back(host: Host) -> None:
    """Enabled and not running is no end: the unit is disabled, its file goes."""
    (host.home / "manager/refuses").touch()
    unit = ".config/systemd/user/x.service"

    status, lines = host.apply(
        file(host, unit, None, b"[Unit]\n"), EnableUnit("x.service", PurePosixPath(host.home / unit), "x")
    )

    assert status == 1
    assert "does not start" in lines[1]
    assert not (host.home / ".config").exists()
    assert [path.name for path in (host.home / "manager").iterdir()] == ["refuses"]


def test_an_interrupted_copy_leaves_nothing(host: Host) -> None:
    """The archive ends half-way: told, and no folder is left."""
    whole = packed(file(host, "new", None, b"x" * 5000))

    for size in (0, 700, 3000, len(whole) - 6000):
        status, lines = host.call("apply", ID, stdin=whole[:size])

        assert (status, lines[0].startswith("trouble the plan did not arrive whole")) == (1, True)
        assert not (host.home / ".local").exists()


@pytest.mark.parametrize("way", ["apply", "undo"])
def test_a_killed_plan_is_told_and_goes_on_or_back(host: Host, way: str) -> None:
    """kill -9 in the middle: `resume` tells; applying again finishes it, undoing leaves everything as it was."""
    put(host.home / "rc", b"mine\n")
    before = host.held()
    gate = host.home / "manager" / "gate"
    changes = (
        file(host, "rc", b"mine\n", b"theirs\n"),
        RunCommand(
            ("sh", "-c", 'touch "$1.in"; while [ ! -e "$1" ]; do sleep 0.05; done', "sh", str(gate)), "it waits"
        ),
        file(host, "new/er", None, b"x"),
    )
    process = subprocess.Popen(
        [*host.shell, str(SCRIPT), "apply", ID],
        env=host.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(packed(*changes))
    process.stdin.close()
    end = time.monotonic() + 20
    while not Path(f"{gate}.in").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.wait()
    gate.touch()

    assert host.call("resume") == (0, [f"{ID} begun"])
    if way == "apply":
        assert host.call("apply", ID)[1] == ["1 done ", "2 done ", "3 done ", "state finished"]
        assert (host.home / "new/er").read_bytes() == b"x"
    status, lines = host.call("undo", ID)
    assert (status, lines[-1]) == (0, "state undone")
    assert host.held() == before


def test_two_at_once_do_not_meet(host: Host) -> None:
    """While one process works, another is told so; a lock of a process that is no more holds nobody up."""
    lock = host.data / "setup" / ".lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(str(os.getpid()))

    assert "another wa is at work" in host.apply(file(host, "new", None, b"x"))[1][0]

    (lock / "pid").write_text("999999999")
    assert host.apply(file(host, "new", None, b"x"))[0] == 0


def test_folders_go_with_the_last_plan(host: Host) -> None:
    """Also where the first plan, which made them, was taken back before the second."""
    other = "20261121-130000-0a1c"
    host.apply(file(host, "one", None, b"1"))
    host.call("apply", other, stdin=_renamed(packed(file(host, "two", None, b"2")), other))

    assert host.call("undo", ID)[0] == 0
    assert host.call("undo", other)[0] == 0

    assert host.held() == {}


def _renamed(archive: bytes, name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for entry in old:
            content = old.extractfile(entry)
            entry.name = entry.name.replace(ID, name)
            new.addfile(entry, content)
    return out.getvalue()


def test_what_is_no_plan_is_refused(host: Host) -> None:
    """A name with a path in it is not followed."""
    assert host.call("undo", "../../x")[0] == 3
    assert host.call("undo", ID)[0] == 3


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.binary(max_size=400), st.none() | st.binary(max_size=400)), min_size=1, max_size=4))
def test_any_bytes_go_there_and_back(tmp_path_factory: pytest.TempPathFactory, pairs: list) -> None:
    """Whatever files hold, they are written as told and come back as they were."""
    host = Host(tmp_path_factory.mktemp("host"), SHELLS[0])
    for at, (before, _) in enumerate(pairs):
        put(host.home / f"f{at}", before)
    held = host.held()

    status, lines = host.apply(*(file(host, f"f{at}", *pair) for at, pair in enumerate(pairs)))

    assert (status, lines[-1]) == (0, "state finished")
    for at, (_, after) in enumerate(pairs):
        path = host.home / f"f{at}"
        assert (path.read_bytes() if path.exists() else None) == after
    assert host.call("undo", ID)[1][-1] == "state undone"
    assert host.held() == held


_PYTHON = """#!/bin/sh
# Makes an environment as `python -m venv` does; its programs do nothing.
for word; do place=$word; done
mkdir -p "$place/bin"
printf '#!/bin/sh\\n[ ! -e "$HOME/manager/broken" ]\\n' >"$place/bin/python"
printf '#!/bin/sh\\n' >"$place/bin/wa"
chmod +x "$place/bin/python" "$place/bin/wa"
"""


def test_an_upgrade_of_wa_keeps_the_way_back(host: Host) -> None:
    """Each digest has an environment of its own; the one before stays, older ones go; one that fails leaves the link as it was."""
    python = host.bin / "python-there"
    python.write_text(_PYTHON)
    python.chmod(0o755)
    (host.data / "setup" / ID).mkdir(parents=True)

    def call(*words: str) -> int:
        return subprocess.run(
            [*host.shell, str(SCRIPT), *words], env=host.env, capture_output=True, timeout=60
        ).returncode

    def environments() -> list[str]:
        return sorted(path.name for path in host.data.glob("venv*"))

    for digest in ("aaa", "bbb", "ccc"):
        assert call("install", str(python), digest, ID) == 0
    assert (host.data / "venv").readlink() == Path("venv-ccc")
    assert environments() == ["venv", "venv-bbb", "venv-ccc"]

    (host.home / "manager/broken").touch()
    assert call("install", str(python), "ddd", ID) != 0
    assert environments() == ["venv", "venv-bbb", "venv-ccc"]
    (host.home / "manager/broken").unlink()

    assert call("uninstall", "ccc", ID) == 0
    assert (host.data / "venv").readlink() == Path("venv-bbb")
    assert environments() == ["venv", "venv-bbb"]


def test_an_environment_of_the_users_is_not_touched(host: Host) -> None:
    """A real folder where the link would stand."""
    (host.data / "venv").mkdir(parents=True)

    done = subprocess.run(
        [*host.shell, str(SCRIPT), "install", "python3", "aaa", ID], env=host.env, capture_output=True, timeout=60
    )

    assert done.returncode != 0
    assert b"move it away" in done.stderr
