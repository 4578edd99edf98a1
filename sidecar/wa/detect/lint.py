"""Is each rule of a pack sound? It fires on a real capture, and stays silent where an agent only quotes the words.

`positive` is the text of a pane, or `@NAME` for a capture that is kept elsewhere. The near miss is `near_miss`, if the
rule has one, and always the rule's own words as the agent would quote them: in its prose, indented, with the glyph in
front, above a composer that waits. A rule for what nobody could capture yet says why in `unproven`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from wa.detect.pack import Pack
from wa.detect.page import width
from wa.detect.reading import Detector, Reading
from wa.detect.rule import Rule

VISIBLE = 45
QUOTE_COLS = 76
ACTED_UPON = (
    "usage.limit",
    "usage.popup",
    "compaction.done",
    "session.end",
    "session.resume_hint",
    "auth.",
    "waiting.",
    "error.auth",
)
Captures = Callable[[str], str | None]
"""The text of a capture by its name; None where it is not at hand."""


def lint_pack(pack: Pack, captures: Captures) -> list[str]:
    """Problems, a line each. What needs a capture that is not at hand is not judged."""
    problems: list[str] = []
    detector = Detector(pack)
    idle = captures(str(pack.data.get("lint", {}).get("idle", "")).removeprefix("@"))
    for rule in pack.rules:
        problems += (f"{rule.id}: {problem}" for problem in _problems(rule, pack, detector, captures, idle))
    return problems


def _problems(rule: Rule, pack: Pack, detector: Detector, captures: Captures, idle: str | None) -> Iterator[str]:
    if not rule.match:
        yield "it matches nothing: `match` is missing"
    if not rule.seen:
        yield "`seen` is missing: say in which versions, and when"
    if not rule.positive:
        if not rule.unproven:
            yield "`positive` is missing: a real capture that it fires on (or say in `unproven` why there is none)"
        return
    named = rule.positive.startswith("@")
    text = captures(rule.positive[1:]) if named else rule.positive
    if text is None:
        return
    if (said := _said(rule, read(detector, text))) is None:
        yield f"it does not fire on its positive{f' {rule.positive[1:]}' if named else ''}"
        return
    if rule.near_miss and _said(rule, read(detector, rule.near_miss)) is not None:
        yield "it fires on its near miss"
    if rule.quotable:
        if rule.event.startswith(ACTED_UPON):
            yield "an event that something is done upon must not be quotable"
        return
    if idle is not None and _said(rule, read(detector, idle)) is None:
        for quoted in quotations(rule, pack, said):
            if _said(rule, read(detector, above_composer(detector, idle, quoted))) is not None:
                yield f"it fires on its own words where they are only quoted: {quoted[0].strip()[:60]!r}"
                return


def read(detector: Detector, text: str) -> Reading:
    rows = text.rstrip("\n").split("\n")
    return detector.read_text(rows, cols=max(80, *map(width, rows)), visible=VISIBLE, at_ms=0, zone="UTC")


def quotations(rule: Rule, pack: Pack, said: str) -> Iterator[list[str]]:
    """The words in the agent's prose: bare, and with each glyph that the rule would find them behind."""
    glyphs = {marker.glyphs[0] for marker in pack.markers if marker.name in rule.regions or marker.name in rule.kinds}
    for glyph in ("", *sorted(glyphs)):
        rows = textwrap.wrap(f"{glyph}  {said}" if glyph else said, QUOTE_COLS) or [said]
        yield [f"  {row}" for row in rows]


def above_composer(detector: Detector, idle: str, quoted: list[str]) -> str:
    """The idle screen with *quoted* in what the agent said last."""
    rows = idle.rstrip("\n").split("\n")
    look = read(detector, idle).look
    answers = [block for block in (look.blocks if look is not None else ()) if block.kind in detector.pack.answers]
    at = answers[-1].last + 1 if answers else len(rows)
    return "\n".join([*rows[:at], "", *quoted, "", *rows[at:]])


def _said(rule: Rule, reading: Reading) -> str | None:
    """The words that the rule fired on; None where it did not."""
    return next((one.place.text for one in reading.detections if one.rule == rule.id), None)
