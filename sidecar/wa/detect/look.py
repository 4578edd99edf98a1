"""One look at a page with the eyes of one agent: its blocks, its composer, its dialog, and the texts of each region."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, NamedTuple

import regex

from wa.detect.blocks import BOX, PLAIN, RULE, SHELL, TEXT, Block, is_prompt, join, tidy
from wa.detect.composer import ComposerSeen, Frames
from wa.detect.dialog import Listed, Lists, Options
from wa.detect.pack import Pack
from wa.detect.page import Page, width
from wa.detect.rule import Rule

EXIT_TEXTS = 6
EXIT_DISTANCE = 3
"""What an agent prints at its end may be several texts, this many rows apart at most."""
RIGHT_MARGIN = 3
NEAR_BLOCKS = 3
"""So many blocks behind one are still read with it."""
PRINTERS = frozenset(
    {
        "ack", "ag", "awk", "bat", "cat", "column", "delta", "diff", "echo", "egrep", "fmt", "fold", "git", "grep",
        "head", "journalctl", "jq", "less", "man", "more", "nano", "nl", "nvim", "printf", "rg", "sed", "strings",
        "tac", "tail", "vi", "view", "vim", "xxd", "zcat", "zless",
    }
)  # fmt: skip
"""Commands that show what stands in files: nothing that they print is said by an agent."""
ORPHANED_ROWS = 4
"""So much of an agent's drawing may stand below the prompt, where the agent was killed."""
_BARE_PROMPT = regex.compile(r"(?:.{0,80}[\w~/\])] ?)?[$#%❯➜»](?: \^C)?\s*|.{0,200}[\p{L}.)…]\$")

_PROMPT = regex.compile(r"^.{0,120}?[$#%] ")
_STATUS_LINE = regex.compile(
    r":|\(END\)|lines \d+-\d+.*|--More--.*|HELP -- .*|.{0,200}\(END\)|.{0,200}\d+,\d+(?:-\d+)? +(?:All|Top|Bot|\d+%)|-- [A-Z]+ --.*"
    r"|Manual page .* line \d+.*"
)


_OF_TAIL = frozenset({"dialog", "tail", "rows", "asked"})


class Text(NamedTuple):
    """A text of a region; `first` and `last` are rows of the page."""

    text: str
    first: int
    last: int
    flush: bool = False


class Look:
    """What the regions of the rules are made of; each part is made when it is first asked for.

    *rows* in its methods: only there the anchors of the asking rule stand; None: anywhere.
    """

    __slots__ = (
        "_below",
        "_blocks",
        "_composer",
        "_firsts",
        "_frames",
        "_gone",
        "_listed",
        "_lists",
        "_pack",
        "_tail",
        "_tail_texts",
        "page",
        "start",
        "title",
    )

    def __init__(self, page: Page, pack: Pack, frames: Frames, lists: Lists, title: str = "") -> None:
        self.page = page
        self.title = title
        self.start = 0
        """The row where the newest session began; what stands above belongs to programs that ended."""
        self._pack = pack
        self._frames = frames
        self._lists = lists
        self._blocks: list[Block] | None = None
        self._firsts: list[int] = []
        self._composer: tuple[ComposerSeen | None] | None = None
        self._gone: bool | None = None
        self._tail: list[Block] | None = None
        self._below: list[frozenset[str]] | None = None
        """For each block: the markers that stand there or below; then none."""
        self._listed: tuple[Listed | None] | None = None
        self._tail_texts: dict[str, str] = {}

    @property
    def blocks(self) -> list[Block]:
        if self._blocks is None:
            blocks = self._pack.grouper.blocks(self.page)
            self._blocks = _unprinted(blocks) if SHELL in [block.kind for block in blocks] else blocks
            self._firsts = [block.first for block in self._blocks]
        return self._blocks

    @property
    def composer(self) -> ComposerSeen | None:
        if self._composer is None:
            if _is_status_line(self.page.last_text):
                self._composer = (None,)
            else:
                self._composer = (self._frames.find(self.page),)
        return self._composer[0]

    @property
    def gone(self) -> bool:
        """A shell's prompt, or a pager's, is the last thing, so no agent owns the screen."""
        if self._gone is None:
            self._gone = self.composer is None and (at_shell(self.page.last_text) or self._killed())
        return self._gone

    def _killed(self) -> bool:
        """A bare prompt, and below it only the end of what an agent had drawn."""
        below = 0
        for text in reversed(self.page.texts):
            if text and text[0] in "$#%" and not text[1:].strip():
                return below > 0
            if text and not text.isspace():
                below += 1
                if below > ORPHANED_ROWS or text[0] != " ":
                    return False
        return False

    @property
    def tail(self) -> list[Block]:
        """What stands below the last block of the transcript, on the visible screen; nothing where a composer stands."""
        if self._tail is None:
            tail: list[Block] = []
            for block in reversed(self.blocks) if self.composer is None else ():
                if block.last < self.page.screen_row or block.kind not in PLAIN or block.kind == SHELL:
                    break
                tail.append(block)
            self._tail = tail[::-1]
        return self._tail

    def _list(self) -> Listed | None:
        if self._listed is None:
            found = None
            if self.tail and not self.gone:
                lines = self.page.lines
                found = self._lists.find(lines, lines.from_row(self.tail[0].first), self.page.cols)
            self._listed = (found,)
        return self._listed[0]

    @property
    def options(self) -> Options | None:
        listed = self._list()
        return None if listed is None else listed.options

    def options_of(self, question: str) -> Options | None:
        """Those of the dialog that says *question*."""
        listed = self._list()
        return None if listed is None else listed.of(question)

    # -- regions -----------------------------------------------------------------------------------

    def texts(self, region: str, rule: Rule, rows: Collection[int] | None) -> Sequence[Text | Block]:
        if region in _OF_TAIL:
            return self._of_tail(region, rows)
        made = self._REGIONS.get(region)
        if made is not None:
            return made(self, rule, rows)
        return [block for block in self._with(rows) if block.kind == region and self._fits(rule, block)]

    def _with(self, rows: Collection[int] | None) -> list[Block]:
        """The blocks in which one of *rows* lies, in order."""
        if rows is None:
            return self.blocks
        return [self.blocks[at] for at in self._indexes(rows)]

    def _indexes(self, rows: Collection[int]) -> list[int]:
        blocks, firsts = self.blocks, self._firsts
        if len(rows) == 1:
            (row,) = rows
            at = bisect_right(firsts, row) - 1
            return [at] if at >= 0 and blocks[at].last >= row else []
        places = [(bisect_right(firsts, row) - 1, row) for row in rows]
        return sorted({at for at, row in places if at >= 0 and blocks[at].last >= row})

    def _title(self, _rule: Rule, _rows: Collection[int] | None) -> list[Text]:
        end = self.page.rows - 1
        return [Text(self.title, end, end)]

    def _draft(self, _rule: Rule, _rows: Collection[int] | None) -> list[Text]:
        seen = self.composer
        return [] if seen is None else [Text(seen.draft, seen.first, seen.last)]

    def _footer(self, _rule: Rule, rows: Collection[int] | None) -> list[Text]:
        seen = self.composer
        if seen is None or (rows is not None and max(rows) <= seen.last):
            return []
        end = self.page.rows - 1
        return [Text(text, seen.last + 1, end) for text in seen.footer]

    def _bottom(self, rule: Rule, rows: Collection[int] | None) -> list[Text | Block]:
        lines = self.page.lines
        shown = [at for at in range(self.page.screen_line, len(lines.texts)) if lines.texts[at]][-rule.rows :]
        top = lines.firsts[shown[0]] if shown else self.page.rows
        if (rows is not None and max(rows) < top) or self.gone:
            return []
        texts: list[Text | Block] = []
        for block in self._with(rows):
            if (
                block.last >= top
                and (not rule.columns or block.column in rule.columns)
                and (not rule.kinds or block.kind in rule.kinds)
            ):
                texts.append(block)
                if len(block.lines) > 1:
                    texts += [Text(line, block.first, block.last, block.flush) for line in block.lines]
        return texts

    def _above(self, _rule: Rule, rows: Collection[int] | None) -> list[Text]:
        """The row right above the composer, at the right."""
        seen = self.composer
        if seen is None:
            return []
        lines = self.page.lines
        at = lines.from_row(seen.first) - 1
        while at >= 0 and not lines.texts[at]:
            at -= 1
        if at < 0 or (rows is not None and not any(lines.firsts[at] <= row <= lines.lasts[at] for row in rows)):
            return []
        text = lines.texts[at]
        if width(text) < self.page.cols - RIGHT_MARGIN or len(text) - len(text.lstrip(" ")) < self.page.cols // 4:
            return []
        return [Text(tidy(text), lines.firsts[at], lines.lasts[at])]

    def _of_tail(self, region: str, rows: Collection[int] | None) -> list[Text]:
        tail = self.tail
        if not tail or (rows is not None and max(rows) < tail[0].first) or (region != "tail" and self.gone):
            return []
        text = self._tail_texts.get(region)
        if text is None:
            text = self._tail_texts[region] = self._tail_text(region)
        return [Text(text, tail[0].first, self.page.rows - 1)]

    def _tail_text(self, region: str) -> str:
        tail = self.tail
        if region == "rows":
            return "\n\n".join(map(_rows, tail))
        text = "\n".join(map(_paragraphs, tail)).lstrip("─━═╌\n")
        if region == "asked":
            at = len(self.blocks) - len(tail) - 1
            before = self.blocks[at].text if at >= 0 and self.blocks[at].kind != SHELL else ""
            return f"{before}\n{text}"
        return text

    def _screen(self, rule: Rule, _rows: Collection[int] | None) -> list[Text]:
        page = self.page
        if rule.event.startswith("waiting.") and (self.composer is not None or self.gone):
            return []
        shown = [block for block in self.blocks if block.last >= page.screen_row and block.first >= self.start]
        return [Text(_joined(shown), shown[0].first, page.rows - 1)] if shown else []

    def _exit(self, _rule: Rule, rows: Collection[int] | None) -> list[Text]:
        if self.composer is not None:
            return []
        texts = []
        blocks = self.blocks
        asked = sorted(rows) if rows is not None else []
        for at, block in enumerate(blocks):
            if block.kind != TEXT or block.first < self.start:
                continue
            near = [block]
            for other in blocks[at + 1 : at + EXIT_TEXTS]:
                if other.kind != TEXT or other.first - near[-1].last > EXIT_DISTANCE:
                    break
                near.append(other)
            last = near[-1].last
            at_row = bisect_left(asked, block.first)
            if rows is None or (at_row < len(asked) and asked[at_row] <= last):
                texts.append(Text(_joined(near), block.first, last))
        return texts

    def _banner(self, rule: Rule, rows: Collection[int] | None) -> list[Text]:
        return self._near(rule, rows, beyond=True)

    def _near(self, rule: Rule, rows: Collection[int] | None, *, beyond: bool = False) -> list[Text]:
        """Each block with those behind it; *beyond*: whatever stands between, up to a shell's prompt."""
        blocks = self.blocks
        starts: Iterable[int] = range(len(blocks))
        if rows is not None:
            found = self._indexes(rows)
            starts = found if beyond else sorted({n for at in found for n in range(max(0, at - NEAR_BLOCKS), at + 1)})
        texts = []
        for at in starts:
            block = blocks[at]
            if not beyond and not self._fits(rule, block):
                continue
            near = [block]
            for other in blocks[at + 1 : at + 1 + NEAR_BLOCKS]:
                if other.kind not in PLAIN:
                    if not beyond:
                        break
                elif other.kind == SHELL:
                    break
                else:
                    near.append(other)
            texts.append(Text(_joined(near, rules=not beyond), block.first, near[-1].last))
        return texts

    def _fits(self, rule: Rule, block: Block) -> bool:
        return (
            block.first >= self.start
            and (not rule.kinds or block.kind in rule.kinds)
            and (not rule.after or block.owner in rule.after)
            and block.owner not in rule.not_after
            and block.root not in rule.not_under
            and (
                rule.chained_under is None or block.owner not in self._pack.replies or block.root in rule.chained_under
            )
            and (not rule.columns or block.column in rule.columns)
            and block.column >= rule.min_column
            and (rule.followed_by is None or self._kinds_below(block) <= rule.followed_by)
        )

    def _kinds_below(self, block: Block) -> frozenset[str]:
        if self._below is None:
            below: list[frozenset[str]] = [frozenset()]
            for other in reversed(self.blocks):
                kinds = below[-1]
                below.append(kinds if other.kind in PLAIN or other.kind in kinds else kinds | {other.kind})
            self._below = below[::-1]
        return self._below[bisect_right(self._firsts, block.first)]

    _REGIONS: ClassVar[Mapping[str, Callable[[Look, Rule, Collection[int] | None], Sequence[Text | Block]]]] = {
        "footer": _footer,
        "above": _above,
        "bottom": _bottom,
        "exit": _exit,
        "banner": _banner,
        "near": _near,
        "title": _title,
        "composer": _draft,
        "screen": _screen,
    }
    """Made of something else than one block each."""


def _unprinted(blocks: list[Block]) -> list[Block]:
    """Without what a command printed that only shows files."""
    kept: list[Block] = []
    printed = False
    for block in blocks:
        if block.kind == SHELL:
            printed = _is_printer(block.text)
        elif printed:
            continue
        kept.append(block)
    return kept if len(kept) < len(blocks) else blocks


@lru_cache(maxsize=256)
def _is_printer(text: str) -> bool:
    command = _PROMPT.split(text, maxsplit=1)[-1].split()
    return bool(command) and command[0].rpartition("/")[2] in PRINTERS


@lru_cache(maxsize=256)
def at_shell(text: str) -> bool:
    """*text*, the lowest row, is a shell's prompt, with or without a command; or the status line of a pager or an editor."""
    return bool(text) and (is_prompt(text) or _BARE_PROMPT.fullmatch(text) is not None or _is_status_line(text))


@lru_cache(maxsize=256)
def _is_status_line(text: str) -> bool:
    return _STATUS_LINE.fullmatch(text.strip()) is not None


def after_shell(blocks: Sequence[Block], commands: frozenset[str]) -> int:
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


def _paragraphs(block: Block) -> str:
    """Empty rows within a box part what it says."""
    if block.kind != BOX:
        return block.text or block.glyph
    gathered: list[list[str]] = [[]]
    for line in block.lines:
        if line:
            gathered[-1].append(line)
        elif gathered[-1]:
            gathered.append([])
    return "\n".join(join(lines) for lines in gathered if lines)


def _rows(block: Block) -> str:
    return "\n".join(block.lines) if block.lines else block.glyph


def _joined(blocks: Iterable[Block], *, rules: bool = False) -> str:
    """Texts of blocks, a row each; where *rules* matter, lines drawn from column 0 on as one character of theirs."""
    return "\n".join(
        [
            block.text or block.glyph
            for block in blocks
            if block.kind != RULE or block.text or (rules and block.column == 0)
        ]
    )
