"""One look at a page with the eyes of one agent: its blocks, its composer, its dialog, and the texts of each region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import regex

from wa.detect.blocks import BOX, PLAIN, RULE, SHELL, SHELL_PROMPT, TEXT, Block, join
from wa.detect.composer import ComposerSeen, find_composer, footer_texts
from wa.detect.dialog import Options, options_of
from wa.detect.pack import Pack
from wa.detect.page import Page
from wa.detect.rule import Rule

EXIT_TEXTS = 6
EXIT_DISTANCE = 3
"""What an agent prints at its end may be several texts, this many rows apart at most."""
NEAR_BLOCKS = 3
"""So many blocks behind one are still read with it."""
_BARE_PROMPT = regex.compile(r"(?:.{0,80}[\w~/\])] ?)?[$#%❯➜»](?: \^C)?\s*|.{0,200}[\p{L}.)…]\$")


class Text(NamedTuple):
    """A text of a region; `first` and `last` are rows of the page."""

    text: str
    first: int
    last: int
    flush: bool = False


class Look:
    """What the regions of the rules are made of; each part is made when it is first asked for."""

    def __init__(self, page: Page, pack: Pack, title: str = "") -> None:
        self.page = page
        self.title = title
        self.start = 0
        """The row where the newest session began; what stands above belongs to programs that ended."""
        self._pack = pack

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._pack.grouper.blocks(self.page))

    @cached_property
    def _of_kind(self) -> dict[str, list[Block]]:
        of_kind: dict[str, list[Block]] = {}
        for block in self.blocks:
            of_kind.setdefault(block.kind, []).append(block)
        return of_kind

    @cached_property
    def composer(self) -> ComposerSeen | None:
        return find_composer(self.page, self._pack.composers, self._pack.grouper)

    @cached_property
    def gone(self) -> bool:
        """A shell's prompt is the last thing, so no program owns the screen."""
        last = next((text for text in reversed(self.page.texts) if text and not text.isspace()), None)
        return last is not None and at_shell(last.rstrip(" ")) and self.composer is None

    @cached_property
    def tail(self) -> tuple[Block, ...]:
        """What stands below the last block of the transcript, on the visible screen; nothing where a composer stands."""
        tail: list[Block] = []
        if self.composer is None:
            for block in reversed(self.blocks):
                if block.last < self.page.screen_row or block.kind not in PLAIN or block.kind == SHELL:
                    break
                tail.append(block)
        return tuple(reversed(tail))

    @cached_property
    def options(self) -> Options | None:
        if not self.tail or self.gone:
            return None
        first = self.tail[0].first
        return options_of([line for line in self.page.lines if line.first >= first], self.page.cols)

    # -- regions -----------------------------------------------------------------------------------

    def texts(self, region: str, rule: Rule) -> Iterator[Text]:
        page = self.page
        end = page.rows - 1
        if region == "title":
            yield Text(self.title, end, end)
        elif region == "footer":
            yield from self._footer
        elif region == "composer":
            if self.composer is not None:
                yield Text(self.composer.draft, self.composer.first, self.composer.last)
        elif region == "bottom":
            yield from self._bottom(rule.rows)
        elif region in ("dialog", "tail"):
            if self.tail and not (region == "dialog" and self.gone):
                yield Text(self._dialog, self.tail[0].first, end)
        elif region == "rows":
            if self.tail and not self.gone:
                yield Text("\n\n".join(map(_rows, self.tail)), self.tail[0].first, end)
        elif region == "asked":
            if self.tail and not self.gone:
                at = len(self.blocks) - len(self.tail) - 1
                before = self.blocks[at].text if at >= 0 and self.blocks[at].kind != SHELL else ""
                yield Text(f"{before}\n{self._dialog}", self.tail[0].first, end)
        elif region == "screen":
            shown = [block for block in self.blocks if block.last >= page.screen_row and block.first >= self.start]
            if shown and not (rule.event.startswith("waiting.") and (self.composer is not None or self.gone)):
                yield Text(_joined(shown), shown[0].first, end)
        elif region == "exit":
            yield from self._exit
        elif region in ("banner", "near"):
            yield from self._near(rule, beyond=region == "banner")
        else:
            for block in self._of_kind.get(region, ()):
                if self._fits(rule, block):
                    yield Text(block.text, block.first, block.last, block.flush)

    @cached_property
    def _dialog(self) -> str:
        """The tail, a paragraph a row, without the drawn line at its top."""
        return "\n".join(map(_paragraphs, self.tail)).lstrip("─━═╌\n")

    @cached_property
    def _footer(self) -> tuple[Text, ...]:
        if self.composer is None:
            return ()
        end = self.page.rows - 1
        return tuple(Text(text, self.composer.last + 1, end) for text in footer_texts(self.composer.footer))

    def _bottom(self, rows: int) -> Iterator[Text]:
        shown = [line.first for line in self.page.lines[self.page.screen_line :] if line.text][-rows:]
        if not shown or self.gone:
            return
        for block in self.blocks:
            if block.last >= shown[0]:
                yield Text(block.text, block.first, block.last, block.flush)
                for line in block.lines if len(block.lines) > 1 else ():
                    yield Text(line, block.first, block.last, block.flush)

    @cached_property
    def _exit(self) -> tuple[Text, ...]:
        if self.composer is not None:
            return ()
        found = []
        texts = [block for block in self._of_kind.get(TEXT, ()) if block.first >= self.start]
        for at, block in enumerate(texts):
            near = [block]
            for other in texts[at + 1 : at + EXIT_TEXTS]:
                if other.first - near[-1].last > EXIT_DISTANCE:
                    break
                near.append(other)
            found.append(Text(_joined(near), block.first, near[-1].last))
        return tuple(found)

    def _near(self, rule: Rule, *, beyond: bool) -> Iterator[Text]:
        """Each block with those behind it; *beyond*: whatever stands between, up to a shell's prompt."""
        for at, block in enumerate(self.blocks):
            if not beyond and not self._fits(rule, block):
                continue
            near = [block]
            for other in self.blocks[at + 1 : at + 1 + NEAR_BLOCKS]:
                if other.kind == SHELL or (other.kind not in PLAIN and not beyond):
                    break
                if other.kind in PLAIN:
                    near.append(other)
            yield Text(_joined(near, rules=not beyond), block.first, near[-1].last)

    def _fits(self, rule: Rule, block: Block) -> bool:
        return (
            block.first >= self.start
            and (not rule.kinds or block.kind in rule.kinds)
            and (not rule.after or block.owner in rule.after)
            and block.owner not in rule.not_after
            and (not rule.columns or block.column in rule.columns)
            and block.column >= rule.min_column
            and (rule.followed_by is None or self._kinds_below(block) <= rule.followed_by)
        )

    def _kinds_below(self, block: Block) -> frozenset[str]:
        return frozenset(other.kind for other in self.blocks if other.first > block.first) - PLAIN


def at_shell(text: str) -> bool:
    """*text* is a shell's prompt, with or without a command."""
    return SHELL_PROMPT.match(text) is not None or _BARE_PROMPT.fullmatch(text) is not None


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
        block.text or block.glyph
        for block in blocks
        if block.kind != RULE or block.text or (rules and block.column == 0)
    )
