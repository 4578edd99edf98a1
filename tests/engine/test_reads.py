import asyncio

from wa.engine.reads import LIMITS, Lane, Reads


def drive(scenario):
    """Runs `scenario(reads, started, release)`; jobs wait for `release(n)` and `started` lists them as they begin."""

    async def run():
        started, gates = [], asyncio.Queue()

        async def perform(key, job):
            started.append((key, job))
            await gates.get()

        async def release(count):
            for _ in range(count):
                gates.put_nowait(None)
            for _ in range(10 * count + 10):
                await asyncio.sleep(0)

        reads = Reads(perform, name="test")
        await scenario(reads, started, release)
        await release(1000)
        return started

    return asyncio.run(run())


def test_a_bursting_pane_gets_its_turn_and_no_more():
    """With hundreds of jobs of one pane queued first, the others' single jobs start in the next places."""

    async def scenario(reads, started, release):
        reads.resume()
        for job in range(200):
            reads.add("burst", job, Lane.LIVE)
        for name in "xyz":
            reads.add(name, 0, Lane.LIVE)
        await release(6)
        assert {key for key, _ in started} >= {"x", "y", "z"}
        assert len(started) == LIMITS[Lane.LIVE] + 6

    started = drive(scenario)

    assert [job for key, job in started if key == "burst"] == list(range(200))


def test_history_and_live_reads_have_places_of_their_own():
    """A flood of old history leaves every live place free, and the other way round."""

    async def scenario(reads, started, release):
        reads.resume()
        for job in range(50):
            reads.add("old", job, Lane.HISTORY)
        await release(0)
        assert len(started) == LIMITS[Lane.HISTORY]
        reads.add("now", 0, Lane.LIVE)
        await release(0)
        assert started[-1] == ("now", 0)

    drive(scenario)


def test_nothing_starts_while_paused():
    """Queued before the connection stands or after it broke: kept, and started when it is back."""

    async def scenario(reads, started, release):
        reads.add("a", 1, Lane.LIVE)
        reads.add("b", 1, Lane.LIVE)
        reads.drop("b")
        await release(0)
        assert (started, reads.waiting, reads.running) == ([], 1, 0)
        reads.resume()
        await release(0)
        assert (started, reads.waiting, reads.running) == ([("a", 1)], 0, 1)

    drive(scenario)


def test_a_failing_read_gives_its_place_back():
    """Places are not used up by errors."""

    async def run():
        done = []

        async def perform(key, job):
            done.append(job)
            raise OSError("gone")

        reads = Reads(perform, name="test")
        reads.resume()
        for job in range(30):
            reads.add("a", job, Lane.LIVE)
        for _ in range(300):
            await asyncio.sleep(0)
        return done, reads.running

    assert asyncio.run(run()) == (list(range(30)), 0)
