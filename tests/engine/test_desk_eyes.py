"""What wa itself typed is no person's draft; anything else is."""

import re
from types import SimpleNamespace

import pytest

from engine.desk_world import FakePane
from wa.engine.desk_eyes import HandsEyes
from wa.model.action import Action, ActionKind, ActOutcome, HumanSign, WhileBusy
from wa.model.agent import NO_AGENT, Dialog, PaneState
from wa.model.profile import OptionMeaning, Profile, Sending
from wa.model.screen import Cursor, Row, Screen
from wa.model.sight import Sight

SEND = Action(ActionKind.SEND, text="proceed.", submit=True)
LEAVE = Action(ActionKind.EXIT)
MEANINGS = (OptionMeaning(re.compile("^Stop"), frozenset({"stop"})),)
PANE = FakePane(uid="p1", alive=True, excluded=None, started_by_wa=False)


def eyes(typed="", *, cursor=True):
    profile = Profile("codex", send=Sending(bracketed=True, cursor=cursor), options=MEANINGS)
    return HandsEyes(SimpleNamespace(profile=lambda _: profile), lambda _: typed)


def sight(draft, *, x=None, dialog=None):
    """A composer in the second row, with the cursor at its end or in column *x*."""
    rows = (Row(0, "• done"), Row(1, f"› {draft or ''}"), Row(2, ""))
    cursor = Cursor(2 + len(draft or "") if x is None else x, 1)
    screen = Screen(1, 1, 80, 3, rows, cursor, "", None, True)
    return Sight(1, screen, True, "codex", PaneState.IDLE, dialog, draft, 1, NO_AGENT, HumanSign())


@pytest.mark.parametrize(
    ("action", "typed", "draft", "x", "left"),
    [
        (SEND, "", "", None, ""),
        (SEND, "", "half a thought", None, "half a thought"),
        (SEND, "proceed.", "proceed.", None, ""),
        (SEND, "proceed.", "proceed.", 5, ""),
        (SEND, "", "proceed.", 5, "proceed."),
        (SEND, "proceed.", "proceed. and more", None, "proceed. and more"),
        (LEAVE, "/exit", "/exit", None, ""),
        (LEAVE, "", "/exit", None, "/exit"),
        (LEAVE, "/exit", "/export", None, "/export"),
    ],
)
def test_a_draft_is_whatever_wa_did_not_type(action, typed, draft, x, left):
    """Its own text stays its own while the cursor moves in it, and where no action names it."""
    assert eyes(typed).view(PANE, sight(draft, x=x), action, None).draft == left


def test_an_option_is_known_by_its_label_and_what_it_does():
    """What nobody described is unknown; a label that is not there is none."""
    box = Dialog("r", "usage.limit", "Limit reached", ("Stop and wait", "Upgrade"), 0)
    choice = Action(ActionKind.CHOOSE, labels=("Never there", "Stop and wait"))

    assert eyes().resolve(PANE, sight(None, dialog=box), choice).effects == {"stop"}
    assert eyes().resolve(PANE, sight(None, dialog=box), choice._replace(labels=("Upgrade",))).effects == {"unknown"}
    assert eyes().resolve(PANE, sight(None, dialog=box), choice._replace(labels=("Sto",))) is None
    assert eyes().resolve(PANE, sight(""), choice) is None


def test_what_would_be_in_the_way_is_told():
    """A draft, a dialog, a turn; a turn is none where it may be ended."""
    box = Dialog("r", "usage.limit", "Limit reached", ("Stop and wait",), 0)
    working = sight("")._replace(state=PaneState.WORKING)

    assert eyes().obstacle(PANE, sight(""), SEND) is None
    assert eyes().obstacle(PANE, sight("half"), SEND).outcome is ActOutcome.DRAFT
    assert eyes().obstacle(PANE, sight(None, dialog=box), SEND).outcome is ActOutcome.DIALOG_OPEN
    assert eyes().obstacle(PANE, working, SEND).outcome is ActOutcome.BUSY
    assert eyes().obstacle(PANE, working, SEND._replace(while_busy=WhileBusy.INTERRUPT)) is None
    assert eyes().obstacle(PANE, sight("half"), LEAVE) is None
