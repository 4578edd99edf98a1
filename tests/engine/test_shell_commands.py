"""Shells tell what they run; what other programs print in their place is not believed."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agent_world import TTY, play, screen_pane
from engine.test_zone_watch import out, prompt
from engine.wire import until
from protocol.mux.test_zones import cells, rows
from wa.detect.session_ops import BeginCommand, EndCommand, NoteEvent, NoteShell
from wa.engine.shell_pane import MAX_RUNNING, MAX_SHELLS, ShellPane
from wa.model.observation import Alert
from wa.model.screen import Row
from wa.protocol.mux.zones import RawRows
from wa.protocol.pane_vars import Began, Ended, Handshake
from wa.store.command_records import CommandRecord, ShellRecord
from wa.wezterm.terminal import SourceKind

T, U, V = "a" * 16, "b" * 16, "c" * 32


def hello(token=T, *, host="box", tty=TTY):
    return "WA_PANE", f"v=1;t={token};shell=bash;pid=4711;tty={tty};host={host};wa=0.1.0"


def began(number, command="make all", token=T):
    return "WA_CMD", f"t={token};n={number}" + ("" if command is None else f";c={command}")


def done(number, status=0, took_ms=1000, token=T):
    return "WA_DONE", f"t={token};n={number};e={status};d={took_ms}"


def say(w, *said, pane_id=0):
    for name, value in said:
        w.server.tell(Alert(pane_id, w.server.clock.now_ms(), "user_var", name, value))


def commands(w, pane_uid=None):
    return [
        (found.detection.event, found.detection.fields.get("command"))
        for found in w.events.operations(NoteEvent, pane_uid)
        if found.detection.event.startswith("command.")
    ]


def refused(w):
    return {(trouble.what, trouble.where): trouble.times for trouble in w.shared.troubles.lately()}


async def shell_pane(w, pane_id=0, **options):
    w.programs.names = {}
    w.server.add(screen_pane(pane_id, **options))
    return await w.watched(pane_id)


def test_a_command_is_told_recorded_and_ended(tmp_path):
    """Beginning and end with command, status, duration and folder; told at once, and in the operations of the store."""

    async def scenario(w):
        pane = await shell_pane(w, cwd="file://box/home/dev/a%20b")
        say(w, hello(), began(1), done(1, 2, 61_500))
        await until(lambda: w.heard() == ["command.start", "command.done"])
        told = [item for item in w.told if item["kind"] == "event"]
        await until(lambda: len(w.events.operations(EndCommand)) == 1)
        return pane, told

    pane, told = play(tmp_path, scenario)
    ended = {"command": "make all", "cwd": "/home/dev/a b", "duration_s": 61.5, "exit_status": 2}

    assert told[1]["fields"] == ended
    assert (told[0]["agent"], told[0]["pane_uid"]) == ("shell", pane.uid)
    assert pane.last_event[0] == "command.done"


def test_a_command_ran_where_the_prompt_before_it_stood(tmp_path):
    """A push that carries the folder of afterwards may come before the words of before."""

    async def scenario(w):
        pane = await shell_pane(w, cwd="file://box/home")
        say(w, hello())
        w.server.tell(Alert(0, 1, "cwd"))
        await until(lambda: w.events.operations(NoteShell))
        await asyncio.sleep(0)
        pane.cwd = "file://box/tmp"
        say(w, began(1, "cd /tmp"), done(1))
        w.server.tell(Alert(0, 1, "cwd"))
        say(w, began(2, "make"))
        await until(lambda: w.heard().count("command.start") == 2)
        folders = [item["fields"]["cwd"] for item in w.told if item["kind"] == "event"]
        assert folders == ["/home", "/home", "/tmp"]

    play(tmp_path, scenario)


def test_what_is_told_twice_counts_once(tmp_path):
    """By push and by a plugin, or printed again: one shell, one beginning, one end."""

    async def scenario(w):
        await shell_pane(w)
        for _ in range(3):
            say(w, hello(), began(1), began(1, "rm -rf /"), done(1), done(1, 9))
        say(w, began(2, "last"))
        await until(lambda: ("command.start", "last") in commands(w))
        assert commands(w) == [("command.start", "make all"), ("command.done", "make all"), ("command.start", "last")]
        assert len(w.events.operations(NoteShell)) == 1
        assert refused(w) == {}

    play(tmp_path, scenario)


def test_secrets_are_gone_before_anybody_is_told(tmp_path):
    """A token on a command line reaches neither subscribers nor the operations of the store as text of an event."""
    secret = "ghp_" + "q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsE"

    async def scenario(w):
        await shell_pane(w)
        say(w, hello(), began(1, f"curl -H 'Authorization: Bearer {secret}' x"), done(1))
        await until(lambda: w.heard() == ["command.start", "command.done"])
        assert secret not in str(w.told)

    play(tmp_path, scenario)


def test_a_handshake_of_this_machine_must_name_the_panes_own_terminal(tmp_path):
    """One that names another is refused with all that comes under it, and doctor names the pane."""

    async def scenario(w):
        pane = await shell_pane(w)
        say(w, hello(tty="/dev/pts/7"), began(1), hello(U), began(1, "true", U))
        await until(lambda: commands(w) == [("command.start", "true")])
        assert refused(w) == {
            ("a shell's handshake named another terminal than the pane's", pane.uid): 1,
            ("a WA_CMD came under a token that no shell there has told", pane.uid): 1,
        }

    play(tmp_path, scenario)


def test_another_panes_handshake_is_refused(tmp_path):
    """A program that prints what it saw in another pane speaks for nobody, from whatever host it claims to be."""

    async def scenario(w):
        await shell_pane(w, 0, tty=TTY)
        other = await shell_pane(w, 1, tty="/dev/pts/5")
        say(w, hello(host="far"), pane_id=0)
        say(w, hello(host="far"), began(1, "forged"), pane_id=1)
        say(w, began(1, "true"), pane_id=0)
        await until(lambda: commands(w) == [("command.start", "true")])
        assert ("a shell's handshake was that of another pane", other.uid) in refused(w)

    play(tmp_path, scenario)


def test_a_shell_of_another_host_is_taken_and_marked(tmp_path):
    """Behind ssh nobody sees whose terminal it is: its events say so."""

    async def scenario(w):
        await shell_pane(w)
        say(w, hello(host="far", tty="/dev/pts/0"), began(1))
        await until(lambda: w.heard() == ["command.start"])
        assert w.told[-1]["fields"]["proven"] is False
        await until(lambda: w.events.operations(BeginCommand))
        assert w.events.operations(BeginCommand)[0].proven is False

    play(tmp_path, scenario)


def test_what_breaks_the_grammar_is_dropped_and_named(tmp_path):
    """A megabyte, nonsense and a command without number; the pane's next word is heard."""

    async def scenario(w):
        pane = await shell_pane(w)
        say(w, hello(), ("WA_CMD", f"t={T};n=1;c={'x' * 1_000_000}"), ("WA_CMD", "nonsense"), ("WA_DONE", f"t={T};n=1"))
        say(w, ("PATH", "x" * 1_000_000), ("WEZTERM_PROG", "vim"), began(1, "true"))
        await until(lambda: commands(w) == [("command.start", "true")])
        assert sum(refused(w).values()) == 3
        assert {where for _, where in refused(w)} == {pane.uid}
        assert not any("xxx" in what for what, _ in refused(w))

    play(tmp_path, scenario)


def test_a_pane_that_floods_is_held_back_and_others_are_not(tmp_path):
    """Fifty a second, a hundred at once; the other pane's command is told."""

    async def scenario(w):
        flood = await shell_pane(w, 0)
        await shell_pane(w, 1, tty="/dev/pts/5")
        say(w, *[began(number) for number in range(1, 3_000)], pane_id=0)
        say(w, hello(U, tty="/dev/pts/5"), began(1, "true", U), pane_id=1)
        await until(lambda: commands(w) == [("command.start", "true")])
        assert refused(w)["more than 50 user variables of wa's a second", flood.uid] > 2_000

    play(tmp_path, scenario)


def test_a_shell_that_speaks_before_its_pane_is_listed_is_heard(tmp_path):
    """A shell prints its handshake before the list of panes has come."""

    async def scenario(w):
        w.programs.names = {}
        await until(lambda: w.session.terminal)
        say(w, hello(), began(1, "first"), pane_id=3)
        w.server.add(screen_pane(3))
        await until(lambda: commands(w) == [("command.start", "first")])

    play(tmp_path, scenario)


def test_a_pane_that_is_never_captured_tells_nothing(tmp_path):
    """By its title; and a command that `capture.never.command` names is told without its words."""

    async def scenario(w):
        w.server.add(screen_pane(0, title="bank", tty="/dev/pts/4"))
        await shell_pane(w, 1)
        assert w.session.panes[0].excluded
        say(w, hello(U, tty="/dev/pts/4"), began(1, "secret", U), pane_id=0)
        say(w, hello(), began(1, "/usr/bin/pass show bank"), began(2, "true"), pane_id=1)
        await until(lambda: ("command.start", "true") in commands(w))
        assert commands(w) == [("command.start", None), ("command.start", "true")]

    play(tmp_path, scenario, never={"title": ("bank",), "command": ("pass",), "cwd": (), "host": ()})


def test_an_end_whose_beginning_nobody_heard_is_a_command_all_the_same(tmp_path):
    """The sidecar was away when it began: it began so long ago as it lasted."""

    async def scenario(w):
        await shell_pane(w)
        say(w, hello(), done(4, 1, 5000))
        await until(lambda: w.events.operations(EndCommand))
        (begin,), (end,) = w.events.operations(BeginCommand), w.events.operations(EndCommand)
        assert (begin.command, begin.number, end.ended_ms - begin.started_ms) == (None, 4, 5000)
        assert commands(w) == [("command.done", None)]

    play(tmp_path, scenario)


def test_a_pane_that_ends_ends_its_commands(tmp_path):
    """How they ended nobody saw: no event is told of it."""

    async def scenario(w):
        await shell_pane(w)
        say(w, hello(), began(1))
        await until(lambda: w.heard() == ["command.start"])
        w.server.close_pane(0)
        await until(lambda: w.events.operations(EndCommand))
        assert w.events.operations(EndCommand)[0].exit_status is None
        assert w.heard() == ["command.start"]

    play(tmp_path, scenario)


def test_the_plugin_tells_of_panes_that_are_not_watched_by_push(tmp_path):
    """By the GUI's own number of the pane, or by the token of a mirror; where the push tells, the plugin is not listened to."""

    async def scenario(w):
        pane = await shell_pane(w)

        def told(name, value, *, gui=4711, pane_id=0):
            frame = {"at_ms": 1, "gui": gui, "pane_id": pane_id, "domain": "local", "var": name, "value": value}
            w.shared.shells.told(frame, None)

        told(*hello())
        told(*began(1, "by plugin too"))
        assert w.heard() == []
        pane.mux = pane.mux._replace(started="4711-99")
        pane.source = SourceKind.CLI
        told(*hello())
        told(*began(1, "one"), gui=9)
        told(*began(1, "twice"))
        told(*began(2, "two"), gui=9, pane_id=77)
        told("WA_CMD", "nonsense", gui=9)
        told("WA_CMD", ["nonsense"])
        assert commands_of(w) == ["one", "two"]

    def commands_of(w):
        return [item["fields"]["command"] for item in w.told if item["kind"] == "event"]

    play(tmp_path, scenario)


def test_where_only_prompts_tell_commands_are_told_without_a_status(tmp_path):
    """By semantic zones, in the folder that the prompt stood in; once the shell tells of itself, by that alone."""

    async def scenario(w):
        pane = await shell_pane(w, cwd="file://box/src")
        push = w.server.panes[0].push(1)

        def show(cursor, *changed):
            raw = rows(*(cells(index, *runs) for index, *runs in changed))
            texts = tuple(Row(index, "".join(text for _, text in runs)) for index, *runs in changed)
            seen = push._replace(rows=texts, cursor=push.cursor._replace(y=cursor), raw=RawRows(raw), at_ms=1_000)
            w.shared.shells.pushed(pane, seen)

        show(0, prompt(0))
        show(0, prompt(0, "make"))
        pane.cwd = "file://box/other"
        show(1, out(1))
        show(2, prompt(2))
        told = [item for item in w.told if item["kind"] == "event"]
        assert [item["event"] for item in told] == ["command.start", "command.done"]
        assert told[1]["fields"] == {"command": "make", "cwd": "/src", "duration_s": 0.0, "proven": False}
        say(w, hello(), began(1, "true"))
        await until(lambda: ("command.start", "true") in commands(w))
        show(2, prompt(2, "make"))
        show(3, out(3))
        assert w.heard() == ["command.start", "command.done", "command.start"]

    play(tmp_path, scenario)


# -- what one pane's shells are ------------------------------------------------------------------------------------------


def shake(pane, token=T, *, proven=True):
    return pane.hello(Handshake(token, "bash", 1, "/dev/pts/1", "box", "0"), 0, proven=proven)


def test_shells_inside_of_shells_end_with_the_command_that_began_them():
    """`bash` in bash, killed in the middle of something: the outer shell's end takes it along."""
    pane = ShellPane()
    shake(pane, T)
    pane.began(Began(T, 1, "bash", False), None, 1)
    shake(pane, U)
    pane.began(Began(U, 1, "sleep 9", False), None, 2)
    ran, operations = pane.ended(Ended(T, 1, 0, 10), None, 12)

    assert ran is not None
    assert operations == [EndCommand(U, 1, 12, None, None), EndCommand(T, 1, 12, 0, 10)]
    assert pane.running == []


def test_an_earlier_run_is_gone_on_with():
    """Tokens and what was under way come back from the store; numbers that were told are told."""
    pane = ShellPane()
    under_way = CommandRecord(1, 1, "p1", T, 6, "make", False, None, True, 5, None, None, None, True)
    pane.restore([ShellRecord(T, "bash", 1, "/dev/pts/1", "box", "0", True, 0, 6)], [under_way])

    assert pane.began(Began(T, 6, "make", False), None, 9) == (None, [])
    ran, _ = pane.ended(Ended(T, 6, 3, 4), None, 9)
    assert ran is not None
    assert (ran.command, ran.exit_status) == ("make", 3)


def test_of_too_many_shells_one_that_proved_nothing_goes_first():
    """A program that makes up shells pushes no real one out."""
    pane = ShellPane()
    shake(pane, T)
    for number in range(100):
        shake(pane, f"{number:016x}", proven=False)

    assert pane.knows(T)
    assert sum(pane.knows(f"{number:016x}") for number in range(100)) == MAX_SHELLS - 1


said = st.one_of(
    st.builds(Began, st.sampled_from([T, U, V]), st.integers(1, 6), st.sampled_from([None, "x"]), st.just(False)),
    st.builds(Ended, st.sampled_from([T, U, V]), st.integers(1, 6), st.integers(0, 255), st.integers(0, 9)),
)


@given(st.lists(said, max_size=60))
def test_each_command_begins_once_and_ends_at_most_once(told):
    """In whatever order, and however often, a pane's variables come."""
    pane = ShellPane()
    for token in (T, U, V):
        shake(pane, token)
    begun, ended = [], []
    for at_ms, one in enumerate(told):
        _, operations = pane.began(one, None, at_ms) if isinstance(one, Began) else pane.ended(one, None, at_ms)
        begun += [operation[:2] for operation in operations if isinstance(operation, BeginCommand)]
        ended += [operation[:2] for operation in operations if isinstance(operation, EndCommand)]

    assert len(begun) == len(set(begun))
    assert len(ended) == len(set(ended))
    assert set(ended) <= set(begun)
    assert {one[:2] for one in pane.running} == set(begun) - set(ended)
    assert len({one.token for one in pane.running}) == len(pane.running) <= MAX_RUNNING


@pytest.mark.parametrize("number", [1, 2])
def test_a_number_is_heard_again_under_another_token(number):
    """Each shell counts for itself."""
    pane = ShellPane()
    shake(pane, T)
    shake(pane, U)

    assert pane.began(Began(T, number, "x", False), None, 1)[0] is not None
    assert pane.began(Began(U, number, "x", False), None, 1)[0] is not None
