from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.programs_on_tty import holding
from support.sidecar import eventually
from wa.sources import session_ties
from wa.sources.session_homes import Homes
from wa.sources.session_ties import Held, Left, Terminals, foreground, held_by, homes_of, live_of, process_of, running

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

ONE, TWO = "01a1fe15-8527-7e90-9a3f-5d50834a95af", "01a1fe15-9c03-7581-91ca-619d7bade28e"


def rollout(home: Path, session_id: str) -> Path:
    path = home / f".codex/sessions/2026/11/21/rollout-2026-11-21T12-29-45-{session_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_processes_in_front_of_a_terminal_are_found(tmp_path: Path) -> None:
    """With their folder, their start and their home, and nothing else of their environment."""
    before_ms = time.time_ns() // 1_000_000
    with holding("codex", home=tmp_path, cwd=tmp_path) as (tty, child):
        (process,) = foreground(tty)
    assert process.pid == child.pid
    assert process.cwd == str(tmp_path)
    assert process.env == {"HOME": str(tmp_path)}
    assert process.runs({"codex"})
    assert not process.runs({"claude"})
    assert homes_of(process, Homes(*[Path("/")] * 3)).codex == tmp_path / ".codex"
    assert process.started_ms is not None
    assert abs(process.started_ms - before_ms) < 2_000


def test_a_terminal_that_is_none_has_no_processes(tmp_path: Path) -> None:
    """Neither a name that is gone nor a file; nor a folder that is no /proc."""
    for tty in (None, "", "/dev/pts/99999", str(tmp_path), "\0"):
        assert foreground(tty) == []
    with holding("codex", home=tmp_path, cwd=tmp_path) as (tty, _):
        assert foreground(tty, tmp_path) == []


def test_a_terminal_that_is_known_costs_no_look_at_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its session's leader started is found below it, the agent of a wrapper too; who came on that terminal since, anew."""
    terminals, looks = Terminals(), list[Path]()
    everywhere = session_ties._pids
    monkeypatch.setattr(session_ties, "_pids", lambda proc: (looks.append(proc), everywhere(proc))[1])
    for _ in range(2):
        looks.clear()
        with holding("npx", home=tmp_path, cwd=tmp_path, starts="codex") as (tty, child):
            found = [terminals.foreground(tty) for _ in range(3)]
            assert len(looks) == 1
            assert all(processes == found[0] for processes in found)
            wrapper, agent = found[0]
            assert (wrapper.pid, wrapper.program, agent.program) == (child.pid, "npx", "codex")
            assert foreground(tty) == found[0]


def test_where_the_kernel_does_not_tell_of_children_all_processes_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is missed for that."""
    terminals = Terminals()
    monkeypatch.setattr(Terminals, "_is_told_of_children", lambda self, pid: False)
    with holding("npx", home=tmp_path, cwd=tmp_path, starts="codex") as (tty, _):
        for _ in range(2):
            assert [process.program for process in terminals.foreground(tty)] == ["npx", "codex"]


def test_what_a_process_writes_is_its_session(tmp_path: Path) -> None:
    """A rollout open for writing ties; one that is only read, and one of which only the lock stands, tell what they can."""
    one, two = rollout(tmp_path, ONE), rollout(tmp_path, TWO)
    lock = tmp_path / ".codex/thread-writer-locks" / f"{TWO}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with holding("codex", [("a", one), ("r", two)], home=tmp_path, cwd=tmp_path) as (tty, _):
        assert held_by(foreground(tty)) == [Held(ONE, one)]
    with holding("codex", [("r+", lock)], home=tmp_path, cwd=tmp_path) as (tty, _):
        assert held_by(foreground(tty)) == [Held(TWO, None)]
    with holding("codex", [("a", two), ("r+", lock)], home=tmp_path, cwd=tmp_path) as (tty, _):
        assert held_by(foreground(tty)) == [Held(TWO, two)]


def test_a_replaced_or_deleted_file_is_not_the_one_that_is_held(tmp_path: Path) -> None:
    """The name alone does not count."""
    path = rollout(tmp_path, ONE)
    with holding("codex", [("a", path)], home=tmp_path, cwd=tmp_path) as (tty, _):
        path.unlink()
        assert held_by(foreground(tty)) == []


def test_a_claude_that_runs_says_its_session(tmp_path: Path) -> None:
    """sessions/<pid>.json counts for the process with that pid and that start, for no other."""
    homes = Homes.from_env({"HOME": str(tmp_path)})
    with holding("claude", home=tmp_path, cwd=tmp_path) as (_, child):
        process = process_of(child.pid)
        assert process is not None
        assert live_of(process, homes) is None
        path = homes.claude / "sessions" / f"{child.pid}.json"
        path.parent.mkdir(parents=True)
        written = {"pid": child.pid, "procStart": process.start_ticks, "sessionId": ONE, "status": "busy"}
        path.write_text(json.dumps(written))
        live = live_of(process, homes)
        assert live is not None
        assert (live.session_id, live.status) == (ONE, "busy")
        for other in ({"procStart": "17"}, {"pid": 1}, {"procStart": None}, {"sessionId": "x"}):
            path.write_text(json.dumps({**written, **other}))
            assert live_of(process, homes) is None
        path.write_text(json.dumps(written)[:-5])
        assert live_of(process, homes) is None


def test_a_process_that_outlived_its_terminal_is_found_by_its_session_or_its_folder(tmp_path: Path) -> None:
    """Codex by what it holds open, Gemini CLI by its folder; none of them in a terminal that is watched."""
    homes = Homes(*[tmp_path / name for name in "abc"])
    with (
        holding("codex", [("a", rollout(tmp_path, ONE))], home=tmp_path, cwd=tmp_path) as (tty, codex),
        holding("gemini", home=tmp_path, cwd=tmp_path) as (other, gemini),
    ):

        def found(agent: str, session_id: str, folder: Path = tmp_path, *ttys: str) -> list[int]:
            found = running(agent, str(folder), session_id, ttys, homes)
            assert all(one.has_terminal for one in found)
            return [one.pid for one in found]

        assert found("codex", ONE) == found("codex", ONE, Path("/")) == [codex.pid]
        assert found("codex", ONE, tmp_path, tty) == found("codex", TWO) == []
        assert found("gemini", TWO) == found("gemini", TWO, tmp_path, tty) == [gemini.pid]
        assert found("gemini", TWO, tmp_path, other) == found("gemini", TWO, Path("/")) == []
        assert found("claude_code", ONE) == []


def test_claude_code_says_itself_which_session_it_runs(tmp_path: Path) -> None:
    """By its own file; without one, by its folder."""
    homes = Homes.from_env({"HOME": str(tmp_path)})
    with holding("claude", home=tmp_path, cwd=tmp_path) as (_, child):
        process = process_of(child.pid)
        assert process is not None
        assert [one.pid for one in running("claude_code", str(tmp_path), TWO, [], homes)] == [child.pid]
        path = tmp_path / ".claude/sessions" / f"{child.pid}.json"
        path.parent.mkdir(parents=True)
        said = {"pid": child.pid, "procStart": process.start_ticks, "sessionId": ONE, "status": "idle"}
        path.write_text(json.dumps(said))
        assert running("claude_code", str(tmp_path), TWO, [], homes) == []
        assert [one.pid for one in running("claude_code", "/", ONE, [], homes)] == [child.pid]


def test_a_process_whose_terminal_has_closed_is_told_from_one_that_has_one(tmp_path: Path) -> None:
    """As one that a multiplexer left behind."""
    argv, cwd = ["gemini", "-c", "import sys; sys.stdin.read()"], str(tmp_path)
    with subprocess.Popen(
        argv, executable=sys.executable, stdin=subprocess.PIPE, cwd=cwd, start_new_session=True
    ) as child:
        homes = Homes(*[tmp_path] * 3)
        eventually(lambda: running("gemini", cwd, ONE, [], homes) == [Left(child.pid, False)])
        child.kill()
