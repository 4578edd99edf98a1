"""`wa workflow` as a user runs it: without a sidecar, and with one that watches the embedded multiplexer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from store.world import MUX, pane
from surfaces.test_cli_live import conforms
from wa.store.run_records import End, NewRun, Reply, Step
from wa.store.run_writing import RunWriter
from wa.store.writer import Writer

GOOD = 'about = "Says hello."\n[trigger]\nevent = "turn.done"\n[[step]]\nsend = "hello"\n'
HOSTILE = "evil\x1b]0;owned\x07"


def data_of(done: Any, schema: str) -> Any:
    envelope = json.loads(done.stdout)
    assert (done.returncode, envelope["meta"]["schema"]) == (0, f"wa.{schema}/1"), done
    return conforms(schema, envelope["data"])


@pytest.fixture
def filled(house: Any) -> Any:
    """A run that ended, and one that is parked."""

    async def fill() -> None:
        writer = await Writer.open(house.home / "data" / "wa.db")
        uid = await writer.pane_uid(MUX, pane(), 1)
        write = RunWriter(writer)
        context = {"trigger": {"event": "usage.limit"}}
        about = ("handle_usage_limits", "1", uid)
        ended, parked = await write.begin(
            [
                NewRun(*about, "a", context, "live", "running", 1_795_243_000_000),
                NewRun(*about, "b", context, "live", "running", 1_795_243_100_000),
            ]
        )
        assert ended is not None
        assert parked is not None
        act = {"kind": "Act", "action": {"kind": "send", "text": f"go {HOSTILE}", "submit": True}}
        await write.go_on(ended, step=Step(0, 1_795_243_000_100, act, "running"))
        did = {"kind": "Did", "outcome": "submitted", "detail": "The agent took it.", "evidence": {}}
        end = End(1_795_243_000_300, "done", "resumed", "")
        await write.end(ended, end, reply=Reply(0, 1_795_243_000_200, did))
        park = {"kind": "Park", "until_ms": 1_795_250_000_000, "spread_s": 30.0}
        await write.go_on(parked, step=Step(0, 1_795_243_100_100, park, "parked", 1_795_250_000_000))
        await write.switch("handle_usage_limits", uid, enabled=True, at_ms=1)
        await writer.close()

    asyncio.run(fill())
    return house


def test_list_names_shipped_ones_and_yours(house: Any, inside: Any) -> None:
    """With what is on; a file that is off is named, and hides no other."""
    folder = house.home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "hello.toml").write_text(GOOD)
    (folder / "off.toml").write_text("[trigger]\nevent = 'nothing'\n[[step]]\nend = 'x'\n")
    data = data_of(inside("workflow", "list", "--json"), "workflow")

    by_name = {one["name"]: one for one in data["workflows"]}
    assert {"handle_compaction", "handle_usage_limits", "hello"} <= set(by_name)
    assert (by_name["hello"]["enabled"], by_name["hello"]["starts"]) == (False, ["event turn.done"])
    assert by_name["hello"]["origin"].endswith("hello.toml")
    assert ["off.toml:2" in trouble for trouble in data["troubles"]] == [True]
    shown = inside("workflow", "show", "hello")
    assert "Says hello." in shown.stdout
    assert "observes" in shown.stdout


def test_runs_are_listed_and_shown_step_by_step(filled: Any, inside: Any) -> None:
    """What is under way, what was, and what a run asked and heard; text of strangers steers no terminal."""
    (parked,) = data_of(inside("workflow", "status", "--json"), "workflow-status")["runs"]
    assert (parked["status"], parked["until"]) == ("parked", "2026-11-21T08:33:20.000Z")
    runs = data_of(inside("workflow", "history", "--json"), "workflow-history")["runs"]
    assert [run["outcome"] for run in runs] == [None, "resumed"]
    assert inside("workflow", "status").stdout.splitlines()[1].split()[4] == "parked"
    (run,) = data_of(inside("workflow", "show", "1", "--json"), "workflow-history")["runs"]
    assert [step["answered"] for step in run["steps"]] == ["submitted: The agent took it."]
    shown = inside("workflow", "show", "1").stdout
    assert "send 'go evil\\x1b]0;owned\\x07'" in shown
    assert "\x1b]0" not in shown
    listed = data_of(inside("workflow", "list", "--json"), "workflow")
    limits = next(one for one in listed["workflows"] if one["name"] == "handle_usage_limits")
    assert (limits["enabled"], limits["panes"], limits["runs"]) == (False, {"p1": True}, 1)


def test_what_is_not_there_is_named(filled: Any, inside: Any) -> None:
    """With the exit status of what is missing."""
    for words, status, code in (
        (("show", "99"), 3, "not_found"),
        (("show", "none"), 3, "not_found"),
        (("enable", "handle_compaction"), 4, "sidecar.unreachable"),
        (("run", "handle_compaction", "--pane", "p1", "--dry-run"), 4, "sidecar.unreachable"),
        (("abort", "1"), 4, "sidecar.unreachable"),
        (("abort",), 2, "usage"),
        (("abort", "1", "--all"), 2, "usage"),
    ):
        done = inside("workflow", *words, "--json")
        assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (status, code), words


def test_lint_says_every_problem_with_its_line(house: Any, inside: Any) -> None:
    """And leaves by 1 where there is one."""
    good, bad = house.root / "good.toml", house.root / "bad.toml"
    good.write_text(GOOD)
    bad.write_text('[trigger]\nevent = "turn.dome"\n[[step]]\nsend = "{field.reset} it is"\n')

    assert inside("workflow", "lint", str(good)).returncode == 0
    done = inside("workflow", "lint", str(good), str(bad))
    assert done.returncode == 1
    first, second, last = done.stdout.splitlines()
    assert first.startswith(f"{bad}:2: there is no event 'turn.dome'; turn.done?")
    assert second.startswith(f"{bad}:4: ")
    assert last == "2 files: 2 problems"
    problems = json.loads(inside("workflow", "lint", str(bad), "--json").stdout)["data"]["problems"]
    assert [problem["line"] for problem in problems] == [2, 4]


def test_with_a_sidecar_it_is_turned_on_tried_and_ended(watched: Any) -> None:
    """By the one that runs: a switch, a dry run in a plain shell, an abort of nothing."""
    name = watched.spawn("/bin/sh", "-c", "exec sleep 1000")
    uid = watched.pane(name)["pane_uid"]

    def json_of(schema: str, *words: str) -> Any:
        done = watched.wa("workflow", *words, "--json")
        return data_of(done, schema)

    on = json_of("workflow-enable", "enable", "handle_compaction", "--pane", name)
    assert (on["pane_uid"], on["enabled"], on["types"]) == (uid, True, True)
    said = watched.wa("workflow", "enable", "handle_session_end")
    assert said.stdout == "handle_session_end is on for all panes: it looks and tells, and types nothing.\n"
    listed = json_of("workflow", "list")["workflows"]
    assert next(one for one in listed if one["name"] == "handle_compaction")["panes"] == {uid: True}
    dry = json_of("workflow-run", "run", "handle_compaction", "--pane", name, "--dry-run")
    assert dry["run"]["mode"] == "dry"
    assert dry["run"]["ended_at"] is not None
    assert all(send["outcome"] != "submitted" for send in dry["sends"])
    off = json_of("workflow-disable", "disable", "handle_compaction")
    assert (off["pane_uid"], off["enabled"]) == (None, False)
    status, error = watched.fails("workflow", "abort", "--all")
    assert (status, error["code"]) == (3, "not_found")
    status, error = watched.fails("workflow", "enable", "nothing")
    assert (status, error["code"]) == (3, "not_found")
