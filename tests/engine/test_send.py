import asyncio
import logging

import pytest

from engine.fakes import FakeServer
from engine.sender import send
from engine.wire import until
from engine.world import play, shell
from wa.act import shells as module
from wa.engine import hands as hands_module
from wa.engine.hands import Hands
from wa.engine.send import NotSeenError, NotTakenError, PaneGoneError, Request, ScreenMovedError
from wa.model.action import Actor, ActorKind
from wa.model.errors import Refused, TerminalUnreachable

HUMAN = Actor(ActorKind.HUMAN)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(module, "SEEN_WITHIN_S", 0.3)
    monkeypatch.setattr(module, "TAKEN_WITHIN_S", 0.3)
    monkeypatch.setattr(module, "SHELL_PAUSE_S", 0.02)


def hands(w):
    return Hands(lambda _: w.session, None, w.server.clock)


def sending(tmp_path, scenario, react=None):
    """Runs `scenario(world, pane)` with one shell; *react(server, pane, typed)* takes the place of its echo."""
    server = FakeServer()
    server.add(shell(0, 1))
    if react is not None:

        async def reacting(pane, typed):
            await asyncio.sleep(0)
            react(server, pane, typed)

        server.react = reacting

    async def inside(w):
        return await scenario(w, await w.watched(0))

    return play(tmp_path, inside, server=server)


def failing(tmp_path, kind, request, react=None, *, before=None):
    """The error, and what was typed."""

    async def scenario(w, pane):
        if before is not None:
            await before(w, pane)
        with pytest.raises(kind) as caught:
            await send(pane, hands(w), request, HUMAN)
        return caught.value, w.server.typed

    return sending(tmp_path, scenario, react)


def test_a_line_is_pasted_seen_submitted_and_seen_taken(tmp_path):
    """Text first, carriage return as a write of its own, and the times of both."""

    async def scenario(w, pane):
        result = await send(pane, hands(w), Request("make test"), HUMAN)
        assert w.server.typed == [(0, "make test"), (0, b"\r")]
        assert (result["outcome"], result["pane_uid"], result["characters"], result["lines"]) == (
            "submitted",
            "p1",
            9,
            1,
        )
        assert result["seen_after_ms"] >= 0
        assert result["taken_after_ms"] >= 0

    sending(tmp_path, scenario)


def test_without_submit_nothing_but_the_text_is_typed(tmp_path):
    """And it is seen to stand there."""

    async def scenario(w, pane):
        result = await send(pane, hands(w), Request("make", submit=False), HUMAN)
        assert w.server.typed == [(0, "make")]
        assert (result["outcome"], result["taken_after_ms"]) == ("pasted", None)

    sending(tmp_path, scenario)


def test_a_dry_run_types_nothing(tmp_path):
    """It looks, asks policy, and says what it would do; what policy refuses it refuses too."""

    async def scenario(w, pane):
        result = await send(pane, hands(w), Request("make", dry_run=True), HUMAN)
        assert (result["outcome"], result["dry_run"]) == ("planned", True)
        with pytest.raises(Refused):
            await send(pane, hands(w), Request("a\nb", dry_run=True), HUMAN)
        assert w.server.typed == []

    sending(tmp_path, scenario)


@pytest.mark.parametrize("text", ["a\nb", "\x1b[A", "\x03", "a\tb", "\r"])
def test_what_could_act_is_refused_before_anything_is_typed(tmp_path, text):
    """Line breaks, tabs and control characters."""
    error, typed = failing(tmp_path, Refused, Request(text))

    assert typed == []
    assert error.details == {"outcome": "refused", "pane_uid": "p1"}


def test_line_breaks_go_where_the_person_insists(tmp_path):
    """All in one paste, then one carriage return."""

    async def scenario(w, pane):
        result = await send(pane, hands(w), Request("one\ntwo", force=True), HUMAN)
        assert w.server.typed == [(0, "one\ntwo"), (0, b"\r")]
        assert result["lines"] == 2

    sending(tmp_path, scenario)


def test_nobody_but_a_person_may(tmp_path):
    """Every other actor is turned away by policy."""

    async def scenario(w, pane):
        for kind in (ActorKind.AGENT, ActorKind.WORKFLOW, ActorKind.REMOTE):
            with pytest.raises(Refused):
                await send(pane, hands(w), Request("x"), Actor(kind))
        assert w.server.typed == []

    sending(tmp_path, scenario)


def test_a_password_prompt_gets_no_carriage_return(tmp_path):
    """Nothing shows, so nothing more is typed."""
    error, typed = failing(tmp_path, NotSeenError, Request("hunter2"), lambda server, pane, typed: None)

    assert typed == [(0, "hunter2")]
    assert error.details["outcome"] == "not_seen"
    assert error.exit_status == 6


def test_output_of_others_is_not_the_echo(tmp_path):
    """A busy pane whose screen changes all the time, without the text."""

    def react(server, pane, typed):
        for n in range(10):
            server.print(0, f"noise {n}\n")

    _, typed = failing(tmp_path, NotSeenError, Request("echo hello"), react)

    assert typed == [(0, "echo hello")]


def test_text_that_changes_before_the_carriage_return_is_not_submitted(tmp_path):
    """Somebody typed on: what would be submitted is not what was asked for."""

    def react(server, pane, typed):
        if isinstance(typed, str):
            server.print(0, typed)
            asyncio.get_running_loop().call_later(0.005, server.print, 0, " && rm -rf x")

    error, typed = failing(tmp_path, ScreenMovedError, Request("make"), react)

    assert typed == [(0, "make")]
    assert (error.details["outcome"], error.exit_status) == ("screen_moved", 5)


def test_a_carriage_return_that_changes_nothing_is_not_called_submitted(tmp_path):
    """It is sent once; a second one is never typed on a guess."""

    def react(server, pane, typed):
        if isinstance(typed, str):
            server.print(0, typed)

    error, typed = failing(tmp_path, NotTakenError, Request("make"), react)

    assert typed == [(0, "make"), (0, b"\r")]
    assert error.details["outcome"] == "not_taken"


def test_a_pane_that_closes_in_between_is_gone(tmp_path):
    """Whatever was typed, it says so, and names the outcome."""

    def react(server, pane, typed):
        server.close_pane(0)

    error, typed = failing(tmp_path, PaneGoneError, Request("exit"), react)

    assert typed == [(0, "exit")]
    assert (error.details["outcome"], error.exit_status) == ("pane_gone", 3)


def test_a_pane_that_closed_unnoticed_gets_nothing(tmp_path):
    """The look before the paste finds out."""

    async def before(w, pane):
        del w.server.panes[0]

    _, typed = failing(tmp_path, (PaneGoneError, TerminalUnreachable), Request("x"), before=before)

    assert typed == []


def test_without_a_connection_nothing_is_typed(tmp_path):
    """Unreachable, with the next step."""

    async def before(w, pane):
        w.server.gone = True
        w.server.drop()
        await until(lambda: w.session.terminal is None)

    error, typed = failing(tmp_path, TerminalUnreachable, Request("x"), before=before)

    assert typed == []
    assert (error.details["outcome"], error.exit_status) == ("unreachable", 4)


def test_an_empty_text_is_a_bare_enter(tmp_path):
    """For a text that was pasted before; seen by what it changes."""

    async def scenario(w, pane):
        result = await send(pane, hands(w), Request(""), HUMAN)
        assert (result["outcome"], w.server.typed) == ("submitted", [(0, b"\r")])
        with pytest.raises(Refused):
            await send(pane, hands(w), Request("", submit=False), HUMAN)

    sending(tmp_path, scenario)


def test_two_sends_to_one_pane_go_one_after_the_other(tmp_path):
    """Never text of one between text and carriage return of the other."""

    async def scenario(w, pane):
        await asyncio.gather(*(send(pane, hands(w), Request(word), HUMAN) for word in ("first", "second", "third")))
        assert w.server.typed == [(0, typed) for word in ("first", "second", "third") for typed in (word, b"\r")]

    sending(tmp_path, scenario)


def test_a_send_that_is_given_up_types_nothing_more(tmp_path):
    """Ctrl-C between paste and carriage return: no carriage return; the next send is not held up."""

    async def scenario(w, pane):
        module.SHELL_PAUSE_S = 5.0
        given_up = asyncio.ensure_future(send(pane, hands(w), Request("make"), HUMAN))
        await until(lambda: pane.screen.rows[-1].text.endswith("make") or w.server.typed)
        await asyncio.sleep(0.05)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert w.server.typed == [(0, "make")]
        module.SHELL_PAUSE_S = 0.01
        result = await send(pane, hands(w), Request(" test"), HUMAN)
        assert result["outcome"] == "submitted"

    sending(tmp_path, scenario)


def test_the_log_names_no_text(tmp_path, caplog):
    """Pane, outcome and actor only."""
    caplog.set_level(logging.DEBUG, logger="wa.engine.hands")

    async def scenario(w, pane):
        await send(pane, hands(w), Request("precious words"), HUMAN)

    sending(tmp_path, scenario)
    assert "precious" not in str([vars(record) for record in caplog.records if record.name == "wa.engine.hands"])
    assert [record.outcome for record in caplog.records if record.name == "wa.engine.hands"] == ["submitted"]


def test_a_lost_push_is_made_up_for_by_looking(tmp_path, monkeypatch):
    """The echo was drawn and its push never came (old servers): the screen is read after a while."""
    monkeypatch.setitem(hands_module.LOOK_AGAIN_S, "push", 0.02)

    def react(server, pane, typed):
        pane.print(typed if isinstance(typed, str) else "\nran\n$ ")

    async def scenario(w, pane):
        result = await send(pane, hands(w), Request("make"), HUMAN)
        assert result["outcome"] == "submitted"

    sending(tmp_path, scenario, react)
