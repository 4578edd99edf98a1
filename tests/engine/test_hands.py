"""The interpreter of what `wa.act` asks for; what is asked for is tried in tests/act/hostile."""

import asyncio

import pytest

from engine.fakes import FakeServer
from engine.wire import until
from engine.world import play, shell
from wa.act import shells, typing
from wa.engine.hands import Hands
from wa.model.action import Action, ActionKind, ActOutcome, Allow, Ask, Deny, Stage
from wa.wezterm.terminal import SourceKind

SEND = Action(ActionKind.SEND, text="make", submit=True)
RUN = Action(ActionKind.RUN, text="make")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    for module in (shells, typing):
        monkeypatch.setattr(module, "SEEN_WITHIN_S", 0.3)
        monkeypatch.setattr(module, "TAKEN_WITHIN_S", 0.3)
    monkeypatch.setattr(shells, "SHELL_PAUSE_S", 0.02)


async def nothing(stage):
    pass


def yes(sight, action):
    return Allow("test")


def handed(tmp_path, scenario, *, lines=1):
    """Runs `scenario(world, pane, hands)` with one shell."""
    server = FakeServer()
    server.add(shell(0, lines))

    async def inside(w):
        return await scenario(w, await w.watched(0), Hands(lambda _: w.session, None, w.server.clock))

    return play(tmp_path, inside, server=server)


def test_each_stage_is_written_down_before_its_first_write(tmp_path):
    """A sidecar that is killed at any point finds how far it may have come."""

    async def scenario(w, pane, hands):
        seen = []

        async def note(stage):
            await asyncio.sleep(0)
            seen.append((stage, list(w.server.typed)))

        acted = await hands.perform(pane, SEND, yes, note)
        assert acted.outcome is ActOutcome.SUBMITTED
        assert seen == [(Stage.TYPING, []), (Stage.SUBMITTING, [(0, "make")])]
        assert acted.evidence["stage"] is Stage.SUBMITTING

    handed(tmp_path, scenario)


def test_a_screen_is_read_once_to_be_judged_and_once_more_before_each_write(tmp_path):
    """Whoever has just read it need not do so again to judge; what is typed on is always read anew."""

    async def scenario(w, pane, hands):
        at_stage, at_write, react = [], [], w.server.react

        async def reacting(fake, typed):
            at_write.append(len(w.server.reads))
            await react(fake, typed)

        async def note(stage):
            at_stage.append(len(w.server.reads))

        w.server.react = reacting
        await hands.look(pane)
        looked = len(w.server.reads)
        assert (await hands.perform(pane, SEND, yes, note)).outcome is ActOutcome.SUBMITTED
        assert at_stage[0] == looked
        assert [write > stage for stage, write in zip(at_stage, at_write, strict=True)] == [True, True]

    handed(tmp_path, scenario)


@pytest.mark.parametrize("why", ["long ago", "another connection", "polled"])
def test_only_a_reading_of_a_moment_ago_may_do(tmp_path, monkeypatch, why):
    """Where nobody can say that every change since was heard, the screen is read anew."""

    async def scenario(w, pane, hands):
        await hands.look(pane)
        before = len(w.server.reads)
        await hands.look(pane, recent=True)
        assert len(w.server.reads) == before
        if why == "long ago":
            monkeypatch.setattr("wa.engine.hands.RECENT_S", 0.0)
        elif why == "polled":
            pane.source = SourceKind.CLI
        else:
            reading = w.server.pauses["screen"] = asyncio.Event()
            w.server.drop()
            await until(lambda: w.server.connects == 2 and pane.source is not None)
            asyncio.get_running_loop().call_later(0.05, reading.set)
        before = pane.screen_read
        await hands.look(pane, recent=True)
        assert pane.screen_read > before

    handed(tmp_path, scenario)


def test_nothing_happens_between_the_answer_and_the_write(tmp_path):
    """The loop takes no turn: what was judged is what is typed into."""

    async def scenario(w, pane, hands):
        turns, at_write = [], []
        react = w.server.react

        async def reacting(fake, typed):
            at_write.append(len(turns))
            await react(fake, typed)

        def ask(sight, action):
            turns.clear()
            asyncio.get_running_loop().call_soon(turns.append, "a turn of the loop")
            return Allow("test")

        w.server.react = reacting
        await hands.perform(pane, SEND, ask, nothing)
        assert at_write == [0, 0]

    handed(tmp_path, scenario)


@pytest.mark.parametrize(("decision", "outcome"), [(Deny("no", "ask"), "refused"), (Ask("sure?"), "asked")])
@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_who_is_asked_may_say_no_before_every_write(tmp_path, decision, outcome, allowed):
    """At first, before the paste, and before the carriage return: nothing more is typed, and what stands there is told."""

    async def scenario(w, pane, hands):
        asked = []

        def ask(sight, action):
            asked.append(sight)
            return Allow("test") if len(asked) <= allowed else decision

        acted = await hands.perform(pane, SEND, ask, nothing)
        assert acted.outcome.value == outcome
        assert w.server.typed == ([(0, "make")] if allowed == 2 else [])
        assert acted.evidence.get("left", False) is (allowed == 2)

    handed(tmp_path, scenario)


def test_another_run_of_the_mux_gets_nothing_meant_for_the_one_before(tmp_path):
    """It gives the same ids out anew: the pane that was meant is gone."""

    async def scenario(w, pane, hands):
        async def note(stage):
            if stage is Stage.SUBMITTING:
                w.server.restart()
                w.server.add(shell(0, 1))
                await until(lambda: w.session.panes.get(0) not in (None, pane))

        acted = await hands.perform(pane, SEND, yes, note)
        assert acted.outcome in (ActOutcome.PANE_GONE, ActOutcome.UNREACHABLE)
        assert w.server.typed == [(0, "make")]

    handed(tmp_path, scenario)


def test_a_connection_that_breaks_in_the_middle_ends_it(tmp_path):
    """It says how far it came."""

    async def scenario(w, pane, hands):
        async def note(stage):
            if stage is Stage.SUBMITTING:
                w.server.gone = True
                w.server.drop()
                await until(lambda: w.session.terminal is None)

        acted = await hands.perform(pane, SEND, yes, note)
        assert (acted.outcome, acted.evidence["stage"]) == (ActOutcome.UNREACHABLE, Stage.SUBMITTING)
        assert acted.evidence["wrote"] is True
        assert w.server.typed == [(0, "make")]

    handed(tmp_path, scenario)


def test_a_command_is_run_only_at_an_empty_prompt(tmp_path):
    """Once something stands on the line, or a program runs, nothing is typed."""

    async def scenario(w, pane, hands):
        assert (await hands.perform(pane, RUN, yes, nothing)).outcome is ActOutcome.SUBMITTED
        typed = list(w.server.typed)
        w.server.print(0, "vim no")
        refused = await hands.perform(pane, RUN, yes, nothing)
        assert (refused.outcome, w.server.typed) == (ActOutcome.REFUSED, typed)
        w.server.print(0, "tes.txt\nreading 100%")
        refused = await hands.perform(pane, RUN, yes, nothing)
        assert (refused.outcome, w.server.typed) == (ActOutcome.REFUSED, typed)

    handed(tmp_path, scenario)


def test_keys_go_one_after_the_other_and_are_seen(tmp_path):
    """Each as its bytes; what names no key is refused before any is sent."""

    async def scenario(w, pane, hands):
        acted = await hands.perform(pane, Action(ActionKind.KEYS, keys=("enter", "Enter")), yes, nothing)
        assert (acted.outcome, w.server.typed) == (ActOutcome.PRESSED, [(0, b"\r"), (0, b"\r")])
        refused = await hands.perform(pane, Action(ActionKind.KEYS, keys=("up", "hyper+x")), yes, nothing)
        assert (refused.outcome, len(w.server.typed)) == (ActOutcome.REFUSED, 2)

    handed(tmp_path, scenario)


def test_what_was_begun_in_a_shell_is_not_begun_again(tmp_path):
    """After a restart nobody can tell what became of it there."""

    async def scenario(w, pane, hands):
        for stage in (Stage.TYPING, Stage.SUBMITTING):
            for action in (SEND, RUN, Action(ActionKind.KEYS, keys=("enter",))):
                acted = await hands.perform(pane, action, yes, nothing, stage)
                assert acted.outcome is ActOutcome.INTERRUPTED
        assert w.server.typed == []

    handed(tmp_path, scenario)
