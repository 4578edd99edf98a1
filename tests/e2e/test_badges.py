"""What an agent does stands in its tab's title while every GUI can draw it, and the user's title is never lost."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.flow_stage import Agent
from support.embedded import RunningMux, running_embedded_mux
from support.gui import Gui, gui, hello, tell
from support.sidecar import Home, end
from wa.protocol.badges import SIGN, marked, own_title

IDLE, WORKING = {"idle": 1}, {"working": 1}


def tab_of(seen: Gui, pane_id: int) -> int:
    from wa.protocol import mux as p

    return next(pane.tab_id for pane in p.panes_of(seen.call(p.ListPanes())) if pane.pane_id == pane_id)


@contextmanager
def stage(tmp_path: Path) -> Iterator[tuple[RunningMux, Home, Gui, Agent, int]]:
    """A mux with an idle agent, a GUI that has the plugin, and a home for sidecars."""
    with running_embedded_mux() as mux, gui(mux.socket, pid=mux.pid) as seen:
        agent = Agent(mux, tmp_path / "agent")
        tab = tab_of(seen, agent.pane_id)
        yield mux, Home(tmp_path / "home"), seen, agent, tab


def test_a_state_stands_in_front_of_the_users_title_and_goes_with_the_sidecar(tmp_path):
    """The user's own title stays behind it, through renames; a clean stop gives it back."""
    with stage(tmp_path) as (mux, home, seen, agent, tab):
        seen.rename(tab, f"my {SIGN} work")
        with home.sidecar("--socket", f"m={mux.socket}"):
            uid = agent.until(home, "idle")
            assert seen.titles[tab] == f"my {SIGN} work"  # nobody has said that it can draw badges
            tell(home.paths.socket, hello(seen.pid))
            seen.wait_for(tab, marked(IDLE, f"my {SIGN} work"))
            seen.rename(tab, "renamed")
            seen.wait_for(tab, marked(IDLE, "renamed"))
            seen.rename(tab, "")
            seen.wait_for(tab, marked(IDLE, ""))
            home.ask("pause", pane=uid)
            seen.wait_for(tab, marked({"idle": 1, "paused": 1}, ""))
            home.ask("resume", pane=uid)
            home.ask("send", pane=uid, text="go on")
            seen.wait_for(tab, marked(WORKING, ""))
            seen.wait_for(tab, marked(IDLE, ""))
            seen.rename(tab, "last")
            seen.wait_for(tab, marked(IDLE, "last"))
        seen.wait_for(tab, "last", within_s=3)
        assert {title for title in seen.titles.values() if SIGN in title} == set()


def test_a_gui_without_the_plugin_never_has_markers_for_long(tmp_path):
    """One that comes later takes them from all, and gives them back when it goes."""
    with stage(tmp_path) as (mux, home, seen, agent, tab), home.sidecar("--socket", f"m={mux.socket}"):
        agent.until(home, "idle")
        tell(home.paths.socket, hello(seen.pid))
        seen.wait_for(tab, marked(IDLE, ""))
        with gui(mux.socket, pid=1, host="elsewhere") as stranger:
            stranger.wait_for(tab, "", within_s=8)
            doctor = home.json("doctor")
            assert any("GUI 1 on elsewhere" in one["what"] for one in doctor["findings"])
        seen.wait_for(tab, marked(IDLE, ""), within_s=10)
        tell(home.paths.socket, hello(seen.pid, badges=False))
        seen.wait_for(tab, "")


def test_markers_of_a_killed_sidecar_are_taken_away_by_the_next(tmp_path):
    """Also where no GUI has announced itself any more; and where it has, they are right at once."""
    with stage(tmp_path) as (mux, home, seen, agent, tab):
        seen.rename(tab, "mine")
        with home.sidecar("--socket", f"m={mux.socket}") as process:
            agent.until(home, "idle")
            tell(home.paths.socket, hello(seen.pid))
            seen.wait_for(tab, marked(IDLE, "mine"))
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        assert seen.titles[tab] == marked(IDLE, "mine")
        seen.rename(seen_other := tab_of(seen, 0), marked({"waiting": 1}, "left"))
        with home.sidecar("--socket", f"m={mux.socket}"):
            seen.wait_for(seen_other, "left")
            assert seen.titles[tab] == marked(IDLE, "mine")
        seen.wait_for(tab, "mine", within_s=3)
        seen.rename(tab, marked({"waiting": 1}, "mine"))
        (home.paths.state / "announced.json").unlink()
        with home.sidecar("--socket", f"m={mux.socket}"):
            seen.wait_for(tab, "mine")


def test_wa_itself_never_shows_a_marker(tmp_path):
    """Whatever stands in the mux: what people and programs ask wa for has the user's title."""
    with stage(tmp_path) as (mux, home, seen, agent, tab), home.sidecar("--socket", f"m={mux.socket}"):
        agent.until(home, "idle")
        tell(home.paths.socket, hello(seen.pid))
        seen.wait_for(tab, begins=f"{SIGN}wa1:")
        for words in (["panes"], ["status"], ["search", "Codex"], ["logs", agent.uid(home)]):
            done = home.wa(*words, "--json")
            assert "wa1:" not in done.stdout + done.stderr


def test_titles_can_be_turned_off_while_the_sidecar_runs(tmp_path):
    """`badges.enabled` is in force within seconds."""
    with stage(tmp_path) as (mux, home, seen, agent, tab), home.sidecar("--socket", f"m={mux.socket}"):
        agent.until(home, "idle")
        tell(home.paths.socket, hello(seen.pid))
        seen.wait_for(tab, marked(IDLE, ""))
        home.paths.config_file.write_text(home.paths.config_file.read_text() + "[badges]\nenabled = false\n")
        seen.wait_for(tab, "")


def test_a_rename_in_the_middle_of_flapping_states_is_never_lost(tmp_path):
    """Each lands between two writes of wa's, and is what stands behind the next; at most ten titles a second are wa's."""
    with stage(tmp_path) as (mux, home, seen, agent, tab), home.sidecar("--socket", f"m={mux.socket}"):
        uid = agent.until(home, "idle")
        tell(home.paths.socket, hello(seen.pid))
        seen.wait_for(tab, marked(IDLE, ""))
        stop = threading.Event()

        def flap() -> None:
            while not stop.is_set():
                home.ask("pause", pane=uid)
                home.ask("resume", pane=uid)

        flapping = threading.Thread(target=flap)
        flapping.start()
        try:
            for number in range(40):
                seen.rename(tab, f"mine {number}")
                seen.wait_for(tab, begins=f"{SIGN}wa1:")
                assert own_title(seen.titles[tab]) == f"mine {number}"
                time.sleep(number % 7 / 100)
        finally:
            stop.set()
            flapping.join()
        seen.wait_for(tab, marked(IDLE, "mine 39"))
        ours = [at_s for at_s, of, title in seen.told if of == tab and SIGN in title]
        assert len(ours) > 40
        assert min(later - earlier for earlier, later in itertools.pairwise(ours)) > 0.05
        assert max(bisect(ours, at_s + 1) - number for number, at_s in enumerate(ours)) <= 11


def test_a_mux_that_hangs_does_not_hold_up_the_end(tmp_path):
    """The titles are given two seconds; the next start takes away what is left."""
    with stage(tmp_path) as (mux, home, seen, agent, tab):
        process = home.start("--socket", f"m={mux.socket}")
        agent.until(home, "idle")
        tell(home.paths.socket, hello(seen.pid))
        seen.wait_for(tab, marked(IDLE, ""))
        mux.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert end(process) == 0
            assert time.monotonic() - began < 6
        finally:
            mux.process.send_signal(signal.SIGCONT)
        with home.sidecar("--socket", f"m={mux.socket}"):
            agent.until(home, "idle")
        seen.wait_for(tab, "")
