"""What single readings say: of an agent's presence, of its session, of a place in the pane's log."""

from __future__ import annotations

from wa.detect.fields import text
from wa.detect.reading import Detector, Reading
from wa.detect.session import about
from wa.model.agent import AgentState, Detection, PaneState, Signal
from wa.model.screen import Screen

ABOUT_SESSION = frozenset({"session.start", "session.resume_hint", "session.end", "compaction.done", "model.switched"})


def shown(reading: Reading) -> int:
    """How much of an agent a screen shows: its composer or a dialog, and words of its own."""
    look = reading.look
    if look is None or look.gone or reading.state in (PaneState.SHELL, PaneState.EXITED):
        return 0
    drawn = look.composer is not None or reading.state.startswith("waiting.")
    words = any(one.event != "state.idle" for one in reading.detections)
    return 2 * drawn + words if drawn and (words or look.composer is not None) else 0


def titled(detector: Detector, screen: Screen | None) -> bool:
    return screen is not None and any(rule.pattern.search(screen.title) for rule in detector.pack.titles)


def lapsed(signal: Signal) -> Signal:
    """What it says once the reset has passed."""
    if signal.says is not PaneState.LIMITED:
        return signal
    return signal._replace(says=PaneState.IDLE, text=f"its reset has passed: {signal.text}")


def facts_known(state: AgentState) -> dict[str, str]:
    """What was told of the session before."""
    told = {
        "version": state.version,
        "model": state.model,
        "plan": state.plan,
        "project": state.project,
        "session_id": state.session_id,
    }
    return {name: value for name, value in told.items() if value is not None}


def facts_of(reading: Reading | None) -> dict[str, str]:
    """What the reading tells of the session itself."""
    facts: dict[str, str] = {}
    for one in reading.detections if reading is not None else ():
        if one.event in ABOUT_SESSION:
            said = {**about(one), "session_id": text(one.fields.get("session_id"))}
            facts.update({name: value for name, value in said.items() if value is not None})
    return facts


def row_of(found: Detection, top: int) -> int | None:
    if found.place.last_row is None or found.place.region == "title":
        return None
    return top + found.place.last_row
