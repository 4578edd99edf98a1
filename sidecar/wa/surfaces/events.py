"""`wa events`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wa.api.times import local
from wa.model.agent import COMPUTED
from wa.protocol.results_agents import EventResult, EventsResult
from wa.surfaces.answer import AnyPane, Json, Newest, Since, Until, answer, answer_stream, paths, staleness
from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import clip, harmless, pad

DEFAULT_LIMIT = 100
STYLES = {"warning": Style.WARN, "critical": Style.BAD}
FIRST = ("command", "path", "question", "reset", "duration", "message", "status", "percent", "session_id")
"""Fields that people ask for, before the others."""


def events(
    pane: AnyPane = None,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="EVENT", help="Only this event: usage.limit, or usage for all of it."),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Newest = DEFAULT_LIMIT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """List what agents said: limits, questions, errors, turns, sign-ins; oldest first.

    Example: wa events --event usage --since yesterday
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.events import EventWish, follow_events, list_events

    wish = EventWish(pane=pane, event=event, since=since, until=until, limit=limit)
    if follow:
        answer_stream("events", follow_events(paths(), wish), lines_of, as_json=json)
    else:
        answer("events", list_events(paths(), wish), render, as_json=json)


def render(result: EventsResult, terminal: Terminal) -> list[str]:
    lines = lines_of(result, terminal)
    if not lines:
        lines.append("No events.")
    if result["more"]:
        lines.append(terminal.styled("There are older ones: raise --limit or give --since.", Style.DIM))
    return lines + staleness(result["live"], result["as_of"], terminal)


def lines_of(result: EventsResult, terminal: Terminal) -> list[str]:
    return [event_line(one, terminal) for one in result["events"]]


def event_line(event: EventResult, terminal: Terminal) -> str:
    """`08:42:29  p17    codex        usage.limit           reset 6:38 AM, window 5h`."""
    head = f"{local(event['at'])}  {event['pane_uid']:<5}  {harmless(event['agent']):<11}  "
    name = pad(harmless(event["event"]), 20)
    room = None if terminal.columns is None else max(10, terminal.columns - len(head) - len(name) - 2)
    said = harmless(detail(event))
    said = said if room is None else clip(said, room)
    return f"{head}{terminal.styled(name, STYLES.get(event['severity']))}  {said}".rstrip()


def detail(event: EventResult) -> str:
    """The fields in words; where there are none, what was read."""
    fields = {name: value for name, value in event["fields"].items() if name not in COMPUTED}
    order = [*(name for name in FIRST if name in fields), *(name for name in fields if name not in FIRST)]
    return ", ".join(f"{name} {_plain(fields[name])}" for name in order) or event["text"]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} {_plain(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return " | ".join(map(_plain, value))
    return " ".join(str(value).split())
