from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.programs_on_tty import holding
from support.session_files import brief, read, recorded
from wa.protocol.session_files import Record
from wa.sources.session_files import Candidate, SessionFiles, best
from wa.sources.session_homes import Homes, claude_slug

T = 1795262910000
"""When the agent was seen to start."""
ONE, TWO, THREE = (f"01a1fe0{n}-0ec0-7892-83ab-1e87b8d16840" for n in range(3))
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Home:
    """A home in which agents have had sessions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self.homes = Homes.from_env({"HOME": str(folder)})
        self.files = SessionFiles(self.homes)

    def codex(self, session_id: str, began_ms: int, *, cwd: Path | None = None, **meta: object) -> Path:
        payload = {"id": session_id, "timestamp": iso(began_ms), "cwd": str(cwd or self.work), "source": "cli", **meta}
        line = {"timestamp": iso(began_ms), "type": "session_meta", "payload": payload}
        day = self.homes.codex / "sessions/2026/11/21"
        return self._put(day / f"rollout-2026-11-21T12-08-30-{session_id}.jsonl", line, began_ms)

    def claude(self, session_id: str, began_ms: int, **fields: object) -> Path:
        common = {"sessionId": session_id, "cwd": str(self.work), "version": "2.1.12", "timestamp": iso(began_ms)}
        line = {"type": "user", **common, "message": {"content": "go"}, **fields}
        return self._put(
            self.homes.claude / "projects" / claude_slug(str(self.work)) / f"{session_id}.jsonl", line, began_ms
        )

    def gemini(self, session_id: str, began_ms: int, minute: str = "12-08") -> Path:
        line = {"sessionId": session_id, "projectHash": "x", "startTime": iso(began_ms), "messages": []}
        chats = self.homes.gemini / "tmp" / hashlib.sha256(str(self.work).encode()).hexdigest() / "chats"
        return self._put(chats / f"session-2026-11-21T{minute}-{session_id[:8]}.json", line, began_ms)

    def _put(self, path: Path, line: dict[str, Any], at_ms: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(line, separators=(",", ":")) + "\n")
        written(path, at_ms)
        return path

    def ask(self, agent: str, **how: Any) -> list[Candidate]:
        return asyncio.run(
            self.files.candidates(agent, how.pop("cwd", str(self.work)), how.pop("started_ms", T), **how)
        )


def written(path: Path, at_ms: int) -> None:
    os.utime(path, (at_ms / 1000, at_ms / 1000))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("agent", ["codex", "claude_code", "gemini"])
def test_a_session_is_found_by_folder_and_start(home: Home, agent: str) -> None:
    """Begun in the folder when the agent started: it is the one, whether the folder comes as a path or as a URL."""
    path = {"codex": home.codex, "claude_code": home.claude, "gemini": home.gemini}[agent](ONE, T + 700)
    for cwd in (str(home.work), home.work.as_uri(), f"{home.work}/"):
        found = best(home.ask(agent, cwd=cwd))
        assert found is not None
        assert (found.session_id, found.path, found.confidence) == (ONE, path, 0.9)
        assert found.why == "begun in this folder when the agent started"


def test_two_that_fit_are_no_answer(home: Home) -> None:
    """Two panes, one folder, started within the same seconds: nobody guesses."""
    home.codex(ONE, T + 300)
    home.codex(TWO, T + 900)
    found = home.ask("codex")
    assert {candidate.session_id for candidate in found} == {ONE, TWO}
    assert best(found) is None


def test_one_that_is_known_to_run_elsewhere_does_not_fit(home: Home) -> None:
    """What another pane is tied to is no rival."""
    home.codex(ONE, T + 300)
    home.codex(TWO, T + 900)
    found = best(home.ask("codex", taken=[TWO]))
    assert found is not None
    assert found.session_id == ONE


def test_an_id_that_the_pane_printed_decides(home: Home) -> None:
    """The agent's own word, at a compaction or in /status, even for a file last written before it started."""
    home.gemini(ONE, T + 300)
    home.gemini(TWO, T - 9_000_000)
    found = best(home.ask("gemini", printed=[TWO]))
    assert found is not None
    assert (found.session_id, found.confidence) == (TWO, 0.97)


def test_a_prompt_decides_between_two_of_a_folder(home: Home) -> None:
    """The turn that began when this pane took its prompt is in one of the two files."""
    home.claude(ONE, T + 60_000)
    home.claude(TWO, T + 90_000)
    assert best(home.ask("claude_code")) is None
    found = best(home.ask("claude_code", prompts_ms=[T + 89_900]))
    assert found is not None
    assert (found.session_id, found.why) == (TWO, "a turn began when the pane took its prompt")
    assert best(home.ask("claude_code", prompts_ms=[T + 75_000])) is None


def test_prompts_in_the_same_seconds_decide_nothing(home: Home) -> None:
    """Two panes that took prompts together stay two."""
    home.claude(ONE, T + 60_000)
    home.claude(TWO, T + 61_000)
    assert best(home.ask("claude_code", prompts_ms=[T + 60_500])) is None


def test_a_later_session_of_the_folder_makes_the_first_doubtful(home: Home) -> None:
    """The pane may have begun it with /new or /clear, or another terminal has: that is not known."""
    home.gemini(ONE, T + 3_000)
    home.gemini(TWO, T + 600_000)
    assert best(home.ask("gemini")) is None


def test_a_session_that_goes_on_is_found(home: Home) -> None:
    """Begun before the agent started, written since: continued, unless one that began with it fits better."""
    path = home.codex(ONE, T - 9_000_000)
    written(path, T + 5_000)
    found = best(home.ask("codex"))
    assert found is not None
    assert (found.session_id, found.confidence) == (ONE, 0.5)
    home.codex(TWO, T + 500)
    found = best(home.ask("codex"))
    assert found is not None
    assert found.session_id == TWO


def test_sessions_of_the_past_and_of_other_folders_do_not_fit(home: Home) -> None:
    """Neither what was last written before the start nor what ran elsewhere, nor a subagent's file."""
    home.codex(ONE, T - 600_000)
    home.codex(TWO, T + 500, cwd=home.folder)
    home.codex(THREE, T + 500, source={"subagent": "review"})
    assert home.ask("codex") == []


def test_two_folders_with_one_name_are_told_apart(home: Home) -> None:
    """Claude Code files /a/b-c and /a/b/c under the same name."""
    home.claude(ONE, T + 500, cwd=str(home.work).replace("/work", "-work"))
    assert home.ask("claude_code") == []


def test_a_session_without_a_screen_yields_to_one_with(home: Home) -> None:
    """`codex exec` and `claude -p` in the same folder are seldom what the pane shows."""
    home.codex(ONE, T + 500)
    home.codex(TWO, T + 600, source="exec")
    found = home.ask("codex")
    assert [(candidate.session_id, round(candidate.confidence, 2)) for candidate in found] == [(ONE, 0.9), (TWO, 0.6)]


def test_a_session_with_two_files_is_one(home: Home) -> None:
    """Gemini CLI continued writes on in the old file and begins another with the same id."""
    old, new = home.gemini(ONE, T - 90_000, "12-06"), home.gemini(ONE, T + 3_000, "12-09")
    written(new, T + 3_000)
    written(old, T + 9_000)
    (found,) = home.ask("gemini")
    assert (found.session_id, found.path, found.confidence) == (ONE, old, 0.9)


@pytest.mark.parametrize("skew_ms", [-4_000, 4_000])
def test_a_start_seen_early_or_late_is_still_the_start(home: Home, skew_ms: int) -> None:
    """Within the tolerance that the caller states; beyond it the session is only a continued one."""
    home.codex(ONE, T)
    found = home.ask("codex", started_ms=T + skew_ms, tolerance_ms=5_000)
    assert [candidate.confidence for candidate in found] == [0.9]
    written(home.codex(ONE, T), T + 100_000)
    found = home.ask("codex", started_ms=T + 10_000, tolerance_ms=5_000)
    assert [candidate.confidence for candidate in found] == [0.5]


def test_without_a_start_there_is_no_answer(home: Home) -> None:
    """The folder alone does not decide."""
    home.codex(ONE, T)
    found = home.ask("codex", started_ms=None)
    assert [candidate.why for candidate in found] == ["of this folder"]
    assert best(found) is None


def test_questions_that_have_no_answer(home: Home) -> None:
    """Another host's folder, no folder, an agent without session files, a home that is not there."""
    home.codex(ONE, T)
    assert home.ask("codex", cwd="file://elsewhere.example/work") == []
    assert home.ask("codex", cwd=None) == []
    assert home.ask("aider") == []
    nowhere = SessionFiles(Homes.from_env({"HOME": "/nowhere"}))
    assert asyncio.run(nowhere.candidates("codex", str(home.work), T)) == []


@linux
def test_the_process_that_holds_a_session_open_is_proof(home: Home) -> None:
    """Two that fit by folder and start: the pane's own process tells which."""
    home.codex(ONE, T + 300)
    path = home.codex(TWO, T + 300)
    with holding("codex", [("a", path)], home=home.folder, cwd=home.work) as (tty, _):
        (found,) = home.ask("codex", tty=tty)
    assert (found.session_id, found.path, found.confidence) == (TWO, path, 1.0)
    assert best([found]) == found


@linux
def test_of_two_sessions_held_the_one_used_last_is_likelier(home: Home) -> None:
    """After /new Codex 0.169 keeps the former session open."""
    one, two = home.codex(ONE, T), home.codex(TWO, T + 60_000)
    now_ms = time.time_ns() // 1_000_000
    written(two, now_ms + 60_000)
    with holding("codex", [("a", one), ("a", two)], home=home.folder, cwd=home.work) as (tty, _):
        found = home.ask("codex", tty=tty)
    assert [(candidate.session_id, candidate.confidence) for candidate in found] == [(TWO, 0.8), (ONE, 0.2)]
    chosen = best(found)
    assert chosen is not None
    assert chosen.session_id == TWO


@linux
def test_a_claude_that_says_its_session_is_proof(home: Home) -> None:
    """Its own sessions/<pid>.json, also before the session's file exists."""
    home.claude(ONE, T)
    with holding("claude", home=home.folder, cwd=home.work) as (tty, child):
        stat = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        path = home.homes.claude / f"sessions/{child.pid}.json"
        path.parent.mkdir(parents=True)
        fields = {
            "pid": child.pid,
            "procStart": stat[19],
            "cwd": str(home.work),
            "status": "waiting",
            "waitingFor": "x",
        }
        path.write_text(json.dumps({**fields, "sessionId": TWO}))
        (found,) = home.ask("claude_code", tty=tty)
        live = asyncio.run(home.files.live(tty))
        assert (found.session_id, found.path, found.confidence) == (TWO, None, 1.0)
        assert live is not None
        assert (live.status, live.waiting_for) == ("waiting", "x")
        path.write_text(json.dumps({**fields, "sessionId": ONE}))
        (found,) = home.ask("claude_code", tty=tty)
        assert found.path is not None


@linux
def test_folder_start_and_home_are_the_process_own(home: Home, tmp_path: Path) -> None:
    """What the terminal reports may be old or missing; another home is found in the process's environment."""
    now_ms = time.time_ns() // 1_000_000
    home.gemini(ONE, now_ms + 1_000)
    stranger = SessionFiles(Homes.from_env({"HOME": "/nowhere"}))
    with holding("gemini", home=home.folder, cwd=home.work) as (tty, _):
        (found,) = asyncio.run(stranger.candidates("gemini", "file://elsewhere.example/x", None, tty=tty))
    assert (found.session_id, found.confidence) == (ONE, 0.9)


@linux
def test_what_runs_behind_ssh_is_not_looked_for_here(home: Home) -> None:
    """The pane shows an agent of another machine; a session of this one in the same folder is not its."""
    home.codex(ONE, T + 500)
    with holding("ssh", home=home.folder, cwd=home.work) as (tty, _):
        assert home.ask("codex", tty=tty) == []


def candidate(confidence: float, session_id: str) -> Candidate:
    return Candidate(session_id, None, confidence, "")


@given(
    st.lists(
        st.tuples(st.sampled_from([0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.93, 0.97, 1.0]), st.sampled_from([ONE, TWO, THREE]))
    )
)
def test_the_best_is_unique(told: Sequence[tuple[float, str]]) -> None:
    """It fits, nothing fits better, and no other session fits as well."""
    found = best(candidate(*one) for one in told)
    highest = max((confidence for confidence, _ in told), default=0.0)
    if found is not None:
        assert found.confidence == highest >= 0.5
        assert {session_id for confidence, session_id in told if confidence == highest} == {found.session_id}
    elif highest >= 0.5:
        assert len({session_id for confidence, session_id in told if confidence >= 0.5}) > 1


def test_a_file_is_followed_as_it_grows(home: Home) -> None:
    """What stands in it comes first, then what is added, at once when the caller knows of news; it ends with the file."""
    data = recorded("codex-0.169.0", "slow").read_bytes()
    path = home.folder / recorded("codex-0.169.0", "slow").name
    path.write_bytes(data[:9_00])

    async def follow() -> list[Record]:
        nudge, told = asyncio.Event(), []
        async for record in home.files.follow("codex", path, nudge=nudge):
            told.append(record)
            if len(told) == 1:
                with path.open("ab") as file:
                    file.write(data[900:])
                nudge.set()
            if len(told) == len(read(recorded("codex-0.169.0", "slow"))):
                path.unlink()
                nudge.set()
        return told

    began = time.monotonic()
    told = asyncio.run(follow())
    assert brief(told) == ["session", "turn", "session gpt-6-sol", "tokens 12345", "done"]
    assert time.monotonic() - began < 3


def test_following_a_file_that_is_not_there_ends(home: Home) -> None:
    """After a few looks, because a file that is replaced is missing for a moment."""

    async def follow() -> list[Record]:
        return [record async for record in home.files.follow("codex", home.folder / "rollout-x.jsonl")]

    assert asyncio.run(follow()) == []


def test_a_quiet_file_costs_few_looks(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits double from a quarter of a second to four."""
    path = home.codex(ONE, T)
    waits: list[float] = []

    async def waited(nudge: asyncio.Event | None, wait_s: float) -> bool:
        waits.append(wait_s)
        if len(waits) == 7:
            path.unlink()
        return False

    monkeypatch.setattr("wa.sources.session_files._nudged", waited)

    async def follow() -> None:
        async for _ in home.files.follow("codex", path):
            pass

    asyncio.run(follow())
    assert waits[:7] == [0.25, 0.5, 1, 2, 4, 4, 4]
