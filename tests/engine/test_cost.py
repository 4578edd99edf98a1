"""What the sidecar's doctor says of long scrollback."""

import asyncio
from types import SimpleNamespace

from wa.engine.cost import cost_of
from wa.model.errors import TerminalUnreachable
from wa.wezterm.terminal import SourceKind


def session(rows, clients, *, source=SourceKind.PUSH, host=""):
    async def asked():
        if isinstance(clients, Exception):
            raise clients
        return [object()] * clients

    panes = {n: SimpleNamespace(scrollback_rows=one, alive=True) for n, one in enumerate(rows)}
    return SimpleNamespace(name="lab", host=host, panes=panes, terminal=SimpleNamespace(source=source, clients=asked))


def test_wa_is_one_of_the_clients():
    """One window beside it: two comparisons for every flush."""
    (found,) = asyncio.run(cost_of(session([1_000_000] * 3, 1, host="lab.example")))

    assert "2 clients" in found["what"]
    assert found["fix"][-2:] == ["--host", "lab.example"]


def test_without_an_answer_wa_alone_counts():
    """A mux that does not tell its clients is not guessed at."""
    (found,) = asyncio.run(cost_of(session([1_000_000] * 6, TerminalUnreachable("gone"))))

    assert "and one client" in found["what"]


def test_a_mux_that_is_polled_compares_nothing():
    """By `wezterm cli` nothing is pushed; and one that is not connected is not known."""
    assert asyncio.run(cost_of(session([1_000_000] * 30, 3, source=SourceKind.CLI))) == []
    assert asyncio.run(cost_of(SimpleNamespace(terminal=None))) == []
