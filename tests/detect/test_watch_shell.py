"""What a shell's mark says of an agent, where no program is known that would say it better."""

from __future__ import annotations

from detect.test_watch import BASH, World
from support.codex_rows import BANNER, COMPOSER, WORKING
from wa.detect.watch import ADOPT_MS, EXIT_GRACE_MS
from wa.model.agent import PaneState, SignalSource


class Marked(World):
    def runs(self) -> None:
        self._take(self.watch.shell_runs("its shell runs codex", self.now_ms))

    def waits(self, since_ms: int) -> PaneState:
        self._take(self.watch.shell_waits(since_ms, self.now_ms))
        return self.watch.state.state


def remote() -> tuple[Marked, int]:
    """A pane of another host, its shell at work with an agent; since when it is."""
    world = Marked(None)
    world.show("dev@far:~$ codex")
    since_ms = world.now_ms
    world.runs()
    world.show(*BANNER, *COMPOSER)
    world.let_pass(ADOPT_MS + 10)
    assert (world.watch.agent, world.watch.state.state) == ("codex", PaneState.IDLE)
    return world, since_ms


def test_the_end_of_the_command_that_began_an_agent_is_the_agents_end() -> None:
    """On a remote pane nobody sees a process: at once it has exited, and in a moment a shell is there."""
    world, since_ms = remote()
    world.let_pass(1_000)
    assert world.waits(since_ms) is PaneState.EXITED
    assert world.watch.state.signals[0].rule == "shell"
    world.show(*BANNER, *COMPOSER, "dev@far:~$ ")
    world.let_pass(EXIT_GRACE_MS + 1_500)

    assert (world.watch.agent, world.watch.state.state) == (None, PaneState.SHELL)
    assert world.watch.state.signals[0].source is SignalSource.SHELL_MARK


def test_its_drawing_that_stands_there_still_makes_no_agent_of_it() -> None:
    """Until the shell runs something again."""
    world, since_ms = remote()
    world.waits(since_ms)
    world.let_pass(EXIT_GRACE_MS + 1_500)
    world.show(*BANNER, *COMPOSER, after_ms=60_000)
    world.let_pass(10 * ADOPT_MS)
    assert world.watch.agent is None

    world.runs()
    world.show(*BANNER, "", *COMPOSER)
    world.let_pass(ADOPT_MS + 10)
    assert world.watch.agent == "codex"


def test_a_command_that_began_inside_of_an_agent_does_not_end_it() -> None:
    """A program in the agent's pane that makes up a shell has a beginning of its own, and it is later."""
    world, _ = remote()
    world.let_pass(1_000)

    assert world.waits(world.now_ms - 10) is PaneState.IDLE
    assert world.let_pass(10_000) is PaneState.IDLE
    assert world.watch.agent == "codex"
    assert all(one.source is not SignalSource.SHELL_MARK for one in world.watch.state.signals if one.says)


def test_where_the_program_is_known_no_mark_is_listened_to() -> None:
    """On this machine the process says that the agent is there, whatever the pane prints."""
    world = Marked()
    world.show(*BANNER, *COMPOSER)
    world.let_pass(1_000)

    assert world.waits(0) is PaneState.IDLE
    assert world.let_pass(10_000) is PaneState.IDLE
    assert world.watch.agent == "codex"


def test_an_agent_that_gets_on_is_no_gone_one() -> None:
    """Should a mark be wrong, work that is seen to go on takes it back."""
    world, since_ms = remote()
    world.show(*BANNER, "› fix it", "", *WORKING, *COMPOSER)
    world.waits(since_ms)
    world.show(*BANNER, "› fix it", "", "• Read the file", "", *WORKING, *COMPOSER, after_ms=1_500)
    world.let_pass(1_500)
    world.show(*BANNER, "› fix it", "", "• Read the file", "• Ran the tests", "", *WORKING, *COMPOSER, after_ms=1_500)

    assert (world.watch.agent, world.watch.state.state) == ("codex", PaneState.WORKING)


def test_a_shell_without_an_agent_is_one_by_its_mark() -> None:
    """And what it runs is not known to be anything."""
    world = Marked(None)
    world.show("dev@far:~$ make")
    world.runs()
    world.show("dev@far:~$ make", "done", "dev@far:~$ ")
    assert world.waits(world.now_ms - 100) is PaneState.SHELL
    world.runs()
    assert world.let_pass(5_000) is PaneState.UNKNOWN


def test_a_program_that_is_known_later_speaks_for_itself() -> None:
    """A mark was heard first: then the process is seen."""
    world = Marked(None)
    world.show("dev@box:~$ ")
    world.waits(0)
    world.run(BASH)

    assert world.let_pass(100) is PaneState.SHELL
