import asyncio
import gc

from wa.engine import tasks


def test_failures_are_kept_and_handed_on(caplog):
    """A task that nobody awaits leaves its name and error behind."""

    async def broken():
        raise ValueError("boom")

    async def run():
        tasks.forget_failures()
        heard = []
        task = tasks.spawn(broken(), name="reader of x", on_failure=heard.append)
        await asyncio.wait([task])
        return heard

    heard = asyncio.run(run())

    assert [str(error) for error in heard] == ["boom"]
    assert [(failure.task, str(failure.error)) for failure in tasks.recent_failures()] == [("reader of x", "boom")]
    assert "task failed" in caplog.text


def test_cancelling_is_no_failure():
    """Cancellation is ordinary, and `cancel` returns after the clean-up ran."""

    async def run():
        tasks.forget_failures()
        cleaned = []

        async def waits():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.append(True)

        task = tasks.spawn(waits(), name="w")
        await asyncio.sleep(0)
        await tasks.cancel([task, None])
        return cleaned

    assert asyncio.run(run()) == [True]
    assert tasks.recent_failures() == []


def test_a_task_outlives_its_last_reference():
    """The loop alone would let it be collected."""

    async def run():
        done = asyncio.get_running_loop().create_future()

        async def waits():
            await asyncio.sleep(0.01)
            done.set_result("alive")

        tasks.spawn(waits(), name="w")
        gc.collect()
        return await asyncio.wait_for(done, 5)

    assert asyncio.run(run()) == "alive"
