"""What the agents in panes do, from the pane's screen to subscribers and the database."""

import asyncio
import json

import pytest

import wa.engine.agents as module
from engine.agent_world import TTY, Events, agent_world, play, screen_pane
from engine.fakes import FakePane, FakeServer
from engine.test_status import check, reports
from engine.wire import until
from support.codex_rows import BANNER, COMPOSER, DIALOG, LIMIT, WORKING
from wa.detect.session_ops import CloseSession, NoteEvent, NoteTransition, OpenSession
from wa.engine import agent_notes, tasks
from wa.engine.agent_notes import AgentNotes
from wa.engine.explain import explain
from wa.engine.hub import Kind, Subscription
from wa.engine.status import pane_result
from wa.model.agent import NO_AGENT
from wa.model.identity import MuxInstance
from wa.store.reader import Reader
from wa.store.writer import Writer


@pytest.fixture
def server():
    made = FakeServer()
    made.add(screen_pane())
    return made


def test_an_agents_screens_become_states_and_events(tmp_path, server):
    """Told to subscribers, noted for the database, shown by `status`, `panes` and `explain`."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: w.states()[-1:] == ["idle"])
        w.show(0, *BANNER, *WORKING, *COMPOSER)
        await until(lambda: w.states()[-1:] == ["working"])
        w.show(0, *BANNER, *DIALOG)
        await until(lambda: w.states()[-1:] == ["waiting.approval"])
        assert {"session.start", "state.idle", "turn.working", "waiting.approval"} <= set(w.heard())
        told = pane_result(pane)
        check("panes", {"live": True, "as_of": "2026-11-21T12:00:00.000Z", "panes": [told]})
        assert (told["agent"], told["state"], told["detail"]["version"]) == ("codex", "waiting.approval", "0.169.0")
        assert told["detail"]["dialog"]["options"][0].startswith("Yes, proceed")
        assert told["last_event"]["event"] == "waiting.approval"
        check("status", reports(w, tmp_path, w.session).status())
        why = explain(pane, w.agents.of(pane), w.server.clock.now_ms())
        check("explain", why)
        assert (why["signals"][0]["source"], why["signals"][0]["won"]) == ("dialog", True)
        assert any(match["event"] == "waiting.approval" for match in why["matches"])
        await until(lambda: len(w.agents.notes) == 0)
        noted = [one.transition.after.state.value for one in w.events.operations(NoteTransition)]
        assert noted == w.states()
        assert [one.detection.event for one in w.events.operations(NoteEvent)] == w.heard()
        assert [one.session.agent for one in w.events.operations(OpenSession)] == ["codex"]

    play(tmp_path, scenario, server=server)


def test_a_dialog_is_told_in_the_turn_of_the_loop_in_which_its_screen_came(tmp_path, server):
    """No timer stands between a push that settles the state and who listens: by condition, not by the clock."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        order = []
        w.shared.hub.add(Subscription({Kind.SCREEN, Kind.STATE}, None, order.append))
        await until(lambda: w.server.clock.now_ms() - w.agents.of(pane)._looked_ms > 40)
        w.show(0, *BANNER, *DIALOG)
        await until(lambda: order)
        assert len(order) == 2
        assert b"waiting.approval" in order[1]

    play(tmp_path, scenario, server=server)


@pytest.mark.parametrize("program", ["bash", "less", "vim", "cat"])
def test_a_pane_whose_program_is_no_agent_has_no_events(tmp_path, server, program):
    """Whatever stands on its screen."""

    async def scenario(w):
        w.programs.names[TTY] = program
        pane = await w.watched(0)
        for rows in ([*BANNER, *LIMIT, *COMPOSER], [*BANNER, *DIALOG], [*BANNER, *WORKING, *COMPOSER]):
            w.show(0, *rows)
            await until(lambda rows=rows: pane.screen.rows[len(rows) - 1].text.rstrip() == rows[-1])
            w.server.clock.ahead_ms += 1000
        assert w.heard() == []
        assert pane.agent.agent is None
        assert w.states() in ([], ["shell"])

    play(tmp_path, scenario, server=server)


def test_a_rule_that_raises_does_not_stop_the_capture(tmp_path, server):
    """Rows go on to be stored, the connection stands, `doctor` names the pane, and other rules set it right."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        watch = w.agents.of(pane)

        def broken(*_):
            raise RuntimeError("boom")

        watch.screen = broken
        w.server.print(0, "".join(f"line {n}\n" for n in range(100)))
        await until(lambda: any("line 60" in (text or "") for text in w.store.texts(pane.uid)))
        assert w.server.connects == 1
        findings = await reports(w, tmp_path, w.session).findings()
        assert [found["what"] for found in findings if found["level"] == "error"] == [
            "rules fail in p1: what the agents do there is not known"
        ]
        assert tasks.recent_failures() == []

    tasks.forget_failures()
    play(tmp_path, scenario, server=server)


def test_events_wait_while_the_database_takes_none(tmp_path, server):
    """And are stored when it does, in order."""

    async def scenario(w):
        w.events.failure = "locked"
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        await until(lambda: w.agents.notes.trouble)
        w.show(0, *BANNER, *WORKING, *COMPOSER)
        await until(lambda: pane.agent.state == "working")
        assert w.events.batches == []
        w.events.failure = None
        await until(lambda: len(w.agents.notes) == 0)
        noted = [one.transition.after.state.value for one in w.events.operations(NoteTransition)]
        assert noted == w.states()
        assert w.agents.notes.trouble is None

    play(tmp_path, scenario, server=server)


def test_what_waits_is_bounded_and_the_oldest_goes_first(monkeypatch):
    """Memory has an end; that something was given up is counted."""
    monkeypatch.setattr(agent_notes, "MAX_WAITING", 5)

    async def scenario():
        store = Events()
        notes = AgentNotes(store)
        store.failure = "full"
        for n in range(8):
            notes.add(f"p{n}", [f"operation {n}"])
            await notes.save()
        assert (len(notes), notes.given_up) == (5, 3)
        store.failure = None
        assert await notes.save()
        assert [batch.pane_uid for batch in store.batches] == [f"p{n}" for n in range(3, 8)]

    asyncio.run(scenario())


def test_what_comes_while_a_save_is_under_way_is_neither_lost_nor_stored_twice(monkeypatch):
    """Even where the bound takes the oldest from under the save."""
    monkeypatch.setattr(agent_notes, "MAX_WAITING", 3)

    async def scenario():
        store = Events()
        notes = AgentNotes(store)
        for n in range(3):
            notes.add(f"p{n}", [f"operation {n}"])
        store.pause.clear()
        saving = tasks.spawn(notes.save(), name="save")
        await until(lambda: store.calls)
        notes.add("p3", ["operation 3"])
        store.pause.set()
        await saving
        assert sorted(batch.pane_uid for batch in store.batches) == ["p0", "p1", "p2", "p3"]
        assert len(notes) == 0

    asyncio.run(scenario())


def test_events_of_a_forgotten_pane_take_no_others_with_them():
    """Who forgets a pane while its events wait has forgotten them too."""

    async def scenario():
        store = Events()
        store.unknown = {"p2"}
        notes = AgentNotes(store)
        for n in range(1, 4):
            notes.add(f"p{n}", [f"operation {n}"])
        assert await notes.save()
        assert [batch.pane_uid for batch in store.batches] == ["p1", "p3"]

    asyncio.run(scenario())


def test_a_pane_that_closes_closes_its_session(tmp_path, server):
    """With how it ended."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        w.server.close_pane(0)
        await until(lambda: w.events.operations(CloseSession))
        assert [one.mode.value for one in w.events.operations(CloseSession)] == ["pane_closed"]
        assert w.agents.of(pane) is None

    play(tmp_path, scenario, server=server)


def test_an_excluded_pane_says_nothing(tmp_path, server):
    """Not from its screen, not from before it was excluded."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER, title="mine")
        await until(lambda: pane.agent.state == "idle")
        heard = len(w.told)
        w.show(0, *BANNER, *DIALOG, title="private")
        await until(lambda: pane.excluded)
        w.show(0, *BANNER, *WORKING, *COMPOSER, title="private")
        await until(lambda: w.server.connections[0].queue.empty())
        assert w.told[heard:] == []
        assert pane.agent == NO_AGENT
        assert pane_result(pane)["agent"] is None

    play(tmp_path, scenario, server=server, never={"title": ("private",)})


def test_a_file_of_rules_that_changes_is_in_force_soon_and_a_broken_one_refused(tmp_path, server, monkeypatch):
    """Though the screen stands still and events come all the time; `status` and `doctor` tell of a refusal."""
    monkeypatch.setattr(module, "RELOAD_S", 0.1)
    folder = tmp_path / "agents"
    folder.mkdir()
    mine = (
        'name = "codex"\n[[rule]]\nid = "codex.mine.ship"\nevent = "turn.done"\nregion = "agent"\n'
        'anchors = ["Shipped it"]\nmatch = [\'Shipped it to (?P<message>[a-z]+)\']\nseen = "mine; 2026-11-21"\n'
    )

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, "• Shipped it to production", *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        assert "turn.done" not in w.heard()
        (folder / "mine.toml").write_text(mine)

        for batches in range(1_000):
            # Something is noted all the time.
            w.agents.notes.add(pane.uid, [f"{batches}"])
            await asyncio.sleep(0.01)
            if "turn.done" in w.heard():
                break
        assert "turn.done" in w.heard()
        (folder / "mine.toml").write_text("name = 'codex'\n[[rule]]\nid = 7\n")
        await until(lambda: w.agents.agents.troubles)
        told = reports(w, tmp_path, w.session)
        assert any("mine.toml:3" in notice for notice in told.status()["sidecar"]["notices"])
        findings = [found for found in await told.findings() if found["level"] == "warning"]
        assert [("mine.toml:3" in found["what"], "wa rules lint" in found["next_step"]) for found in findings] == [
            (True, True)
        ]
        assert any(rule.id == "codex.mine.ship" for rule in w.agents.agents.detectors["codex"].pack.rules)

    play(tmp_path, scenario, server=server, folder=folder)


def test_secrets_on_a_screen_leave_by_no_door(tmp_path, server):
    """States, events, explanations and what is stored."""
    key = "ghp_" + "a8Kq3Zt5Wm1Xv7Rn0Lp2Yc4Bs6Dj9Fg8Hk5Q"
    dialog = [row.replace("rm -r build", f"git push https://me:{key}@x.example") for row in DIALOG]

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *dialog)
        await until(lambda: pane.agent.state == "waiting.approval")
        assert key not in json.dumps(w.told)
        assert key not in json.dumps(explain(pane, w.agents.of(pane), w.server.clock.now_ms()))
        assert key not in json.dumps(pane_result(pane))

    play(tmp_path, scenario, server=server)


def test_a_sidecar_that_starts_again_records_nothing_twice(tmp_path, server):
    """What stands on the screen was noted by the run before; the session goes on under its number."""

    async def run(scenario):
        writer = await Writer.open(tmp_path / "wa.db")
        reader = await Reader.open(tmp_path / "wa.db")
        try:
            async with agent_world(tmp_path, server=server, store=_Both(writer, reader)) as w:
                w.agents.notes._store = writer
                return await asyncio.wait_for(scenario(w, reader), 30)
        finally:
            await reader.close()
            await writer.close()

    async def first(w, _):
        pane = await w.watched(0)
        w.show(0, *BANNER, *LIMIT, *COMPOSER)
        await until(lambda: pane.agent.state == "limited")
        await until(lambda: len(w.agents.notes) == 0)
        w.server.drop()

    async def second(w, reader):
        pane = await w.watched(0)
        stored = (await reader.events())[-1]
        assert pane.last_event == (stored.event, stored.at_ms), "known before anything is read"
        w.show(0, *LIMIT, *COMPOSER)
        await until(lambda: pane.agent.state == "limited")
        await until(lambda: len(w.agents.notes) == 0)
        assert pane.agent.version == "0.169.0"
        events = [found.event for found in await reader.events()]
        assert sorted(set(events)) == sorted(events)
        assert {"session.start", "usage.limit"} <= set(events)
        assert len(await reader.sessions()) == 1

    asyncio.run(run(first))
    asyncio.run(run(second))


class _Both:
    """Writer and Reader in one, as the fakes are."""

    def __init__(self, writer, reader):
        self.writer, self.reader = writer, reader

    def __getattr__(self, name):
        return getattr(
            self.reader
            if name in ("pane", "checkpoint", "remembered", "last_event", "shells", "tail")
            else self.writer,
            name,
        )


DAY_MS = 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("host", "told", "zones", "resets_at"),
    [
        ("", "", {}, "06:38:00+00:00"),
        ("build", "America/Chicago", {}, "06:38:00-06:00"),
        ("build", "America/Chicago", {"fake": "Europe/Berlin"}, "06:38:00+01:00"),
        ("build", "Nowhere/Else", {}, None),
        ("build", "", {}, None),
    ],
)
def test_times_are_of_the_host_that_the_agent_runs_on(tmp_path, server, host, told, zones, resets_at):
    """As it says, or as the settings do; where nobody says, a time without a zone is no instant."""
    server.__class__ = type(
        "Elsewhere", (FakeServer,), {"instance": property(lambda _: MuxInstance("fake", host, "/run/fake", "1", told))}
    )

    async def scenario(w):
        w.agents._zones = zones
        # Midnight in London: the printed time lies ahead in each of the zones, whenever the test runs.
        w.server.clock.ahead_ms -= w.server.clock.now_ms() % DAY_MS
        pane = await w.watched(0)
        w.show(0, *BANNER, *LIMIT, *COMPOSER)
        await until(lambda: pane.agent.state == "limited")
        (limit,) = [item for item in w.told if item.get("event") == "usage.limit"]
        found = limit["fields"].get("resets_at")
        assert (found and found.partition("T")[2]) == resets_at

    play(tmp_path, scenario, server=server)


def test_what_stands_in_a_composer_is_told_to_whoever_watches_for_persons(tmp_path, server):
    """Each text as it comes, none while a dialog hides it, and the end of the pane."""

    class Composers:
        def __init__(self):
            self.seen, self.ended = [], []

        def composer(self, pane, draft):
            if self.seen[-1:] != [draft]:
                self.seen.append(draft)

        def gone(self, pane_uid):
            self.ended.append(pane_uid)

    async def scenario(w):
        w.agents.composers = told = Composers()
        await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: told.seen[-1:] == [""])
        typed = [row.replace(row.strip(), "› half a thought") if row.startswith("›") else row for row in COMPOSER]
        w.show(0, *BANNER, *typed)
        await until(lambda: told.seen[-1:] == ["half a thought"])
        w.show(0, *BANNER, *DIALOG)
        await until(lambda: told.seen[-1:] == [None])
        w.server.close_pane(0)
        await until(lambda: told.ended == ["p1"])

    play(tmp_path, scenario, server=server)


@pytest.mark.parametrize("ended_before", [False, True])
def test_an_agent_whose_program_goes_with_its_mux_did_not_end_by_itself(tmp_path, server, ended_before):
    """Its session ends with the mux, however long nobody answers; that of one that had exited ended then."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        if ended_before:
            w.programs.names[TTY] = "bash"
            w.show(0, *BANNER, "Bye.", "$ ")
            await until(lambda: w.events.operations(CloseSession))
        key = w.server.instance.key
        w.server.gone = True
        w.server.drop("the server died")
        w.programs.names[TTY] = None
        await until(lambda: w.store.lost.get(key))
        await asyncio.sleep(0.7)
        w.server.gone = False
        w.server.restart()
        w.server.add(FakePane(0))
        await until(lambda: not pane.alive)
        await until(lambda: w.events.operations(CloseSession))
        ends = [one.mode.value for one in w.events.operations(CloseSession)]
        assert ends == (["exited"] if ended_before else ["mux_ended"])
        await until(lambda: w.store.lost.get(w.server.instance.key, 0) is None)

    play(tmp_path, scenario, server=server)


def test_a_connection_that_breaks_ends_no_session_and_is_forgotten_when_it_stands_again(tmp_path, server):
    """The same run of the server."""

    async def scenario(w):
        pane = await w.watched(0)
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.state == "idle")
        key = w.server.instance.key
        assert w.store.lost == {key: None}
        w.server.drop("it broke")
        await until(lambda: w.store.lost[key] is not None)
        await until(lambda: w.store.lost[key] is None)
        assert (pane.agent.state, w.events.operations(CloseSession)) == ("idle", [])

    play(tmp_path, scenario, server=server)
