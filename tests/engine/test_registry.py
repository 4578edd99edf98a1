import pytest

from engine.fakes import FakePane
from wa.engine.pane import WatchedPane
from wa.engine.registry import MAX_CANDIDATES, Registry
from wa.ingest import PaneTracker
from wa.model.errors import NotFound, UsageError
from wa.model.identity import MuxInstance
from wa.wezterm.terminal import SourceKind


def registry(*places):
    made = Registry()
    for number, (mux, pane_id) in enumerate(places, 1):
        listed = FakePane(pane_id).listed()
        instance = MuxInstance(mux, "", f"/run/{mux}", "1")
        made.add(WatchedPane(f"p{number}", instance, listed, PaneTracker(pane_id), SourceKind.PUSH))
    return made


def test_a_pane_has_three_names():
    """Uid, MUX/ID, and the bare id where one pane alone has it; a mux's name may hold anything but a slash."""
    known = registry(("local", 0), ("build", 0), ("me@build.example-2", 12))

    assert known.find("p2").uid == "p2"
    assert known.find("build/0").uid == "p2"
    assert known.find("me@build.example-2/12").uid == "p3"
    assert known.find("12").uid == "p3"


@pytest.mark.parametrize("name", ["p9", "nowhere/0", "build/1", "99", "-1", "build/", "/0", "p", "0x0", "٠"])
def test_what_names_nothing_is_not_found(name):
    """The error lists what there is."""
    with pytest.raises(NotFound) as caught:
        registry(("local", 0), ("build", 0)).find(name)
    assert len(caught.value.details["candidates"]) == 2


def test_an_id_that_two_panes_have_names_neither():
    """The error lists both, and no other."""
    with pytest.raises(UsageError, match="2 panes") as caught:
        registry(("local", 0), ("build", 0), ("build", 1)).find("0")
    assert caught.value.details["candidates"] == ["p1  local/0  sh", "p2  build/0  sh"]


@pytest.mark.parametrize("name", [None, 7, "", b"p1", ["p1"]])
def test_names_are_text(name):
    """Anything else is a mistake of the asker's."""
    with pytest.raises(UsageError):
        registry(("local", 0)).find(name)


def test_long_lists_are_cut():
    """An error is no listing."""
    with pytest.raises(NotFound) as caught:
        registry(*(("m", n) for n in range(50))).find("p99")
    assert len(caught.value.details["candidates"]) == MAX_CANDIDATES + 1


def test_panes_come_in_the_order_of_their_uids_and_go_by_identity():
    """p10 after p9; removing an older bearer of a uid leaves the present one."""
    known = registry(*(("m", n) for n in range(12)))
    tenth = known.get("p10")

    assert [pane.uid for pane in known] == [f"p{n}" for n in range(1, 13)]
    known.remove(tenth)
    known.remove(tenth)
    assert len(known) == 11
    assert known.get("p10") is None
