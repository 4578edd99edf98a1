"""Plans made on this machine, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.homes import Machine
from wa.model.errors import Refused, WaError
from wa.provision import files
from wa.provision.plan import RunCommand


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_there_and_back_leaves_no_trace(machine: Machine) -> None:
    """Files that were there and files that were not; the second time nothing is done, not even a journal."""
    (machine.home / ".bashrc").write_bytes(b"alias a=b")
    before = machine.snapshot()

    machine.apply(machine.plan())
    made = machine.snapshot()

    assert files.read(machine.home / ".config/wa-made/init.lua") == b"return 1\n"
    assert machine.apply(machine.plan())["id"] is None
    assert machine.snapshot() == made

    machine.undo()
    assert machine.snapshot() == before


def test_a_failing_change_takes_the_others_back(machine: Machine) -> None:
    """Told is which, why, and that nothing is left."""
    (machine.home / ".bashrc").write_bytes(b"alias a=b")
    before = machine.snapshot()
    plan = machine.plan(RunCommand(("false",), "a program that fails"))

    with pytest.raises(WaError, match=r"change 3 of 3 failed \(a program that fails\): `false` ended with 1") as error:
        machine.apply(plan)

    assert "nothing is left" in error.value.next_step
    assert machine.snapshot() == before


def test_a_file_that_changed_meanwhile_is_not_touched(machine: Machine) -> None:
    """Between the showing and the making: told with a diff, nothing done."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"one\n")
    plan = machine.plan()
    rc.write_bytes(b"two\n")
    before = machine.snapshot()

    with pytest.raises(Refused, match="was changed since") as error:
        machine.apply(plan)

    assert "+two" in error.value.details["diff"]
    assert machine.snapshot() == before
