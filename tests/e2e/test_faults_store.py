"""The database is held by another program, has no room, is damaged, or of a newer wa."""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.embedded import running_embedded_mux
from support.sidecar import Home, end, eventually, numbered

PRINTER = """
import os, sys, time
n = 0
while not os.path.exists("enough"):
    for _ in range(10):
        print("row", n)
        n += 1
    sys.stdout.flush()
    time.sleep(0.01)
print("done", flush=True)
time.sleep(100000)
"""


def last_number(home: Home) -> int:
    return max((found or 0 for found in numbered(home.screen("p1"), "row")), default=0)


def notices(home: Home) -> str:
    return "; ".join(home.ask("status")["sidecar"]["notices"])


def test_a_database_that_another_program_holds_is_waited_for(tmp_path: Path) -> None:
    """Capture goes on in memory, the trouble is said, and nothing is missing once the lock is gone."""
    with running_embedded_mux((sys.executable, "-c", PRINTER), scrollback=50_000) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: home.panes().get("p1", {}).get("rows_stored"))
            with closing(sqlite3.connect(home.paths.database, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                eventually(lambda: "database" in notices(home))
                seen = last_number(home)
                eventually(lambda: last_number(home) > seen + 500)
                assert home.ask("status")["sidecar"]["buffered_bytes"] > 50_000
                holder.execute("ROLLBACK")
            eventually(lambda: notices(home) == "")
            (mux.folder / "enough").touch()
            eventually(lambda: "done" in home.screen("p1"))
            whole = home.whole("p1")
            assert numbered(whole, "row") == list(range(len(numbered(whole, "row"))))
            assert None not in whole


def test_memory_that_is_full_drops_rows_and_counts_them(tmp_path: Path) -> None:
    """Held for longer than memory lasts: what was reported stored is there, the rest is a gap of the exact size."""
    with running_embedded_mux((sys.executable, "-c", PRINTER), scrollback=50_000) as mux:
        home = Home(tmp_path, "[wezterm]\ndiscover = false\n[capture]\nmemory_mb = 1\n")
        with home.sidecar("--socket", f"m={mux.socket}"):
            reported = eventually(lambda: home.panes().get("p1", {}).get("rows_stored"))
            with closing(sqlite3.connect(home.paths.database, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                eventually(lambda: "dropped" in notices(home), 60)
                seen = last_number(home)
                eventually(lambda: last_number(home) > seen + 500)
                holder.execute("ROLLBACK")
            eventually(lambda: "takes nothing" not in notices(home))
            seen = last_number(home)
            eventually(lambda: last_number(home) > seen + 500)
            (mux.folder / "enough").touch()
            eventually(lambda: "done" in home.screen("p1"))
            whole = home.whole("p1")
            for position, number in enumerate(numbered(whole, "row")):
                assert number in (position, None)
            assert None not in whole[:reported]
            assert whole.count(None) == home.panes()["p1"]["rows_lost"] > 100


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs prlimit to fill and to empty the disk of one process"
)
def test_a_full_disk_is_survived(tmp_path: Path) -> None:
    """No file of the sidecar may grow for a while: capture goes on, and nothing is missing once there is room again."""
    with running_embedded_mux((sys.executable, "-c", PRINTER), scrollback=50_000) as mux:
        home = Home(tmp_path)
        with home.sidecar("--socket", f"m={mux.socket}") as process:
            eventually(lambda: home.panes().get("p1", {}).get("rows_stored"))
            wal = home.paths.database.with_name("wa.db-wal")
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size + 100_000, hard))
            eventually(lambda: "takes nothing" in notices(home))
            seen = last_number(home)
            eventually(lambda: last_number(home) > seen + 500)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            eventually(lambda: notices(home) == "")
            (mux.folder / "enough").touch()
            eventually(lambda: "done" in home.screen("p1"))
            whole = home.whole("p1")
            assert numbered(whole, "row") == list(range(len(numbered(whole, "row"))))
            assert None not in whole


def test_a_stop_with_a_dead_database_ends_and_says_what_is_lost(tmp_path: Path) -> None:
    """Within seconds; the rows that could not be saved are counted in the log, and the next run fetches them."""
    with running_embedded_mux((sys.executable, "-c", PRINTER), scrollback=50_000) as mux:
        home = Home(tmp_path)
        process = home.start("--socket", f"m={mux.socket}")
        eventually(lambda: home.panes().get("p1", {}).get("rows_stored"))
        with closing(sqlite3.connect(home.paths.database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            eventually(lambda: "database" in notices(home))
            assert end(process, within_s=25) == 0
            holder.execute("ROLLBACK")
        assert "rows not saved" in home.paths.log_file.read_text()
        (mux.folder / "enough").touch()
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: "done" in home.screen("p1"))
            whole = home.whole("p1")
            assert numbered(whole, "row") == list(range(len(numbered(whole, "row"))))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "damaged"),
        (lambda path: edit(path, "PRAGMA user_version = 9999"), "newer"),
        (lambda path: path.chmod(0o644), "chmod"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_and_left_alone(tmp_path: Path, damage, words: str) -> None:
    """A clear error with a next step, exit status 1, and not a byte of the file changed."""
    home = Home(tmp_path)
    with home.sidecar("--socket", "none=/nowhere/sock"):
        pass
    damage(home.paths.database)
    before = home.paths.database.read_bytes()

    done = home.wa("watch", "--json", "--socket", "none=/nowhere/sock")

    error = json.loads(done.stdout)["error"]
    assert done.returncode == 1
    assert error["code"].startswith("store.")
    assert words in json.dumps(error)
    assert error["next_step"]
    assert home.paths.database.read_bytes() == before
    assert not home.paths.socket.exists()


def edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
