"""Wherever a sidecar is killed, what it was doing is done once: at every write of the journal, before and after, and between the keys."""

import asyncio
from contextlib import suppress

import pytest

from engine.desk_world import FLOW, SEND, FakeEyes, FakeHands, desk_world
from wa.decide.policy import Policy, Rule, Verdict
from wa.model.action import Acted, ActOutcome, Stage
from wa.store.acting import ActingStore

TEXT = SEND.text
WRITES = ("by_key", "run_mode", "ledger", "begin", "redecide", "advance", "end", "ask")


class Composer:
    """What a pane keeps while sidecars come and go."""

    def __init__(self):
        self.text, self.submitted = "", []


class Killer:
    """Stops for good at the *number*th point that is passed."""

    def __init__(self, number):
        self.number, self.passed, self.reached = number, 0, asyncio.Event()

    async def point(self):
        self.passed += 1
        if self.passed == self.number:
            self.reached.set()
            await asyncio.Event().wait()


class Hands(FakeHands):
    """By the table of docs/topics/acting.md, into a composer that outlives it."""

    def __init__(self, clock, composer, killer):
        super().__init__(clock)
        self.composer, self.killer = composer, killer

    def seen(self, pane):
        pane.draft = self.composer.text
        return super().seen(pane)

    async def perform(self, pane, action, ask, note, found=Stage.DECIDED):
        composer, point = self.composer, self.killer.point
        await point()
        stands = found is not Stage.DECIDED and composer.text == action.text
        if found is Stage.SUBMITTING and not stands:
            return Acted(ActOutcome.SUBMITTED, "It was taken.", {"proof": "working"})
        if not stands:
            if (no := self.judge(pane, action, ask)) is not None:
                return no
            await note(Stage.TYPING)
            if (no := self.judge(pane, action, ask)) is not None:
                return no
            await point()
            composer.text += action.text
            await point()
        await note(Stage.SUBMITTING)
        if (no := self.judge(pane, action, ask, left=True)) is not None:
            return no
        await point()
        composer.submitted.append(composer.text)
        composer.text = ""
        await point()
        return Acted(ActOutcome.SUBMITTED, "The pane took it.")


class Eyes(FakeEyes):
    def view(self, pane, sight, action, paused):
        view = super().view(pane, sight, action, paused)
        return view._replace(draft="") if sight.draft == action.text else view


class Store(ActingStore):
    """Every call is two points: nothing is written yet, and it is."""

    def __init__(self, writer, killer):
        super().__init__(writer)
        for name in WRITES:
            setattr(self, name, self._counted(getattr(self, name), killer))

    @staticmethod
    def _counted(call, killer):
        async def counted(*words, **more):
            await killer.point()
            done = await call(*words, **more)
            await killer.point()
            return done

        return counted


async def life(path, composer, killer, policy, *, before=None):
    """One sidecar, from its start to its kill or to the end of the action; what came of it, None where it was killed."""
    async with desk_world(path, policy=policy) as w:
        pane = await w.pane()
        with suppress(Exception):
            await w.run_of("live")
        if before is not None:
            await before(w, pane)
        hands = Hands(w.clock, composer, killer)
        hands.persons = w.persons
        w.desk._hands, w.desk._eyes, w.desk.store = hands, Eyes(), Store(w.writer, killer)
        acting = asyncio.ensure_future(w.desk.act(pane.uid, SEND, FLOW, key="7:1", run=7, step=1))
        killed = asyncio.ensure_future(killer.reached.wait())
        await asyncio.wait([acting, killed], return_when=asyncio.FIRST_COMPLETED)
        if not acting.done():
            await w.desk.close()
            await asyncio.gather(acting, return_exceptions=True)
            return None
        killed.cancel()
        return acting.result()


ALLOWED = Policy(pane_cooldown_s=0)
ASKED = Policy((Rule("mine", Verdict.ASK),), pane_cooldown_s=0)


async def approve(w, pane):
    """Once: a life that finds it used asks for no second."""
    if not await w.history.grants(None):
        asked = await w.desk.act(pane.uid, SEND, FLOW, key="asking", run=7)
        await w.desk.settle_grant(asked.evidence["approval"], granted=True)


@pytest.mark.parametrize(("policy", "before"), [(ALLOWED, None), (ASKED, approve)], ids=["allowed", "approved"])
def test_a_text_is_submitted_once_wherever_one_sidecar_after_the_other_is_killed(tmp_path, policy, before):
    """At each point there is, the first life is killed there, the second at the same number, and the third ends it."""

    async def all_points():
        for number in range(1, 200):
            composer, outcome = Composer(), None
            path = tmp_path / str(number) / "wa.db"
            killers = [Killer(number), Killer(number), Killer(0)]
            lives = 0
            for killer in killers:
                lives += 1
                outcome = await life(path, composer, killer, policy, before=before)
                assert len(composer.submitted) <= 1, number
                if outcome is not None:
                    break
            assert outcome is not None
            assert (outcome.outcome, composer.submitted, composer.text) == (ActOutcome.SUBMITTED, [TEXT], ""), number
            if lives == 1:
                return number
        raise AssertionError("it never came to its end")

    points = asyncio.run(asyncio.wait_for(all_points(), 120))
    assert points > 15
