"""Bells and toasts reach subscribers, and no flood of them reaches anybody."""

from engine.agent_world import play, screen_pane
from engine.wire import until
from wa.model.observation import Alert
from wa.wezterm.terminal import SourceKind


def alerts(w):
    return [item for item in w.told if item["kind"] == "alert"]


def ring(w, times=1, *, pane_id=0, what="bell", title="", body=""):
    for _ in range(times):
        w.server.tell(Alert(pane_id, 1234, what, title, body))


async def pane_of(w, pane_id=0, **options):
    w.server.add(screen_pane(pane_id, **options))
    return await w.watched(pane_id)


def test_bells_and_toasts_are_told_with_what_they_say(tmp_path):
    """Redacted, and with the way by which they came."""

    async def scenario(w):
        pane = await pane_of(w)
        ring(w)
        ring(w, what="toast", title="build", body="export TOKEN=ghp_q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsE")
        await until(lambda: len(alerts(w)) == 2)
        bell, toast = alerts(w)
        assert bell == {
            "kind": "alert", "pane_uid": pane.uid, "at_ms": 1234, "what": "bell", "title": "", "body": "", "via": "push"
        }  # fmt: skip
        assert toast["title"] == "build"
        assert "ghp_" not in toast["body"]

    play(tmp_path, scenario)


def test_ten_thousand_bells_are_few_and_named(tmp_path):
    """Subscribers hear some, doctor names the pane, and another pane's toast comes through."""

    async def scenario(w):
        loud = await pane_of(w, 0)
        other = await pane_of(w, 1, tty="/dev/pts/5")
        ring(w, 10_000)
        ring(w, pane_id=1, what="toast", body="done")
        await until(lambda: alerts(w) and alerts(w)[-1]["pane_uid"] == other.uid)
        assert sum(item["pane_uid"] == loud.uid for item in alerts(w)) < 100
        (trouble,) = w.shared.troubles.lately()
        assert (trouble.where, trouble.times > 5_000) == (loud.uid, True)

    play(tmp_path, scenario)


def test_alike_ones_at_once_are_one_and_different_ones_are_not(tmp_path):
    """Two toasts that say different things are two."""

    async def scenario(w):
        await pane_of(w)
        ring(w, 5, what="toast", body="one")
        ring(w, 5, what="toast", body="two")
        await until(lambda: len(alerts(w)) == 2)
        assert [item["body"] for item in alerts(w)] == ["one", "two"]
        w.server.clock.ahead_ms += 100
        ring(w, what="toast", body="one")
        await until(lambda: len(alerts(w)) == 3)

    play(tmp_path, scenario)


def test_a_bell_that_push_tells_is_not_told_by_the_plugin_too(tmp_path):
    """Where nothing is pushed, the plugin's is."""

    async def scenario(w):
        pane = await pane_of(w)
        pane.mux = pane.mux._replace(started="4711-99")
        frame = {"at_ms": 1, "gui": 4711, "pane_id": 0, "domain": "local"}
        w.shared.alerts.told(frame, None)
        assert alerts(w) == []
        pane.source = SourceKind.CLI
        w.shared.alerts.told(frame | {"gui": 4712}, None)
        w.shared.alerts.told(frame | {"gui": [4711]}, None)
        w.shared.alerts.told(frame, None)
        assert [item["via"] for item in alerts(w)] == ["lua"]

    play(tmp_path, scenario)
