"""The shell that began an agent tells of its end; a program in the agent's pane does not."""

import asyncio

from engine.agent_world import play
from engine.test_shell_commands import T, U, began, done, hello, refused, say, shell_pane
from engine.wire import until
from support.codex_rows import BANNER, COMPOSER
from wa.detect.session_ops import CloseSession


async def remote_agent(w):
    """No program is known there: the drawing alone shows the agent."""
    pane = await shell_pane(w)
    say(w, hello(host="far"), began(1, "codex"))
    await until(lambda: w.heard() == ["command.start"])
    w.show(0, *BANNER, *COMPOSER)
    await until(lambda: pane.agent.agent == "codex" and pane.agent.state == "idle")
    return pane


def test_a_remote_agent_ends_with_the_command_that_began_it(tmp_path):
    """At once, and its session with it."""

    async def scenario(w):
        pane = await remote_agent(w)
        say(w, done(1))
        await until(lambda: pane.agent.state == "exited")
        await until(lambda: w.events.operations(CloseSession))

    play(tmp_path, scenario)


def test_words_that_are_forged_inside_of_an_agent_end_nothing(tmp_path):
    """Another shell's beginning and end, an end without a beginning however long it claims to have lasted, a made-up token."""

    async def scenario(w):
        pane = await remote_agent(w)
        say(w, hello(U, host="far"), began(1, "true", U), done(1, 0, 9_000_000, U), done(9, 0, 9_000_000, U))
        say(w, done(1, 0, 9_000_000, "e" * 16))
        await until(lambda: w.heard().count("command.done") == 2)
        await asyncio.sleep(0.3)
        assert (pane.agent.agent, pane.agent.state) == ("codex", "idle")
        assert len(refused(w)) == 1

    play(tmp_path, scenario)


def test_on_this_machine_the_process_says_whether_an_agent_is_there(tmp_path):
    """Even the shell's own token ends no agent whose process stands in the foreground."""

    async def scenario(w):
        pane = await shell_pane(w)
        say(w, hello(), began(1, "codex"))
        await until(lambda: w.heard() == ["command.start"])
        w.programs.names = {pane.listed.tty_name: "codex"}
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.agent == "codex" and pane.agent.state == "idle")
        say(w, done(1))
        await until(lambda: "command.done" in w.heard())
        await asyncio.sleep(0.3)
        assert (pane.agent.agent, pane.agent.state) == ("codex", "idle")

    play(tmp_path, scenario)


def test_the_command_that_reopens_a_session_names_it(tmp_path):
    """Typed in the shell that then runs the agent."""
    uuid = "019bcea5-acb4-7370-a50d-8a2b59553cf6"

    async def scenario(w):
        pane = await shell_pane(w)
        w.show(0, "$ ")
        say(w, hello(T), began(1, f"codex resume {uuid}"))
        await until(lambda: w.heard() == ["command.start"])
        w.programs.names = {pane.listed.tty_name: "codex"}
        w.show(0, *BANNER, *COMPOSER)
        await until(lambda: pane.agent.session_id == uuid)

    play(tmp_path, scenario)
