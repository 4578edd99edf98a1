"""One pane, over time."""

from __future__ import annotations

from pathlib import Path

from support.codex_rows import BANNER, COMPOSER, LIMIT, WORKING
from wa.agents.loader import Agents
from wa.detect.arbiter import HOLD_MS
from wa.detect.outcome import Changed, LookAgain, Looked, Outcome
from wa.detect.pane_limits import LIMIT_SLACK_MS
from wa.detect.program import Program
from wa.detect.watch import ADOPT_MS, EXIT_GRACE_MS, STARTING_MS, PaneWatch
from wa.model.agent import PaneState
from wa.model.screen import Cursor, Row, Screen

DETECTORS = Agents(None).detectors
CODEX = Program("codex", "codex")
BASH = Program("bash", "bash")
GEMINI = Program("node", "node /usr/lib/node_modules/@google/gemini-cli/dist/index.js")
DATA = Path(__file__).parents[1] / "data"
NOON_MS = 1_795_262_400_000  # 2026-11-21T12:00:00Z, 6:00 in Chicago


class World:
    """A pane of 24 rows, and a clock that is told."""

    def __init__(self, program: Program | None = CODEX) -> None:
        self.watch = PaneWatch(DETECTORS, zone="America/Chicago")
        self.now_ms = NOON_MS
        self.told: list[Outcome] = []
        self.due: int | None = None
        self.told += self.watch.program(program, self.now_ms)

    def show(self, *rows: str, title: str = "", after_ms: int = 100) -> PaneState:
        self.let_pass(after_ms)
        padded = [*rows, *[""] * (24 - len(rows))]
        lines = tuple(Row(at, text) for at, text in enumerate(padded))
        screen = Screen(self.now_ms, 1, 100, 24, lines, Cursor(0, 0), title, None, None)
        self._take(self.watch.screen(screen, self.now_ms))
        return self.watch.state.state

    def let_pass(self, ms: int) -> PaneState:
        """Time goes on; the watch is woken when it wished to be."""
        end = self.now_ms + ms
        while self.due is not None and self.due <= end:
            self.now_ms, self.due = max(self.due, self.now_ms), None
            self._take(self.watch.tick(self.now_ms))
        self.now_ms = end
        return self.watch.state.state

    def run(self, program: Program | None) -> None:
        self._take(self.watch.program(program, self.now_ms))

    def scroll(self, *rows: str) -> None:
        self._take(self.watch.rows([Row(0, text) for text in rows], self.now_ms))

    def _take(self, outcomes: list[Outcome]) -> None:
        self.told += outcomes
        for outcome in outcomes:
            if isinstance(outcome, LookAgain):
                assert outcome.at_ms > self.now_ms
                self.due = outcome.at_ms if self.due is None else min(self.due, outcome.at_ms)

    @property
    def states(self) -> list[PaneState]:
        return [one.transition.after.state for one in self.told if isinstance(one, Changed)]

    @property
    def events(self) -> list[str]:
        looks = [one for one in self.told if isinstance(one, Looked)]
        return list(dict.fromkeys(found.event for look in looks for found in look.detections))


def test_a_turn_begins_at_once_and_ends_after_the_hold() -> None:
    """Working the moment its row is drawn; idle when the row stayed away."""
    world = World()
    assert world.show(*BANNER, *COMPOSER) is PaneState.IDLE
    assert world.show(*BANNER, "› fix it", "", *WORKING, *COMPOSER) is PaneState.WORKING
    assert world.show(*BANNER, "› fix it", "", "• Done.", *COMPOSER) is PaneState.WORKING
    assert world.let_pass(HOLD_MS - 101) is PaneState.WORKING
    assert world.let_pass(200) is PaneState.IDLE


def test_a_spinner_that_turns_makes_no_noise() -> None:
    """Ten frames a second, for ten seconds: one transition, and few looks."""
    world = World()
    world.show(*BANNER, *COMPOSER)
    for frame in range(100):
        seconds = frame // 10
        world.show(*BANNER, f"• Working ({seconds}s • esc to interrupt)", *COMPOSER, title=f"{'⠋⠙⠹⠸'[frame % 4]} work")

    assert world.states[-1] is PaneState.WORKING
    assert world.states.count(PaneState.WORKING) == 1
    assert sum(isinstance(one, Looked) for one in world.told) <= 14


def test_a_pane_whose_program_is_no_agent_has_no_events() -> None:
    """A transcript that cat prints is text, however true to life."""
    for program in (BASH, Program("cat", "cat notes"), Program("less", "less log"), Program("git", "git diff")):
        world = World(program)
        world.show(*BANNER, *LIMIT, *COMPOSER)
        world.scroll(*LIMIT)
        world.show(*BANNER, *LIMIT, *COMPOSER, "$ ")

        assert world.events == []
        assert world.watch.agent is None


def test_a_shell_is_one_from_its_first_screen_on() -> None:
    """Its program is known before anything is seen of the pane, and nothing of what it prints is looked at afterwards."""
    world = World(BASH)
    assert world.show("dev@host:~$ ") is PaneState.SHELL
    assert world.show("dev@host:~$ ls", "src", "dev@host:~$ ") is PaneState.SHELL
    assert world.events == []
    assert World(Program("sleep", "sleep 100")).show("") is PaneState.UNKNOWN


def test_an_agent_that_begins_in_a_shell_has_not_ended_at_once() -> None:
    """Its first screen may be whole, and "idle" is held back: till then it starts, and is no shell with an agent's name."""
    world = World(BASH)
    world.show("dev@host:~$ codex")
    world.run(CODEX)
    assert world.show(*BANNER, *COMPOSER, after_ms=10) is PaneState.STARTING
    assert world.let_pass(4 * HOLD_MS) is PaneState.IDLE
    assert world.states == [PaneState.SHELL, PaneState.STARTING, PaneState.IDLE]


def test_where_no_program_is_known_the_drawing_must_stand() -> None:
    """A file that runs through is faster than that."""
    world = World(None)
    world.show(*BANNER, *LIMIT, *COMPOSER)
    assert world.watch.agent is None
    world.show("$ cat codex.txt", *BANNER, *LIMIT, *COMPOSER, "$ ", after_ms=ADOPT_MS // 2)
    world.let_pass(10 * ADOPT_MS)
    assert (world.watch.agent, world.events) == (None, [])

    world = World(None)
    world.show(*BANNER, *COMPOSER)
    world.let_pass(ADOPT_MS + 10)
    assert (world.watch.agent, world.watch.state.state) == ("codex", PaneState.IDLE)
    assert world.watch.state.confidence < 1


def test_an_agent_that_went_leaves_its_last_words_and_no_more() -> None:
    """Its exit text counts after its program has gone; what the shell prints then does not."""
    world = World()
    world.show(*BANNER, *COMPOSER)
    world.run(BASH)
    uuid = "019bcea5-acb4-7370-a50d-8a2b59553cf6"
    said = [
        "Token usage: total=2,426 input=2,105 (+ 10,240 cached) output=321",
        "To continue this session, run:",
        f"  codex resume {uuid}",
    ]
    assert world.show(*said, "$ ") is PaneState.EXITED
    assert {"session.end", "session.resume_hint"} <= set(world.events)
    world.let_pass(EXIT_GRACE_MS + 500)
    world.show(*said, "$ cat limits", *LIMIT, "$ ")
    world.let_pass(500)

    assert (world.watch.agent, world.watch.state.state) == (None, PaneState.SHELL)
    assert "usage.limit" not in world.events


def test_a_limit_tells_until_when_and_ends_by_itself() -> None:
    """A minute after what is printed, since print has no seconds."""
    world = World()
    assert world.show(*BANNER, "› go on", "", *LIMIT, *COMPOSER) is PaneState.LIMITED
    limit = world.watch.state.limit
    assert limit is not None
    assert limit.until_ms == NOON_MS + 38 * 60_000
    left_ms = limit.until_ms - world.now_ms
    assert world.let_pass(left_ms + LIMIT_SLACK_MS - 1) is PaneState.LIMITED
    assert world.let_pass(2) is PaneState.IDLE
    winner = world.watch.state.signals[0]
    assert (winner.says, winner.text.partition(":")[0]) == (PaneState.IDLE, "its reset has passed")
    world.let_pass(60 * 60_000)
    assert world.show(*BANNER, "› go on", "", *LIMIT, *COMPOSER) is PaneState.IDLE


def test_an_error_after_the_box_that_named_the_reset_has_it_too() -> None:
    """Gemini CLI 0.61.0 after "Stop" (2026-11-21): the box is gone, and what is printed names no time. A later one names none."""
    box = [row for row in _rows("agents/gemini-cli-0.61.0/gca-exhausted-auto.dialog-120.txt") if row.strip()]
    rest = [row for row in _rows("agents/gemini-cli-0.61.0/turn.done-120.txt") if row.strip()]
    prompt, composer = box[-18:-15], rest[-6:]
    error = ["✕ [API Error: You have exhausted your quota on this model.]", ""]
    world = World(GEMINI)
    assert world.show(*prompt, *box[-15:]) is PaneState.WAITING_CHOICE
    world.show(*prompt, "", *error, *composer)
    assert world.let_pass(1_000) is PaneState.LIMITED
    limit = world.watch.state.limit
    assert limit is not None
    assert (limit.printed, limit.until_ms) == ("5:28 PM CST", NOON_MS + (11 * 60 + 28) * 60_000)
    assert world.let_pass(limit.until_ms - world.now_ms + LIMIT_SLACK_MS - 1) is PaneState.LIMITED
    world.let_pass(60_000)
    assert world.show(*prompt, "", *error, *prompt, "", *error, *composer) is PaneState.LIMITED
    limit = world.watch.state.limit
    assert limit is not None
    assert (limit.printed, limit.until_ms) == ("", None)


def _rows(name: str) -> list[str]:
    return (DATA / name).read_text().splitlines()


def test_rows_that_passed_between_two_looks_are_read() -> None:
    """A limit that scrolled away in a burst is still an event."""
    world = World()
    world.show(*BANNER, *COMPOSER)
    world.scroll("› go on", "", *LIMIT, "", *[f"row {n}" for n in range(40)])
    world.show(*[f"row {n}" for n in range(40, 55)], *COMPOSER)

    assert "usage.limit" in world.events


def test_a_dialog_that_opens_is_told_with_its_options() -> None:
    """Which one is selected too; a bare Enter would take it."""
    world = World()
    ask = [
        "  Would you like to run the following command?",
        "",
        "  $ rm -rf build",
        "",
        "› 1. Yes, proceed (y)",
        "  2. No (esc)",
    ]
    assert world.show(*BANNER, *ask, "", "  Press enter to confirm or esc to cancel") is PaneState.WAITING_APPROVAL
    dialog = world.watch.state.dialog
    assert dialog is not None
    assert (dialog.options, dialog.selected) == (("Yes, proceed (y)", "No (esc)"), 0)


def test_what_passes_by_at_a_start_waits_for_nobody() -> None:
    """Gemini CLI 0.24 draws the same box for a moment at each start; only one that stays is a login."""
    rows = (DATA / "agents-more/gemini-cli-0.24.0/auth-progress-110.txt").read_text().splitlines()[2:]
    world = World(GEMINI)
    assert world.show(*rows) is PaneState.STARTING
    for _ in range(18):
        world.show(*rows, after_ms=500)
    assert PaneState.WAITING_LOGIN not in world.states
    assert "waiting.login" not in world.events

    world.let_pass(1_000)
    assert world.watch.state.state is PaneState.WAITING_LOGIN
    assert world.events.count("waiting.login") == 1
    dialog = world.watch.state.dialog
    assert dialog is not None
    assert dialog.options == (), "the tips above the box are no options"

    again = World(GEMINI)
    again.show(*rows)
    again.show(*rows[:-5], after_ms=5_000)
    assert again.show(*rows, after_ms=6_000) is not PaneState.WAITING_LOGIN, (
        "it stood for two short whiles, not one long"
    )


def test_a_draft_is_seen() -> None:
    """What a human typed and has not sent."""
    world = World()
    world.show(*BANNER, *COMPOSER)
    assert world.watch.state.draft == ""
    world.show(*BANNER, "", "› half a thou", "", *COMPOSER[3:])
    assert world.watch.state.draft == "half a thou"


def test_idle_is_told_once_it_is_the_verdict() -> None:
    """Not while the title works, nor before the hold is over, though the screen looks idle."""
    world = World()
    world.show(*BANNER, "› fix it", "", *WORKING, *COMPOSER, title="⠋ work")
    world.show(*BANNER, "› fix it", "", "• Half an answer", *COMPOSER, title="⠙ work")
    world.let_pass(1_000)
    assert "state.idle" not in world.events
    world.show(*BANNER, "› fix it", "", "• The answer", *COMPOSER, title="work")
    world.let_pass(HOLD_MS + 10)
    assert world.events.count("state.idle") == 1


def test_an_agent_that_has_begun_does_not_start_again() -> None:
    """A screen that no rule knows, in the midst of a session, is unknown: it must not look like a start."""
    world = World()
    assert world.show(*BANNER, *COMPOSER) is PaneState.IDLE

    world.show("Something that no rule knows", after_ms=1_000)
    for seconds in range(1, 8):
        state = world.show("Something that no rule knows", "." * seconds, after_ms=1_000)

    assert state is PaneState.UNKNOWN
    told = [one.transition.after.state for one in world.told if isinstance(one, Changed)]
    assert told[-2:] == [PaneState.IDLE, PaneState.UNKNOWN]


def test_a_start_that_shows_nothing_is_one_for_a_while_only() -> None:
    """An agent whose screens nobody knows is unknown then."""
    world = World()
    assert world.show("loading") is PaneState.STARTING
    assert world.show("loading.", after_ms=10_000) is PaneState.STARTING
    world.let_pass(STARTING_MS)
    assert world.let_pass(3_000) is PaneState.UNKNOWN


def test_an_id_that_one_run_printed_is_not_the_next_ones() -> None:
    """The same agent, started again within seconds, in the same pane."""
    ident = "01a1fe00-0ec0-7892-83ab-1e87b8d16840"
    world = World()
    world.show(*BANNER, *COMPOSER)
    world.run(BASH)
    world.show(*BANNER, f"To continue this session, run codex resume {ident}", "$ ")
    assert world.watch.state.session_id == ident
    world.let_pass(1_000)
    world.run(CODEX)
    world.show(*BANNER, *COMPOSER)
    assert world.watch.state.session_id is None


def test_an_agent_whose_composer_is_not_known_needs_its_program() -> None:
    """Where nobody knows the program, a question in its words is a text."""
    asked = ["$ ./deploy", "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]:"]
    world = World(None)
    world.show(*asked)
    world.let_pass(10 * ADOPT_MS)
    assert (world.watch.agent, world.events) == (None, [])
    world = World(Program("aider", "aider --model x"))
    assert world.show(*asked) is PaneState.WAITING_APPROVAL
