"""config.toml as typed values. `settings_table` is the one list: loading, `wa config show` and docs derive from it."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wa.config.policy_rules import RuleTrouble, policy_rules
from wa.config.schema import SETTINGS, Setting
from wa.decide.rules import Rule
from wa.model.errors import ConfigError

_MUX_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_MUX_KEYS = ("name", "socket", "ssh", "wezterm", "zone")
RESERVED_NAMES = ("gui-*", "p[0-9]*")
"""Names that discovery gives to GUIs, and what a pane_uid looks like."""


@dataclass(frozen=True, slots=True)
class MuxEntry:
    """One `[[mux]]` table, or one `--socket` or `--ssh`. Exactly one of `socket` and `ssh` is set."""

    name: str
    socket: str | None = None
    ssh: str | None = None
    """A destination of ssh(1)."""
    wezterm: tuple[str, ...] = ()
    """The `wezterm` command on that host, where its shell does not find it; ssh only."""
    zone: str = ""
    """IANA name of the time zone that its programs print times in; empty: as its host says."""


@dataclass(frozen=True, slots=True)
class NeverCapture:
    """Shell patterns; a pane that one of them matches is listed, and nothing of it is stored or served."""

    title: tuple[str, ...] = ()
    cwd: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    host: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    memory_mb: int
    screen_interval_ms: int
    never: NeverCapture


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    age_days: int
    """0: no limit."""
    size_mb: int
    """0: no limit."""
    interval_min: int


@dataclass(frozen=True, slots=True)
class LogSettings:
    level: str
    size_mb: int
    files: int


@dataclass(frozen=True, slots=True)
class WezTermSettings:
    command: tuple[str, ...]
    discover: bool
    rescan_interval_s: int
    list_interval_s: int


@dataclass(frozen=True, slots=True)
class PolicySettings:
    human_quiet_s: int
    pane_actions_per_hour: int
    """0: no limit."""
    actions_per_minute: int
    """0: no limit."""
    pane_cooldown_s: int
    ask_min: int
    grant_min: int
    queue_hours: int
    rules: tuple[Rule, ...] = ()
    """The `[[policy.rule]]` tables, in their order."""


@dataclass(frozen=True, slots=True)
class AddressSettings:
    """Where the address and the token of a way to tell a person stand; never they themselves."""

    url_file: str
    url_env: str
    token_file: str
    token_env: str


@dataclass(frozen=True, slots=True)
class NotifySettings:
    channels: tuple[str, ...]
    tell: tuple[str, ...]
    waits_s: int
    focus_s: int
    long_command_s: int
    """0: nobody is told of any."""
    quiet_from: str
    """HH:MM; empty: no quiet hours."""
    quiet_to: str
    zone: str
    quiet_needs_you: bool
    webhook: AddressSettings
    ntfy: AddressSettings


@dataclass(frozen=True, slots=True)
class BadgeSettings:
    enabled: bool = True
    idle: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    capture: CaptureSettings
    retention: RetentionSettings
    log: LogSettings
    wezterm: WezTermSettings
    policy: PolicySettings
    notify: NotifySettings
    badges: BadgeSettings = BadgeSettings()
    mux: tuple[MuxEntry, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    """For each key that was set in a file: which file."""

    @classmethod
    def defaults(cls) -> Settings:
        return _build({setting.key: setting.default for setting in SETTINGS}, (), (), {})

    @classmethod
    def load(cls, path: Path) -> Settings:
        """What *path* says; the defaults where it says nothing or does not exist. Raises ConfigError."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls.defaults()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        return parse(text, str(path))

    def value(self, key: str) -> Any:
        """The value of a key of `settings_table`."""
        found: Any = self
        for part in key.split("."):
            found = getattr(found, part)
        return found


def settings_table() -> tuple[Setting, ...]:
    """Every setting but the `[[mux]]` and `[[policy.rule]]` tables, in the order of the file."""
    return SETTINGS


def parse(text: str, origin: str) -> Settings:
    """Settings from the text of a config.toml; *origin* names it in errors."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not TOML: {error}") from error
    reading = _Reading(text, origin)
    muxes = reading.muxes(document.pop("mux", []))
    policy = document.get("policy")
    rules = reading.rules(policy.pop("rule", [])) if isinstance(policy, dict) else ()
    values: dict[str, Any] = {setting.key: setting.default for setting in SETTINGS}
    said: dict[str, str] = {}
    for key, value in _leaves(document):
        setting = _BY_KEY.get(key)
        if setting is None:
            raise reading.error(key, f"no such setting{_suggestion(key)}")
        if (reason := setting.trouble(value)) is not None:
            raise reading.error(key, reason)
        values[key] = tuple(value) if isinstance(value, list) else value
        said[key] = origin
    for key, reason in _amiss_together(values):
        raise reading.error(key, reason)
    return _build(values, muxes, rules, said)


_BY_KEY = {setting.key: setting for setting in SETTINGS}
_TABLES = {
    ".".join(setting.key.split(".")[:depth])
    for setting in SETTINGS
    for depth in (1, 2)
    if setting.key.count(".") >= depth
}


def _leaves(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted keys and values. A table is entered only where settings live below it: a stray one is named itself."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key in _TABLES:
            found += _leaves(value, f"{key}.")
        else:
            found.append((key, value))
    return found


def _amiss_together(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Keys that are right alone, but not with the others."""
    found = []
    if bool(values["notify.quiet_from"]) != bool(values["notify.quiet_to"]):
        key = "notify.quiet_from" if values["notify.quiet_from"] else "notify.quiet_to"
        found.append((key, "quiet hours need both notify.quiet_from and notify.quiet_to"))
    if (zone := values["notify.zone"]) and not is_zone(zone):
        found.append(("notify.zone", f"{zone!r:.60} is no time zone; write Europe/Berlin"))
    return found


def _suggestion(key: str) -> str:
    """Close names only; a wrong guess is worse than none."""
    import difflib

    near = difflib.get_close_matches(key, _BY_KEY, n=1, cutoff=0.75)
    if not near:
        last = key.rpartition(".")[2]
        near = [known for known in _BY_KEY if known.rpartition(".")[2] == last][:1]
    return f"; did you mean `{near[0]}`?" if near else "; `wa config show` lists them all"


def _build(
    values: Mapping[str, Any], muxes: tuple[MuxEntry, ...], rules: tuple[Rule, ...], said: Mapping[str, str]
) -> Settings:
    def section(name: str) -> dict[str, Any]:
        depth = name.count(".") + 1
        return {
            key.rpartition(".")[2]: value
            for key, value in values.items()
            if key.startswith(f"{name}.") and key.count(".") == depth
        }

    never = NeverCapture(**section("capture.never"))
    return Settings(
        capture=CaptureSettings(**section("capture"), never=never),
        retention=RetentionSettings(**section("retention")),
        log=LogSettings(**section("log")),
        wezterm=WezTermSettings(**section("wezterm")),
        policy=PolicySettings(**section("policy"), rules=rules),
        notify=NotifySettings(
            **section("notify"),
            webhook=AddressSettings(**section("notify.webhook")),
            ntfy=AddressSettings(**section("notify.ntfy")),
        ),
        badges=BadgeSettings(**section("badges")),
        mux=muxes,
        origin=dict(said),
    )


class _Reading:
    """The text behind a parsed document, to say on which line a value stands."""

    def __init__(self, text: str, origin: str) -> None:
        self._lines = text.splitlines()
        self._origin = origin

    def error(self, key: str, reason: str, *, mux: int | None = None, table: str = "mux") -> ConfigError:
        """*mux*: which of the tables called *table*, from 0."""
        line = self._line_of(key, mux, table)
        where = self._origin if line is None else f"{self._origin}, line {line}"
        named = key if mux is None else f"[[{table}]] number {mux + 1}: {key}"
        return ConfigError(f"{where}: {named}: {reason}", details={"file": self._origin, "key": key, "line": line})

    def _line_of(self, key: str, mux: int | None, array: str) -> int | None:
        """The parser keeps no positions: looks for the table's header and the name below it, as people write them."""
        table, seen, begins = "", -1, None
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
                table = re.sub(r"[\s\"']", "", header[1])
                seen += table == array
                if mux is not None and seen == mux and begins is None:
                    begins = number
                if mux is None and table == key:
                    return number
            elif name := re.match(r"\s*([\w.\"'\s-]+?)\s*=", line):
                bare = re.sub(r"[\s\"']", "", name[1])
                full = f"{table}.{bare}" if table else bare
                wanted = f"{array}.{key}" if mux is not None else key
                if (full == wanted or full.startswith(f"{wanted}.")) and (mux is None or seen == mux):
                    return number
        return begins

    def rules(self, tables: object) -> tuple[Rule, ...]:
        try:
            return policy_rules(tables)
        except RuleTrouble as trouble:
            raise self.error(trouble.key, trouble.reason, mux=trouble.number, table="policy.rule") from trouble

    def muxes(self, tables: object) -> tuple[MuxEntry, ...]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self.error("mux", "must be written as [[mux]] tables")
        found: list[MuxEntry] = []
        for at, table in enumerate(tables):
            for key, value in table.items():
                if key not in _MUX_KEYS:
                    raise self.error(key, f"no such key; a [[mux]] table has {', '.join(_MUX_KEYS)}", mux=at)
                if key == "wezterm":
                    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
                        raise self.error(key, f"must be a list of texts, not {value!r:.60}", mux=at)
                elif not isinstance(value, str) or not value:
                    raise self.error(key, f"must be text, not {value!r:.60}", mux=at)
            try:
                entry = mux_entry(table.get("name"), socket=table.get("socket"), ssh=table.get("ssh"))
            except ConfigError as error:
                raise self.error(next(iter(table), "socket"), error.message, mux=at) from error
            if "wezterm" in table:
                if entry.ssh is None:
                    raise self.error("wezterm", "only a mux with ssh has its own command", mux=at)
                entry = replace(entry, wezterm=tuple(table["wezterm"]))
            if "zone" in table:
                if not is_zone(table["zone"]):
                    raise self.error("zone", f"{table['zone']!r:.60} is no time zone; write Europe/Berlin", mux=at)
                entry = replace(entry, zone=table["zone"])
            if any(entry.name == other.name for other in found):
                raise self.error("name", f"two muxes are called {entry.name}", mux=at)
            found.append(entry)
        return tuple(found)


def is_zone(name: str) -> bool:
    """Whether *name* is an IANA time zone that this machine knows."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def mux_entry(name: str | None, *, socket: str | None = None, ssh: str | None = None) -> MuxEntry:
    """A checked entry. Without *name* an ssh host names itself, a socket takes its file's stem. Raises ConfigError."""
    if (socket is None) == (ssh is None):
        raise ConfigError("give either a socket or ssh")
    if ssh is not None and (ssh.startswith("-") or not ssh.isprintable() or " " in ssh):
        # ssh(1) would take it for an option.
        raise ConfigError(f"{ssh!r} is no ssh destination")
    if socket is not None:
        socket = str(Path(socket).expanduser().absolute())
    if name is None:
        name = re.sub(r"[^A-Za-z0-9._@-]", "-", ssh if ssh is not None else Path(socket or "").stem) or "mux"
        name = name.lstrip("._@-")[:64] or "mux"
    if not _MUX_NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot name a mux: letters, digits and . _ @ - only, 64 at most")
    if any(fnmatch.fnmatchcase(name, reserved) for reserved in RESERVED_NAMES):
        raise ConfigError(f"{name!r} cannot name a mux: {', '.join(RESERVED_NAMES)} mean something else")
    return MuxEntry(name=name, socket=socket, ssh=ssh)
