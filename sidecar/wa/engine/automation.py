"""Workflows, put together with the rest of a sidecar."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wa.act.builtin import BUILTINS
from wa.engine import tasks
from wa.engine.run_catalogue import Catalogue
from wa.engine.run_driver import Run
from wa.engine.run_world import Desk, Eyes, Opener, RunWorld, Stirs, Teller
from wa.engine.shared import Shared
from wa.engine.workflow_methods import WorkflowMethods
from wa.engine.workflows import Workflows, agent_tables
from wa.model.command import Ending
from wa.store.reader import Reader
from wa.store.run_reading import RunReader
from wa.store.run_writing import RunWriter
from wa.store.writer import Writer


@asynccontextmanager
async def automation(
    shared: Shared,
    writer: Writer,
    *,
    desk: Desk,
    eyes: Eyes,
    teller: Teller,
    opener: Opener | None = None,
    folder: Path,
    zone: str,
    on_failure: Callable[[BaseException], None],
    ended: Callable[[Run, Ending], None] = lambda _run, _ending: None,
) -> AsyncIterator[WorkflowMethods]:
    """*folder*: the user's workflows. What is under way at the end goes on with the next sidecar."""
    agents = shared.agents

    def profile_of(agent: str | None) -> Mapping[str, Any]:
        detector = None if agents is None or agent is None else agents.agents.detectors.get(agent)
        return {} if detector is None else agent_tables(detector.pack.data)

    # A reader of their own: a long search of the engine's must not hold up a reaction.
    history = await Reader.open(writer.path)
    try:
        read = RunReader(history)
        world = RunWorld(shared.registry, shared.clock, desk, eyes, teller, read, Stirs(), opener)
        workflows = Workflows(
            world,
            RunWriter(writer),
            read,
            history,
            shared.hub,
            Catalogue(BUILTINS, folder),
            zone=zone,
            profile_of=profile_of,
            ended=ended,
            settled=None if agents is None else agents.save,
        )
        await workflows.start()
        shared.news.hear(workflows.mux_came)
        if agents is not None:
            agents.notes.saved = workflows.saved
        running = tasks.spawn(workflows.run(), name="workflows", on_failure=on_failure)
        try:
            yield WorkflowMethods(workflows, shared.registry)
        finally:
            if agents is not None:
                agents.notes.saved = _nobody
            shared.news.hear(lambda _: None)
            await tasks.cancel([running])
            await workflows.close()
    finally:
        await history.close()


def _nobody() -> None:
    return
