import asyncio

from engine.fakes import FakePane, FakeServer, FakeStore
from engine.wire import until
from engine.world import play, shell, world
from wa.engine.hub import Kind, Subscription
from wa.engine.session import State
from wa.model.log import GapReason
from wa.model.observation import Alert, PaneGone, TopologyChanged


def old(*numbers):
    return [f"old {n}" for n in numbers]


def numbered(word, count):
    return "".join(f"{word} {n}\n" for n in range(count))


def test_what_stood_in_the_scrollback_is_stored_and_the_screen_is_known(tmp_path):
    """At connect: history once, in order; the viewport as a screen, not as rows."""
    server = FakeServer()
    server.add(shell(0, 1200, scrollback=5000))
    server.add(shell(1, 0))

    async def scenario(w):
        pane = await w.watched(0)
        await w.stored(pane.uid, old(*range(1197)))
        assert [row.text for row in pane.screen.rows] == [*old(1197, 1198, 1199), "$ "]
        assert w.session.state is State.CONNECTED
        assert sorted(w.panes) == ["p1", "p2"]
        await until(lambda: pane.uid in w.store.screens)
        await until(lambda: pane.rows_stored == 1197)

    play(tmp_path, scenario, server=server)


def test_output_is_stored_as_it_scrolls_away(tmp_path):
    """Each row once, in order, whether it came by a push or had to be fetched."""
    server = FakeServer()
    server.add(shell(0, 2))

    async def scenario(w):
        pane = await w.watched(0)
        for n in range(50):
            w.server.print(0, f"line {n}\n")
            if n % 7 == 0:
                await asyncio.sleep(0)
        w.server.print(0, numbered("burst", 700))
        lines = ["$ line 0", *[f"line {n}" for n in range(1, 50)]]
        await w.stored(pane.uid, [*old(0, 1), *lines, *[f"burst {n}" for n in range(697)]])
        assert pane.last_output_ms is not None

    play(tmp_path, scenario, server=server)


def test_first_reading_is_no_output(tmp_path):
    """What stood there before the sidecar came says nothing about when it was printed."""
    server = FakeServer()
    server.add(shell(0, 20))

    async def scenario(w):
        pane = await w.watched(0)
        await w.stored(pane.uid, old(*range(17)))
        assert pane.last_output_ms is None

    play(tmp_path, scenario, server=server)


def test_a_broken_connection_keeps_the_panes_and_fetches_what_was_missed(tmp_path):
    """Same server: same uids, every row printed meanwhile, none twice."""
    server = FakeServer()
    server.add(shell(0, 10))

    async def scenario(w):
        pane = await w.watched(0)
        w.server.gone = True
        w.server.drop()
        await until(lambda: w.session.state is State.DISCONNECTED)
        assert (pane.alive, pane.source) == (True, None)
        w.server.panes[0].print(numbered("meanwhile", 30))
        await until(lambda: w.server.connects > 3)
        w.server.gone = False
        await until(lambda: pane.source is not None)
        w.server.print(0, numbered("after", 5))
        expected = [*old(*range(10)), "$ meanwhile 0", *[f"meanwhile {n}" for n in range(1, 30)], "after 0", "after 1"]
        await w.stored(pane.uid, expected)
        assert list(w.panes) == [pane.uid] == ["p1"]

    play(tmp_path, scenario, server=server)


def test_what_was_trimmed_while_nobody_listened_is_a_gap(tmp_path):
    """The rows that no scrollback holds any more are counted where they are missing."""
    server = FakeServer()
    server.add(shell(0, 10, scrollback=20))

    async def scenario(w):
        pane = await w.watched(0)
        await w.stored(pane.uid, old(*range(7)))
        w.server.gone = True
        w.server.drop()
        await until(lambda: w.session.state is State.DISCONNECTED)
        w.server.panes[0].print(numbered("meanwhile", 100))
        w.server.gone = False
        await until(lambda: w.store.gaps.get(pane.uid))
        await until(lambda: w.store.texts(pane.uid)[-1] == "meanwhile 96")
        texts = w.store.texts(pane.uid)
        assert len(texts) == 10 + 97
        assert texts.count(None) == sum(gap.missing for gap in w.store.gaps[pane.uid])
        assert texts[-20:] == [f"meanwhile {n}" for n in range(77, 97)]
        await until(lambda: pane.rows_lost == texts.count(None))

    play(tmp_path, scenario, server=server)


def test_another_run_of_the_server_has_other_panes(tmp_path):
    """Ids begin anew and mean other panes: new uids, the old ones closed."""
    server = FakeServer()
    server.add(shell(0, 10))

    async def scenario(w):
        first = await w.watched(0)
        w.server.restart()
        w.server.add(shell(0, 3))
        await until(lambda: w.session.panes.get(0) not in (None, first))
        second = await w.watched(0)
        assert (first.uid, second.uid) == ("p1", "p2")
        assert not first.alive
        await until(lambda: w.store.closed == ["p1"])
        assert list(w.panes) == ["p2"]

    play(tmp_path, scenario, server=server)


def test_a_list_that_failed_closes_nothing(tmp_path):
    """Unknown is never absent; the next list that succeeds tells."""
    server = FakeServer()
    server.add(shell(0))
    server.add(shell(1))

    async def scenario(w):
        await w.watched(0)
        gone = await w.watched(1)
        before = w.server.lists
        w.server.list_fails = True
        del w.server.panes[1]
        w.server.tell(TopologyChanged(0))
        await until(lambda: w.server.lists > before)
        await asyncio.sleep(0)
        assert sorted(w.panes) == ["p1", "p2"]
        w.server.list_fails = False
        await until(lambda: not gone.alive)
        assert sorted(w.panes) == ["p1"]

    play(tmp_path, scenario, server=server)


def test_an_end_that_is_announced_keeps_the_last_rows(tmp_path):
    """The rows still on the screen belong to the log once no screen is left."""
    server = FakeServer()
    server.add(shell(0, 6))

    async def scenario(w):
        pane = await w.watched(0)
        # What stands above the screen is fetched: a pane that closes before is another story.
        await until(lambda: w.store.texts(pane.uid)[:3] == old(0, 1, 2))
        # The first push of a connection calls every row changed; what a second one leaves out is known to be the same.
        w.server.print(0, "ex")
        w.server.print(0, "it\nbye\n")
        w.server.close_pane(0)
        await until(lambda: w.store.closed == [pane.uid])
        assert [text for text in w.store.texts(pane.uid) if text] == [*old(*range(6)), "$ exit", "bye"]
        assert pane.uid not in w.panes

    play(tmp_path, scenario, server=server)


def test_a_pane_that_lived_for_a_moment_is_stored(tmp_path):
    """Created, printed and gone before any list named it: its pushes are all there is, and they are kept."""
    server = FakeServer()
    server.add(shell(0))

    async def scenario(w):
        await w.watched(0)
        short = FakePane(7, title="seq")
        short.print("one\ntwo\nthree\n")
        w.server.tell(short.push(5), PaneGone(7, 6))
        await until(lambda: w.store.closed)
        (uid,) = w.store.closed
        assert [text for text in w.store.texts(uid) if text] == ["one", "two", "three"]
        assert w.session.panes.keys() == {0}

    play(tmp_path, scenario, server=server)


def test_a_pane_that_ends_while_it_is_adopted_is_not_kept_as_a_ghost(tmp_path):
    """The list still had it, the server has not: it is closed, not asked for ever."""
    server = FakeServer()
    server.pauses["list"] = asyncio.Event()
    server.add(shell(3, 2))

    async def scenario(w):
        await until(lambda: w.server.lists)
        w.server.close_pane(3)
        await asyncio.sleep(0.05)
        w.server.pauses.pop("list").set()
        await until(lambda: w.session.settled.is_set())
        assert w.session.panes == {}

    play(tmp_path, scenario, server=server)


def test_new_panes_are_found_when_they_are_announced_or_print(tmp_path):
    """By the mux's word, or by a push of a pane that nobody knows."""
    server = FakeServer()

    async def scenario(w):
        await until(lambda: w.session.state is State.CONNECTED)
        w.server.add(shell(0))
        await w.watched(0)
        w.server.panes[5] = silent = shell(5, 3)
        w.server.tell(silent.push(0))
        await w.watched(5)
        assert sorted(w.panes) == ["p1", "p2"]

    play(tmp_path, scenario, server=server)


def test_a_push_that_comes_during_a_reading_is_not_undone_by_it(tmp_path):
    """The answer is older than the push though it is fed later: the push wins."""
    server = FakeServer()
    server.add(shell(0, 3))

    async def scenario(w):
        pane = await w.watched(0)
        gate = w.server.pauses["screen"] = asyncio.Event()
        reading = asyncio.ensure_future(w.session.refresh(pane, 5))
        await until(lambda: w.server.reads.count(("screen", 0)) == 2)
        w.server.print(0, "typed")
        await asyncio.sleep(0.02)
        gate.set()
        assert await reading
        await until(lambda: pane.screen.rows[-1].text == "$ typed")
        w.server.pauses.clear()

    play(tmp_path, scenario, server=server)


def test_subscribers_hear_of_screens_rows_and_panes(tmp_path):
    """In the order of things, with positions that join up."""
    import msgpack

    server = FakeServer()
    server.add(shell(0, 3))

    async def scenario(w):
        await w.watched(0)
        heard = []
        w.shared.hub.add(Subscription(list(Kind), None, lambda packed: heard.append(msgpack.unpackb(packed))))
        w.server.print(0, numbered("line", 10))
        w.server.add(shell(1))
        await w.watched(1)
        w.server.close_pane(1)
        await until(lambda: {"pane_uid": "p2", "change": "closed"}.items() <= heard[-1].items())
        rows = [item for item in heard if item["kind"] == "rows" and item["pane_uid"] == "p1"]
        positions = [item["first_row"] + n for item in rows for n in range(len(item["rows"]))]
        assert positions == list(range(positions[0], positions[-1] + 1))
        screens = [item for item in heard if item["kind"] == "screen" and item["pane_uid"] == "p1"]
        assert screens[-1]["rows"] == ["line 7", "line 8", "line 9", ""]
        assert screens[-1]["cursor"] == [0, 3]
        assert [item["change"] for item in heard if item["kind"] == "pane"] == ["opened", "closed"]

    play(tmp_path, scenario, server=server)


def test_a_pane_with_a_forbidden_title_is_listed_and_nothing_more(tmp_path):
    """Neither stored nor served from that push on, whatever the title says later; also after a restart."""
    server, store = FakeServer(), FakeStore()
    server.add(shell(0, 3))
    server.add(shell(1, 3, title="My Secrets"))

    async def scenario(w):
        pane = await w.watched(0)
        await until(lambda: "p1" in w.store.screens)
        w.server.panes[0].title = "secrets of mine"
        w.server.print(0, numbered("hidden", 50))
        await until(lambda: pane.excluded == "title")
        w.server.panes[0].title = "harmless"
        w.server.print(0, numbered("hidden too", 50))
        w.server.tell(TopologyChanged(0))
        await until(lambda: w.server.lists >= 2)
        await w.buffer.flush()
        assert pane.screen.rows == ()
        assert w.panes["p2"].excluded == "title"
        assert sorted(w.panes) == ["p1", "p2"]

    async def nothing_hidden(w):
        for uid in ("p1", "p2"):
            assert not [text for text in w.store.texts(uid) if "hidden" in text]
        assert not any("hidden" in row.text for screen in w.store.screens.values() for row in screen.rows)
        assert "p2" not in w.store.rows

    never = {"title": ("*secrets*",)}
    play(tmp_path, scenario, server=server, store=store, never=never)
    play(tmp_path, nothing_hidden, store=store, server=FakeServer(name="other"))

    async def again(w):
        await until(lambda: len(w.panes) == 2)
        w.server.print(0, numbered("hidden still", 20))
        await asyncio.sleep(0.2)
        assert w.panes["p1"].excluded == "title"
        await nothing_hidden(w)

    server.connections.clear()
    play(tmp_path, again, server=server, store=store)


def test_a_title_that_is_announced_counts_before_any_output(tmp_path):
    """Alerts come before the push that brings the text."""
    server = FakeServer()
    server.add(shell(0, 3))

    async def scenario(w):
        pane = await w.watched(0)
        w.server.tell(Alert(0, 5, "window_title", value="vault"))
        w.server.print(0, numbered("hidden", 20))
        await until(lambda: pane.excluded)
        await w.buffer.flush()
        assert not [text for text in w.store.texts("p1") if "hidden" in text]

    play(tmp_path, scenario, server=server, never={"title": ("vault",)})


def test_a_database_that_is_away_delays_new_panes_and_loses_nothing(tmp_path):
    """A pane cannot be named then; once it can, its scrollback is read."""
    server, store = FakeServer(), FakeStore()
    server.add(shell(0, 3))

    async def scenario(w):
        first = await w.watched(0)
        w.store.failure = "database is locked"
        w.server.add(shell(1, 40))
        w.server.print(0, numbered("held", 20))
        await until(lambda: w.buffer.trouble)
        w.store.failure = None
        second = await w.watched(1)
        await w.stored(second.uid, old(*range(37)))
        await w.stored(first.uid, [*old(0, 1, 2), "$ held 0", *[f"held {n}" for n in range(1, 17)]])

    play(tmp_path, scenario, server=server, store=store)


def test_a_new_sidecar_goes_on_where_the_old_one_stopped(tmp_path):
    """Rows printed while none ran are fetched; nothing is stored twice; uids stay."""
    server, store = FakeServer(), FakeStore()
    server.add(shell(0, 30))

    async def first(w):
        await w.watched(0)
        w.server.print(0, numbered("first", 20))
        await until(lambda: "first 16" in w.store.texts("p1"))

    async def second(w):
        await w.watched(0)
        w.server.print(0, numbered("second", 20))
        expected = [*old(*range(30)), "$ first 0", *[f"first {n}" for n in range(1, 20)]]
        expected += [f"between {n}" for n in range(40)] + [f"second {n}" for n in range(17)]
        await w.stored("p1", expected)

    play(tmp_path, first, server=server, store=store)
    server.connections.clear()
    server.panes[0].print(numbered("between", 40))
    play(tmp_path, second, server=server, store=store)


def test_a_tracker_that_fails_harms_no_other_pane(tmp_path, monkeypatch, caplog):
    """A fault of ours in one pane is logged; the others go on."""
    server = FakeServer()
    server.add(shell(0))
    server.add(shell(1))

    async def scenario(w):
        broken, sound = await w.watched(0), await w.watched(1)

        def fail(seen):
            raise ZeroDivisionError

        monkeypatch.setattr(broken.tracker, "feed", fail)
        w.server.print(0, numbered("x", 10))
        w.server.print(1, numbered("y", 10))
        await w.stored(sound.uid, ["$ y 0", *[f"y {n}" for n in range(1, 7)]])
        assert "tracker failed" in caplog.text

    play(tmp_path, scenario, server=server)


def test_sizes_and_workspaces_are_kept_up_to_date(tmp_path):
    """What a list shows changed goes to the store and to subscribers."""
    server = FakeServer()
    server.add(shell(0))

    async def scenario(w):
        pane = await w.watched(0)
        w.server.panes[0].cols = 120
        w.server.tell(TopologyChanged(0, resized_tab=100))
        await until(lambda: pane.listed.cols == 120 and pane.screen.cols == 120)
        await until(lambda: any(update.cols == 120 for update in w.store.updates))

    play(tmp_path, scenario, server=server)


def test_many_panes_at_once(tmp_path):
    """A hundred panes with history: all adopted, all read, the one that prints is not held up."""
    server = FakeServer()
    for pane_id in range(100):
        server.add(shell(pane_id, 300))

    async def scenario(w):
        await w.watched(0)
        w.server.print(0, numbered("now", 30))
        await until(lambda: "now 20" in w.store.texts(w.session.panes[0].uid), 20)
        await until(lambda: len(w.panes) == 100, 20)
        await until(lambda: sum(len(rows) for rows in w.store.rows.values()) >= 100 * 297, 20)

    play(tmp_path, scenario, server=server)


def test_gaps_of_a_full_memory_join_the_stream(tmp_path):
    """When the database is away for too long, what was dropped is one gap of the exact size."""
    server, store = FakeServer(), FakeStore()
    server.add(shell(0))

    async def scenario(w):
        pane = await w.watched(0)
        w.buffer._limit = 20_000
        w.store.failure = "disk full"
        for n in range(30):
            w.server.print(0, numbered(f"b{n}", 20))
            await asyncio.sleep(0.001)
        await until(lambda: w.buffer.rows_dropped)
        await until(lambda: pane.tracker.next_row >= 590)
        w.store.failure = None
        await until(lambda: w.buffer.bytes == 0)
        w.server.print(0, numbered("after", 20))
        await until(lambda: "after 10" in w.store.texts(pane.uid))
        full = [gap for gap in w.store.gaps[pane.uid] if gap.reason is GapReason.STORE_FULL]
        # One for what was being written when the limit was reached, one for all that came after it.
        assert len(full) <= 2
        assert sum(gap.missing for gap in full) == w.buffer.rows_dropped == w.store.texts(pane.uid).count(None)

    play(tmp_path, scenario, server=server, store=store)


def test_stopping_saves_the_final_screens(tmp_path):
    """What stands on the screens when the session ends is what the store has."""
    server, store = FakeServer(), FakeStore()
    server.add(shell(0, 3))

    async def scenario():
        async with world(tmp_path, server=server, store=store) as w:
            await w.watched(0)
            w.server.print(0, "the last word")
            await until(lambda: w.session.panes[0].screen.rows[-1].text.endswith("word"))

    asyncio.run(scenario())
    assert store.screens["p1"].rows[-1].text == "$ the last word"
