import asyncio
import json
import os
from pathlib import Path

import jsonschema
import pytest

import wa.protocol.results as results
from engine.fakes import FakeServer
from engine.wire import until
from engine.world import play, shell
from wa.api.doctor_findings import as_finding
from wa.config.paths import Paths
from wa.engine import tasks
from wa.engine.status import Reports, pane_result


class Muxes:
    """As much of Muxes as reports look at."""

    looked_in = "/run/user/1/wezterm"

    def __init__(self, *sessions):
        self.sessions = {session.name: session for session in sessions}


def reports(w, tmp_path, *sessions):
    paths = Paths.from_env({"WA_HOME": str(tmp_path)})
    return Reports(paths, w.shared, Muxes(*sessions), os.getpid(), 1795250549123)


def check(command, data):
    schema = json.loads((Path(results.__file__).parent / "schemas" / f"{command}.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(data)


def check_findings(findings):
    told = [as_finding(finding) for finding in findings]
    check("doctor", {"version": "1", "worst": "ok", "findings": told, "fixes": [], "elapsed_ms": 1.0})


def test_status_and_panes_have_the_shapes_that_are_written_down(tmp_path):
    """Connected, disconnected, and with no mux at all."""
    server = FakeServer()
    server.add(shell(0, 30, cwd="file://here/home/me/a%20b"))
    server.add(shell(1))

    async def scenario(w):
        pane = await w.watched(0)
        await until(lambda: pane.rows_stored == 27)
        told = reports(w, tmp_path, w.session)
        status = told.status()
        check("status", status)
        check("panes", told.panes())
        check("status", reports(w, tmp_path).status())
        assert [mux["state"] for mux in status["muxes"]] == ["connected"]
        assert status["muxes"][0]["codec"] == 44
        first = status["panes"][0]
        assert (first["pane_uid"], first["mux"], first["pane_id"], first["cwd"]) == ("p1", "fake", 0, "/home/me/a b")
        assert (first["rows_stored"], first["rows_lost"], first["gaps"], first["last_output_at"]) == (27, 0, 0, None)
        assert first["source"] == "push"
        w.server.gone = True
        w.server.drop()
        await until(lambda: w.session.terminal is None and w.session.state == "disconnected")
        status = told.status()
        check("status", status)
        assert (status["muxes"][0]["state"], status["muxes"][0]["source"]) == ("disconnected", None)
        assert status["panes"][0]["source"] is None
        assert status["panes"][0]["alive"] is True

    play(tmp_path, scenario, server=server)


def test_secrets_in_titles_and_folders_are_not_shown(tmp_path):
    """What redaction knows leaves by no door."""
    key = "ghp_" + "a8Kq3Zt5Wm1Xv7Rn0Lp2Yc4Bs6Dj9Fg8Hk5Q"
    server = FakeServer()
    server.add(shell(0, title=f"curl -H token:{key}", cwd=f"file:///srv/{key}"))

    async def scenario(w):
        pane = await w.watched(0)
        assert key not in json.dumps(pane_result(pane))

    play(tmp_path, scenario, server=server)


def test_doctor_says_what_it_found(tmp_path):
    """Each mux with how it is watched and how fast it answers; troubles with a next step."""
    server = FakeServer()
    server.add(shell(0))

    async def scenario(w):
        tasks.forget_failures()
        await w.watched(0)
        told = reports(w, tmp_path, w.session)
        findings = await told.findings()
        check_findings(findings)
        assert [finding["level"] for finding in findings] == ["ok"]
        assert "by push, codec 44: 1 panes" in findings[0]["what"]
        nothing = await reports(w, tmp_path).findings()
        assert (nothing[0]["level"], "wa demo" in nothing[0]["next_step"]) == ("warning", True)
        assert "/run/user/1/wezterm" in nothing[0]["what"]

    play(tmp_path, scenario, server=server)


def test_doctor_names_every_trouble(tmp_path):
    """A mux that does not answer, a database that takes nothing, dropped rows, a task that failed."""
    server = FakeServer()
    server.add(shell(0))

    async def scenario(w):
        await w.watched(0)
        w.store.failure = "no room left"
        w.server.print(0, "x\n" * 50)
        await until(lambda: w.buffer.trouble)
        w.buffer.rows_dropped = 7
        w.server.list_fails = True

        async def broken():
            raise ValueError("boom")

        tasks.forget_failures()
        await asyncio.wait([tasks.spawn(broken(), name="some part")])
        findings = await reports(w, tmp_path, w.session).findings()
        tasks.forget_failures()
        check_findings(findings)
        said = " / ".join(finding["what"] for finding in findings)
        for words in ("no answer to ListPanes", "no room left", "7 rows were dropped", "some part: boom"):
            assert words in said
        assert all(finding["next_step"] for finding in findings)
        assert reports(w, tmp_path, w.session).status()["sidecar"]["buffered_bytes"] > 0
        w.store.failure = None

    play(tmp_path, scenario, server=server)


@pytest.mark.parametrize("slow", [True, False])
def test_doctor_waits_for_nobody(tmp_path, monkeypatch, slow):
    """A mux that hangs is said to hang, and the others are told of."""
    monkeypatch.setattr("wa.engine.status.PING_WITHIN_S", 0.05)
    server = FakeServer()

    async def scenario(w):
        await until(lambda: w.session.settled.is_set())
        if slow:
            w.server.pauses["list"] = asyncio.Event()
        (finding,) = await reports(w, tmp_path, w.session).findings()
        assert ("no answer within 0.05 s" in finding["what"]) is slow

    play(tmp_path, scenario, server=server)


def test_doctor_names_what_was_not_believed_and_status_does_not_nag(tmp_path):
    """Newest first, with the pane and where to look; eight of many."""

    async def scenario(w):
        told = reports(w, tmp_path, w.session)
        for number in range(1, 12):
            w.shared.troubles.count("a WA_CMD has no token", f"p{number}")
        w.shared.troubles.count("events came from a source that wa does not know")
        w.shared.troubles.count("a WA_CMD has no token", "p3")
        found = [one for one in await told.findings() if "dropped" in one["what"]]
        assert found[0]["what"] == "p3: a WA_CMD has no token (2 times in a day); dropped"
        assert found[0]["next_step"] == "Look what runs in p3: `wa logs p3`."
        assert found[1]["what"] == "events came from a source that wa does not know (once in a day); dropped"
        assert len(found) == 8
        assert not any("dropped" in notice for notice in told.status()["sidecar"]["notices"])

    play(tmp_path, scenario)
