"""A pane with a fake agent, a person, and a multiplexer that is not to be relied on. Virtual time; every chance comes from one seed.

What each byte of wa's reaches is judged where it is read, not where it is sent: by the program that reads it, as it is then.
"""

import heapq
from collections import Counter
from itertools import count, groupby

from act.hostile.screens import COMMANDS, DIALOGS, Drawing, Face, draw, placeholder, shell

CR, ESC, CTRL_C = b"\r", b"\x1b", b"\x03"
MOVES = {b"\x1b[A": -1, b"\x1b[B": 1}
ASIDE = {b"\x1b[C", b"\x1b[D", b".", b"\x7f"}
"""Keys that submit nothing and answer nothing: by these wa asks whether a program reads."""
VERBOSE = False
BLINK_S = 0.012
"""From a write to the program that reads it."""


class World:
    own = ("opens", "begins", "leave")
    """What the agent does, and does not while it stalls."""

    def __init__(self, rng, agent, intent):
        self.rng, self.agent, self.intent = rng, agent, intent
        self.now = 0.0
        self.clock_ms = 1_800_000_000_000
        self.program = agent
        """The agent's name, `shell`, or None for a pane that is gone."""
        self.above = ()
        self.line = []
        self.said = [("user", "look at the parser"), ("agent", "It reads past the end.")]
        self.composer = []
        """(character, who typed it)"""
        self.cursor_back = 0
        self.working_until = None
        self.asked = None
        self.selected = 0
        self.dialogs = 0
        self.is_deaf = False
        """The next carriage return is taken for nothing."""
        self.stalled_until = 0.0
        """The agent neither reads nor draws."""
        self.mux_down_until = 0.0
        self.frames_lost_until = 0.0
        self.waiting = []
        """Bytes that nobody has read yet."""
        self.events = []
        self.order = count()
        self.changed_at = -1.0
        """When something that wa did not do changed last."""
        self.drawn = self.picture()
        self.pushed = self.drawn
        self.faults = Counter()
        self.notes = []
        self.by_wa = self.by_person = 0
        """How often wa's text was submitted, by whose carriage return."""
        self.chosen = []
        self.stopped = False

    # -- time -------------------------------------------------------------------------------------------------------

    def at(self, delay_s, what):
        heapq.heappush(self.events, (self.now + delay_s, next(self.order), what))

    def advance(self, seconds):
        until = self.now + seconds
        while True:
            event = self.events[0][0] if self.events else float("inf")
            byte = max(self.waiting[0][0], self.stalled_until) if self.waiting else float("inf")
            if min(event, byte) > until:
                break
            if byte <= event:
                self.now = max(self.now, byte)
                self.read(*self.waiting.pop(0)[1:])
            else:
                self.now, _, what = heapq.heappop(self.events)
                if self.program is not None:
                    if VERBOSE:
                        print(f"  {self.now:.3f} event {getattr(what, '__name__', what)}")
                    self.happens(what)
            self.settle()
        self.now = until
        self.settle()

    def happens(self, what):
        if self.now < self.stalled_until and what.__name__ in (*PERSON, *self.own):
            # It neither acts nor reads what a person types until it goes on.
            self.at(self.stalled_until - self.now, what)
        else:
            what()

    def next_at(self):
        """When something happens here by itself; infinity where nothing will."""
        found = [self.events[0][0]] if self.events else []
        if self.waiting:
            found.append(max(self.waiting[0][0], self.stalled_until))
        if self.working_until is not None:
            found.append(max(self.working_until, self.stalled_until))
        found += [at for at in (self.stalled_until, self.frames_lost_until) if at > self.now]
        return min(found, default=float("inf"))

    def settle(self):
        if self.working_until is not None and self.now >= self.working_until and self.now >= self.stalled_until:
            self.working_until = None
            if self.asked is None and self.program == self.agent:
                self.said.append(("agent", "Done, and all tests pass."))
        if self.now >= self.stalled_until:
            self.drawn = self.picture()
        if self.now >= self.mux_down_until and self.now >= self.frames_lost_until:
            self.pushed = self.drawn

    def picture(self):
        if self.program is None:
            return self.drawn
        if self.program == "shell":
            return shell(self.above, "".join(char for char, _ in self.line))
        shown = ""
        for who, chars in groupby(self.composer, key=lambda typed: typed[1]):
            piece = "".join(char for char, _ in chars)
            shown += (placeholder(self.agent, piece) if who == "wa" else None) or piece
        drawing = draw(self.agent, self.face(shown))
        return drawing._replace(x=max(0, drawing.x - self.cursor_back)) if self.cursor_back else drawing

    def face(self, shown):
        return Face(tuple(self.said[-5:]), shown, self.working_until is not None, self.asked, self.selected)

    def text(self):
        return "".join(char for char, _ in self.composer)

    # -- what wa does -----------------------------------------------------------------------------------------------

    def write(self, data, captured_at):
        if self.program is None:
            self.fault("wrong: into a pane that is gone", captured_at)
            return
        self.waiting.append((self.now + BLINK_S, data, "wa", captured_at))

    def fault(self, what, captured_at):
        """What happened after wa looked, and before its bytes were read, nobody could have known."""
        raced = self.changed_at >= captured_at
        self.faults[f"raced {what}" if raced else what] += 1
        self.notes.append((round(self.now, 3), what, "raced" if raced else ""))

    # -- what wa means to do ----------------------------------------------------------------------------------------

    def means(self, *kinds):
        return self.intent.kind in kinds

    def means_text(self, text):
        return text == self.intent.text

    def means_answer(self, label=None):
        """To the dialog that is open; without *label*, any."""
        if self.asked is None or self.intent.dialog != self.asked._replace(first=0):
            return False
        return label is None or label.startswith(self.intent.label)

    # -- what programs read -----------------------------------------------------------------------------------------

    def read(self, data, who, captured_at):
        if VERBOSE:
            asked = self.asked.kind if self.asked is not None else ""
            print(f"  {self.now:.3f} {self.program} reads {data!r:.40} by {who}, looked at {captured_at:.3f}")
            print(f"         {self.text()!r:.60} {asked}")
        if self.program == "shell":
            self.shell_reads(data, who, captured_at)
        elif self.program is not None:
            self.agent_reads(data, who, captured_at)

    def shell_reads(self, data, who, captured_at):
        if who == "wa" and not self.means("run"):
            self.fault("stray" if data in ASIDE else "wrong: into a shell", captured_at)
        if isinstance(data, str):
            if who == "wa" and self.line:
                self.fault("draft: of a shell", captured_at)
            self.line += [(char, who) for char in data]
        elif data == CR:
            typed = "".join(char for char, _ in self.line)
            if who == "wa" and (not self.means_text(typed) or any(by != "wa" for _, by in self.line)):
                self.fault("wrong: another command line", captured_at)
            if self.means("run") and self.means_text(typed):
                self.count(typed, who, captured_at)
            self.above, self.line = (*self.above, "$ ran"), []
        elif data == CTRL_C:
            self.line = []
        elif data == b".":
            self.line.append((".", who))
        elif data == b"\x7f":
            self.line = self.line[:-1]

    def count(self, text, who, captured_at):
        if who == "wa":
            self.by_wa += 1
        else:
            self.by_person += 1
        if who == "wa" and self.by_wa + self.by_person > 1:
            self.fault("double", captured_at)

    def agent_reads(self, data, who, captured_at):
        if self.asked is not None:
            self.dialog_reads(data, who, captured_at)
        elif isinstance(data, str):
            if who == "wa" and not self.means("send", "exit"):
                self.fault("wrong: into a composer", captured_at)
            if who == "wa" and any(by != "wa" for _, by in self.composer):
                self.fault("draft: pasted into", captured_at)
            elif who == "wa" and self.composer:
                self.fault("double: pasted again", captured_at)
            self.composer += [(char, who) for char in data]
            self.cursor_back = 0
        elif data == CR:
            self.submit(who, captured_at)
        elif data == b".":
            self.composer.append((".", who))
        elif data == b"\x7f":
            if who == "wa" and self.composer and self.composer[-1] != (".", "wa"):
                self.fault("draft: a character lost", captured_at)
            self.composer = self.composer[:-1]
        elif data in ASIDE:
            self.cursor_back = 1 if data == b"\x1b[D" and self.composer else 0
        elif data == ESC:
            if who == "wa" and not self.means("interrupt"):
                self.fault("wrong: an escape", captured_at)
            if self.working_until is not None:
                self.working_until = None
                self.stopped = who == "wa"
                self.said.append(("agent", "Interrupted."))
        elif data == CTRL_C:
            self.cancel(who, captured_at)
        elif who == "wa":
            self.fault("wrong: a key into a composer", captured_at)

    def dialog_reads(self, data, who, captured_at):
        if data in MOVES:
            if who == "wa" and not self.means_answer():
                self.fault("wrong: moves in a dialog", captured_at)
            self.selected = min(max(0, self.selected + MOVES[data]), len(self.asked.options) - 1)
        elif data == CR:
            label = self.asked.options[self.selected]
            if who == "wa":
                if not self.means_answer(label):
                    self.fault("wrong: answers a dialog", captured_at)
                self.chosen.append(label)
            if self.is_deaf:
                self.is_deaf = False
                return
            self.answered(label)
        elif who == "wa":
            self.fault("stray" if data in ASIDE else "wrong: into a dialog", captured_at)
        elif data == ESC:
            self.asked = None

    def answered(self, label):
        self.asked = None

    def submit(self, who, captured_at):
        text = self.text()
        if who == "wa":
            if not self.means("send", "exit"):
                self.fault("wrong: a carriage return", captured_at)
            if any(by != "wa" for _, by in self.composer):
                self.fault("draft: submitted", captured_at)
            elif not text:
                self.fault("wrong: a carriage return into nothing", captured_at)
            elif not self.means_text(text):
                self.fault("wrong: another text", captured_at)
        if self.is_deaf:
            self.is_deaf = False
            return
        if not text:
            return
        meant = text if self.means_text(text) or who == "wa" else text.removesuffix(".")
        if self.means_text(meant):
            self.count(meant, who, captured_at)
        self.composer, self.cursor_back = [], 0
        if text == "/quit":
            self.leave()
            return
        self.takes(text)

    def takes(self, text):
        """A turn begins."""
        self.said.append(("user", text))
        rng = self.rng
        self.working_until = self.now + rng.choice((0.05, 0.5, 3.0, 12.0))
        if rng.random() < 0.2:
            self.at(rng.choice((0.0, 0.05, 0.4, 2.0)), self.opens)

    def cancel(self, who, captured_at):
        if who == "wa" and not self.means("exit"):
            self.fault("wrong: a Ctrl-C", captured_at)
        if self.composer:
            if who == "wa" and any(by != "wa" for _, by in self.composer):
                self.fault("draft: lost", captured_at)
            self.composer = []
        elif self.working_until is not None:
            self.working_until = None
        elif self.agent == "codex" or self.said[-1] == ("agent", "Press Ctrl-C again to exit"):
            self.leave()
        else:
            self.said.append(("agent", "Press Ctrl-C again to exit"))

    # -- what others do ---------------------------------------------------------------------------------------------

    def others(self):
        self.changed_at = self.now

    def opens(self):
        """A dialog, whatever the agent was doing."""
        if self.program == self.agent and self.asked is None:
            self.others()
            self.dialogs += 1
            self.asked = self.rng.choice(DIALOGS[self.agent])
            if self.asked.kind == "approval":
                self.asked = self.asked._replace(command=self.rng.choice(COMMANDS))
            self.selected = self.asked.first
            if self.rng.random() < 0.3:
                self.at(self.rng.uniform(0.02, 3.0), self.answers)

    def answers(self):
        if self.asked is not None:
            self.others()
            self.asked = None
            if self.rng.random() < 0.5:
                self.opens()

    def types(self):
        self.others()
        word = self.rng.choice(("wait, ", "no", " and rm -rf x", "y", "\nmore"))
        if self.program == "shell":
            self.line += [(char, "person") for char in word.strip()]
        elif self.asked is None:
            at = self.rng.choice((0, len(self.composer)))
            self.composer[at:at] = [(char, "person") for char in word]

    def clears(self):
        self.others()
        self.composer, self.line = [], []

    def returns(self):
        self.others()
        self.read(CR, "person", self.now)

    def moves(self):
        if self.asked is not None:
            self.others()
            self.selected = (self.selected + 1) % len(self.asked.options)

    def begins(self):
        """A turn of its own: something in the background came back."""
        if self.program == self.agent and self.working_until is None:
            self.others()
            self.working_until = self.now + self.rng.uniform(0.1, 6.0)

    def leave(self):
        self.others()
        self.stalled_until = self.now
        self.program, self.composer, self.asked, self.working_until = "shell", [], None, None
        self.above = (
            *draw(self.agent, Face((), "", False, None, 0)).rows[:3],
            "To continue this session, run codex resume 1",
        )

    def killed(self):
        """Its drawing stays where it is, and a shell goes on below."""
        if self.program == self.agent:
            self.leave()
            kept = [row for row in self.drawn.rows if row.strip()]
            self.above = tuple(kept[-12:])

    def dies(self):
        self.others()
        self.program = None

    def deaf(self):
        self.is_deaf = True

    def stalls(self):
        self.stalled_until = self.now + self.rng.uniform(0.05, 9.0)

    def mux_stalls(self):
        self.mux_down_until = self.now + self.rng.uniform(0.05, 7.0)

    def loses_frames(self):
        self.frames_lost_until = self.now + self.rng.uniform(0.05, 4.0)

    def clock_jumps(self):
        self.clock_ms += self.rng.choice((-86_400_000, -3_000, 5_000, 7_200_000))


PERSON = ("types", "clears", "returns", "moves", "answers")
AGENT = ("opens", "begins", "leave", "killed", "deaf", "stalls")
REST = ("dies", "mux_stalls", "loses_frames", "clock_jumps")
"""Names of what may happen; `kill` of the sidecar is the trial's."""

__all__ = ["AGENT", "PERSON", "REST", "Drawing", "World"]
