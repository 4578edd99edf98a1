"""Each setting once: its key in config.toml, what it may be, its default and what it does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    """Dotted, as in the file; the unit stands at its end."""
    default: Any
    help: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    """Of a text; of each text of a list."""
    form: str = ""
    """An expression for the whole of a text; `form_words` says it to people."""
    form_words: str = ""

    @property
    def kind(self) -> str:
        """How people name the type."""
        names = {bool: "true or false", int: "whole number", str: "text", tuple: "list of texts"}
        return names[type(self.default)]

    def trouble(self, value: object) -> str | None:
        """Why *value*, as TOML gives it, cannot be; None if it can."""
        wanted = list if isinstance(self.default, tuple) else type(self.default)
        if type(value) is not wanted:
            return f"must be a {self.kind}, not {value!r:.60}"
        if isinstance(value, list):
            bad = [entry for entry in value if not isinstance(entry, str) or not entry]
            if not bad and self.choices and (odd := [entry for entry in value if entry not in self.choices]):
                return f"must hold only {', '.join(self.choices)}, not {odd[0]!r:.60}"
            return f"must be a {self.kind}, not {bad[0]!r:.60} in it" if bad else None
        if isinstance(value, str) and self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}, not {value!r:.60}"
        if isinstance(value, str) and not value:
            return "must not be empty" if self.default else None
        if isinstance(value, str) and self.form and not re.fullmatch(self.form, value):
            return f"must look like {self.form_words}, not {value!r:.60}"
        if isinstance(value, int) and self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum}, not {value}"
        if isinstance(value, int) and self.maximum is not None and value > self.maximum:
            return f"must be at most {self.maximum}, not {value}"
        return None


_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"

NOTIFY: tuple[Setting, ...] = (
    Setting(
        "notify.channels",
        ("desktop",),
        "Ways in which you are told; an empty list: not at all. `wa notices` lists them all the same.",
        choices=("desktop", "webhook", "ntfy"),
    ),
    Setting(
        "notify.tell",
        ("needs_you", "done"),
        "What you are told of: agents that need you, and what has ended or is only to be known.",
        choices=("needs_you", "done"),
    ),
    Setting(
        "notify.waits_s",
        8,
        "A question, a limit or a lost sign-in must stand so long before you are told: what a workflow or you answer at once is no news.",
        minimum=0,
        maximum=3600,
    ),
    Setting(
        "notify.focus_s",
        120,
        "You are not told of the pane that you have in focus, if you used its terminal within this time; 0: told all the same.",
        minimum=0,
        maximum=86_400,
    ),
    Setting(
        "notify.long_command_s",
        0,
        "You are told when a command of a shell that took so long has ended (needs wa's shell integration); 0: of none.",
        minimum=0,
        maximum=86_400,
    ),
    Setting("notify.quiet_from", "", "Quiet hours begin.", form=_CLOCK, form_words="22:30"),
    Setting("notify.quiet_to", "", "Quiet hours end; both or neither.", form=_CLOCK, form_words="07:00"),
    Setting("notify.zone", "", "The time zone of the quiet hours, as Europe/Berlin; without it this machine's."),
    Setting("notify.quiet_needs_you", False, "What needs you comes through in quiet hours too."),
    Setting("notify.webhook.url_file", "", "A file (mode 600) that holds the webhook's address, and nothing else."),
    Setting("notify.webhook.url_env", "", "Or an environment variable of the sidecar that does."),
    Setting("notify.webhook.token_file", "", "A file (mode 600) with a token, sent as `Authorization: Bearer`."),
    Setting("notify.webhook.token_env", "", "Or an environment variable."),
    Setting(
        "notify.ntfy.url_file", "", "A file (mode 600) with the address of an ntfy topic, https://ntfy.sh/my-topic."
    ),
    Setting("notify.ntfy.url_env", "", "Or an environment variable."),
    Setting("notify.ntfy.token_file", "", "A file (mode 600) with the access token of ntfy."),
    Setting("notify.ntfy.token_env", "", "Or an environment variable."),
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "capture.memory_mb",
        64,
        "Output kept in memory while the database cannot take it; what comes on top is dropped and recorded as a gap.",
        minimum=1,
        maximum=4096,
    ),
    Setting(
        "capture.screen_interval_ms",
        1000,
        "How often at most the current screen of a pane is written to the database. Subscribers get every change.",
        minimum=100,
        maximum=3_600_000,
    ),
    Setting(
        "capture.never.title",
        (),
        "Shell patterns, case ignored; a pane with such a title is never captured.",
    ),
    Setting(
        "capture.never.cwd",
        (),
        "Folders (`~` is yours) or shell patterns; a pane that stands in or below one is never captured.",
    ),
    Setting(
        "capture.never.command",
        (),
        "Shell patterns for the program in the foreground: its name or its whole command line (panes of this machine).",
    ),
    Setting(
        "capture.never.host",
        (),
        "Shell patterns for the host: of the mux, its name, or the host in the pane's working directory.",
    ),
    Setting(
        "retention.age_days",
        90,
        "Output older than this is deleted; 0 keeps it for good.",
        minimum=0,
        maximum=36_500,
    ),
    Setting(
        "retention.size_mb",
        8192,
        "The oldest output is deleted when the database grows past this; 0 means no limit.",
        minimum=0,
        maximum=16_777_216,
    ),
    Setting("retention.interval_min", 60, "How often both are enforced.", minimum=1, maximum=10_080),
    Setting(
        "log.level",
        "info",
        "What goes to the log file. `debug` includes text of panes.",
        choices=("debug", "info", "warning", "error"),
    ),
    Setting("log.size_mb", 5, "A log file this large is rotated.", minimum=1, maximum=1024),
    Setting("log.files", 3, "How many rotated log files are kept.", minimum=1, maximum=100),
    Setting(
        "wezterm.command",
        (),
        "The `wezterm` command, a list of words, for muxes whose protocol wa does not speak; empty: the one on PATH.",
    ),
    Setting(
        "wezterm.discover",
        True,
        "Watch every WezTerm of this user that runs; otherwise only the `[[mux]]` tables.",
    ),
    Setting("wezterm.rescan_interval_s", 3, "How often to look for WezTerms started since.", minimum=1, maximum=3600),
    Setting(
        "wezterm.list_interval_s",
        20,
        "How often panes are listed though nothing announced a change.",
        minimum=2,
        maximum=3600,
    ),
    Setting(
        "policy.human_quiet_s",
        20,
        "So long after a person typed in a pane, or used a terminal that has it in focus, no automation acts there; 0: at once.",
        minimum=0,
        maximum=86_400,
    ),
    Setting(
        "policy.pane_actions_per_hour",
        60,
        "How often automations may act on one pane; 0 means no limit.",
        minimum=0,
        maximum=100_000,
    ),
    Setting(
        "policy.actions_per_minute",
        300,
        "How often automations may act on all panes together; 0 means no limit.",
        minimum=0,
        maximum=1_000_000,
    ),
    Setting(
        "policy.pane_cooldown_s",
        3,
        "Between two actions of automations on one pane; the steps of one workflow's run are free of it.",
        minimum=0,
        maximum=86_400,
    ),
    Setting(
        "policy.ask_min",
        240,
        "How long a question to a person waits (`wa approvals`) before it expires.",
        minimum=1,
        maximum=100_000,
    ),
    Setting(
        "policy.grant_min",
        30,
        "How long an approval holds; it is used once.",
        minimum=1,
        maximum=10_080,
    ),
    Setting(
        "policy.queue_hours",
        24,
        "How long a queued text waits for its agent to be idle before it expires.",
        minimum=1,
        maximum=1_000,
    ),
    *NOTIFY,
    Setting(
        "badges.enabled",
        True,
        "What agents do is told in front of tab titles, where each attached WezTerm has the plugin; without it nothing is.",
    ),
    Setting("badges.idle", True, "Agents that wait for their next prompt are told too."),
)
