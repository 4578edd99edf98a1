"""Telling a person: once per reason, not of the pane in focus, not in quiet hours, and never in the way of an action.

`tell` only takes it in. Workers write it down, which is also how a second one of the same key is found, and then try each way, again
after a while where that may help.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from wa.config.settings import AddressSettings, NotifySettings
from wa.engine.desk_seams import Persons
from wa.engine.notice_text import MAX_BODY, MAX_TITLE, called, plain, way_to
from wa.engine.pane import WatchedPane
from wa.engine.registry import Registry
from wa.engine.run_driver import Mode, Run
from wa.helpers.notify import Destination, Message, Notifier, NotifyError
from wa.helpers.notify_desktop import DesktopNotifier
from wa.helpers.notify_ntfy import NtfyNotifier
from wa.helpers.notify_webhook import WebhookNotifier
from wa.model.clock import Clock
from wa.model.command import Ending, Notify
from wa.model.errors import StoreError, UsageError
from wa.protocol.envelope import iso
from wa.store.notices import NoticeWriter
from wa.store.records import DAY_MS

log = logging.getLogger(__name__)

MAX_WAITING = 200
WORKERS = 4
AGAIN_S = (1.0, 5.0, 25.0)
"""Pauses before a way is tried once more."""
DELIVERED = "delivered"
MAX_KEYS = 2_000
UNREMARKABLE = frozenset(
    {
        *("already_gone_on", "already_back", "printed_again", "not_configured", "passed", "moved_on", "told"),
        *("agent_gone", "pane_gone", "limited", "too_late", "aborted", "handed_over", "resumed_in_new_pane"),
        "denied",
    }
)
"""Endings of runs that are no news, or of which their workflow told itself."""


class _Wish(NamedTuple):
    key: str
    at_ms: int
    pane_uid: str | None
    needs_you: bool
    title: str
    body: str


class Notices:
    def __init__(
        self,
        settings: NotifySettings,
        store: NoticeWriter,
        registry: Registry,
        clock: Clock,
        *,
        zone: str,
        focus: Persons | None = None,
        ways: Sequence[Notifier] | None = None,
        again_s: Sequence[float] = AGAIN_S,
    ) -> None:
        """*zone* is this machine's. *ways*: in place of those of the settings."""
        self._local_zone = zone
        self._store = store
        self._registry = registry
        self._clock = clock
        self._focus = focus
        self.use(settings, ways)
        self._again_s = again_s
        self._waiting: deque[_Wish] = deque()
        self._wanted = asyncio.Event()
        self._known: OrderedDict[str, int] = OrderedDict()
        self._failing: dict[str, str] = {}
        """Ways that failed the last time, and why: said once in the log, not for each of a hundred panes."""
        self._busy = 0
        self.dropped = 0

    def use(self, settings: NotifySettings, ways: Sequence[Notifier] | None = None) -> None:
        """From now on; what is being delivered goes by the ways that it began with."""
        self._settings = settings
        self._zone = settings.zone or self._local_zone
        self._ways = list(ways) if ways is not None else ways_of(settings)

    # -- taking in --------------------------------------------------------------------------------------------------

    def tell(self, pane_uid: str | None, notify: Notify, key: str, workflow: str) -> None:
        """Takes it for delivery and does not wait; two of one *key* within a day are one."""
        now_ms = self._clock.now_ms()
        known_ms = self._known.get(key)
        if known_ms is not None and 0 <= now_ms - known_ms < DAY_MS:
            return
        self._remember(key, now_ms)
        if len(self._waiting) >= MAX_WAITING and not self._make_room(needed=notify.needs_you):
            self.dropped += 1
            log.warning("notice dropped", extra={"pane": pane_uid, "workflow": workflow, "waiting": MAX_WAITING})
            return
        title, body = plain(notify.title, MAX_TITLE), plain(notify.body, MAX_BODY)
        self._waiting.append(_Wish(key, now_ms, pane_uid, notify.needs_you, title, body))
        self._wanted.set()

    def run_ended(self, run: Run, ending: Ending) -> None:
        """Told as done, where that is news: a run that acted, and did not tell of its failure itself."""
        if run.mode is Mode.LIVE and not ending.failed and ending.outcome not in UNREMARKABLE:
            name = run.workflow.name
            notify = Notify(f"{name}: {ending.outcome}", ending.detail, needs_you=False)
            self.tell(run.pane_uid, notify, f"run:{run.id}", name)

    def told_lately(self, prefix: str, within_ms: int) -> bool:
        """Whether something of a key that begins so was taken in within that time."""
        since_ms = self._clock.now_ms() - within_ms
        return any(at_ms >= since_ms and key.startswith(prefix) for key, at_ms in self._known.items())

    def _remember(self, key: str, now_ms: int) -> None:
        self._known[key] = now_ms
        self._known.move_to_end(key)
        while len(self._known) > MAX_KEYS:
            self._known.popitem(last=False)

    def _make_room(self, *, needed: bool) -> bool:
        """What needs a person takes the place of what does not."""
        idle = next((wish for wish in self._waiting if not wish.needs_you), None) if needed else None
        if idle is None:
            return False
        self._waiting.remove(idle)
        self.dropped += 1
        log.warning("notice dropped", extra={"pane": idle.pane_uid, "waiting": MAX_WAITING})
        return True

    # -- delivering -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ends by cancellation."""
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(self._work(), name=f"notices {number}")

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._wanted.clear()
                await self._wanted.wait()
            wish = self._waiting.popleft()
            self._busy += 1
            try:
                await self._handle(wish)
            except Exception:
                # Whatever is wrong with one notice, the next is told.
                log.exception("notice failed", extra={"pane": wish.pane_uid})
            finally:
                self._busy -= 1

    @property
    def idle(self) -> bool:
        return not self._waiting and not self._busy

    async def _handle(self, wish: _Wish) -> None:
        notice: int | None = None
        try:
            notice = await self._store.add(
                wish.key,
                wish.at_ms,
                wish.pane_uid,
                needs_you=wish.needs_you,
                title=wish.title,
                body=wish.body,
                within_ms=DAY_MS,
            )
            if notice is None:
                return
        except StoreError as error:
            # A person is told all the same.
            log.warning("notice not written down", extra={"reason": error.message})
        pane = None if wish.pane_uid is None else self._registry.get(wish.pane_uid)
        why_not = await self._suppressed(wish, pane)
        if why_not:
            how = {way.name: f"suppressed: {why_not}" for way in self._ways}
        else:
            message = self._message(wish, pane)
            said = await asyncio.gather(*(self._deliver(way, message, self._again_s) for way in self._ways))
            how = dict(zip((way.name for way in self._ways), said, strict=True))
        if notice is not None:
            try:
                await self._store.delivered(notice, how)
            except StoreError as error:
                log.warning("delivery not written down", extra={"reason": error.message})

    def _message(self, wish: _Wish, pane: WatchedPane | None) -> Message:
        title = wish.title if pane is None else plain(f"{wish.title} ({called(pane)})", MAX_TITLE)
        command = way_to(pane) if pane is not None and pane.alive else ""
        return Message(title, wish.body, wish.needs_you, command, wish.pane_uid, iso(wish.at_ms))

    async def _deliver(self, way: Notifier, message: Message, again_s: Sequence[float]) -> str:
        """`delivered`, or why it failed."""
        for pause_s in (*again_s, None):
            try:
                await way.deliver(message)
                self._failing.pop(way.name, None)
                return DELIVERED
            except NotifyError as error:
                why = error
            except Exception as error:
                log.exception("way of telling failed", extra={"way": way.name})
                return f"failed: {type(error).__name__}"
            if pause_s is None or not why.again:
                break
            await asyncio.sleep(pause_s)
        if self._failing.get(way.name) != why.message:
            self._failing[way.name] = why.message
            log.warning("notice not delivered", extra={"way": way.name, "reason": why.message})
        return plain(f"failed: {why.message}", MAX_BODY)

    # -- whether ----------------------------------------------------------------------------------------------------

    async def _suppressed(self, wish: _Wish, pane: WatchedPane | None) -> str:
        """Why a person is not told of it; "" where they are."""
        if ("needs_you" if wish.needs_you else "done") not in self._settings.tell:
            return "notify.tell does not name it"
        if self.is_quiet(self._clock.now_ms()) and not (wish.needs_you and self._settings.quiet_needs_you):
            return "quiet hours"
        if pane is not None and pane.excluded:
            return "the pane is never looked at"
        if pane is not None and self._focus is not None and self._settings.focus_s:
            await self._focus.poll(pane)
            sign = self._focus.sign(pane)
            if sign.focused and (sign.input_s is None or sign.input_s <= self._settings.focus_s):
                return "the pane is in focus"
        return ""

    def is_quiet(self, now_ms: int) -> bool:
        settings = self._settings
        if not settings.quiet_from or settings.quiet_from == settings.quiet_to:
            return False
        zone = ZoneInfo(self._zone) if self._zone else None
        now = datetime.fromtimestamp(now_ms / 1000, zone).time()
        begin, end = time.fromisoformat(settings.quiet_from), time.fromisoformat(settings.quiet_to)
        return begin <= now < end if begin < end else now >= begin or now < end

    # -- trying -----------------------------------------------------------------------------------------------------

    async def test(self, only: Collection[str] = ()) -> Mapping[str, str]:
        """One notice on each way (or on those of *only*), at once and whatever the hour; what became of it. Raises UsageError."""
        ways = [way for way in self._ways if not only or way.name in only]
        if missing := set(only) - {way.name for way in ways}:
            raise UsageError(
                f"notify.channels does not name {', '.join(sorted(missing))}",
                next_step="Add it there (`wa config path`); it is in force within seconds.",
            )
        message = Message(
            "wa: a test", "This is how wa tells you of agents.", True, "wa status", None, iso(self._clock.now_ms())
        )
        said = await asyncio.gather(*(self._deliver(way, message, ()) for way in ways))
        return dict(zip((way.name for way in ways), said, strict=True))


def ways_of(settings: NotifySettings) -> list[Notifier]:
    """In the order of `notify.channels`."""
    known: Mapping[str, Notifier] = {
        "desktop": DesktopNotifier(),
        "webhook": WebhookNotifier(_destination(settings.webhook)),
        "ntfy": NtfyNotifier(_destination(settings.ntfy)),
    }
    return [known[name] for name in dict.fromkeys(settings.channels)]


def _destination(settings: AddressSettings) -> Destination:
    return Destination(settings.url_file, settings.url_env, settings.token_file, settings.token_env)
