"""`kill -9` and a full disk, at every point between two calls that change the file system."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from support.faults import calls_of, die_at, full_disk
from support.homes import Entry, Machine
from wa.model.errors import NotFound, WaError
from wa.provision import files
from wa.provision.blocks import put_block
from wa.provision.journal import house_of, journals
from wa.provision.plan import EnableUnit, Plan

UNIT = ".config/systemd/user/wa.service"


class Scene:
    """A home with every kind of file that a plan may change, made again for each death."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self.machine = self.fresh()

    def fresh(self) -> Machine:
        if self._number:
            shutil.rmtree(self._folder / str(self._number))
        self._number += 1
        place = self._folder / str(self._number)
        place.mkdir()
        self.machine = Machine(place)
        home = self.machine.home
        (home / ".bashrc").write_bytes(b"alias a=b")
        (home / "twin").write_bytes(b"a file of two names, and a long one\n")
        os.link(home / "twin", home / "its-twin")
        (home / "grows").write_bytes(b"short\n")
        os.link(home / "grows", home / "grows-too")
        (home / "dotfiles").mkdir()
        (home / "dotfiles/zshrc").write_bytes(b"# mine\r\n")
        (home / ".zshrc").symlink_to("dotfiles/zshrc")
        (home / "old").write_bytes(b"goes\n")
        (home / "old").chmod(0o640)
        for name in (".bashrc", "twin", "grows", "dotfiles/zshrc", "old", "dotfiles", "."):
            os.utime(home / name, ns=(1_600_000_000_000_000_001, 1_500_000_000_000_000_001))
        os.utime(home / ".zshrc", ns=(0, 1_600_000_000_000_000_001), follow_symlinks=False)
        return self.machine

    def plan(self) -> Plan:
        home = self.machine.home
        zshrc = files.text_of(files.read(home / ".zshrc"))
        name = PurePosixPath(home / UNIT)
        return Plan(
            "setup local",
            (
                *self.machine.plan().changes,
                self.machine.file("twin", b"short\n"),
                self.machine.file("grows", b"long enough to need more room than there was\n" * 200),
                self.machine.file(".zshrc", files.data_of(put_block(zshrc, "shell", "x")), block="shell"),
                self.machine.file("old", None),
                self.machine.file("token", b"hunter2\n", mode=0o600, is_secret=True),
                self.machine.file(UNIT, b"[Unit]\n"),
                EnableUnit("wa.service", name, "wa's own service"),
            ),
        )

    def apply(self) -> None:
        self.machine.apply(self.plan())

    def undo(self) -> None:
        self.machine.undo()


def of_the_user(snapshot: dict[str, Entry]) -> dict[str, Entry]:
    """Without wa's own data, and the times of folders that came and went within a death."""
    return {
        name: entry._replace(mtime_ns=0) if entry.kind == "folder" else entry
        for name, entry in snapshot.items()
        if not name.startswith(".local")
    }


def contents(machine: Machine) -> dict[str, bytes]:
    return {name: one.content for name, one in of_the_user(machine.snapshot()).items() if one.kind == "file"}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    # A process that dies leaves what the kernel has; only a machine that dies needs it on the disk.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return Scene(tmp_path)


def _whole(scene: Scene, now: dict[str, bytes], before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """No file is anything but what it was or what it is to be."""
    for name, content in now.items():
        if name.rpartition("/")[2].startswith(".wa-"):
            continue
        if name in ("twin", "its-twin", "grows", "grows-too") and content not in (before[name], after[name]):
            # It has two names: nothing can take its place, and its journal says how to mend it.
            assert files.is_half_written(content, before[name], after[name]) or files.is_half_written(
                content, after[name], before[name]
            )
            continue
        assert content in (before.get(name), after.get(name)), name
    for name in before:
        assert name in now or name not in after, f"{name} is lost"
    assert scene.machine.home.exists()


@pytest.mark.parametrize("in_the_middle", [False, True])
@pytest.mark.parametrize("then", ["undone", "again"])
def test_a_death_while_a_plan_is_made(scene: Scene, in_the_middle: bool, then: str) -> None:
    """At any point: no half-written file, none lost; the history names it; the next run goes on, or it is taken back."""
    before = contents(scene.machine)
    start = of_the_user(scene.machine.snapshot())
    calls = calls_of(scene.apply)
    after = contents(scene.machine)

    for number, call in enumerate(calls, 1):
        if in_the_middle and call != "write":
            continue
        machine = scene.fresh()
        assert die_at(number, scene.apply, in_the_middle=in_the_middle)

        now = contents(machine)
        _whole(scene, now, before, after)
        known = journals(machine.paths)
        if now != before:
            assert len(known) == 1, number
        if then == "again":
            try:
                notes = machine.apply(scene.plan())["notes"]
            except WaError:
                # What was half-written in place was mended first.
                notes = machine.apply(scene.plan())["notes"]
            assert contents(machine) == after, number
            assert machine.manager.state == {"enabled:wa.service", "active:wa.service"}
            if known and known[0].is_interrupted and now not in (before, after):
                assert any("was interrupted" in note for note in notes) or number, number
        machine.undo_all()
        with pytest.raises(NotFound):
            machine.undo()
        assert of_the_user(machine.snapshot()) == start, number
        assert machine.manager.state == set()
        assert not house_of(machine.paths).exists()
        if known:
            # A death that came before any journal may leave empty folders behind.
            assert not (machine.home / ".local").exists(), number


@pytest.mark.parametrize("in_the_middle", [False, True])
def test_a_death_while_a_plan_is_taken_back(scene: Scene, in_the_middle: bool) -> None:
    """At any point the second try ends where the first would have."""
    before = contents(scene.machine)
    start = of_the_user(scene.machine.snapshot())
    scene.apply()
    after = contents(scene.machine)
    calls = calls_of(scene.undo)
    assert of_the_user(scene.machine.snapshot()) == start

    for number, call in enumerate(calls, 1):
        if in_the_middle and call != "write":
            continue
        machine = scene.fresh()
        scene.apply()
        assert die_at(number, scene.undo, in_the_middle=in_the_middle)

        _whole(scene, contents(machine), before, after)
        machine.undo_all()
        with pytest.raises(NotFound):
            machine.undo()
        assert of_the_user(machine.snapshot()) == start, number
        assert machine.manager.state == set()
        # The folders above it were told of in it: a death between the two may leave them, empty.
        assert not house_of(machine.paths).exists(), number


@pytest.mark.parametrize("stays", [False, True])
def test_a_full_disk_while_a_plan_is_made(scene: Scene, stays: bool) -> None:
    """Wherever it fills: everything is as it was, and the error says so; also where it stays full."""
    start = of_the_user(scene.machine.snapshot())

    fits = 0
    for number in range(1, 1000):
        machine = scene.fresh()
        with full_disk(number, stays=stays):
            error = failure(scene.apply)
        if error is None:
            # It was too late to matter, or for something that a plan can do without.
            fits += 1
            machine.undo_all()
        else:
            fits = 0
            assert "No space left" in error.message, number
            assert "othing" in error.next_step, (number, error.next_step)
        assert of_the_user(machine.snapshot()) == start, number
        assert machine.manager.state == set()
        assert journals(machine.paths) == []
        assert not (machine.home / ".local").exists(), number
        if fits == 5:
            assert number > 50
            return
    raise AssertionError("it never fits")


def failure(work: Callable[[], None]) -> WaError | None:
    try:
        work()
    except WaError as error:
        return error
    return None
