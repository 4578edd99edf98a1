"""One look at a pane's text: which rules speak, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import regex
from ahocorasick_rs import AhoCorasick, Implementation

from wa.detect.blocks import PLAIN, RULE, SHELL, SHELL_PROMPT, TEXT, Block, blocks_of, tidy
from wa.detect.composer import ComposerSeen, find_composer, footer_texts
from wa.detect.dialog import Options, options_of
from wa.detect.pack import Pack, squeezed
from wa.detect.page import Page, page_of_text, width
from wa.detect.rule import STATE_OF_EVENT, Rule, search, search_all
from wa.detect.values import CONVERTERS, Context, Reset, parse_count, parse_duration_s
from wa.model.agent import Detection, Dialog, FieldValue, PaneState, Place, Severity

MAX_SPAN = 400
EXIT_TEXTS = 6
EXIT_DISTANCE = 3
"""What an agent prints at its end may be several texts, this many rows apart at most."""
_BARE_PROMPT = regex.compile(r"(?:.{0,80}[\w~/\])] ?)?[$#%❯➜»](?: \^C)?\s*|.*[\p{L}.)…]\$")


class Look(NamedTuple):
    """What the regions of the rules are made of."""

    page: Page
    blocks: tuple[Block, ...]
    composer: ComposerSeen | None
    options: Options | None
    tail: tuple[Block, ...]
    """What stands below the last block of the transcript, on the visible screen."""
    gone: bool
    """A shell's prompt is the last thing, so no program owns the screen."""
    start: int
    """The row where the newest session began."""


class Match(NamedTuple):
    """A rule that spoke, and how: what `wa explain` prints."""

    rule: Rule
    detection: Detection
    first_row: int


class Reading(NamedTuple):
    agent: str
    state: PaneState
    rule: str
    """Which rule, or which part of the layout, settled the state."""
    why: str
    detections: tuple[Detection, ...]
    """From the top down; records of sessions that ended before are left out."""
    dialog: Dialog | None
    draft: str | None
    silent: tuple[str, ...]
    """Rules of which an anchor is there and that said nothing all the same."""
    look: Look | None


class Detector:
    """The rules of one agent, ready to be asked. Holds no state of any pane."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._rules_of: dict[str, list[Rule]] = {}
        for rule in pack.rules:
            for anchor in rule.anchors:
                self._rules_of.setdefault(anchor, []).append(rule)
        self._commands = frozenset((*pack.processes, *pack.aliases))
        self._anchors = list(self._rules_of)
        self._automaton = AhoCorasick(self._anchors, implementation=Implementation.DFA, store_patterns=False)

    def spoken(self, text: str) -> list[Rule]:
        """The rules that have an anchor in *text*, in the order of the pack."""
        found = {hit[0] for hit in self._automaton.find_matches_as_indexes(squeezed(text), overlapping=True)}
        if not found:
            return []
        chosen = {rule.id for hit in found for rule in self._rules_of[self._anchors[hit]]}
        return [rule for rule in self.pack.rules if rule.id in chosen]

    def look(self, page: Page) -> Look:
        blocks = blocks_of(page, self.pack.markers, self.pack.breaks)
        composer = find_composer(page, self.pack.composers, self.pack.markers)
        last_text = next((line for line in reversed(page.lines) if line.text.strip()), None)
        gone = composer is None and last_text is not None and _at_shell(last_text.text)
        tail: list[Block] = []
        if composer is None:
            for block in reversed(blocks):
                if block.last < page.screen_row or block.kind not in PLAIN or block.kind == SHELL:
                    break
                tail.insert(0, block)
        options = None
        if tail and not gone:
            options = options_of([line for line in page.lines if line.first >= tail[0].first])
        return Look(page, tuple(blocks), composer, options, tuple(tail), gone, 0)

    def read(self, page: Page, *, title: str = "", at_ms: int, zone: str) -> Reading:
        rules = self.spoken("\n".join([title, *(line.text for line in page.lines)]))
        context = Context(at_ms, zone)
        look = self.look(page)
        look = look._replace(start=_after_shell(look.blocks, self._commands))
        starts = [
            match for rule in rules if rule.event == "session.start" for match in self._ask(rule, look, title, context)
        ]
        starts = [match for match in starts if match.first_row >= look.start]
        if starts:
            look = look._replace(start=max(match.first_row for match in starts))
        matches = [match for match in starts if match.first_row == look.start]
        for rule in rules:
            if rule.event != "session.start":
                matches += self._ask(rule, look, title, context)
        matches.sort(key=lambda match: match.first_row)
        return self._judge(look, matches, rules)

    def read_text(self, texts: Sequence[str], *, cols: int | None, visible: int, at_ms: int, zone: str) -> Reading:
        """A reading of rows of which nobody says where the terminal cut them; without *cols* the widest row tells the width."""
        known = cols if cols is not None else max(map(width, texts), default=80)
        return self.read(page_of_text(texts, known, visible), at_ms=at_ms, zone=zone)

    # -- one rule ----------------------------------------------------------------------------------

    def _ask(self, rule: Rule, look: Look, title: str, context: Context) -> Iterator[Match]:
        for region in rule.regions:
            for text, first, last in self._texts(region, rule, look, title):
                if any(search(pattern, text) for pattern in rule.unless):
                    continue
                found = False
                for pattern in rule.match:
                    hits = search_all(pattern, text) if rule.many else _one(search(pattern, text))
                    for hit in hits:
                        found = True
                        yield self._found(rule, region, hit, text, first, last, look, context)
                    if found:
                        break
                if found and (rule.present or region in ("footer", "bottom")):
                    return

    def _texts(self, region: str, rule: Rule, look: Look, title: str) -> Iterator[tuple[str, int, int]]:
        page = look.page
        end = page.rows - 1
        if region == "title":
            yield title, end, end
        elif region == "footer":
            if look.composer is not None:
                for text in footer_texts(look.composer.footer):
                    yield text, look.composer.last + 1, end
        elif region == "composer":
            if look.composer is not None:
                yield look.composer.draft, look.composer.first, look.composer.last
        elif region == "bottom":
            rows = [line.first for line in page.lines[page.screen_line :] if line.text.strip()][-rule.rows :]
            if rows and not look.gone:
                for block in look.blocks:
                    if block.last >= rows[0]:
                        yield block.text, block.first, block.last
                        for line in block.lines if len(block.lines) > 1 else ():
                            yield line, block.first, block.last
        elif region in ("dialog", "tail"):
            if look.tail and not (region == "dialog" and look.gone):
                yield _joined(look.tail, rules=True).lstrip("─━═╌\n"), look.tail[0].first, end
        elif region == "screen":
            shown = [block for block in look.blocks if block.last >= page.screen_row and block.first >= look.start]
            if shown and not (rule.event.startswith("waiting.") and (look.composer is not None or look.gone)):
                yield _joined(shown), shown[0].first, end
        elif region == "exit":
            if look.composer is None:
                texts = [block for block in look.blocks if block.first >= look.start and block.kind == TEXT]
                for at, block in enumerate(texts):
                    near = [block]
                    for other in texts[at + 1 : at + EXIT_TEXTS]:
                        if other.first - near[-1].last > EXIT_DISTANCE:
                            break
                        near.append(other)
                    yield _joined(near), block.first, near[-1].last
        elif region in ("banner", "near"):
            for at, block in enumerate(look.blocks):
                if region == "near" and not _fits(rule, block, look):
                    continue
                near = [block]
                for other in look.blocks[at + 1 : at + 4]:
                    if other.kind == SHELL or (other.kind not in PLAIN and region == "near"):
                        break
                    if other.kind in PLAIN:
                        near.append(other)
                yield _joined(near, rules=region == "near"), block.first, near[-1].last
        else:
            for block in look.blocks:
                if block.kind == region and _fits(rule, block, look):
                    yield block.text, block.first, block.last

    def _found(
        self,
        rule: Rule,
        region: str,
        hit: regex.Match[str],
        text: str,
        first: int,
        last: int,
        look: Look,
        context: Context,
    ) -> Match:
        fields: dict[str, FieldValue] = dict(rule.constants)
        for name, value in hit.groupdict().items():
            if value is None or not value.strip():
                continue
            if name in rule.words:
                fields[name] = rule.words[name].get(tidy(value), tidy(value))
                continue
            if name == "duration":
                fields["duration"] = tidy(value)
                if (length := parse_duration_s(value)) is not None:
                    fields["duration_s"] = length
                continue
            converter = CONVERTERS[rule.types.get(name, name if name in CONVERTERS else "text")]
            _put(fields, name, converter(value.strip(), context))
        if rule.table is not None:
            name, pattern = rule.table
            found = [row.groupdict() for row in search_all(pattern, text[hit.end() :])]
            fields[name] = tuple(
                {key: value if key == "model" else parse_count(value) or 0 for key, value in row.items() if value}
                for row in found
            )
        if rule.event == "usage.limit" and "reset" not in fields:
            fields.setdefault("reset_kind", "none")
        if (rule.event.startswith("waiting.") or rule.event == "usage.popup") and look.options is not None:
            fields["options"] = look.options.labels
            if look.options.selected is not None:
                fields["selected"] = look.options.labels[look.options.selected]
        place = Place(region, first, last, text[hit.start() : hit.end()][:MAX_SPAN])
        detection = Detection(
            rule.event, self.pack.name, rule.id, rule.severity, fields, rule.present, place, rule.window_ms
        )
        return Match(rule, detection, first)

    # -- all of them -------------------------------------------------------------------------------

    def _judge(self, look: Look, matches: Sequence[Match], asked: Sequence[Rule]) -> Reading:
        kept: dict[str, Match] = {}
        for match in matches:
            detection = match.detection
            key = (
                detection.event if detection.present and not detection.event.startswith("auth.") else detection.identity
            )
            other = kept.get(key)
            if other is None or not detection.present or len(detection.fields) >= len(other.detection.fields):
                kept[key] = match  # the lowest of equal ones; of what is present, the one that says most
        state, rule, why = self._state(look, list(kept.values()))
        idle = state is PaneState.IDLE
        if state not in (PaneState.WORKING, PaneState.IDLE, PaneState.LIMITED, PaneState.COMPACTING):
            kept = {key: match for key, match in kept.items() if match.rule.event not in ("turn.working", "state.idle")}
        detections = [match.detection for match in sorted(kept.values(), key=lambda match: match.first_row)]
        if idle:
            assert look.composer is not None
            place = Place("composer", look.composer.first, look.composer.last, "")
            detections.append(
                Detection("state.idle", self.pack.name, f"{self.pack.name}.idle", Severity.INFO, {}, True, place)
            )
        dialog = None
        if state.startswith("waiting."):
            said = next((match.detection for match in reversed(list(kept.values())) if match.rule.id == rule), None)
            if said is not None:
                options = look.options
                dialog = Dialog(
                    rule,
                    said.event,
                    str(said.fields.get("question", said.place.text)),
                    options.labels if options else (),
                    options.selected if options else None,
                )
        draft = look.composer.draft if look.composer is not None else None
        said = {match.rule.id for match in matches}
        silent = tuple(one.id for one in asked if one.id not in said)
        return Reading(self.pack.name, state, rule, why, tuple(detections), dialog, draft, silent, look)

    def _state(self, look: Look, matches: Sequence[Match]) -> tuple[PaneState, str, str]:
        name = self.pack.name
        ended = [
            match for match in matches if match.rule.state == PaneState.EXITED or match.rule.event == "session.end"
        ]
        if look.gone or (ended and look.composer is None):
            if ended or any(match.rule.event == "session.start" for match in matches):
                return (
                    PaneState.EXITED,
                    ended[-1].rule.id if ended else f"{name}.layout.shell",
                    "a shell's prompt is the last row",
                )
            return PaneState.SHELL, f"{name}.layout.shell", "a shell's prompt is the last row"
        for wanted in (_waits, _compacts, _works):
            if (match := next((match for match in reversed(matches) if wanted(match.rule)), None)) is not None:
                return (
                    PaneState(match.rule.state or STATE_OF_EVENT.get(match.rule.event, match.rule.event)),
                    match.rule.id,
                    match.detection.place.text,
                )
        if (match := next((match for match in reversed(matches) if match.rule.state is not None), None)) is not None:
            assert match.rule.state is not None
            return PaneState(match.rule.state), match.rule.id, match.detection.place.text
        if look.composer is not None:
            limit = _standing_limit(look, matches, self.pack)
            if limit is not None:
                return PaneState.LIMITED, limit.rule.id, limit.detection.place.text
            return PaneState.IDLE, f"{name}.idle", "the composer is there and nothing runs"
        return PaneState.UNKNOWN, f"{name}.layout", "neither composer, nor dialog, nor shell is to be seen"


def _standing_limit(look: Look, matches: Sequence[Match], pack: Pack) -> Match | None:
    """The newest limit, unless the agent answered, finished or signed in after it."""
    limit: Match | None = next((match for match in reversed(matches) if match.rule.event == "usage.limit"), None)
    if limit is None:
        return None
    for block in look.blocks:
        if block.kind not in pack.answers or block.first <= (limit.detection.place.last_row or 0):
            continue
        if not any(search(aside, block.text) for aside in pack.asides):
            return None
    for match in matches:
        if match.first_row > limit.first_row and match.rule.event in (
            "turn.done",
            "auth.ok",
            "session.start",
            "compaction.done",
        ):
            return None
    return limit


def _waits(rule: Rule) -> bool:
    return rule.event.startswith("waiting.") or STATE_OF_EVENT.get(rule.event, "").startswith("waiting.")


def _compacts(rule: Rule) -> bool:
    return rule.event == "compaction.running"


def _works(rule: Rule) -> bool:
    return STATE_OF_EVENT.get(rule.event) == "working"


def _put(fields: dict[str, FieldValue], name: str, value: object) -> None:
    if isinstance(value, Reset):
        fields[name] = value.printed
        fields["reset_kind"] = value.kind
        if value.at is not None:
            fields["resets_at"] = value.at.isoformat()
            if value.ambiguous:
                fields["resets_at_ambiguous"] = True
    elif value is not None:
        fields[name] = value  # type: ignore[assignment]


def _fits(rule: Rule, block: Block, look: Look) -> bool:
    return (
        block.first >= look.start
        and (not rule.kinds or block.kind in rule.kinds)
        and (not rule.after or block.owner in rule.after)
        and block.owner not in rule.not_after
        and (not rule.columns or block.column in rule.columns)
        and block.column >= rule.min_column
    )


def _joined(blocks: Iterable[Block], *, rules: bool = False) -> str:
    """Texts of blocks, a row each; drawn lines as one character of theirs where *rules* matter."""
    return "\n".join(block.text or block.glyph for block in blocks if block.kind != RULE or block.text or rules)


def _after_shell(blocks: Sequence[Block], commands: frozenset[str]) -> int:
    """The row of the newest command line that began something: what stands above it belongs to programs that ended."""
    drawn = False
    for block in reversed(blocks):
        if block.kind == SHELL:
            words = block.text.split()[1:]
            if drawn or any(word in commands for word in words[:3]):
                return block.first
        elif block.kind != TEXT:
            drawn = True
    return 0


def _at_shell(text: str) -> bool:
    return SHELL_PROMPT.match(text) is not None or _BARE_PROMPT.fullmatch(text) is not None


def _one(hit: regex.Match[str] | None) -> list[regex.Match[str]]:
    return [] if hit is None else [hit]
