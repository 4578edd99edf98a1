"""What trials have shown once, each on its own: a whole sidecar before one pane."""

import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from act.hostile.screens import DIALOGS
from engine.hostile.life import Life
from engine.hostile.stage import Stage
from engine.hostile.trial import empty_database
from engine.hostile.virtual import inline_databases
from wa.model.action import Action, ActionKind, Actor, ActorKind, ActOutcome, Allow, Deny, WhileBusy

PERSON = Actor(ActorKind.HUMAN, "cli")
SENDS_TEXT = Action(ActionKind.SEND, "text", submit=True)


class Scene:
    """A pane with an agent, on a quick line; persons ask at the times that they are given."""

    def __init__(self, agent="claude_code"):
        self.stage = Stage(random.Random(1), "proceed.", "read again")
        self.stage.line_s, self.stage.trouble, self.stage.slow_disk, self.stage.is_local = 0.001, 0.0, False, True
        self.pane = self.stage.add(agent)
        self.asked = []
        self.open_actions = 0

    def send(self, at, text):
        self.pane.wish("send", text, 1)
        self.stage.at(at, lambda: self._ask(Action(ActionKind.SEND, text, submit=True)))

    def _ask(self, action):
        (watched,) = self.stage.life.registry
        self.asks(self.stage.life, watched.uid, action)

    def asks(self, life, uid, action):
        self.asked.append(life.call(life.desk.act(uid, action, PERSON, key=action.text)))

    def choose(self, at, label):
        question = next(asked.question for asked in DIALOGS[self.pane.agent] if asked.kind == "approval")
        self.pane.answers_meant.append((question, label))
        self.stage.at(at, lambda: self._ask(Action(ActionKind.CHOOSE, labels=(label,), question=question)))

    def judge(self, at, actor):
        self.stage.at(at, lambda: self._judge(actor))

    def _judge(self, actor):
        (watched,) = self.stage.life.registry
        action = Action(ActionKind.SEND, "read again", submit=True)
        self.asked.append(self.stage.life.call(self.stage.life.desk.judge(watched.uid, action, actor)))

    def play(self, within_s, *, kill_at=None):
        """What came of each that was asked for, in their order. *kill_at*: where the first sidecar is killed, and a second begins."""
        empty = empty_database()
        with tempfile.TemporaryDirectory() as folder, inline_databases():
            path = Path(folder) / "wa.db"
            path.touch(0o600)
            path.write_bytes(empty)
            self.stage.at(within_s, lambda: self.stage.life.end())
            if kill_at is not None:
                Life(self.stage, Path(folder), kill_at=kill_at).play()
                self.asked.clear()
            Life(self.stage, Path(folder)).play()
            with closing(sqlite3.connect(path)) as db:
                (self.open_actions,) = db.execute("SELECT count(*) FROM actions WHERE stage <> 'ended'").fetchone()
        return [getattr(task.result(), "outcome", task.result()) for task in self.asked]


def test_a_second_text_waits_until_the_agent_has_shown_that_it_reads():
    """The first was not seen: the agent may read it yet, and would get both in one."""
    scene = Scene()
    scene.stage.at(2.0, lambda: setattr(scene.pane, "stalled_until", 20.0))
    for at, text in ((3.0, "first"), (9.0, "second"), (12.0, "third"), (40.0, "fourth")):
        scene.send(at, text)
    scene.stage.at(30.0, lambda: scene.pane.clears())

    assert scene.play(60.0) == [ActOutcome.NOT_SEEN, ActOutcome.BUSY, ActOutcome.BUSY, ActOutcome.SUBMITTED]
    assert not scene.pane.faults


def test_a_second_return_waits_until_the_agent_has_shown_that_it_reads_the_first():
    """Whatever comes after the dialog would get it."""
    scene = Scene()
    scene.stage.at(2.0, scene.pane.opens)
    scene.stage.at(2.5, lambda: setattr(scene.pane, "stalled_until", 20.0))
    for at in (3.0, 12.0):
        scene.choose(at, "Yes")
    scene.send(15.0, "text")

    assert scene.play(60.0) == [ActOutcome.NOT_TAKEN, ActOutcome.BUSY, ActOutcome.DIALOG_OPEN]
    assert (scene.pane.chosen, dict(scene.pane.faults)) == (["Yes"], {})


def test_a_paste_that_a_killed_sidecar_left_under_way_is_waited_for():
    """The agent stalls; the next sidecar finds an empty composer, and does not paste again."""
    scene = Scene()
    scene.stage.at(2.0, lambda: setattr(scene.pane, "stalled_until", 7.0))
    scene.send(3.0, "text")
    scene.stage.on_up.append(lambda life: scene.stage.now < 3.0 or scene.asks(life, "p1", SENDS_TEXT))

    assert scene.play(30.0, kill_at=("paste sent", 1)) == [ActOutcome.SUBMITTED]
    assert (scene.pane.wishes["text"].by_wa, dict(scene.pane.faults)) == (1, {})


def test_an_agent_that_goes_on_by_itself_is_left_alone_by_automations():
    """Any key would stop that; a person may all the same, and so may everybody once it has gone on."""
    scene = Scene()
    scene.pane.has_box = False
    scene.stage.at(2.0, scene.pane.hits_limit)
    for at in (1.0, 3.0, 600.0):
        scene.judge(at, Actor(ActorKind.WORKFLOW, "handle_compaction"))
        scene.judge(at, PERSON)
    rules = [type(one.decision) for one in scene.play(610.0)]

    assert rules == [Allow, Allow, Deny, Allow, Allow, Allow]


def test_a_return_that_was_lost_is_not_repeated_after_a_dialog():
    """What it asked about, a limit perhaps, may forbid what was right before; the text is left for a person."""
    scene = Scene()
    scene.stage.at(2.0, scene.pane.deaf)
    scene.send(3.0, "text")
    scene.stage.at(5.0, scene.pane.opens)
    scene.stage.at(6.0, lambda: setattr(scene.pane, "asked", None))

    assert scene.play(60.0) == [ActOutcome.NOT_TAKEN]
    assert (scene.pane.wishes["text"].by_wa, dict(scene.pane.faults)) == (0, {})


def test_a_text_from_the_queue_whose_agent_left_is_ended():
    """The sidecar was killed while it typed it, and the agent may never come back: the text is not left open, nor typed again."""
    scene = Scene()
    scene.stage.at(2.0, scene.pane.begins)
    scene.pane.wish("send", "text", 1)
    waits = Action(ActionKind.SEND, "text", submit=True, while_busy=WhileBusy.QUEUE)
    scene.stage.at(2.5, lambda: scene.asks(scene.stage.life, "p1", waits))
    scene.stage.at(20.0, scene.pane.leave)

    scene.play(60.0, kill_at=("write sent", 1))
    assert scene.open_actions == 0
    assert dict(scene.pane.faults) == {}
