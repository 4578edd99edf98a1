"""Search over what is stored: newest first, whole lines, and everything that limits it."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.world import MUX, Log, new_log, opened, pane, rows, run, screen
from wa.model.errors import UsageError
from wa.model.log import Gap, GapReason, RowKind, Segment
from wa.store.query import parse
from wa.store.reader import make_matcher
from wa.store.records import Capture, PaneUpdate
from wa.store.search import search_screen


def test_hits_come_newest_first_over_all_panes(tmp_path):
    """By instant and not by chunk: panes that print now and then hold old rows in new chunks."""
    chance = random.Random(3)

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = [await new_log(writer, number) for number in range(8)]
            printed = []
            for at_ms in range(1000, 4000):
                log = chance.choice(logs[:3] if chance.random() < 0.9 else logs)
                printed.append((at_ms, log.uid, log.next_row))
                await log.add(f"needle {at_ms}", at_ms=at_ms)
            results = []
            for limit in (0, 1, 20, 500, 2999, 3000, 5000):
                found = await reader.search("needle", limit=limit)
                results.append((limit, [(hit.at_ms, hit.pane_uid, hit.row) for hit in found.hits], found.more))
            return printed[::-1], results

    printed, results = run(test)

    for limit, hits, more in results:
        assert hits == printed[:limit]
        assert more == (limit < len(printed))


def test_a_line_over_several_rows_is_one_hit(tmp_path):
    """A URL over four rows is found by any part of it, at the position of its first row."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add(
                "before", "see https://exam\\", "ple.com/a/long/pa\\", "th/to/the/thi\\", "ng.html end", "after"
            )
            await log.add(*(f"filler {number}" for number in range(100)))
            queries = (
                "https://example.com/a/long/path/to/the/thing.html",
                "thing",
                "example.com",
                '"long path"',
                "end",
            )
            return [(await reader.search(query)).hits for query in queries] + [
                (await reader.search(r"path/\w+/the", regex=True)).hits
            ]

    for (hit,) in run(test):
        assert hit.text == "see https://example.com/a/long/path/to/the/thing.html end"
        assert hit.row == 1


def test_context_goes_over_chunks_and_stops_at_gaps(tmp_path):
    """Logical lines of the same pane, as many as were asked for, as far as nothing is missing."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log, other = await new_log(writer, 1), await new_log(writer, 2)
            await log.add(*(f"line {number}" for number in range(63)), "needle one")
            await other.add("not this")
            await log.add("wrapped \\", "line", *(f"line {number}" for number in range(66, 100)))
            await writer.capture([Capture(log.uid, (), (Gap(100, None, GapReason.TRIMMED, 2000),))])
            await log.add("needle two", "last")
            await writer.capture([Capture(log.uid, (), (Gap(102, 5, GapReason.TRIMMED, 2000),))])
            log.next_row += 5
            await log.add("beyond")
            return (await reader.search("needle", context=3)).hits

    two, one = run(test)

    assert (one.before, one.after) == (("line 60", "line 61", "line 62"), ("wrapped line", "line 66", "line 67"))
    assert (two.before, two.after) == ((), ("last",))


def test_limits_by_pane_host_project_and_time(tmp_path):
    """Each alone and together; what they leave is found wherever it lies."""
    remote = MUX._replace(name="box", host="box.example")

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = []
            for number in range(100):
                log = Log(writer, await writer.pane_uid(remote if number % 2 else MUX, pane(number, cwd=None), 1))
                await writer.update_panes([PaneUpdate(log.uid, 1, cwd=f"file:///work/project{number % 4}/src%20x")])
                logs.append(log)
            for turn in range(20):
                for number, log in enumerate(logs):
                    await log.add(*(f"needle {turn}" for _ in range(8)), at_ms=turn * 1000 + number)

            async def count(**limits):
                found = await reader.search("needle", limit=100_000, **limits)
                assert found.complete
                return len(found.hits)

            return [
                await count(),
                await count(panes=["p7"]),
                await count(panes=[f"p{number}" for number in range(1, 81)]),
                await count(panes=[]),
                await count(host="box.example"),
                await count(host="box"),
                await count(host="local"),
                await count(host="nowhere"),
                await count(project="/work/project1"),
                await count(project="/work/project1/src x/"),
                await count(project="/work/project"),
                await count(project="/"),
                await count(since_ms=15_000),
                await count(until_ms=15_000),
                await count(since_ms=5000, until_ms=6000),
                await count(host="box", project="/work/project3", since_ms=5000, until_ms=6000, panes=["p4", "p5"]),
            ]

    assert run(test) == [
        16_000, 160, 12_800, 0, 8000, 8000, 8000, 0, 4000, 4000, 0, 16_000, 4000, 12_000, 800, 8,
    ]  # fmt: skip


def test_a_project_is_where_the_pane_stood_when_it_printed(tmp_path):
    """What was printed before it went elsewhere is found there, and what came after is not."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer, cwd="file:///one")
            await log.add("needle in one")
            await writer.update_panes([PaneUpdate(log.uid, 2, cwd="file://box/two")])
            await log.add("needle in two")
            await writer.update_panes([PaneUpdate(log.uid, 3, cwd="/one/sub")])
            await log.add("needle in one/sub")
            return {
                folder: [hit.text for hit in (await reader.search("needle", project=folder)).hits]
                for folder in ("/one", "/two", "/one/sub", "/on")
            }

    assert run(test) == {
        "/one": ["needle in one/sub", "needle in one"],
        "/two": ["needle in two"],
        "/one/sub": ["needle in one/sub"],
        "/on": [],
    }


def test_pages_are_told_from_output(tmp_path):
    """A full-screen program's pages are found, and named as such."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("needle printed")
            segment = Segment(1, rows("needle shown", "~"), 2000, RowKind.SCREEN)
            await writer.capture([Capture(log.uid, (segment,))])
            return [(hit.text, hit.kind) for hit in (await reader.search("needle")).hits]

    assert run(test) == [("needle shown", RowKind.SCREEN), ("needle printed", RowKind.OUTPUT)]


def test_a_search_for_nothing_but_signs_reads_everything(tmp_path):
    """The index knows words only; the lines are found all the same."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add(*(f"line {number}" for number in range(300)), "a => b", *(f"x {n}" for n in range(300)))
            return [hit.text for hit in (await reader.search("=>")).hits]

    assert run(test) == ["a => b"]


def test_rows_with_newlines_inside_are_one_line(tmp_path):
    """No terminal prints them; positions must be right even so."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            await log.add("a\nb", "needle\x00one\nmore", *(f"x\n{n}" for n in range(80)), "c", "needle two")
            found = await reader.search("needle", context=1)
            return [(hit.row, hit.text, hit.before, hit.after) for hit in found.hits]

    assert run(test) == [
        (83, "needle two", ("c",), ()),
        (1, "needle\x00one more", ("a b",), ("x 0",)),
    ]


def test_a_search_that_runs_out_of_time_says_so(tmp_path):
    """What it has found by then is given, and it is told apart from all there is."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log = await new_log(writer)
            for turn in range(20):
                await log.add(*(f"{turn} " + "a" * 60 for _ in range(500)))
            await log.add("a" * 40)
            return (
                await reader.search(r"(a|aa)+$", regex=True, limit=1, within_s=5),
                await reader.search(r"(a|aa)+b$", regex=True, within_s=0.3),
            )

    found, stopped = run(test)

    assert [hit.text for hit in found.hits] == ["a" * 40]
    assert (stopped.hits, stopped.complete) == ((), False)


def test_a_query_that_says_nothing_is_an_error(tmp_path):
    """And so is a broken pattern."""

    async def test():
        async with opened(tmp_path / "wa.db") as (_, reader):
            with pytest.raises(UsageError):
                await reader.search("  ")
            with pytest.raises(UsageError):
                await reader.search("(", regex=True)

    run(test)


def test_a_screen_is_searched_like_the_log():
    """Soft wraps joined, lowest first, no position; phrases may go over lines."""
    shown = screen("$ make needle\\", "stack", "", "two needles: Needle", "needle", at_ms=7)

    found = search_screen("p1", shown, make_matcher("needle", regex=False), context=1)
    wrapped = search_screen("p1", shown, make_matcher("needlestack", regex=False), context=0)
    by_pattern = search_screen("p1", shown, make_matcher(r"^two", regex=True), context=0)

    assert [(hit.text, hit.before, hit.row, hit.kind) for hit in found] == [
        ("needle", ("two needles: Needle",), None, None),
        ("two needles: Needle", ("",), None, None),
    ]
    assert [hit.text for hit in wrapped] == ["$ make needlestack"]
    assert [hit.text for hit in by_pattern] == ["two needles: Needle"]


def test_rows_that_are_not_yet_indexed_are_found_whatever_they_hold(tmp_path):
    """Signs that mean something to LIKE, a NUL, capitals, accents, newlines inside a row, very long words."""
    texts = ["used 50% of a_b", "axb 50 of", "nul\0 then needle", r"C:\Temp\new", "NEEDLE", "CAFÉ", "one ( (\n( two"]
    long = "x" * 60_000

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            for number, text in enumerate([*texts, long]):
                await (await new_log(writer, number)).add(text, at_ms=number)
            queries = ("50%", "a_b", "needle", r"c:\temp\new", "cafe", '"( ( ("', '"( ("', "xx*", long)
            return [[hit.text[:20] for hit in (await reader.search(query)).hits] for query in queries]

    assert run(test) == [
        *([texts[0]], [texts[0]], [texts[4], texts[2]], [texts[3]], [texts[5]]),
        *(["one ( ( ( two"], ["one ( ( ( two"], [long[:20]], [long[:20]]),
    ]


WORDS = st.sampled_from(["alpha", "Beta", "gamma-ray", "δέλτα", "epsilon", "alphabet", "x=1", "café", "50%", "\0nul"])
PRINTED = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.lists(WORDS, max_size=4), min_size=1, max_size=40)), max_size=12
)


@given(
    PRINTED,
    st.sampled_from(
        ["alpha", "beta", "gamma-ray", "alph*", "CAFE", "x=1", "50%", "nul", "alpha beta", "δελτα", '"alpha epsilon"']
    ),
)
@settings(max_examples=40, deadline=None)
def test_search_finds_what_looking_at_every_line_finds(tmp_path_factory, printed, query):
    """Through index, open chunks and all: the same lines, in the order of time."""
    folder = tmp_path_factory.mktemp("search")

    async def test():
        async with opened(folder / "wa.db") as (writer, reader):
            logs = [await new_log(writer, number) for number in range(3)]
            lines = {log.uid: [] for log in logs}
            for at_ms, (number, found) in enumerate(printed, 1000):
                texts = [" ".join(words) for words in found]
                for row, text in enumerate(texts, logs[number].next_row):
                    lines[logs[number].uid].append((at_ms, row, text))
                await logs[number].add(*texts, at_ms=at_ms)
            found = await reader.search(query, limit=10_000)
            return lines, [(hit.at_ms, hit.pane_uid, hit.row, hit.text) for hit in found.hits]

    lines, hits = run(test)

    if " " not in query:
        expected = [
            (at_ms, uid, row, text) for uid, log in lines.items() for at_ms, row, text in log if parse(query).find(text)
        ]
        assert sorted(hits) == sorted(expected)
    assert [at_ms for at_ms, *_ in hits] == sorted((at_ms for at_ms, *_ in hits), reverse=True)


def test_searching_while_others_write_sees_whole_commits(tmp_path):
    """Each answer is from one state: of rows captured together all are found, or none."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            logs = [await new_log(writer, number) for number in range(2)]
            seen = []

            async def write():
                for turn in range(60):
                    await writer.capture(
                        [Capture(log.uid, (Segment(turn * 3, rows(*(f"needle t{turn}",) * 3), turn),)) for log in logs]
                    )

            async with asyncio.TaskGroup() as group:
                task = group.create_task(write())
                while not task.done():
                    seen.append(len((await reader.search("needle", limit=10_000)).hits))
            return seen, len((await reader.search("needle", limit=10_000)).hits)

    seen, last = run(test)

    assert last == 360
    assert all(count % 6 == 0 for count in seen)
    assert seen == sorted(seen)
