"""A new pane after a restart of the mux: a real journal, a mux in memory."""

import asyncio
from types import SimpleNamespace

import pytest

from engine.desk_world import play as play_desk
from store.world import MUX, pane
from wa.decide.policy import Policy, Rule, Verdict
from wa.engine.reopening import Opening
from wa.engine.run_world import Place
from wa.model.action import ActionKind, ActOutcome, Stage
from wa.model.agent import NO_AGENT, PaneState
from wa.model.command import Open
from wa.model.errors import TerminalRefused, TerminalUnreachable
from wa.sources.session_ties import Left

AFTER = MUX._replace(started="4712-100")
SESSION = "0198c1f2-1111-7222-8333-444455556666"


class Mux:
    """Another run of the mux: what it is asked for becomes a pane once it is listed."""

    def __init__(self, world):
        self.world, self.mux, self.name = world, AFTER, "local"
        self.terminal = self
        self.panes, self.opened, self.next_id = {}, [], 0
        self.failure = self.killed = None

    async def spawn(self, request):
        if self.failure is not None:
            raise self.failure
        self.opened.append(request)
        self.next_id += 1
        if self.killed is not None:
            raise self.killed
        return self.next_id

    async def list_now(self):
        for number, request in enumerate(self.opened, 1):
            if number not in self.panes:
                await self.add(number, request.cwd, request.workspace)

    async def add(self, number, cwd, workspace="default", *, state=PaneState.SHELL, agent=None, session_id=None):
        listed = pane(number, cwd=cwd)._replace(workspace=workspace)
        self.world.clock.at_ms += 1
        uid = await self.world.writer.pane_uid(AFTER, listed, self.world.clock.now_ms())
        made = SimpleNamespace(
            uid=uid, pane_id=number, mux=AFTER, listed=listed, cwd=cwd, alive=True, excluded=None, started=True,
            started_by_wa=False, agent=NO_AGENT._replace(agent=agent, state=state, session_id=session_id),
        )  # fmt: skip
        self.panes[number] = made
        self.world.registry.add(made)
        return uid


class Files:
    def __init__(self):
        self.left = []

    async def running(self, agent, folder, session_id, ttys):
        return self.left


def play(tmp_path, scenario, **options):
    async def inside(world):
        (tmp_path / "shop").mkdir()
        world.folder = str(tmp_path / "shop")
        world.wish = Open(world.folder, "default", "codex", SESSION)
        world.old = await world.writer.pane_uid(MUX, pane(0, cwd=world.folder), 1)
        world.mux, world.files = Mux(world), Files()
        await world.run_of("live")
        world.opening = anew(world)
        return await scenario(world)

    return play_desk(tmp_path, inside, **options)


def anew(world):
    """As a sidecar has it that has just started."""
    return Opening(lambda: [world.mux], world.desk, world.desk_history, world.registry, world.clock, world.files)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    for name in ("CONNECTED_WITHIN_S", "AGAIN_WITHIN_S", "APPEARS_WITHIN_S"):
        monkeypatch.setattr(f"wa.engine.reopening.{name}", 0.3)


def at(world, step=1, *, plan=False, run=7):
    return Place(world.old, "restart_agent", f"{run}:{step}", run, step, plan)


def test_a_pane_is_opened_once_for_a_key(tmp_path):
    """In the folder and the workspace; a second time the same pane is told."""

    async def scenario(world):
        first = await world.opening.open(world.wish, at(world))
        assert (first.outcome, world.registry.get(first.pane_uid).started_by_wa) == (ActOutcome.PRESSED, True)
        assert (await world.opening.open(world.wish, at(world))).pane_uid == first.pane_uid
        assert (await anew(world).open(world.wish, at(world))).pane_uid == first.pane_uid
        ((request,)) = world.mux.opened
        assert (request.cwd, request.workspace, request.argv) == (world.folder, "default", ())
        (record,) = await world.history.actions(world.old)
        assert (record.kind, record.actor_name, record.rule) == ("spawn", "restart_agent", "shipped.restart")

    play(tmp_path, scenario)


@pytest.mark.parametrize("was_opened", [True, False])
def test_what_a_killed_sidecar_asked_for_is_found_or_asked_for_again(tmp_path, was_opened):
    """One pane in the end, whether the mux had got the wish or not."""

    async def scenario(world):
        world.mux.killed = asyncio.CancelledError()
        if not was_opened:
            world.mux.failure = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await world.opening.open(world.wish, at(world))
        world.mux.killed = world.mux.failure = None
        opened = await anew(world).open(world.wish, at(world))
        assert opened.outcome is ActOutcome.PRESSED
        assert len(world.mux.opened) == 1
        assert [one.uid for one in world.mux.panes.values()] == [opened.pane_uid]

    play(tmp_path, scenario)


def test_panes_that_came_before_or_are_used_or_belong_to_another_run_are_not_taken_for_it(tmp_path):
    """An old shell in the same folder, one with an agent, one elsewhere, and the pane of another agent's run."""

    async def scenario(world):
        await world.mux.add(101, world.folder)
        await world.run_of("live", 8)
        other = await world.opening.open(world.wish._replace(session_id="0198-other"), at(world, run=8))
        world.mux.failure = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await world.opening.open(world.wish, at(world))
        world.mux.failure = None
        await world.mux.add(102, world.folder, state=PaneState.IDLE, agent="codex")
        await world.mux.add(103, str(tmp_path))
        await world.mux.add(104, world.folder, "another")
        opened = await anew(world).open(world.wish, at(world))
        assert opened.outcome is ActOutcome.PRESSED
        assert opened.pane_uid not in (other.pane_uid, *(world.mux.panes[number].uid for number in range(101, 105)))
        assert len(world.mux.opened) == 2

    play(tmp_path, scenario)


def test_which_of_two_it_was_is_not_guessed(tmp_path):
    """Somebody opened a shell at the same place meanwhile."""

    async def scenario(world):
        world.mux.killed = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await world.opening.open(world.wish, at(world))
        world.mux.killed = None
        await world.mux.add(50, world.folder)
        opened = await anew(world).open(world.wish, at(world))
        assert (opened.outcome, opened.pane_uid) == (ActOutcome.INTERRUPTED, None)
        assert len(world.mux.opened) == 1

    play(tmp_path, scenario)


def test_nothing_is_opened_while_the_session_runs(tmp_path):
    """In another pane; or in a process that outlived its terminal."""

    async def scenario(world):
        await world.mux.add(60, "/elsewhere", state=PaneState.IDLE, agent="codex", session_id=SESSION.upper())
        opened = await world.opening.open(world.wish, at(world))
        assert (opened.runs_already, opened.pane_uid) == (True, None)
        world.registry.remove(world.mux.panes[60])
        for step, (has_terminal, had_ended) in enumerate(((True, True), (True, False), (False, False)), 2):
            world.files.left = [Left(4711, has_terminal)]
            opened = await world.opening.open(world.wish._replace(had_ended=had_ended), at(world, step))
            assert (opened.outcome, opened.detail) == (
                ActOutcome.BUSY,
                "the agent of that session may still run, as process 4711",
            )
        assert world.mux.opened == []
        # One that had nothing to do, and has no terminal in which it would ever be told.
        opened = await world.opening.open(world.wish._replace(had_ended=True), at(world, 5))
        assert opened.outcome is ActOutcome.PRESSED

    play(tmp_path, scenario)


def test_only_another_run_of_the_same_mux_is_asked(tmp_path):
    """Not the run that the pane ended with, nor another mux, nor one that is not connected."""

    async def scenario(world):
        for mux, terminal in ((MUX, world.mux), (AFTER._replace(socket="/other"), world.mux), (AFTER, None)):
            world.mux.mux, world.mux.terminal = mux, terminal
            opened = await world.opening.open(world.wish, at(world))
            assert (opened.outcome, opened.pane_uid) == (ActOutcome.UNREACHABLE, None)
        assert world.mux.opened == []

    play(tmp_path, scenario)


def test_a_folder_that_is_gone_is_said(tmp_path):
    """A mux would open the pane somewhere else."""

    async def scenario(world):
        opened = await world.opening.open(world.wish._replace(cwd="/not/there"), at(world))
        assert opened.outcome is ActOutcome.REFUSED
        assert "/not/there" in opened.detail

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [(TerminalRefused("no"), ActOutcome.REFUSED), (TerminalUnreachable("no answer"), ActOutcome.INTERRUPTED)],
)
def test_a_mux_that_says_no_and_one_that_says_nothing_are_told_apart(tmp_path, failure, outcome):
    """The second may have opened it."""

    async def scenario(world):
        world.mux.failure = failure
        assert (await world.opening.open(world.wish, at(world))).outcome is outcome
        world.mux.failure = None
        assert (await world.opening.open(world.wish, at(world))).outcome is outcome
        assert world.mux.opened == []

    play(tmp_path, scenario)


def test_pauses_hold_it_back(tmp_path):
    """Of everything, of the agent, of the pane that was."""

    async def scenario(world):
        for step, (scope, name) in enumerate((("all", ""), ("agent", "codex"), ("pane", world.old)), 1):
            await world.pauses.pause(scope, name, for_ms=None, reason="")
            assert (await world.opening.open(world.wish, at(world, step))).outcome is ActOutcome.HUMAN_TYPING
            await world.pauses.resume(scope, name)
        assert world.mux.opened == []

    play(tmp_path, scenario)


@pytest.mark.parametrize(("verdict", "outcome"), [(Verdict.DENY, ActOutcome.REFUSED), (Verdict.ASK, ActOutcome.ASKED)])
def test_the_users_rules_stand_above_the_shipped_one(tmp_path, verdict, outcome):
    """A rule of the user's says no."""

    async def scenario(world):
        assert (await world.opening.open(world.wish, at(world))).outcome is outcome
        assert world.mux.opened == []

    rule = Rule("mine", verdict, "not at night", actions=frozenset({ActionKind.SPAWN}))
    play(tmp_path, scenario, policy=Policy(rules=(rule,), pane_cooldown_s=0))


@pytest.mark.parametrize("granted", [True, False])
def test_what_must_be_asked_is_opened_once_a_person_said_yes(tmp_path, granted):
    """Once: the yes is used up."""

    async def scenario(world):
        opened = await world.opening.open(world.wish, at(world))
        assert (opened.outcome, world.mux.opened) == (ActOutcome.ASKED, [])
        (question,) = await world.desk.approvals()
        assert (question.id, question.pane_uid) == (opened.approval, world.old)
        await world.desk.settle_grant(question.id, granted=granted)
        outcomes = [(await world.opening.open(world.wish, at(world, step))).outcome for step in (2, 3)]
        assert outcomes == [ActOutcome.PRESSED if granted else ActOutcome.ASKED, ActOutcome.ASKED]
        assert len(world.mux.opened) == granted

    rule = Rule("mine", Verdict.ASK, "ask me", actions=frozenset({ActionKind.SPAWN}))
    play(tmp_path, scenario, policy=Policy(rules=(rule,), pane_cooldown_s=0))


def test_a_run_that_observes_opens_nothing(tmp_path):
    """Whatever it says of itself."""

    async def scenario(world):
        await world.run_of("observe", 9)
        assert (await world.opening.open(world.wish, at(world, plan=True))).outcome is ActOutcome.PLANNED
        assert (await world.opening.open(world.wish, at(world, run=9))).outcome is ActOutcome.PLANNED
        assert world.mux.opened == []
        assert {(one.stage, one.dry_run) for one in await world.history.actions(world.old)} == {(Stage.ENDED, True)}

    play(tmp_path, scenario)


def test_no_other_workflow_opens_panes(tmp_path):
    """As shipped."""

    async def scenario(world):
        place = at(world)._replace(workflow="stuck")
        assert (await world.opening.open(world.wish, place)).outcome is ActOutcome.REFUSED
        assert world.mux.opened == []

    play(tmp_path, scenario)
