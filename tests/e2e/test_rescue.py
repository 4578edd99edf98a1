"""Real programs in panes of real multiplexers, got out of them alive by `wa rescue`."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.rescue_stage import MISSING, PAINTER, SCRIPT, SERVER, TALKER, Stage, stage, start_of, until
from support.sidecar import Home

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reptyr and /proc are Linux's"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)}"),
]
real = pytest.mark.skipif(SERVER is None, reason="no wezterm-mux-server on PATH")
UNTRACED = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
"""Root may trace whatever ptrace_scope says, unless this right is taken away."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wa-r-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(params=[pytest.param("wezterm", marks=[real, pytest.mark.wezterm]), "embedded"])
def mux(folder: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(folder, embedded=request.param == "embedded") as built:
        yield built


def of_tty(result: dict[str, object], tty: str) -> dict[str, object]:
    return next(pane for pane in result["panes"] if pane["tty"] == tty)  # type: ignore[attr-defined, no-any-return]


def last_tick(text: str) -> int:
    return max((int(number) for number in re.findall(r"tick (\d+)", text)), default=0)


def test_a_program_outlives_its_multiplexer(mux: Stage) -> None:
    """It runs on in tmux through kill -9 of the server, prints on, and takes what is typed there."""
    talker = mux.spawn(sys.executable, "-c", TALKER)
    tty, born = mux.tty_of(talker), start_of(talker)

    result = mux.wa("--move", tty, "--server", str(mux.pid), "--yes")

    pane = of_tty(result, tty)
    assert (pane["outcome"], pane["alive"], pane["shows"]) == ("moved", True, "seen")
    assert str(pane["held_by"]).startswith("reptyr ")
    mux.kill_mux()
    seen = last_tick(until(lambda: mux.screen(str(pane["window"]))))
    until(lambda: last_tick(mux.screen(str(pane["window"]))) > seen + 3)
    mux.tmux("send-keys", "-t", str(pane["window"]), "good morning", "Enter")
    until(lambda: "heard good morning" in mux.screen(str(pane["window"])))
    assert start_of(talker) == born


def test_a_shell_moves_with_the_agent_it_runs(mux: Stage) -> None:
    """The whole session moves: the shell, its child that draws a TUI, and the way back to the prompt."""
    program = mux.home / "painter.py"
    program.write_text(PAINTER)
    shell = mux.spawn("/bin/bash", "-c", f"{sys.executable} {program}; echo back in the shell; exec cat")
    agent = until(lambda: [int(pid) for pid in Path(f"/proc/{shell}/task/{shell}/children").read_text().split()])[0]
    until(program.with_name(f"painter.py.{agent}").exists)
    tty = mux.tty_of(agent)
    born = start_of(shell), start_of(agent)

    result = mux.wa("--move", tty, "--server", str(mux.pid), "--yes")

    pane = of_tty(result, tty)
    assert pane["outcome"] == "moved"
    assert pane["processes"] == [shell, agent]
    mux.kill_mux()
    window = str(pane["window"])
    mux.tmux("send-keys", "-t", window, "go on")
    until(lambda: "> go on" in mux.screen(window) and "─ agent ─" in mux.screen(window))
    assert (start_of(shell), start_of(agent)) == born
    os.kill(agent, signal.SIGKILL)
    until(lambda: "back in the shell" in mux.screen(window))


def test_several_panes_move_one_after_the_other(mux: Stage) -> None:
    """All of a server's panes, each into a window of its own; the report afterwards is the same table."""
    program = mux.home / "painter.py"
    program.write_text(PAINTER)
    leaders = [mux.spawn(sys.executable, str(program)) for _ in range(6)]
    until(lambda: all(program.with_name(f"painter.py.{leader}").exists() for leader in leaders))

    result = mux.wa("--move", "all", "--server", str(mux.pid), "--yes")

    moved = [pane for pane in result["panes"] if pane["leader"] in leaders]
    assert [pane["outcome"] for pane in moved] == ["moved"] * 6
    assert len({pane["window"] for pane in moved}) == 6
    assert mux.wa("--report")["panes"] == result["panes"]
    assert all(start_of(leader) is not None for leader in leaders)


def test_settings_of_tmux_that_end_what_nobody_watches_are_put_aside(mux: Stage) -> None:
    """A session without a client lives on though tmux.conf says otherwise: its end would be the program's."""
    (mux.home / ".tmux.conf").write_text(
        "set -g destroy-unattached on\nset -s exit-unattached on\nset -g base-index 7\n"
    )
    talker = mux.spawn(sys.executable, "-c", TALKER)
    tty = mux.tty_of(talker)

    pane = of_tty(mux.wa("--move", tty, "--server", str(mux.pid), "--yes"), tty)

    assert (pane["outcome"], pane["place"]) == ("moved", "wa-rescue:7")
    seen = last_tick(mux.screen(str(pane["window"])))
    until(lambda: last_tick(mux.screen(str(pane["window"]))) > seen + 3)


def test_a_dry_run_moves_nothing(mux: Stage) -> None:
    """It says what would be done, step by step, and starts neither tmux nor reptyr."""
    talker = mux.spawn(sys.executable, "-c", TALKER)
    tty = mux.tty_of(talker)

    result = mux.wa("--move", tty, "--server", str(mux.pid), "--dry-run")

    assert result["state"] == "planned"
    assert any(f"reptyr -T {talker}" in step for step in result["steps"])
    assert mux.tmux("list-sessions") == ""
    assert mux.wa("--report", status=3)["code"] == "not_found"


def test_a_diagnosis_names_server_panes_and_programs(mux: Stage) -> None:
    """Its pid, its socket, that it answers, and what runs in each pane with its folder."""
    talker = mux.spawn(sys.executable, "-c", TALKER)

    result = mux.wa("--server", str(mux.pid))

    server = next(one for one in result["servers"] if one["pid"] == mux.pid)
    assert server["sockets"] == [str(mux.socket)]
    assert (server["owns_socket"], server["answers"]) == (True, True)
    assert server["answer_ms"] < 1000
    assert server["codec"] >= 42
    pane = of_tty(result, mux.tty_of(talker))
    assert pane["leader"] == talker
    assert pane["cwd"] == str(mux.home)
    assert pane["pane_id"] is not None
    assert pane["hindrance"] is None


def test_a_pane_keeps_the_name_under_which_wa_stored_its_history(mux: Stage) -> None:
    """Told in the diagnosis, taken by --move, and still beside the window in the report when server and sidecar are dead."""
    home = Home(mux.home / "wa")
    talker = mux.spawn(sys.executable, "-c", TALKER)
    with home.sidecar("--socket", f"far={mux.socket}"):
        until(lambda: any(last_tick("\n".join(home.screen(uid))) for uid in home.panes()))
        uid = next(uid for uid in home.panes() if last_tick("\n".join(home.screen(uid))))
    assert of_tty(mux.wa("--server", str(mux.pid)), mux.tty_of(talker))["pane_uid"] == uid

    moved = mux.wa("--move", uid, "--server", str(mux.pid), "--yes")
    mux.kill_mux()

    assert [pane["pane_uid"] for pane in moved["panes"]] == [uid]
    pane = of_tty(mux.wa("--report"), mux.tty_of(talker))
    assert (pane["pane_uid"], pane["outcome"]) == (uid, "moved")
    assert pane["window"] == moved["panes"][0]["window"]


def test_a_stopped_server_is_found_and_the_way_out_is_named(mux: Stage) -> None:
    """It does not answer, its state is told, and the fix is `kill -CONT`."""
    os.kill(mux.pid, signal.SIGSTOP)
    try:
        result = mux.wa("--server", str(mux.pid))
    finally:
        os.kill(mux.pid, signal.SIGCONT)

    applies = {one["symptom"]: one for one in result["symptoms"] if one["applies"]}
    assert any(f"{mux.pid}" in seen for seen in applies["It is stopped"]["seen"])
    assert "kill -CONT" in applies["It is stopped"]["fix"]
    assert "It does not answer within a second" in applies


def test_the_restart_waits_for_every_pane(mux: Stage) -> None:
    """It is refused while a pane is left, takes those that are given up by name, and the new server answers."""
    talker = mux.spawn(sys.executable, "-c", TALKER)
    other = mux.spawn("/bin/cat")
    server = "--server", str(mux.pid)
    mux.wa("--move", mux.tty_of(talker), *server, "--yes")
    left = [pane["tty"] for pane in mux.wa(*server)["panes"] if pane["processes"]]

    refused = mux.wa("--restart", *server, "--yes", status=5)

    assert set(refused["details"]["panes"]) == set(left)
    assert mux.mux.poll() is None
    lose = [word for tty in left for word in ("--lose", tty)]
    result = mux.wa("--restart", *server, *lose, "--yes")
    mux.mux.wait(10)
    assert result["restarted"]
    assert start_of(other) is None
    assert start_of(talker) is not None
    fresh = mux.wa()
    assert [one["answers"] for one in fresh["servers"] if one["sockets"] == [str(mux.socket)]] == [True]


def test_move_and_restart_in_one_go(mux: Stage) -> None:
    """Every pane first, then the server: the old one is gone, the new one answers, and all that was in it lives."""
    leaders = [mux.spawn(sys.executable, "-c", TALKER) for _ in range(2)]
    born = [start_of(leader) for leader in leaders]

    result = mux.wa("--move", "all", "--restart", "--server", str(mux.pid), "--yes")

    mux.mux.wait(10)
    assert (result["state"], result["restarted"]) == ("moved", True)
    assert [start_of(leader) for leader in leaders] == born
    for leader in leaders:
        window = str(of_tty(result, mux.tty_of(leader))["window"])
        seen = last_tick(mux.screen(window))
        until(lambda window=window, seen=seen: last_tick(mux.screen(window)) > seen)


def test_a_pane_that_wa_runs_in_stays(mux: Stage) -> None:
    """Moved from inside a pane: all others move, its own is left and named, and it goes on printing there."""
    talker = mux.spawn(sys.executable, "-c", TALKER)
    out = mux.home / "out"
    command = f"{sys.executable} -m wa rescue --move all --server {mux.pid} --yes --json >{out}.new; mv {out}.new {out}; exec cat"
    inside = mux.spawn("/bin/sh", "-c", command)
    until(out.exists, within_s=60)

    result = json.loads(out.read_text())["data"]

    assert of_tty(result, mux.tty_of(talker))["outcome"] == "moved"
    assert mux.tty_of(inside) not in {pane["tty"] for pane in result["panes"]}
    assert any("that wa runs in stays" in note for note in result["notes"])
    assert mux.mux.poll() is None


SPINNER = """
import os, pty, socket, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print(pid, flush=True)
while True:
    pass
"""


def test_a_server_that_spins_is_let_go_again(folder: Path) -> None:
    """One that makes no system call cannot be taken hold of: the pane stays, and neither it nor the server is harmed."""
    with stage(folder, embedded=True) as mux:
        argv = [sys.executable, "-c", SPINNER, str(mux.socket.with_name("gui-sock-1")), TALKER]
        spinner = subprocess.Popen(argv, env=mux.env, stdout=subprocess.PIPE, text=True)
        mux.children.append(spinner)
        assert spinner.stdout is not None
        leader = int(spinner.stdout.readline())
        until(lambda: mux.tty_of(leader).startswith("pts/"))
        tty = mux.tty_of(leader)

        result = mux.wa("--move", tty, "--server", str(spinner.pid), "--yes", status=1)

        pane = of_tty(result, tty)
        assert (pane["outcome"], pane["alive"]) == ("stayed", True)
        assert "busy with itself" in str(pane["why"])
        assert "TracerPid:\t0\n" in Path(f"/proc/{spinner.pid}/status").read_text()
        assert spinner.poll() is None


@pytest.fixture
def guarded(folder: Path) -> Iterator[tuple[Stage, Path]]:
    """A machine with ptrace_scope 1 where it matters, its file injected; the real multiplexer where there is one."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: ptrace_scope would not matter to it")
    scope = folder / "ptrace_scope"
    scope.write_text("1\n")
    prefix = UNTRACED if os.getuid() == 0 else ()
    with stage(folder, embedded=SERVER is None, prefix=prefix) as built:
        built.env["WA_PTRACE_SCOPE"] = str(scope)
        yield built, scope


def test_ptrace_scope_is_lowered_for_the_move_and_put_back(guarded: tuple[Stage, Path]) -> None:
    """The journal says what it was before it is touched; afterwards it is what it was."""
    mux, scope = guarded
    talker = mux.spawn(sys.executable, "-c", TALKER)

    result = mux.wa("--move", mux.tty_of(talker), "--server", str(mux.pid), "--yes")

    assert of_tty(result, mux.tty_of(talker))["outcome"] == "moved"
    assert scope.read_text() == "1\n"
    journal = next((mux.home / "wa" / "data" / "rescue").iterdir())
    assert (journal / "scope").read_text() == f"{scope}\n1\n"
    assert (journal / "lowered").exists()


SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_works_in_every_sh(guarded: tuple[Stage, Path], shell: str) -> None:
    """What /bin/sh is differs from host to host: Debian's, Fedora's, Alpine's."""
    mux, scope = guarded
    words = SHELLS[shell]
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here")
    talker = mux.spawn(sys.executable, "-c", TALKER)
    number = mux.tty_of(talker).removeprefix("pts/")
    env = {**mux.env, "WA_RESCUE_DATA": str(mux.home / "rescue")}

    def script(*arguments: str) -> list[list[str]]:
        argv = [*mux.prefix, *words, "-s", "--", *arguments]
        done = subprocess.run(argv, env=env, input=SCRIPT.read_bytes(), capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return [line.split("\t")[1:] for line in done.stdout.decode().splitlines()]

    facts = script("facts", "2")
    assert any(line[:2] == ["server", str(mux.pid)] for line in facts)
    assert any(line[:3] == ["process", number, str(talker)] for line in facts)
    moved = script("move", "r1", "wa-rescue", f"{number}:{talker}:{start_of(talker)}")
    assert any(line[:3] == ["outcome", number, "moved"] for line in moved), moved
    assert scope.read_text() == "1\n"
    assert (mux.home / "rescue" / "r1" / "lowered").exists()
    mux.kill_mux()
    assert start_of(talker) is not None


def test_rights_are_had_by_sudo_where_it_asks_nothing(folder: Path) -> None:
    """The value is lowered and put back through `sudo -n`; without it the plan names the command for a person."""
    prefix = ()
    if os.getuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root without setpriv may write everything")
        prefix = ("setpriv", "--bounding-set=-sys_ptrace,-dac_override", "--inh-caps=-sys_ptrace,-dac_override")
    scope, sudo = folder / "ptrace_scope", folder / "bin" / "sudo"
    scope.write_text("1\n")
    scope.chmod(0o444)
    sudo.parent.mkdir()
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    sudo.chmod(0o755)
    with stage(folder, embedded=SERVER is None, prefix=prefix) as mux:
        mux.env |= {"WA_PTRACE_SCOPE": str(scope), "PATH": f"{sudo.parent}:{mux.env['PATH']}"}
        talker = mux.spawn(sys.executable, "-c", TALKER)
        words = "--move", mux.tty_of(talker), "--server", str(mux.pid), "--yes"

        refused = mux.wa(*words, status=5)

        assert "sudo sysctl kernel.yama.ptrace_scope=0" in refused["next_step"]
        assert mux.tmux("list-sessions") == ""
        sudo.write_text(
            f'#!/bin/sh\n[ "$1" = -n ] || exit 1\nshift\necho "$*" >>{folder}/sudo.log\n'
            f'[ "$1" = true ] || chmod 644 {scope}\nexec "$@"\n'
        )
        result = mux.wa(*words)
        assert any("by sudo" in step for step in result["steps"])
        assert of_tty(result, mux.tty_of(talker))["outcome"] == "moved"
        assert scope.read_text() == "1\n"
        assert "setsid sh -c" in (folder / "sudo.log").read_text()


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "before anything": lambda journal: (journal / "wanted").exists(),
    "journal written": lambda journal: (journal / "scope").exists(),
    "scope lowered": lambda journal: (journal / "lowered").exists(),
    "reptyr begun": lambda journal: "began" in _text(journal / "moves"),
    "first pane moved": lambda journal: "ended" in _text(journal / "moves"),
    "second pane begun": lambda journal: _text(journal / "moves").count("began") == 2,
}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


CUTS = [
    *((moment, "wa and its script") for moment in MOMENTS),
    *(("second pane begun", victims) for victims in ("wa", "Ctrl-C", "SIGHUP")),
    *((moment, "everything") for moment in ("scope lowered", "reptyr begun")),
    *(pytest.param(moment, "wa", marks=pytest.mark.slow) for moment in list(MOMENTS)[:-1]),
    *(pytest.param("scope lowered", victims, marks=pytest.mark.slow) for victims in ("Ctrl-C", "SIGHUP")),
]


@pytest.mark.parametrize(("moment", "victims"), CUTS)
def test_a_rescue_that_is_cut_off_leaves_nothing_behind(guarded: tuple[Stage, Path], moment: str, victims: str) -> None:
    """ptrace_scope is what it was with nobody coming back, every process lives, and the next run says where each one is."""
    mux, scope = guarded
    leaders = [mux.spawn(sys.executable, "-c", TALKER) for _ in range(3)]
    born = [start_of(leader) for leader in leaders]
    ttys = [mux.tty_of(leader) for leader in leaders]
    journals = mux.home / "wa" / "data" / "rescue"

    wa = mux.start("--move", *ttys, "--server", str(mux.pid), "--yes")
    until(lambda: wa.poll() is not None or (journals.exists() and any(map(MOMENTS[moment], journals.iterdir()))))
    script = [int(pid) for pid in _text(Path(f"/proc/{wa.pid}/task/{wa.pid}/children")).split()]
    if victims in ("wa", "wa and its script", "everything"):
        if victims == "everything":
            guard = int(_text(next(journals.glob("*/guard.pid"))))
            os.kill(guard, signal.SIGKILL)
        wa.kill()
        for pid in script if victims != "wa" else []:
            os.kill(pid, signal.SIGKILL)
    else:
        wa.send_signal(signal.SIGINT if victims == "Ctrl-C" else signal.SIGHUP)
    wa.wait(60)

    if victims == "everything":
        # With the watchdog dead too it is the next run that puts the value back, before it does anything else.
        assert scope.read_text() == "0\n"
        mux.wa("--report")
        assert scope.read_text() == "1\n"
    until(lambda: scope.read_text() == "1\n", why="ptrace_scope was left open")
    assert [start_of(leader) for leader in leaders] == born
    # A pane whose turn had begun is finished, or left where it was; both within the script's own time.
    until(lambda: mux.wa("--report")["state"] != "running", within_s=40)
    result = mux.wa("--report")
    for tty, leader in zip(ttys, leaders, strict=True):
        pane = of_tty(result, tty)
        assert pane["leader"] == leader
        assert pane["alive"]
        assert pane["outcome"] in ("moved", "stayed"), pane
        assert str(pane["held_by"]).split()[1:] == [str(mux.pid)] or str(pane["held_by"]).startswith("reptyr ")
    assert scope.read_text() == "1\n"
    assert mux.wa("--server", str(mux.pid))["servers"][0]["answers"]


def test_what_a_killed_watchdog_left_is_put_back_by_the_next_run(guarded: tuple[Stage, Path]) -> None:
    """With nobody left alive the journal speaks: the next `wa rescue`, of whatever kind, restores first and says so."""
    mux, scope = guarded
    journal = mux.home / "wa" / "data" / "rescue" / "20260101-000000-1"
    journal.mkdir(parents=True)
    (journal / "wanted").write_text("999:999999:1\n")
    (journal / "session").write_text("wa-rescue\n")
    (journal / "scope").write_text(f"{scope}\n1\n")
    (journal / "lowered").touch()
    scope.write_text("0\n")

    result = mux.wa("--server", str(mux.pid))

    assert scope.read_text() == "1\n"
    assert any("was cut off" in note and "1 again" in note for note in result["notes"])
    report = mux.wa("--report")
    assert [(pane["tty"], pane["alive"], pane["outcome"]) for pane in report["panes"]] == [("pts/999", False, "lost")]


def test_another_value_written_meanwhile_is_left_alone(guarded: tuple[Stage, Path]) -> None:
    """A machine that was started again, or an administrator who set it, is not overruled."""
    mux, scope = guarded
    journal = mux.home / "wa" / "data" / "rescue" / "20260101-000000-1"
    journal.mkdir(parents=True)
    (journal / "wanted").write_text("")
    (journal / "scope").write_text(f"{scope}\n1\n")
    scope.write_text("2\n")

    mux.wa("--server", str(mux.pid))

    assert scope.read_text() == "2\n"


def test_a_scope_that_forbids_everything_is_said_before_anything_is_done(guarded: tuple[Stage, Path]) -> None:
    """3 cannot be changed before the next boot."""
    mux, scope = guarded
    scope.write_text("3\n")
    talker = mux.spawn(sys.executable, "-c", TALKER)

    refused = mux.wa("--move", mux.tty_of(talker), "--server", str(mux.pid), "--yes", status=5)

    assert "boot" in json.dumps(refused)
    assert scope.read_text() == "3\n"
    assert mux.tmux("list-sessions") == ""
