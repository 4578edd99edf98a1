import asyncio

import pytest

from wa.wezterm.background import Background
from wezterm.waiting import run, until


def test_stop_waits_until_the_work_has_cleaned_up() -> None:
    """When stop returns, the coroutine's finally has run; stopping again is harmless."""

    async def scene() -> list[str]:
        told: list[str] = []

        async def work() -> None:
            told.append("began")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                told.append("cleaned")

        background = Background(work(), name="work")
        await until(lambda: told)
        await background.stop()
        await background.stop()
        return told

    assert run(scene()) == ["began", "cleaned"]


def test_a_failure_is_not_swallowed() -> None:
    """What the work died of is raised to whoever stops it."""

    async def scene() -> None:
        async def work() -> None:
            raise ValueError("broken")

        background = Background(work(), name="work")
        await asyncio.sleep(0)
        await background.stop()

    with pytest.raises(ValueError, match="broken"):
        run(scene())
