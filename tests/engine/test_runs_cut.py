"""A run that is cut at any write of its journal, or in the middle of any step, ends as if nothing had been."""

import asyncio
import itertools

import pytest

from engine.flow_world import FakeDesk, FlowWorld, flow
from wa.model.action import Action, ActionKind, ActOutcome
from wa.model.agent import PaneState
from wa.model.command import Act, Ending, Execute, Look, Notify, Park, Until


def whole(context):
    """One of each command, two sends."""
    saw = yield Look()
    yield Act(Action(ActionKind.SEND, "first", submit=True))
    happened = yield Until(20, states=frozenset({PaneState.WORKING}))
    yield Notify("t", happened.what, key="once")
    yield Park(saw.at_ms + 40, 0.0)
    yield Execute(("/bin/echo", "1"), {})
    did = yield Act(Action(ActionKind.SEND, "second", submit=True))
    return Ending("done" if did.outcome is ActOutcome.SUBMITTED else did.outcome.value)


class Knife:
    """Cuts at its number-th chance, once: whoever comes there never goes on."""

    def __init__(self, number):
        self.number = number
        self.chances = 0
        self.cut = asyncio.Event()

    async def here(self):
        if self.chances == self.number:
            self.chances += 1
            self.cut.set()
            await asyncio.Event().wait()
        self.chances += 1


class CutJournal:
    """A chance before each commit, and one after it."""

    def __init__(self, real, knife):
        self.real, self.knife = real, knife

    def __getattr__(self, name):
        method = getattr(self.real, name)

        async def cut(*args, **kwargs):
            await self.knife.here()
            answer = await method(*args, **kwargs)
            await self.knife.here()
            return answer

        return cut


class CutDesk(FakeDesk):
    """A chance before the typing, and one between the typing and the answer."""

    knife = None

    async def act(self, *args, **kwargs):
        if self.knife is not None:
            await self.knife.here()
        acted = await super().act(*args, **kwargs)
        if self.knife is not None:
            await self.knife.here()
        return acted


async def one(path, number):
    """Whether there was such a chance; the run has ended well either way."""
    world = FlowWorld(path, [flow("whole", whole, "turn.done")])
    world.desk = CutDesk(world)
    await world.open()
    try:
        uid = await world.add()
        async with world.running():
            await world.flows.switch("whole", None, enabled=True)
        knife = Knife(number)
        real = world.write
        world.write, world.desk.knife = CutJournal(real, knife), knife
        await world.say(uid, "turn.done")
        async with world.running():
            cutting = asyncio.ensure_future(knife.cut.wait())
            ending = asyncio.ensure_future(world.ended())
            await asyncio.wait([cutting, ending], return_when=asyncio.FIRST_COMPLETED, timeout=20)
            was_cut = knife.cut.is_set()
            for task in (cutting, ending):
                task.cancel()
            await asyncio.gather(cutting, ending, return_exceptions=True)
        world.write, world.desk.knife = real, None
        async with world.running():
            (run,) = await world.ended()
        assert (run.outcome, run.status) == ("done", "done"), (number, run)
        assert [text for _, text in world.desk.typed] == ["first", "second"], number
        assert [(entry.number, entry.reply is None) for entry in await world.read.steps(run.id)] == [
            (step, False) for step in range(7)
        ]
        return was_cut
    finally:
        await world.close()


def test_a_run_that_is_cut_anywhere_sends_nothing_twice(tmp_path):
    """Before and after each commit, before and after each typing: two sends, in order, once."""

    async def all_of_them():
        for number in itertools.count():
            async with asyncio.timeout(60):
                if not await one(tmp_path / f"{number}.db", number):
                    return number
        raise AssertionError

    # begin 2, seven steps of 2 each with the ends, two sends of 2.
    assert asyncio.run(all_of_them()) >= 20


@pytest.mark.parametrize("outcome", [ActOutcome.INTERRUPTED, ActOutcome.NOT_TAKEN])
def test_what_the_desk_says_after_a_restart_is_what_the_run_hears(tmp_path, outcome):
    """An action that a killed sidecar left half done is not sent again by the run: it ends by its name."""

    async def scenario():
        world = FlowWorld(tmp_path / "wa.db", [flow("whole", whole, "turn.done")])
        world.desk = CutDesk(world)
        await world.open()
        try:
            uid = await world.add()
            async with world.running():
                await world.flows.switch("whole", None, enabled=True)
                knife = world.desk.knife = Knife(3)
                await world.say(uid, "turn.done")
                await asyncio.wait_for(knife.cut.wait(), 20)
            world.desk.knife = None
            (key,) = (key for key in world.desk.done if key.endswith(":6"))
            world.desk.done[key] = world.desk.done[key]._replace(outcome=outcome)
            async with world.running():
                (run,) = await world.ended()
            assert run.outcome == outcome.value
            assert [text for _, text in world.desk.typed] == ["first", "second"]
        finally:
            await world.close()

    asyncio.run(scenario())


def test_the_desk_is_never_asked_twice_at_once_for_one_step(tmp_path):
    """A run that is taken up waits for its own step only."""

    async def scenario():
        world = FlowWorld(tmp_path / "wa.db", [flow("whole", whole, "turn.done")])
        await world.open()
        try:
            uid = await world.add()
            async with world.running():
                await world.flows.switch("whole", None, enabled=True)
                world.desk.hold = asyncio.Event()
                await world.say(uid, "turn.done")
                await world.until(lambda: world.desk.asked)
            world.desk.hold = None
            async with world.running():
                await world.ended()
            keys = [asked[3] for asked in world.desk.asked]
            assert len(keys) == 3
            assert keys[0] == keys[1]
            assert len(world.desk.typed) == 2
        finally:
            await world.close()

    asyncio.run(scenario())
