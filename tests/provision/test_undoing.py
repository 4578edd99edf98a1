"""The way back: whole where nobody touched anything, and never over somebody's own work."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.homes import Machine
from wa.api.plans import history
from wa.model.errors import NotFound, Refused, StoreError, WaError
from wa.protocol.results_setup import PlanResult
from wa.provision import applying, files, undoing
from wa.provision.blocks import put_block
from wa.provision.journal import Journal, house_of, journals
from wa.provision.lua_text import put_lua_block
from wa.provision.plan import Change, EnableUnit, FileChange, Plan, RunCommand
from wa.provision.plan_lock import held
from wa.provision.shown import result_of


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def block(machine: Machine, name: str, body: str, file: str = ".bashrc", command: str = "setup local") -> Plan:
    path = machine.home / file
    text = put_block(files.text_of(files.read(path)), name, body)
    change = files.file_change(path, files.data_of(text), "a block", block=name)
    return Plan(command, (change,))


def states(result: PlanResult) -> list[str]:
    return [one["state"] for one in result["changes"]]


def test_only_wa_s_lines_go_from_a_file_that_was_edited(machine: Machine) -> None:
    """The rest of the edits stays."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"old")
    machine.apply(block(machine, "shell", "source x"))
    rc.write_bytes(b"mine\n" + rc.read_bytes() + b"export NEW=\xff\n")

    result = machine.undo()

    assert result["plans"][0]["state"] == "undone"
    assert rc.read_bytes() == b"mine\nold\nexport NEW=\xff\n"


def test_an_edited_block_is_left_and_the_rest_goes_back(machine: Machine) -> None:
    """Told with a diff of what wa wrote against what is there; tried again, it goes once the block is gone."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"old\n")
    machine.apply(machine.plan())
    rc.write_bytes(rc.read_bytes().replace(b"source /x", b"source /mine"))
    edited = rc.read_bytes()

    [plan] = machine.undo()["plans"]

    assert states(plan) == ["conflict", "undone"]
    assert "-source /x/wa.bash" in plan["changes"][0]["diff"]
    assert "+source /mine/wa.bash" in plan["changes"][0]["diff"]
    assert rc.read_bytes() == edited
    assert not (machine.home / ".config").exists()
    assert plan["state"] == "undoing"
    rc.write_bytes(b"old and mine\n")
    assert machine.undo()["plans"][0]["state"] == "undone"
    assert rc.read_bytes() == b"old and mine\n"
    assert not (machine.home / ".local").exists()


def test_what_is_stuck_does_not_bar_the_way(machine: Machine) -> None:
    """Without an id the newest plan that can be taken back is."""
    machine.apply(block(machine, "one", "1", "first"))
    machine.apply(Plan("tune", (machine.file("whole", b"wa's\n"),)))
    (machine.home / "whole").write_bytes(b"mine\n")
    assert machine.undo()["plans"][0]["state"] == "undoing"

    assert machine.undo()["plans"][0]["command"] == "setup local"
    assert (machine.home / "whole").read_bytes() == b"mine\n"
    assert [one.plan.command for one in journals(machine.paths)] == ["tune"]


def test_an_older_plan_takes_its_own_block_out(machine: Machine) -> None:
    """A later plan of the same file stays, and can be taken back after it."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"old")
    before = machine.snapshot()
    machine.apply(block(machine, "one", "1"))
    machine.apply(block(machine, "two", "2"))
    older = journals(machine.paths)[0].id

    machine.undo(older)
    assert b"wa one" not in rc.read_bytes()
    assert b"wa two" in rc.read_bytes()
    machine.undo()
    assert rc.read_bytes() in (b"old", b"old\n")
    assert set(machine.snapshot()) == set(before)


def test_a_plan_under_another_says_so(machine: Machine) -> None:
    """Where its own words were written over by a later plan, that one goes first; nothing is touched."""
    machine.apply(Plan("setup local", (machine.file("whole", b"one\n"),)))
    machine.apply(Plan("tune", (machine.file("whole", b"two\n"),)))
    older, newer = (one.id for one in journals(machine.paths))

    with pytest.raises(Refused, match=f"`wa tune` \\({newer}\\) changed") as error:
        machine.undo(older)

    assert error.value.next_step == f"Take that one back first: wa setup undo {newer}"
    assert (machine.home / "whole").read_bytes() == b"two\n"
    machine.undo_all()
    assert not (machine.home / "whole").exists()


def test_a_stuck_plan_bars_only_its_own_file(machine: Machine) -> None:
    """The rest of the plan below goes back."""
    machine.apply(Plan("setup local", (machine.file("both", b"one\n"), machine.file("alone", b"one\n"))))
    machine.apply(Plan("tune", (machine.file("both", b"two\n"),)))
    (machine.home / "both").write_bytes(b"mine\n")

    assert machine.undo()["plans"][0]["command"] == "tune"
    [plan] = machine.undo()["plans"]

    assert (plan["command"], states(plan)) == ("setup local", ["conflict", "undone"])
    assert (machine.home / "both").read_bytes() == b"mine\n"
    (machine.home / "both").write_bytes(b"two\n")
    machine.undo_all()
    assert machine.snapshot().keys() == {"."}


def test_a_plan_may_be_let_go(machine: Machine) -> None:
    """What cannot be taken back stays as it is, and the plan and its copies go: only where that is asked for."""
    (machine.home / "old").write_bytes(b"old\n")
    machine.apply(Plan("x", (machine.file("old", b"wa's\n"), machine.file("made", b"wa's\n"))))
    (machine.home / "old").write_bytes(b"mine\n")

    [plan] = asyncio.run(undoing.undo(machine.paths, leave=True))["plans"]

    assert (plan["state"], states(plan)) == ("undone", ["conflict", "undone"])
    assert (machine.home / "old").read_bytes() == b"mine\n"
    assert machine.snapshot().keys() == {".", "old"}


def test_a_replaced_block_comes_back(machine: Machine) -> None:
    """To what the plan before had written, in a file that was edited beside it."""
    rc = machine.home / ".bashrc"
    machine.apply(block(machine, "one", "first"))
    machine.apply(block(machine, "one", "second"))
    rc.write_bytes(b"mine\n" + rc.read_bytes())

    machine.undo()
    assert b"first" in rc.read_bytes()
    machine.undo()
    assert rc.read_bytes() == b"mine\n"


def test_what_somebody_removed_stays_removed(machine: Machine) -> None:
    """A file that wa made is simply gone; one that was there before is told."""
    (machine.home / "old").write_bytes(b"old\n")
    machine.apply(Plan("x", (machine.file("old", b"changed\n"), machine.file("made", b"new\n"))))
    (machine.home / "old").unlink()
    (machine.home / "made").unlink()

    [plan] = machine.undo()["plans"]

    assert states(plan) == ["conflict", "undone"]
    assert not (machine.home / "old").exists()


def test_a_folder_that_somebody_uses_stays(machine: Machine) -> None:
    """One that wa made, with a file of the user's in it."""
    machine.apply(machine.plan())
    (machine.home / ".config/wa-made/mine").write_bytes(b"mine")

    machine.undo()

    assert [one.name for one in (machine.home / ".config/wa-made").iterdir()] == ["mine"]


def test_a_mode_that_somebody_changed_stays(machine: Machine) -> None:
    """It is an edit of theirs as any other."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"old\n")
    machine.apply(machine.plan())
    rc.chmod(0o600)

    machine.undo()

    assert rc.read_bytes() == b"old\n"
    assert rc.stat().st_mode & 0o777 == 0o600


def test_programs_go_back_by_their_own_way(machine: Machine) -> None:
    """What holds is not run; what has no way back is told; what may fail does not stop the rest."""
    flag = machine.home / "flag"
    touch = RunCommand(("touch", str(flag)), "a flag", holds=("test", "-e", str(flag)), undo=("rm", str(flag)))
    noise = RunCommand(("true",), "a noise")
    fails = RunCommand(("false",), "a luxury", may_fail=True)
    plan = Plan("x", (touch, noise, fails))

    assert states(machine.apply(plan)) == ["done", "done", "failed"]
    assert states(machine.apply(Plan("x", (touch,)))) == ["holds"]
    [undone] = machine.undo()["plans"]

    assert not flag.exists()
    assert "no way back" in str(undone["changes"][1]["trouble"])
    assert journals(machine.paths) == []


def test_a_program_that_lies_is_a_failure(machine: Machine) -> None:
    """What should hold afterwards is asked for."""
    plan = machine.plan(RunCommand(("true",), "nothing", holds=("false",)))
    before = machine.snapshot()

    with pytest.raises(WaError, match="says it is not so"):
        machine.apply(plan)
    assert machine.snapshot() == before


@pytest.mark.parametrize("start", [True, False])
@pytest.mark.parametrize("stops", [True, False])
@pytest.mark.parametrize("was", ["", "enabled:wa.service", "active:wa.service", "enabled:wa.service active:wa.service"])
def test_a_service_goes_back_to_what_it_was(machine: Machine, was: str, start: bool, stops: bool) -> None:
    """And one whose content is the user's is never stopped."""
    (machine.home.parent / "units").write_text(was)
    path = machine.home / ".config/systemd/user/wa.service"
    unit = EnableUnit("wa.service", PurePosixPath(path), "the service", start=start, undo_stops=stops)
    plan = Plan("x", (machine.file(".config/systemd/user/wa.service", b"[Unit]\n"), unit))

    machine.apply(plan)
    running = {"active:wa.service"} if start else set()
    assert machine.manager.state == {"enabled:wa.service", *running, *was.split()}
    [undone] = machine.undo()["plans"]

    left = running if not stops else set()
    assert machine.manager.state == {*was.split(), *left}
    assert ("runs on" in str(undone["changes"][1]["trouble"])) == bool(left - set(was.split()))


def test_ctrl_c_takes_back_what_was_made(machine: Machine) -> None:
    """Also in the middle of a program."""
    before = machine.snapshot()
    plan = machine.plan(RunCommand(("sleep", "60"), "a long one"))

    async def interrupted() -> None:
        task = asyncio.ensure_future(applying.apply(plan, machine.paths))
        while not (machine.home / ".config/wa-made/init.lua").exists():  # noqa: ASYNC110 - a file appears without an event
            await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert machine.snapshot() == before


def test_two_at_once_are_one_after_the_other(machine: Machine) -> None:
    """The second is told who holds it, and has done nothing; a holder's death frees the lock."""
    plan = machine.plan()
    with held(machine.paths, "tune"):
        before = {name: one._replace(mtime_ns=0) for name, one in machine.snapshot().items()}
        with pytest.raises(Refused, match=rf"`wa tune` \(pid {os.getpid()}, since "):
            machine.apply(plan)
        assert {name: one._replace(mtime_ns=0) for name, one in machine.snapshot().items()} == before

    machine.apply(plan)
    assert len(journals(machine.paths)) == 1


def test_a_failing_plan_whose_file_was_edited_says_what_is_left(machine: Machine) -> None:
    """A program of the plan itself changes the file behind wa's back."""
    made = machine.home / ".config/wa-made/init.lua"
    edit = RunCommand(("sh", "-c", f"echo mine > {made}; exit 3"), "an editor")

    with pytest.raises(WaError, match="change 3 of 3") as error:
        machine.apply(machine.plan(edit))

    [journal] = journals(machine.paths)
    assert f"wa setup undo {journal.id}" in error.value.next_step
    assert made.read_bytes() == b"mine\n"
    assert not (machine.home / ".bashrc").exists()


def test_secrets_are_not_shown_and_not_readable(machine: Machine) -> None:
    """Neither in a diff nor to others; what was written is not kept, and the conflict is found all the same."""
    plan = Plan("x", (machine.file("token", b"hunter2\n", mode=0o600, is_secret=True),))
    old = os.umask(0)
    try:
        assert "hunter2" not in json.dumps(machine.apply(plan))
    finally:
        os.umask(old)
    [journal] = journals(machine.paths)

    house = house_of(machine.paths)
    assert {path.stat().st_mode & 0o077 for path in [house, *house.rglob("*")]} == {0}
    assert not any(b"hunter2" in path.read_bytes() for path in journal.folder.iterdir())
    (machine.home / "token").write_bytes(b"other\n")
    [undone] = machine.undo()["plans"]
    assert states(undone) == ["conflict"]
    assert "other" not in json.dumps(undone)
    (machine.home / "token").write_bytes(b"hunter2\n")
    assert machine.undo()["plans"][0]["state"] == "undone"


def test_names_may_be_anything(tmp_path: Path) -> None:
    """Blanks, quotes, line breaks, and bytes that are no UTF-8."""
    folder = tmp_path / os.fsdecode(b"a 'b' \"c\" \\ \xff\n d")
    folder.mkdir()
    machine = Machine(folder)
    before = machine.snapshot()

    machine.apply(machine.plan())
    json.dumps(undoing.preview(machine.paths))
    machine.undo()

    assert machine.snapshot() == before


def test_plans_of_hosts_go_back_over_there(machine: Machine) -> None:
    """By the callable that reaches them; the record here goes when it says that all is taken back."""
    plan = Plan("setup remote", (FileChange(PurePosixPath("~/x"), None, b"x", "a file"),), "web1")
    with held(machine.paths, "setup remote") as house:
        Journal.begin(house, plan, "20260101-000000-abcd").event("finished")
    asked = []

    async def on_host(host: str, plan_id: str) -> PlanResult:
        asked.append((host, plan_id))
        return result_of(plan, "undone" if len(asked) > 1 else "undoing", plan_id=plan_id)

    async def undo() -> str:
        return (await undoing.undo(machine.paths, on_host=on_host))["plans"][0]["state"]

    assert asyncio.run(undo()) == "undoing"
    assert len(journals(machine.paths)) == 1
    assert asyncio.run(undo()) == "undone"
    assert asked == [("web1", "20260101-000000-abcd")] * 2
    assert machine.snapshot().keys() == {"."}
    with pytest.raises(NotFound):
        machine.undo()


def test_a_preview_is_what_comes(machine: Machine) -> None:
    """It changes nothing, and its diff ends where the undo ends."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"old\n")
    machine.apply(machine.plan())
    made = machine.snapshot()

    [plan] = undoing.preview(machine.paths)["plans"]

    assert machine.snapshot() == made
    assert "-source /x/wa.bash" in plan["changes"][0]["diff"]
    assert states(plan) == ["to_do", "to_do"]


# -- over generated homes -------------------------------------------------------------------------------------------------

LINES = st.binary(max_size=12).filter(lambda line: not set(b"\r\n\0") & set(line))
CONTENTS = st.builds(
    lambda bom, lines, end, last: (b"\xef\xbb\xbf" if bom else b"") + end.join(lines) + (end if last else b""),
    st.booleans(),
    st.lists(LINES, max_size=4),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.booleans(),
)
MODES = st.sampled_from([0o600, 0o644, 0o640, 0o755, 0o700, 0o666])
TIMES = st.tuples(*[st.integers(10**18, 2 * 10**18)] * 2)
KINDS = st.sampled_from(["none", "file", "link", "twins"])
NAMES = (".bashrc", ".config/fish/config.fish", "dot files/'x'", "deep/er/file")
HOMES = st.fixed_dictionaries({name: st.tuples(KINDS, CONTENTS, MODES, TIMES) for name in NAMES})
WAYS = st.fixed_dictionaries({name: st.sampled_from(["block", "whole", "remove", "leave"]) for name in NAMES})
SLOW = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def build(machine: Machine, home: dict[str, tuple[str, bytes, int, tuple[int, int]]]) -> None:
    for name, (kind, content, mode, times) in home.items():
        if kind == "none":
            continue
        path = machine.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        real = path
        if kind == "link":
            real = machine.home / f"repository-{NAMES.index(name)}"
            path.symlink_to(real)
        real.write_bytes(content)
        if kind == "twins":
            os.link(real, machine.home / f"twin-{NAMES.index(name)}")
        real.chmod(mode)
        os.utime(real, ns=times)
        os.utime(path.parent, ns=times)


def kind_of(machine: Machine, name: str) -> str:
    path = machine.home / name
    return "link" if path.is_symlink() else "twins" if path.stat().st_nlink > 1 else "file"


def planned(machine: Machine, ways: dict[str, str], word: str = "x") -> Plan:
    changes = list[Change]()
    for name, way in ways.items():
        now = files.read(machine.home / name)
        if way == "block":
            text = put_block(files.text_of(now), "shell", f"source {word}")
            changes.append(machine.file(name, files.data_of(text), block="shell"))
        elif way == "whole":
            changes.append(machine.file(name, f"wa's own {word}\n".encode(), mode=0o600))
        elif way == "remove" and now is not None and kind_of(machine, name) == "file":
            changes.append(machine.file(name, None))
    return Plan("setup local", tuple(changes))


@given(home=HOMES, ways=WAYS)
@SLOW
def test_any_home_comes_back(tmp_path_factory: pytest.TempPathFactory, home, ways) -> None:  # type: ignore[no-untyped-def]
    """Set up; the second time nothing changes; taken back, every byte, mode, time and link is as it was."""
    machine = Machine(tmp_path_factory.mktemp("home"))
    build(machine, home)
    before = machine.snapshot()

    first = machine.apply(planned(machine, ways))
    made = machine.snapshot()
    again = machine.apply(planned(machine, ways))
    assert again["id"] is None
    assert machine.snapshot() == made
    if first["id"] is not None:
        undone = machine.undo()
        assert undone["plans"][0]["state"] == "undone"

    assert machine.snapshot() == before


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("apply"), WAYS, st.sampled_from("xyz")),
        st.tuples(st.just("undo"), st.integers(0, 3)),
        st.tuples(st.just("edit"), st.sampled_from(NAMES), st.sampled_from(["above", "below"])),
        st.tuples(st.just("make"), st.sampled_from(NAMES)),
    ),
    max_size=8,
)


@given(home=HOMES, steps=STEPS, only_blocks=st.booleans())
@SLOW
def test_no_edit_of_the_user_is_ever_lost(tmp_path_factory: pytest.TempPathFactory, home, steps, only_blocks) -> None:  # type: ignore[no-untyped-def]
    """Whatever comes in which order: a line of theirs stands in its file, or is kept by the plan that replaced the file."""
    machine = Machine(tmp_path_factory.mktemp("home"))
    build(machine, home)
    edits = dict[str, set[bytes]]()

    def nothing_is_lost() -> None:
        for name, lines in edits.items():
            path = machine.home / name
            kept = path.read_bytes() if path.exists() else b""
            if not only_blocks:
                kept += b"".join(one.read_bytes() for one in house_of(machine.paths).rglob("before.*"))
            assert all(line in kept for line in lines), name

    for number, step in enumerate(steps):
        path = machine.home / str(step[1])
        line = f"edit {number}".encode()
        match step:
            case ("apply", ways, word):
                machine.apply(planned(machine, {n: "block" if only_blocks else way for n, way in ways.items()}, word))
            case ("undo", back):
                known = journals(machine.paths)
                if known:
                    with suppress(Refused):
                        machine.undo(known[max(0, len(known) - 1 - back)].id)
            case ("edit", name, where) if path.exists():
                data = path.read_bytes()
                end = b"" if data.endswith(b"\n") or not data else b"\n"
                path.write_bytes(line + b"\n" + data if where == "above" else data + end + line + b"\n")
                edits.setdefault(name, set()).add(line)
            case ("make", name) if not path.exists() and not path.is_symlink():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(line + b"\n")
                edits.setdefault(name, set()).add(line)
        nothing_is_lost()
    for _ in range(2 * len(steps)):
        if journals(machine.paths):
            machine.undo()
    nothing_is_lost()
    if only_blocks:
        assert journals(machine.paths) == []
        assert not any(b"wa shell: begin" in (machine.home / name).read_bytes() for name in edits)


def test_a_real_kill_between_two_changes(machine: Machine) -> None:
    """The next run of the same command says so, and goes on from there."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from support.homes import Machine\n"
        "from wa.provision.plan import RunCommand\n"
        "machine = Machine(Path(sys.argv[1]), is_new=False)\n"
        "machine.apply(machine.plan(RunCommand(('sleep', '9'), 'a long one')))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script, str(machine.home.parent)], env=env)
    try:
        give_up = time.monotonic() + 30
        while not (machine.home / ".config/wa-made/init.lua").exists():
            assert time.monotonic() < give_up
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    [journal] = journals(machine.paths)
    assert journal.is_interrupted
    result = machine.apply(machine.plan())
    assert any("was interrupted after" in note for note in result["notes"])
    machine.undo_all()
    assert machine.snapshot().keys() == {"."}


@pytest.mark.parametrize("text", ["local c = {}\nreturn c\n", "return { a = 1 }\n", "local c = {}; return c"])
def test_blocks_in_lua_go_too(machine: Machine, text: str) -> None:
    """Also out of a file that was edited beside them, and a replaced one comes back."""
    path = machine.home / ".wezterm.lua"
    path.write_text(text)

    def put(word: str) -> Plan:
        after = put_lua_block(files.text_of(files.read(path)), "tune", lambda name: f"{name}.x = {word}")
        return Plan("tune", (files.file_change(path, after.encode(), "a block", block="tune"),))

    machine.apply(put("1"))
    path.write_text("-- mine\n" + path.read_text())
    machine.apply(put("2"))
    path.write_text("-- more\n" + path.read_text())

    if machine.undo()["plans"][0]["state"] == "undone":
        assert ".x = 1" in path.read_text()
        assert machine.undo()["plans"][0]["state"] == "undone"
        assert path.read_text() == "-- more\n-- mine\n" + text
    else:
        # Around an expression it stands in two pieces.
        assert text.startswith("return")


def test_a_journal_that_cannot_be_read_bars_nothing(machine: Machine) -> None:
    """It is told in the history, and the others go back."""
    machine.apply(block(machine, "one", "1"))
    machine.apply(block(machine, "two", "2"))
    (journals(machine.paths)[0].folder / "plan.json").write_text("{")

    machine.undo()
    known = history(machine.paths)["plans"]
    assert len(known) == 1
    assert "cannot be read" in known[0]["notes"][0]
    with pytest.raises(StoreError, match="cannot be read"):
        machine.undo(known[0]["id"])


def test_what_runs_is_not_started_anew(machine: Machine) -> None:
    """Its new file holds from its next start, and that is told: a multiplexer holds panes."""
    (machine.home.parent / "units").write_text("enabled:wa.service active:wa.service")
    path = PurePosixPath(machine.home / "wa.service")
    plan = Plan("x", (machine.file("wa.service", b"[Unit]\n"), EnableUnit("wa.service", path, "the service")))

    result = machine.apply(plan)

    assert "runs on as it was started" in str(result["changes"][1]["trouble"])
    assert machine.apply(Plan("x", plan.changes[1:]))["changes"][0]["state"] == "holds"


def test_a_file_that_was_made_meanwhile_stays(machine: Machine) -> None:
    """The very last look is the file system's own."""
    path = machine.home / "new"
    real = files.write_all

    def slow(descriptor: int, data: bytes) -> None:
        real(descriptor, data)
        if data == b"wa's\n":
            path.write_bytes(b"an editor was faster\n")

    plan = Plan("x", (machine.file("new", b"wa's\n"),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "write_all", slow)
        with pytest.raises(WaError, match="has made it at this moment"):
            machine.apply(plan)

    assert path.read_bytes() == b"an editor was faster\n"


def test_a_plan_may_change_a_file_twice(machine: Machine) -> None:
    """Each on what the one before has made of it; and back in the other order."""
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"old")
    before = machine.snapshot()
    one = files.data_of(put_block("old", "one", "1"))
    two = files.data_of(put_block(files.text_of(one), "two", "2"))
    path = PurePosixPath(rc)
    plan = Plan("x", (FileChange(path, b"old", one, "a", block="one"), FileChange(path, one, two, "b", block="two")))

    machine.apply(plan)
    assert rc.read_bytes() == two
    assert all(change["diff"] for change in undoing.preview(machine.paths)["plans"][0]["changes"])
    machine.undo()
    assert machine.snapshot() == before


def test_what_somebody_made_read_only_stays(machine: Machine) -> None:
    """Also from an undo; one that wa made so goes."""
    (machine.home / "old").write_bytes(b"old\n")
    token = machine.file("token", b"hunter2\n", mode=0o400, is_secret=True)
    machine.apply(Plan("x", (machine.file("old", b"wa's\n"), token)))
    (machine.home / "old").chmod(0o444)

    [plan] = machine.undo()["plans"]

    assert states(plan) == ["conflict", "undone"]
    assert "is read-only" in str(plan["changes"][0]["trouble"])
    assert (machine.home / "old").read_bytes() == b"wa's\n"
    (machine.home / "old").chmod(0o644)
    assert machine.undo()["plans"][0]["state"] == "undone"
    assert (machine.home / "old").read_bytes() == b"old\n"
