"""Rules asked about a look, one after the other: what each finds, and the fields it reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import regex

from wa.detect.blocks import Block, readings, tidy
from wa.detect.look import Look, Text
from wa.detect.rule import Budget, Rule
from wa.detect.values import CONVERTERS, Context, Reset, parse_count, parse_duration_s
from wa.model.agent import Detection, FieldValue, Place

MAX_TEXTS = 600
LEAST_TEXTS = 20
"""Of a flood of messages only the lowest texts are read: so many for all rules together, and so many at least for each."""
MAX_SPAN = 400
MAX_REMEMBERED = 1_024
MAX_REMEMBERED_TEXT = 4_000
MEMBER = "__"
"""`tool_calls__ok` is the member `ok` of the field `tool_calls`."""
MAX_TEXT = 16_000
"""No message of an agent is longer; what is, is read to here."""


class Match(NamedTuple):
    """A rule that spoke, and how: what `wa explain` prints."""

    rule: Rule
    detection: Detection
    first_row: int


class Hit(NamedTuple):
    fields: Mapping[str, FieldValue]
    said: str
    """The matched span."""


class Memory:
    """What rules said about texts: a pane is looked at many times a second, and little of it changes. Holds no state of any pane."""

    def __init__(self) -> None:
        self.hits: dict[tuple[object, ...], tuple[tuple[Hit, ...], int]] = {}

    def put(self, key: tuple[object, ...], hits: tuple[tuple[Hit, ...], int]) -> None:
        if len(self.hits) >= MAX_REMEMBERED:
            self.hits.clear()
        self.hits[key] = hits


class Asking:
    def __init__(self, look: Look, context: Context, agent: str, memory: Memory, rules: int) -> None:
        """*rules*: so many will be asked."""
        self._look = look
        self._rules = rules
        self._context = context
        self._agent = agent
        self._memory = memory
        self._spent: Budget | None = None

    @property
    def _budget(self) -> Budget:
        if self._spent is None:
            self._spent = Budget()
        return self._spent

    def ask(self, rule: Rule, rows: Collection[int] | None) -> list[Match]:
        """*rows*: where its anchors stand; None: anywhere."""
        found: list[Match] = []
        if rule.options and (self._look.options is None or len(self._look.options.labels) < rule.options):
            return found
        for region in rule.regions:
            texts = self._look.texts(region, rule, rows)
            if region == "footer":
                found += self._best(rule, texts)
                continue
            if len(texts) > LEAST_TEXTS:
                texts = texts[-max(LEAST_TEXTS, MAX_TEXTS // self._rules) :]
            until = -1
            for text in texts:
                if text.first <= until:
                    continue
                hits, _ = self._hits(rule, text)
                if not hits:
                    continue
                if region == "exit":
                    until = text.last
                for hit in hits:
                    found.append(self._match(rule, region, text, hit))
                if not rule.many and (rule.present or region == "bottom"):
                    return found
        return found

    def _best(self, rule: Rule, texts: Sequence[Text | Block]) -> list[Match]:
        """Of texts that are one footer read in several ways: the way that says most."""
        best: list[Match] = []
        most = 0
        for text in texts:
            hits, worth = self._hits(rule, text)
            if worth > most:
                most = worth
                best = [self._match(rule, "footer", text, hit) for hit in hits]
        return best

    def _hits(self, rule: Rule, text: Text | Block) -> tuple[tuple[Hit, ...], int]:
        """In the reading of the text's open joints that says most; and how much that is."""
        whole = text.text
        key: tuple[object, ...] = (rule.id, whole)
        if rule.is_timed:  # a printed time means the same for a minute
            key = (rule.id, whole, self._context.seen_at_ms // 60_000, self._context.host_zone)
        if (known := self._memory.hits.get(key)) is not None:
            return known
        best: tuple[Hit, ...] = ()
        most = 0
        for said in readings(whole[:MAX_TEXT], flush=text.flush):
            lost = self._budget.lost
            if any(self._budget.search(pattern, said) for pattern in rule.unless) or self._budget.lost > lost:
                continue  # what may be there and forbids it is taken to be there
            for pattern in rule.match:
                found = self._budget.search_all(pattern, said) if rule.many else self._first(pattern, said)
                if not found:
                    continue
                read = [self._fields(rule, hit, said) for hit in found]
                worth = sum(fields_worth for _, fields_worth in read)
                if worth > most:
                    most = worth
                    best = tuple(Hit(fields, hit[0][:MAX_SPAN]) for (fields, _), hit in zip(read, found, strict=True))
                break
        if not self._budget.lost and len(whole) <= MAX_REMEMBERED_TEXT:
            self._memory.put(key, (best, most))
        return best, most

    def _first(self, pattern: regex.Pattern[str], text: str) -> list[regex.Match[str]]:
        hit = self._budget.search(pattern, text)
        return [] if hit is None else [hit]

    def _fields(self, rule: Rule, hit: regex.Match[str], text: str) -> tuple[dict[str, FieldValue], int]:
        """What *hit* says, and how much that is."""
        fields: dict[str, FieldValue] = dict(rule.constants)
        worth = 1
        for name, value in hit.groupdict().items():
            if value is None or not (value := value.replace("│", " ").strip()):
                continue
            if MEMBER in name:
                group, _, member = name.partition(MEMBER)
                members = fields.setdefault(group, {})
                assert isinstance(members, dict)
                worth += _put(members, member, self._converted(rule, name, value))
                continue
            if name in rule.words:
                fields[name] = rule.words[name].get(tidy(value), tidy(value))
            elif name == "duration":
                fields["duration"] = tidy(value)
                if (length := parse_duration_s(value)) is not None:
                    fields["duration_s"] = length
            else:
                worth += _put(fields, name, self._converted(rule, name, value))
                continue
            worth += 2
        if rule.table is not None:
            name, pattern = rule.table
            rows = [row.groupdict() for row in self._budget.search_all(pattern, text[hit.end() :])]
            if rows:
                fields[name] = tuple(
                    {key: value if key == "model" else parse_count(value) or 0 for key, value in row.items() if value}
                    for row in rows
                )
            worth += 2 * len(rows)
        return fields, worth

    def _converted(self, rule: Rule, name: str, value: str) -> object:
        return CONVERTERS[rule.types.get(name, name if name in CONVERTERS else "text")](value, self._context)

    def _match(self, rule: Rule, region: str, text: Text | Block, hit: Hit) -> Match:
        fields = hit.fields
        event = rule.event
        if event == "usage.limit" and "reset" not in fields:
            fields = {"reset_kind": "none", **fields}
        elif (event.startswith("waiting.") or event == "usage.popup") and (
            options := self._look.options_of(hit.said)
        ) is not None:
            fields = {**fields, "options": options.labels}
            if options.selected is not None:
                fields["selected"] = options.labels[options.selected]
        place = Place(region, text.first, text.last, hit.said)
        detection = Detection(event, self._agent, rule.id, rule.severity, fields, rule.present, place, rule.window_ms)
        return Match(rule, detection, text.first)


def _put(fields: dict[str, FieldValue], name: str, value: object) -> int:
    """How much it says: a time that is understood more than one that is not."""
    if value is None:
        return 0
    if not isinstance(value, Reset):
        fields[name] = value  # type: ignore[assignment]
        return 2
    fields[name] = value.printed
    fields["reset_kind"] = value.kind
    if value.at is None:
        return 1
    at = value.at if value.zone is None else value.at.astimezone(ZoneInfo(value.zone))
    fields["resets_at"] = at.isoformat()
    if value.ambiguous:
        fields["resets_at_ambiguous"] = True
    return 2
