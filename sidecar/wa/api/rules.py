"""The rules: what they are, what they say about a file, and whether they are sound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from wa.agents.loader import SHIPPED, Agents, FileTrouble, load
from wa.config.paths import Paths
from wa.config.settings import is_zone
from wa.detect.lint import Captures, lint_pack
from wa.detect.pack import Pack
from wa.detect.reading import Detector, Reading
from wa.detect.rule import Rule
from wa.engine.zone import local_zone
from wa.model.errors import NotFound, UsageError
from wa.protocol.results_agents import LintResult, RuleResult, RulesResult, RulesTestResult, SaidResult
from wa.store.agent_redact import plain

DEFAULT_ROWS = 45
CAPTURES = SHIPPED.parents[2] / "tests" / "data" / "agents"
"""Where a checkout keeps the captures of the shipped rules; an installed wa has none."""
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_]|[ -/][0-~])"
)


class ScanWish(NamedTuple):
    agent: str
    files: tuple[Path, ...]
    rows: int = DEFAULT_ROWS
    cols: int | None = None
    at: str | None = None
    """ISO 8601; None: now."""
    zone: str | None = None


def user_folder(paths: Paths) -> Path:
    return paths.config / "agents"


def scan(paths: Paths, wish: ScanWish, now_ms: int) -> Iterator[dict[str, Any]]:
    """A line per file: `{"file", "state", "events": [{"event", "fields", "rule"}]}`. Raises ConfigError, UsageError, NotFound."""
    detector = detector_of(load(user_folder(paths)), wish.agent)
    zone = zone_named(wish.zone)
    at_ms = now_ms if wish.at is None else instant(wish.at, zone)
    for file in wish.files:
        reading = read(detector, text_of(file), wish.rows, wish.cols, at_ms, zone)
        events = [{"event": one.event, "fields": plain(one.fields), "rule": one.rule} for one in reading.detections]
        yield {"file": str(file), "state": reading.state.value, "events": events}


def read(detector: Detector, text: str, rows: int, cols: int | None, at_ms: int, zone: str) -> Reading:
    """One reading of the text of a pane, history and screen."""
    return detector.read_text(plain_rows(text), cols=cols, visible=rows, at_ms=at_ms, zone=zone)


def plain_rows(text: str) -> list[str]:
    """Rows without escape sequences; the end of the last one begins no row."""
    rows = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    if rows and not rows[-1]:
        rows.pop()
    return rows


def list_rules(paths: Paths, agent: str | None) -> RulesResult:
    agents = load(user_folder(paths))
    packs = agents.packs if agent is None else [detector_of(agents, agent).pack]
    return RulesResult(rules=[_result(rule, pack) for pack in packs for rule in pack.rules])


def show_rule(paths: Paths, name: str) -> RulesResult:
    agents = load(user_folder(paths))
    found = [_result(rule, pack) for pack in agents.packs for rule in pack.rules if rule.id == name]
    if not found:
        near = [rule.id for pack in agents.packs for rule in pack.rules if name in rule.id][:12]
        raise NotFound(
            f"no rule is called {name!r}", next_step="`wa rules list` names them.", details={"candidates": near}
        )
    return RulesResult(rules=found)


def try_file(
    paths: Paths, agent: str, file: Path, *, rows: int, cols: int | None, at_ms: int, zone: str | None
) -> RulesTestResult:
    """What the rules say about *file*, with where they say it."""
    detector = detector_of(load(user_folder(paths)), agent)
    reading = read(detector, text_of(file), rows, cols, at_ms, zone_named(zone))
    return RulesTestResult(
        file=str(file),
        agent=detector.pack.name,
        cols=reading.look.page.cols if reading.look is not None else cols or 0,
        state=reading.state.value,
        why=f"{reading.rule}: {reading.why}",
        said=[
            SaidResult(
                event=one.event,
                rule=one.rule,
                severity=one.severity.value,
                present=one.present,
                region=one.place.region,
                first_row=one.place.first_row,
                last_row=one.place.last_row,
                text=one.place.text,
                fields=plain(one.fields),
            )
            for one in reading.detections
        ],
        silent=list(reading.silent),
        wrong=[],
    )


def lint(paths: Paths, files: Sequence[Path]) -> LintResult:
    """Problems of the packs in force, or of *files* joined to them. Nothing is changed."""
    agents = Agents(user_folder(paths))
    problems: list[str] = []
    names: list[str] = []
    count = 0
    if not files:
        problems += [str(trouble) for trouble in agents.troubles]
        for pack in agents.packs:
            names.append(pack.name)
            count += len(pack.rules)
            problems += lint_pack(pack, captures_in(user_folder(paths), CAPTURES))
    for file in files:
        try:
            data, pack = agents.tried(file)
        except FileTrouble as trouble:
            problems.append(str(trouble.trouble))
            continue
        own = {entry.get("id") for entry in data.get("rule", ())}
        names.append(pack.name)
        count += len(own)
        mine = pack._replace(rules=tuple(rule for rule in pack.rules if rule.id in own))
        problems += lint_pack(mine, captures_in(file.parent, CAPTURES))
    return LintResult(agents=sorted(set(names)), rules=count, problems=problems)


def captures_in(*folders: Path) -> Captures:
    """Captures by their names below the first of *folders* that has them."""

    def text(name: str) -> str | None:
        found = next((folder / name for folder in folders if name and (folder / name).is_file()), None)
        return None if found is None else text_of(found)

    return text


def detector_of(agents: Agents, word: str) -> Detector:
    name = agents.name_of(word)
    if name is None:
        known = sorted(agents.detectors)
        raise NotFound(
            f"no agent is called {word!r}", next_step=f"There are {', '.join(known)}.", details={"candidates": known}
        )
    return agents.detectors[name]


def text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", next_step="Name a file with the text of a pane."
        ) from None


def zone_named(name: str | None) -> str:
    """An IANA name; this machine's where none is given."""
    if name is None:
        return local_zone()
    if not is_zone(name):
        raise UsageError(f"{name!r} is no time zone", next_step="Use a name such as Europe/Berlin.")
    return name


def instant(text: str, zone: str) -> int:
    """Milliseconds since the epoch of an ISO instant; one without an offset is of *zone*."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no instant", next_step="Use ISO 8601, such as 2026-11-20T04:03:00Z.") from None
    home: tzinfo = ZoneInfo(zone) if zone else UTC
    return int((when if when.tzinfo is not None else when.replace(tzinfo=home)).timestamp() * 1000)


def _result(rule: Rule, pack: Pack) -> RuleResult:
    return RuleResult(
        id=rule.id,
        agent=pack.name,
        event=rule.event,
        severity=rule.severity.value,
        anchors=list(rule.anchors),
        regions=list(rule.regions),
        match=[pattern.pattern for pattern in rule.match],
        unless=[pattern.pattern for pattern in rule.unless],
        seen=rule.seen,
    )
