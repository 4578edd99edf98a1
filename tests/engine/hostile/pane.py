"""A pane of the acting trials' world that runs into limits, compacts its history, and belongs to several wishes at once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from act.hostile.screens import COLS, COMMANDS, DIALOGS, ROWS, Face, draw, shell
from act.hostile.world import MOVES, World

MINUTE_MS = 60_000
AT_ONCE_S = 1e-9
"""Between two things that happen at the same time, one because of the other."""
PROMPT_TAKES_S = 5.0
"""A limit that comes while the prompt is being typed is no reason to leave it standing."""
ITSELF_AFTER_S = 75.0
"""After the reset; Claude Code 2.1.328, 2026-11-21."""
CLOSES = {"codex": "Keep current model", "claude_code": "Stop and wait for limit to reset", "gemini": "Stop"}
PROGRAMS = {"codex": "codex", "claude_code": "claude", "gemini": "gemini", "shell": "bash"}
BEFORE = tuple(f"-rw-r--r-- 1 dev dev {1000 + n} notes-{n}.txt" for n in range(ROWS))
"""What the shell printed before."""
COMPOSER_ROWS = {"codex": 4, "claude_code": 4, "gemini": 8}
COMPACTED = {
    "codex": ("agent", "Context compacted"),
    "claude_code": ("drawn", "✻ Conversation compacted (ctrl+o for the summary)"),
    "gemini": ("agent", "Chat history compressed from 100000 to 181 tokens."),
}


class View(NamedTuple):
    """What the terminal holds of the pane: a history that grows, and the screen at its end."""

    rows: tuple[str, ...]
    """Of the screen."""
    x: int
    y: int
    top: int
    """How many rows stand above the screen."""
    tall: tuple[str, ...]
    """All rows."""
    line: int
    """Where the shell's line begins, that goes on in the next row when one is full."""


@dataclass
class Wish:
    """Something that wa was asked for, or is to do by itself."""

    kind: str
    text: str = ""
    times: int = 0
    """How often it may be done by now."""
    done: int = 0
    by_wa: int = 0


class Pane(World):
    own = (*World.own, "opens_box", "hits_limit", "compacts", "goes_on_itself")

    def __init__(self, stage, pane_id, agent):
        self.stage, self.pane_id = stage, pane_id
        self.cols, self.top = COLS, 0
        self.wishes = {}
        """By text; for what has none, by kind."""
        self.uid = None
        self.late_at = -1.0
        """What happens at this instant comes after what is served at it."""
        self.for_shell = set()
        """Texts of persons that asked when a shell had the pane already."""
        self.answers_meant = []
        """(question, label)"""
        self.moved_by_both = self.stood = ()
        self.limit_ms = None
        """When the limit that holds really ends."""
        self.printed_ms = 0
        self.has_box = None
        """Whether a box opens at a limit; None: that is drawn."""
        self.itself = None
        """`waits` while it says that it goes on by itself."""
        self.limited_at = 0.0
        self.limits = self.compactions = 0
        self.used_at = -1e9
        """When a person last used the pane."""
        super().__init__(stage.rng, agent, None)
        self.now = stage.now

    # -- what is meant ----------------------------------------------------------------------------------------------

    def wish(self, kind, text="", times=0):
        found = self.wishes.setdefault(text or kind, Wish(kind, text))
        found.times += times
        return found

    def means(self, *kinds):
        return any(wish.kind in kinds for wish in self.wishes.values())

    def means_text(self, text):
        return bool(text) and text in self.wishes

    def means_answer(self, label=None):
        if self.asked is None:
            return False
        return any(
            self.asked.question == question and (label is None or label.partition(" (")[0] == meant)
            for question, meant in self.answers_meant
        )

    def count(self, text, who, captured_at):
        wish = self.wishes[text]
        wish.done += 1
        if who != "wa":
            return
        wish.by_wa += 1
        if wish.done > wish.times:
            self.fault("double", captured_at)
        holds = self.limit_ms is not None and self.now - self.limited_at > PROMPT_TAKES_S
        if text == self.stage.prompt and holds and not self.stage.clock_jumped:
            self.fault("early: the limit holds still", captured_at)

    def is_asked_for(self, text):
        """Whoever has the pane when wa looks at it first is meant."""
        if self.program == "shell":
            self.for_shell.add(text)

    def shell_reads(self, data, who, captured_at):
        line = "".join(char for char, _ in self.line)
        is_meant = who == "wa" and (data in self.for_shell or any(text in line for text in self.for_shell))
        super().shell_reads(data, "person" if is_meant else who, captured_at)

    def dialog_reads(self, data, who, captured_at):
        if who == "wa" and data in MOVES and self.changed_at >= captured_at:
            # A person moved the selection while wa's key was under way: which of both it saw nobody can tell.
            self.moved_by_both = self.asked
        if self.moved_by_both is self.asked:
            captured_at = -1.0
        super().dialog_reads(data, who, captured_at)

    # -- limits -----------------------------------------------------------------------------------------------------

    @property
    def wall_ms(self):
        return self.stage.clock_ms + round(self.now * 1000)

    def hits_limit(self):
        """Its turn ends, and it says until when."""
        if self.program != self.agent or self.asked is not None:
            return
        self.others()
        if self.limit_ms is None:
            ahead_ms = self.rng.choice((70_000, 130_000, 250_000))
            self.printed_ms = (self.wall_ms + ahead_ms) // MINUTE_MS * MINUTE_MS
            self.limit_ms = self.printed_ms + self.rng.randrange(0, 59_000)
            self.at((self.limit_ms - self.wall_ms) / 1000, self.limit_ends)
            if self.has_box is None:
                self.has_box = self.agent == "gemini" or self.rng.random() < 0.5
        self.says_limit()

    def says_limit(self):
        self.limits += 1
        self.limited_at = self.now
        self.working_until = None
        self.stage.limited(self)
        at = datetime.fromtimestamp(self.printed_ms / 1000, UTC)
        hour, half = at.hour % 12 or 12, "AM" if at.hour < 12 else "PM"
        when = f"{hour}:{at:%M}"
        if self.agent == "codex":
            more = "Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/codex/settings/usage to"
            self.said.append(
                ("drawn", f"■ You’ve hit your usage limit. {more} purchase more credits or try again at {when} {half}.")
            )
        elif self.agent == "claude_code":
            when += half.lower()
            self.said.append(("drawn", f"  ⎿ \u00a0You've hit your 5-hour limit · resets {when} (UTC)"))
            if not self.has_box and self.itself is None:
                self.itself = "waits"
                said = f"Usage limit reached · continuing automatically at {when} · esc to cancel"
                self.said.append(("agent", said))
        if self.has_box:
            self.box = next(asked for asked in DIALOGS[self.agent] if asked.kind == "limit")
            if self.agent == "gemini":
                self.box = self.box._replace(reset=f"{when} {half} UTC")
            self.at(self.rng.choice((0.001, 0.05, 1.0)), self.opens_box)

    def others(self):
        super().others()
        if self.late_at == self.now:
            self.changed_at += AT_ONCE_S

    def opens_box(self):
        if self.program == self.agent and self.asked is None and self.limit_ms is not None:
            self.others()
            self.dialogs += 1
            self.asked, self.selected = self.box, 0

    def limit_ends(self):
        self.limit_ms = None
        if self.itself == "waits":
            self.at(ITSELF_AFTER_S, self.goes_on_itself)

    def goes_on_itself(self):
        if self.itself == "waits" and self.program == self.agent:
            self.itself = None
            self.begins()

    def says_answer(self, asked):
        if asked is not None and asked.kind == "approval":
            self.said.append(("agent", f"You were asked about {asked.command.partition(' ')[0]}."))

    def answered(self, label):
        asked = self.asked
        self.says_answer(asked)
        super().answered(label)
        if asked.kind == "limit" and label.startswith("Wait here"):
            self.itself = "waits"
            if self.limit_ms is None:
                self.at(ITSELF_AFTER_S, self.goes_on_itself)

    def agent_reads(self, data, who, captured_at):
        if self.itself == "waits" and self.asked is None:
            if who == "wa" and not self.persons_text(data):
                self.fault("wrong: cancels what goes on by itself", captured_at)
            self.itself = None
        super().agent_reads(data, who, captured_at)

    def persons_text(self, data):
        """A person may interrupt that, also through wa."""
        written = data if isinstance(data, str) else self.text()
        return not written or written not in self.stage.of_workflows

    def takes(self, text):
        super().takes(text)
        if self.limit_ms is not None:
            self.says_limit()

    # -- compaction -------------------------------------------------------------------------------------------------

    def compacts(self):
        """In the middle of a turn, or after one."""
        if self.program == self.agent and self.asked is None and self.limit_ms is None:
            self.others()
            self.compactions += 1
            self.said.append(COMPACTED[self.agent])
            self.stage.compacted(self)

    # -- the rest ---------------------------------------------------------------------------------------------------

    def opens(self):
        """An approval; the limit's box comes with the limit."""
        if self.program == self.agent and self.asked is None and self.limit_ms is None:
            self.others()
            self.dialogs += 1
            asked = next(asked for asked in DIALOGS[self.agent] if asked.kind == "approval")
            self.asked, self.selected = asked._replace(command=self.rng.choice(COMMANDS)), 0
            if self.rng.random() < 0.3:
                self.at(self.rng.uniform(0.02, 3.0), self.answers)

    def face(self, shown):
        footer = ()
        if self.itself == "waits":
            at = datetime.fromtimestamp(self.printed_ms / 1000, UTC)
            until = f"{at.hour % 12 or 12}:{at:%M}{'am' if at.hour < 12 else 'pm'}"
            footer = (
                f"  ⚠ Usage limit reached · limit resets {until}",
                f"    Continuing automatically at {until} · Esc to cancel",
            )
        working = self.working_until is not None
        return Face(tuple(self.said), shown, working, self.asked, self.selected, self.cols, footer, height=0)

    def picture(self):
        if self.program is None:
            return self.drawn
        line = "".join(char for char, _ in self.line)
        drawing = shell(self.above, line, height=0, cols=self.cols) if self.program == "shell" else super().picture()
        tall = (*BEFORE, *drawing.rows)
        self.top = max(self.top, len(tall) - ROWS)
        rows = tall[self.top : self.top + ROWS]
        filled = (*rows, *[""] * (ROWS - len(rows)))
        begins = len(BEFORE) + len(self.above) if self.program == "shell" else len(tall)
        return View(filled, drawing.x, len(BEFORE) + drawing.y - self.top, self.top, tall, begins)

    def resized(self):
        self.others()
        self.top = 0
        self.cols = self.rng.choice([cols for cols in (COLS, 84, 120) if cols != self.cols])
        self.stage.resized(self)

    def types(self):
        self.used_at = self.now
        super().types()

    def clears(self):
        self.used_at = self.now
        super().clears()

    def returns(self):
        self.used_at = self.now
        super().returns()

    def moves(self):
        self.used_at = self.now
        super().moves()

    def answers(self):
        """What a person says to a dialog shows, as in the transcripts of the real ones."""
        self.used_at = self.now
        self.says_answer(self.asked)
        if self.asked is not None and self.asked.kind == "limit":
            # A person lets it be.
            self.others()
            self.asked = None
        else:
            super().answers()

    def begins(self):
        if self.limit_ms is None and self.itself is None:
            super().begins()

    def tidies(self):
        """The trial is over: a person closes what is open, and takes away what was left standing."""
        if self.asked is not None:
            self.others()
            self.used_at = self.now
            self.says_answer(self.asked)
            self.asked = None
        stands = (*self.composer, *self.line)
        if stands and stands == self.stood:
            self.clears()
        self.stood = stands

    def leave(self):
        """It takes its composer away, and a shell goes on below."""
        said = draw(self.agent, Face(tuple(self.said), "", False, None, 0, self.cols, height=0)).rows
        super().leave()
        self.above = (*said[: -COMPOSER_ROWS[self.agent]], *self.above[3:])
        self.itself, self.limit_ms = None, None

    def killed(self):
        if self.program == self.agent:
            kept = self.drawn.tall
            self.leave()
            self.above = kept[len(BEFORE) :]

    def dies(self):
        super().dies()
        self.stage.died(self)

    def mux_stalls(self):
        self.stage.server.stall(self.rng.choice((self.rng.uniform(0.05, 7.0), 14.0, 40.0)))

    def clock_jumps(self):
        self.stage.jump(self.rng.choice((-3_600_000, -3_000, 5_000, 7_200_000)))


__all__ = ["CLOSES", "PROGRAMS", "Pane", "Wish"]
