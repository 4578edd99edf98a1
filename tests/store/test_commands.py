"""What shells ran is stored once, without secrets, found again, and goes as all else goes."""

import pytest

from store.secrets_made_up import ONE_LINERS
from store.world import new_log, opened, run
from wa.detect import session_ops as ops
from wa.store.agent_records import AgentBatch
from wa.store.command_writing import MAX_SHELLS
from wa.store.read_commands import Asked
from wa.store.records import StoreSettings
from wa.store.writer import Writer

TOKEN = "0123456789abcdef"


def began(number, command="make all", *, at_ms=5000, token=TOKEN, cwd="/home/dev", proven=True):
    return ops.BeginCommand(token, number, command, False, cwd, proven, at_ms)


def ended(number, status=0, *, at_ms=6000, took_ms=1000, token=TOKEN):
    return ops.EndCommand(token, number, at_ms, status, took_ms)


def shell(token=TOKEN, *, at_ms=4000):
    return ops.NoteShell(token, "bash", 4711, "/dev/pts/3", "box", "0.1.0", True, at_ms)


def played(tmp_path, work, *operations, panes=1):
    """*work* on writer, reader and the pane's log, once all is stored; each operation twice."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = [await new_log(writer, number) for number in range(panes)]
            for _ in range(2):
                await writer.agent_events([AgentBatch(logs[0].uid, operations)])
            return await work(writer, reader, logs[0])

    return run(test)


def test_a_command_is_stored_once_and_read_back(tmp_path):
    """Handed over twice it is one, and all that was told of it is there."""

    async def work(writer, reader, log):
        return await reader.commands(Asked()), await reader.shells(log.uid)

    listed, (shells, running) = played(tmp_path, work, shell(), began(1), ended(1, 2), began(2, None, at_ms=7000))

    assert [one[2:] for one in listed] == [
        ("p1", TOKEN, 1, "make all", False, "/home/dev", True, 5000, 6000, 2, 1000, True),
        ("p1", TOKEN, 2, None, False, "/home/dev", True, 7000, None, None, None, True),
    ]
    assert shells == [(TOKEN, "bash", 4711, "/dev/pts/3", "box", "0.1.0", True, 4000, 2)]
    assert [one.number for one in running] == [2]


def test_an_end_changes_nothing_that_has_ended(tmp_path):
    """The first word about an end holds, and none comes before its beginning."""

    async def work(writer, reader, log):
        await writer.agent_events([AgentBatch(log.uid, (ended(1, 9, at_ms=99_000), ended(7)))])
        return await reader.commands(Asked())

    (one,) = played(tmp_path, work, began(1), ended(1, 3, at_ms=100))

    assert (one.exit_status, one.ended_ms) == (3, 5000)


@pytest.mark.parametrize("planted", ONE_LINERS, ids=lambda planted: planted.kind)
def test_no_secret_of_a_command_line_reaches_the_disk(tmp_path, planted):
    """Command lines go through the same redaction as all else that is stored."""

    async def work(writer, reader, log):
        return await reader.commands(Asked())

    (one,) = played(tmp_path, work, began(1, f"run --with {planted.text}"))

    assert planted.longest not in one.command
    for path in tmp_path.iterdir():
        assert planted.longest.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Asked(), [1, 2, 3, 4]),
        (Asked(text="MAKE"), [1, 3]),
        (Asked(text="100%"), [2]),
        (Asked(text="no_such"), []),
        (Asked(failed=True), [3]),
        (Asked(slower_ms=60_000, now_ms=10_000), [3]),
        (Asked(slower_ms=60_000, now_ms=100_000), [3, 4]),
        (Asked(since_ms=2000), [2, 3, 4]),
        (Asked(since_ms=2000, until_ms=3000), [2]),
        (Asked(pane="p1", failed=True, text="make", slower_ms=1), [3]),
        (Asked(pane="p2"), []),
    ],
)
def test_commands_are_found_by_what_is_asked(tmp_path, asked, found):
    """By words to the letter, by failure, by time and by how long they lasted; all that is named must fit."""

    async def work(writer, reader, log):
        return await reader.commands(asked)

    told = (
        *(began(1, "make all", at_ms=1000), ended(1, 0, took_ms=10)),
        *(began(2, "echo 100% no-such", at_ms=2000), ended(2, 0, took_ms=10)),
        *(began(3, "Make test", at_ms=3000), ended(3, 2, took_ms=60_000)),
        began(4, "sleep 1000", at_ms=4000),
    )
    assert [one.number for one in played(tmp_path, work, *told, panes=2)] == found


def test_who_follows_is_told_of_beginnings_and_ends(tmp_path):
    """Every change has a greater revision, and one that was forgotten gives its own to nobody."""

    async def work(writer, reader, log):
        first = await reader.commands(Asked(), after_revision=0)
        await writer.forget(pane_uid=log.uid)
        await writer.agent_events([AgentBatch(log.uid, (began(2),))])
        return first, await reader.commands(Asked(), after_revision=first[-1].revision), await reader.last_revision()

    first, then, newest = played(tmp_path, work, began(1), ended(1))

    assert [one.number for one in then] == [2]
    assert first[-1].revision < then[0].revision <= newest


def test_the_limit_takes_the_newest(tmp_path):
    """Oldest first all the same."""

    async def work(writer, reader, log):
        return await reader.commands(Asked(), limit=2)

    told = [began(number, at_ms=1000 * number) for number in range(1, 6)]

    assert [one.number for one in played(tmp_path, work, *told)] == [4, 5]


def test_forgetting_takes_commands_and_shells(tmp_path):
    """Of a pane all, since an instant what ran then; no byte stays."""

    async def work(writer, reader, log):
        await writer.forget(since_ms=5000)
        kept = await reader.commands(Asked())
        await writer.forget(pane_uid=log.uid)
        return kept, await reader.commands(Asked()), await reader.shells(log.uid)

    told = (shell(), began(1, "alpha-word", at_ms=1000), ended(1, at_ms=1500), began(2, "beta-word", at_ms=5000))
    kept, none, shells = played(tmp_path, work, *told)

    assert [one.command for one in kept] == ["alpha-word"]
    assert (none, shells) == ([], ([], []))
    for path in tmp_path.iterdir():
        assert b"alpha-word" not in path.read_bytes()
        assert b"beta-word" not in path.read_bytes()


def test_retention_takes_old_commands(tmp_path):
    """By the age of everything else."""

    async def test():
        path = tmp_path / "wa.db"
        writer = await Writer.open(path, settings=StoreSettings(retain_age_ms=10_000))
        await writer.close()
        async with opened(path, retain_age_ms=10_000) as (writer, reader):
            log = await new_log(writer)
            await writer.agent_events([AgentBatch(log.uid, (began(1, at_ms=1000), began(2, at_ms=50_000)))])
            await writer.retain(55_000)
            return await reader.commands(Asked())

    assert [one.number for one in run(test)] == [2]


def test_the_newest_eight_shells_of_a_pane_are_kept(tmp_path):
    """As many as the sidecar knows while it runs."""

    async def work(writer, reader, log):
        return (await reader.shells(log.uid))[0]

    told = [shell(f"{number:016x}", at_ms=number) for number in range(20)]

    assert [one.at_ms for one in played(tmp_path, work, *told)] == list(range(20 - MAX_SHELLS, 20))


def test_an_export_tells_of_commands(tmp_path):
    """Each as a record of its own, without the shell's token."""

    async def work(writer, reader, log):
        return [record async for record in reader.export() if record["type"] == "command"]

    (record,) = played(tmp_path, work, began(1), ended(1, 2))

    assert TOKEN not in str(record)
    assert (record["command"], record["exit_status"], record["duration_s"]) == ("make all", 2, 1.0)
    assert record["started_at"] == "1970-01-01T00:00:05.000Z"
