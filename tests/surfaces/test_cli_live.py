"""The command line against a sidecar that watches the embedded multiplexer, as a user runs it."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from wa.api.shapes import load

SECRET = "sk-ant-api03-" + "Zq7xW2vT9pL4mN8kR1sD6fG3hJ5bC0yA" * 3


def conforms(command: str, data: Any) -> Any:
    """*data* fits its shipped schema, and has no field that the schema does not name."""
    schema = load(command)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(data)
    known(data, schema, schema.get("$defs", {}))
    return data


def known(value: Any, schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    for part in schema.get("anyOf", ()):
        if value is not None and ("$ref" in part or ("items" in part and isinstance(value, list))):
            known(value, part, definitions)
    if isinstance(value, dict) and "properties" in schema:
        assert value.keys() <= schema["properties"].keys()
        for name, field in value.items():
            known(field, schema["properties"][name], definitions)
    elif isinstance(value, list) and "items" in schema:
        for one in value:
            known(one, schema["items"], definitions)


def shell(watched, script: str) -> str:
    """A new pane that runs *script* and then waits."""
    return watched.spawn("/bin/sh", "-c", f"{script}; exec sleep 1000")


def texts(watched, *words: str) -> list[str]:
    return [row["text"] for row in watched.ok("logs", *words)["rows"]]


@contextmanager
def following(watched, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`wa logs … --follow`, killed after a minute so that a test cannot hang on it."""
    follower = subprocess.Popen(
        [sys.executable, "-m", "wa", "logs", *words, "--follow"],
        env=watched.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    late = threading.Timer(60, follower.kill)
    late.start()
    try:
        yield follower
    finally:
        late.cancel()
        follower.kill()
        follower.communicate()


def holding(watched, pane: str, text: str) -> list[str]:
    """The lines of a pane's log and screen, once they hold *text*."""

    def look() -> list[str] | None:
        lines = watched.lines(pane, "--all")
        return lines if any(text in line for line in lines) else None

    return watched.until(f"{text!r} in {pane}", look)


def test_status_tells_sidecar_muxes_and_panes(watched) -> None:
    """`wa status --json` fits its schema, and the table for people names the same things."""
    status = conforms("status", watched.ok("status"))
    text = watched.wa("status").stdout

    assert (status["live"], status["sidecar"]["running"]) == (True, True)
    assert [(mux["name"], mux["state"], mux["source"]) for mux in status["muxes"]] == [("demo", "connected", "push")]
    assert status["panes"]
    assert str(status["sidecar"]["pid"]) in text
    assert "connected" in text
    assert stat.S_IMODE(Path(status["sidecar"]["socket"]).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(status["sidecar"]["database"]).stat().st_mode) == 0o600


def test_quick_and_full_answers_are_the_same(watched) -> None:
    """The short way of `wa panes --json` answers what the long way does, without its imports."""
    heavy = ("typer", "click", "asyncio", "aiohttp", "rich", "wa.api", "wa.engine", "wa.store", "sqlite3")
    ask = (
        "import sys; from wa.surfaces.cli import run; code = run(['panes', '--json']);"
        f"print([name for name in {heavy} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", ask], env=watched.env, capture_output=True, text=True, timeout=60)
    envelope, imported = done.stdout.splitlines()
    quick = conforms("panes", json.loads(envelope)["data"])
    full = conforms("panes", watched.ok("panes", "--all"))

    assert imported == "[]"
    stable = ("pane_uid", "mux", "pane_id", "workspace", "size", "alive", "source")
    by_uid = {pane["pane_uid"]: pane for pane in full["panes"]}
    assert all(pane[field] == by_uid[pane["pane_uid"]][field] for pane in quick["panes"] for field in stable)


def test_a_log_is_whole_and_in_order(watched) -> None:
    """400 lines: the stored part and the screen together hold each once, by every way of naming the pane."""
    name = shell(watched, "seq 1000 1399")
    pane = watched.pane(name)
    holding(watched, name, "1399")
    numbers = [str(number) for number in range(1000, 1400)]

    for wish in (name, pane["pane_uid"], str(pane["pane_id"])):
        assert watched.lines(wish, "--all") == numbers
    data = conforms("logs", watched.ok("logs", name, "--all"))
    assert [row["row"] for row in data["rows"]] == list(range(400))
    assert {row["kind"] for row in data["rows"]} == {"output", "screen"}
    assert watched.lines(name, "--tail", "3") == numbers[-3:]
    assert watched.ok("logs", name, "--tail", "3")["more"] is True
    stored = watched.lines(name, "--all", "--stored")
    assert stored == numbers[: len(stored)]
    assert 400 - 24 <= len(stored) < 400
    default = watched.lines(name)
    assert default == numbers[-len(default) :]
    assert 24 <= len(default) <= 60
    assert watched.wa("logs", name, "--tail", "2").stdout == "1398\n1399\n"


def test_rows_are_those_of_get_text(watched) -> None:
    """`--rows --all` prints what the multiplexer's own command prints; without `--rows` wrapped rows are one line."""
    long = "x" * 200 + "END"
    name = shell(watched, f"seq 50; echo {long}; printf '\\tT é 日本 \\n'; echo; echo last")
    holding(watched, name, "last")
    pane_id = name.rpartition("/")[2]

    def trimmed(text: str) -> list[str]:
        return [line.rstrip() for line in text.rstrip("\n").split("\n")]

    expected = trimmed(watched.mux("get-text", "--pane-id", pane_id, "--start-line", "-1000", "--end-line", "23"))
    assert trimmed(watched.wa("logs", name, "--rows", "--all").stdout) == expected
    assert long in watched.lines(name, "--all")
    assert long not in watched.lines(name, "--all", "--rows")


def test_hostile_titles_and_text_do_not_reach_a_terminal(watched) -> None:
    """Titles with escape sequences stay data: tables show no control character."""
    name = shell(watched, r"printf '\033]2;a\302\233b\342\200\256c\007'; echo ready")
    holding(watched, name, "ready")

    text = watched.wa("panes").stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_search_finds_stored_rows_and_screens(watched) -> None:
    """Words, phrases, regular expressions and limits; hits carry their pane, place and context; screens count."""
    lines = ("alpha needle one", "before", "omega /srv/app/x.py:17: Needle", "after")
    name = shell(watched, "; ".join([*(f"echo '{line}'" for line in lines), "seq 60", "echo fresh needle"]))
    uid = watched.pane(name)["pane_uid"]
    holding(watched, name, "fresh needle")

    found = conforms("search", watched.ok("search", "needle", "--pane", name, "--context", "1"))
    assert [hit["text"] for hit in found["hits"]] == [
        "fresh needle",
        "omega /srv/app/x.py:17: Needle",
        "alpha needle one",
    ]
    assert [hit["kind"] for hit in found["hits"]] == ["screen", "output", "output"]
    assert {hit["pane_uid"] for hit in found["hits"]} == {uid}
    assert (found["hits"][1]["before"], found["hits"][1]["after"]) == (["before"], ["after"])
    assert (found["hits"][2]["row"], found["hits"][1]["row"]) == (0, 2)
    assert (found["more"], found["complete"]) == (False, True)

    limited = watched.ok("search", "needle", "--pane", name, "--limit", "1")
    assert ([hit["text"] for hit in limited["hits"]], limited["more"]) == (["fresh needle"], True)
    by_regex = watched.ok("search", r"/srv/\S+\.py:\d+", "--regex", "--pane", uid)
    assert [hit["text"] for hit in by_regex["hits"]] == ["omega /srv/app/x.py:17: Needle"]
    assert watched.ok("search", "needle", "--pane", name, "--until", "1h")["hits"] == []
    assert watched.ok("search", "needle", "--pane", name, "--host", "elsewhere")["hits"] == []
    assert len(watched.ok("search", "needle", "--pane", name, "--host", "localhost")["hits"]) == 3
    assert watched.fails("search", "(", "--regex")[0] == 2
    assert watched.fails("search", "x", "--pane", "p9999")[0] == 3
    assert "> " not in watched.wa("search", "needle", "--pane", name).stdout
    assert "> omega" in watched.wa("search", "omega", "--pane", name, "-C", "1").stdout


def test_send_types_submits_and_is_seen(watched) -> None:
    """A command sent to a shell runs there, once; `--no-submit` and `--dry-run` go no further than they say."""
    pane = watched.spawn("/bin/sh")
    uid = watched.pane(pane)["pane_uid"]

    planned = conforms("send", watched.ok("send", pane, "echo no-$((1+1))", "--dry-run"))
    assert (planned["outcome"], planned["dry_run"]) == ("planned", True)
    sent = conforms("send", watched.ok("send", pane, "echo is-$((20+22))"))
    assert (sent["outcome"], sent["pane_uid"]) == ("submitted", uid)
    assert sent["seen_after_ms"] >= 0
    lines = holding(watched, pane, "is-42")
    assert [line for line in lines if line == "is-42"] == ["is-42"]
    assert not any("no-" in line for line in lines)
    pasted = watched.ok("send", pane, "-", "--no-submit", stdin="echo from-stdin\n")
    assert pasted["outcome"] == "pasted"
    assert not any(line == "from-stdin" for line in holding(watched, pane, "from-stdin"))


def test_what_was_not_seen_to_be_taken_is_an_error(watched) -> None:
    """Where nothing shows what is typed, the outcome is an error that says so, and policy's no leaves by 5."""
    name = shell(watched, "stty -echo; echo silent; cat >/dev/null")
    holding(watched, name, "silent")

    status, error = watched.fails("send", name, "unseen words")
    assert (status, error["details"]["outcome"]) == (6, "not_seen")
    status, error = watched.fails("send", name, "two\nlines")
    assert (status, error["code"]) == (5, "refused")
    assert watched.fails("send", "demo/999", "x")[0] == 3


def test_follow_prints_what_comes(watched) -> None:
    """Rows come as envelopes, each row once and in order, while the program writes them."""
    go = watched.root / "go"
    name = shell(
        watched, f"echo first; while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.05; done; seq 100 160; echo done"
    )
    holding(watched, name, "first")
    with following(watched, name, "--json") as follower:
        rows: list[dict[str, Any]] = []
        assert follower.stdout is not None
        for line in follower.stdout:
            envelope = json.loads(line)
            assert envelope["meta"]["schema"] == "wa.logs/1"
            rows += conforms("logs", envelope["data"])["rows"]
            go.touch()
            if rows and rows[-1]["text"] == "done":
                break
    assert [row["text"] for row in rows] == ["first", *map(str, range(100, 161)), "done"]
    assert [row["row"] for row in rows] == list(range(63))


def test_follow_ends_with_its_pane(watched) -> None:
    """When the program ends, what was left is printed and the follower leaves by 0; then there is nothing to follow."""
    go = watched.root / "end"
    name = watched.spawn(
        "/bin/sh", "-c", f"echo one; while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.05; done; echo two"
    )
    uid = watched.pane(name)["pane_uid"]
    holding(watched, name, "one")
    with following(watched, name) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "one\n"
        go.touch()
        assert follower.stdout.read() == "two\n"
        assert follower.wait(timeout=30) == 0
    assert watched.fails("logs", uid, "--follow")[0] == 3
    assert watched.lines(uid, "--all") == ["one", "two"]
    assert [pane["alive"] for pane in watched.ok("panes", "--all")["panes"] if pane["pane_uid"] == uid] == [False]
    assert watched.pane(uid) is None


def test_a_follower_is_ended_by_ctrl_c(watched) -> None:
    """SIGINT ends it with 130 and without a word."""
    name = shell(watched, "echo here")
    holding(watched, name, "here")
    with following(watched, name) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "here\n"
        follower.send_signal(signal.SIGINT)
        rest, err = follower.communicate(timeout=30)
        assert (follower.returncode, rest, err.strip()) == (130, "", "")


def test_forgetting_is_for_good(watched) -> None:
    """After `wa forget` neither search nor log finds the rows, and the database file does not hold them."""
    name = shell(watched, "echo unforgettable-kumquat; seq 60")
    holding(watched, name, "60")
    watched.until("the row in the log", lambda: watched.ok("search", "kumquat")["hits"])

    done = conforms("forget", watched.ok("forget", name))
    assert done["rows_deleted"] >= 37
    assert watched.ok("search", "kumquat")["hits"] == []
    assert "unforgettable-kumquat" not in watched.lines(name, "--all", "--stored")
    assert watched.fails("forget", "p9999")[0] == 3


def test_secrets_never_come_out(watched) -> None:
    """A key printed in a pane is redacted in logs, searches, titles and exports."""
    name = shell(watched, f"printf '\\033]2;key {SECRET}\\007'; echo token {SECRET}; echo shown")
    holding(watched, name, "shown")
    export = watched.root / "secrets.jsonl"
    watched.ok("export", "--output", str(export))

    for out in (watched.wa("logs", name, "--all").stdout, watched.wa("panes").stdout, export.read_text()):
        assert SECRET not in out
    assert watched.ok("search", SECRET[20:60])["hits"] == []


def test_export_writes_private_whole_files(watched) -> None:
    """JSON lines and a database copy, 0600, never over an existing file; standard output streams."""
    lines, copy = watched.root / "out.jsonl", watched.root / "copy.db"
    pane = shell(watched, "seq 60")
    watched.until("rows stored", lambda: "9" in watched.lines(pane, "--all", "--stored"))
    data = conforms("export", watched.ok("export", "--output", str(lines)))
    rows = [json.loads(line) for line in lines.read_text().splitlines()]

    assert data["bytes"] == lines.stat().st_size
    assert data["rows"] >= 1
    assert rows
    assert conforms("export", watched.ok("export", "--format", "db", "--output", str(copy)))["format"] == "db"
    with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (lines, copy)] == [0o600, 0o600]
    before = lines.read_bytes()
    assert watched.fails("export", "--output", str(lines))[0] != 0
    assert lines.read_bytes() == before
    streamed = watched.wa("export")
    assert streamed.returncode == 0
    assert all(json.loads(line) for line in streamed.stdout.splitlines())
    assert watched.fails("export", "--output", str(watched.root / "no" / "folder" / "x"))[0] != 0
    assert not list(watched.root.glob("*.part*"))


def test_the_doctor_says_how_it_is_connected(watched) -> None:
    """Socket, codec, push and latency of each multiplexer, and the database's health."""
    found = conforms("doctor", watched.ok("doctor"))
    said = "\n".join(one["what"] for one in found["findings"])

    assert "push" in said
    assert "codec 44" in said
    assert str(watched.mux_socket) in said
    assert "database" in said
    assert "FAIL" not in watched.wa("doctor").stdout


def test_a_second_sidecar_is_told_who_holds_the_lock(watched) -> None:
    """Both ways of starting say the pid; the first one goes on."""
    pid = watched.ok("status")["sidecar"]["pid"]
    for words in (["watch"], ["watch", "--detach"]):
        status, error = watched.fails(*words, "--socket", f"demo={watched.mux_socket}")
        assert (status, error["code"]) == (1, "sidecar.running")
        assert str(pid) in error["message"]
    assert watched.ok("status")["sidecar"]["pid"] == pid


def test_unknown_panes_name_those_that_exist(watched) -> None:
    """The error leaves by 3 and lists candidates, for every command that takes a pane."""
    for words in (["logs", "nope"], ["send", "nope", "x"], ["forget", "nope"], ["search", "x", "--pane", "nope"]):
        status, error = watched.fails(*words)
        assert (status, error["code"]) == (3, "not_found")
        assert any(line.startswith("p") for line in error["details"]["candidates"])


def test_a_log_that_is_cut_off_by_head_is_no_error(watched) -> None:
    """`wa logs --all | head -1` prints one line and nothing on standard error."""
    name = shell(watched, "seq 3000")
    holding(watched, name, "3000")
    command = f"{shlex.quote(sys.executable)} -m wa logs {name} --all | head -1"
    done = subprocess.run(["/bin/sh", "-c", command], env=watched.env, capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr) == ("1\n", "")


def test_keys_reach_the_program(watched) -> None:
    """Each by its name; a name that is none is refused before any is sent."""
    name = shell(watched, "echo asks; head -c 3 | od -c")
    holding(watched, name, "asks")

    done = conforms("keys", watched.ok("keys", name, "a", "tab", "enter"))
    assert (done["outcome"], done["pane_uid"]) == ("pressed", watched.pane(name)["pane_uid"])
    assert any(line.split() == ["0000000", "a", "\\t", "\\n"] for line in holding(watched, name, "\\t"))
    status, error = watched.fails("keys", name, "a", "hyper+x")
    assert (status, error["details"]["outcome"]) == (5, "refused")


def test_there_is_nothing_to_choose_where_no_dialog_is_open(watched) -> None:
    """It says so, and types nothing."""
    name = shell(watched, "echo calm; sleep 60")
    holding(watched, name, "calm")

    status, error = watched.fails("choose", name, "Yes")
    assert (status, error["details"]["outcome"]) == (5, "no_dialog")
    assert conforms("error", error)


def told(watched, which: str, how: str) -> Any:
    """The data of `wa send --to`, which has a schema of its own."""
    envelope = json.loads(watched.wa("send", "--to", which, "echo to-$((40+2))", how, "--json").stdout)
    assert (envelope["ok"], envelope["meta"]["schema"]) == (True, "wa.send-to/1")
    return envelope["data"]


def test_a_text_goes_to_every_pane_that_fits(watched) -> None:
    """Only after a yes; each pane tells what came of it, and where some did not take it the exit status is 1."""
    names = [watched.spawn("/bin/sh") for _ in range(2)]
    uids = sorted(watched.pane(name)["pane_uid"] for name in names)
    folder = watched.root / "apart"
    folder.mkdir()
    for name in names:
        watched.ok("send", name, f"cd {shlex.quote(str(folder))} && printf '\\033]7;file://%s\\007' \"$PWD\"")
        watched.until("the folder is told", lambda name=name: watched.pane(name)["cwd"] == str(folder) or None)

    status, error = watched.fails("send", "--to", f"cwd={folder}", "echo to-$((40+2))")
    assert (status, error["code"]) == (5, "refused.not_confirmed")
    assert all(uid in error["message"] for uid in uids)
    planned = conforms("send-to", told(watched, f"cwd={folder}", "--dry-run"))
    assert [one["outcome"] for one in planned["panes"]] == ["planned", "planned"]
    sent = conforms("send-to", told(watched, f"cwd={folder}", "--yes"))
    assert sorted(one["pane_uid"] for one in sent["panes"]) == uids
    assert {one["outcome"] for one in sent["panes"]} == {"submitted"}
    for name in names:
        assert holding(watched, name, "to-42").count("to-42") == 1
    status, error = watched.fails("send", "--to", f"cwd={folder}", "two\nlines", "--yes")
    assert (status, error["code"], len(error["details"]["panes"])) == (1, "failed.partly_sent", 2)
    assert watched.fails("send", "--to", "cwd=/nowhere/at/all", "x", "--yes")[0] == 3
    assert watched.fails("send", "--to", "colour=red", "x", "--yes")[0] == 2
