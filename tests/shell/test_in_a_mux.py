"""From a shell in a pane to the alerts that a client of the multiplexer gets."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.live import LiveMux, embedded_mux, real_binaries, real_mux
from shell.terminal import SHELLS, environment, parse, start_of
from wa.protocol import mux as p


@pytest.fixture(params=["embedded", "real"] if real_binaries() else ["embedded"])
def mux(request: pytest.FixtureRequest) -> Iterator[LiveMux]:
    if request.param == "embedded":
        with embedded_mux() as found:
            yield found
        return
    with tempfile.TemporaryDirectory(prefix="wa-wz-") as folder, real_mux(Path(folder)) as found:
        yield found


@pytest.mark.parametrize("shell", SHELLS)
def test_a_client_hears_pane_command_and_end(mux: LiveMux, shell: str, tmp_path: Path) -> None:
    """WA_PANE names the pane's own terminal, as the multiplexer lists it; WA_CMD and WA_DONE follow, and the folder."""
    argv = tuple(os.fsencode(word) for word in start_of(shell, tmp_path))
    env = tuple(
        (os.fsencode(name), p.EnvEntry(False, os.fsencode(name), os.fsencode(value)))
        for name, value in sorted(environment(tmp_path).items())
    )
    size = p.TerminalSize(24, 80, 640, 384, 0)
    with mux.wire() as wire:
        command = p.CommandBuilder(argv, env, os.fsencode(tmp_path))
        spawned = wire.ask(p.SpawnV2(p.DefaultDomain(), None, command, None, size, "shells"), p.SpawnResponse)
        pane_id = spawned.pane_id

        def told(name: str) -> list[dict[str, str]]:
            found = [alert for alert in wire.alerts(pane_id) if isinstance(alert, p.UserVar) and alert.name == name]
            return [parse(alert.value) for alert in found]

        wire.wait_for_text(pane_id, "ready> ")
        wire.wait(lambda: told("WA_PANE"), "WA_PANE")
        wire.ask(p.WriteToPane(pane_id, b"sh -c 'exit 3'\r"), p.UnitResponse)
        wire.wait(lambda: told("WA_DONE"), "WA_DONE")
        listed = wire.ask(p.ListPanes(), p.ListPanesResponse)
        entry = next(entry for tab in listed.tabs for entry in p.entries_of(tab) if entry.pane_id == pane_id)

        assert told("WA_PANE")[0]["tty"] == entry.tty_name
        token = told("WA_PANE")[0]["t"]
        assert [{"t": token, "n": "1", "c": "sh -c 'exit 3'"}] == told("WA_CMD")
        assert [("3", "1", token)] == [(done["e"], done["n"], done["t"]) for done in told("WA_DONE")]
        assert any(isinstance(alert, p.CwdChanged) for alert in wire.alerts(pane_id))
        assert str(entry.working_dir).endswith(str(tmp_path))
        wire.answer(wire.send(p.KillPane(pane_id)))
