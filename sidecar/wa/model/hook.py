"""What an agent's hooks tell, and how they are put into its settings: the table `[hooks]` of its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wa.model.agent import PaneState
from wa.model.profile import Versions

TESTED = "wa.test"
"""The name of the event that `wa hooks test` sends."""
STATUS_LINE = "StatusLine"
NOTIFY = "notify"


class HookEvent(NamedTuple):
    """One that is put into the settings."""

    name: str
    versions: Versions


class HookMeaning(NamedTuple):
    """What an event says. The first that fits counts."""

    on: str
    when: Mapping[str, tuple[str, ...]]
    """Fields of the payload, and which values each may have."""
    state: PaneState | None
    lasts_ms: int
    event: str | None
    """In the vocabulary of docs/topics/events.md."""


class HookSetting(NamedTuple):
    """A value that hooks need beside them, put in where none stands."""

    path: tuple[str, ...]
    value: bool | int | str
    versions: Versions


class AgentHooks(NamedTuple):
    agent: str
    command: str
    """The program; with `--version` it prints one."""
    folder: str
    """Below a project, and below the user's home unless `home` names another."""
    user_file: str
    project_file: str
    comments: bool
    """The settings may hold comments."""
    timeout: int
    """As its settings count it."""
    events: tuple[HookEvent, ...]
    means: tuple[HookMeaning, ...]
    settings: tuple[HookSetting, ...] = ()
    status_line: bool = False
    """Its settings name a command that prints a status line."""
    notify_file: str | None = None
    """A TOML file of the user's with `notify = [program, …]`."""
    trust: str = ""
    """What the user must do before they run."""

    def meaning(self, name: str, payload: Mapping[str, object]) -> HookMeaning | None:
        for one in self.means:
            if one.on == name and all(payload.get(field) in values for field, values in one.when.items()):
                return one
        return None
