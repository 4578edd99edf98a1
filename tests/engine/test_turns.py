"""So many at once, and nobody for long."""

import asyncio

from engine.wire import until
from wa.engine.turns import Turns


def test_so_many_go_at_once_in_the_order_they_came():
    """Who comes when all turns are taken waits for the first that ends."""

    async def inside():
        turns, let, begun = Turns(2, 60.0), [asyncio.Event() for _ in range(4)], []

        async def work(number):
            async with turns.taken():
                begun.append(number)
                await let[number].wait()

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(work(number))
            await until(lambda: len(begun) == 2)
            assert begun == [0, 1]
            let[1].set()
            await until(lambda: len(begun) == 3)
            assert begun == [0, 1, 2]
            for event in let:
                event.set()
        assert begun == [0, 1, 2, 3]

    asyncio.run(inside())


def test_who_takes_long_holds_up_nobody():
    """A turn is over for the others after its time, and ends but once: no more go at once afterwards."""

    async def inside():
        turns, let, begun = Turns(1, 0.05), asyncio.Event(), []

        async def work(number):
            async with turns.taken():
                begun.append(number)
                await let.wait()

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(work(number))
            await until(lambda: begun == [0, 1, 2])
            let.set()
        async with turns.taken():
            assert turns._free.locked(), "the turns that ended late were given back twice"

    asyncio.run(inside())


def test_a_wait_that_is_cancelled_takes_no_turn():
    """Who goes away while waiting leaves the turn to the next."""

    async def inside():
        turns = Turns(1, 60.0)

        async def work():
            async with turns.taken():
                return True

        async with turns.taken():
            waiting = asyncio.ensure_future(work())
            await asyncio.sleep(0)
            waiting.cancel()
        assert await asyncio.wait_for(work(), 5)

    asyncio.run(inside())
