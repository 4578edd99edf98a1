"""`wa setup undo`, `wa setup history` and `wa uninstall`, as a person and as a program runs them."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.homes import Machine
from support.sidecar import SOURCES, Home
from wa.provision.journal import journals

SNIPPET_BEGINS = "-- wa: begin."


class Person:
    """In a home of their own, with a plan made or not."""

    def __init__(self, folder: Path) -> None:
        self.machine = Machine(folder)
        self.home = self.machine.home
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "TERM": "dumb", "PYTHONPATH": str(SOURCES)}

    def wa(self, *words: str, status: int = 0) -> str:
        argv = [sys.executable, "-m", "wa", *words]
        done = subprocess.run(
            argv, env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.wa(*words, "--json", status=status))["data"]

    def answers(self, *words: str, given: dict[str, str]) -> tuple[int, str]:
        """On a terminal, where each question (a part of it) gets its answer."""
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execve(sys.executable, [sys.executable, "-m", "wa", *words], self.env)
        said, left = "", dict(given)
        try:
            while select.select([master], [], [], 60)[0]:
                try:
                    data = os.read(master, 65536)
                except OSError:
                    break
                if not data:
                    break
                said += data.decode()
                for question in list(left):
                    if question in said:
                        os.write(master, f"{left.pop(question)}\n".encode())
        finally:
            os.close(master)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_a_plan_is_listed_shown_and_taken_back(person: Person) -> None:
    """Without a terminal only by --yes; a dry run changes nothing."""
    (person.home / ".bashrc").write_bytes(b"mine")
    before = person.machine.snapshot()
    assert "no plan" in person.wa("setup", "history")
    person.machine.apply(person.machine.plan())
    [journal] = journals(person.machine.paths)
    made = person.machine.snapshot()

    assert f"{journal.id}  wa setup local: made, 2 changes" in person.wa("setup", "history")
    assert person.json("setup", "history")["plans"][0]["state"] == "finished"
    shown = person.wa("setup", "undo", "--dry-run")
    assert "-source /x/wa.bash" in shown
    assert "Nothing was changed." in shown
    assert "nobody can be asked" in person.wa("setup", "undo", status=2)
    assert person.machine.snapshot() == made
    assert "is taken back" in person.wa("setup", "undo", "--yes")
    assert person.machine.snapshot() == before
    assert "nothing to take back" in person.wa("setup", "undo", "--yes", status=3)


def test_a_person_is_asked(person: Person) -> None:
    """And a no changes nothing."""
    person.machine.apply(person.machine.plan())
    made = person.machine.snapshot()

    status, said = person.answers("setup", "undo", given={"Take this back?": "n"})
    assert status == 1
    assert "Nothing was done" in said
    assert person.machine.snapshot() == made
    status, said = person.answers("setup", "undo", given={"Take this back?": "y"})
    assert status == 0
    assert not (person.home / ".bashrc").exists()


def test_a_conflict_leaves_by_five(person: Person) -> None:
    """With a diff of what wa wrote against what is there; the others go back."""
    person.machine.apply(person.machine.plan())
    rc = person.home / ".bashrc"
    rc.write_bytes(rc.read_bytes().replace(b"source /x", b"source /mine"))

    assert "+source /mine" in person.wa("setup", "undo", "--dry-run", status=5)
    assert "was changed since wa wrote it" in person.wa("setup", "undo", "--yes", status=5)
    assert "taken back but for 1 of 2" in person.wa("setup", "history")
    assert person.json("setup", "history")["interrupted"] == 1


def by_hand(person: Person) -> None:
    """As the commands of wa tell a person to."""
    folder = person.home / ".config/wezterm"
    printed = person.wa("plugin")
    snippet = printed[printed.index(SNIPPET_BEGINS) :]
    (folder / "wezterm.lua").write_text(f"local config = {{}}\n{snippet}return config\n")
    with (person.home / ".bashrc").open("a") as file:
        file.write(person.wa("shell", "bash"))
        file.write('eval "$(wa completion bash)"\n')


def test_uninstall_takes_everything_out(person: Person) -> None:
    """Plans newest first, hooks, plugin and lines put in by hand; the second time nothing is left."""
    (person.home / ".claude").mkdir()
    (person.home / ".claude/settings.json").write_text('{\n  "model": "opus"\n}\n')
    (person.home / ".bashrc").write_bytes(b"mine\n")
    (person.home / ".config/wezterm").mkdir(parents=True)
    by_hand(person)
    (person.home / ".zshrc").write_bytes(b"theirs\n")
    person.wa("hooks", "install", "--agent", "claude", "--yes")
    person.machine.apply(person.machine.plan(person.machine.file(".zshrc", b"wa's\n")))
    person.machine.apply(person.machine.plan(person.machine.file(".zshrc", b"wa's again\n"), command="tune"))
    made = person.machine.snapshot()

    shown = person.wa("uninstall", "--dry-run")
    assert "-wa's again" in shown
    assert "left alone" not in shown
    changed = {name for name, one in person.machine.snapshot().items() if made.get(name) != one}
    assert {name for name in changed if not name.startswith(".local")} == set()

    result = person.json("uninstall", "--yes")

    assert [one["command"] for one in result["plans"]] == ["tune", "setup local", "uninstall"]
    assert {one["state"] for plan in result["plans"] for one in plan["changes"]} <= {"undone", "done", "holds"}
    assert result["left"] == []
    assert (person.home / ".bashrc").read_bytes() == b"mine\n"
    assert (person.home / ".zshrc").read_bytes() == b"theirs\n"
    assert (person.home / ".config/wezterm/wezterm.lua").read_text() == "local config = {}\nreturn config\n"
    assert (person.home / ".claude/settings.json").read_text() == '{\n  "model": "opus"\n}\n'
    assert not [name for name in person.machine.snapshot() if "wa" in Path(name).name and "wezterm" not in name]
    assert "There is nothing of wa in your files." in person.wa("uninstall", "--yes")


def test_what_was_changed_by_hand_is_told_and_left(person: Person) -> None:
    """A plugin with a file of the user's, a load line of their own, a service of another wa."""
    (person.home / ".config/wezterm").mkdir(parents=True)
    by_hand(person)
    (person.home / ".config/wezterm/wa_plugin/mine.lua").write_text("return 1\n")
    unit = person.home / ".config/systemd/user/wa.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/opt/other/wa watch\n")

    notes = " ".join(
        person.json("uninstall", "--yes")["notes"] + person.json("uninstall", "--yes")["plans"][0]["notes"]
    )
    assert "mine.lua" in notes
    assert "wa.service was not written by this wa" in notes
    assert (person.home / ".config/wezterm/wa_plugin/mine.lua").exists()
    assert not (person.home / ".config/wezterm/wa_plugin/init.lua").exists()

    (person.home / ".config/wezterm/wezterm.lua").write_text('require("wa_plugin").apply_to_config({})\n')
    person.wa("plugin")
    notes = " ".join(person.json("uninstall", "--yes")["plans"][0]["notes"])
    assert "wezterm.lua:1 asks for wa's plugin" in notes
    assert (person.home / ".config/wezterm/wa_plugin/init.lua").exists()


def test_data_goes_only_by_its_name(person: Person) -> None:
    """A Return too many deletes nothing; what is not wa's alone stays."""
    data, config = person.machine.paths.data, person.machine.paths.config
    for folder in (data, config):
        folder.mkdir(parents=True, mode=0o700)
    (data / "wa.db").write_bytes(b"x" * 5000)
    (config / "config.toml").write_bytes(b"")

    left = person.json("uninstall", "--yes")["left"]
    assert {one["path"]: one["bytes"] for one in left} == {str(data): 5000, str(config): 0}
    assert left[0]["command"] == ["rm", "-r", "--", str(data)]
    status, _ = person.answers("uninstall", "--purge", given={"Take all this out?": "y", "Type purge": ""})
    assert status == 2
    assert (data / "wa.db").exists()
    status, said = person.answers("uninstall", "--purge", given={"Take all this out?": "y", "Type purge": "purge"})
    assert status == 0, said
    assert not data.exists()
    assert not config.exists()


def test_a_wa_home_that_others_live_in_is_not_deleted(person: Person) -> None:
    """`WA_HOME=$HOME` makes ~/data wa's: and perhaps not wa's alone."""
    person.env["WA_HOME"] = str(person.home)
    (person.home / "data").mkdir()
    (person.home / "data/thesis.tex").write_text("years")
    (person.home / "other").mkdir()

    result = person.json("uninstall", "--purge", "--yes")

    assert "other things than wa's may be in it" in " ".join(result["notes"])
    assert (person.home / "data/thesis.tex").exists()


def test_the_sidecar_ends_with_it(tmp_path: Path) -> None:
    """It is asked to, and everything that it had captured is stored first."""
    home = Home(tmp_path)
    with home.sidecar("--socket", str(tmp_path / "none")) as process:
        done = home.wa("uninstall", "--yes", "--json")

        assert json.loads(done.stdout)["data"]["sidecar"] == process.pid
        assert process.wait(30) == 0


def test_an_interrupted_plan_is_named_by_the_next_command(person: Person) -> None:
    """Which one it was, and both ways on."""
    person.machine.apply(person.machine.plan(command="tune"))
    [journal] = journals(person.machine.paths)
    log = journal.folder / "journal"
    log.write_text(log.read_text().removesuffix("finished\n"))

    assert "wa tune: interrupted after 2 of 2 changes" in person.wa("setup", "history")
    said = person.wa("setup", "local", "--dry-run")
    assert f"An earlier `wa tune` ({journal.id}) was interrupted: run it again" in said
    assert "is taken back" in person.wa("setup", "undo", "--yes")
