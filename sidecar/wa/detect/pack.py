"""What wa knows of one agent, as data: compiled from its TOML file, or refused with the place and the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import regex

from wa.detect.blocks import BOX, RULE, TEXT, Grouper, Marker
from wa.detect.page import alike, squeezed
from wa.detect.rule import Rule, is_present, rank_of, state_of
from wa.model.agent import PaneState, Severity

REGIONS = frozenset(
    {
        TEXT,
        BOX,
        RULE,
        "title",
        "footer",
        "bottom",
        "dialog",
        "asked",
        "rows",
        "tail",
        "above",
        "near",
        "exit",
        "screen",
        "banner",
        "composer",
    }
)
FLAGS = regex.V1
MINUTE_MS = 60_000


class PackError(ValueError):
    """The data is off. `where` is a path in the file such as `rule codex.usage.limit: match`."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Composer(NamedTuple):
    """Where a human types. `frame`: `open` (nothing around it), `rules` (drawn lines above and below), `box`."""

    frame: str
    prompt: regex.Pattern[str]
    """Matches the start of its first line (of a box: without the border)."""
    unlike: regex.Pattern[str] | None
    placeholders: tuple[regex.Pattern[str], ...]
    """What stands in it while it is empty."""
    below: int
    """So many lines may stand below it at most."""
    below_column: int
    """None of them begins left of this column."""
    below_like: regex.Pattern[str] | None
    """One of them, joined, must look so."""
    marks: str
    """Its first line begins with one of these, behind blanks or the border."""
    signs: tuple[str, ...]
    """One of these literals is on the screen wherever this composer is."""


class TitleRule(NamedTuple):
    pattern: regex.Pattern[str]
    state: PaneState | None
    rule: str


class Pack(NamedTuple):
    name: str
    aliases: tuple[str, ...]
    display: str
    processes: tuple[str, ...]
    """Names of the foreground process, or of a script that an interpreter runs."""
    packages: tuple[str, ...]
    """Names under which such a script is installed, `@openai/codex`."""
    titles: tuple[TitleRule, ...]
    markers: tuple[Marker, ...]
    replies: frozenset[str]
    """Markers that only answer another."""
    answers: frozenset[str]
    """Markers of what the agent says or does by itself: such a block behind a limit says that the limit is over."""
    asides: tuple[regex.Pattern[str], ...]
    """What such a block says without being an answer."""
    composers: tuple[Composer, ...]
    grouper: Grouper
    """The markers, and the lines that begin a text of their own even directly below a block (`breaks`)."""
    rules: tuple[Rule, ...]
    has_title_rules: bool
    stands_ms: Mapping[str, int]
    """Rule → how long it must stand before it counts, of those that must."""
    data: Mapping[str, Any]
    """The whole file: sending, exit, resume, session files, hooks are read from it by those who need them."""


def compile_pack(data: Mapping[str, Any]) -> Pack:
    name = _text(data, "name", "agent")
    layout = _table(data, "layout", name, {})
    markers = tuple(_marker(entry, f"{name} layout.marker {n}") for n, entry in enumerate(layout.get("marker", ()), 1))
    names = {marker.name for marker in markers}
    rules: list[Rule] = []
    for entry in data.get("rule", ()):
        rule = _rule(entry, name, names)
        if any(rule.id == other.id for other in rules):
            raise PackError(f"rule {rule.id}", "there are two of this id")
        rules.append(rule)
    return Pack(
        name,
        tuple(data.get("aliases", ())),
        str(data.get("display", name)),
        tuple(data.get("processes", ())),
        tuple(data.get("packages", ())),
        tuple(_title(entry, name) for entry in data.get("title", ())),
        markers,
        frozenset(marker.name for marker in markers if marker.replies),
        frozenset(layout.get("answers", ())),
        _patterns(layout, "asides", f"{name} layout"),
        tuple(_composer(entry, f"{name} composer {n}") for n, entry in enumerate(data.get("composer", ()), 1)),
        Grouper(markers, _one_pattern(layout, "breaks", f"{name} layout")),
        tuple(rules),
        any("title" in rule.regions for rule in rules),
        {rule.id: rule.stands_ms for rule in rules if rule.stands_ms},
        data,
    )


def _marker(entry: Mapping[str, Any], where: str) -> Marker:
    _only(entry, {"name", "glyphs", "columns", "nbsp", "like", "unlike", "flush", "gap", "replies"}, where)
    return Marker(
        _text(entry, "name", where),
        _text(entry, "glyphs", where),
        frozenset(entry.get("columns", (0,))),
        bool(entry.get("nbsp", False)),
        _pattern(entry["like"], where) if "like" in entry else None,
        _pattern(entry["unlike"], where) if "unlike" in entry else None,
        bool(entry.get("flush", False)),
        int(entry["gap"]) if "gap" in entry else None,
        bool(entry.get("replies", False)),
    )


def _composer(entry: Mapping[str, Any], where: str) -> Composer:
    _only(
        entry,
        {"frame", "prompt", "unlike", "placeholders", "below", "below_column", "below_like", "marks", "signs"},
        where,
    )
    frame = str(entry.get("frame", "open"))
    if frame not in ("open", "rules", "box"):
        raise PackError(where, f"frame is open, rules or box, not {frame!r}")
    return Composer(
        frame,
        _pattern(_text(entry, "prompt", where), where),
        _pattern(entry["unlike"], where) if "unlike" in entry else None,
        _patterns(entry, "placeholders", where),
        int(entry.get("below", 8)),
        int(entry.get("below_column", 0)),
        _pattern(entry["below_like"], where) if "below_like" in entry else None,
        _text(entry, "marks", where),
        tuple(squeezed(sign) for sign in _strings(entry, "signs", where)),
    )


def _title(entry: Mapping[str, Any], name: str) -> TitleRule:
    where = f"{name} title"
    _only(entry, {"id", "like", "state", "seen"}, where)
    state = entry.get("state")
    if state is not None and state not in set(PaneState):
        raise PackError(where, f"{state!r} is no state")
    return TitleRule(
        _pattern(_text(entry, "like", where), where), PaneState(state) if state else None, _text(entry, "id", where)
    )


_RULE_KEYS = {
    "id", "event", "severity", "anchors", "region", "match", "unless", "types", "set", "after", "not_after", "not_under",
    "chained_under", "followed_by", "rows", "many", "options", "words", "state", "stands_s", "window_min", "kinds", "columns",
    "min_column", "table",
    "seen", "positive", "near_miss", "unproven", "quotable",
}  # fmt: skip


def _rule(entry: Mapping[str, Any], agent: str, markers: set[str]) -> Rule:
    where = f"rule {entry.get('id', '?')}"
    _only(entry, _RULE_KEYS, where)
    rule_id = _text(entry, "id", where)
    if not rule_id.startswith(f"{agent}."):
        raise PackError(where, f"the id begins with the agent's name: {agent}.…")
    regions = tuple(_strings(entry, "region", where))
    for region in regions:
        if region not in REGIONS and region not in markers:
            raise PackError(where, f"no region or marker {region!r}; there are {', '.join(sorted(REGIONS | markers))}")
    anchors = tuple(alike(anchor).strip() for anchor in _strings(entry, "anchors", where))
    if not regions:
        raise PackError(where, "it has no region")
    if not anchors or any(len(squeezed(anchor)) < 2 for anchor in anchors):
        raise PackError(where, "it needs anchors of two characters or more")
    severity = str(entry.get("severity", "info"))
    if severity not in set(Severity):
        raise PackError(where, f"severity is info, warning or critical, not {severity!r}")
    state = entry.get("state")
    if state is not None and state not in set(PaneState):
        raise PackError(where, f"{state!r} is no state")
    event, types = _text(entry, "event", where), dict(entry.get("types", {}))
    matches = _patterns(entry, "match", where)
    return Rule(
        rule_id,
        event,
        Severity(severity),
        anchors,
        regions,
        matches,
        _patterns(entry, "unless", where),
        types,
        dict(entry.get("set", {})),
        {name: dict(table) for name, table in entry.get("words", {}).items()},
        frozenset(entry.get("after", ())),
        frozenset(entry.get("not_after", ())),
        frozenset(entry.get("not_under", ())),
        frozenset(entry["chained_under"]) if "chained_under" in entry else None,
        frozenset(entry["followed_by"]) if "followed_by" in entry else None,
        frozenset(entry.get("kinds", ())),
        frozenset(entry.get("columns", ())),
        int(entry.get("min_column", 0)),
        _rows_of(entry["table"], where) if "table" in entry else None,
        int(entry.get("rows", 12)),
        bool(entry.get("many", False)),
        int(entry.get("options", 0)),
        state,
        round(float(entry.get("stands_s", 0)) * 1_000),
        int(entry.get("window_min", 0)) * MINUTE_MS,
        str(entry.get("seen", "")),
        str(entry.get("positive", "")),
        str(entry.get("near_miss", "")),
        str(entry.get("unproven", "")),
        str(entry.get("quotable", "")),
        any("reset" in pattern.groupindex for pattern in matches) or "reset" in types.values(),
        is_present(event, state),
        state_of(event, state),
        rank_of(event, state),
    )


def _rows_of(entry: Mapping[str, Any], where: str) -> tuple[str, regex.Pattern[str]]:
    _only(entry, {"field", "match"}, f"{where}: table")
    return _text(entry, "field", where), _pattern(_text(entry, "match", where), f"{where}: table")


def _only(entry: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if unknown := sorted(set(entry) - allowed):
        raise PackError(where, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(allowed))}")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise PackError(where, f"{key} is missing or no text")
    return value


def _table(entry: Mapping[str, Any], key: str, where: str, default: Mapping[str, Any]) -> Mapping[str, Any]:
    value = entry.get(key, default)
    if not isinstance(value, Mapping):
        raise PackError(where, f"{key} is no table")
    return value


def _strings(entry: Mapping[str, Any], key: str, where: str) -> Sequence[str]:
    value = entry.get(key, ())
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise PackError(where, f"{key} is a text or a list of texts")
    return tuple(value)


def _patterns(entry: Mapping[str, Any], key: str, where: str) -> tuple[regex.Pattern[str], ...]:
    return tuple(_pattern(item, f"{where}: {key}") for item in _strings(entry, key, where))


def _one_pattern(entry: Mapping[str, Any], key: str, where: str) -> regex.Pattern[str] | None:
    """All of them as one."""
    texts = [pattern.pattern for pattern in _patterns(entry, key, where)]
    return _pattern("|".join(f"(?:{text})" for text in texts), where) if texts else None


def _pattern(text: str, where: str) -> regex.Pattern[str]:
    try:
        return regex.compile(text, FLAGS)
    except regex.error as error:
        raise PackError(where, f"{error} in {text!r}") from None
