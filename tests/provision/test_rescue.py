"""What the rescue's script says, read; which panes are meant; what is known to go wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import NotFound, Refused, UsageError
from wa.provision.rescue_facts import Log, Machine, Process, ScriptFailure, Server, read_machine
from wa.provision.rescue_plan import choose, panes_of, steps
from wa.provision.rescue_report import read_report
from wa.provision.rescue_symptoms import SYMPTOMS, Answer, Look, owners

RUNTIME = "/run/user/1000/wezterm"
SOCK = f"{RUNTIME}/sock"
WORDS = [
    "server",
    "holds",
    "listens",
    "process",
    "pane",
    "rss",
    "memory",
    "load",
    "scope",
    "program",
    "install",
    "socket",
    "log",
    "tail",
    "bad",
    "system",
    "wanted",
    "ended",
]


def server(pid: int, *, start: int = 100, ttys: tuple[int, ...] = (), sockets: tuple[str, ...] = (SOCK,)) -> Server:
    return Server(
        pid=pid,
        kind="mux",
        start=start,
        age_s=3600,
        rss_kib=40_000,
        threads=9,
        descriptors=40,
        descriptor_limit=1024,
        state="S",
        parent=1,
        unit=None,
        runtime=RUNTIME,
        program="/usr/bin/wezterm-mux-server",
        command="wezterm-mux-server --daemonize",
        sockets=list(sockets),
        ttys=list(ttys),
    )


def process(tty: int, pid: int, *, parent: int, session: int | None = None, command: str = "bash") -> Process:
    leader = pid if session is None else session
    return Process(tty, pid, pid * 10, "S", parent, pid, leader, pid, "/home/me", command)


def machine(*servers: Server, processes: tuple[Process, ...] = ()) -> Machine:
    return Machine(
        system=("Linux", "x86_64", "me", 1000, "box"),
        cores=4,
        memory_kib={"MemTotal": 16_000_000, "MemAvailable": 8_000_000, "SwapTotal": 0, "SwapFree": 0},
        programs={"reptyr": ("/usr/bin/reptyr", "0.9.0"), "tmux": ("/usr/bin/tmux", "3.3a")},
        runtime=RUNTIME,
        servers=list(servers),
        processes=list(processes),
        socket_files=[SOCK],
        panes={4: (0, SOCK), 5: (1, SOCK)},
    )


def applying(look: Look) -> dict[str, list[str]]:
    return {one.symptom: seen for one in SYMPTOMS if (seen := one.found(look))}


@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.builds(
                lambda word, fields: "\t".join(["wa", word, *fields]),
                st.sampled_from(WORDS),
                st.lists(st.text(max_size=8) | st.integers(-5, 99999).map(str), max_size=16),
            ),
        ),
        max_size=20,
    )
)
def test_whatever_a_host_prints_it_is_read_or_passed_over(lines: list[str]) -> None:
    """Rc files, lines cut by a lost connection, numbers that are none: no line breaks the reading of the others."""
    text = "\n".join([*lines, "wa\tload\t1.5\t8"])

    assert read_machine(text).cores == 8
    read_report(text)


def test_a_failure_of_the_script_is_an_error_with_its_next_step() -> None:
    """In the script's words, with the command it named."""
    with pytest.raises(ScriptFailure, match="reptyr is not installed") as caught:
        read_machine("hello\nwa\tfail\tprogram\treptyr is not installed\tsudo apt-get install -y reptyr\n")

    assert caught.value.next_step == "Run `sudo apt-get install -y reptyr`."


def test_memory_growth_is_reckoned_over_the_readings() -> None:
    """KiB a minute; one reading tells nothing."""
    one = server(10)
    assert one.growth_kib_per_minute is None
    one.readings = [(100.0, 1000), (101.5, 1100), (103.0, 1150)]

    assert one.growth_kib_per_minute == pytest.approx(3000)


def test_a_pane_has_many_names() -> None:
    """By terminal, by wa's name, by WezTerm's id, or all those that have a process; each pane once, by terminal."""
    here = machine(server(10, ttys=(5, 4, 9)), processes=(process(4, 20, parent=10), process(5, 30, parent=10)))
    panes = panes_of(here)

    def names(*words: str) -> list[int]:
        return [pane.tty for pane in choose(panes, words, {5: "p17"})]

    assert [pane.tty for pane in panes] == [4, 5, 9]
    assert names("pts/5", "/dev/pts/4", "p17") == [4, 5]
    assert names("1") == [5]
    assert names("all") == [4, 5]
    for word in ("pts/7", "p18", "3"):
        with pytest.raises(NotFound):
            names(word)
    for word in ("", "tty1", "../4", "4;reboot"):
        with pytest.raises(UsageError):
            names(word)


def test_an_id_that_two_servers_have_is_not_guessed() -> None:
    """The terminals are named instead."""
    here = machine(
        server(10, ttys=(4,)),
        server(11, ttys=(5,), start=200),
        processes=(process(4, 20, parent=10), process(5, 30, parent=11)),
    )
    here.panes = {4: (0, SOCK), 5: (0, SOCK)}

    with pytest.raises(UsageError, match="2 servers") as caught:
        choose(panes_of(here), ["0"], {})

    assert "pts/4 or pts/5" in caught.value.next_step


def test_what_reptyr_cannot_take_is_said_beforehand() -> None:
    """A terminal without its first process, or whose first process has another parent."""
    orphan = process(5, 31, parent=1, session=30)
    strange = process(6, 40, parent=1)
    nested = process(8, 50, parent=10, command="/usr/bin/tmux attach -t work")
    here = machine(server(10, ttys=(4, 5, 6, 7, 8)), processes=(process(4, 20, parent=10), orphan, strange, nested))

    hindrances = {pane.tty: pane.hindrance for pane in panes_of(here)}

    assert hindrances[4] is None
    assert "first process has ended" in (hindrances[5] or "")
    assert "no longer a child" in (hindrances[6] or "")
    assert "no process" in (hindrances[7] or "")
    assert "outlives this one anyway" in (hindrances[8] or "")


def test_a_plan_names_each_step_and_refuses_what_only_a_person_can_do() -> None:
    """Installing, ptrace_scope with its way back, each pane; without the rights the command is the next step."""
    here = machine(server(10, ttys=(4,)), processes=(process(4, 20, parent=10),))
    here.scope_path, here.scope, here.scope_way = "/proc/sys/kernel/yama/ptrace_scope", 1, "sudo"
    del here.programs["reptyr"]
    here.install, here.can_install = "apt-get install -y reptyr tmux", True

    todo = "\n".join(steps(here, panes_of(here), "s"))

    assert "install reptyr: apt-get install -y reptyr\n" in todo
    assert "from 1 to 0 by sudo, and back in every case" in todo
    assert "reptyr -T 20" in todo
    here.can_install = False
    with pytest.raises(Refused) as missing:
        steps(here, panes_of(here), "s")
    assert missing.value.next_step == "Run `sudo apt-get install -y reptyr`."
    here.programs["reptyr"] = ("/usr/bin/reptyr", "")
    here.scope_way = "told"
    with pytest.raises(Refused) as told:
        steps(here, panes_of(here), "s")
    assert "sudo sysctl kernel.yama.ptrace_scope=0" in told.value.next_step


def test_a_healthy_machine_has_no_symptom() -> None:
    """One server that owns its socket and answers at once."""
    here = machine(server(10, ttys=(4,)), processes=(process(4, 20, parent=10),))

    assert applying(Look(here, {10: Answer(True, 12.0)}, owners(here))) == {}


def test_a_server_whose_socket_was_taken_is_found() -> None:
    """The one that was started later has it; the fix names a move before the kill."""
    here = machine(server(11, start=900, ttys=(5,)), server(10, start=100, ttys=(4,)))
    look = Look(here, {}, owners(here))

    found = applying(look)

    assert found == {"A server whose socket another one took": [f"10 (1 panes): {SOCK} is of 11 now"]}
    assert look.owns(here.servers[0]) is True
    assert look.owns(here.servers[1]) is False


@pytest.mark.parametrize(
    ("symptom", "change"),
    [
        ("No server runs", {"servers": []}),
        ("A socket's file without a server", {"servers": []}),
        ("A server whose socket's file is gone", {"socket_files": []}),
        ("It is stopped", {"state": "T"}),
        ("It hangs in the kernel", {"state": "D"}),
        ("A server that has ended and is still listed", {"state": "Z"}),
        ("Nearly out of descriptors", {"descriptors": 900}),
        ("Memory is short", {"memory_kib": {"MemTotal": 16_000_000, "MemAvailable": 100_000}}),
        ("Memory is short", {"memory_kib": {"SwapTotal": 1_000_000, "SwapFree": 100_000}}),
        ("It is large, or grows fast", {"rss_kib": 6_000_000}),
        ("It is large, or grows fast", {"readings": [(1.0, 40_000), (4.0, 60_000)]}),
        ("More work than cores", {"load": 9.0}),
        ("The program was replaced under it", {"program": "/usr/bin/wezterm-mux-server (deleted)"}),
        ("Its log speaks of errors", {"logs": [Log("/l", 9, [], ["ERROR x"])]}),
    ],
)
def test_each_symptom_is_found_where_it_applies(symptom: str, change: dict[str, object]) -> None:
    """And only because of what was changed."""
    of_server = {key: value for key, value in change.items() if hasattr(server(1), key)}
    of_machine = {key: value for key, value in change.items() if key not in of_server}
    here = replace(machine(replace(server(10, ttys=(4,)), **of_server)), **of_machine)  # type: ignore[arg-type]

    assert symptom in applying(Look(here, {}, owners(here)))


@pytest.mark.parametrize(
    ("answer", "applies"),
    [
        (Answer(True, 30.0), False),
        (Answer(True, 1200.0), True),
        (Answer(False, None, "no answer in 5 s"), True),
        (Answer(None), False),
    ],
)
def test_a_second_is_the_bound_of_an_answer(answer: Answer, applies: bool) -> None:
    """Slower than that, or none; one that was not asked is not accused."""
    here = machine(server(10))

    assert ("It does not answer within a second" in applying(Look(here, {10: answer}, owners(here)))) is applies


REPORT = """wa	rescue	r1	wa-rescue	ended
wa	wanted	4	20	200	yes	reptyr 77
wa	ended	4	20	moved	77	770	wa-rescue:0	@0	seen
wa	wanted	5	30	300	yes	wezterm-mux-ser 10
wa	began	5	30	78	780	wa-rescue:1
wa	wanted	6	40	400	yes	wezterm-mux-ser 10
wa	wanted	7	50	500	no	nobody
wa	wanted	8	60	600	yes	reptyr 79
wa	ended	8	60	stuck	79	790	wa-rescue:2	@2	-	reptyr hangs
wa	wanted	9	70	700	no	nobody
wa	ended	9	70	moved	80	800	wa-rescue:3	@3	seen
"""


def test_a_report_tells_how_things_stand_now() -> None:
    """What was cut off is judged by who holds the terminal, not by what was written last."""
    report = read_report(REPORT)

    assert [one.standing for one in report.wanted] == ["moved", "stayed", "stayed", "lost", "moved", "moved"]
    assert [one.alive for one in report.wanted] == [True, True, True, False, True, False]
    first = report.wanted[0]
    assert (first.place, first.window, first.shows, first.why) == ("wa-rescue:0", "@0", "seen", None)
    assert report.wanted[1].place == "wa-rescue:1"
