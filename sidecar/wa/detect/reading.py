"""One look at a pane's text: which rules speak, and what they say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation

from wa.detect.asking import Asking, Match, Memory
from wa.detect.composer import Frames
from wa.detect.dialog import Lists
from wa.detect.look import Look, after_shell, at_shell
from wa.detect.pack import Pack
from wa.detect.page import Page, alike, bare, page_of_text, rows_with
from wa.detect.rule import NO_RANK, Budget, Rule
from wa.detect.values import Context
from wa.model.agent import Detection, Dialog, PaneState, Place, Severity

SHELL_WHY = "a shell's prompt is the last row"
IDLE_WHY = "the composer is there and nothing runs"
_first_row = attrgetter("first_row")
_AT_COMPOSER = (PaneState.IDLE, PaneState.LIMITED)
_EXITED = PaneState.EXITED
_AT_WORK = (PaneState.WORKING, PaneState.IDLE, PaneState.LIMITED, PaneState.COMPACTING)
MAX_HEARD, MAX_HEARD_CHARS = 1_024, 4_000
"""So many parts of pages, of so many characters, are remembered for the anchors in them."""
UNKNOWN_WHY = "neither composer, nor dialog, nor shell is to be seen"


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


class _Heard(NamedTuple):
    """What anchors say of a part of a page, wherever it stands."""

    size: int
    """Rows, with the empty one below."""
    any_word: bool
    rules: tuple[tuple[int, tuple[int, ...] | None], ...]
    """Their numbers, once for each anchor, and the rows where it stands; None: somewhere."""


class Detector:
    """The rules of one agent, ready to be asked. Holds no state of any pane."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._idle = f"{pack.name}.idle"
        self._memory = Memory()
        self._heard: dict[str, _Heard] = {}
        self._frames = Frames(pack.composers, pack.grouper)
        self._lists = Lists()
        self._begins = frozenset(at for at, rule in enumerate(pack.rules) if rule.event == "session.start")
        """The numbers of the rules that tell where a session begins."""
        self._commands = frozenset((*pack.processes, *pack.aliases))
        places: dict[bytes, list[int]] = {}
        self._anchors: list[str] = []
        """As written in the rules; those of equal bare form share a pattern."""
        self._rules_of: list[list[int]] = []
        for number, rule in enumerate(pack.rules):
            for anchor in rule.anchors:
                form = bare(alike(anchor))
                if form not in places:
                    places[form] = []
                    self._anchors.append(anchor)
                    self._rules_of.append(places[form])
                elif anchor != self._anchors[list(places).index(form)]:
                    self._anchors[list(places).index(form)] = ""  # spelled in two ways: in no row is it verbatim
                places[form].append(number)
        signs = dict.fromkeys(bare(alike(sign)) for composer in pack.composers for sign in composer.signs)
        self._automaton = BytesAhoCorasick(
            [*places, *(sign for sign in signs if sign not in places)], implementation=Implementation.DFA
        )

    def _spoken(self, page: Page) -> tuple[dict[int, list[int] | None], bool]:
        """By number: the rules that have an anchor on *page*, and in which rows; whether there is any word of the agent."""
        parts = page.parts
        remembered = [*map(self._heard.get, parts)]
        all_heard = [heard for heard in remembered if heard]
        if len(all_heard) < len(parts):
            if self._is_mute(page, all_heard):
                return {}, False
            all_heard = [
                heard or self._heard.get(part) or self._hear(part)
                for heard, part in zip(remembered, parts, strict=True)
            ]
        spoken: dict[int, list[int] | None] = {}
        any_word = False
        top = 0
        for size, speaks, rules in all_heard:
            if speaks:
                any_word = True
                for rule, rows in rules:
                    if rows is None:
                        spoken[rule] = None
                    elif (before := spoken.setdefault(rule, [])) is not None:
                        before += [top + row for row in rows]
            top += size
        return spoken, any_word

    def _is_mute(self, page: Page, all_heard: Sequence[_Heard]) -> bool:
        """Most of what programs print holds no word of an agent: of a page that is new for the most part one search tells it."""
        parts = len(page.parts)
        return (
            parts > 1
            and len(all_heard) < parts - parts // 2
            and not any(heard.any_word for heard in all_heard)
            and not self._automaton.find_matches_as_indexes(page.bare)
        )

    def _hear(self, part: str) -> _Heard:
        times: dict[int, int] = {}
        text = alike(part)
        for hit, _, _ in self._automaton.find_matches_as_indexes(bare(text), overlapping=True):
            times[hit] = times.get(hit, 0) + 1
        rules = [
            (rule, rows_with(text, self._anchors[hit], count))
            for hit, count in times.items()
            if hit < len(self._anchors)
            for rule in self._rules_of[hit]
        ]
        heard = _Heard(part.count("\n") + 2, bool(times), tuple(rules))
        if len(part) <= MAX_HEARD_CHARS:
            if len(self._heard) >= MAX_HEARD:
                self._heard.clear()
            self._heard[part] = heard
        return heard

    def read(
        self, page: Page, *, title: str = "", at_ms: int, zone: str, without: frozenset[str] = frozenset()
    ) -> Reading:
        """*without*: rules that are not asked."""
        spoken, any_word = self._spoken(page)
        if title and self.pack.has_title_rules:
            spoken.update(dict.fromkeys(self._titled(title), None))
        if not any_word and not spoken:
            return self._nothing(page)
        look = Look(page, self.pack, self._frames, self._lists, title)
        if not spoken:
            return self._judge(look, [], [])
        rules, begins = self.pack.rules, self._begins
        numbers = sorted(spoken)
        if without:
            numbers = [number for number in numbers if rules[number].id not in without]
        asking = Asking(look, Context(at_ms, zone), self.pack.name, self._memory, len(numbers) or 1)
        look.start = after_shell(look.blocks, self._commands)
        matches: list[Match] = []
        for number in numbers:
            if number in begins:
                matches += asking.ask(rules[number], spoken[number])
        if matches:
            lowest = max([match.first_row for match in matches])
            look.start = max(look.start, lowest)
            matches = [match for match in matches if match.first_row == look.start]
        for number in numbers:
            if number not in begins:
                matches += asking.ask(rules[number], spoken[number])
        if len(matches) > 1:
            matches.sort(key=_first_row)
        return self._judge(look, matches, [rules[number] for number in numbers])

    def _titled(self, title: str) -> set[int]:
        hits = self._automaton.find_matches_as_indexes(bare(alike(title)), overlapping=True)
        return {number for hit in hits if hit[0] < len(self._rules_of) for number in self._rules_of[hit[0]]}

    def forget(self) -> None:
        """Of texts that were read before nothing is remembered; that costs time and changes nothing else."""
        self._memory = Memory()
        self._heard.clear()
        self._frames.forget()
        self._lists.forget()
        self.pack.grouper.forget()

    def read_text(self, texts: Sequence[str], *, cols: int | None, visible: int, at_ms: int, zone: str) -> Reading:
        """A reading of rows of which nobody says where the terminal cut them; without *cols* the widest row tells the width."""
        return self.read(page_of_text(texts, cols, visible), at_ms=at_ms, zone=zone)

    def _nothing(self, page: Page) -> Reading:
        """No word of the agent and no composer is there."""
        name = self.pack.name
        if at_shell(page.last_text):
            return Reading(name, PaneState.SHELL, f"{name}.layout.shell", SHELL_WHY, (), None, None, (), None)
        return Reading(name, PaneState.UNKNOWN, f"{name}.layout", UNKNOWN_WHY, (), None, None, (), None)

    # -- all of them -------------------------------------------------------------------------------

    def _judge(self, look: Look, matches: Sequence[Match], asked: Sequence[Rule]) -> Reading:
        kept = matches
        merged = len(matches) > 1 and len({match.rule.event for match in matches}) < len(matches)
        if merged:
            kept = _one_of_each(matches)
        composer = look.composer
        state, rule, why = self._state(look, kept)
        if state not in _AT_WORK:
            kept = [match for match in kept if match.rule.event not in ("turn.working", "state.idle")]
        detections = [match.detection for match in (sorted(kept, key=_first_row) if merged else kept)]
        if composer is not None and state in _AT_COMPOSER:
            place = Place("composer", composer.first, composer.last, "")
            detections.append(Detection("state.idle", self.pack.name, self._idle, Severity.INFO, {}, True, place))
        dialog = None
        if state.startswith("waiting."):
            said = next((match.detection for match in reversed(kept) if match.rule.id == rule), None)
            if said is not None:
                options = look.options_of(said.place.text)
                dialog = Dialog(
                    rule,
                    said.event,
                    str(said.fields.get("question", said.place.text)),
                    options.labels if options else (),
                    options.selected if options else None,
                )
        draft = composer.draft if composer is not None else None
        said = {match.rule.id for match in matches}
        silent = tuple([one.id for one in asked if one.id not in said])
        return Reading(self.pack.name, state, rule, why, tuple(detections), dialog, draft, silent, look)

    def _state(self, look: Look, matches: Sequence[Match]) -> tuple[PaneState, str, str]:
        name = self.pack.name
        best: Match | None = None
        rank = NO_RANK
        ended: Match | None = None
        started = False
        for match in matches:
            rule = match.rule
            started = started or rule.event == "session.start"
            if rule.says is _EXITED or rule.event == "session.end":
                ended = match
            if rule.rank <= rank and rule.rank < NO_RANK:
                best, rank = match, rule.rank
        if look.gone or (ended is not None and look.composer is None):
            if ended is not None or started:
                return PaneState.EXITED, ended.rule.id if ended is not None else f"{name}.layout.shell", SHELL_WHY
            return PaneState.SHELL, f"{name}.layout.shell", SHELL_WHY
        if best is not None:
            assert best.rule.says is not None
            return best.rule.says, best.rule.id, best.detection.place.text
        if look.composer is not None:
            limit = _standing_limit(look, matches, self.pack)
            if limit is not None:
                return PaneState.LIMITED, limit.rule.id, limit.detection.place.text
            return PaneState.IDLE, self._idle, IDLE_WHY
        return PaneState.UNKNOWN, f"{name}.layout", UNKNOWN_WHY


def _one_of_each(matches: Sequence[Match]) -> list[Match]:
    """The lowest of equal ones; of what is present, the one that says most."""
    kept: dict[str, Match] = {}
    times = Counter([match.rule.event for match in matches])
    for match in matches:
        detection = match.detection
        key = detection.event
        if times[key] > 1 and (not detection.present or key.startswith("auth.")):
            key = detection.identity
        other = kept.get(key)
        if other is None or not detection.present or len(detection.fields) >= len(other.detection.fields):
            kept[key] = match
    return list(kept.values())


def _standing_limit(look: Look, matches: Sequence[Match], pack: Pack) -> Match | None:
    """The newest limit, unless the agent answered, finished or signed in after it."""
    limits = [match for match in matches if match.rule.event == "usage.limit"]
    if not limits:
        return None
    limit = limits[-1]
    budget = Budget()
    for block in look.blocks:
        if block.kind not in pack.answers or block.first <= (limit.detection.place.last_row or 0):
            continue
        if not any(budget.search(aside, block.text) for aside in pack.asides):
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


def newest(reading: Reading | None, event: str) -> Detection | None:
    return None if reading is None else next((one for one in reversed(reading.detections) if one.event == event), None)
