"""What the plugin inside WezTerm tells (docs/protocol/events-in.md): that it is there, what has changed, and what a person chose in it."""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from wa.engine import tasks
from wa.engine.badges import Badges
from wa.engine.callers import above
from wa.engine.gui_panes import NotOnePaneError, gui_pane, session_of_gui
from wa.engine.muxes import Muxes
from wa.engine.notice_text import called
from wa.engine.pane import WatchedPane
from wa.engine.pauses import Pauses
from wa.engine.send import error_of
from wa.engine.troubles import Troubles
from wa.model.action import DONE, Acted, Action, ActionKind, Actor, ActorKind
from wa.model.command import Notify
from wa.model.errors import WaError
from wa.sources.proc import PROC, TTY, stat_fields

log = logging.getLogger(__name__)

PLUGIN = Actor(ActorKind.HUMAN, "plugin")
REASON = "asked for in WezTerm"
ACTS_AT_ONCE = 4


class Desk(Protocol):
    @property
    def pauses(self) -> Pauses: ...
    async def act(self, pane_uid: str, action: Action, actor: Actor, *, key: str = "") -> Acted: ...


class Teller(Protocol):
    def tell(self, pane_uid: str | None, notify: Notify, key: str, workflow: str) -> None: ...


class _Chosen(NamedTuple):
    what: str
    gui: int
    pane_id: int
    key: str


class Plugin:
    """Takes frames; `close` lets none go on."""

    def __init__(
        self,
        badges: Badges,
        muxes: Muxes,
        desk: Desk,
        teller: Teller,
        troubles: Troubles,
        *,
        prompt: Callable[[], str],
        proc: Path = PROC,
    ) -> None:
        """*prompt*: what tells an agent to read its instructions again."""
        self._badges = badges
        self._muxes = muxes
        self._desk = desk
        self._teller = teller
        self._troubles = troubles
        self._prompt = prompt
        self._proc = proc
        self._acting: set[Any] = set()

    def takers(self) -> Mapping[str, Callable[[Mapping[str, Any], int | None], None]]:
        return {
            "lua.hello": self._hello,
            "lua.focus": self._focus,
            "lua.topology": self._topology,
            "lua.act": self._act,
        }

    def _hello(self, said: Mapping[str, Any], _peer: int | None) -> None:
        if not self._badges.hello(said):
            self._troubles.count("a GUI announced its plugin without its pid, host or versions")

    def _focus(self, _said: Mapping[str, Any], _peer: int | None) -> None:
        self._badges.hint()

    def _topology(self, said: Mapping[str, Any], _peer: int | None) -> None:
        session = session_of_gui(self._muxes, said.get("gui"))
        if session is not None:
            session.look_again()
        self._badges.hint()

    # -- what a person chose ------------------------------------------------------------------------------------------

    def _act(self, said: Mapping[str, Any], peer: int | None) -> None:
        chosen = _chosen(said)
        if chosen is None:
            self._troubles.count("a choice in WezTerm named no pane, or nothing that wa does")
        elif peer is None:
            # From the spool: the person chose it for a moment that is over.
            self._troubles.count("choices in WezTerm came while no sidecar ran; they were not carried out")
        elif not is_of_gui(peer, chosen.gui, self._proc):
            self._troubles.count("a choice in WezTerm was sent by a program that is not WezTerm's own")
            log.warning("choice not believed", extra={"pid": peer, "gui": chosen.gui, "what": chosen.what})
        elif len(self._acting) >= ACTS_AT_ONCE:
            self._troubles.count("too many choices in WezTerm came at once")
        else:
            self._begin(self._carry_out(chosen), f"{chosen.what} from WezTerm")

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = tasks.spawn(work, name=name)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)

    async def close(self) -> None:
        await tasks.cancel(list(self._acting))

    async def _carry_out(self, chosen: _Chosen) -> None:
        pane: WatchedPane | None = None
        try:
            pane = await gui_pane(self._muxes, chosen.gui, chosen.pane_id)
            told = await self._do(chosen, pane)
        except NotOnePaneError as error:
            told = Notify(f"{chosen.what}: not done", f"{error.message}. {error.next_step}")
        except WaError as error:
            told = Notify(f"{chosen.what}: not done", f"{error.message}. {error.next_step}")
        log.info("chosen in WezTerm", extra={"what": chosen.what, "pane": pane and pane.uid, "told": told.title})
        if pane is not None and told.needs_you:
            # The person looks at this very pane, so the notice must not count as one of a pane in focus.
            told = told._replace(title=f"{told.title} ({called(pane)})")
        uid = pane.uid if pane is not None and not told.needs_you else None
        self._teller.tell(uid, told, f"plugin:{chosen.key}", "plugin")

    async def _do(self, chosen: _Chosen, pane: WatchedPane) -> Notify:
        """What to tell. Raises WaError where it was not done."""
        pauses = self._desk.pauses
        if chosen.what == "pause":
            await pauses.pause("pane", pane.uid, for_ms=None, reason=REASON)
            return Notify("paused", f"Automations leave {called(pane)} alone until you resume.", needs_you=False)
        if chosen.what == "resume":
            ended = await pauses.resume("pane", pane.uid)
            still = pauses.holding(pane.uid, pane.agent.agent)
            if still is not None:
                body = f"{'Its own pause is over, but ' if ended else ''}{still} is paused: `wa resume` ends that."
                return Notify("still paused", body)
            return Notify("resumed", f"Automations may act in {called(pane)} again.", needs_you=False)
        action = Action(ActionKind.SEND, text=self._prompt(), submit=True)
        acted = await self._desk.act(pane.uid, action, PLUGIN, key=f"plugin:{chosen.key}")
        if acted.outcome not in DONE:
            raise error_of(acted, pane.uid)
        return Notify("reprimed", f"{called(pane)} was told to read its instructions again.", needs_you=False)


def _chosen(said: Mapping[str, Any]) -> _Chosen | None:
    what, gui, pane_id = said.get("what"), said.get("gui"), said.get("pane_id")
    if what not in ("pause", "resume", "reprime") or type(gui) is not int or type(pane_id) is not int:
        return None
    key = said.get("key")
    return _Chosen(what, gui, pane_id, key if isinstance(key, str) else uuid.uuid4().hex)


def is_of_gui(peer: int, gui: int, proc: Path = PROC) -> bool:
    """Whether *peer* was started by the GUI itself, and not by a program in one of its panes.

    What runs in a pane descends from the GUI too, but it, or the shell above it, has the pane for its terminal, and what the GUI starts
    has the GUI's, which mostly is none. Without /proc the GUI must be its parent.
    """
    below = []
    for process in above(peer, proc):
        if process.pid == gui:
            break
        below.append(process.pid)
    else:
        return False
    if not below:
        return False
    if not sys.platform.startswith("linux"):
        return len(below) == 1
    own = _terminal(proc, gui)
    return own is not None and all(_terminal(proc, pid) == own for pid in below)


def _terminal(proc: Path, pid: int) -> bytes | None:
    """The number of its controlling terminal, "0" for none; None where that is not known."""
    fields = stat_fields(proc, pid)
    return None if fields is None or len(fields) <= TTY else fields[TTY]
