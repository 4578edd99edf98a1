"""Which pane a name means."""

from __future__ import annotations

import pytest

from wa.api.panes import AmbiguousPaneError, resolve
from wa.model.errors import NotFound
from wa.protocol.results import PaneResult


def pane(uid: str, mux: str, pane_id: int, *, alive: bool = True, title: str = "zsh") -> PaneResult:
    return PaneResult(
        pane_uid=uid,
        mux=mux,
        host="",
        pane_id=pane_id,
        title=title,
        cwd=None,
        workspace="default",
        size={"cols": 80, "rows": 24},
        alive=alive,
        source="push" if alive else None,
        excluded=False,
        rows_stored=0,
        rows_lost=0,
        gaps=0,
        last_output_at=None,
    )


PANES = [
    pane("p1", "local", 0, alive=False, title="before the restart"),
    pane("p2", "local", 0),
    pane("p3", "local", 7),
    pane("p4", "build@host.example", 7),
    pane("p5", "gui-4711", 3, alive=False),
    pane("p6", "gui-9", 9, alive=False),
    pane("p7", "gui-9", 9, alive=False),
]


@pytest.mark.parametrize(
    ("name", "uid"),
    [("p1", "p1"), ("p3", "p3"), ("local/0", "p2"), ("build@host.example/7", "p4"), ("0", "p2"), ("gui-4711/3", "p5")],
)
def test_a_name_finds_its_pane(name: str, uid: str) -> None:
    """A uid finds open and closed panes; MUX/ID prefers the open one; a bare id means an open one."""
    assert uid == resolve(name, PANES)["pane_uid"]


@pytest.mark.parametrize("name", ["7", "gui-9/9"])
def test_an_ambiguous_name_lists_its_candidates(name: str) -> None:
    """Several panes with one name are an error with exit status 2 that shows them."""
    with pytest.raises(AmbiguousPaneError) as caught:
        resolve(name, PANES)

    assert caught.value.exit_status == 2
    assert len(caught.value.details["candidates"]) == 2


@pytest.mark.parametrize("name", ["p99", "local/99", "3", "", "/", "local/", "p", "P2", "²", "٣", "local/0/0", "-1"])
def test_an_unknown_name_lists_the_open_panes(name: str) -> None:
    """The error leaves by exit status 3 and names those that exist."""
    with pytest.raises(NotFound) as caught:
        resolve(name, PANES)

    assert caught.value.exit_status == 3
    assert caught.value.details["candidates"] == [
        "p2  local/0  zsh",
        "p3  local/7  zsh",
        "p4  build@host.example/7  zsh",
    ]


def test_an_error_names_a_screenful_at_most() -> None:
    """With a thousand panes the error stays short and says where the rest is."""
    with pytest.raises(NotFound) as caught:
        resolve("nobody", [pane(f"p{at}", "local", at) for at in range(1, 1000)])

    candidates = caught.value.details["candidates"]
    assert len(candidates) == 13
    assert candidates[-1] == "and 987 more: `wa panes`"


def test_no_pane_at_all() -> None:
    """With nothing to choose from the error still is one."""
    with pytest.raises(NotFound):
        resolve("p1", [])
