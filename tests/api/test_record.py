"""Screens that are recorded for a report, and the tests beside them."""

from __future__ import annotations

import asyncio
import json
import stat
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import wa.api.record as module
from wa.api.record import neutral, record_pane, run_test
from wa.config.paths import Paths
from wa.model.errors import NotFound, UsageError

AT_MS = 1_795_262_400_000
BANNER = ["  >_ OpenAI Codex (v0.169.0)", "     /work", ""]
COMPOSER = ["", "› Ask Codex to do anything", "", "  GPT-6-Sol default · /work", "  ← for agents · ? for shortcuts"]
LIMIT = ["■ You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage or try again at 6:38 AM."]
KEY = "sk-ant-api03-" + "Zq7xW2vT9pL4mN8kR1sD6fG3hJ5bC0yA" * 3


class Sidecar:
    """Answers `screen`; the pane is found without one."""

    def __init__(self, rows: list[str], agent: str | None) -> None:
        self.rows = rows
        self.pane = {"pane_uid": "p1", "agent": agent, "alive": True}

    async def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        assert (method, params) == ("screen", {"pane": "p1"})
        wrapped = [False] * len(self.rows)
        return {"rows": self.rows, "wrapped": wrapped, "cols": 100, "title": "thomas@zaphod: work", "logged": 0}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr("getpass.getuser", lambda: "thomas")
    monkeypatch.setattr("socket.gethostname", lambda: "zaphod.example.org")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/thomas"))
    return Paths.from_env({"WA_HOME": str(tmp_path / "wa")})


def record(
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[str],
    to: Path,
    *,
    known: str | None = "codex",
    **options: Any,
) -> Any:
    sidecar = Sidecar(rows, known)

    @asynccontextmanager
    async def connected(_: object) -> Any:
        yield sidecar

    async def find_pane(*_: object) -> Any:
        return sidecar.pane

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(module, "find_pane", find_pane)
    wish = {"agent": None, "now_ms": AT_MS, "zone": "America/Chicago", **options}
    return asyncio.run(record_pane(paths, "p1", to, **wish))


def test_a_recorded_screen_passes_its_own_test_and_fails_when_it_is_changed(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the state, in an event that is missing, in a field, in one too much."""
    to = tmp_path / "deep/reports"
    result = record(paths, monkeypatch, [*BANNER, *LIMIT, *COMPOSER], to)
    test_file = Path(result["test"])
    test = json.loads(test_file.read_text())

    assert (result["agent"], result["state"], result["events"]) == (
        "codex",
        "limited",
        ["session.start", "usage.limit", "state.idle"],
    )
    assert run_test(paths, test_file)["wrong"] == []
    limit = next(event for event in test["events"] if event["event"] == "usage.limit")
    assert limit["fields"]["resets_at"] == "2026-11-21T06:38:00-06:00"

    def wrong(**change: Any) -> list[str]:
        test_file.write_text(json.dumps({**test, **change}))
        return run_test(paths, test_file)["wrong"]

    assert wrong(state="idle") == ["the state is limited, not idle"]
    assert len(wrong(events=[*test["events"], {"event": "turn.done", "rule": "", "fields": {}}])) == 1
    assert len(wrong(events=test["events"][1:])) == 1
    moved = {**limit, "fields": {**limit["fields"], "resets_at": "2026-11-22T06:38:00-06:00"}}
    assert len(wrong(events=[moved if event is limit else event for event in test["events"]])) == 2


def test_files_are_ones_own_and_never_take_the_place_of_others(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0600; two records of one second have two names."""
    results = [record(paths, monkeypatch, [*BANNER, *COMPOSER], tmp_path / "to") for _ in range(3)]

    files = [Path(result[kind]) for result in results for kind in ("screen", "test")]
    assert len(set(files)) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert all(run_test(paths, Path(result["test"]))["wrong"] == [] for result in results)


def test_names_addresses_and_secrets_are_gone(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From text, title and fields; rows keep their widths, so that what is drawn stays in its columns."""
    said = [
        "• Thomas works on zaphod in /home/thomas/src as thomas.adams@example.org",
        f"  the key is {KEY} and the host zaphod.example.org, thomasson is another",
    ]
    result = record(paths, monkeypatch, [*BANNER, *said, *COMPOSER], tmp_path / "to")
    text, test = Path(result["screen"]).read_text(), Path(result["test"]).read_text()

    for word in ("zaphod", "thomas.adams", "/home/thomas", KEY, "Thomas ", "thomas@"):
        assert word not in text + test, word
    assert "thomasson" in text
    row = next(row for row in text.splitlines() if "works on" in row)
    assert len(row) == len(said[0])
    assert result["replaced"] >= 6


@pytest.mark.parametrize("name", ["bob", "x.y", "a+b", "(", "Zoë"])
def test_any_name_can_be_taken_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also one that means something in an expression; the text around it stays as it is."""
    monkeypatch.setattr("getpass.getuser", lambda: name)
    monkeypatch.setattr("socket.gethostname", lambda: "h")
    texts, _ = neutral([f"hello {name}!", "bobby stays"])

    assert texts[1] == "bobby stays"
    assert len(texts[0]) == len(f"hello {name}!")
    assert (name in texts[0]) == (len(name) < 3)


def test_a_pane_of_which_no_agent_is_known_needs_to_be_told(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose screen it is; that is what goes wrong there."""
    with pytest.raises(NotFound) as caught:
        record(paths, monkeypatch, [*BANNER, *COMPOSER], tmp_path, known=None)
    assert "--agent" in caught.value.next_step
    assert record(paths, monkeypatch, [*BANNER, *COMPOSER], tmp_path, known=None, agent="codex")["state"] == "idle"


def test_a_folder_that_takes_nothing_is_said(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        record(paths, monkeypatch, [*BANNER, *COMPOSER], tmp_path / "file/below")
    assert "--to" in caught.value.next_step


@pytest.mark.parametrize("text", ["", "[]", "5", "{}", '{"agent": "codex", "screen": "none.txt"}', "\x00"])
def test_what_is_no_test_is_refused(paths: Paths, tmp_path: Path, text: str) -> None:
    """Whatever stands in it."""
    file = tmp_path / "x.test.json"
    file.write_text(text)
    with pytest.raises(UsageError):
        run_test(paths, file)
