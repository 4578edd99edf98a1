"""Telling a person: once, not of the pane in focus, not in quiet hours, and never in the way of anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from store.world import opened
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.act.workflow import Context
from wa.config.settings import NotifySettings, Settings
from wa.engine import notices as engine_notices
from wa.engine import tasks
from wa.engine.notice_text import plain, way_to
from wa.engine.notice_watch import NoticeWatch
from wa.engine.notices import MAX_WAITING, Notices
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.engine.run_driver import Mode, Run
from wa.helpers.notify import Message, NotifyError
from wa.ingest.tracker import PaneTracker
from wa.model.action import HumanSign
from wa.model.agent import NO_AGENT, Dialog, Limit, PaneState
from wa.model.command import Ending, Notify, Trigger
from wa.model.errors import StoreError, UsageError
from wa.model.identity import MuxInstance, Pane
from wa.store.notices import NoticeReader, NoticeWriter
from wa.wezterm.terminal import SourceKind

NOW_MS = int(datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp() * 1000)
DEFAULTS = replace(Settings.defaults().notify, channels=("fake",))
ASKS = Notify("codex asks", "Run it?")
DONE = Notify("Session ended", "5 tokens", needs_you=False)


class Clock:
    def __init__(self) -> None:
        self.at_ms = NOW_MS

    def now_ms(self) -> int:
        return self.at_ms

    monotonic_ms = now_ms


class Way:
    """Keeps what it is given; fails as told."""

    def __init__(self, name: str = "fake", *failures: BaseException) -> None:
        self.name = name
        self.failures = list(failures)
        self.got: list[Message] = []
        self.holds: asyncio.Event | None = None

    async def deliver(self, message: Message) -> None:
        if self.holds is not None:
            await self.holds.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.got.append(message)


class Eye:
    """What Presence says."""

    def __init__(self, sign: HumanSign) -> None:
        self._sign = sign
        self.polled = 0

    async def poll(self, _: WatchedPane) -> None:
        self.polled += 1

    def sign(self, _: WatchedPane) -> HumanSign:
        return self._sign


def watched(uid: str = "p1", number: int = 7, *, host: str = "", title: str = "demo") -> WatchedPane:
    mux = MuxInstance("local", host, "/run/user/1000/wezterm/a sock", "1-1")
    listed = Pane(number, 1, 1, "default", title, None, 80, 24, True, False, None, "", "", 0, (0, 0))
    return WatchedPane(uid, mux, listed, PaneTracker(number), SourceKind.PUSH)


class Stage:
    def __init__(self, notices: Notices, reader: NoticeReader, way: Way, registry: Registry, clock: Clock) -> None:
        self.notices, self.reader, self.way, self.registry, self.clock = notices, reader, way, registry, clock

    async def settled(self) -> list[Any]:
        async with asyncio.timeout(10):
            while not self.notices.idle:  # noqa: ASYNC110 - it has no event of its own
                await asyncio.sleep(0.005)
        return await self.reader.notices(since_ms=None, limit=1000)


def on_stage(
    folder: Path,
    scenario: Callable[[Stage], Awaitable[None]],
    settings: NotifySettings = DEFAULTS,
    *,
    way: Way | None = None,
    focus: Eye | None = None,
    zone: str = "UTC",
) -> None:
    async def inside() -> None:
        async with opened(folder / "wa.db") as (writer, reader):
            clock, registry, used = Clock(), Registry(), way or Way()
            uid = await writer.pane_uid(watched().mux, watched().listed, 1)
            registry.add(watched(uid))
            notices = Notices(
                settings, NoticeWriter(writer), registry, clock, zone=zone, focus=focus, ways=[used], again_s=(0, 0)
            )
            running = tasks.spawn(notices.run(), name="notices")
            try:
                await scenario(Stage(notices, NoticeReader(reader), used, registry, clock))
            finally:
                await tasks.cancel([running])

    asyncio.run(inside())


# -- once ------------------------------------------------------------------------------------------------------------


def test_a_notice_arrives_with_the_way_to_its_pane(tmp_path: Path) -> None:
    """And what became of it is on record."""

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "k", "stuck")
        [record] = await stage.settled()
        assert record.delivered == {"fake": "delivered"}
        [message] = stage.way.got
        assert (message.title, message.body, message.needs_you) == ("codex asks (p1, demo)", "Run it?", True)
        assert "activate-pane --pane-id 7" in message.command
        assert "'/run/user/1000/wezterm/a sock'" in message.command

    on_stage(tmp_path, scenario)


def test_two_of_one_key_are_one(tmp_path: Path) -> None:
    """Within a day; then it is news again."""

    async def scenario(stage: Stage) -> None:
        for _ in range(3):
            stage.notices.tell("p1", ASKS, "k", "")
        await stage.settled()
        stage.clock.at_ms += 86_400_001
        stage.notices.tell("p1", ASKS, "k", "")
        assert len(await stage.settled()) == len(stage.way.got) == 2

    on_stage(tmp_path, scenario)


def test_a_restart_tells_nothing_twice(tmp_path: Path) -> None:
    """The key is on record."""

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "k", "")
        await stage.settled()

    first, second = Way(), Way()
    on_stage(tmp_path, scenario, way=first)
    on_stage(tmp_path, scenario, way=second)

    assert (len(first.got), len(second.got)) == (1, 0)


# -- whether ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "told"),
    [
        (HumanSign(focused=True, input_s=5), False),
        (HumanSign(focused=True, input_s=None), False),
        (HumanSign(focused=True, input_s=600), True),
        (HumanSign(focused=False, typed_s=1), True),
    ],
)
def test_nobody_is_told_of_the_pane_they_look_at(tmp_path: Path, sign: HumanSign, told: bool) -> None:
    """In focus, and its terminal was used lately: who went away from it is told."""

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "k", "")
        [record] = await stage.settled()
        assert bool(stage.way.got) is told
        assert record.delivered == {"fake": "delivered" if told else "suppressed: the pane is in focus"}

    on_stage(tmp_path, scenario, focus=Eye(sign))


@pytest.mark.parametrize(
    ("begin", "end", "zone", "quiet"),
    [
        ("22:00", "07:00", "UTC", False),
        ("22:00", "07:00", "Asia/Tokyo", False),  # 21:00
        ("20:00", "07:00", "Asia/Tokyo", True),
        ("11:59", "12:01", "UTC", True),
        ("12:00", "12:00", "UTC", False),
        ("12:01", "11:59", "UTC", False),
        ("13:00", "12:00", "UTC", False),
        ("06:59", "07:01", "America/New_York", True),
        ("", "", "UTC", False),
    ],
)
def test_quiet_hours_are_those_of_the_zone(tmp_path: Path, begin: str, end: str, zone: str, quiet: bool) -> None:
    """12:00 UTC; they may go over midnight, and their end is no part of them."""
    settings = replace(DEFAULTS, quiet_from=begin, quiet_to=end, zone=zone)

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "k", "")
        [record] = await stage.settled()
        assert record.delivered == {"fake": "suppressed: quiet hours" if quiet else "delivered"}

    on_stage(tmp_path, scenario, settings)


@pytest.mark.parametrize(("settings", "told"), [({"quiet_needs_you": True}, ["codex asks"]), ({}, [])])
def test_what_needs_a_person_may_come_through(tmp_path: Path, settings: dict[str, Any], told: list[str]) -> None:
    """Where the settings say so; what is only done does not."""

    async def scenario(stage: Stage) -> None:
        stage.notices.tell(None, ASKS, "a", "")
        stage.notices.tell(None, DONE, "b", "")
        await stage.settled()
        assert [message.title for message in stage.way.got] == told

    on_stage(tmp_path, scenario, replace(DEFAULTS, quiet_from="11:00", quiet_to="13:00", **settings))


def test_what_is_done_can_be_turned_off(tmp_path: Path) -> None:
    """What needs you is told still."""

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", DONE, "a", "")
        stage.notices.tell("p1", ASKS, "b", "")
        await stage.settled()
        assert [message.needs_you for message in stage.way.got] == [True]

    on_stage(tmp_path, scenario, replace(DEFAULTS, tell=("needs_you",)))


def test_of_an_excluded_pane_nothing_is_told(tmp_path: Path) -> None:
    """It is never looked at."""

    async def scenario(stage: Stage) -> None:
        pane = stage.registry.get("p1")
        assert pane is not None
        pane.excluded = "title"
        stage.notices.tell("p1", ASKS, "k", "")
        await stage.settled()
        assert stage.way.got == []

    on_stage(tmp_path, scenario)


# -- what a pane printed ---------------------------------------------------------------------------------------------


def test_what_a_pane_printed_steers_nothing(tmp_path: Path) -> None:
    """No control character, no turned order, one line, cut."""
    evil = Notify("a\x1b]0;x\x07\u202eb\nc", "x" * 5000 + "\x00")

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", evil, "k", "")
        [record] = await stage.settled()
        [message] = stage.way.got
        for text in (message.title, message.body, record.title, record.body):
            assert text.isprintable()
        assert len(message.body) <= 600

    on_stage(tmp_path, scenario)


@pytest.mark.parametrize("split", ["", "\u200b", "\x00"])
def test_no_secret_leaves_the_process(split: str) -> None:
    """Nor one that a control character takes apart."""
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9" + split + "j0K1l2M3n4O5p6Q7r8"

    assert secret.replace(split, "") not in plain(f"key {secret}", 500).replace(" ", "")


def test_the_way_to_a_remote_pane_goes_over_ssh() -> None:
    """Quoted: a host is a name from a file."""
    assert way_to(watched(host="box; rm")).startswith("ssh 'box; rm' wezterm cli")


# -- never in the way ------------------------------------------------------------------------------------------------


def test_a_way_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Taking in returns at once, however many wait; the queue is bounded, and what needs a person comes first in it."""

    async def scenario(stage: Stage) -> None:
        stage.way.holds = asyncio.Event()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(2 * MAX_WAITING):
            stage.notices.tell("p1", DONE, f"done {number}", "")
        for number in range(50):
            stage.notices.tell("p1", ASKS, f"asks {number}", "")
        assert loop.time() - began < 1.0
        assert stage.notices.dropped == MAX_WAITING + 50
        stage.way.holds.set()
        await stage.settled()
        assert sum(message.needs_you for message in stage.way.got) == 50

    on_stage(tmp_path, scenario)


def test_what_fails_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    """Three times in all."""
    again = [NotifyError("busy", again=True) for _ in range(2)]

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "k", "")
        [record] = await stage.settled()
        assert record.delivered == {"fake": "delivered"}

    on_stage(tmp_path, scenario, way=Way("fake", *again))


@pytest.mark.parametrize(
    ("failure", "said"),
    [(NotifyError("it said no"), "failed: it said no"), (ValueError("x"), "failed: ValueError")],
)
def test_what_fails_for_good_is_written_down_and_the_next_is_told(
    tmp_path: Path, failure: Exception, said: str
) -> None:
    """Also where a way has a fault of its own."""

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "a", "")
        stage.notices.tell("p1", ASKS, "b", "")
        second, first = await stage.settled()
        assert sorted([first.delivered["fake"], second.delivered["fake"]]) == sorted([said, "delivered"])

    on_stage(tmp_path, scenario, way=Way("fake", failure))


def test_a_database_that_is_gone_keeps_nobody_in_the_dark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told all the same, once."""

    async def broken(*_: object, **__: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(NoticeWriter, "add", broken)

    async def scenario(stage: Stage) -> None:
        stage.notices.tell("p1", ASKS, "k", "")
        stage.notices.tell("p1", ASKS, "k", "")
        await stage.settled()
        assert len(stage.way.got) == 1

    on_stage(tmp_path, scenario)


# -- trying, and runs ------------------------------------------------------------------------------------------------


def test_a_test_says_of_each_way_whether_it_arrived(tmp_path: Path) -> None:
    """At once, in quiet hours too; a way that is not set is named."""
    settings = replace(DEFAULTS, quiet_from="11:00", quiet_to="13:00")

    async def scenario(stage: Stage) -> None:
        assert await stage.notices.test() == {"fake": "failed: no"}
        assert await stage.notices.test(["fake"]) == {"fake": "delivered"}
        with pytest.raises(UsageError, match="ntfy"):
            await stage.notices.test(["ntfy"])

    on_stage(tmp_path, scenario, settings, way=Way("fake", NotifyError("no", again=True)))


def test_the_end_of_a_run_is_told_as_done_where_it_is_news(tmp_path: Path) -> None:
    """Once per run."""

    async def scenario(stage: Stage) -> None:
        context = Context(Trigger("usage.limit", "p1", 1), {}, {}, 7)
        for number, outcome, mode in (
            (1, "resumed", Mode.LIVE),
            (1, "resumed", Mode.LIVE),
            (2, "already_gone_on", Mode.LIVE),
            (3, "primed", Mode.LIVE),
            (4, "resumed", Mode.OBSERVE),
            (6, "handed_over", Mode.LIVE),
        ):
            run = Run(number, HANDLE_USAGE_LIMITS, context, mode, 1, "1")
            stage.notices.run_ended(run, Ending(outcome, "Work goes on."))
        failed = Run(5, HANDLE_USAGE_LIMITS, context, Mode.LIVE, 1, "1")
        stage.notices.run_ended(failed, Ending("draft", "It told so itself.", failed=True))
        await stage.settled()
        assert sorted(message.title.partition(" (")[0] for message in stage.way.got) == [
            "handle_usage_limits: primed",
            "handle_usage_limits: resumed",
        ]

    on_stage(tmp_path, scenario)


def test_the_ways_are_those_of_the_settings_once_each() -> None:
    """In their order."""
    settings = replace(Settings.defaults().notify, channels=("ntfy", "desktop", "ntfy", "webhook"))

    assert [way.name for way in engine_notices.ways_of(settings)] == ["ntfy", "desktop", "webhook"]


# -- what nobody handles ---------------------------------------------------------------------------------------------


class Ear:
    """In place of Notices."""

    def __init__(self) -> None:
        self.told: list[tuple[str | None, Notify, str]] = []
        self.handled: set[str] = set()

    def tell(self, pane_uid: str | None, notify: Notify, key: str, _: str) -> None:
        self.told.append((pane_uid, notify, key))

    def told_lately(self, prefix: str, _: int) -> bool:
        return any(key.startswith(prefix) for key in self.handled)


def looked(ear: Ear, clock: Clock, pane: WatchedPane) -> NoticeWatch:
    return NoticeWatch(ear, [pane], clock, waits_s=8)  # type: ignore[arg-type]


def in_state(pane: WatchedPane, state: PaneState, since_ms: int, **more: Any) -> None:
    pane.agent = NO_AGENT._replace(agent="codex", state=state, since_ms=since_ms, **more)


def test_a_question_that_stands_is_told_once() -> None:
    """Eight seconds; the next question is another one."""
    ear, clock, pane = Ear(), Clock(), watched()
    watch = looked(ear, clock, pane)
    dialog = Dialog("r", "waiting.approval", "Run \x1b[31mit?", ("Yes", "No"), 0)
    in_state(pane, PaneState.WAITING_APPROVAL, NOW_MS, dialog=dialog)
    for ahead_s in (0, 7.9, 8, 9, 600):
        clock.at_ms = NOW_MS + int(ahead_s * 1000)
        watch.look()
        assert len(ear.told) == (ahead_s >= 8)
    assert ear.told[0][1] == Notify("codex asks for approval", "Run [31mit? [Yes / No]")

    in_state(pane, PaneState.WAITING_APPROVAL, clock.at_ms, dialog=dialog)
    clock.at_ms += 8000
    watch.look()

    assert len({key for _, _, key in ear.told}) == 2


@pytest.mark.parametrize("state", [state for state in PaneState if state.startswith("waiting.")])
def test_every_state_that_waits_for_a_person_is_told(state: PaneState) -> None:
    """None is left out."""
    ear, clock, pane = Ear(), Clock(), watched()
    in_state(pane, state, NOW_MS - 8000)

    looked(ear, clock, pane).look()

    assert [notify.needs_you for _, notify, _ in ear.told] == [True]


@pytest.mark.parametrize(
    "state", [PaneState.WORKING, PaneState.IDLE, PaneState.SHELL, PaneState.UNKNOWN, PaneState.COMPACTING]
)
def test_of_what_needs_nobody_nothing_is_told(state: PaneState) -> None:
    """Work, rest, and what is not known."""
    ear, clock, pane = Ear(), Clock(), watched()
    in_state(pane, state, NOW_MS - 8000)

    looked(ear, clock, pane).look()

    assert ear.told == []


def test_a_limit_is_told_where_no_workflow_took_it_in_hand() -> None:
    """With the reset as printed; an agent that goes on by itself needs nobody."""
    clock, pane = Clock(), watched()
    for handled, itself, expected in ((False, False, [True]), (False, True, [False]), (True, False, [])):
        ear = Ear()
        ear.handled = {"limit:p1:5"} if handled else set()
        in_state(pane, PaneState.LIMITED, NOW_MS - 8000, limit=Limit("6:38 AM", None, None, None, itself))
        looked(ear, clock, pane).look()
        assert [notify.needs_you for _, notify, _ in ear.told] == expected
        assert all("6:38 AM" in notify.body for _, notify, _ in ear.told)


def test_a_lost_sign_in_that_a_workflow_told_is_not_told_twice() -> None:
    """The workflow knows the next step."""
    clock, pane = Clock(), watched()
    in_state(pane, PaneState.AUTH_ERROR, NOW_MS - 8000)
    ear = Ear()
    ear.handled = {"auth:p1:77"}
    looked(ear, clock, pane).look()
    assert ear.told == []

    ear = Ear()
    looked(ear, clock, pane).look()
    assert len(ear.told) == 1


def test_excluded_and_closed_panes_are_not_looked_at() -> None:
    """Nothing of them is told."""
    ear, clock, pane = Ear(), Clock(), watched()
    in_state(pane, PaneState.WAITING_APPROVAL, NOW_MS - 8000)
    pane.excluded = "title"
    looked(ear, clock, pane).look()
    pane.excluded, pane.alive = None, False
    looked(ear, clock, pane).look()

    assert ear.told == []
