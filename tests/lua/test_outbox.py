"""The queue and the emitter: one at a time, bounded, silent when nobody listens, and nothing lost that need not be."""

from __future__ import annotations

import json
import stat
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.lua_stage import Stage


class Box:
    """An outbox alone; `flush` runs as a task of WezTerm's does."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.fake = self.stage.fake
        self.lua = self.stage.lua
        settings = self.lua.execute("return require('wa_plugin.settings')")
        self.box: Any = self.lua.execute("return require('wa_plugin.outbox').new(...)", settings)
        self.lua.execute(
            "local box = ...; local w = require('wezterm');"
            " w.on('flush', function() box:flush() end); w.on('back', function() box:flush_in_background() end)",
            self.box,
        )

    def put(self, name: str = "var", pane: int | None = 1, **fields: Any) -> None:
        self.box.put(self.box, self.lua.table_from({"name": name, "pane_id": pane, **fields}))

    def flush(self) -> None:
        self.fake.fire("flush")

    @property
    def queued(self) -> list[dict[str, Any]]:
        return [dict(event.items()) for event in self.box.queue.values()]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def files(argv: list[str]) -> Path:
    return Path(argv[argv.index("--file") + 1])


def test_one_emitter_at_a_time_and_the_rest_follows(box: Box) -> None:
    """What is put while one is under way is told by the next, in order; the command names files and nothing else."""
    box.put(value="1")
    box.flush()
    box.put(value="2")
    box.put(value="3")
    box.flush()
    assert len(box.stage.processes()) == 1
    (argv,) = box.stage.processes()
    assert argv[:8] == ["/py", "-I", "-S", "/emit.py", "--socket", "/s", "--spool", "/spool"]
    assert [e["value"] for e in box.stage.take(files(argv))] == ["1"]
    box.fake.finish(True, "", "")

    assert len(box.stage.processes()) == 2
    assert [e["value"] for e in box.stage.take(files(box.stage.processes()[1]))] == ["2", "3"]
    box.fake.finish(True, "", "")
    assert not box.fake.finish(True, "", "")
    assert box.queued == []


def test_batches_are_bounded(box: Box) -> None:
    """No task of Lua's takes long: 50 events, or 32 KiB, at a time."""
    box.stage.run_emitters()
    for n in range(60):
        box.put(pane=n, value=str(n))
    box.flush()
    assert [len(batch) for batch in box.stage.batches] == [50, 10]
    box.stage.batches.clear()
    for n in range(10):
        box.put(pane=n, value="x" * 8000)
    box.flush()

    assert [len(batch) for batch in box.stage.batches] == [4, 4, 2]


def test_a_flood_of_events_is_no_flood_of_processes(box: Box) -> None:
    """Eight at once, then eight a second, however fast events come; a pause gives the eight back."""
    box.stage.run_emitters()
    began = box.fake.now_ms
    for n in range(100):
        box.put(value=str(n))
        box.flush()
    assert (box.fake.now_ms - began) == pytest.approx((100 - 8) * 125, abs=200)
    assert [e["value"] for e in box.stage.told] == [str(n) for n in range(100)]
    box.fake.now_ms += 2000
    began = box.fake.now_ms
    for n in range(8):
        box.put(value=str(n))
        box.flush()

    assert box.fake.now_ms == began


def test_without_a_sidecar_attempts_grow_rare(box: Box) -> None:
    """A quarter of a second apart, a half … 60 seconds; what was spooled is not told again; one line in the log, ever."""
    box.stage.run_emitters(told=False)
    attempts: list[int] = []
    for tick in range(1600):
        box.put(value=str(tick))
        box.flush()
        attempts += [box.fake.now_ms] * (len(box.stage.processes()) - len(attempts))
        box.fake["pass"](250)
        attempts += [box.fake.now_ms] * (len(box.stage.processes()) - len(attempts))

    assert [b - a for a, b in pairwise(attempts)][:10] == [250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]
    assert len(box.stage.logs()) == 1
    values = [event["value"] for event in box.stage.told]
    assert len(values) == len(set(values))
    assert len(box.stage.processes()) <= 16


def test_what_waits_is_told_when_the_sidecar_is_back(box: Box) -> None:
    """Without another event: the task that failed tries again; one success ends the waiting."""
    box.stage.run_emitters(told=False)
    box.put(value="1")
    box.flush()
    box.put(value="2")
    box.flush()
    box.stage.run_emitters()
    box.fake["pass"](250)
    assert [e["value"] for e in box.stage.told] == ["1", "2"]
    box.put(value="3")
    box.flush()

    assert [e["value"] for e in box.stage.told] == ["1", "2", "3"]


def test_what_no_emitter_took_is_kept(box: Box, tmp_path: Path) -> None:
    """Python is missing, or died: the events go back to their place, and the file is removed."""
    box.put(value="1")
    box.stage.run_emitters(told=False, removes=False)
    box.flush()
    box.put(value="2", var="b")

    assert [e["value"] for e in box.queued] == ["1", "2"]
    assert list(tmp_path.iterdir()) == []


def test_a_transport_that_raises_breaks_nothing(box: Box, tmp_path: Path) -> None:
    """The error stands in the log, once; the events are told when it works again."""
    box.fake.run = box.lua.execute("return function() error('no such file: /py') end")
    box.put(value="1")
    box.flush()
    box.put(value="2", var="b")
    assert box.stage.logs() == []
    box.fake["pass"](1000)
    assert len(box.stage.logs()) == 1
    assert "/py" in box.stage.logs()[0]
    box.stage.run_emitters()
    box.fake["pass"](2000)

    assert [e["value"] for e in box.stage.told] == ["1", "2"]
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_sleep_a_later_event_tries_again(box: Box) -> None:
    """Not before the wait is over."""
    box.lua.execute("require('wezterm').sleep_ms = function() error('cannot') end")
    box.stage.run_emitters(told=False)
    box.put(value="1")
    box.flush()
    box.put(value="2")
    box.flush()
    assert len(box.stage.processes()) == 1
    box.fake.now_ms += 1000
    box.flush()

    assert len(box.stage.processes()) == 2


def test_two_hundred_are_kept_the_newest(box: Box) -> None:
    """Nobody listens for long: memory stays bounded, and what tells of panes outlives what panes say."""
    box.put("topology", None, opened="x")
    for n in range(5000):
        box.put(pane=n % 900, value=str(n))

    assert len(box.queued) == 200
    assert box.queued[0]["name"] == "topology"
    assert [e["value"] for e in box.queued[1:]] == [str(n) for n in range(4801, 5000)]


def test_one_pane_cannot_push_out_the_others(box: Box) -> None:
    """A pane has 64 places."""
    box.put(pane=7, value="quiet")
    for n in range(10_000):
        box.put(pane=1, value=str(n))

    assert [e["value"] for e in box.queued] == ["quiet", *(str(n) for n in range(9936, 10_000))]


def test_the_same_of_the_same_pane_is_one(box: Box) -> None:
    """Bells, focus, acts of one kind, the same value again; other values are other news, until nobody listens."""
    for _ in range(5):
        box.put("bell", 1)
        box.put("bell", 2)
        box.put("act", 1, what="pause")
        box.put("act", 1, what="resume")
        box.put("focus", 1, window_id=1)
        box.put("var", 1, var="WA_CMD", value="a")
        box.put("var", 1, var="WA_CMD", value="b")
        box.put("topology", None)
    assert [(e["name"], e.get("pane_id")) for e in box.queued if e["name"] != "topology"] == [
        ("bell", 1),
        ("bell", 2),
        ("act", 1),
        ("act", 1),
        ("focus", 1),
        ("var", 1),
        ("var", 1),
    ]
    assert sum(e["name"] == "topology" for e in box.queued) == 5


def test_an_emitter_that_never_returns_blocks_for_ten_seconds_only(box: Box) -> None:
    """WezTerm may drop a task; the next event starts another one."""
    box.put(value="1")
    box.flush()
    box.put(value="2")
    box.fake.now_ms += 9_000
    box.flush()
    assert len(box.stage.processes()) == 1
    box.fake.now_ms += 2_000
    box.flush()

    assert len(box.stage.processes()) == 2


def test_a_clock_set_back_silences_nobody(box: Box) -> None:
    """What a lost task would have waited for is no reason to wait for hours."""
    box.put()
    box.flush()
    box.fake.now_ms -= 10_000_000
    box.put(value="2")
    box.flush()

    assert len(box.stage.processes()) == 2


def test_the_runtime_folder_is_made_when_it_is_missing(tmp_path: Path) -> None:
    """Each login begins with an empty one."""
    box = Box(tmp_path / "run" / "wa")
    box.stage.run_emitters()
    box.put(value="1")
    box.flush()

    assert [argv[-2] for argv in box.stage.processes()] == ["--folder", "--file"]
    assert [e["value"] for e in box.stage.told] == ["1"]


def test_a_value_that_is_no_text_takes_no_other_along(box: Box) -> None:
    """What cannot be encoded is dropped, the rest is told."""
    box.stage.run_emitters()
    box.put(value="1")
    box.box.put(box.box, box.lua.execute("return {name = 'var', value = '\\xff'}"))
    box.put(value="2")
    box.flush()

    assert [e["value"] for e in box.stage.told] == ["1", "2"]


def test_in_the_background_nothing_is_waited_for(box: Box, tmp_path: Path) -> None:
    """One process, its file, and no task that waits."""
    box.put(value="1")
    assert box.fake.fire("back")
    (process,) = box.fake.processes.values()

    assert process.background is True
    (line,) = files(list(process.args.values())).read_text().splitlines()
    assert json.loads(line)["value"] == "1"
    assert box.queued == []
    assert stat.S_ISREG(files(list(process.args.values())).stat().st_mode)
