"""A shell's command starts workflows, in panes where no agent is."""

import tomllib

from engine.flow_world import play
from wa.act.script import compile_script

FAILED = """
about = "Tells of what failed."
[trigger]
event = "command.done"
[only_if.not]
value = "field.exit_status"
is = 0
[[step]]
notify = "{field.command} failed in {field.cwd}"
body = "It took {field.duration_s} s."
needs_you = false
"""


def test_a_command_that_failed_starts_a_workflow_of_ones_own(tmp_path):
    """By its end, its status and its words; one that succeeded starts nothing that acts."""
    workflow = compile_script(tomllib.loads(FAILED), name="failed", origin="failed.toml", text=FAILED)

    async def scenario(world):
        uid = await world.add(agent=None, title="bash")
        await world.flows.switch("failed", uid, enabled=True)
        fields = {"command": "make all", "cwd": "/src/shop", "duration_s": 61.5}
        await world.say(uid, "command.done", agent="shell", exit_status=0, **fields)
        await world.say(uid, "command.done", agent="shell", exit_status=2, **fields)
        runs = await world.ended(2)
        assert sorted(run.outcome for run in runs) == ["done", "not_now"]
        ((_, title, body, _),) = world.teller.told
        assert (title, body) == ("make all failed in /src/shop", "It took 61.5 s.")

    play(tmp_path, scenario, workflow)
